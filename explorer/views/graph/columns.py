"""The stages of a network side by side, each from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from explorer.structure import EdgeKind
from explorer.views.graph.boxes import ARROW, BESIDE, ENTRY, HEAD, Box
from explorer.views.graph.cards import Card
from explorer.views.graph.drawing import Frame
from explorer.views.graph.picture import Point
from explorer.views.graph.rows import Row, Thing, is_call
from explorer.views.graph.series import Series, Ways, size

if TYPE_CHECKING:
    from explorer.views.graph.arrange import Arrangement

GUTTER = 28
NEAR = 7
"""How far from a column what goes around others leaves its gutter, or comes back into it."""
LANE = 16
"""Between what goes around and what it goes around."""
MOST_LANES = 6


class MainWay(NamedTuple):
    """The row of things that a network is at the top."""

    things: Series[int]
    """The last one may be ways to its outputs."""
    sides: Mapping[int, Sequence[Series[int]]]
    """What leaves it and does not come back, by the thing that it leaves from."""
    around: Sequence[tuple[int, int]] = ()
    """Things that are read by another than the next one, and that one."""


def main_way(row: Row, elements: Series[int], rows: Mapping[Frame | None, Row]) -> MainWay | None:
    """The main way of a network; None where it is no such row."""
    main: list[int | Ways[int]] = []
    sides: dict[int, list[Series[int]]] = {}
    while elements:
        element, rest = elements[0], elements[1:]
        if not isinstance(element, Ways):
            main.append(element)
            elements = rest
            continue
        if rest or not main or element.crossing:
            return _passed_by(row, rows)
        if all(is_output(row, way) for way in element.ways):
            main.append(element)
            break
        longest = max(element.ways, key=size)
        for way in element.ways:
            if way is not longest:
                if any(isinstance(inner, Ways) for inner in way):
                    return None
                source = main[-1]
                assert not isinstance(source, Ways)     # what two ways meet in stands between
                sides.setdefault(source, []).append(way)
        elements = longest
    return MainWay(tuple(main), sides)


def is_output(row: Row, way: Series[int]) -> bool:
    return len(way) == 1 and not isinstance(way[0], Ways) and isinstance(row.things[way[0]], Card)


def _passed_by(row: Row, rows: Mapping[Frame | None, Row]) -> MainWay | None:
    """The main way where each thing reads the one before it, and some read others too: a head that
    is given maps from further up, or the skips of a U-Net."""
    end = len(row.things)
    last = max(number for number, thing in enumerate(row.things) if not isinstance(thing, Card))
    around = [(source, target) for source, target in row.links if source + 1 < target <= last]
    straight = all((number, number + 1) in row.links for number in range(last)) and all(
        link.drawn for (source, target), link in row.links.items() if source >= 0 and target < end)
    only_last = all(source == last for source, target in row.links if last < target < end)
    one_input = not isinstance(row.things[1], Card)
    if not (straight and only_last and one_input and last + 1 < end) \
            or len({target for _, target in around}) > MOST_LANES \
            or not all(_leaves_once(row.things[source], rows) for source, _ in around):
        return None
    outputs = tuple([(number,) for number in range(last + 1, end)])
    things = (*range(last + 1), *(outputs[0] if len(outputs) == 1 else [Ways(outputs)]))
    groups = groups_of(row, things)
    if not {group[-1] for group in groups}.issuperset(source for source, _ in around) \
            or not {group[0] for group in groups}.issuperset(target for _, target in around):
        return None
    return MainWay(things, {}, around)


def _leaves_once(thing: Thing, rows: Mapping[Frame | None, Row]) -> bool:
    """Whether one thing inside gives all that leaves a frame."""
    if not isinstance(thing, Frame):
        return True
    row = rows[thing]
    ends = [source for (source, target), link in row.links.items()
            if target == len(row.things) and link.drawn]
    return len(ends) == 1 and _leaves_once(row.things[ends[0]], rows)


def groups_of(row: Row, elements: Series[int]) -> list[list[int | Ways[int]]]:
    """What stands in one column: calls that follow one another, the network's input and what reads
    it, its outputs and what gives them."""
    groups: list[list[int | Ways[int]]] = []
    last: Thing | None = None
    for element in elements:
        thing = None if isinstance(element, Ways) else row.things[element]
        if groups and (isinstance(last, Card) or thing is None or isinstance(thing, Card)
                       or (is_call(last) and is_call(thing))):
            groups[-1].append(element)
        else:
            groups.append([element])
        last = thing
    return groups


class Columns:
    """The things at the top side by side, joined through the gutters between them: what the network
    is given above the first, what it gives below the last."""

    def __init__(self, arrangement: Arrangement, row: Row) -> None:
        self.arrangement, self.row = arrangement, row

    def box(self, way: MainWay) -> Box:
        whole = Box()
        placed = self._columns(whole, way.things, 0.0, 0.0)
        for source, side in [(source, side) for source, ways in way.sides.items()
                             for side in ways]:
            start = placed[source]
            below = max([y + box.height for x, y, box in whole.inner
                         if x + box.right > start.right], default=0.0)
            self._columns(whole, side, start.right + GUTTER, below + BESIDE + HEAD + ENTRY,
                          start, source)
        self._around(whole, placed, way.around)
        return whole

    def _columns(self, whole: Box, elements: Series[int], x: float, line: float,
                 before: PlacedColumn | None = None, last: int = -1) -> dict[int, PlacedColumn]:
        """Columns from `x` on, entered at the height `line`, the first of them from the thing
        `last`, which stands in the column `before`; each thing with its column."""
        placed: dict[int, PlacedColumn] = {}
        groups = groups_of(self.row, elements)
        for place, group in enumerate(groups):
            column = self._column(group, entered=before is not None,
                                  left=place < len(groups) - 1)
            numbers = [number for number in group if not isinstance(number, Ways)]
            centre, top = x + column.box.left, line - column.entry
            side_in = column.box.side_in
            entries = ((centre + side_in[0], line),) if side_in else \
                ((centre, line), (centre, line + 16))
            if before is not None and (link := self.row.links[last, numbers[0]]).drawn:
                self._join(whole, before.exit, x - GUTTER / 2, entries, link.kind,
                           arrow=side_in is not None or column.box.enters)
            whole.place(column.box, centre, top)
            before = PlacedColumn(
                x, centre + column.box.right, entries, side_in is not None or column.box.enters,
                Exit(centre + column.exit.x, top + column.exit.y, column.exit.from_side))
            x = before.right + GUTTER
            placed |= dict.fromkeys(numbers, before)
            last = numbers[-1]
        return placed

    def _around(self, whole: Box, placed: Mapping[int, PlacedColumn],
                links: Sequence[tuple[int, int]]) -> None:
        """Lines below the columns between: one lane to each thing that reads what stands further
        up, and the shorter ones above the others."""
        lanes: list[tuple[float, float, float]] = []
        first = {target: min(source for source, end in links if end == target)
                 for _, target in links}
        for target, source in sorted(first.items(), key=lambda lane: lane[0] - lane[1]):
            entered = placed[target]
            left, right = placed[source].right, entered.left
            low = [y + box.height for x, y, box in whole.inner
                   if x - box.left < right and x + box.right > left]
            low += [y for start, stop, y in lanes if start < right and stop > left]
            y = max(low, default=0.0) + LANE
            lanes.append((left, right, y))
            whole.reach(left, right, y)
            for source in [source for source, end in links if end == target]:
                points, turn = _to_gutter(placed[source].exit, placed[source].right + NEAR)
                whole.dots.append(turn)
                whole.line(*points, turn, (turn[0], y), (right - NEAR, y),
                           (right - NEAR, entered.entries[0][1]), *entered.entries,
                           kind=self.row.links[source, target].kind, arrow=entered.arrow)

    def _column(self, group: Sequence[int | Ways[int]], *, entered: bool, left: bool) -> Column:
        """`entered` from its left, and `left` to its right, by a line."""
        first = group[0]
        assert not isinstance(first, Ways)
        things = [None if isinstance(element, Ways) else self.row.things[element]
                  for element in group]
        frame = next((place for place, thing in enumerate(things) if isinstance(thing, Frame)),
                     None)
        if frame is None:
            box = self.arrangement.series(self.row, tuple(group), before=first - 1)
            leaves = _exit(box)
            if len(things) > 1 and isinstance(things[0], Card):
                # Below the input: left at the height at which the others are entered.
                return Column(box, leaves.y, leaves)
            return Column(box, box.side_in[1] if box.side_in else -16, leaves)
        box = Box()
        for place, thing in enumerate(things):
            if isinstance(thing, Frame):
                made = self.arrangement.framed(thing, from_side=entered and place == 0,
                                               to_side=left and place == len(things) - 1)
            elif thing is None:
                made = self.arrangement.series(self.row, (group[place],), before=first)
            else:
                made = self.arrangement.box(thing)
            y = box.height + (ARROW if place and made.enters else 0)
            if not place:
                box.enters, box.side_in = made.enters, made.side_in
            elif made.enters:
                box.line((0, box.height), (0, y))
            if place == frame:
                box.entry = y + made.entry
            box.place(made, 0, y)
            box.side_out = made.side_out and (made.side_out[0], made.side_out[1] + y)
            box.outs = [out._replace(y=out.y + y) for out in made.outs]
        return Column(box, box.entry, _exit(box))

    def _join(self, whole: Box, before: Exit, gutter: float, entries: Sequence[Point],
              kind: EdgeKind, *, arrow: bool) -> None:
        points, turn = _to_gutter(before, gutter)
        line = entries[0][1]
        bend = [] if turn[1] == line else [turn, (gutter, line)]
        whole.line(*points, *bend, *entries, kind=kind, arrow=arrow)


class Exit(NamedTuple):
    """Where a line leaves a column: to the right, or from below."""

    x: float
    y: float
    from_side: bool


def _to_gutter(leaves: Exit, x: float) -> tuple[list[Point], Point]:
    """The first points of a line out of a column, and where it comes to `x`."""
    points: list[Point] = [(leaves.x, leaves.y)]
    if leaves.from_side:
        return points, (x, leaves.y)
    return [*points, (leaves.x, leaves.y + 12)], (x, leaves.y + 12)


def _exit(box: Box) -> Exit:
    if box.side_out:
        return Exit(*box.side_out, True)
    return Exit(0, box.outs[0].y if box.outs else box.height, False)


class Column(NamedTuple):
    box: Box
    entry: float
    """The height at which it is entered, from its top."""
    exit: Exit


class PlacedColumn(NamedTuple):
    """A column where it stands."""

    left: float
    right: float
    entries: tuple[Point, ...]
    """The last points of a line into it."""
    arrow: bool
    """Whether that line ends there, or goes on inside."""
    exit: Exit
