"""The geometry of a drawing: where every node, frame, line, label and button is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from explorer.structure import EdgeKind, Part
from explorer.views.graph.cards import BUTTON, Card, Label
from explorer.views.graph.drawing import Frame

Point = tuple[float, float]

MARGIN = 16
"""Around a drawing."""


class Line(NamedTuple):
    points: tuple[Point, ...]
    """Its corners. Between two of them it runs straight, along one side of the page."""
    kind: EdgeKind = "flow"
    arrow: bool = True
    """Whether its end has a head."""


class PlacedCard(NamedTuple):
    x: float
    y: float
    card: Card

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.card.width, self.y + self.card.height

    @property
    def button(self) -> Point | None:
        """The middle of what opens it."""
        if not self.card.opens:
            return None
        return self.x + self.card.face[0] - BUTTON - 6, self.y + BUTTON + 5


class PlacedFrame(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    frame: Frame
    texts: tuple[Label, ...]
    """From its upper left corner."""
    gate: bool

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.width, self.y + self.height

    @property
    def button(self) -> Point:
        """The middle of what closes it, or shows all that are like it."""
        return self.x + self.width - BUTTON - 7, self.y + BUTTON + 6


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawing laid out. Lengths are in units of which a letter has 11."""

    width: float
    height: float
    cards: tuple[PlacedCard, ...]
    frames: tuple[PlacedFrame, ...]
    """The outer ones before those in them."""
    lines: tuple[Line, ...]
    dots: tuple[Point, ...]
    """Where a line forks."""
    labels: tuple[Label, ...]
    """What stands beside a line."""

    @property
    def nodes(self) -> list[Part]:
        """The parts that stand as cards."""
        return [placed.card.part for placed in self.cards if placed.card.part]
