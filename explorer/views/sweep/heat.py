"""A figure over two knobs, with lines of equal cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from explorer import text
from explorer.config import Knob
from explorer.language import say
from explorer.views.axes import log_ticks, logarithmic, scale
from explorer.views.palette import SCALE
from explorer.views.sweep.quantities import QUANTITIES

MOST_WRITTEN = 120
"""Cells up to which each has its number in it, where no line would cross them."""
MOST_TOLD = 2000
"""Cells up to which each tells its values when it is pointed at."""
LINED = 40
"""Rows and columns by which lines find their way; of more every so many is looked at."""


def chart(made: pd.DataFrame, *, x: str, y: str, figure: str, knobs: tuple[Knob, Knob],
          limit: float | None = None) -> go.Figure:
    """The rows of a `frame` of one network, with one row for each pair of values of the two knobs;
    `limit` has a line of its own."""
    quantity = QUANTITIES[figure]
    table = made.pivot_table(index=y, columns=x, values=figure, sort=False, aggfunc="first",
                             dropna=False)
    numeric = all(pd.api.types.is_numeric_dtype(made[name]) for name in (x, y))
    if numeric:
        table = table.sort_index().sort_index(axis=1)
    across, up = [[_place(value, knob) for value in values]
                  for values, knob in zip((table.columns, table.index), knobs, strict=True)]
    labels = knobs[0].label, knobs[1].label
    few = table.size <= MOST_TOLD
    numbers = [list(map(float, row)) for row in table.to_numpy()]
    flat = [value for row in numbers for value in row]
    coloured = scale(flat, quantity.unit, quantity.title)
    width = len(across)
    lined = numeric and min(width, len(up)) > 1
    levels = _levels(flat, quantity.unit) if lined else []
    if limit:       # which has a line and a name of its own
        levels = [level for level in levels if not limit / 2 < level[0] < limit * 2]
    shown = [coloured["values"][start:start + width] for start in range(0, len(flat), width)]
    written = [[quantity.words(value) if not math.isnan(value) else ""
                for value in row] for row in numbers]
    drawn = go.Figure(go.Heatmap(
        # By their places, so that cells are of one size however far apart the values are.
        x=list(range(width)), y=list(range(len(up))), z=shown, colorscale=list(SCALE),
        colorbar=coloured["bar"], xgap=1 if few else 0, ygap=1 if few else 0,
        customdata=_said(across, up, written, labels) if few else table.to_numpy(),
        hovertemplate=f"%{{customdata{'' if few else ':.3s'}}}<extra></extra>",
        **(dict(text=written, texttemplate="%{text}", textfont=dict(size=12))
           if len(flat) <= MOST_WRITTEN and not levels and not limit else {})))
    if lined:
        _lines(drawn, numbers, levels, "#FFFFFF", 1.5)
        if limit:
            _lines(drawn, numbers, [(limit, text.amount(limit, quantity.unit))], "#12181F", 3)
    drawn.update_layout(
        height=min(620, max(300, 46 * len(up) + 90)), margin=dict(l=8, r=8, t=8, b=8),
        xaxis=_axis(across, labels[0]), yaxis=_axis(up, labels[1]))
    return drawn


def _place(value: Any, knob: Knob) -> str:
    return f"{value:g}" if isinstance(value, float) else knob.value_words(knob.parse(value))


def _axis(names: Sequence[str], label: str) -> dict[str, Any]:
    every = math.ceil(len(names) / 16)
    return dict(tickvals=list(range(0, len(names), every)), ticktext=list(names[::every]),
                title=dict(text=label, standoff=8), showgrid=False, zeroline=False)


def _said(across: Sequence[str], up: Sequence[str], written: Sequence[Sequence[str]],
          labels: tuple[str, str]) -> list[list[str]]:
    return [[say("{x} {column}, {y} {row}: {amount}", x=labels[0], column=column, y=labels[1],
                 row=row, amount=amount)
             for column, amount in zip(across, amounts, strict=True)]
            for row, amounts in zip(up, written, strict=True)]


def _levels(values: Sequence[float], unit: str) -> list[tuple[float, str]]:
    """Round numbers between the least and the most, with their names."""
    known = [value for value in values if not math.isnan(value)]
    if not known or not logarithmic(known):
        return []
    ticks = log_ticks(min(known), max(known), unit)
    return [(value, name) for value, name in zip(ticks["tickvals"], ticks["ticktext"], strict=True)
            if min(known) < value < max(known)]


def _lines(drawn: go.Figure, numbers: Sequence[Sequence[float]],
           levels: Sequence[tuple[float, str]], colour: str, width: float) -> None:
    # Between logarithms, because figures grow by powers.
    logs = [[math.log10(value) if value > 0 else math.nan for value in row] for row in numbers]
    columns, rows = (_some(count) for count in (len(logs[0]), len(logs)))
    looked = [[logs[row][column] for column in columns] for row in rows]
    for level, name in levels:
        drawn.add_contour(
            x=columns, y=rows, z=looked, showscale=False,
            hoverinfo="skip", showlegend=False, name=name,
            contours=dict(type="constraint", operation="=", value=math.log10(level)),
            line=dict(color=colour, width=width), fillcolor="rgba(0, 0, 0, 0)")
        if (place := _crossing(logs, math.log10(level))) is not None:
            drawn.add_annotation(x=place[0], y=place[1], text=name, showarrow=False,
                                 font=dict(size=11, color="#FFFFFF"), bgcolor="#12181F",
                                 borderpad=2, opacity=0.9)


def _some(count: int) -> list[int]:
    """Places among so many, with both ends."""
    step = math.ceil(count / LINED)
    return sorted({*range(0, count, step), count - 1})


def _crossing(logs: Sequence[Sequence[float]], level: float) -> tuple[float, float] | None:
    """Where a line has room for its name: on it, between the two rows nearest to the middle."""
    for row in sorted(range(len(logs) - 1), key=lambda one: abs(one + 1 - len(logs) / 2)):
        between = [(below + above) / 2 for below, above in zip(logs[row], logs[row + 1],
                                                               strict=True)]
        for column, (before, after) in enumerate(pairwise(between)):
            if min(before, after) <= level < max(before, after):
                return column + (level - before) / (after - before), row + 0.5
    return None
