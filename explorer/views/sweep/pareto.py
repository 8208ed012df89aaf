"""Any figure over any other: all configs, the front, and the catalogue's presets as landmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from explorer.language import say
from explorer.sources import with_knobs
from explorer.sweeping import FIGURES, Grid, front
from explorer.views.axes import axis, logarithmic, scale
from explorer.views.palette import PLAIN, SCALE, SERIES
from explorer.views.sweep.quantities import COUNTED, in_words, knob_of, quantity

MANY = 1500
"""From how many points on they are drawn by the graphics processor."""
STEPS = 8
"""Colours of so many points."""
SIZES = (6, 18)
"""Pixels of the smallest and the largest point."""


def on_front(made: pd.DataFrame, x: str, y: str, less: tuple[bool, bool]) -> pd.DataFrame:
    """The configs of a `frame` that no other beats, in the order of x. A latency that was disturbed
    beats none."""
    known = made.dropna(subset=[x, y])
    if "latency" in (x, y):
        known = known[~known["disturbed"]]
    places = front(list(zip(known[x], known[y], strict=True)), less=less)
    return known.iloc[places]


def sentence(grid: Grid, x: str, y: str, less: tuple[bool, bool], count: int) -> str:
    """What the front says."""
    if not count:
        return say("No config has both figures yet.")
    return say("On the front is {count} config: no other has {less_x} without giving up in {y}, or "
               "{less_y} without giving up in {x}." if count == 1 else
               "On the front are {count} configs: no other has {less_x} without giving up in {y}, "
               "or {less_y} without giving up in {x}.", count=f"{count:,}",
               x=_noun(grid, x), less_x=_better(grid, x, less[0]),
               y=_noun(grid, y), less_y=_better(grid, y, less[1]))


def _better(grid: Grid, name: str, less: bool) -> str:
    figure = _noun(grid, name)
    if name in COUNTED:
        return say("fewer {figure}" if less else "more {figure}", figure=figure)
    return say("a smaller {figure}" if less else "a larger {figure}", figure=figure)


def _noun(grid: Grid, name: str) -> str:
    title = quantity(grid, name).title
    return title[0].lower() + title[1:]


def chart(grid: Grid, made: pd.DataFrame, best: pd.DataFrame, landmarks: pd.DataFrame, *, x: str,
          y: str, colour: str, size: str, chosen: str = "") -> go.Figure:
    """The configs of a `frame` with the `best` of them joined, and the landmarks that a frame of
    presets has; `colour` and `size` are columns or ""."""
    known = made.dropna(subset=[x, y])
    scatter = go.Scattergl if len(known) > MANY else go.Scatter
    figure = go.Figure()
    for name, rows, marker in _groups(grid, known, colour):
        figure.add_trace(scatter(
            x=rows[x], y=rows[y], mode="markers", name=name,
            marker=dict(size=_sizes(rows, size, known), symbol=_symbols(rows, x, y),
                        opacity=0.85 if len(known) <= MANY else 0.6, **marker),
            customdata=rows["key"].to_numpy(),
            **(dict(text=_hover(grid, rows, [x, y, colour, size]),
                    hovertemplate="%{text}<extra></extra>") if len(known) <= MANY else
               dict(hovertemplate="<b>%{customdata}</b><br>%{y:.3s}, %{x:.3s}<extra></extra>"))))
    figure.add_scatter(x=best[x], y=best[y], mode="lines", name=say("front"), hoverinfo="skip",
                       line=dict(color=PLAIN, width=2, shape="linear"))
    if len(landmarks):
        names, sides = _names(landmarks, known, best, x, y)
        figure.add_scatter(
            x=landmarks[x], y=landmarks[y], mode="markers+text", name=say("presets"),
            text=names, textfont=dict(size=12, shadow="auto"), textposition=sides,
            marker=dict(symbol="diamond-open", size=10, color=PLAIN, line=dict(width=2)),
            customdata=landmarks["key"].to_numpy(),
            hovertext=_hover(grid, landmarks, [x, y]), hovertemplate="%{hovertext}<extra></extra>")
    if chosen:
        ring = pd.concat([known, landmarks])
        ring = ring[ring["key"] == chosen].head(1)
        figure.add_scatter(x=ring[x], y=ring[y], mode="markers", name="chosen", hoverinfo="skip",
                           marker=dict(symbol="circle-open", size=20, color="#E8590C",
                                       line=dict(width=3)))
    numeric = bool(colour) and pd.api.types.is_numeric_dtype(known[colour])
    several = bool(colour) and not numeric and known[colour].nunique() > 1
    bar = numeric and known[colour].notna().any()
    figure.update_layout(
        height=520, hovermode="closest", clickmode="event+select",
        # Fixed: to find room for labels plotly draws everything anew.
        margin=dict(l=64, r=100 if bar else 8, t=36 if several else 8, b=48, autoexpand=False),
        dragmode="pan", showlegend=several,
        legend=dict(orientation="h", y=1.02, x=0, yanchor="bottom"),
        xaxis=_axis(grid, [*known[x], *landmarks[x]], x),
        yaxis=_axis(grid, [*known[y], *landmarks[y]], y))
    return figure


def _axis(grid: Grid, values: Sequence[float], name: str) -> dict[str, Any]:
    shown = quantity(grid, name)
    return axis(values, shown.unit, title=dict(text=shown.title, standoff=8), automargin=False)


def _groups(grid: Grid, known: pd.DataFrame, colour: str
            ) -> list[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """The points of one trace each, with their colour."""
    if colour and known[colour].isna().all():
        return [("", known, dict(color=SERIES[0]))]
    if colour and pd.api.types.is_numeric_dtype(known[colour]):
        shown = quantity(grid, colour)
        coloured = scale(list(known[colour]), shown.unit, shown.title,
                         few=colour not in FIGURES)
        shades = dict(colorscale=list(SCALE), colorbar=coloured["bar"])
        if len(known) <= MANY:
            return [("", known, dict(color=coloured["values"], **shades))]
        # In a few steps: a colour for each of many points takes longer than all else.
        values = pd.Series(coloured["values"], index=known.index)
        steps = pd.cut(values, STEPS, labels=False).fillna(0)
        return [("", known[steps == step], dict(color=sample_colorscale(
            list(SCALE), (step + 0.5) / STEPS)[0])) for step in range(STEPS)] + [
            ("", known.head(0), dict(color=[values.min(), values.max()], showscale=True, **shades))]
    if not colour:
        return [("", known, dict(color=SERIES[0]))]
    return [(str(name), rows, dict(color=SERIES[place % len(SERIES)]))
            for place, (name, rows) in enumerate(known.groupby(colour, sort=False))]


def _sizes(rows: pd.DataFrame, size: str, known: pd.DataFrame) -> list[float] | int:
    if not size:
        return 8 if len(known) <= MANY else 5
    low, high = known[size].min(), known[size].max()
    least, most = SIZES
    if not high > low:
        return least
    # The area of a point stands for its number.
    return [math.sqrt(least ** 2 + (most ** 2 - least ** 2) * (value - low) / (high - low))
            if not math.isnan(value) else least for value in rows[size]]


def _hover(grid: Grid, rows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The config with the figures that are drawn."""
    figures = [name for name in dict.fromkeys(names) if name in FIGURES]
    knobs = [axis.knob for axis in grid.axes if axis.knob in rows.columns]
    named = {knob: in_words(knob_of(grid, knob).label, knob) for knob in knobs}
    columns = [rows["network"], *[rows[name] for name in (*knobs, *figures)]]
    said = []
    for network, *values in zip(*columns, strict=True):
        turned = [f"{named[knob]} {value:g}" if isinstance(value, float) else
                  f"{named[knob]} {value}" for knob, value in zip(knobs, values, strict=False)]
        shown = [say("{figure}: {amount}", figure=quantity(grid, name).title,
                     amount=quantity(grid, name).words(value))
                 for name, value in zip(figures, values[len(knobs):], strict=True)
                 if not math.isnan(value)]
        said.append("<br>".join([with_knobs(f"<b>{network}</b>", turned), *shown]))
    return said


