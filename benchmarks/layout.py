"""How long layout and SVG of a drawing take, beside Graphviz on the same drawing.

    python -m benchmarks.layout [ROUNDS [NETWORK ...]]

For every preset's blocks, and for ResNet-152's layers with every run unfolded: ours from the
drawing to the page's SVG; the old way, Graphviz from the DOT of the same drawing to an SVG, in turn
with it. The ratios are medians over the rounds of ratios within a round.
"""

from __future__ import annotations

import statistics
import sys

import explorer
from benchmarks.against_torchview import lay_out, seconds, unfolded
from explorer.views import graph


def row(name: str, drawing: graph.Drawing, rounds: int) -> float:
    overlay = graph.overlay(graph.KIND, drawing)

    def ours() -> None:
        graph.page_svg(graph.lay_out(drawing, overlay=overlay), overlay, {})

    def old() -> None:
        lay_out(graph.to_dot(drawing, overlay=overlay))

    rows = [(seconds(ours), seconds(old)) for _ in range(rounds + 1)][1:]
    ratio = statistics.median(other / own for own, other in rows)
    own, other = (statistics.median(column) * 1e3 for column in zip(*rows, strict=True))
    fastest = min(own for own, _ in rows) * 1e3
    print(f"{name:26} {len(drawing.nodes):6} {own:9.1f} ms {fastest:9.1f} ms {other:9.1f} ms "
          f"{ratio:8.1f}", flush=True)
    return ratio


def main(rounds: int, networks: list[str]) -> None:
    print(f"{'drawing':26} {'nodes':>6} {'ours':>12} {'fastest':>12} {'Graphviz':>12} {'ratio':>8}")
    ratios = [row(f"{network}, blocks", graph.Drawing(explorer.open(network).structure), rounds)
              for network in networks]
    row("resnet152, every layer", unfolded(explorer.open("resnet152").structure), rounds)
    print(f"\nGraphviz / ours, blocks: least {min(ratios):.1f}, geometric mean "
          f"{statistics.geometric_mean(ratios):.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15, sys.argv[2:] or list(explorer.presets()))
