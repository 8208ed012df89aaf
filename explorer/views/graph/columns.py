"""The stages of a network side by side, each from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from explorer.structure import EdgeKind
from explorer.views.graph.boxes import ARROW, BESIDE, ENTRY, HEAD, Box
from explorer.views.graph.cards import Card
from explorer.views.graph.drawing import Frame
from explorer.views.graph.picture import Point
from explorer.views.graph.rows import Link, Row, is_call
from explorer.views.graph.series import Series, Ways, size

if TYPE_CHECKING:
    from explorer.views.graph.arrange import Arrangement

GUTTER = 28


def main_way(elements: Series[int]) -> tuple[list[int], dict[int, list[list[int]]]] | None:
    """The row of things that a network is at the top, and what leaves it and does not come back,
    by the thing that it leaves from; None where it is no such row."""
    main: list[int] = []
    sides: dict[int, list[list[int]]] = {}
    while elements:
        element, rest = elements[0], elements[1:]
        if not isinstance(element, Ways):
            main.append(element)
            elements = rest
            continue
        if rest or not main or element.crossing:
            return None
        longest = max(element.ways, key=size)
        for way in element.ways:
            if way is not longest:
                if any(isinstance(inner, Ways) for inner in way):
                    return None
                sides.setdefault(main[-1], []).append(
                    [inner for inner in way if not isinstance(inner, Ways)])
        elements = longest
    return main, sides


class Columns:
    """The things at the top side by side, joined through the gutters between them: what the network
    is given above the first, what it gives below the last."""

    def __init__(self, arrangement: Arrangement, row: Row) -> None:
        self.arrangement, self.row = arrangement, row

    def box(self, main: Sequence[int], sides: Mapping[int, Sequence[Sequence[int]]]) -> Box:
        whole = Box()
        exits = self._columns(whole, main, 0.0, 0.0, None)
        for source, side in [(source, side) for source, ways in sides.items() for side in ways]:
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
        before: Exit | None = start
        last: int | None = None
        groups = self._groups(numbers)
        for place, group in enumerate(groups):
            column = self._column(group, entered=place > 0 or start is not None,
                                  left=place < len(groups) - 1)
            centre, top = x + column.box.left, line - column.entry
            if before is not None:
                link = Link("auxiliary", ()) if last is None else \
                    self.row.links[last, group[0]]
                if link.drawn:
                    self._join(whole, before, x - GUTTER / 2, centre, column, line, link.kind)
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
                           or (is_call(last) and is_call(thing))):
                groups[-1].append(number)
            else:
                groups.append([number])
        return groups

    def _column(self, group: Sequence[int], *, entered: bool, left: bool) -> Column:
        """`entered` from its left, and `left` to its right, by a line."""
        things = [self.row.things[number] for number in group]
        frame = next((place for place, thing in enumerate(things) if isinstance(thing, Frame)),
                     None)
        if frame is None:
            box = self.arrangement.series(self.row, tuple(group), before=group[0] - 1)
            leaves = _exit(box)
            if len(things) > 1 and isinstance(things[0], Card):
                # Below the input: left at the height at which the others are entered.
                return Column(box, leaves.y, leaves)
            return Column(box, box.side_in[1] if box.side_in else -16, leaves)
        box = Box()
        for place, thing in enumerate(things):
            made = self.arrangement.framed(
                thing, from_side=entered and place == 0, to_side=left and place == len(things) - 1
            ) if isinstance(thing, Frame) else self.arrangement.box(thing)
            y = box.height + ARROW * (place > 0)
            if place:
                box.line((0, box.height), (0, y))
            else:
                box.enters, box.side_in = made.enters, made.side_in
            if place == frame:
                box.entry = y + made.entry
            box.place(made, 0, y)
            box.side_out = made.side_out and (made.side_out[0], made.side_out[1] + y)
            box.outs = [out._replace(y=out.y + y) for out in made.outs]
        return Column(box, box.entry, _exit(box))

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


def _exit(box: Box) -> Exit:
    return Exit(*box.side_out, True) if box.side_out else Exit(0, box.outs[0].y, False)


class Column(NamedTuple):
    box: Box
    entry: float
    """The height at which it is entered, from its top."""
    exit: Exit
