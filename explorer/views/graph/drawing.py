"""What a graph shows: a structure at a level, some parts toggled, and the edges between."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from explorer.structure import EdgeKind, Part, Role, Structure
from explorer.tracing.operators import WEIGHTED, Kind, Shape

Level = Literal["stage", "block", "layer"]
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")

OPEN_AT: dict[Level, frozenset[Role]] = {
    "stage": frozenset({"module"}), "block": frozenset({"stage", "module"}),
    "layer": frozenset({"stage", "block", "module"})}

FOLLOWING: frozenset[Kind] = frozenset({"normalisation", "activation"})
"""Kinds of layers that stand on one card with one that has weights, or with one another."""

SMALL = 2
"""A module with no more layers than this is drawn as these."""

Origin: TypeAlias = Part | int
"""Where data comes from: a part, or the negative number of an input of the network."""


class Edge(NamedTuple):
    source: Origin
    target: Part
    kind: EdgeKind
    shape: Shape


@dataclass(frozen=True, eq=False)
class Frame:
    """An open part around what it holds."""

    part: Part
    items: tuple[Item, ...]
    example: bool = False
    """Whether it is a run of which one block is shown, for all that are like it."""


Item: TypeAlias = Part | Frame
"""What stands in a frame: a node, or a frame in it."""


class Drawing:
    """The nodes and edges of a structure whose parts stand as `level` has them, but for `toggled`.

    Every layer of the structure is in exactly one node, but for those of a run that is shown by one
    of its blocks: there the others stand behind the first.
    """

    def __init__(self, structure: Structure, level: Level = "block",
                 toggled: Collection[str] = ()) -> None:
        self.structure, self.wiring = structure, structure.wiring
        self._level, self._toggled = level, frozenset(toggled)
        self.behind: dict[int, int] = {}
        """Layers that are not shown themselves, each with the one that stands for it."""
        self.items: tuple[Item, ...] = tuple([item for stage in structure.stages
                                              for item in self._items(stage)])
        self.frames: tuple[Frame, ...] = tuple(_frames(self.items))
        self.nodes: tuple[Part, ...] = tuple(_nodes(self.items))
        self.edges = tuple(self._edges())

    def _items(self, part: Part) -> list[Item]:
        if not part.parts:
            return [part]
        if is_see_through(part):
            return [item for inner in part.parts for item in self._items(inner)]
        toggled = part.id in self._toggled
        if part.role == "run" and self._level == "layer" and not toggled:
            first, *others = part.parts
            for other in others:
                self.behind.update({hidden.index: shown.index for hidden, shown in
                                    zip(other.layers, first.layers, strict=True)})
            # A block that is one call has no parts.
            shown = [item for inner in first.parts or (first,) for item in self._items(inner)]
            return [Frame(part, tuple(shown), example=True)]
        if self._level == "layer" and not toggled and is_card(part):
            return [item for inner in part.parts for item in self._items(inner)]
        # A run that is toggled shows all of its blocks, at every level.
        if (part.role in OPEN_AT[self._level]) == toggled:
            return [part]
        return [Frame(part, tuple([item for inner in part.parts for item in self._items(inner)]))]

    def _edges(self) -> list[Edge]:
        """From which node to which data flows, once each; a way that is the main one for one of
        its layers is a main one."""
        node_of = {layer.index: node for node in self.nodes for layer in node.layers}
        edges: dict[tuple[Origin, Part], Edge] = {}
        for target in self.nodes:
            for layer in target.layers:
                for producer, shape in zip(layer.inputs, layer.input_shapes, strict=True):
                    source = producer if producer < 0 else \
                        node_of[self.behind.get(producer, producer)]
                    if source is target:
                        continue
                    kind: EdgeKind = "auxiliary" if target.auxiliary else \
                        self.wiring.kind(producer, layer.index)
                    if kind == "flow" or (source, target) not in edges:
                        edges[source, target] = Edge(source, target, kind, shape)
        return list(edges.values())


def is_see_through(part: Part) -> bool:
    """Whether a part is always drawn as what it holds: a module without a name of its own, or one
    with a layer or two, or that is one card."""
    return part.role == "module" and (part.plain or len(part.layers) <= SMALL or is_card(part))


def is_card(part: Part) -> bool:
    """Whether it is one card: a convolution or a linear layer with what follows it."""
    first, *others = [layer.kind for layer in part.layers]
    return part.role in ("module", "block") and (first in WEIGHTED or first in FOLLOWING) \
        and FOLLOWING.issuperset(others)


def _frames(items: Collection[Item]) -> Iterator[Frame]:
    for item in items:
        if isinstance(item, Frame):
            yield item
            yield from _frames(item.items)


def _nodes(items: Collection[Item]) -> Iterator[Part]:
    for item in items:
        if isinstance(item, Frame):
            yield from _nodes(item.items)
        else:
            yield item
