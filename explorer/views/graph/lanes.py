"""Networks beside each other in one drawing: what corresponds stands on one line.

Each network has a lane of its own, from its input at the top to its output, and each part that is
aligned a row. Merged, two networks have three lanes: what is the same stands once, in the middle,
and what one has changed or has alone on its own side. Beside each row stands in words what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from explorer import text
from explorer.comparison import LETTERS, Comparison
from explorer.comparison.reasons import path_in, path_of
from explorer.language import Text, say
from explorer.structure import Part, Structure
from explorer.structure.alignment import Aligned, Group, Status
from explorer.tracing.operators import Shape
from explorer.views.graph.cards import PAD, SIZE, Card, Label, closed, end, strips
from explorer.views.graph.drawing import Frame
from explorer.views.graph.letters import fitted, width
from explorer.views.graph.picture import (
    MARGIN,
    Line,
    Picture,
    PlacedCard,
    PlacedFrame,
    Point,
)

BETWEEN_LANES, BETWEEN_ROWS, BETWEEN_STAGES = 48.0, 34.0, 58.0
HEAD_OF_BAND = 34.0
"""From the top of a stage to its first row: room for its name."""
LEAST_LANE, BESIDE_A_LINE = 110.0, 20.0
MOST_HEAD = 150.0
TURN = 14.0
"""How far from a row a line goes to another lane."""

SIGNS: dict[Status, Text] = {"same": Text("= same"), "changed": Text("≠ changed")}


@dataclass(frozen=True)
class LaneRow:
    """One place: a card for each network that has something there, and what is said of it."""

    cards: tuple[Card | None, ...]
    status: Status
    words: tuple[str, ...]
    places: tuple[Aligned, ...] = ()

    @property
    def height(self) -> float:
        return max([card.height for card in self.cards if card], default=0)


@dataclass(frozen=True)
class Band:
    """The rows of a stage, and how it is called in each network."""

    rows: tuple[LaneRow, ...]
    frame: Part
    name: str


@dataclass(frozen=True, eq=False)
class Beside:
    """Networks beside each other, laid out."""

    picture: Picture
    places: tuple[tuple[Aligned, ...], ...]
    """What stands in each row: several parts where they are alike."""
    row_of: Mapping[str, int]
    """The row of each card, by its id."""


def beside(comparison: Comparison, *, stages: bool = False, merged: bool = False) -> Beside:
    """The drawing of a comparison: its blocks, or with `stages` its stages alone; `merged` draws
    what is the same once, for two networks."""
    made = _Lanes(comparison, stages=stages, merged=merged and len(comparison.networks) == 2)
    rows = list(made.rows())
    return Beside(picture=made.picture(), places=tuple([row.places for row in rows]),
                  row_of={card.id: number for number, row in enumerate(rows)
                          for card in row.cards if card})


class _Lanes:
    def __init__(self, comparison: Comparison, *, stages: bool, merged: bool) -> None:
        self.comparison, self.merged = comparison, merged
        self.letters = LETTERS[:len(comparison.networks)]
        self.runs = [_runs(network.structure) for network in comparison.networks]
        places = [(stage, [[stage]] if stages else list(self._folded(stage.inside)))
                  for stage in comparison.aligned.inside]
        self.bands = [Band(rows=tuple([self._row(row) for row in rows]),
                           frame=self._frame(stage), name=_name(stage))
                      for stage, rows in places]
        self.framed = not stages
        self.heads = [fitted(f"{letter.upper()} · {name}", SIZE, 2 * MOST_HEAD, bold=True)
                      for letter, name in zip(self.letters, comparison.names, strict=True)]
        names = [width(band.name, SIZE, bold=True) for band in self.bands]
        left = MARGIN + (max(names, default=0) + 2.0 * PAD if self.framed else 0.0)
        # A lane's way to either side of its spine.
        before, after = [LEAST_LANE / 2] * 3, [LEAST_LANE / 2] * 3
        if not merged:
            before = [max(LEAST_LANE, width(head, SIZE, bold=True)) / 2 for head in self.heads]
            after = list(before)
        for row in self.rows():
            for network, card in enumerate(row.cards):
                if card:
                    lane = self._lane(row, network)
                    before[lane] = max(before[lane], card.spine)
                    after[lane] = max(after[lane], card.width - card.spine)
        if merged:
            # A row stands in the middle or at the sides, so that these may be as near to the
            # middle's line as to any other; the names of the networks stand left and right of it.
            first = max(left, MARGIN + PAD + before[0])
            middle = max(first + after[0] + BESIDE_A_LINE, MARGIN + PAD + before[1],
                         MARGIN + PAD + width(self.heads[0], SIZE, bold=True))
            last = middle + BESIDE_A_LINE + before[2]
            self.spines = [middle - BESIDE_A_LINE - after[0], middle, last]
            edge = max(last + after[2], middle + after[1],
                       middle + PAD + width(self.heads[1], SIZE, bold=True))
        else:
            self.spines, edge = list[float](), left - BETWEEN_LANES
            for one, other in zip(before, after, strict=True):
                self.spines.append(edge + BETWEEN_LANES + one)
                edge = self.spines[-1] + other
        self.said = edge + BETWEEN_LANES / 2
        self.right = self.said + max([width(words, SIZE, bold=True) for row in self.rows()
                                      for words in row.words], default=0) + PAD

    def picture(self) -> Picture:
        cards: list[PlacedCard] = []
        frames: list[PlacedFrame] = []
        labels = [Label(self.spines[network], MARGIN + 10, head, "title", "middle")
                  for network, head in enumerate(self.heads)]
        if self.merged:
            middle = self.spines[1]
            labels = [Label(middle - PAD, MARGIN + 10, self.heads[0], "title", "end"),
                      Label(middle + PAD, MARGIN + 10, self.heads[1], "title", "start")]
        chains: list[list[PlacedCard]] = [[] for _ in self.letters]
        tops: dict[int, tuple[float, float]] = {}       # of the row of a card

        def put(row: LaneRow, y: float) -> None:
            placed: dict[int, PlacedCard] = {}
            for network, card in enumerate(row.cards):
                if card is None:
                    continue
                lane = self._lane(row, network)
                if lane not in placed:
                    placed[lane] = PlacedCard(self.spines[lane] - card.spine, y, card)
                    cards.append(placed[lane])
                chains[network].append(placed[lane])
                tops[id(placed[lane])] = y, y + row.height

        y: float = MARGIN + 22
        given = self._ends("Input", say("Input"), [network.summary.trace.input_shape[1:]
                                     for network in self.comparison.networks])
        put(given, y)
        y += given.height + BETWEEN_STAGES
        for band in self.bands:
            start = y - HEAD_OF_BAND
            for row in band.rows:
                put(row, y)
                labels += [Label(self.said, y + 18 + 15 * number, words,
                                "quiet" if number else "title")
                           for number, words in enumerate(row.words)]
                y += row.height + BETWEEN_ROWS
            y -= BETWEEN_ROWS
            if self.framed:
                frames.append(PlacedFrame(
                    x=MARGIN, y=start, width=self.right - MARGIN, height=y + 16 - start,
                    frame=Frame(band.frame, ()), gate=False,
                    texts=(Label(PAD, 21, band.name, "title"),)))
            y += BETWEEN_STAGES
        # What ends early gives nothing.
        last = self._ends("Output", say("Output"), [
            None if network.failure else network.summary.layers[-1].output_shape[1:]
            for network in self.comparison.networks])
        put(last, y)
        y += last.height
        lines = dict.fromkeys(line for chain in chains for line in self._lines(chain, tops))
        return Picture(width=self.right + MARGIN, height=y + MARGIN, cards=tuple(cards),
                       frames=tuple(frames), lines=tuple(lines), dots=(), labels=tuple(labels))

    def _lines(self, chain: Sequence[PlacedCard],
               tops: dict[int, tuple[float, float]]) -> Iterator[Line]:
        """From each card to the next: straight in its lane; on leaving the middle it changes the
        lane at once, on coming back as late as it can."""
        for source, target in pairwise(chain):
            x, to = source.x + source.card.spine, target.x + target.card.spine
            start: Point = x, source.y + source.card.height
            stop: Point = to, target.y
            if abs(x - to) < 0.5:
                yield Line(((x, start[1]), (x, stop[1])))
                continue
            leaves = abs(x - self.spines[1]) < 0.5
            turn = tops[id(source)][1] + TURN if leaves else target.y - TURN
            yield Line((start, (x, turn), (to, turn), stop))

    def _lane(self, row: LaneRow, network: int) -> int:
        if not self.merged:
            return network
        return 1 if row.status == "same" else 2 * network

    def rows(self) -> Iterator[LaneRow]:
        return (row for band in self.bands for row in band.rows)

    # What stands in the rows.

    def _folded(self, blocks: Sequence[Aligned]) -> Iterator[list[Aligned]]:
        """Neighbours that are alike in every network that has them."""
        def key(block: Aligned) -> tuple[object, ...]:
            runs = tuple([self.runs[network].get(id(group[0])) if group else 0
                          for network, group in enumerate(block.groups)])
            return (block.status, runs) if None not in runs else (block.status, id(block))
        return (list(run) for _, run in groupby(blocks, key=key))

    def _row(self, places: Sequence[Aligned]) -> LaneRow:
        status = places[0].status
        groups = [tuple([part for place in places for part in place.groups[network]])
                  for network in range(len(self.letters))]
        folded = len(places) > 1
        return LaneRow(cards=tuple([self._card(network, group, folded=folded) if group else None
                                for network, group in enumerate(groups)]),
                   status=status, words=self._words(places), places=tuple(places))

    def _card(self, network: int, group: Group, *, folded: bool) -> Card:
        part = group[0]
        if len(group) > 1:
            layers = tuple([layer for each in group for layer in each.layers])
            part = replace(part, parts=group, layers=layers, plain=part.plain and folded,
                           role="run" if folded else "block",
                           name=part.name if folded else path_of(group), grows=None)
        part = replace(part, id=f"{self.letters[network]}.{part.id}")
        foot = text.short(part.params) if part.params else ""
        if part.role == "call":
            return strips([part], {part.id: foot})[0]
        card = closed(part, self.comparison.networks[network].structure.wiring, foot=foot)
        return replace(card, opens=False)

    def _words(self, places: Sequence[Aligned]) -> tuple[str, ...]:
        first = places[0]
        present = [letter.upper() for letter, group in zip(self.letters, first.groups, strict=True)
                   if group]
        said = str(SIGNS[first.status]) if first.status in SIGNS else \
            say("only in {networks}", networks=text.enumeration(present))
        macs = [sum(amounts) for amounts in zip(*[place.figures("macs") for place in places],
                                                strict=True)]
        several = len(macs) > 2
        changes = [say("{letter}: {change} multiply-adds" if several else
                       "{change} multiply-adds", letter=letter.upper(), change=change)
                   for letter, amount in zip(self.letters[1:], macs[1:], strict=True)
                   if (change := text.signed(amount - macs[0]))]
        return said, *changes

    def _frame(self, stage: Aligned) -> Part:
        part = next(group[0] for group in stage.groups if group)
        return replace(part, id=f"row.{part.id}", role="stage")

    def _ends(self, id: str, name: str, shapes: Sequence[Shape | None]) -> LaneRow:
        alike = len(set(shapes)) == 1
        return LaneRow(
            cards=tuple([None if shape is None else end(f"{letter}.{id}", name, text.shape(shape))
                         for letter, shape in zip(self.letters, shapes, strict=True)]),
            status="same" if alike else "changed", words=())


def _runs(structure: Structure) -> dict[int, int]:
    """For each block of a run the run."""
    return {id(block): id(run) for run in structure.parts.values() if run.role == "run"
            for block in run.parts}


def _name(stage: Aligned) -> str:
    """How the stage is called in each network."""
    names = [path_in(stage, side) for side in range(len(stage.groups))]
    return fitted(" / ".join(dict.fromkeys(filter(None, names))), SIZE, MOST_HEAD, bold=True)
