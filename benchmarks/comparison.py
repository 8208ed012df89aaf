"""How long a comparison takes, beside the summary of one network.

    python -m benchmarks.comparison [ROUNDS]

For pairs of presets: both built, traced, aligned and ready to show (the parts with their reasons),
in turn with `summarise` of the one that takes longer; and the alignment of ResNet-152 with itself
and with ResNet-101. The ratios are medians over the rounds of ratios within a round.
"""

from __future__ import annotations

import statistics
import sys

import explorer
from benchmarks.against_torchview import seconds
from explorer.structure.alignment import align
from explorer.views.comparison import part_rows

PAIRS = [("resnet34", "resnet50"), ("vgg16", "resnet50"), ("vgg16", "vgg19"),
         ("mobilenetv3_large", "mobilenetv3_large&squeeze_excite=off"),
         ("inception_v3", "inception_v3_tutorial"), ("resnet101", "resnet152")]


def compared(one: str, other: str) -> None:
    explorer.compare(one, other).parts("layer")


def shown(one: str, other: str) -> None:
    part_rows(explorer.compare(one, other), "macs", by_difference=False)


def main(rounds: int) -> None:
    print(f"{'pair':58} {'summarise':>10} {'compare':>10} {'shown':>10} {'ratio':>7} {'shown':>7}")
    for one, other in PAIRS:
        slower = max((one, other), key=lambda name: min(
            seconds(explorer.summarise, name) for _ in range(3)))
        rows = [(seconds(explorer.summarise, slower), seconds(compared, one, other),
                 seconds(shown, one, other)) for _ in range(rounds + 1)][1:]
        own, both, page = (statistics.median(column) * 1e3 for column in zip(*rows, strict=True))
        ratios = [statistics.median(row[place] / row[0] for row in rows) for place in (1, 2)]
        print(f"{one + ', ' + other:58} {own:7.1f} ms {both:7.1f} ms {page:7.1f} ms "
              f"{ratios[0]:7.2f} {ratios[1]:7.2f}", flush=True)
    deepest = explorer.open("resnet152").structure
    for name in ("resnet152", "resnet101"):
        other_structure = explorer.open(name).structure
        times = [seconds(align, deepest, other_structure) for _ in range(rounds + 1)][1:]
        print(f"alignment of resnet152 with {name}: {statistics.median(times) * 1e3:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
