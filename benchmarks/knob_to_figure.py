"""From the turn of a knob to its new figures, in a real browser, with the table open.

    python -m benchmarks.knob_to_figure [NETWORK ...]

Turns the width slider, then gives the input size by its number field, and waits for the
multiply-adds in the header to change. Every turn is a config that the server has not seen.
"""

from __future__ import annotations

import statistics
import sys

import explorer
from benchmarks.watch import FIGURE, field, slider
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
        print(f"\nmedian of all turns: {statistics.median(every):.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:] or list(explorer.presets()))
