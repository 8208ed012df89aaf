"""What a graph shows: a structure at a level, some parts toggled, and the edges between."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple, TypeAlias

from explorer.structure import EdgeKind, Part, Role, Structure
from explorer.tracing.operators import Shape

Level = Literal["stage", "block", "layer"]
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")

OPEN_AT: dict[Level, frozenset[Role]] = {
    "stage": frozenset(), "block": frozenset({"stage"}),
    "layer": frozenset({"stage", "run", "block"})}


Origin: TypeAlias = Part | int
"""Where data comes from: a part, or the negative number of an input of the network."""


class Edge(NamedTuple):
    source: Origin
    target: Part
    kind: EdgeKind
    shape: Shape


class Drawing:
    """The nodes and edges of a structure whose parts stand as `level` has them, but for `toggled`.

    Every layer of the structure is in exactly one node.
    """

    def __init__(self, structure: Structure, level: Level = "block",
                 toggled: Collection[str] = ()) -> None:
        self.structure, self.wiring = structure, structure.wiring
        self._open = {part.id for part in structure.parts.values()
                      if _stands_open(part, level, toggled)}
        self.frames = tuple([part for part in structure.parts.values()
                             if part.id in self._open and part.role != "module"])
        """The open parts that are drawn around what they hold."""
        self.columns = tuple([tuple(self._closed(stage)) for stage in structure.stages])
        """The nodes of each stage, in the order of execution."""
        self.nodes = tuple([node for column in self.columns for node in column])
        self.edges = tuple(self._edges())

    def is_open(self, part: Part) -> bool:
        return part.id in self._open

    def _closed(self, part: Part) -> list[Part]:
        if not self.is_open(part):
            return [part]
        return [node for inner in part.parts for node in self._closed(inner)]

    def _edges(self) -> list[Edge]:
        """From which node to which data flows, once each; a way that is the main one for one of
        its layers is a main one."""
        node_of = {layer.index: node for node in self.nodes for layer in node.layers}
        edges: dict[tuple[Origin, Part], Edge] = {}
        for target in self.nodes:
            for layer in target.layers:
                for producer, shape in zip(layer.inputs, layer.input_shapes, strict=True):
                    source = producer if producer < 0 else node_of[producer]
                    if source is target:
                        continue
                    kind: EdgeKind = "auxiliary" if target.auxiliary else \
                        self.wiring.kind(producer, layer.index)
                    if kind == "flow" or (source, target) not in edges:
                        edges[source, target] = Edge(source, target, kind, shape)
        return list(edges.values())


def _stands_open(part: Part, level: Level, toggled: Collection[str]) -> bool:
    """Parts stand as their level has them, but for those that are toggled; the modules inside a
    block show what they hold."""
    if part.role == "module":
        return bool(part.parts)
    return bool(part.parts) and ((part.role in OPEN_AT[level]) != (part.id in toggled))
