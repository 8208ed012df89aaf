"""From the turn of a knob to its new figures, in a real browser, with the table open.

    python -m benchmarks.knob_to_figure [NETWORK ...]

Turns the width slider, then gives the input size by its number field, and waits for the
multiply-adds in the header to change. Every turn is a config that the server has not seen. Then
the same on Compare, in the second column beside VGG, in turn with Explore: the ratio of medians.
"""

from __future__ import annotations

import statistics
import sys

from playwright.sync_api import Browser

import explorer
from benchmarks.watch import COMPARED, FIGURE, field, slider
from tests.server import chromium, running_app


def main(networks: list[str]) -> None:
    print(f"{'network':20} {'slider':>10} {'number field':>14}   median (slowest), ms")
    with running_app() as address, chromium() as browser:
        every = []
        for network in networks:
            page = browser.new_page(viewport={"width": 1440, "height": 1400})
            page.goto(f"{address}/?network={network}")
            page.get_by_test_id("stMetricValue").first.wait_for(timeout=60_000)
            page.wait_for_timeout(8000)     # the first measurement is over by then
            by_slider = [turn.took for turn in slider(page, FIGURE, 8)]
            by_field = [turn.took for turn in
                        field(page, FIGURE, 8, explorer.configure(network).input_size)]
            every += by_slider + by_field
            print(f"{network:20} {statistics.median(by_slider):4.0f} ({max(by_slider):.0f})"
                  f" {statistics.median(by_field):8.0f} ({max(by_field):.0f})", flush=True)
            page.close()
        print(f"\nmedian of all turns: {statistics.median(every):.0f} ms\n")
        for network in networks:
            ratio = beside_explore(browser, address, network)
            print(f"{network:20} Compare / Explore: {ratio:.2f}", flush=True)


def beside_explore(browser: Browser, address: str, network: str) -> float:
    """How long Compare takes to show new figures, by how long Explore takes."""
    other = "vgg16" if network != "vgg16" else "vgg19"
    pages = {FIGURE: f"{address}/?network={network}",
             COMPARED: f"{address}/compare?a={other}&b={network}"}
    opened = {of: browser.new_page(viewport={"width": 1440, "height": 1400}) for of in pages}
    for of, page in opened.items():
        page.goto(pages[of])
        page.locator(".canvas svg .node").first.wait_for(timeout=60_000)
        page.wait_for_timeout(8000)
    size = explorer.configure(network).input_size
    taken: dict[str, list[float]] = {of: [] for of in pages}
    for turn in range(4):
        for of, page in opened.items():
            page.bring_to_front()
            # Sizes of its own: what one page has asked for the server knows when the other does.
            first = size + 32 * (2 * turn + (of == COMPARED)) * 8
            taken[of] += [each.took for each in field(page, of, 2, first)]
    for page in opened.values():
        page.close()
    return statistics.median(taken[COMPARED]) / statistics.median(taken[FIGURE])


if __name__ == "__main__":
    main(sys.argv[1:] or list(explorer.presets()))
