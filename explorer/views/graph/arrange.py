"""The layout of a drawing: parts of known size, put together as the papers do.

A box knows how far it reaches to both sides of its trunk and how high it is, and has the trunk at
x = 0. A sequence lines up the trunks of its parts; where ways meet in a sign, one of them is the
trunk and the others run around it; all others stand side by side under one rail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from explorer import text
from explorer.structure import EdgeKind, Part
from explorer.tracing.operators import Shape
from explorer.views.graph import cards, recipe
from explorer.views.graph.cards import BUTTON, RADIUS, SIZE, STACK, Card, Text
from explorer.views.graph.drawing import Drawing, Frame, Item
from explorer.views.graph.letters import fitted, width
from explorer.views.graph.overlays import Overlay
from explorer.views.graph.picture import MARGIN, Line, Picture, PlacedCard, PlacedFrame, Point
from explorer.views.graph.series import Series, Ways, in_series
from explorer.views.graph.spread import SIDE, Stand, reduced, spread

Direction = Literal["LR", "TB"]
DIRECTIONS: tuple[Direction, ...] = ("LR", "TB")

ARROW = 18
"""Room for a line with its head."""
FORK = 7
RAIL = 9
BESIDE = 22
"""Between ways."""
INSIDE = 11
"""Between a frame and what it holds."""
HEAD = 46
GUTTER = 28
ENTRY = 30
"""Where a column's first card is entered, from its top."""
IDENTITY = "identity"
SQUEEZE = "squeeze-and-excitation"

WEIGHTED = frozenset({"convolution", "depthwise convolution", "linear"})
FOLLOWING = frozenset({"normalisation", "activation"})

Thing: TypeAlias = "Item | Card"
"""What stands in a row: a part, or an input or an output of the network."""


class Link(NamedTuple):
    kind: EdgeKind
    shape: Shape
    drawn: bool = True
    """False where nothing flows: to what reads no input, from what nobody reads."""


class Out(NamedTuple):
    """Where a line leaves a box, to whatever comes next."""

    x: float
    y: float
    kind: EdgeKind = "flow"
    drawn: bool = True


@dataclass(eq=False, slots=True)
class Box:
    """Something laid out around its trunk, which is at x = 0 and begins at y = 0."""

    left: float = 0
    right: float = 0
    height: float = 0
    outs: list[Out] = field(default_factory=list)
    enters: bool = True
    """Whether a line that comes from above ends at its top; else it goes on inside."""
    side_in: Point | None = None
    """Where a line may come in from the left."""
    side_out: Point | None = None
    """Where a line may leave to the right."""
    cards: list[PlacedCard] = field(default_factory=list)
    frames: list[PlacedFrame] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)
    labels: list[Text] = field(default_factory=list)
    inner: list[tuple[float, float, Box]] = field(default_factory=list)

    def place(self, box: Box, x: float, y: float) -> None:
        self.inner.append((x, y, box))
        self.reach(x - box.left, x + box.right, y + box.height)

    def reach(self, left: float, right: float, bottom: float) -> None:
        self.left = max(self.left, -left)
        self.right = max(self.right, right)
        self.height = max(self.height, bottom)

    def line(self, *points: Point, kind: EdgeKind = "flow", arrow: bool = True) -> None:
        self.lines.append(Line(points, kind, arrow))


def card_box(card: Card) -> Box:
    box = Box(left=card.spine, right=card.width - card.spine, height=card.height)
    box.cards.append(PlacedCard(-card.spine, 0, card))
    entry = min(ENTRY, (card.height - 2 * STACK * card.stacked) / 2)
    box.side_in = -card.spine, entry
    box.side_out = box.right, entry
    box.outs = [Out(0, card.height)]
    return box


def lay_out(drawing: Drawing, *, overlay: Overlay, direction: Direction = "LR",
            changes: Mapping[str, str] | None = None) -> Picture:
    """The drawing laid out: LR sets the stages side by side, each from top to bottom; TB sets
    everything one under the other. On every part stands the overlay's figure, and what `changes`
    says of it. Raises `LayoutError` where ways cross and Graphviz cannot say how they stand."""
    return Arrangement(drawing, overlay.shown, changes or {}).picture(direction)


