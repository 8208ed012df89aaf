"""From a knob's move to the redrawn graph, in a real browser.

    python -m benchmarks.graph_redraw [--against CHECKOUT] [NETWORK ...]

At block level for every network: the width slider and the number field of the input size, from the
key to the other SVG in the component. Every turn is a config that the server has not seen. Then the
largest graph of the networks, opened to its layers: from the click on "Layers", and from the number
field. Beside each stand the longest freeze of the page, and the largest share of the cores that
other guests of the same computer had in a turn: turns with more than a twentieth are taken again,
as far as there are better ones.

With `--against`, the app of another checkout is served beside this one, and the two take turns.
Below each row stands the other's, and the ratio, ours to theirs: the median over the rounds of
ratios within a round.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
from playwright.sync_api import Page

import explorer
from benchmarks.watch import GRAPH, Turn, field, slider, turn
from tests.server import ROOT, chromium, running_app

ROUNDS, TURNS = 4, 2
"""Of every network; turns of each page before the other's."""


def layers(page: Page) -> Turn:
    choice = page.get_by_role("radiogroup", name="Show").get_by_role("radio", name="Layers")
    return turn(page, GRAPH, "pointerdown", None, choice.click)


def opened(page: Page, link: str) -> None:
    page.bring_to_front()
    page.goto(link)
    page.locator(".canvas svg .node").first.wait_for(timeout=60_000)
    page.wait_for_timeout(8000)     # the first measurement is over by then


def shown(turns: list[Turn]) -> str:
    times, freezes, stolen = zip(*turns, strict=True)
    return (f"{statistics.median(times):8.0f} {max(times):8.0f} {max(freezes):8.0f} "
            f"{max(stolen):7.0%}")


def alternating(pages: list[Page], take: Callable[[Page, int], list[Turn]]) -> list[list[Turn]]:
    """The turns of each page, round by round."""
    taken: list[list[Turn]] = [[] for _ in pages]
    for number in range(ROUNDS):
        for page, turns in zip(pages, taken, strict=True):
            page.bring_to_front()
            turns += take(page, number)
    return taken


def write(name: str, slid: list[list[Turn]], typed: list[list[Turn]]) -> None:
    for label, *columns in zip((name, "  the other checkout"), slid, typed, strict=False):
        print(f"{label:28} " + " ".join(map(shown, columns)), flush=True)
    if len(slid) > 1:
        print(f"{'  ratio':28} " + " ".join(f"{ratio(*each):8.2f} {'':26}"
                                            for each in (slid, typed)), flush=True)


def ratio(own: list[Turn], other: list[Turn]) -> float:
    """The median over the rounds of ratios within a round."""
    halves = [[statistics.mean(each.took for each in batch) for batch in batched(turns)]
              for turns in (own, other)]
    return float(statistics.median(one / two for one, two in zip(*halves, strict=True)))


def batched(turns: list[Turn]) -> list[list[Turn]]:
    size = len(turns) // ROUNDS
    return [turns[first:first + size] for first in range(0, len(turns), size)]


@click.command()
@click.argument("networks", nargs=-1)
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(networks: tuple[str, ...], against: Path | None) -> None:
    networks = networks or tuple(explorer.presets())
    print(f"{'ms':28} {'slider, or click on Layers':>34} {'number field':>34}\n{'network':28}"
          + 2 * f" {'median':>8} {'slowest':>8} {'freeze':>8} {'stolen':>7}")
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        addresses = [stack.enter_context(running_app(root))
                     for root in (ROOT, *([against.resolve()] if against else []))]
        pages = [browser.new_page(viewport={"width": 1440, "height": 1400}) for _ in addresses]

        def typed(size: int) -> list[list[Turn]]:
            return alternating(pages, lambda page, number: field(
                page, GRAPH, TURNS, size + 32 * 3 * TURNS * number))

        for network in networks:
            for page, address in zip(pages, addresses, strict=True):
                opened(page, f"{address}/?network={network}")
            slid = alternating(pages, lambda page, number: slider(page, GRAPH, TURNS))
            write(network, slid, typed(explorer.configure(network).input_size))
        largest = max(networks, key=lambda name: explorer.summarise(
            explorer.configure(name)).totals.layers)

        def clicked(page: Page, number: int) -> list[Turn]:
            address = addresses[pages.index(page)]
            opened(page, f"{address}/?network={largest}&input_size={224 + 32 * number}")
            return [layers(page)]

        write(f"{largest}, every layer", alternating(pages, clicked), typed(352))


if __name__ == "__main__":
    main()