def _symbols(rows: pd.DataFrame, x: str, y: str) -> list[str] | str:
    """Dots, and rings for latencies that were disturbed."""
    if "latency" not in (x, y) or not rows["disturbed"].any():
        return "circle"
    return ["circle-open" if disturbed else "circle" for disturbed in rows["disturbed"]]


SIDES = {"top center": (0, 1), "bottom center": (0, -1), "middle right": (1, 0),
         "middle left": (-1, 0), "top right": (1, 1), "top left": (-1, 1), "bottom right": (1, -1),
         "bottom left": (-1, -1)}
"""Where a name may stand beside its mark, the best first."""
LETTER, LINE = 0.008, 0.05
"""Width of a letter and height of a name, as shares of a usual chart."""


def _names(landmarks: pd.DataFrame, known: pd.DataFrame, best: pd.DataFrame, x: str, y: str
           ) -> tuple[list[str], list[str]]:
    """The names of landmarks, as far as they find room among each other, the points and the front,
    and their sides; "" where there is none."""
    drawn = pd.concat([landmarks[[x, y]], known[[x, y]], best[[x, y]]])
    taken = np.column_stack([_shares(drawn[name]) for name in (x, y)])
    front_line = taken[len(landmarks) + len(known):]
    for part in np.linspace(0, 1, 9)[1:-1]:     # places on the lines between its points
        taken = np.vstack([taken, front_line[:-1] + part * np.diff(front_line, axis=0)])
    names, sides = list[str](), list[str]()
    for mark, name in zip(taken[:len(landmarks)], map(str, landmarks["network"]), strict=True):
        half = np.array([LETTER * len(name), LINE]) / 2
        middles = {side: mark + np.array([right * (half[0] + 0.01), above * LINE * 0.8])
                   for side, (right, above) in SIDES.items()}
        free = [side for side, middle in middles.items()
                if (middle - half >= -0.02).all() and (middle + half <= 1.05).all()
                and not (np.abs(taken - middle) < half).all(axis=1).any()]
        if free:    # later names keep away from this one
            ends = np.array([[part * half[0], 0] for part in (-1, -0.5, 0, 0.5, 1)])
            taken = np.vstack([taken, middles[free[0]] + ends])
        names.append(name if free else "")
        sides.append(free[0] if free else "top center")
    return names, sides


def _shares(values: pd.Series[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where numbers lie on their axis, from 0 to 1."""
    places = np.log(values) if logarithmic(list(values)) else values
    least, most = places.min(), places.max()
    return np.asarray((places - least) / ((most - least) or 1))
