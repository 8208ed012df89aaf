"""Ways that cross: what is in series on them, and where Graphviz has it stand; and its process."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from explorer.views import graph, layout
from explorer.views.graph import DIRECTIONS, Direction, Drawing, Picture
from explorer.views.graph.cards import RADIUS
from explorer.views.graph.picture import Line, Point
from explorer.views.graph.series import Ways, in_series
from explorer.views.graph.spread import SIDE, Stand, reduced, spread
from tests.graphs import structure_of

Box = tuple[float, float, float, float]


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] - 0.1 and other[0] < one[2] - 0.1 and \
        one[1] < other[3] - 0.1 and other[1] < one[3] - 0.1


def crosses(points: tuple[Point, ...], box: Box) -> bool:
    """Whether a line runs through the inside of a box."""
    return any(overlap((min(a[0], b[0]), min(a[1], b[1]) - 0.2, max(a[0], b[0]) + 0.2,
                        max(a[1], b[1])), (box[0] + 0.5, box[1] + 0.5, box[2] - 0.5, box[3] - 0.5))
               for a, b in pairwise(points))


def on_border(point: Point, box: Box) -> bool:
    x, y = point
    inside = box[0] - 0.1 <= x <= box[2] + 0.1 and box[1] - 0.1 <= y <= box[3] + 0.1
    return inside and min(abs(x - box[0]), abs(x - box[2]), abs(y - box[1]), abs(y - box[3])) < 0.1


# Ranks and lines

@st.composite
def things(draw: st.DrawFn) -> tuple[list[Stand], list[tuple[int, int]]]:
    """Things of all kinds of sizes, each but the first read by what comes later."""
    count = draw(st.integers(3, 14))
    stands = [Stand(0, 0, 0)]
    for _ in range(count - 2):
        entered = draw(st.sampled_from(("middle", "along", "sides")))
        half, high = draw(st.integers(40, 120)), draw(st.integers(20, 200))
        stands.append(Stand(SIDE, SIDE, 2 * RADIUS, "sides") if entered == "sides"
                      else Stand(half, half + draw(st.integers(0, 30)), high, entered))
    stands.append(Stand(60, 60, 26, "along"))
    wires = {(draw(st.integers(0, target - 1)), target) for target in range(1, count)}
    wires |= {(source, draw(st.integers(source + 1, count - 1))) for source in range(count - 1)}
    wires |= draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
        lambda wire: wire[0] < wire[1]), max_size=10))
    return stands, sorted(wires)


def box_of(stand: Stand, place: Point, *, drawn: bool = False) -> Box:
    """What a thing takes; `drawn` is what of it is to be seen: a sign is smaller."""
    left, right = (RADIUS, RADIUS) if drawn and stand.entered == "sides" else \
        (stand.left, stand.right)
    return place[0] - left, place[1], place[0] + right, place[1] + stand.height


@given(things())
def test_things_stand_apart_and_lines_run_between_them(given: object) -> None:
    stands, wires = given
    laid = spread(stands, wires)
    boxes = [box_of(stand, place) for stand, place in zip(stands, laid.places, strict=True)]
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    assert laid.places[0] == (0, 0) and laid.places[-1][0] == 0
    assert max(box[3] for box in boxes) == boxes[-1][3] == laid.height
    drawn = [box_of(stand, place, drawn=True)
             for stand, place in zip(stands, laid.places, strict=True)]
    for (source, target), points in zip(wires, laid.lines, strict=True):
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(points))
        assert points[0] == (laid.places[source][0], boxes[source][3])
        assert on_border(points[-1], drawn[target])
        assert not any(crosses(points, box) for box in drawn)


@given(things())
def test_the_same_things_stand_at_the_same_places(given: object) -> None:
    stands, wires = given
    layout._answer.cache_clear()
    first = spread(stands, wires)
    layout._answer.cache_clear()
    assert spread(stands, wires) == first


def test_lines_of_different_things_do_not_run_on_each_other() -> None:
    """Each of three is read by each of three others: nine lines in one channel."""
    stands = [Stand(0, 0, 0), *[Stand(50, 50, 30, "along")] * 6, Stand(50, 50, 30, "along")]
    wires = [(0, 1), (0, 2), (0, 3), *[(one, other) for one in (1, 2, 3) for other in (4, 5, 6)],
             (4, 7), (5, 7), (6, 7)]
    laid = spread(stands, wires)
    pieces = [(source, min(a, b), max(a, b)) for (source, _), points in
              zip(wires, laid.lines, strict=True) for a, b in pairwise(points)]
    for (one, a, b), (other, c, d) in combinations(pieces, 2):
        if one != other:
            for axis in (0, 1):
                same = a[axis] == b[axis] == c[axis] == d[axis]
                assert not same or a[1 - axis] >= d[1 - axis] or c[1 - axis] >= b[1 - axis]


# What is in series

def test_what_is_in_series_or_side_by_side_is_one_way() -> None:
    """1 and 2 cross; between 1 and the end there are 3 and, side by side, 4 and 5."""
    links = [(-1, 0), (-1, 1), (0, 2), (1, 2), (1, 3), (3, 4), (3, 5), (4, 6), (5, 6), (6, 7),
             (2, 7), (0, 7)]
    ways = {(begin, end): way for begin, end, way in reduced(range(7), links)}
    assert ways[0, 7] == () and ways[1, 2] == () and ways[0, 2] == ()
    first, side, last = ways[1, 7]
    assert (first, last) == (3, 6) and isinstance(side, Ways)
    assert sorted(side.ways) == [(4,), (5,)]


def test_only_what_crosses_is_taken_out_of_a_series() -> None:
    links = {(-1, 0), (0, 1), (0, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 5), (4, 5), (5, 6),
             (6, 7)}
    first, ways, *rest = in_series(range(7), dict.fromkeys(links))
    assert (first, rest) == (0, [5, 6])
    assert isinstance(ways, Ways) and ways.crossing and ways.ways == ((1, 2, 3, 4),)


def test_a_line_past_ways_that_cross_runs_with_them() -> None:
    links = {(-1, 0), (-1, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4), (-1, 4), (4, 5)}
    ways, last = in_series(range(5), dict.fromkeys(links))
    assert isinstance(ways, Ways) and ways.crossing and ways.ways == ((0, 1, 2, 3), ())
    assert last == 4


# Whole networks

def conv() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU())


class Exchange(nn.Module):
    """Two resolutions that read each other, as in HRNet."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = nn.ModuleList(conv() for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        left, right = x, x
        for place in range(0, 6, 2):
            one, other = self.paths[place](left), self.paths[place + 1](right)
            left, right = one + other, one * other
        return torch.cat([left, right, x], 1)


