"""The layout of ways that cross each other.

What is in series between two forks or joins is one thing, as large as its own layout. All things
stand in ranks, one below the other, and each line goes from rank to rank: through a rank in a lane
of its own, between two of them on a track of its own. Graphviz says in which order things and lanes
stand, and how far apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from explorer.views.graph.cards import RADIUS
from explorer.views.graph.picture import Point
from explorer.views.graph.series import Series, Ways
from explorer.views.layout import places

BESIDE, LANE = 16, 4
"""Between what stands in a rank; how wide a line is there."""
ARROW, TRACK = 18, 9
"""Room for a line with its head, and between two lines that run beside each other."""
SIDE = RADIUS + 13
"""How far from the middle of a sign a line comes down that enters it from its side."""
PORT = 16
"""Between two lines that enter a card."""
POINTS_PER_INCH = 72

Way: TypeAlias = "tuple[int, int, Series[int]]"
"""From where to where, and what is in series between."""


def reduced(things: Sequence[int], links: Iterable[tuple[int, int]]) -> list[Way]:
    """The ways between things at which lines fork or join: everything else is in series on one of
    them. `links` are the pairs that read one another, also from before and to behind `things`.

    >>> reduced([0, 1, 2], [(-1, 0), (-1, 1), (0, 1), (0, 2), (2, 3), (1, 3)])
    [(-1, 0, ()), (-1, 1, ()), (0, 1, ()), (1, 3, ()), (0, 3, (2,))]
    """
    ways: dict[tuple[int, int], list[Series[int]]] = {pair: [()] for pair in links}
    before: dict[int, set[int]] = {}
    after: dict[int, set[int]] = {}
    for source, target in ways:
        after.setdefault(source, set()).add(target)
        before.setdefault(target, set()).add(source)
    left, waiting = set(things), list(things)

    def between(source: int, target: int) -> Series[int]:
        found = ways.pop((source, target))
        return found[0] if len(found) == 1 else (Ways(tuple(found)),)

    while waiting:
        thing = waiting.pop()
        if thing not in left or len(before[thing]) != 1 or len(after[thing]) != 1:
            continue
        [source], [target] = before[thing], after[thing]
        way = (*between(source, thing), thing, *between(thing, target))
        ways.setdefault((source, target), []).append(way)
        left.remove(thing)
        after[source] = after[source] - {thing} | {target}
        before[target] = before[target] - {thing} | {source}
        waiting += [source, target]
    return [(*pair, way) for pair, found in ways.items() for way in found]


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands in a rank: how far it reaches to both sides of where lines leave it, how high it
    is, and where lines enter it: all at one point of its upper side, side by side along it, or one
    there and the others from the left and the right."""

    left: float
    right: float
    height: float
    entered: Literal["middle", "along", "sides"] = "middle"


class Placed(NamedTuple):
    """Where things stand and lines run. The first thing is at the top and the last one at the
    bottom, both at x = 0."""

    places: list[Point]
    """Of each thing the middle of its upper side: that from which lines leave below."""
    lines: list[tuple[Point, ...]]
    dots: list[Point]
    height: float


@dataclass(eq=False, slots=True)
class _Spot:
    """A thing in its rank, or a lane: then it is of the thing whose line runs there."""

    rank: int
    stand: Stand
    thing: int
    lane: bool
    x: float = 0
    sources: list[_Spot] = field(default_factory=list)
    targets: list[_Spot] = field(default_factory=list)


