"""From a knob's move to the redrawn graph, in a real browser.

    python -m benchmarks.graph_redraw [NETWORK ...]

At block level for every network: the width slider and the number field of the input size, from the
key to the other SVG in the component. Every turn is a config that the server has not seen.
Streamlit itself waits 200 ms after a key on a slider before it sends the value. Then the largest
graph of the networks, opened to its layers: from the click on "Layers", and from the number field.
Beside each stands the longest freeze of the page: the longest task of its thread, as the browser
itself reports it, until half a second past the graph.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable

from playwright.sync_api import Page

import explorer
from tests.server import chromium, running_app

WATCH = """([kind, key]) => {
  const find = root => { for (const element of root.querySelectorAll("*")) {
    if (element.classList.contains("canvas")) return element;
    const found = element.shadowRoot && find(element.shadowRoot);
    if (found) return found; } };
  const canvas = find(document), old = canvas.firstElementChild;
  let start;
  Object.assign(window, { took: null, freeze: 0 });
  window.tasks ??= new PerformanceObserver(list => { for (const task of list.getEntries())
    window.freeze = Math.max(window.freeze, task.duration); });
  window.tasks.observe({ type: "longtask" });
  addEventListener(kind, event => {
    if (!key || event.key === key) start = performance.now();
  }, { capture: true, once: true });
  const look = () => start && canvas.firstElementChild !== old
    ? requestAnimationFrame(() => { window.took = performance.now() - start; })
    : requestAnimationFrame(look);
  look();
}"""


def turn(page: Page, kind: str, key: str | None, act: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds to the redrawn graph, and of the longest freeze."""
    page.evaluate(WATCH, [kind, key])
    act()
    page.wait_for_function("window.took !== null", timeout=60_000)
    took = page.evaluate("window.took")
    page.wait_for_timeout(700)
    return took, page.evaluate("window.freeze")


def slider(page: Page, count: int) -> list[tuple[float, float]]:
    page.get_by_role("slider", name="Width").focus()
    return [turn(page, "keydown", "ArrowRight", lambda: page.keyboard.press("ArrowRight"))
            for _ in range(count)]


def field(page: Page, count: int, size: int) -> list[tuple[float, float]]:
    widget, times = page.get_by_role("spinbutton", name="Input size"), []
    for step in range(1, count + 1):
        widget.fill(str(size + 32 * step))
        times.append(turn(page, "keydown", "Enter", lambda: page.keyboard.press("Enter")))
    return times


def layers(page: Page) -> tuple[float, float]:
    choice = page.get_by_role("radiogroup", name="Show").get_by_role("radio", name="Layers")
    return turn(page, "pointerdown", None, choice.click)


def opened(page: Page, link: str) -> None:
    page.goto(link)
    page.locator(".canvas svg .node").first.wait_for(timeout=60_000)
    page.wait_for_timeout(8000)     # the first measurement is over by then


def shown(turns: list[tuple[float, float]]) -> str:
    times, freezes = zip(*turns, strict=True)
    return f"{statistics.median(times):8.0f} {max(times):8.0f} {max(freezes):8.0f}"


def main(networks: list[str]) -> None:
    print(f"{'ms':20} {'slider':>26} {'number field':>26}\n{'network':20}"
          + 2 * f" {'median':>8} {'slowest':>8} {'freeze':>8}")
    with running_app() as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1400})
        for network in networks:
            opened(page, f"{address}/?network={network}")
            by_slider = slider(page, 6)
            by_field = field(page, 6, explorer.configure(network).input_size)
            print(f"{network:20} {shown(by_slider)} {shown(by_field)}", flush=True)
        largest = max(networks, key=lambda name: explorer.summarise(
            explorer.configure(name)).totals.layers)
        clicks = []
        for size in (224, 256, 288):
            opened(page, f"{address}/?network={largest}&input_size={size}")
            clicks.append(layers(page))
        print(f"\n{largest}, every layer\n{'click on Layers':20} {shown(clicks)}")
        print(f"{'number field':20} {shown(field(page, 6, 288))}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(explorer.presets()))
