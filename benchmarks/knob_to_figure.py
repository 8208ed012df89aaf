"""From the turn of a knob to its new figures, in a real browser, with the table open.

    python -m benchmarks.knob_to_figure [NETWORK ...]

Turns the width slider with the arrow keys and waits for the parameters in the header to change.
Every turn is a config that the server has not seen. Streamlit itself waits 200 ms after a key on a
slider before it sends the value; a number field sends at once. So both are measured.
"""

from __future__ import annotations

import statistics
import sys

from playwright.sync_api import Locator, Page

import explorer
from tests.server import chromium, running_app

WATCH = """key => new Promise(resolve => {
  const value = () => document.querySelectorAll('[data-testid="stMetricValue"]')[1]?.innerText;
  const old = value();
  let start;
  addEventListener("keydown", event => { if (event.key === key) start = performance.now(); },
                   { capture: true, once: true });
  const look = () => start && value() !== old ? (window.took = performance.now() - start)
                                              : requestAnimationFrame(look);
  window.took = null;
  look();
  resolve();
})"""


def turns(page: Page, widget: Locator, key: str, count: int, prepare: str | None) -> list[float]:
    """Milliseconds from each key to the new figure."""
    times = []
    for step in range(count):
        widget.focus()
        if prepare:
            widget.fill(str(int(prepare) + 32 * (step + 1)))
        page.evaluate(WATCH, key)
        page.keyboard.press(key)
        page.wait_for_function("window.took !== null", timeout=60_000)
        times.append(page.evaluate("window.took"))
        page.wait_for_timeout(700)
    return times


def main(networks: list[str]) -> None:
    print(f"{'network':20} {'slider':>10} {'number field':>14}   median (slowest), ms")
    with running_app() as address, chromium() as browser:
        medians = []
        for network in networks:
            page = browser.new_page(viewport={"width": 1440, "height": 1400})
            page.goto(f"{address}/?network={network}")
            page.get_by_test_id("stMetricValue").first.wait_for(timeout=60_000)
            page.wait_for_timeout(8000)     # the first measurement is over by then
            slider = turns(page, page.get_by_role("slider", name="Width"), "ArrowRight", 8, None)
            size = explorer.configure(network).input_size
            field = turns(page, page.get_by_role("spinbutton", name="Input size"), "Enter", 8,
                          str(size))
            medians += [*slider, *field]
            print(f"{network:20} {statistics.median(slider):4.0f} ({max(slider):.0f})"
                  f" {statistics.median(field):8.0f} ({max(field):.0f})", flush=True)
            page.close()
        print(f"\nmedian of all turns: {statistics.median(medians):.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:] or list(explorer.presets()))
