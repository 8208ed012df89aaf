"""Axes and scales of numbers that are written as SI does, even or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from explorer.views.charts import even_ticks, tick

LOGARITHMIC_FROM = 3
"""From which ratio of the largest to the smallest a logarithmic axis says more."""


def axis(values: Iterable[float], unit: str = "", **more: Any) -> dict[str, Any]:
    """An axis of plotly for these numbers: logarithmic where they are above 0 and far apart, else
    from 0."""
    known = [value for value in values if not math.isnan(value)]
    if logarithmic(known):
        return dict(type="log", **log_ticks(min(known), max(known), unit), **more)
    return dict(type="linear", rangemode="tozero", **even_ticks(max(known, default=0), unit),
                **more)


def value_axis(values: Iterable[float], first: Iterable[float] = ()) -> dict[str, Any]:
    """An axis for the values of a knob, with as many of them as find room, those that come `first`
    before others, then both ends."""
    known = sorted({*values, *first})
    far = logarithmic(known)
    place = {value: math.log(value) if far else value for value in known}
    room = (place[known[-1]] - place[known[0]]) / 9
    ticks = list[float]()
    for value in dict.fromkeys([*sorted(set(first)), known[0], known[-1], *known]):
        if all(abs(place[value] - place[other]) >= room for other in ticks):
            ticks.append(value)
    return dict(type="log" if far else "linear", tickvals=sorted(ticks),
                ticktext=[f"{value:g}" for value in sorted(ticks)])


def logarithmic(values: Sequence[float]) -> bool:
    """
    >>> logarithmic([1, 2.9]), logarithmic([1, 3]), logarithmic([0, 9])
    (False, True, False)
    """
    return bool(values) and 0 < LOGARITHMIC_FROM * min(values) <= max(values)


def log_ticks(low: float, high: float, unit: str = "") -> dict[str, Any]:
    """Ticks at 1, 2 and 5 of each power of ten; fewer of them over many powers, more in one."""
    powers = math.log10(high / low)
    digits = (1, 1.5, 2, 3, 4, 5, 7) if powers <= 1 else (1, 2, 5) if powers <= 2 else \
        (1, 3) if powers <= 4 else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [digit * 10.0 ** power for power in range(first, last + 1) for digit in digits]
    return dict(tickvals=ticks, ticktext=[tick(value, unit) for value in ticks])


def scale(values: Sequence[float], unit: str, title: str, *, few: bool = False) -> dict[str, Any]:
    """Colours for numbers, or for the `few` values of a knob, with their bar: `values` as they are
    to be given to plotly."""
    known = [value for value in values if not math.isnan(value)] or [0.0]
    far = logarithmic(known)
    ticks = value_axis(known) if few else log_ticks(min(known), max(known), unit) if far \
        else even_ticks(max(known), unit)
    places = [math.log10(value) for value in ticks["tickvals"]] if far else ticks["tickvals"]
    shown = [math.log10(value) if far else value for value in values]
    return dict(values=shown, bar=dict(
        title=dict(text=title, side="right"), tickvals=places, ticktext=ticks["ticktext"],
        thickness=12, outlinewidth=0))
