"""The records of a sweep as columns: for the table, and for charts of one figure over another."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from explorer import text
from explorer.config import ConfigError, Knob, find_knob
from explorer.language import Text, language, say
from explorer.sources import title
from explorer.sweeping import FIGURES, Grid, Record
from explorer.sweeping.fitting import parse_amount
from explorer.timing import quiet


class Quantity(NamedTuple):
    """What a column holds."""

    heading: str
    unit: str = ""
    """Of its numbers, as `charts` writes them: "B", "s" or none."""
    exact: bool = False
    """Whether people read all its digits."""

    @property
    def title(self) -> str:
        return say(self.heading)

    def words(self, value: float) -> str:
        """
        >>> QUANTITIES["macs"].words(4089184256), QUANTITIES["layers"].words(2173)
        ('4.09 G', '2,173')
        """
        return f"{value:,.0f}" if self.exact else text.amount(value, self.unit)


QUANTITIES = {
    "params": Quantity("Parameters"), "macs": Quantity("Multiply-adds"),
    "peak_memory": Quantity("Peak memory", "B"),
    "saved_memory": Quantity("Saved for backward", "B"),
    "receptive_field": Quantity("Receptive field", exact=True),
    "layers": Quantity("Calls", exact=True),
    "latency": Quantity("Latency", "s")}
"""The `FIGURES` of a sweep."""
assert [*QUANTITIES] == [*FIGURES]

COUNTED = ("params", "macs", "layers")
"""Figures that are many, as words go: "fewer parameters", "a smaller peak memory"."""


def quantity(grid: Grid, name: str) -> Quantity:
    """A figure, or a knob that is turned."""
    return QUANTITIES.get(name) or Quantity(knob_of(grid, name).label)


def knob_of(grid: Grid, name: str) -> Knob:
    """The knob of an axis, as the first of the networks has it."""
    return find_knob(grid.networks[0], name)


def in_words(label: str, english: str) -> str:
    """The name of a knob in a sentence: in English the one that links have, else its label."""
    return english if language() == "en" else label


def has_numbers(grid: Grid, knob: str) -> bool:
    """Whether the knob of an axis is a number."""
    return knob_of(grid, knob).kind in ("int", "float")


def titles(grid: Grid) -> list[str]:
    """The networks as sentences."""
    return [title(config) for config in grid.networks]


def frame(grid: Grid, records: Mapping[str, Record]) -> pd.DataFrame:
    """A row for each config that has its record, in the grid's order: `network`, the knobs that
    are turned, the `FIGURES` (NaN where one is not known), `disturbed`, `error` and `key`."""
    rows, names = [], titles(grid)
    numbers = [has_numbers(grid, axis.knob) for axis in grid.axes]
    each = len(grid) // len(names)
    for place, point in enumerate(grid.points):
        if (record := records.get(point.key)) is None:
            continue
        totals, timing = record.totals, record.timing
        rows.append((
            names[place // each],
            *[float(value) if number else value
              for value, number in zip(point.values, numbers, strict=True)],
            *([totals.params, totals.macs, totals.peak_activation_bytes, totals.saved_bytes,
               totals.receptive_field, totals.layers] if totals else [None] * 6),
            timing.median_s if timing else None, timing is not None and not quiet(timing),
            record.error, record.key))
    made = pd.DataFrame(rows, columns=["network", *[axis.knob for axis in grid.axes], *FIGURES,
                                       "disturbed", "error", "key"])
    return made.astype(dict.fromkeys(FIGURES, float))


_OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
              "=": operator.eq}
_CONDITION = re.compile(r"\s*(\w+)\s*(<=|>=|<|>|=)\s*(.+?)\s*")


def matching(made: pd.DataFrame, conditions: str) -> pd.DataFrame:
    """The rows of a `frame` where all conditions hold: "macs<=100M, width>=0.5, latency<5ms".

    Raises `ConfigError` for what is no condition.
    """
    for condition in filter(str.strip, conditions.split(",")):
        found = _CONDITION.fullmatch(condition)
        named = [name for name in made.columns if name not in ("disturbed", "key")]
        if found is None or found[1] not in named:
            raise ConfigError(Text(
                "{condition} is no condition. Write NAME<=NUMBER, such as macs<=100M, with <=, >=, "
                "<, > or =, and one of {names}.", condition=repr(condition.strip()[:60]),
                names=", ".join(named)))
        name, holds, written = found[1], _OPERATORS[found[2]], found[3]
        column = made[name]
        if pd.api.types.is_numeric_dtype(column):
            made = made[holds(column, _number(name, written))]
        elif found[2] == "=":
            made = made[column.astype(str).str.contains(written, case=False, regex=False)]
        else:
            raise ConfigError(Text("`{name}` is no number: write {name}={written}.", name=name,
                                   written=written))
    return made


def _number(name: str, written: str) -> float:
    if name in FIGURES:
        return parse_amount(name, written)
    try:
        return float(written)
    except ValueError:
        raise ConfigError(Text("`{name}` is compared with a number; got {written}.", name=name,
                               written=repr(written[:40]))) from None
