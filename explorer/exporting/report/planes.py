"""Charts of one figure over another as SVG: lines, points, and cells in colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from markupsafe import Markup
from plotly.colors import sample_colorscale

from explorer.exporting.report.charts import HIGH, SIZE, TOP, WIDE, Axes, Tick, label, px
from explorer.language import say
from explorer.views.graph.letters import width
from explorer.views.palette import SCALE


class Scale:
    """Where the values of an axis of `views` stand, from 0 to 1: even, logarithmic, or by name."""

    def __init__(self, axis: Mapping[str, Any], values: Sequence[float | str], *,
                 from_zero: bool = False) -> None:
        self._log = axis.get("type") == "log"
        self._names = {value: place for place, value in enumerate(values)
                       if isinstance(value, str)}
        numbers = [self._number(value) for value in values]
        low, high = min(numbers), max(numbers)
        room = (high - low) * 0.06 or (0.5 if self._names else 0.1 * abs(high) or 1)
        self.low = 0.0 if from_zero and not self._log else low - room
        self.high = high + room
        ticks = [*self._names] if self._names else axis["tickvals"]
        names = [*self._names] if self._names else axis["ticktext"]
        self.ticks = [Tick(place, str(name)) for value, name in zip(ticks, names, strict=True)
                      if -1e-9 <= (place := self.place(value)) <= 1 + 1e-9]

    def _number(self, value: float | str) -> float:
        if isinstance(value, str):
            return float(self._names[value])
        return math.log10(value) if self._log else value

    def place(self, value: float | str) -> float:
        return (self._number(value) - self.low) / (self.high - self.low)


class Dot(NamedTuple):
    x: float | str
    y: float
    words: str
    """What is said when it is pointed at."""
    colour: str
    ring: bool = False
    """Whether it is not to be relied on."""


class DrawnCurve(NamedTuple):
    points: Sequence[tuple[float | str, float]]
    colour: str
    dash: str = "solid"
    stepped: bool = False


DASHES = {"solid": "", "dash": ' stroke-dasharray="6 4"', "dot": ' stroke-dasharray="1.5 3.5"'}


def plane(words: str, along: Scale, up: Scale, title: str, *, lines: Sequence[DrawnCurve] = (),
          dots: Sequence[Dot] = (), diamonds: Sequence[Dot] = ()) -> Markup:
    """Lines and points of one figure over another; `title` is that of the axis along."""
    axes = Axes(up.ticks, bottom=38, high=HIGH + 30)
    made = []
    for line in lines:
        path = ""
        for place, (x, y) in enumerate(line.points):
            at = f"{px(axes.x(along.place(x)))},{px(axes.y(up.place(y)))}"
            path += f"M{at}" if not place else \
                f"H{at.partition(',')[0]}V{at.partition(',')[2]}" if line.stepped else f"L{at}"
        made.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.8"'
                    f"{DASHES[line.dash]}/>")
    for dot in dots:
        look = f'fill="none" stroke="{dot.colour}" stroke-width="1.6"' if dot.ring else \
            f'fill="{dot.colour}"'
        made.append(f'<circle cx="{px(axes.x(along.place(dot.x)))}" '
                    f'cy="{px(axes.y(up.place(dot.y)))}" r="3.2" {look}>'
                    f"<title>{escape(dot.words, quote=False)}</title></circle>")
    for dot in diamonds:
        x, y = axes.x(along.place(dot.x)), axes.y(up.place(dot.y))
        made.append(f'<path class="diamond" d="M{px(x - 6)},{px(y)}l6,-6l6,6l-6,6z">'
                    f"<title>{escape(dot.words, quote=False)}</title></path>")
    base = axes.high - axes.bottom
    names, end = [], -math.inf
    for tick in sorted(along.ticks):
        x, half = axes.x(tick.place), width(tick.name, SIZE) / 2
        if x - half > end:      # those that find room
            names.append(label(min(x, WIDE - half), base + 15, tick.name))
            end = x + half + 6
    names.append(label(axes.x(0.5), base + 32, title))
    return axes.svg(words, made, names)


def heat(words: str, rows: Sequence[Sequence[float | None]], across: Sequence[str],
         up: Sequence[str], titles: tuple[str, str], said: Callable[[float], str]) -> Markup:
    """A cell for each pair of values, the rows from below, in colours from the least to the most;
    None where there is nothing. `said` writes a number."""
    known = [math.log10(value) for row in rows for value in row if value]
    low, high = min(known, default=0), max(known, default=1)
    left = 12 + max([width(name, SIZE) for name in up])
    tall = min(max(300 / len(up), 16), 30)
    axes = Axes((), left=left + 16, bottom=38, high=TOP + 38 + tall * len(up))
    wide = (axes.x(1) - axes.x(0)) / len(across)
    made = []
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            if value is None:
                continue
            share = (math.log10(value) - low) / ((high - low) or 1) if value else 0.0
            [colour] = sample_colorscale(list(SCALE), [share])
            x, y = axes.x(0) + place * wide, axes.high - axes.bottom - (number + 1) * tall
            tip = say("{column} {x}, {row} {y}: {value}", column=titles[0], x=across[place],
                      row=titles[1], y=up[number], value=said(value))
            made.append(f'<rect x="{px(x)}" y="{px(y)}" width="{px(wide - 1)}" '
                        f'height="{px(tall - 1)}" fill="{colour}"><title>'
                        f"{escape(tip, quote=False)}</title></rect>")
            if width(said(value), SIZE - 1) < wide - 2:
                made.append(label(x + wide / 2, y + tall / 2 + 4, said(value), "middle",
                                  "dark" if share > 0.8 else "light"))
    base = axes.high - axes.bottom
    every = math.ceil(max([width(name, SIZE) + 6 for name in across]) / wide)
    names = [label(axes.x(0) + (place + 0.5) * wide, base + 15, name)
             for place, name in enumerate(across) if place % every == 0]
    names += [label(axes.x(0) - 6, base - (number + 0.5) * tall + 4, name, "end")
              for number, name in enumerate(up)]
    names.append(label(axes.x(0.5), base + 32, titles[0]))
    names.append(f'<text transform="translate(10,{px((base + TOP) / 2)})rotate(-90)" '
                 f'text-anchor="middle">{escape(titles[1], quote=False)}</text>')
    return axes.svg(words, made, names)
