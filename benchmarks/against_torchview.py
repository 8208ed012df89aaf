"""How fast the layer graph of every preset is made, here and with torchview, in one process, in
turn.

    python -m benchmarks.against_torchview [ROUNDS [NETWORK ...]]

Both from a config to an SVG in which every layer is a node: ours `explore`, structure, drawing at
layer level with every run unfolded, layout and SVG; torchview at its best (built on meta without
initialisation, `draw_graph` there, opened to the last layer, frames around modules), laid out by
Graphviz. The ratios are medians over the rounds of ratios within a round.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pygraphviz
from torchview import draw_graph

import explorer
from explorer.views import graph


def unfolded(structure: graph.Structure) -> graph.Drawing:
    """Every layer of a network as a node."""
    return graph.Drawing(structure, "layer",
                         [id for id, part in structure.parts.items() if part.role == "run"])


def ours(config: explorer.Config) -> None:
    drawing = unfolded(explorer.open(config).structure)
    overlay = graph.overlay(graph.KIND, drawing)
    graph.page_svg(graph.lay_out(drawing, overlay=overlay), overlay, {})


def theirs(config: explorer.Config) -> None:
    drawn = draw_graph(explorer.build(config), input_size=config.input_shape, device="meta",
                       depth=100, expand_nested=True)
    lay_out(str(drawn.visual_graph.source))


def lay_out(dot: str) -> None:
    with pygraphviz.AGraph(string=dot) as made:
        made.draw(format="svg", prog="dot")


def seconds(way: Callable[..., object], *given: Any) -> float:
    gc.collect()
    start = time.perf_counter()
    way(*given)
    return time.perf_counter() - start


def main(rounds: int, networks: list[str]) -> None:
    print(f"{'network':20} {'ours':>12} {'torchview':>12} {'torchview/ours':>15}")
    ratios = []
    for network in networks:
        config = explorer.configure(network)
        rows = [(seconds(ours, config), seconds(theirs, config))
                for _ in range(rounds + 1)][1:]
        ratios.append(statistics.median(other / own for own, other in rows))
        own, other = (statistics.median(column) * 1e3 for column in zip(*rows, strict=True))
        print(f"{network:20} {own:9.0f} ms {other:9.0f} ms {ratios[-1]:15.1f}", flush=True)
    print(f"\ntorchview / ours: least {min(ratios):.1f}, geometric mean "
          f"{statistics.geometric_mean(ratios):.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7, sys.argv[2:] or list(explorer.presets()))
