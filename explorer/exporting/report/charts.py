"""Charts along a pass as SVG: bars for its blocks, steps over its calls.

They fit a page of any width, and print; their letters and lines take the colours of the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from markupsafe import Markup

from explorer.tracing.operators import Kind
from explorer.views.charts import even_ticks
from explorer.views.graph.letters import width
from explorer.views.palette import HATCHED, KIND_COLOURS

WIDE, HIGH = 460.0, 196.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 8.0, 12.0, 22.0
SIZE = 11
"""Of letters."""
HATCH = 4
"""Between the lines across a bar."""
TURNED = 0.64
"""Sine of the angle at which names stand that have no room beside each other."""


class Chart(NamedTuple):
    """A chart with what stands over it."""

    title: str
    svg: Markup
    notes: str | Markup = ""


class Tick(NamedTuple):
    place: float
    """From 0 to 1."""
    name: str


@dataclass(frozen=True)
class Axes:
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
        lines = "".join([f"M{px(self.left)},{px(self.y(tick.place))}H{px(self.wide - RIGHT)}"
                         for tick in self.ups])
        names = "".join([label(self.left - 6, self.y(tick.place) + 4, tick.name, "end")
                         for tick in self.ups])
        return Markup(
            f'<svg class="chart" viewBox="0 0 {px(self.wide)} {px(self.high)}" role="img" '
            f'aria-label="{escape(words)}"><path class="lines" d="{lines}"/>{names}'
            f'{"".join(inside)}{"".join(along)}</svg>')


def label(x: float, y: float, words: str, anchor: str = "middle", kind: str = "") -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{px(x)}" y="{px(y)}"{where}{named}>{escape(words, quote=False)}</text>'


def px(value: float) -> str:
    """A length as short as it may be."""
    return f"{value:.1f}".removesuffix(".0")


class Span(NamedTuple):
    """A stretch of the axis along which a pass runs, such as a stage."""

    name: str
    length: int
    """Bars or calls in it."""


def _stretches(axes: Axes, spans: Sequence[Span]) -> list[str]:
    """Names of stretches under the axis, turned where they have no room, and lines between them."""
    flat, base = not _turned(spans), axes.high - axes.bottom
    whole = sum([span.length for span in spans]) or 1
    lines = "".join([f"M{px(axes.x(start / whole))},{px(TOP)}V{px(base)}" for start in
                     list(accumulate([span.length for span in spans]))[:-1]])
    made, end = [f'<path class="parting" d="{lines}"/>'], -math.inf
    for span, x in zip(spans, _middles(axes, spans), strict=True):
        if flat:
            made.append(label(x, base + 15, span.name))
        elif x - end > SIZE:        # those that find room
            made.append(f'<text transform="translate({px(x + 3)},{px(base + 12)})rotate(-40)" '
                        f'text-anchor="end">{escape(span.name, quote=False)}</text>')
            end = x
    return made


def _middles(axes: Axes, spans: Sequence[Span]) -> list[float]:
    """Of the names, none of which leaves the chart."""
    ends = list(accumulate([span.length for span in spans]))
    return [min(axes.x((end - span.length / 2) / (ends[-1] or 1)),
                axes.wide - width(span.name, SIZE) / 2) for span, end in
            zip(spans, ends, strict=True)]


def _turned(spans: Sequence[Span]) -> bool:
    """Whether names would run into each other."""
    halves = [width(span.name, SIZE) / 2 + 3 for span in spans]
    stands = list(zip(_middles(Axes(()), spans), halves, strict=True))
    return any(x + half > after - next_half for (x, half), (after, next_half) in pairwise(stands))


def _axes(spans: Sequence[Span], most: float, unit: str) -> Axes:
    """Axes from 0 to `most`, with room for the names of the stretches."""
    bottom = BOTTOM
    if _turned(spans):
        bottom = 16 + TURNED * max([width(span.name, SIZE) for span in spans])
    return Axes(ticks(_even(most, unit), most), bottom=bottom, high=HIGH - BOTTOM + bottom)


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
    axes = _axes(spans, most, unit)
    step = (axes.x(1) - axes.x(0)) / max(len(shown), 1)
    wide = step * (0.72 if step > 3 else 1)
    paths: dict[Kind, list[str]] = {}
    hatches, tips = list[str](), list[str]()
    for place, bar in enumerate(shown):
        x, below = axes.x(0) + step * (place + 0.5) - wide / 2, 0.0
        for kind in KIND_COLOURS:
            if cost := bar.costs.get(kind, 0):
                low, high = axes.y(below / most), axes.y((below + cost) / most)
                paths.setdefault(kind, []).append(
                    f"M{px(x)},{px(low)}h{px(wide)}V{px(high)}h-{px(wide)}z")
                if kind in HATCHED:
                    hatches.append(_hatch(x, low, wide, low - high))
                below += cost
        tips.append(f'<rect class="tip" x="{px(x)}" y="{px(TOP)}" width="{px(max(wide, 2))}" '
                    f'height="{px(axes.y(0) - TOP)}"><title>{escape(bar.words, quote=False)}'
                    "</title></rect>")
    made = [f'<path d="{"".join(path)}" fill="{KIND_COLOURS[kind]}"/>'
            for kind, path in paths.items()]
    if hatches:
        made.append(f'<path class="hatch" d="{"".join(hatches)}"/>')
    return axes.svg(words, [*made, *tips], _stretches(axes, spans))


def _hatch(x: float, low: float, wide: float, high: float) -> str:
    """Lines across a bar, as lines: a pattern would be printed as an image."""
    return "".join([f"M{px(x + max(0, at - high))},{px(low - min(at, high))}"
                    f"L{px(x + min(at, wide))},{px(low - max(0, at - wide))}"
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
    axes = _axes(spans, most, unit)
    made = []
    for line in lines:
        path = _stepped(axes, line.values, most)
        if line.filled:
            made.append(f'<path d="M{px(axes.x(0))},{px(axes.y(0))}V{path[1:].partition(",")[2]}'
                        f'V{px(axes.y(0))}z" fill="{line.colour}" fill-opacity="0.18"/>')
        made.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.8"/>')
    if level:
        y = axes.y(level[0] / (most or 1))
        made.append(f'<path class="level" d="M{px(axes.x(0))},{px(y)}H{px(axes.x(1))}"/>'
                    + label(axes.x(0) + 4, y - 5, level[1], "start"))
    for mark in marks:
        values = lines[0].values
        share = (mark.place + 0.5) / len(values)
        x, y = axes.x(share), axes.y(values[mark.place] / (most or 1))
        late = share > 0.5
        made.append(f'<circle class="mark" cx="{px(x)}" cy="{px(y)}" r="3.6"/>'
                    + label(x + (-8 if late else 8), max(y + 4, TOP + 4), mark.words,
                            "end" if late else "start", "marked"))
    return axes.svg(words, made, _stretches(axes, spans))


def _stepped(axes: Axes, values: Sequence[float], most: float) -> str:
    """A line that is level over each call."""
    made, before = [f"M{px(axes.x(0))},{px(axes.y(values[0] / (most or 1)))}"], values[0]
    for place, value in enumerate(values):
        if value != before:
            made.append(f"H{px(axes.x(place / len(values)))}V{px(axes.y(value / (most or 1)))}")
            before = value
    return "".join([*made, f"H{px(axes.x(1))}"])
