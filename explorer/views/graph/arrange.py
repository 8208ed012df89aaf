"""The layout of a drawing: parts of known size, put together as the papers do.

A sequence lines up the trunks of its parts; where ways meet in a sign, one of them is the trunk and
the others run around it; all others stand side by side under one rail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from explorer import text
from explorer.language import Text, say
from explorer.structure import EdgeKind, Part
from explorer.tracing.operators import WEIGHTED, Kind
from explorer.views.graph import cards, recipe
from explorer.views.graph.boxes import ARROW, BESIDE, ENTRY, HEAD, Box, Out, card_box, flat
from explorer.views.graph.cards import BUTTON, IDENTITY, RADIUS, SIZE, Card, Label
from explorer.views.graph.columns import Columns, main_way
from explorer.views.graph.drawing import FOLLOWING, Drawing, Frame
from explorer.views.graph.letters import fitted, width
from explorer.views.graph.overlays import Overlay
from explorer.views.graph.picture import Picture, PlacedCard, PlacedFrame, Point
from explorer.views.graph.rows import Link, Row, Thing, is_call, rows_of
from explorer.views.graph.series import Series, Ways, crosses, in_series, size
from explorer.views.graph.spread import SIDE, Stand, reduced, spread
from explorer.views.layout import LayoutError

Direction = Literal["LR", "TB"]
DIRECTIONS: tuple[Direction, ...] = ("LR", "TB")

FORK = 7
RAIL = 9
"""How far below a thing the lines that leave it part: from a trunk, and to a rail."""
STRAIGHT = 8
"""To both sides of a way without things."""
INSIDE = 11
"""Between a frame and what it holds."""
TITLE, QUIET = 19, 15
"""Of a frame's head: its first line, and how far below those that follow."""
BAR = 24
"""How far a bar reaches past the ways that meet in it."""



def lay_out(drawing: Drawing, *, overlay: Overlay, direction: Direction = "LR",
            changes: Mapping[str, str] | None = None) -> Picture:
    """The drawing laid out: LR sets the stages side by side, each from top to bottom; TB sets
    everything one under the other. On every part stands the overlay's figure, and what `changes`
    says of it. Raises `LayoutError` where ways cross and Graphviz cannot say how they stand, and
    where they stand too deep in one another."""
    return Arrangement(drawing, overlay.shown, changes or {}).picture(direction)


@contextmanager
def _not_too_deep() -> Iterator[None]:
    """Ways in ways in ways are followed by functions that call themselves."""
    try:
        yield
    except RecursionError:
        raise LayoutError(Text("The ways of this network stand too deep inside one another to be "
                               "drawn. A level above may be.")) from None


