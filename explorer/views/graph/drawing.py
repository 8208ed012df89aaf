"""What a graph shows: an outline at a level, some groups toggled, and the edges between."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from explorer.structure.outline import Group, Level, Outline
from explorer.structure.wiring import EdgeKind, Wiring
from explorer.tracing import NETWORK_INPUT
from explorer.tracing.operators import Shape


class Edge(NamedTuple):
    source: Group | None
    """None for the network's input."""
    target: Group
    kind: EdgeKind
    shape: Shape


class Drawing:
    """The nodes and edges of an outline whose groups stand as `level` has them, but for `toggled`.

    Every layer of the outline is in exactly one node.
    """

    def __init__(self, outline: Outline, level: Level = "block",
                 toggled: Collection[str] = ()) -> None:
        self.outline, self.wiring = outline, Wiring(outline.layers)
        self._open = {group.id for group in outline.groups.values()
                      if outline.is_open(group, level, toggled)}
        self.columns = tuple([tuple(self._closed(stage)) for stage in outline.stages])
        """The nodes of each stage, in the order of execution."""
        self.nodes = tuple([node for column in self.columns for node in column])
        self.edges = tuple(self._edges())

    def is_open(self, group: Group) -> bool:
        return group.id in self._open

    def _closed(self, group: Group) -> list[Group]:
        if not self.is_open(group):
            return [group]
        return [node for part in group.parts for node in self._closed(part)]

    def _edges(self) -> list[Edge]:
        """From which node to which data flows, once each; a way that is the main one for one of
        its layers is a main one."""
        node_of = {layer.index: node for node in self.nodes for layer in node.layers}
        edges: dict[tuple[Group | None, Group], Edge] = {}
        for target in self.nodes:
            for layer in target.layers:
                for producer, shape in zip(layer.inputs, layer.input_shapes, strict=True):
                    source = None if producer == NETWORK_INPUT else node_of[producer]
                    if source is target:
                        continue
                    kind: EdgeKind = "auxiliary" if target.auxiliary else \
                        self.wiring.kind(producer, layer.index)
                    if kind == "flow" or (source, target) not in edges:
                        edges[source, target] = Edge(source, target, kind, shape)
        return list(edges.values())
