"""Things of known size put around a trunk: what layouts are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.structure import EdgeKind
from explorer.views.graph.cards import Card, Label
from explorer.views.graph.picture import MARGIN, Line, Picture, PlacedCard, PlacedFrame, Point

ARROW = 18
"""Room for a line with its head."""
BESIDE = 22
"""Between ways."""
HEAD = 46
"""Of a frame."""
ENTRY = 30
"""Where a card is entered from its side, from its top."""


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
    entry: float = 0
    """The height at which a line that comes from the side turns onto the trunk."""
    side_in: Point | None = None
    """Where a line may come in from the left."""
    side_out: Point | None = None
    """Where a line may leave to the right."""
    cards: list[PlacedCard] = field(default_factory=list)
    frames: list[PlacedFrame] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    inner: list[tuple[float, float, Box]] = field(default_factory=list)

    def place(self, box: Box, x: float, y: float) -> None:
        self.inner.append((x, y, box))
        self.reach(x - box.left, x + box.right, y + box.height)

    def reach(self, left: float, right: float, bottom: float) -> None:
        self.left = max(self.left, -left)
        self.right = max(self.right, right)
        self.height = max(self.height, bottom)

    def side(self, entry: float) -> None:
        """Let lines come in from the left, and leave to the right, at a height."""
        self.side_in, self.side_out = (-self.left, entry), (self.right, entry)

    def line(self, *points: Point, kind: EdgeKind = "flow", arrow: bool = True) -> None:
        self.lines.append(Line(points, kind, arrow))


def card_box(card: Card) -> Box:
    box = Box(left=card.spine, right=card.width - card.spine, height=card.height)
    box.cards.append(PlacedCard(-card.spine, 0, card))
    box.side(min(ENTRY, card.face[1] / 2))
    box.outs = [Out(0, card.height)]
    return box

def flat(box: Box) -> Picture:
    """Everything in one coordinate system, from the upper left corner."""
    placed: list[PlacedCard] = []
    frames: list[PlacedFrame] = []
    lines: list[Line] = []
    dots: list[Point] = []
    labels: list[Label] = []

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