class Arrangement:
    """Lays out one drawing; raises `LayoutError` where its ways stand too deep in one another."""

    def __init__(self, drawing: Drawing, figures: Mapping[str, str],
                 changes: Mapping[str, str]) -> None:
        self.drawing, self.figures, self.changes = drawing, figures, changes
        self.rows = rows_of(drawing)
        with _not_too_deep():
            self.elements = {frame: in_series(range(len(row.things)), row.links)
                             for frame, row in self.rows.items()}
            self.crosses = any(map(crosses, self.elements.values()))
            """Whether ways cross somewhere, so that the picture takes Graphviz."""

    def picture(self, direction: Direction) -> Picture:
        """Raises `LayoutError` where ways cross and Graphviz cannot say how they stand."""
        row, elements = self.rows[None], self.elements[None]
        with _not_too_deep():
            if direction == "LR" and (way := main_way(row, elements, self.rows)) is not None:
                return flat(Columns(self, row).box(way))
            return flat(self.series(row, elements))

    # In series

    def series(self, row: Row, elements: Series[int], *, around: Part | None = None,
               before: int = -1, after: int | None = None) -> Box:
        """What runs one after the other, each below the one before it: `elements` of a row, between
        two of its things, in the frame of the part `around`."""
        box = Box()
        last, target, place = before, len(row.things) if after is None else after, 0
        while place < len(elements):
            first, y, element = place == 0, box.height, elements[place]
            if isinstance(element, Ways):
                made, last, place = self._forked(row, elements, place, last, target, around)
                if first:
                    box.enters = False
            else:
                made, number, place = self._row(row, elements, place, around)
                if not first:
                    y += self._step(box, row, last, element, around, enters=made.enters)
                else:
                    box.enters, box.side_in = made.enters, made.side_in
                last = number
            box.place(made, 0, y)
            box.side_out = made.side_out and (made.side_out[0], made.side_out[1] + y)
            box.outs = [out._replace(y=out.y + y) for out in made.outs]
        return box

    def _row(self, row: Row, elements: Series[int], place: int,
             around: Part | None) -> tuple[Box, int, int]:
        """A thing, or what stands on one card from there on, a convolution or a linear layer with
        its normalisation and activation; its last number, and the place behind it."""
        first = elements[place]
        assert not isinstance(first, Ways)
        numbers = [first]
        if _kind(row, first) in WEIGHTED:
            for element in elements[place + 1:]:
                if isinstance(element, Ways) or _kind(row, element) not in FOLLOWING:
                    break
                numbers.append(element)
        things = [row.things[number] for number in numbers]
        box = self._strips(things) if len(things) > 1 else self.box(things[0], around)
        return box, numbers[-1], place + len(numbers)

    def _step(self, box: Box, row: Row, last: int, number: int, around: Part | None, *,
              enters: bool) -> float:
        """The line from one thing to the next one below, and the room that it takes. Where calls
        change the shape it says to which: a closed part has its shape on it."""
        link = row.links[last, number]
        if not link.drawn:
            return ARROW
        top = box.height
        box.line((0, box.outs[0].y), (0, top + ARROW), kind=link.kind, arrow=enters)
        if around and is_call(row.things[last]) and link.shape != around.output_shape \
                and row.shapes_into.get(last) != {link.shape}:
            words = text.shape(link.shape[1:])
            box.labels.append(Label(7, top + ARROW / 2 + 3, words, "label"))
            box.reach(0, 7 + width(words, SIZE), top)
        return ARROW

    def _strips(self, things: Sequence[Thing]) -> Box:
        box = Box()
        for card in cards.strips([part for part in things if isinstance(part, Part)],
                                 self.figures):
            box.cards.append(PlacedCard(-card.width / 2, box.height, card))
            box.reach(-card.width / 2, card.width / 2, box.height + card.height)
        box.side(min(ENTRY, box.height / 2))
        box.outs = [Out(0, box.height)]
        return box

    def box(self, thing: Thing, around: Part | None = None) -> Box:
        """A frame, or a card; in a frame that has its shape a card does not say it again."""
        if isinstance(thing, Frame):
            return self.framed(thing)
        return card_box(thing if isinstance(thing, Card) else self._card(thing, around))

    def _card(self, part: Part, around: Part | None) -> Card:
        if part.failed:
            return cards.failed(part)
        if _is_sign(part):
            return cards.sign(part)
        if is_call(part):
            return cards.strips([part], self.figures)[0]
        known = around is not None and around.output_shape == part.output_shape
        shape = "" if known else text.shape(part.output_shape[1:])
        figure = self.figures.get(part.id, "")
        return cards.closed(part, self.drawing.wiring, change=self.changes.get(part.id, ""),
                            foot=" · ".join([words for words in (shape, figure) if words]))

    # Side by side

    def _forked(self, row: Row, elements: Series[int], place: int, source: int, target: int,
                around: Part | None) -> tuple[Box, int, int]:
        """Ways from one thing to the next, with what they meet in, if that is one thing; the number
        of the last, and the place behind it."""
        ways = elements[place]
        assert isinstance(ways, Ways)
        join, last = None, source
        if place + 1 < len(elements):
            following = elements[place + 1]
            assert not isinstance(following, Ways)      # ways end in a thing
            target = last = following
            join = row.things[following]
        if ways.crossing:
            box = self._crossing(row, ways, source, target, around, join)
            return box, last, place + 1 + (join is not None)
        made = [_Way(self, row, way, source, target, around) for way in ways.ways]
        alive = [way for way in made if way.drawn_out]
        if isinstance(join, Part) and _is_sign(join) and len(made) <= 3 \
                and all(len(way.outs) == 1 for way in made):
            box = self._around(made, cards.sign(join))
        elif join is None and len(alive) == 1:
            box = self._around(made, None)
        else:
            box = self._abreast(made, join, around)
        return box, last, place + 1 + (join is not None)

    def _around(self, ways: Sequence[_Way], sign: Card | None) -> Box:
        """One way is the trunk; the others leave it, run beside it and come back to the sign, or
        end where they are."""
        box = Box(enters=False)
        main = max(ways, key=lambda way: (way.drawn_out, way.drawn_in, way.kind == "flow",
                                          way.size))
        sides = [way for way in ways if way is not main]
        top, trunk = FORK + ARROW, 0.0
        if main.box:
            trunk = main.box.height
            box.place(main.box, 0, top)
            if main.drawn_in:
                box.line((0, 0), (0, top), kind=main.enters, arrow=main.box.enters)
        box.reach(-RADIUS, RADIUS, top)
        beside = [self._beside(box, way, top, trunk, left=number == 1 and sign is not None)
                  for number, way in enumerate(sides)]
        bottom = box.height
        centre = bottom + ARROW + RADIUS
        for way, (x, y) in zip(sides, beside, strict=True):
            start, side = (0.0, float(FORK)), -1 if x < 0 else 1
            end = (x, centre), (side * RADIUS, centre)
            if way.box is None:
                if sign:
                    box.line(start, (x, FORK), *end, kind=way.kind)
                continue
            if way.drawn_in:
                box.line(start, (x, FORK), (x, y), kind=way.enters, arrow=way.box.enters)
            if sign and way.drawn_out:
                box.line((x, y + way.box.height), *end, kind=way.kind)
        if main.drawn_in and any(way.drawn_in for way in sides):
            box.dots.append((0, FORK))
        if sign is None:
            box.outs = [out._replace(y=out.y + top if main.box else 0) for out in main.outs]
            return box
        start = (0.0, top + trunk if main.box else 0.0)
        if main.drawn_out:
            box.line(start, (0, centre - RADIUS), kind=main.kind)
        box.cards.append(PlacedCard(-RADIUS, centre - RADIUS, sign))
        box.reach(-RADIUS, RADIUS, centre + RADIUS)
        box.outs = [Out(0, box.height)]
        return box

    def _beside(self, box: Box, way: _Way, top: float, trunk: float, *, left: bool) -> Point:
        """Put a way beside what is there, in the middle of the height of the trunk; where it
        begins."""
        side, edge = (-1, box.left) if left else (1, box.right)
        if way.box is None:
            x = side * (edge + BESIDE - 6)
            box.reach(x - 4, x + 4, top)
            if way.kind == "shortcut":
                box.labels.append(Label(x + side * 6, top + trunk / 2 + 4, str(IDENTITY), "label",
                                       "end" if left else "start"))
                wide = side * (6 + width(str(IDENTITY), SIZE))
                box.reach(min(x, x + wide), max(x, x + wide), top)
            return x, top
        x = side * (edge + BESIDE + (way.box.right if left else way.box.left))
        y = max(top, top + (trunk - way.box.height) / 2)
        box.place(way.box, x, y)
        return x, y

    def _abreast(self, ways: Sequence[_Way], join: Thing | None, around: Part | None) -> Box:
        """All ways side by side, from one rail to a bar, or to the rail above what they meet in."""
        box = Box(enters=False)
        top = RAIL + ARROW
        ends: list[Out] = []
        straight: list[Out] = []
        """Where lines come down to what the ways meet in: from a way, and all the way."""
        for way, x in zip(ways, _places(ways), strict=True):
            if way.box is None:
                box.reach(x - STRAIGHT, x + STRAIGHT, top)
                straight.append(Out(x, 0, way.kind))
                continue
            box.place(way.box, x, top)
            if way.drawn_in:
                box.line(*_from_rail(x), (x, top), kind=way.enters, arrow=way.box.enters)
            ends += [Out(x + out.x, top + out.y, out.kind) for out in way.outs if out.drawn]
        starts: list[tuple[Out, tuple[Point, ...]]] = [(out, ((out.x, out.y),)) for out in ends]
        starts += [(out, _from_rail(out.x)) for out in straight]
        if isinstance(join, Part) and not join.parts and not join.failed and starts:
            below = box.height + ARROW
            left, right = (pick([out.x for out, _ in starts]) for pick in (min, max))
            card = cards.bar(join, self.figures.get(join.id, ""), right - left + 2 * BAR)
            left = min((left + right - card.width) / 2, -RADIUS)
            for out, start in starts:
                box.line(*start, (out.x, below), kind=out.kind)
            box.cards.append(PlacedCard(left, below, card))
            box.reach(left, left + card.width, below + card.height)
            box.outs = [Out(0, box.height)]
            return box
        rail = box.height + RAIL
        if join is None:
            for out, start in starts:
                box.line(*start, (out.x, rail), kind=out.kind, arrow=False)
            box.reach(0, 0, rail)
            box.outs = [Out(out.x, rail, out.kind) for out, _ in starts]
            return box
        made = self.box(join, around)
        for out, start in starts:
            bends = ((out.x, rail), (0.0, rail)) if out.x else ()
            box.line(*start, *bends, (0, rail + ARROW), kind=out.kind, arrow=made.enters)
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
            first = _ends(way, end)[0]
            enters = links[begin, first]
            if lines_into[end] == 1 and end != target:
                box = _one_out(self.series(row, (*way, end), around=around, before=begin))
                made[end] = box, Stand(box.left, box.right, box.height)
                wire(begin, end, enters)
            elif not way:
                wire(begin, end, enters)
            else:
                last = _ends(way, begin, -1)[0]
                box = _one_out(self.series(row, way, around=around, before=begin,
                                           after=end))
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
        row, part = self.rows[frame], frame.part
        inner = self.series(row, self.elements[frame], around=part)
        gate = part.role == "module" and any(link.kind == "gate" for link in row.links.values())
        title = fitted(say("squeeze-and-excitation") if gate else recipe.title(part), SIZE,
                       cards.WIDEST + 60, bold=True)
        figure = self.figures.get(part.id)
        quiet = text.shape(part.output_shape[1:]) + (f" · {figure}" if figure else "")
        lines = [(title, "title"), (quiet, "quiet"),
                 *((words, "change") for words in self.changes.get(part.id, "").splitlines())]
        need = max(width(words, SIZE, bold=style == "title") for words, style in lines)
        head = HEAD + QUIET * (len(lines) - 2)
        left, right, at = _beside_trunk(inner, need, free=from_side)
        box = Box(left=left, right=right)
        y = float(head + ARROW - FORK)
        if not from_side:
            if not row.nothing_enters:
                box.line((0, 0), (0, y), arrow=inner.enters)
        elif inner.side_in:
            y = head + ENTRY - inner.side_in[1]
            box.side_in = inner.side_in[0], head + ENTRY
        else:
            y = head + ENTRY + 16.0
            box.enters = inner.enters
        box.entry = head + ENTRY
        box.place(inner, 0, y)
        ends, foot = [out for out in inner.outs if out.drawn], INSIDE
        if to_side and inner.side_out and len(ends) == 1:
            box.side_out = inner.side_out[0], inner.side_out[1] + y
        elif to_side:
            foot += FORK + 5
        box.height = y + inner.height + foot
        for out in ends if not to_side else ():
            bends = ((out.x, box.height - 6), (0.0, box.height - 6)) if out.x else ()
            box.line((out.x, out.y + y), *bends, (0, box.height), arrow=False)
        box.outs = [Out(0, y + inner.height if to_side else box.height, drawn=bool(ends))]
        box.frames.append(PlacedFrame(
            -box.left, 0, box.left + box.right, box.height, frame,
            tuple([Label(at, TITLE + QUIET * number, words, style)
                   for number, (words, style) in enumerate(lines)]), gate))
        return box


