"""From an event in a real browser to the change of the page that it causes.

The page itself takes the times. Nothing looks at every frame (as `wait_for_function` does): that
makes the browser draw frames which nobody needs, and took as long as what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page

SETTLED_MS = 700
"""For how long after the change freezes still count."""

_WATCH = """(kind, key, [element, value]) => {
  const old = value();
  let start;
  window.freeze = 0;
  window.tasks ??= new PerformanceObserver(list => { for (const task of list.getEntries())
    window.freeze = Math.max(window.freeze, task.duration); });
  window.tasks.observe({ type: "longtask" });
  addEventListener(kind, event => {
    if (!key || event.key === key) start = performance.now();
  }, { capture: true, once: true });
  window.took = new Promise((resolve, reject) => {
    const watch = new MutationObserver(() => {
      if (!start || value() === old) return;
      watch.disconnect();
      requestAnimationFrame(() => resolve(performance.now() - start));
    });
    watch.observe(element, { childList: true, subtree: true, characterData: true });
    setTimeout(reject, 60_000, "nothing has changed in a minute");
  });
}"""

FIGURE = """[document.body,
  () => document.querySelectorAll('[data-testid="stMetricValue"]')[1]?.textContent]"""
"""The multiply-adds in the header, which both knobs change."""

GRAPH = """(() => {
  const find = root => { for (const element of root.querySelectorAll("*")) {
    if (element.classList.contains("canvas")) return element;
    const found = element.shadowRoot && find(element.shadowRoot);
    if (found) return found; } };
  const canvas = find(document);
  return [canvas, () => canvas.firstElementChild];
})()"""
"""The SVG of the graph."""


class Turn(NamedTuple):
    """Milliseconds from the event to the frame with the change, and of the longest freeze: the
    longest task of the page's thread, as the browser reports it."""

    took: float
    freeze: float


def turn(page: Page, of: str, kind: str, key: str | None, act: Callable[[], None]) -> Turn:
    """Time from the event `kind` (of that `key`), which `act` causes, to another value `of`
    `FIGURE` or `GRAPH`."""
    page.evaluate(f"([kind, key]) => ({_WATCH})(kind, key, {of})", [kind, key])
    act()
    took = page.evaluate("window.took")
    page.wait_for_timeout(SETTLED_MS)
    return Turn(took, page.evaluate("window.freeze"))


def slider(page: Page, of: str, count: int) -> list[Turn]:
    """Turn the width slider by its arrow key, which sends the value at once."""
    page.get_by_role("slider", name="Width").focus()
    return [turn(page, of, "keydown", "ArrowRight", lambda: page.keyboard.press("ArrowRight"))
            for _ in range(count)]


def field(page: Page, of: str, count: int, size: int) -> list[Turn]:
    """Give the input size other values than `size`."""
    widget, turns = page.get_by_role("spinbutton", name="Input size"), []
    for step in range(1, count + 1):
        widget.fill(str(size + 32 * step))
        turns.append(turn(page, of, "keydown", "Enter", lambda: page.keyboard.press("Enter")))
    return turns
