"""How a figure grows with a knob: the power that fits, of a network and of each of its stages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.sweeping.records import Record

STAGED = ("params", "macs")
"""Figures that a `StageCost` has."""

Slice = Sequence[tuple[float, Record]]
"""Values of one knob, each with the record there; all other knobs stay."""


@dataclass(frozen=True, slots=True)
class StageLaw:
    """How one stage grows."""

    path: str
    exponent: float | None
    """None where it costs nothing, or is not always there."""
    share: float
    """Of the whole, where the knob has its largest value, from 0 to 1; of all slices together."""


@dataclass(frozen=True, slots=True)
class Law:
    """A figure grows as a knob to the power of `exponent`."""

    exponent: float
    error: float
    """The furthest that a point is from that, as a share of it: 0.1 for 10%."""


def exponent(points: Sequence[Sequence[tuple[float, float]]]) -> Law | None:
    """The power p of y = c · x^p that fits some slices of points (x, y), each with a c of its own,
    by least squares of the logarithms.

    None where there is nothing to fit: fewer than two values, or one that is not above 0.

    >>> exponent([[(1, 3), (2, 12), (4, 48)]]).exponent
    2.0
    """
    along, up, logs = 0.0, 0.0, []
    for slice in points:
        if any(x <= 0 or y <= 0 for x, y in slice):
            return None
        own = [(math.log(x), math.log(y)) for x, y in slice]
        if not own:
            continue
        mean = [math.fsum(values) / len(own) for values in zip(*own, strict=True)]
        centred = [(x - mean[0], y - mean[1]) for x, y in own]
        along += math.fsum([x * x for x, _ in centred])
        up += math.fsum([x * y for x, y in centred])
        logs.append(centred)
    if not along:
        return None
    power = round(up / along, 9) + 0.0      # -0.0 is 0
    return Law(power, max([abs(math.expm1(y - power * x)) for own in logs for x, y in own]))


def law(slices: Sequence[Slice], figure: str) -> Law | None:
    """How one of a network's `FIGURES` grows with a knob, over slices that differ in other knobs;
    None where it fits no power. What is not known is left out."""
    return exponent([[(x, value) for x, record in slice
                      if (value := record.figure(figure)) is not None] for slice in slices])


def stage_laws(slices: Sequence[Slice], figure: str) -> list[StageLaw]:
    """The same of each stage, for one of `STAGED`."""
    counted = [[(x, {stage.path: getattr(stage, figure) for stage in record.stages})
                for x, record in slice if record.totals] for slice in slices]
    if not any(counted):
        return []
    most = max(x for slice in counted for x, _ in slice)
    largest: dict[str, int] = {}
    for costs in [costs for slice in counted for x, costs in slice if x == most]:
        for path, cost in costs.items():
            largest[path] = largest.get(path, 0) + cost
    total = sum(largest.values()) or 1
    laws = []
    for path, cost in largest.items():
        fitted = exponent([[(x, costs.get(path, 0)) for x, costs in slice] for slice in counted])
        laws.append(StageLaw(path, fitted.exponent if fitted else None, cost / total))
    return laws