class Dense(nn.Module):
    """Each reads all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 * (place + 1), 4, 1) for place in range(5))

    def forward(self, x: Tensor) -> Tensor:
        known = [x]
        for layer in self.layers:
            known.append(layer(torch.cat(known, 1)).relu())
        return torch.cat(known, 1)


class Around(nn.Module):
    """Ways that cross inside a block, between two that do not."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.inside, self.behind = conv(), Exchange(), nn.Conv2d(12, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(self.inside(self.before(x))) + x


STRANGERS = {"exchange": Exchange, "dense": Dense, "around": Around}


def pictures(name: str) -> Iterator[tuple[Drawing, Direction, Picture]]:
    drawing = Drawing(structure_of(STRANGERS[name](), 1, 4, 8, 8), "layer")
    overlay = graph.overlay("params", drawing)
    for direction in DIRECTIONS:
        yield drawing, direction, graph.lay_out(drawing, overlay=overlay, direction=direction)


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_whose_ways_cross_is_drawn_as_all_others(name: str) -> None:
    for drawing, _, picture in pictures(name):
        assert graph.Arrangement(drawing, {}, {}).crosses
        cards = {placed.card.id: placed.box for placed in picture.cards}
        assert {node.id for node in drawing.nodes} <= cards.keys()
        assert not any(overlap(one, other) for one, other in combinations(cards.values(), 2))
        assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= picture.width
                   and box[3] <= picture.height for box in cards.values())
        for placed in picture.frames:
            for node in graph_nodes(placed.frame):
                box = cards[node]
                assert placed.box[0] < box[0] and placed.box[1] < box[1]
                assert box[2] < placed.box[2] and box[3] < placed.box[3]
        for line in picture.lines:
            assert not any(crosses(line.points, box) for box in cards.values())
            assert not line.arrow or ends_at(line, [*cards.values(), *(
                placed.box for placed in picture.frames)])


def graph_nodes(frame: graph.Frame) -> Iterator[str]:
    for item in frame.items:
        if isinstance(item, graph.Frame):
            yield from graph_nodes(item)
        else:
            yield item.id


def ends_at(line: Line, boxes: list[Box]) -> bool:
    return any(on_border(line.points[-1], box) for box in boxes)


@pytest.mark.parametrize("name", STRANGERS)
def test_every_edge_between_ways_that_cross_is_drawn(name: str) -> None:
    """As many heads end on a node as edges end there, where no frame lies between."""
    for drawing, direction, picture in pictures(name):
        if direction == "TB" and not drawing.frames:
            for placed in picture.cards:
                into = sum(edge.target.id == placed.card.id for edge in drawing.edges)
                heads = sum(line.arrow and on_border(line.points[-1], placed.box)
                            for line in picture.lines)
                if placed.card.shape != "strip":
                    assert heads >= into


# The process that lays out

def test_a_graph_that_is_none_is_an_error_and_the_next_one_works() -> None:
    with pytest.raises(layout.LayoutError):
        layout.places("digraph { a -> ")
    assert layout.places("digraph { a -> b }").keys() == {"a", "b"}


def test_a_layout_process_that_dies_is_replaced() -> None:
    layout.places("digraph { alive }")
    process = layout._server.process
    assert process
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert layout.places("digraph { again }").keys() == {"again"}


def test_what_takes_too_long_is_an_error_that_is_not_tried_again(
        monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = range(60)
    dot = "digraph late {" + "".join(f"{one} -> {other};" for one in nodes for other in nodes) + "}"
    monkeypatch.setattr(layout, "TIMEOUT_S", 0.05)
    with pytest.raises(layout.LayoutError, match="could not lay out"):
        layout.places(dot)
    monkeypatch.setattr(layout._server, "ask", None)
    with pytest.raises(layout.LayoutError, match="could not lay out"):
        layout.places(dot)


def test_twenty_threads_get_their_own_places(request: pytest.FixtureRequest) -> None:
    layout._server.ask("digraph { a }")
    process = layout._server.process
    end = time.monotonic() + request.config.getoption("soak")

    def ask(seed: int) -> int:
        chosen, right = random.Random(seed), 0
        while time.monotonic() < end:
            names = {f"n{chosen.randrange(10 ** 9)}" for _ in range(5)}
            assert layout.places(f"digraph {{ {' -> '.join(names)} }}").keys() == names
            right += 1
        return right

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(ask, range(20)))
    assert layout._server.process is process      # which has not died
