"""How fast the layer graph of every preset is made, here and with torchview, in one process, in
turn.

    python -m benchmarks.against_torchview [ROUNDS [NETWORK ...]]

Both from a config to an SVG in which every layer is a node: ours (`explore`, structure, drawing
at layer level, DOT), torchview at its best (built on meta without initialisation, `draw_graph`
there, opened to the last layer, frames around modules); then the same Graphviz lays out either.
Both are drawn top down, the only way that torchview has for stages; beside it stands our layout
with stages side by side. The ratios are medians over the rounds of ratios within a round.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable

import pygraphviz
from torchview import draw_graph

import explorer
from explorer.views import graph


def ours(config: explorer.Config, direction: graph.Direction = "TB") -> str:
    return graph.to_dot(graph.Drawing(explorer.open(config).structure, "layer"),
                        direction=direction)


def side_by_side(config: explorer.Config) -> str:
    return ours(config, "LR")


def theirs(config: explorer.Config) -> str:
    drawn = draw_graph(explorer.build(config), input_size=config.input_shape, device="meta",
                       depth=100, expand_nested=True)
    return str(drawn.visual_graph.source)


def lay_out(dot: str) -> bytes:
    with pygraphviz.AGraph(string=dot) as made:
        return bytes(made.draw(format="svg", prog="dot"))


def times(way: Callable[[explorer.Config], str], config: explorer.Config) -> list[float]:
    """Seconds to the DOT, and from it to the SVG."""
    gc.collect()
    start = time.perf_counter()
    dot = way(config)
    made = time.perf_counter()
    lay_out(dot)
    return [made - start, time.perf_counter() - made]


def main(rounds: int, networks: list[str]) -> None:
    ways = {"ours": ours, "side by side": side_by_side, "torchview": theirs}
    print(f"{'':20} " + "".join(f"{name:>25}" for name in ways) + f"{'torchview/ours':>20}\n"
          f"{'network':20} " + len(ways) * f"{'DOT':>12} {'layout':>12}"
          + f"{'top down':>11} {'side':>8}")
    ratios = []
    for network in networks:
        config = explorer.configure(network)
        for way in ways.values():
            times(way, config)
        rows = [[times(way, config) for way in ways.values()] for _ in range(rounds)]
        columns = zip(*[[each for pair in row for each in pair] for row in rows], strict=True)
        top_down, beside = (statistics.median(sum(row[2]) / sum(row[way]) for row in rows)
                            for way in (0, 1))
        ratios.append(top_down)
        print(f"{network:20} " + "".join(f"{statistics.median(column) * 1e3:9.0f} ms "
                                         for column in columns)
              + f"{top_down:11.1f} {beside:8.1f}", flush=True)
    print(f"\ntorchview / ours, top down:  least {min(ratios):.1f}, geometric mean "
          f"{statistics.geometric_mean(ratios):.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7, sys.argv[2:] or list(explorer.presets()))
