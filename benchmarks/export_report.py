"""How long a report takes and how large it is, beside opening the network.

    python -m benchmarks.export_report [ROUNDS [NETWORK ...]]

For each network: opened, in turn with its report and with its notebook, each of what has just been
opened. The ratios are medians over the rounds of ratios within a round; `packed` is the report as
mail packs it.
"""

from __future__ import annotations

import gzip
import statistics
import sys
from datetime import date

import explorer
from benchmarks.against_torchview import seconds
from explorer.exporting.notebook import notebook
from explorer.exporting.report import report

NETWORKS = ["lenet5", "vgg16", "resnet50", "resnet152", "mobilenetv3_large", "inception_v3",
            "densenet201", "efficientnet_b7", "vit_b_16"]


def row(network: str, rounds: int) -> float:
    rows = []
    for _ in range(rounds + 1):
        opening = seconds(explorer.open, network)
        opened = explorer.open(network)
        rows.append((opening, seconds(report, opened), seconds(notebook, opened)))
    opening, made, noted = (statistics.median(column) * 1e3
                            for column in zip(*rows[1:], strict=True))
    ratio = statistics.median(made / opening for opening, made, _ in rows[1:])
    page = report(explorer.open(network), date=date(2026, 1, 1)).encode()
    print(f"{network:22} {opening:8.1f} ms {made:8.1f} ms {min(row[1] for row in rows) * 1e3:8.1f} "
          f"ms {noted:7.2f} ms {ratio:7.1f} {len(page) / 1e3:8.0f} kB "
          f"{len(gzip.compress(page)) / 1e3:8.0f} kB", flush=True)
    return ratio


def main(rounds: int, networks: list[str]) -> None:
    print(f"{'network':22} {'open':>11} {'report':>11} {'fastest':>11} {'notebook':>10} "
          f"{'ratio':>7} {'report':>11} {'packed':>11}")
    ratios = [row(network, rounds) for network in networks]
    print(f"\nreport / open: geometric mean {statistics.geometric_mean(ratios):.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7, sys.argv[2:] or NETWORKS)
