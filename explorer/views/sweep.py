"""Records of a sweep as rows: the network, the knobs that were turned, what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from explorer import text
from explorer.analysis import Totals
from explorer.sweeping import Fit, Limit, Record
from explorer.sweeping.grids import Grid, Point
from explorer.timing import quiet

TOTALS = tuple(field.name for field in fields(Totals))
TIMES = ("median_s", "p10_s", "p90_s", "disturbed")
SHOWN = ("params", "macs", "peak_activation_bytes", "saved_bytes", "median_s")
"""Totals that the table for a terminal has."""
NAMES = {"params": "parameters", "macs": "multiply-adds", "peak_memory": "peak activations",
         "saved_memory": "saved for backward", "latency": "latency"}

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


def fit_text(fit: Fit) -> str:
    """What was found, with both sides of the limit."""
    limits = " and ".join([f"{NAMES[limit.figure]} of at most {_amount(limit, limit.most)}"
                           for limit in fit.limits])
    if fit.best is None:
        lines = [f"No value has {limits}."]
        if fit.beyond:
            lines.append(_line("smallest", fit.beyond, fit.limits))
    else:
        lines = [f"Largest with {limits}:", _line("holds", fit.best, fit.limits)]
        lines += [_line("does not", fit.beyond, fit.limits)] if fit.beyond else \
            [] if len(fit.axes) > 1 else ["It is the largest value of the knob."]
    if fit.below:
        lines.append("A smaller value does not hold:\n"
                     + _line("does not", fit.below, fit.limits))
    elif not fit.rising:
        lines.append("A larger value does not always cost more here. Each value was looked at.")
    return "\n".join([*lines, f"{fit.counted:,} configs were looked at."])


def _line(word: str, record: Record, limits: Sequence[Limit]) -> str:
    if record.totals is None:
        return f"  {word:9} {record.key}: {record.error}"
    return f"  {word:9} {record.key}: " + ", ".join(
        [f"{NAMES[limit.figure]} {_amount(limit, value)}"
         for limit in limits if (value := record.figure(limit.figure)) is not None]) + (
        " (disturbed: measure again)" if record.timing and not quiet(record.timing) else "")


def _amount(limit: Limit, value: float) -> str:
    return text.seconds(value) if limit.figure == "latency" else \
        f"{value:,.0f}{' B' if limit.figure.endswith('memory') else ''}"


def fit_json(fit: Fit) -> str:
    def record(found: Record | None) -> Row | None:
        return None if found is None else {
            "key": found.key, "error": found.error,
            "totals": found.totals and asdict(found.totals),
            "median_s": found.timing and found.timing.median_s,
            "disturbed": found.timing and not quiet(found.timing)}

    return json.dumps({"limits": {limit.figure: limit.most for limit in fit.limits},
                       "best": record(fit.best), "beyond": record(fit.beyond),
                       "below": record(fit.below), "rising": fit.rising, "counted": fit.counted})