def spread(stands: Sequence[Stand], wires: Sequence[tuple[int, int]]) -> Placed:
    """Lay out things and the lines between them, which are numbered in an order in which data
    flows: the first is what all come from, the last where all end. Raises `LayoutError`."""
    spots, routes = _spots(stands, wires)
    _find_places(spots)
    last = spots[len(stands) - 1]
    middle = last.x
    for spot in spots:
        spot.x -= middle
    spots[0].x = 0.0
    ranks: list[list[_Spot]] = [[] for _ in range(last.rank + 1)]
    for spot in spots:
        ranks[spot.rank].append(spot)

    y, tops = 0.0, {}
    turns: dict[_Spot, float] = {}
    """The height at which what leaves a spot turns aside."""
    entries: dict[tuple[_Spot, _Spot], Arrival] = {}
    dots: list[Point] = []
    for rank in ranks:
        high = max(spot.stand.height for spot in rank)
        for spot in rank:
            tops[spot] = y + (high - spot.stand.height) / 2
            for target in spot.targets:
                if (spot, target) not in entries:
                    entries |= _entries(target)
        y += high
        nets = [_Net(spot, [entries[spot, target].x for target in spot.targets])
                for spot in rank if spot.targets]
        tracks = _tracks([net for net in nets if net.begin != net.end])
        for net, track in tracks.items():
            turns[net.spot] = y + 10 + TRACK * track
            dots += [(x, turns[net.spot]) for x in net.forks]
        if rank is not ranks[-1]:
            y += ARROW + (10 + TRACK * max(tracks.values()) if tracks else 0)

    lines = []
    for route in routes:
        spot = route[0]
        points = [(spot.x, tops[spot] + spot.stand.height)]
        for spot, target in pairwise(route):
            x, side = entries[spot, target]
            if x != spot.x:
                points += [(spot.x, turns[spot]), (x, turns[spot])]
            if side:
                points += [(x, tops[target] + RADIUS),
                           (target.x + side * RADIUS, tops[target] + RADIUS)]
            elif not target.lane:
                points.append((x, tops[target]))
        lines.append(tuple(points))
    return Placed([(spot.x, tops[spot]) for spot in spots[:len(stands)]], lines, dots, y)


def _spots(stands: Sequence[Stand], wires: Sequence[tuple[int, int]],
           ) -> tuple[list[_Spot], list[list[_Spot]]]:
    """Things and lanes, the things first, and those that each wire runs through."""
    ranks = _ranks(len(stands), wires)
    spots = [_Spot(ranks[thing], stand, thing, False) for thing, stand in enumerate(stands)]
    lanes: dict[tuple[int, int], _Spot] = {}
    routes = []
    for source, target in wires:
        route = [spots[source]]
        for rank in range(ranks[source] + 1, ranks[target]):
            if (source, rank) not in lanes:
                lanes[source, rank] = _Spot(rank, Stand(LANE / 2, LANE / 2, 0), source, True)
            route.append(lanes[source, rank])
        route.append(spots[target])
        for before, after in pairwise(route):
            if after not in before.targets:
                before.targets.append(after)
                after.sources.append(before)
        routes.append(route)
    return [*spots, *lanes.values()], routes


