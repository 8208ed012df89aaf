"""Charts as SVG: small, for a page of any width and for print. Their letters and lines take the
colours of the page."""

from __future__ import annotations

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
    return [f'<path class="parting" d="{lines}"/>', *[
        label(x, base + 15, span.name) if flat else
        f'<text transform="translate({_n(x + 3)},{_n(base + 12)})rotate(-40)" '
        f'text-anchor="end">{escape(span.name, quote=False)}</text>'
        for span, x in zip(spans, _middles(frame, spans), strict=True)]]


def _middles(frame: Frame, spans: Sequence[Span]) -> list[float]:
    ends = list(accumulate([span.length for span in spans]))
    return [frame.x((end - span.length / 2) / (ends[-1] or 1))
            for span, end in zip(spans, ends, strict=True)]


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
    return Frame(ticks(even_ticks(most, unit), most), bottom=bottom, high=HIGH - BOTTOM + bottom)


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
    tips = []
    for place, bar in enumerate(shown):
        x, below = frame.x(0) + step * (place + 0.5) - wide / 2, 0.0
        for kind in KIND_COLOURS:
            if cost := bar.costs.get(kind, 0):
                low, high = frame.y(below / most), frame.y((below + cost) / most)
                paths.setdefault(kind, []).append(
                    f"M{_n(x)},{_n(low)}h{_n(wide)}V{_n(high)}h-{_n(wide)}z")
                below += cost
        tips.append(f'<rect class="tip" x="{_n(x)}" y="{_n(TOP)}" width="{_n(max(wide, 2))}" '
                    f'height="{_n(frame.y(0) - TOP)}"><title>{escape(bar.words, quote=False)}'
                    "</title></rect>")
    made = []
    for kind, path in paths.items():
        made.append(f'<path d="{"".join(path)}" fill="{KIND_COLOURS[kind]}"/>')
        if kind in HATCHED:
            made.append(f'<path d="{"".join(path)}" fill="url(#hatch)"/>')
    return frame.svg(words, [*made, *tips], _stretches(frame, spans))


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
