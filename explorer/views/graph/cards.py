"""The nodes of the drawing, each as large as what is written on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from explorer import text
from explorer.language import Text, say
from explorer.structure import Part, Wiring
from explorer.tracing import Input
from explorer.views.graph import recipe
from explorer.views.graph.letters import fitted, width

SIZE, LINE = 11, 16
"""The size of the letters, and a line of text."""
PAD, GAP = 9, 8
HEAD = 28
STRIP = 20
STACK = 4
"""How far each of the two cards behind a run stands out."""
RADIUS = 10
"""Of a sign."""
BUTTON = 9
WIDEST = 200
"""Of a name; longer ones lose their middle."""
MOST_ROWS = 9

IDENTITY = Text("identity")
SIGNS = {"add": "+", "mul": "×", "sub": "−"}

Anchor = Literal["start", "middle", "end"]
Shape = Literal["card", "strip", "sign", "bar"]


class Label(NamedTuple):
    x: float
    y: float
    words: str
    style: str
    anchor: Anchor = "start"


class Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, eq=False, slots=True)
class Card:
    """A node: its size, and what is drawn on it, from its upper left corner."""

    id: str
    shape: Shape
    width: float
    height: float
    part: Part | None = None
    """None of what the network is given, and of what it gives."""
    texts: tuple[Label, ...] = ()
    panels: tuple[Rect, ...] = ()
    """Grey grounds of the ways through it."""
    joins: tuple[Rect, ...] = ()
    """The bars where ways meet."""
    past: tuple[Rect, ...] = ()
    """Shortcuts past ways: from the middle of the upper side around to the sign below."""
    stacked: bool = False
    """Whether others like it stand behind."""
    opens: bool = False

    @property
    def face(self) -> tuple[float, float]:
        """Width and height of the card itself, without those behind it."""
        behind = 2 * STACK * self.stacked
        return self.width - behind, self.height - behind

    @property
    def spine(self) -> float:
        """Where lines enter from above and leave below."""
        return self.face[0] / 2


def end(id: str, name: str, shape: str) -> Card:
    """What the network is given, or gives."""
    wide = max(width(name, SIZE, bold=True), width(shape, SIZE)) + 2 * PAD
    wide = max(wide, 56)
    return Card(id=id, shape="card", width=wide, height=44, texts=(
        Label(wide / 2, 18, name, "title", "middle"),
        Label(wide / 2, 34, shape, "quiet", "middle")))


def sign(part: Part) -> Card:
    return Card(id=part.id, shape="sign", width=2 * RADIUS, height=2 * RADIUS, part=part, texts=(
        Label(RADIUS, RADIUS + 5, SIGNS[part.layers[0].call.operator], "sign", "middle"),))


def bar(part: Part, figure: str, span: float) -> Card:
    """Where ways meet that all stay: as wide as they stand apart."""
    name = fitted(recipe.label(part), SIZE, WIDEST, bold=True)
    wide = max(span, width(name, SIZE, bold=True) + ((figure and width(figure, SIZE) + 12) or 0)
               + 2 * PAD)
    texts = [Label(wide / 2, 18, name, "title", "middle")]
    if figure:
        texts = [Label((wide - width(figure, SIZE) - 12) / 2, 18, name, "title", "middle"),
                 Label(wide - PAD, 18, figure, "quiet", "end")]
    return Card(id=part.id, shape="bar", width=wide, height=26, part=part, texts=tuple(texts))


def strips(parts: Sequence[Part], figures: Mapping[str, str]) -> list[Card]:
    """A call and what follows it, one under the other, as wide as the widest."""
    names = [fitted(recipe.label(part), SIZE, WIDEST, bold=not place)
             for place, part in enumerate(parts)]
    shown = [figures.get(part.id, "") for part in parts]
    wide = max([96.0, *(width(name, SIZE, bold=not place) + 2 * PAD
                        + (14 + width(figure, SIZE) if figure else 0)
                        for place, (name, figure) in enumerate(zip(names, shown, strict=True)))])
    made = []
    for place, (part, name, figure) in enumerate(zip(parts, names, shown, strict=True)):
        high = STRIP + 4 * (not place) + 4 * (len(parts) == 1)
        base = high / 2 + 4
        style = "strip" if place else "title"
        texts = [Label(PAD, base, name, style), Label(wide - PAD, base, figure, "quiet", "end")] \
            if figure else [Label(wide / 2, base, name, style, "middle")]
        made.append(Card(id=part.id, shape="strip" if len(parts) > 1 else "card", width=wide,
                         height=high, part=part, texts=tuple(texts)))
    return made


def failed(part: Part) -> Card:
    layer = part.layers[0]
    given = text.shape(next(iter(layer.input_shapes), ()))
    rows = [say("{type} cannot run", type=layer.type), say("given {shape}", shape=given)]
    wide = max(width(row, SIZE, bold=True) for row in rows) + 2 * PAD
    return Card(id=part.id, shape="card", width=wide, height=46, part=part, texts=(
        Label(wide / 2, 19, rows[0], "title", "middle"),
        Label(wide / 2, 35, rows[1], "quiet", "middle")))


def closed(part: Part, wiring: Wiring, *, foot: str, change: str = "") -> Card:
    """A closed part as a small figure of itself: its ways, what joins them, and its figure."""
    title = fitted(recipe.title(part), SIZE, WIDEST, bold=True)
    sections = [_fitted(section) for section in recipe.sections(part, wiring)]
    changes = change.splitlines()
    inner = max([_across(ways) for rungs, _ in sections for ways in rungs], default=0.0)
    around = max([14 + (width(past, SIZE) + 4 if past else 0)
                  for _, past in sections if past is not None], default=0.0)
    wide = max([96.0, width(title, SIZE, bold=True) + PAD + 30, inner + around + 2 * PAD,
                *(width(words, SIZE) + 2 * PAD for words in (foot, *changes))])
    texts = [Label(PAD, 19, title, "title")]
    panels: list[Rect] = []
    joins: list[Rect] = []
    loops: list[Rect] = []
    middle, y = (wide - around) / 2, float(HEAD)
    for rungs, past in sections:
        top, across = y + 8 * bool(loops), max(map(_across, rungs))
        y = top
        for ways in rungs:
            x, high = middle - _across(ways) / 2, max([len(way) * LINE + 6 for way in ways])
            if len(ways) > 1:
                joins.append(Rect(x, y + high + 6, _across(ways), 4))
            for way in ways:
                panel = Rect(x, y, _breadth(way), len(way) * LINE + 6)
                panels.append(panel)
                texts += [Label(x + panel.width / 2, y + 14 + LINE * row, words, "row", "middle")
                          for row, words in enumerate(way)]
                x += panel.width + GAP
            y += high + 4 + 10 * (len(ways) > 1)
        if past is not None:
            loops.append(Rect(middle, top, across / 2 + 9, y + 12 - top))
            if past:
                texts.append(Label(middle + across / 2 + 13, (top + y) / 2 + 2, past, "past"))
            y += 24
    y -= 6 * (not sections)
    if foot:
        y += 14
        texts.append(Label(wide / 2, y, foot, "quiet", "middle"))
    for words in changes:
        y += 14
        texts.append(Label(wide / 2, y, words, "change", "middle"))
    stacked = part.role == "run"
    return Card(id=part.id, shape="card", width=wide + 2 * STACK * stacked,
                height=y + 9 + 2 * STACK * stacked, part=part, texts=tuple(texts),
                panels=tuple(panels), joins=tuple(joins), past=tuple(loops), stacked=stacked,
                opens=True)


def _fitted(section: recipe.Section) -> recipe.Section:
    """With no more and no longer words than a card has room for."""
    return section._replace(rungs=tuple([
        tuple([tuple(_cut([fitted(row, SIZE, WIDEST) for row in way]) or [str(IDENTITY)])
               for way in ways]) for ways in section.rungs]))


def _breadth(way: recipe.Way) -> float:
    return max([width(row, SIZE) for row in way]) + 2 * 6


def _across(ways: recipe.Ways) -> float:
    """From the left side of the first way to the right side of the last."""
    return sum(map(_breadth, ways)) + GAP * (len(ways) - 1)


def _cut(rows: Sequence[str]) -> Sequence[str]:
    if len(rows) <= MOST_ROWS:
        return rows
    return [*rows[:MOST_ROWS - 1], say("… {n} more", n=len(rows) - MOST_ROWS + 1)]


def given(number: int, one: Input) -> Card:
    """An input of the network."""
    return end(f"input{number or ''}", say("Input {name}", name=one.name).strip(),
               text.shape(one.shape[1:]))