def _ranks(count: int, wires: Sequence[tuple[int, int]]) -> list[int]:
    """As near to the top as can be; what reads less than it is read by stands near its readers."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in wires:
        before[target].append(source)
        after[source].append(target)
    ranks = [0] * count
    for thing in range(1, count):
        ranks[thing] = max([ranks[source] for source in before[thing]], default=0) + 1
    ranks[-1] = max(ranks[:-1]) + 1
    for thing in range(count - 2, 0, -1):
        if len(after[thing]) > len(before[thing]):
            ranks[thing] = min(ranks[target] for target in after[thing]) - 1
    return ranks


def _find_places(spots: Sequence[_Spot]) -> None:
    """Have Graphviz say where along its rank each spot is."""
    name = {spot: f"n{number}" for number, spot in enumerate(spots)}
    dot = ["digraph {", f"nodesep={BESIDE / POINTS_PER_INCH:.3f}", "ranksep=0.3", "splines=false",
           'node [shape=box fixedsize=true label="" height=0.1]']
    ranks: dict[int, list[str]] = {}
    for spot in spots:
        wide = 2 * max(spot.stand.left, spot.stand.right)
        dot.append(f"{name[spot]} [width={wide / POINTS_PER_INCH:.3f}]")
        ranks.setdefault(spot.rank, []).append(name[spot])
    dot += [f"{{rank=same; {'; '.join(rank)}}}" for rank in ranks.values()]
    dot += [f"{name[spot]} -> {name[target]} [weight={_weight(spot, target)}]"
            for spot in spots for target in spot.targets]
    found = places("\n".join([*dot, "}"]))
    for spot in spots:
        spot.x = found[name[spot]][0]


def _weight(spot: _Spot, target: _Spot) -> int:
    """How much it matters that a line is straight."""
    return 12 if len(spot.targets) == len(target.sources) == 1 else \
        1 + 2 * spot.lane + 2 * target.lane


class Arrival(NamedTuple):
    """Where a line comes down to what it enters, and the side from which it does: -1 is the left
    one, 0 is from above."""

    x: float
    side: int


def _entries(target: _Spot) -> dict[tuple[_Spot, _Spot], Arrival]:
    """Where the lines enter that come from the rank above."""
    sources = sorted(target.sources, key=lambda spot: spot.x)
    if target.stand.entered == "middle" or len(sources) == 1:
        return {(spot, target): Arrival(target.x, 0) for spot in sources}
    if target.stand.entered == "sides":
        from_above = min(sources, key=lambda spot: abs(spot.x - target.x))
        place = sources.index(from_above)
        return {(spot, target): Arrival(target.x, 0) if spot is from_above
                else Arrival(target.x - SIDE, -1) if number < place
                else Arrival(target.x + SIDE, 1) for number, spot in enumerate(sources)}
    first, last = target.x - target.stand.left + 12, target.x + target.stand.right - 12
    gap = min(PORT, (last - first) / (len(sources) - 1))
    wanted: list[float] = []
    for number, spot in enumerate(sources):
        least = wanted[-1] + gap if wanted else first
        wanted.append(min(max(spot.x, least), last - gap * (len(sources) - 1 - number)))
    return {(spot, target): Arrival(x, 0) for spot, x in zip(sources, wanted, strict=True)}


class _Net:
    """What leaves a spot for the next rank: one line that forks."""

    def __init__(self, spot: _Spot, ends: Sequence[float]) -> None:
        self.spot, self.ends = spot, ends
        self.begin, self.end = min(spot.x, *ends), max(spot.x, *ends)

    @property
    def forks(self) -> list[float]:
        """Where three ways meet, or four."""
        inner = {*self.ends, self.spot.x} - {self.begin, self.end}
        both = {self.spot.x} & {*self.ends} & {self.begin, self.end}
        return sorted(inner | both)

    def overlaps(self, other: _Net) -> bool:
        return self.begin < other.end + TRACK and other.begin < self.end + TRACK

    def crossings_above(self, other: _Net) -> float:
        """How often the two cross where this one turns aside above the other; much more where they
        would run on each other."""
        x = other.spot.x
        cost = sum(other.begin < end < other.end for end in self.ends) \
            + (self.begin < x < self.end)
        return cost + 1000 * any(abs(end - x) < LANE for end in self.ends)


def _tracks(nets: Sequence[_Net]) -> dict[_Net, int]:
    """The number of the track on which each net turns aside, counted from above."""
    above: Mapping[tuple[_Net, _Net], float] = {
        (one, other): one.crossings_above(other) for one in nets for other in nets
        if one is not other}
    waiting = list(nets)
    tracks: dict[_Net, int] = {}
    while waiting:
        net = min(waiting, key=lambda one: sum([above[one, other] - above[other, one]
                                                for other in waiting if other is not one]))
        waiting.remove(net)
        tracks[net] = max([track + 1 for other, track in tracks.items()
                           if net.overlaps(other) or above[net, other]], default=0)
    return tracks