def _beside_trunk(inner: Box, need: float, *, free: bool) -> tuple[float, float, float]:
    """How far a frame reaches to both sides of its trunk, and where its head's text begins, from
    its left side: where more room is, or anywhere where the trunk is out of the way (`free`)."""
    button = 2 * BUTTON + 16
    left, right = inner.left + INSIDE, inner.right + INSIDE
    if free:
        return left, right + max(0.0, need + 12 + button - left - right), 12
    more_right, more_left = need + 12 + button - right, need + 24 - left
    if more_right <= max(more_left, 0):
        return left, right + max(0.0, more_right), left + 12
    return left + max(0.0, more_left), max(right, button + 8), 12


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
        into = [row.links[source, first] for first in _ends(way, target)]
        out_of = [row.links[last, target] for last in _ends(way, source, -1)]
        enters = next((link for link in into if link.drawn), into[0])
        leaves = next((link for link in out_of if link.drawn), out_of[0])
        self.size = size(way)
        self.drawn_in, self.drawn_out = enters.drawn, leaves.drawn
        self.enters: EdgeKind = enters.kind
        self.kind: EdgeKind = leaves.kind
        self.box: Box | None = None
        self.outs = [Out(0, 0, self.kind, leaves.drawn)]
        if way:
            self.box = arrangement.series(row, way, around=around, before=source, after=target)
            several = len(self.box.outs) > 1
            self.outs = [out._replace(kind=out.kind if several else self.kind,
                                      drawn=out.drawn and leaves.drawn) for out in self.box.outs]


