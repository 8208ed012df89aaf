"""Records of a sweep as rows: the network, the knobs that were turned, what they cost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from explorer import text
from explorer.analysis import Totals
from explorer.sweeping import Record
from explorer.sweeping.grids import Grid, Point
from explorer.timing import quiet

TOTALS = tuple(field.name for field in fields(Totals))
TIMES = ("median_s", "p10_s", "p90_s", "disturbed")
SHOWN = ("params", "macs", "peak_activation_bytes", "saved_bytes", "median_s")
"""Totals that the table for a terminal has."""

Row = dict[str, Any]


def columns(grid: Grid, timed: bool) -> list[str]:
    return ["network", *[axis.knob for axis in grid.axes], *TOTALS, *(TIMES if timed else ()),
            "error", "key"]


def row(point: Point, record: Record, grid: Grid, timed: bool) -> Row:
    """A row of `columns`, with None for what is not known."""
    turned = dict(zip([axis.knob for axis in grid.axes], point.values, strict=True))
    times: Mapping[str, Any] = {}
    if timing := record.timing:
        times = {**{name: getattr(timing, name) for name in TIMES[:3]},
                 "disturbed": not quiet(timing)}
    values = {"network": point.network, **turned, "error": record.error, "key": record.key,
              **(asdict(record.totals) if record.totals else {}), **times}
    return {name: values.get(name) for name in columns(grid, timed)}


def line(values: Iterable[Any]) -> str:
    """A line of CSV; empty where there is no value."""
    said = io.StringIO()
    csv.writer(said, lineterminator="\n").writerow(["" if value is None else value
                                                    for value in values])
    return said.getvalue()


def to_csv(rows: Sequence[Row], grid: Grid, timed: bool) -> str:
    return "".join([line(columns(grid, timed)), *[line(each.values()) for each in rows]])


def to_json(rows: Sequence[Row]) -> str:
    return json.dumps(rows)


def to_text(rows: Sequence[Row], grid: Grid) -> str:
    """A table for a terminal."""
    frame = pd.DataFrame([
        {"network": each["network"], **{axis.knob: each[axis.knob] for axis in grid.axes},
         **{name: _figure(name, each[name]) for name in SHOWN if name in each},
         "": each["error"] or ("disturbed" if each.get("disturbed") else "")} for each in rows])
    return frame.to_string(index=False)


def _figure(name: str, value: Any) -> str:
    return "" if value is None else text.seconds(value) if name.endswith("_s") else f"{value:,}"
