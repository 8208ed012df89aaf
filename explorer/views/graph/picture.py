"""The geometry of a drawing: where every node, frame, line, label and button is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from explorer.structure import EdgeKind
from explorer.views.graph.cards import Card, Text
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


class PlacedFrame(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    frame: Frame
    texts: tuple[Text, ...]
    """From its upper left corner."""
    gate: bool

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.width, self.y + self.height


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
    labels: tuple[Text, ...]
    """What stands beside a line."""