def _ends(way: Series[int], beyond: int, step: int = 1) -> list[int]:
    """What a way begins with, or with a step of -1 ends with: several things where there are ways,
    and what is beyond it where nothing stands on it."""
    if not way:
        return [beyond]
    element, *rest = way[::step]
    if not isinstance(element, Ways):
        return [element]
    behind = next((thing for thing in rest if not isinstance(thing, Ways)), beyond)
    return [end for inner in element.ways for end in _ends(inner, behind, step)]


def _places(ways: Sequence[_Way]) -> list[float]:
    """Where ways stand side by side, the middle one on the trunk."""
    places: list[float] = []
    edge = 0.0
    for way in ways:
        left, right = (way.box.left, way.box.right) if way.box else (STRAIGHT, STRAIGHT)
        places.append(edge + left)
        edge += left + right + BESIDE
    middle = places[len(places) // 2] if len(places) % 2 else (edge - BESIDE) / 2
    return [x - middle for x in places]


def _from_rail(x: float) -> tuple[Point, ...]:
    return ((0.0, 0.0), (0.0, float(RAIL)), (x, float(RAIL))) if x else ((0.0, 0.0),)


def _kind(row: Row, number: int) -> Kind | None:
    thing = row.things[number]
    return thing.layers[0].kind if isinstance(thing, Part) and is_call(thing) else None


def _is_sign(part: Part) -> bool:
    return is_call(part) and part.layers[0].call.operator in cards.SIGNS
