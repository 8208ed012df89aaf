"""A grid with the records of its configs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explorer.sweeping.grids import Grid
from explorer.sweeping.records import Record


@dataclass(frozen=True)
class Swept:
    """A grid, and what of it has been counted: what everything shown of a sweep is made from.

    >>> from explorer.sweeping.grids import grid
    >>> from explorer.sweeping.records import count
    >>> given = grid(["resnet18"], ["width=0.5,1"])
    >>> swept = Swept(given, {point.key: count(point.key) for point in given})
    >>> [record.totals.params for record in swept.records.values() if record.totals]
    [3055880, 11689512]
    """

    grid: Grid
    records: Mapping[str, Record]
    """By their keys."""
    timed: bool = False
    """Whether the configs were to be timed."""