class Arrangement:
    """Lays out one drawing."""

    def __init__(self, drawing: Drawing, figures: Mapping[str, str],
                 changes: Mapping[str, str]) -> None:
        self.drawing, self.figures, self.changes = drawing, figures, changes
        self.rows = _rows(drawing)
        self.elements = {frame: in_series(range(len(row.things)), row.links)
                         for frame, row in self.rows.items()}

    @property
    def crosses(self) -> bool:
        """Whether ways cross somewhere, so that the picture takes Graphviz."""
        return any(map(_crosses, self.elements.values()))

    def picture(self, direction: Direction) -> Picture:
        """Raises `LayoutError` where ways cross and Graphviz cannot say how they stand."""
        row, elements = self.rows[None], self.elements[None]
        if direction == "LR" and (split := _main_way(elements, row)) is not None:
            box = Columns(self, row).box(*split)
        else:
            box = self.series(row, elements, None)
        return _flat(box)

    # In series

    def series(self, row: Row, elements: Series[int], around: Part | None, *, before: int = -1,
               after: int | None = None) -> Box:
        """What runs one after the other: each thing below the one before it."""
        box = Box()
        after = len(row.things) if after is None else after
        last, place, outs = before, 0, [Out(0, 0)]
        shape: Shape | None = around.output_shape if around else None
        first = True
        while place < len(elements):
            element = elements[place]
            y = max(out.y for out in outs) if not first else 0
            if isinstance(element, Ways):
                follows = elements[place + 1] if place + 1 < len(elements) else None
                assert not isinstance(follows, Ways)
                target = after if follows is None else follows
                made = self.ways(row, element, last, target, around,
                                 join=None if follows is None else row.things[follows])
                if first:
                    box.enters = False
                elif made.height:
                    pass
                box.place(made, 0, y)
                for out in outs if not first else ():
                    if out.drawn and (out.x, out.y) != (0, y):
                        box.line((out.x, out.y), (0, y), kind=out.kind, arrow=False)
                place += 1 + (follows is not None)
                if follows is not None:
                    last = follows
                box.side_in = None
                box.side_out = None
                outs = [out._replace(y=out.y + y) for out in made.outs]
                first = False
                continue
            taken = self._strips(row, elements, place)
            made = self._group(row, [row.things[at] for at in elements[place:taken] if isinstance(at, int)]) \
                if taken > place + 1 else self.box(row.things[element], around)
            link = row.links.get((last, element))
            if not first:
                drawn = link is None or link.drawn
                words = ""
                # A closed part has its shape on it.
                if link and drawn and _is_call(row.things[last]) and link.shape not in (
                        shape, row.shape_into(last)) and around is not None:
                    words = text.shape(link.shape[1:])
                below = y + ARROW
                if drawn:
                    [out] = outs
                    box.line((0, out.y), (0, below), kind=link.kind if link else "flow",
                             arrow=made.enters)
                if words:
                    box.labels.append(Text(7, y + ARROW / 2 + 3, words, "label"))
                    box.reach(0, 7 + width(words, SIZE), below)
                y = below
            box.place(made, 0, y)
            if first:
                box.enters = made.enters
                box.side_in = made.side_in
            box.side_out = made.side_out and (made.side_out[0], made.side_out[1] + y)
            outs = [out._replace(y=out.y + y) for out in made.outs]
            last = elements[taken - 1]      # type: ignore[assignment]
            place, first = taken, False
        box.outs = outs
        return box

    def _strips(self, row: Row, elements: Series[int], place: int) -> int:
        """The end of what stands on one card from `place` on: a convolution or a linear layer with
        its normalisation and activation."""
        end = place + 1
        if _kind(row, elements[place]) in WEIGHTED:
            while end < len(elements) and _kind(row, elements[end]) in FOLLOWING:
                end += 1
        return end

    def _group(self, row: Row, parts: Sequence[Thing]) -> Box:
        box = Box()
        y = 0.0
        for card in cards.strips([part for part in parts if isinstance(part, Part)], self.figures):
            box.cards.append(PlacedCard(-card.width / 2, y, card))
            y += card.height
            box.reach(-card.width / 2, card.width / 2, y)
        entry = min(ENTRY, y / 2)
        box.side_in, box.side_out = (-box.left, entry), (box.right, entry)
        box.outs = [Out(0, y)]
        return box

    def box(self, thing: Thing, around: Part | None = None) -> Box:
        if isinstance(thing, Frame):
            return self.framed(thing)
        return card_box(thing if isinstance(thing, Card) else self.card(thing, around))

    def card(self, part: Part, around: Part | None) -> Card:
        if part.failed:
            return cards.failed(part)
        figure = self.figures.get(part.id, "")
        if part.parts:
            known = around is not None and around.output_shape == part.output_shape
            shape = "" if known else text.shape(part.output_shape[1:])
            return cards.closed(part, self.drawing.wiring, change=self.changes.get(part.id, ""),
                                foot=" · ".join([words for words in (shape, figure) if words]))
        if part.layers[0].call.operator in cards.SIGNS:
            return cards.sign(part)
        return cards.strips([part], self.figures)[0]

    # Side by side

    def ways(self, row: Row, ways: Ways[int], source: int, target: int, around: Part | None, *,
             join: Thing | None) -> Box:
        """Ways from one thing to the next, with what they meet in, if that is one thing."""
        if ways.crossing:
            return self._crossing(row, ways, source, target, around, join)
        made = [_Way(self, row, way, source, target, around) for way in ways.ways]
        sign = isinstance(join, Part) and not join.parts and not join.failed \
            and join.layers[0].call.operator in cards.SIGNS
        alive = [way for way in made if any(out.drawn for out in way.outs)]
        if sign and len(made) <= 3 and all(len(way.outs) == 1 for way in made):
            assert isinstance(join, Part)
            return self._around(made, cards.sign(join))
        if join is None and len(alive) == 1:
            return self._around(made, None)
        return self._abreast(made, join, around)

    def _around(self, ways: Sequence[_Way], sign: Card | None) -> Box:
        """One way is the trunk; the others leave it, run beside it and come back to the sign, or
        end where they are."""
        box = Box(enters=False)
        main = max(ways, key=lambda way: (way.drawn_out, way.kind == "flow", way.size))
        sides = [way for way in ways if way is not main]
        forks = main.drawn_in and any(side.drawn_in for side in sides)
        top = FORK + ARROW
        bottom = float(top)
        if main.box:
            box.place(main.box, 0, top)
            bottom += main.box.height
            if main.drawn_in:
                box.line((0, 0), (0, top), kind=main.enters, arrow=main.box.enters)
        edges = {1: max(box.right, RADIUS if sign else 0), -1: max(box.left, RADIUS if sign else 0)}
        placed: list[tuple[_Way, float, float, int]] = []
        for number, side in enumerate(sides):
            way = -1 if number == 1 and sign else 1
            if side.box is None:
                x = edges[way] + BESIDE - 6
                edges[way] = x + 4
                placed.append((side, way * x, top, way))
                continue
            near, far = (side.box.left, side.box.right) if way == 1 else \
                (side.box.right, side.box.left)
            x = edges[way] + BESIDE + near
            edges[way] = x + far
            y = max(top, top + ((main.box.height if main.box else 0) - side.box.height) / 2)
            box.place(side.box, way * x, y)
            placed.append((side, way * x, y, way))
            bottom = max(bottom, y + side.box.height - (0 if sign else 0))
        centre = max(bottom, (FORK + ARROW if main.box is None else 0)) + ARROW + RADIUS
        for side, x, y, way in placed:
            start = (0.0, float(FORK))
            if side.box is None:
                if sign:
                    box.line(start, (x, FORK), (x, centre), (way * RADIUS, centre), kind=side.kind)
                    if side.kind == "shortcut":
                        box.labels.append(Text(x + way * 6, (top + bottom) / 2 + 4, IDENTITY,
                                               "label", "start" if way == 1 else "end"))
                        edges[way] = max(edges[way], way * x + 6 + width(IDENTITY, SIZE))
                continue
            if side.drawn_in:
                box.line(start, (x, FORK), (x, y), kind=side.enters, arrow=side.box.enters)
            if sign and side.outs[0].drawn:
                box.line((x, y + side.box.height), (x, centre), (way * RADIUS, centre),
                         kind=side.kind)
        if forks:
            box.dots.append((0, FORK))
        box.reach(-edges[-1], edges[1], bottom)
        if sign is None:
            box.outs = [out._replace(y=out.y + top) for out in main.outs]
            if main.box is None:
                box.outs = [Out(0, 0, main.kind, main.outs[0].drawn)]
            return box
        box.cards.append(PlacedCard(-RADIUS, centre - RADIUS, sign))
        if main.box is None:
            box.line((0, 0), (0, centre - RADIUS), kind=main.kind)
        elif main.outs[0].drawn:
            box.line((0, top + main.outs[0].y), (0, centre - RADIUS), kind=main.kind)
        box.reach(-RADIUS, RADIUS, centre + RADIUS)
        box.outs = [Out(0, box.height)]
        return box

    def _abreast(self, ways: Sequence[_Way], join: Thing | None, around: Part | None) -> Box:
        """All ways side by side, from one rail to a bar."""
        box = Box(enters=False)
        top = RAIL + ARROW
        places: list[float] = []
        edge = 0.0
        for way in ways:
            left, right = (way.box.left, way.box.right) if way.box else (8.0, 8.0)
            places.append(edge + left)
            edge += left + right + BESIDE
        middle = places[len(places) // 2] if len(places) % 2 else (edge - BESIDE) / 2
        places = [x - middle for x in places]
        ends: list[tuple[float, float, EdgeKind]] = []
        for way, x in zip(ways, places, strict=True):
            if way.box is None:
                box.reach(x - 8, x + 8, top)
                ends.append((x, -1, way.kind))
                continue
            box.place(way.box, x, top)
            if way.drawn_in:
                bends = [(0.0, 0.0), (x, 0.0)] if x == 0 else [
                    (0.0, 0.0), (0.0, float(RAIL)), (x, float(RAIL))]
                box.line(*(bends[:1] if x == 0 else bends), (x, top), kind=way.enters,
                         arrow=way.box.enters)
            ends += [(x + out.x, top + out.y, out.kind) for out in way.outs if out.drawn]
        straight = [(0.0, 0.0)]
        below = box.height + ARROW

        def come_down(to: float, x: float, y: float, kind: EdgeKind, arrow: bool) -> None:
            if y >= 0:
                box.line((x, y), (x, to), kind=kind, arrow=arrow)
            elif x == 0:
                box.line(*straight, (0, to), kind=kind, arrow=arrow)
            else:
                box.line((0, 0), (0, RAIL), (x, RAIL), (x, to), kind=kind, arrow=arrow)

        if join is None:
            rail = box.height + RAIL
            for x, y, kind in ends:
                come_down(rail, x, y, kind, False)
            box.outs = [Out(x, rail, kind) for x, _, kind in ends]
            box.reach(0, 0, rail)
            return box
        if isinstance(join, Part) and not join.parts and not join.failed and ends:
            spread = [x for x, _, _ in ends]
            left, right = min(spread) - 24, max(spread) + 24
            card = cards.bar(join, self.figures.get(join.id, ""), right - left)
            left = min((left + right - card.width) / 2, -RADIUS)
            for x, y, kind in ends:
                come_down(below, x, y, kind, True)
            box.cards.append(PlacedCard(left, below, card))
            box.reach(left, left + card.width, below + card.height)
            box.outs = [Out(0, box.height)]
            return box
        rail = box.height + RAIL
        made = self.box(join, around)
        for x, y, kind in ends:
            if y >= 0 and x != 0:
                box.line((x, y), (x, rail), (0, rail), (0, rail + ARROW), kind=kind,
                         arrow=made.enters)
            elif x != 0:
                box.line((0, 0), (0, RAIL), (x, RAIL), (x, rail), (0, rail), (0, rail + ARROW),
                         kind=kind, arrow=made.enters)
            else:
                box.line((0, max(y, 0)), (0, rail + ARROW), kind=kind, arrow=made.enters)
        box.place(made, 0, rail + ARROW)
        box.outs = [out._replace(y=out.y + rail + ARROW) for out in made.outs]
        return box

    def _crossing(self, row: Row, ways: Ways[int], source: int, target: int, around: Part | None,
                  join: Thing | None) -> Box:
        """Ways that cross each other, in ranks; what is in series on them is a box as ever."""
        things = [thing for thing in ways.ways[0] if not isinstance(thing, Ways)]
        known = {source, *things, target}
        links = {pair: link for pair, link in row.links.items()
                 if known.issuperset(pair) and (pair != (source, target) or len(ways.ways) > 1)}
        found = reduced(things, links)
        lines_into = Counter([end for _, end, _ in found])
        made: dict[int, tuple[Box, Stand]] = {}
        """By the number of a thing in each: in an order in which data flows."""
        wires: list[tuple[int, int, EdgeKind]] = []

        def wire(begin: int, end: int, link: Link) -> None:
            if link.drawn:
                wires.append((begin, end, link.kind))

        for begin, end, way in found:
            first = end if (entered := _first(way)) is None else entered
            enters = links[begin, first]
            if lines_into[end] == 1 and end != target:
                box = _one_out(self.series(row, (*way, end), around, before=begin))
                made[end] = box, Stand(box.left, box.right, box.height)
                wire(begin, end, enters)
            elif not way:
                wire(begin, end, enters)
            else:
                last = _last(way)
                assert last is not None
                box = _one_out(self.series(row, way, around, before=begin, after=end))
                made[first] = box, Stand(box.left, box.right, box.height)
                wire(begin, first, enters)
                wire(first, end, links[last, end])
        for number in {end for _, end, _ in found} - {target, *made}:
            made[number] = self._meeting(row.things[number], around,
                                         sum([end == number for _, end, _ in wires]))
        ends = Box(enters=False, outs=[Out(0, 0)]), Stand(0, 0, 0)
        made[target] = ends if join is None else self._meeting(
            join, around, sum([end == target for _, end, _ in wires]))
        order = [source, *sorted(made)]
        place = {number: at for at, number in enumerate(order)}
        laid = spread([ends[1], *(made[number][1] for number in order[1:])],
                      [(place[begin], place[end]) for begin, end, _ in wires])
        whole = Box(enters=False)
        for (x, y), number in zip(laid.places[1:], order[1:], strict=True):
            whole.place(made[number][0], x, y)
        for points, (_, end, kind) in zip(laid.lines, wires, strict=True):
            whole.line(*points, kind=kind, arrow=made[end][0].enters)
            whole.reach(min(x for x, _ in points), max(x for x, _ in points), 0)
        whole.dots = laid.dots
        whole.outs = [out._replace(y=out.y + laid.places[-1][1]) for out in made[target][0].outs]
        return whole

    def _meeting(self, thing: Thing, around: Part | None, lines: int) -> tuple[Box, Stand]:
        """A thing that several lines enter, and where they do."""
        call = isinstance(thing, Part) and not thing.parts and not thing.failed
        if lines < 2 or not call:
            box = self.box(thing, around)
            return box, Stand(box.left, box.right, box.height,
                              "middle" if isinstance(thing, Frame) else "along")
        assert isinstance(thing, Part)
        if thing.layers[0].call.operator in cards.SIGNS:
            return card_box(cards.sign(thing)), Stand(SIDE, SIDE, 2 * RADIUS, "sides")
        box = card_box(cards.bar(thing, self.figures.get(thing.id, ""), 20.0 * lines))
        return box, Stand(box.left, box.right, box.height, "along")

    # Frames

    def framed(self, frame: Frame, *, from_side: bool = False, to_side: bool = False) -> Box:
        """An open part: a head that says what it is, and what it holds. The trunk runs past the
        head, unless it is entered from its side."""
        row = self.rows[frame]
        inner = self.series(row, self.elements[frame], frame.part)
        gate = _is_gate(frame, row)
        title = SQUEEZE if gate else recipe.title(frame.part)
        title = fitted(title, SIZE, cards.WIDEST + 60, bold=True)
        quiet = " · ".join([text.shape(frame.part.output_shape[1:]),
                            *([self.figures[frame.part.id]]
                              if self.figures.get(frame.part.id) else [])])
        lines = [(title, "title"), (quiet, "quiet"),
                 *((words, "change") for words in self.changes.get(frame.part.id, "").splitlines())]
        need = max(width(words, SIZE, bold=style == "title") for words, style in lines)
        button = 2 * BUTTON + 16
        head = HEAD + 14 * (len(lines) - 2)
        left, right = inner.left + INSIDE, inner.right + INSIDE
        if from_side:
            right += max(0.0, need + 12 + button - left - right)
            at = 12.0
        else:
            wants_right, wants_left = need + 12 + button - right, need + 24 - left
            if wants_right <= max(wants_left, 0):
                right += max(0.0, wants_right)
                at = left + 12
            else:
                left += max(0.0, wants_left)
                right = max(right, button + 8)
                at = 12.0
        box = Box(left=left, right=right)
        if from_side:
            y = head + (0.0 if inner.side_in else 16 + ENTRY)
            if inner.side_in:
                y += ENTRY - inner.side_in[1]
                box.side_in = inner.side_in[0], y + inner.side_in[1]
            else:
                box.side_in = None
        else:
            y = head + ARROW - 8
            if not row.nothing_enters:
                box.line((0, 0), (0, y), arrow=inner.enters)
        box.place(inner, 0, y)
        foot = INSIDE
        ends = [out for out in inner.outs if out.drawn]
        if to_side and inner.side_out and len(ends) == 1:
            box.side_out = inner.side_out[0], inner.side_out[1] + y
        elif to_side:
            foot += 12
        box.height = y + inner.height + foot
        for out in ends if not to_side else ():
            bends = ((out.x, box.height - 6), (0.0, box.height - 6)) if out.x else ()
            box.line((out.x, out.y + y), *bends, (0, box.height), arrow=False)
        box.left, box.right = max(left, inner.left + INSIDE), max(right, inner.right + INSIDE)
        box.outs = [Out(0, box.height, drawn=bool(ends))]
        box.frames.append(PlacedFrame(
            -box.left, 0, box.left + box.right, box.height, frame,
            tuple([Text(at, 19 + 15 * number, words, style)
                   for number, (words, style) in enumerate(lines)]), gate))
        return box


def _one_out(box: Box) -> Box:
    """The same with one line out of it, from its middle."""
    if all(out.x == 0 for out in box.outs):
        return box
    low = box.height + RAIL
    for out in box.outs:
        if out.drawn:
            box.line((out.x, out.y), (out.x, low), (0, low), kind=out.kind, arrow=False)
    box.reach(0, 0, low)
    box.outs = [Out(0, low)]
    return box


class _Way:
    """One of several ways: what is on it, laid out, and the lines that lead to and from it."""

    def __init__(self, arrangement: Arrangement, row: Row, way: Series[int], source: int,
                 target: int, around: Part | None) -> None:
        first, last = _first(way), _last(way)
        enters = row.links.get((source, target if first is None else first))
        leaves = row.links.get((source if last is None else last, target))
        self.size = _size(way)
        self.drawn_in = enters is None or enters.drawn
        self.enters: EdgeKind = enters.kind if enters else "flow"
        self.kind: EdgeKind = leaves.kind if leaves else "flow"
        self.box = arrangement.series(row, way, around, before=source, after=target) if way \
            else None
        self.outs = [Out(0, 0, self.kind, leaves is None or leaves.drawn)]
        if self.box:
            several = len(self.box.outs) > 1
            self.outs = [out._replace(kind=out.kind if several else self.kind,
                                      drawn=out.drawn and (leaves is None or leaves.drawn))
                         for out in self.box.outs]
        self.drawn_out = any(out.drawn for out in self.outs)


def _first(way: Series[int]) -> int | None:
    if not way:
        return None
    element = way[0]
    if not isinstance(element, Ways):
        return element
    return next((found for inner in element.ways if (found := _first(inner)) is not None), None)


def _last(way: Series[int]) -> int | None:
    if not way:
        return None
    element = way[-1]
    if not isinstance(element, Ways):
        return element
    return next((found for inner in element.ways if (found := _last(inner)) is not None), None)


def _size(way: Series[int]) -> int:
    return sum([sum(map(_size, element.ways)) if isinstance(element, Ways) else 1
                for element in way])


def _crosses(way: Series[int]) -> bool:
    return any(isinstance(element, Ways) and (element.crossing or any(map(_crosses, element.ways)))
               for element in way)


def _kind(row: Row, element: object) -> str | None:
    thing = row.things[element] if isinstance(element, int) else None
    if not isinstance(thing, Part) or thing.parts or thing.failed:
        return None
    return thing.layers[0].kind


def _is_gate(frame: Frame, row: Row) -> bool:
    return frame.part.role == "module" and any(link.kind == "gate" for link in row.links.values())


# Who reads whom in each frame

@dataclass(eq=False)
class Row:
    """What stands in a frame, or at the top, and who reads whom: things by their number, -1 for
    what is given to the frame and one more than the last for what it gives."""

    things: Sequence[Thing]
    links: dict[tuple[int, int], Link] = field(default_factory=dict)

    @property
    def nothing_enters(self) -> bool:
        return not any(source == -1 and link.drawn for (source, _), link in self.links.items())

    def shape_into(self, number: int) -> Shape | None:
        """Of what a thing reads, if it reads one."""
        shapes = {link.shape for (_, target), link in self.links.items() if target == number}
        return shapes.pop() if len(shapes) == 1 else None

    def connect(self, source: int, target: int, link: Link) -> None:
        before = self.links.get((source, target))
        if before is None or link.kind == "flow":
            self.links[source, target] = link

    def close(self) -> None:
        """Connect what reads nothing and what nobody reads, so that every thing is on a way."""
        sources = {source for source, _ in self.links}
        targets = {target for _, target in self.links}
        for number in range(len(self.things)):
            if number not in targets:
                self.links[-1, number] = Link("flow", (), drawn=False)
            if number not in sources:
                self.links[number, len(self.things)] = Link("flow", (), drawn=False)


def _rows(drawing: Drawing) -> dict[Frame | None, Row]:
    trace = drawing.structure.summary.trace
    inputs = [cards.given(number, one) for number, one in enumerate(trace.inputs)]
    outputs: list[tuple[int, Card]] = []
    layers = drawing.structure.layers
    read = {producer for layer in layers for producer in layer.inputs}
    for number, producer in enumerate(trace.outputs if not drawing.structure.failure else ()):
        if producer >= 0:
            outputs.append((producer, cards.end(
                f"output{number or ''}", "Output", text.shape(layers[producer].output_shape[1:]))))
    outputs += [(layer.index, cards.end(f"output:{layer.index}", "Output",
                                        text.shape(layer.output_shape[1:])))
                for stage in drawing.structure.stages if stage.auxiliary
                for layer in stage.layers if layer.index not in read]
    top = Row([*inputs, *drawing.items, *(card for _, card in outputs)])
    rows: dict[Frame | None, Row] = {None: top}
    place: dict[Part, list[tuple[Frame | None, int]]] = {}
    """Of each node the frames that it is in, from the outermost, with its number in each."""

    def enter(frame: Frame | None, items: Iterable[Thing], above: list[tuple[Frame | None, int]],
              ) -> None:
        for number, item in enumerate(items):
            here = [*above, (frame, number)]
            if isinstance(item, Frame):
                rows[item] = Row(item.items)
                enter(item, item.items, here)
            elif isinstance(item, Part):
                place[item] = here

    enter(None, top.things, [])
    for edge in drawing.edges:
        link = Link(edge.kind, edge.shape)
        there = place[edge.target]
        if isinstance(edge.source, int):
            top.connect(-1 - edge.source, there[0][1], link)
            depth = 0
            here: list[tuple[Frame | None, int]] = []
        else:
            here = place[edge.source]
            depth = 0
            while here[depth] == there[depth]:
                depth += 1
            frame, number = here[depth]
            rows[frame].connect(number, there[depth][1], link)
        for frame, number in there[depth + 1:]:
            rows[frame].connect(-1, number, link)
        for frame, number in here[depth + 1:]:
            row = rows[frame]
            row.connect(number, len(row.things), link)
    node_of = {layer.index: node for node in drawing.nodes for layer in node.layers}
    first_output = len(inputs) + len(drawing.items)
    for number, (producer, _) in enumerate(outputs):
        layer = layers[producer]
        node = node_of[drawing.behind.get(producer, producer)]
        kind: EdgeKind = "auxiliary" if node.auxiliary else "flow"
        link = Link(kind, layer.output_shape)
        here = place[node]
        top.connect(here[0][1], first_output + number, link)
        for frame, at in here[1:]:
            rows[frame].connect(at, len(rows[frame].things), link)
    for row in rows.values():
        row.close()
    return rows


# Columns

def _main_way(elements: Series[int], row: Row) -> tuple[list[int], dict[int, list[int]]] | None:
    """The row of things that a network is at the top, and what leaves it and does not come back,
    by the thing that it leaves from; None where it is no such row."""
    main: list[int] = []
    sides: dict[int, list[int]] = {}
    while elements:
        element, rest = elements[0], elements[1:]
        if not isinstance(element, Ways):
            main.append(element)
            elements = rest
            continue
        if rest or not main or element.crossing:
            return None
        longest = max(element.ways, key=_size)
        for way in element.ways:
            if way is not longest:
                if any(isinstance(inner, Ways) for inner in way):
                    return None
                sides[main[-1]] = [inner for inner in way if not isinstance(inner, Ways)]
        elements = longest
    return main, sides


class Columns:
    """The things at the top side by side, joined through the gutters between them: what the network
    is given above the first, what it gives below the last."""

    def __init__(self, arrangement: Arrangement, row: Row) -> None:
        self.arrangement, self.row = arrangement, row

    def box(self, main: Sequence[int], sides: Mapping[int, Sequence[int]]) -> Box:
        whole = Box()
        exits = self._columns(whole, main, 0.0, 0.0, None)
        for source, side in sides.items():
            start, right = exits[source]
            below = max([y + box.height for x, y, box in whole.inner if x + box.right > right],
                        default=0.0)
            self._columns(whole, side, right + GUTTER, below + BESIDE + HEAD + ENTRY, start)
        return whole

    def _columns(self, whole: Box, numbers: Sequence[int], x: float, line: float,
                 start: Exit | None) -> dict[int, tuple[Exit, float]]:
        """Columns from `x` on, entered at the height `line` from `start` on; of each thing where
        lines leave it, and the right side of its column."""
        exits: dict[int, tuple[Exit, float]] = {}
        before, last = start, None
        groups = self._groups(numbers)
        for place, group in enumerate(groups):
            column = self._column(group, entered=place > 0 or start is not None,
                                  left=place < len(groups) - 1)
            centre, top = x + column.box.left, line - column.entry
            if before is not None:
                link = self.row.links.get((last, group[0])) if last is not None else None
                kind: EdgeKind = link.kind if link else "auxiliary"
                if link is None or link.drawn:
                    self._join(whole, before, x - GUTTER / 2, centre, column, line, kind)
            whole.place(column.box, centre, top)
            before = Exit(centre + column.exit.x, top + column.exit.y, column.exit.from_side)
            x = centre + column.box.right
            exits |= dict.fromkeys(group, (before, x))
            x += GUTTER
            last = group[-1]
        return exits

    def _groups(self, numbers: Sequence[int]) -> list[list[int]]:
        """Calls that follow one another stand in one column; so do the network's input and what
        reads it, and its output and what gives it."""
        groups: list[list[int]] = []
        for number in numbers:
            thing = self.row.things[number]
            last = self.row.things[groups[-1][-1]] if groups else None
            if groups and (isinstance(last, Card) or isinstance(thing, Card)
                           or (_is_call(last) and _is_call(thing))):
                groups[-1].append(number)
            else:
                groups.append([number])
        return groups

    def _column(self, group: Sequence[int], *, entered: bool, left: bool) -> Column:
        things = [self.row.things[number] for number in group]
        frames = [place for place, thing in enumerate(things) if isinstance(thing, Frame)]
        if not frames:
            box = self.arrangement.series(self.row, tuple(group), None, before=group[0] - 1)
            return self._finished(box, len(things) > 1 and isinstance(things[0], Card), left)
        # A frame, with the input above it or the output below.
        [place] = frames
        frame = things[place]
        assert isinstance(frame, Frame)
        made = self.arrangement.framed(frame, from_side=entered and place == 0,
                                       to_side=left and place == len(things) - 1)
        box = Box()
        y = 0.0
        for number, thing in enumerate(things):
            inner = made if number == place else self.arrangement.box(thing)
            if number:
                box.line((0, y), (0, y + ARROW))
                y += ARROW
            box.place(inner, 0, y)
            if number == place:
                box.side_in = made.side_in
                box.side_out = made.side_out and (made.side_out[0], made.side_out[1] + y)
                box.outs = [out._replace(y=out.y + y) for out in made.outs]
                above = y
            y += inner.height
        entry = (made.side_in[1] if made.side_in else HEAD + ENTRY) + above
        if box.side_out:
            leaves = Exit(*box.side_out, True)
        elif left and place == len(things) - 1:
            inside = INSIDE + 12 if made.side_in or entered else 0
            leaves = Exit(0, box.height - inside, False)
        else:
            leaves = Exit(0, box.height, False)
        return Column(box, entry, leaves)

    def _finished(self, box: Box, below_input: bool, left: bool) -> Column:
        """A column of cards alone."""
        leaves = Exit(*box.side_out, True) if box.side_out else Exit(0, box.height, False)
        if below_input:     # then the line leaves at the height at which all others are entered
            return Column(box, leaves.y, leaves)
        return Column(box, box.side_in[1] if box.side_in else -16, leaves)

    def _join(self, whole: Box, before: Exit, gutter: float, centre: float, column: Column,
              line: float, kind: EdgeKind) -> None:
        points: list[Point] = [(before.x, before.y)]
        y = before.y
        if not before.from_side:
            y += 12
            points.append((before.x, y))
        if y != line:
            points += [(gutter, y), (gutter, line)]
        if column.box.side_in:
            whole.line(*points, (centre + column.box.side_in[0], line), kind=kind)
        else:
            whole.line(*points, (centre, line), (centre, line + 16), kind=kind,
                       arrow=column.box.enters)


class Exit(NamedTuple):
    """Where a line leaves a column: to the right, or from below."""

    x: float
    y: float
    from_side: bool


class Column(NamedTuple):
    box: Box
    entry: float
    """The height at which it is entered, from its top."""
    exit: Exit


def _is_call(thing: Thing | None) -> bool:
    return isinstance(thing, Part) and not thing.parts and not thing.failed


def _flat(box: Box) -> Picture:
    """Everything in one coordinate system, from the upper left corner."""
    placed: list[PlacedCard] = []
    frames: list[PlacedFrame] = []
    lines: list[Line] = []
    dots: list[Point] = []
    labels: list[Text] = []

    def take(box: Box, x: float, y: float) -> None:
        for frame in box.frames:
            frames.append(frame._replace(x=frame.x + x, y=frame.y + y))
        for card in box.cards:
            placed.append(PlacedCard(card.x + x, card.y + y, card.card))
        for line in box.lines:
            lines.append(Line(tuple([(px + x, py + y) for px, py in line.points]), line.kind,
                              line.arrow))
        dots.extend([(px + x, py + y) for px, py in box.dots])
        labels.extend([label._replace(x=label.x + x, y=label.y + y) for label in box.labels])
        for dx, dy, inner in box.inner:
            take(inner, x + dx, y + dy)

    tops = [dy for _, dy, _ in box.inner]
    up = -min([0.0, *tops])
    take(box, box.left + MARGIN, up + MARGIN)
    return Picture(width=box.left + box.right + 2 * MARGIN, height=box.height + up + 2 * MARGIN,
                   cards=tuple(placed), frames=tuple(frames), lines=tuple(lines),
                   dots=tuple(dots), labels=tuple(labels))
