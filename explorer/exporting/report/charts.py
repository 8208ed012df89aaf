"""Charts as SVG: small, for a page of any width and for print. Their letters and lines take the
colours of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from markupsafe import Markup
from plotly.colors import sample_colorscale

from explorer.tracing.operators import Kind
from explorer.views.charts import even_ticks
from explorer.views.graph.letters import width
from explorer.views.palette import HATCHED, KIND_COLOURS, SCALE

WIDE, HIGH = 460.0, 196.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 8.0, 12.0, 22.0
SIZE = 11
"""Of letters."""
HATCH = 4
"""Between the lines across a bar."""
TURNED = 0.64
"""Sine of the angle at which names stand that have no room beside each other."""


class Tick(NamedTuple):
    place: float
    """From 0 to 1."""
    name: str


@dataclass(frozen=True)
class Frame:
    """The axes of a chart, and where a point from 0 to 1 stands between them."""

    ups: Sequence[Tick]
    left: float = LEFT
    bottom: float = BOTTOM
    wide: float = WIDE
    high: float = HIGH

    def x(self, share: float) -> float:
        return self.left + share * (self.wide - self.left - RIGHT)

    def y(self, share: float) -> float:
        return self.high - self.bottom - share * (self.high - self.bottom - TOP)

    def svg(self, words: str, inside: Iterable[str], along: Iterable[str]) -> Markup:
        """The chart; `words` say what it shows to who does not see it."""
        lines = "".join([f"M{_n(self.left)},{_n(self.y(tick.place))}H{_n(self.wide - RIGHT)}"
                         for tick in self.ups])
        names = "".join([label(self.left - 6, self.y(tick.place) + 4, tick.name, "end")
                         for tick in self.ups])
        return Markup(
            f'<svg class="chart" viewBox="0 0 {_n(self.wide)} {_n(self.high)}" role="img" '
            f'aria-label="{escape(words)}"><path class="lines" d="{lines}"/>{names}'
            f'{"".join(inside)}{"".join(along)}</svg>')


def label(x: float, y: float, words: str, anchor: str = "middle", kind: str = "") -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{where}{named}>{escape(words, quote=False)}</text>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


class Span(NamedTuple):
    """A stretch of the axis along which a pass runs, such as a stage."""

    name: str
    length: int
    """Bars or calls in it."""


def _stretches(frame: Frame, spans: Sequence[Span]) -> list[str]:
    """Names of stretches under the axis, turned where they have no room, and lines between them."""
    flat, base = not _turned(spans), frame.high - frame.bottom
    whole = sum([span.length for span in spans]) or 1
    lines = "".join([f"M{_n(frame.x(start / whole))},{_n(TOP)}V{_n(base)}" for start in
                     list(accumulate([span.length for span in spans]))[:-1]])
    made, end = [f'<path class="parting" d="{lines}"/>'], -math.inf
    for span, x in zip(spans, _middles(frame, spans), strict=True):
        if flat:
            made.append(label(x, base + 15, span.name))
        elif x - end > SIZE:        # those that find room
            made.append(f'<text transform="translate({_n(x + 3)},{_n(base + 12)})rotate(-40)" '
                        f'text-anchor="end">{escape(span.name, quote=False)}</text>')
            end = x
    return made


def _middles(frame: Frame, spans: Sequence[Span]) -> list[float]:
    """Of the names, none of which leaves the chart."""
    ends = list(accumulate([span.length for span in spans]))
    return [min(frame.x((end - span.length / 2) / (ends[-1] or 1)),
                frame.wide - width(span.name, SIZE) / 2) for span, end in
            zip(spans, ends, strict=True)]


def _turned(spans: Sequence[Span]) -> bool:
    """Whether names would run into each other."""
    halves = [width(span.name, SIZE) / 2 + 3 for span in spans]
    stands = list(zip(_middles(Frame(()), spans), halves, strict=True))
    return any(x + half > after - next_half for (x, half), (after, next_half) in pairwise(stands))


def _frame(spans: Sequence[Span], most: float, unit: str) -> Frame:
    """Axes from 0 to `most`, with room for the names of the stretches."""
    bottom = BOTTOM
    if _turned(spans):
        bottom = 16 + TURNED * max([width(span.name, SIZE) for span in spans])
    return Frame(ticks(_even(most, unit), most), bottom=bottom, high=HIGH - BOTTOM + bottom)


def _even(most: float, unit: str) -> dict[str, Any]:
    """Ticks from 0 to `most`; pixels are not counted in thousands."""
    made = even_ticks(most, unit)
    if unit == "px":
        made["ticktext"] = [f"{value:,.0f} px" for value in made["tickvals"]]
    return made


def ticks(axis: Mapping[str, Any], most: float) -> list[Tick]:
    """Those of an axis from 0 to `most` of `views`."""
    return [Tick(value / (most or 1), name) for value, name in
            zip(axis["tickvals"], axis["ticktext"], strict=True)]


class Bar(NamedTuple):
    """One of several, stacked of kinds of operation."""

    costs: Mapping[Kind, float]
    words: str
    """What is said when it is pointed at."""


def bars(words: str, shown: Sequence[Bar], spans: Sequence[Span], unit: str) -> Markup:
    """A bar for each block, in the colours of the kinds of operation."""
    most = max([sum(bar.costs.values()) for bar in shown], default=0)
    frame = _frame(spans, most, unit)
    step = (frame.x(1) - frame.x(0)) / max(len(shown), 1)
    wide = step * (0.72 if step > 3 else 1)
    paths: dict[Kind, list[str]] = {}
    hatches, tips = list[str](), list[str]()
    for place, bar in enumerate(shown):
        x, below = frame.x(0) + step * (place + 0.5) - wide / 2, 0.0
        for kind in KIND_COLOURS:
            if cost := bar.costs.get(kind, 0):
                low, high = frame.y(below / most), frame.y((below + cost) / most)
                paths.setdefault(kind, []).append(
                    f"M{_n(x)},{_n(low)}h{_n(wide)}V{_n(high)}h-{_n(wide)}z")
                if kind in HATCHED:
                    hatches.append(_hatch(x, low, wide, low - high))
                below += cost
        tips.append(f'<rect class="tip" x="{_n(x)}" y="{_n(TOP)}" width="{_n(max(wide, 2))}" '
                    f'height="{_n(frame.y(0) - TOP)}"><title>{escape(bar.words, quote=False)}'
                    "</title></rect>")
    made = [f'<path d="{"".join(path)}" fill="{KIND_COLOURS[kind]}"/>'
            for kind, path in paths.items()]
    if hatches:
        made.append(f'<path class="hatch" d="{"".join(hatches)}"/>')
    return frame.svg(words, [*made, *tips], _stretches(frame, spans))


def _hatch(x: float, low: float, wide: float, high: float) -> str:
    """Lines across a bar, as lines: a pattern would be printed as an image."""
    return "".join([f"M{_n(x + max(0, at - high))},{_n(low - min(at, high))}"
                    f"L{_n(x + min(at, wide))},{_n(low - max(0, at - wide))}"
                    for at in range(HATCH, math.ceil(wide + high), HATCH)])


class Mark(NamedTuple):
    """A point of a line that has words."""

    place: int
    words: str


class Steps(NamedTuple):
    values: Sequence[float]
    """One for each call."""
    name: str
    colour: str
    filled: bool = False


def steps(words: str, lines: Sequence[Steps], spans: Sequence[Span], unit: str, *,
          marks: Sequence[Mark] = (), level: tuple[float, str] | None = None) -> Markup:
    """What grows and falls along the calls of a pass. `marks` are on the first line, and `level` is
    a height with its name that it is held against."""
    heights = [value for line in lines for value in line.values]
    most = max([*heights, level[0] if level else 0], default=0) * 1.08
    frame = _frame(spans, most, unit)
    made = []
    for line in lines:
        path = _stepped(frame, line.values, most)
        if line.filled:
            made.append(f'<path d="M{_n(frame.x(0))},{_n(frame.y(0))}V{path[1:].partition(",")[2]}'
                        f'V{_n(frame.y(0))}z" fill="{line.colour}" fill-opacity="0.18"/>')
        made.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.8"/>')
    if level:
        y = frame.y(level[0] / (most or 1))
        made.append(f'<path class="level" d="M{_n(frame.x(0))},{_n(y)}H{_n(frame.x(1))}"/>'
                    + label(frame.x(0) + 4, y - 5, level[1], "start"))
    for mark in marks:
        values = lines[0].values
        share = (mark.place + 0.5) / len(values)
        x, y = frame.x(share), frame.y(values[mark.place] / (most or 1))
        late = share > 0.5
        made.append(f'<circle class="mark" cx="{_n(x)}" cy="{_n(y)}" r="3.6"/>'
                    + label(x + (-8 if late else 8), max(y + 4, TOP + 4), mark.words,
                            "end" if late else "start", "marked"))
    return frame.svg(words, made, _stretches(frame, spans))


def _stepped(frame: Frame, values: Sequence[float], most: float) -> str:
    """A line that is level over each call."""
    made, before = [f"M{_n(frame.x(0))},{_n(frame.y(values[0] / (most or 1)))}"], values[0]
    for place, value in enumerate(values):
        if value != before:
            made.append(f"H{_n(frame.x(place / len(values)))}V{_n(frame.y(value / (most or 1)))}")
            before = value
    return "".join([*made, f"H{_n(frame.x(1))}"])


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


class Curve(NamedTuple):
    points: Sequence[tuple[float | str, float]]
    colour: str
    dash: str = "solid"
    stepped: bool = False


DASHES = {"solid": "", "dash": ' stroke-dasharray="6 4"', "dot": ' stroke-dasharray="1.5 3.5"'}


def plane(words: str, along: Scale, up: Scale, title: str, *, lines: Sequence[Curve] = (),
          dots: Sequence[Dot] = (), diamonds: Sequence[Dot] = ()) -> Markup:
    """Lines and points of one figure over another; `title` is that of the axis along."""
    frame = Frame(up.ticks, bottom=38, high=HIGH + 30)
    made = []
    for line in lines:
        path = ""
        for place, (x, y) in enumerate(line.points):
            at = f"{_n(frame.x(along.place(x)))},{_n(frame.y(up.place(y)))}"
            path += f"M{at}" if not place else \
                f"H{at.partition(',')[0]}V{at.partition(',')[2]}" if line.stepped else f"L{at}"
        made.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.8"'
                    f"{DASHES[line.dash]}/>")
    for dot in dots:
        look = f'fill="none" stroke="{dot.colour}" stroke-width="1.6"' if dot.ring else \
            f'fill="{dot.colour}"'
        made.append(f'<circle cx="{_n(frame.x(along.place(dot.x)))}" '
                    f'cy="{_n(frame.y(up.place(dot.y)))}" r="3.2" {look}>'
                    f"<title>{escape(dot.words, quote=False)}</title></circle>")
    for dot in diamonds:
        x, y = frame.x(along.place(dot.x)), frame.y(up.place(dot.y))
        made.append(f'<path class="diamond" d="M{_n(x - 6)},{_n(y)}l6,-6l6,6l-6,6z">'
                    f"<title>{escape(dot.words, quote=False)}</title></path>")
    base = frame.high - frame.bottom
    names, end = [], -math.inf
    for tick in sorted(along.ticks):
        x, half = frame.x(tick.place), width(tick.name, SIZE) / 2
        if x - half > end:      # those that find room
            names.append(label(min(x, WIDE - half), base + 15, tick.name))
            end = x + half + 6
    names.append(label(frame.x(0.5), base + 32, title))
    return frame.svg(words, made, names)


def heat(words: str, rows: Sequence[Sequence[float | None]], across: Sequence[str],
         up: Sequence[str], titles: tuple[str, str], said: Callable[[float], str]) -> Markup:
    """A cell for each pair of values, the rows from below, in colours from the least to the most;
    None where there is nothing. `said` writes a number."""
    known = [math.log10(value) for row in rows for value in row if value]
    low, high = min(known, default=0), max(known, default=1)
    left = 12 + max([width(name, SIZE) for name in up])
    tall = min(max(300 / len(up), 16), 30)
    frame = Frame((), left=left + 16, bottom=38, high=TOP + 38 + tall * len(up))
    wide = (frame.x(1) - frame.x(0)) / len(across)
    made = []
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            if value is None:
                continue
            share = (math.log10(value) - low) / ((high - low) or 1) if value else 0.0
            [colour] = sample_colorscale(list(SCALE), [share])
            x, y = frame.x(0) + place * wide, frame.high - frame.bottom - (number + 1) * tall
            tip = f"{titles[0]} {across[place]}, {titles[1]} {up[number]}: {said(value)}"
            made.append(f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(wide - 1)}" '
                        f'height="{_n(tall - 1)}" fill="{colour}"><title>'
                        f"{escape(tip, quote=False)}</title></rect>")
            if width(said(value), SIZE - 1) < wide - 2:
                made.append(label(x + wide / 2, y + tall / 2 + 4, said(value), "middle",
                                  "dark" if share > 0.8 else "light"))
    base = frame.high - frame.bottom
    every = math.ceil(max([width(name, SIZE) + 6 for name in across]) / wide)
    names = [label(frame.x(0) + (place + 0.5) * wide, base + 15, name)
             for place, name in enumerate(across) if place % every == 0]
    names += [label(frame.x(0) - 6, base - (number + 0.5) * tall + 4, name, "end")
              for number, name in enumerate(up)]
    names.append(label(frame.x(0.5), base + 32, titles[0]))
    names.append(f'<text transform="translate(10,{_n((base + TOP) / 2)})rotate(-90)" '
                 f'text-anchor="middle">{escape(titles[1], quote=False)}</text>')
    return frame.svg(words, made, names)
