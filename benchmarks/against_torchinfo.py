"""How fast every preset is built and analysed, here and with torchinfo, in one process, in turn.

    python -m benchmarks.against_torchinfo [ROUNDS]

Three ways: ours (`summarise`: build, trace, analyse), torchinfo as most people call it (build with
weights, then `summary`), and torchinfo at its best (build on meta without initialisation, then
`summary` on meta). The ratios are medians over the rounds of ratios within a round, so that a
machine that changes its speed changes neither.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable

import torchinfo

import explorer


def seconds(function: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(rounds: int) -> None:
    print(f"{'network':20} {'ours':>9} {'torchinfo meta':>15} {'torchinfo':>11}"
          f" {'meta/ours':>10} {'torchinfo/ours':>15}")
    whole = []
    for name, preset in explorer.presets().items():
        config = preset.config

        def ours(config: explorer.Config = config) -> object:
            return explorer.summarise(config)

        def on_meta(config: explorer.Config = config) -> object:
            return torchinfo.summary(explorer.build(config), input_size=config.input_shape,
                                     device="meta", verbose=0)

        def with_weights(config: explorer.Config = config) -> object:
            return torchinfo.summary(explorer.build(config, "cpu"), input_size=config.input_shape,
                                     device="cpu", verbose=0)

        ways = (ours, on_meta, with_weights)
        for way in ways:
            way()
        times = [[seconds(way) for way in ways] for _ in range(rounds)]
        medians = [statistics.median(column) for column in zip(*times, strict=True)]
        meta = statistics.median(row[1] / row[0] for row in times)
        weights = statistics.median(row[2] / row[0] for row in times)
        whole.append((meta, weights))
        print(f"{name:20} {medians[0] * 1e3:6.1f} ms {medians[1] * 1e3:12.1f} ms "
              f"{medians[2] * 1e3:8.1f} ms {meta:10.1f} {weights:15.1f}", flush=True)
    metas, weighted = zip(*whole, strict=True)
    print(f"\ntorchinfo on meta / ours:  least {min(metas):.1f}, geometric mean "
          f"{statistics.geometric_mean(metas):.1f}")
    print(f"build + torchinfo / ours:  least {min(weighted):.1f}, geometric mean "
          f"{statistics.geometric_mean(weighted):.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
