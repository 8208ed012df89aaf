"""From an event in a real browser to the change of the page that it causes.

The page itself takes the times. Nothing looks at every frame (as `wait_for_function` does): that
makes the browser draw frames which nobody needs, and took as long as what is measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import psutil
from playwright.sync_api import Page

SETTLED_MS = 700
"""For how long after the change freezes still count."""
STOLEN, TRIES = 0.05, 3
"""Share of the cores that other guests of the same computer may have had during a turn that counts,
and how many times as many turns are taken at most to find enough of those."""

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

COMPARED = """[document.body, () => [...document.querySelectorAll(".compared tr")]
  .find(row => row.textContent.startsWith("Multiply-adds"))?.lastElementChild?.textContent]"""
"""The multiply-adds of the last network on the page Compare."""

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
    longest task of the page's thread, as the browser reports it. What share of the cores other
    guests had meanwhile."""

    took: float
    freeze: float
    stolen: float


def turn(page: Page, of: str, kind: str, key: str | None, act: Callable[[], None]) -> Turn:
    """Time from the event `kind` (of that `key`), which `act` causes, to another value `of`
    `FIGURE` or `GRAPH`."""
    page.evaluate(f"([kind, key]) => ({_WATCH})(kind, key, {of})", [kind, key])
    before = psutil.cpu_times()
    act()
    took = page.evaluate("window.took")
    page.wait_for_timeout(SETTLED_MS)
    spent = [now - then for now, then in zip(psutil.cpu_times(), before, strict=True)]
    stolen = type(before)(*spent)._asdict().get("steal", 0.0)
    return Turn(took, page.evaluate("window.freeze"), stolen / sum(spent))


def calm(take: Callable[[], Turn], count: int) -> list[Turn]:
    """The first `count` turns in which others had no more than `STOLEN`; where there are fewer,
    those in which they had the least."""
    turns: list[Turn] = []
    while sum(each.stolen <= STOLEN for each in turns) < count and len(turns) < TRIES * count:
        turns.append(take())
    return sorted(turns, key=lambda each: max(each.stolen, STOLEN))[:count]


def slider(page: Page, of: str, count: int) -> list[Turn]:
    """Turn the width slider by its arrow key, which sends the value at once."""
    page.get_by_role("slider", name="Width").focus()
    return calm(lambda: turn(page, of, "keydown", "ArrowRight",
                             lambda: page.keyboard.press("ArrowRight")), count)


def field(page: Page, of: str, count: int, size: int) -> list[Turn]:
    """Give the input size other values than `size`."""
    widget = page.get_by_role("spinbutton", name="Input size").last
    sizes = itertools.count(size + 32, 32)

    def take() -> Turn:
        widget.fill(str(next(sizes)))
        return turn(page, of, "keydown", "Enter", lambda: page.keyboard.press("Enter"))

    return calm(take, count)
