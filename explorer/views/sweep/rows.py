"""Records of a sweep as rows: the network, the knobs that were turned, what they cost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from explorer import text
from explorer.analysis import Totals
from explorer.sweeping import Grid, Point, Record, Swept
from explorer.timing import quiet
from explorer.views.tables import markdown

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


def rows(swept: Swept) -> list[Row]:
    """Those of the configs that have been counted, in the order of the grid."""
    points = {point.key: point for point in swept.grid}
    return [row(point, swept.records[key], swept.grid, swept.timed)
            for key, point in points.items() if key in swept.records]


def line(values: Iterable[Any]) -> str:
    """A line of CSV; empty where there is no value."""
    said = io.StringIO()
    csv.writer(said, lineterminator="\n").writerow(["" if value is None else value
                                                    for value in values])
    return said.getvalue()


def to_csv(swept: Swept) -> str:
    return "".join([line(columns(swept.grid, swept.timed)),
                    *[line(each.values()) for each in rows(swept)]])


def to_json(swept: Swept) -> str:
    return json.dumps(rows(swept))


def to_text(swept: Swept) -> str:
    """A table for a terminal."""
    return _short_frame(swept).to_string(index=False)


def to_markdown(swept: Swept) -> str:
    return markdown(_short_frame(swept))


def _short_frame(swept: Swept) -> pd.DataFrame:
    """The columns that fit a terminal, as text."""
    knobs = [axis.knob for axis in swept.grid.axes]
    return pd.DataFrame([
        {"network": each["network"], **{knob: each[knob] for knob in knobs},
         **{name: _figure(name, each[name]) for name in SHOWN if name in each},
         "": each["error"] or ("disturbed" if each.get("disturbed") else "")}
        for each in rows(swept)])


def _figure(name: str, value: Any) -> str:
    return "" if value is None else text.seconds(value) if name.endswith("_s") else f"{value:,}"
