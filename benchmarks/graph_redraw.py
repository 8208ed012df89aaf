"""From a knob's move to the redrawn graph, in a real browser.

    python -m benchmarks.graph_redraw [NETWORK ...]

At block level for every network: the width slider and the number field of the input size, from the
key to the other SVG in the component. Every turn is a config that the server has not seen. Then the
largest graph of the networks, opened to its layers: from the click on "Layers", and from the number
field. Beside each stand the longest freeze of the page, and the largest share of the cores that
other guests of the same computer had in a turn: turns with more than a twentieth are taken again,
as far as there are better ones.
"""

from __future__ import annotations

import statistics
import sys

from playwright.sync_api import Page

import explorer
from benchmarks.watch import GRAPH, Turn, field, slider, turn
from tests.server import chromium, running_app


def layers(page: Page) -> Turn:
    choice = page.get_by_role("radiogroup", name="Show").get_by_role("radio", name="Layers")
    return turn(page, GRAPH, "pointerdown", None, choice.click)


def opened(page: Page, link: str) -> None:
    page.goto(link)
    page.locator(".canvas svg .node").first.wait_for(timeout=60_000)
    page.wait_for_timeout(8000)     # the first measurement is over by then


def shown(turns: list[Turn]) -> str:
    times, freezes, stolen = zip(*turns, strict=True)
    return (f"{statistics.median(times):8.0f} {max(times):8.0f} {max(freezes):8.0f} "
            f"{max(stolen):7.0%}")


def main(networks: list[str]) -> None:
    print(f"{'ms':20} {'slider':>34} {'number field':>34}\n{'network':20}"
          + 2 * f" {'median':>8} {'slowest':>8} {'freeze':>8} {'stolen':>7}")
    with running_app() as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1400})
        for network in networks:
            opened(page, f"{address}/?network={network}")
            by_slider = slider(page, GRAPH, 6)
            by_field = field(page, GRAPH, 6, explorer.configure(network).input_size)
            print(f"{network:20} {shown(by_slider)} {shown(by_field)}", flush=True)
        largest = max(networks, key=lambda name: explorer.summarise(
            explorer.configure(name)).totals.layers)
        clicks = []
        for size in (224, 256, 288):
            opened(page, f"{address}/?network={largest}&input_size={size}")
            clicks.append(layers(page))
        print(f"\n{largest}, every layer\n{'click on Layers':20} {shown(clicks)}")
        print(f"{'number field':20} {shown(field(page, GRAPH, 6, 288))}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(explorer.presets()))
