"""Who reads whom: the things that stand in a frame, or at the top, and what flows between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

from explorer import text
from explorer.language import say
from explorer.structure import EdgeKind, Part
from explorer.tracing.operators import Shape
from explorer.views.graph import cards
from explorer.views.graph.cards import Card
from explorer.views.graph.drawing import Drawing, Frame, Item

Thing: TypeAlias = "Item | Card"
"""A part, or an input or an output of the network."""

Place: TypeAlias = "list[tuple[Frame | None, int]]"
"""The frames that a node is in, from the outermost, with its number in each."""


class Link(NamedTuple):
    kind: EdgeKind
    shape: Shape
    drawn: bool = True
    """False where nothing flows: to what reads no input, from what nobody reads."""

@dataclass(eq=False)
class Row:
    """What stands in a frame, or at the top, and who reads whom: things by their number, -1 for
    what is given to the frame and one more than the last for what it gives."""

    things: Sequence[Thing]
    links: dict[tuple[int, int], Link] = field(default_factory=dict)

    @property
    def nothing_enters(self) -> bool:
        return not any(source == -1 and link.drawn for (source, _), link in self.links.items())

    @cached_property
    def shapes_into(self) -> dict[int, set[Shape]]:
        """Of what each thing reads."""
        shapes: dict[int, set[Shape]] = {}
        for (_, target), link in self.links.items():
            shapes.setdefault(target, set()).add(link.shape)
        return shapes

    def connect(self, source: int, target: int, link: Link) -> None:
        before = self.links.get((source, target))
        if before is None or link.kind == "flow":
            self.links[source, target] = link

    def close(self) -> None:
        """Connect what reads nothing and what nobody reads, so that every thing is on a way."""
        read: dict[int, set[int]] = {}
        readers: dict[int, set[int]] = {}
        for source, target in self.links:
            read.setdefault(target, set()).add(source)
            readers.setdefault(source, set()).add(target)
        for number in range(len(self.things)):
            if number not in read:
                before = -1     # where what it meets comes from
                if number in readers:
                    before = max(read[min(readers[number])] - {number}, default=-1)
                    while before >= number:
                        before = max(read.get(before, ()), default=-1)
                self.links[before, number] = Link("flow", (), drawn=False)
            if number not in readers:
                self.links[number, len(self.things)] = Link("flow", (), drawn=False)


def rows_of(drawing: Drawing) -> dict[Frame | None, Row]:
    """What stands in each frame, and under None at the top: there what the network is given comes
    first, and what it gives last."""
    trace = drawing.structure.summary.trace
    inputs = [cards.given(number, one) for number, one in enumerate(trace.inputs)]
    outputs = _outputs(drawing)
    top = Row([*inputs, *drawing.items, *outputs.values()])
    rows: dict[Frame | None, Row] = {None: top}
    places: dict[Part, Place] = {}

    def enter(frame: Frame | None, things: Iterable[Thing], above: Place) -> None:
        for number, thing in enumerate(things):
            here = [*above, (frame, number)]
            if isinstance(thing, Frame):
                rows[thing] = Row(thing.items)
                enter(thing, thing.items, here)
            elif isinstance(thing, Part):
                places[thing] = here

    enter(None, top.things, [])

    def connect(source: Place, target: Place, link: Link) -> None:
        """In the frame that holds both, and with the borders of those that hold one of them."""
        depth = 0
        while source[depth] == target[depth]:
            depth += 1
        rows[source[depth][0]].connect(source[depth][1], target[depth][1], link)
        for frame, number in target[depth + 1:]:
            rows[frame].connect(-1, number, link)
        for frame, number in source[depth + 1:]:
            rows[frame].connect(number, len(rows[frame].things), link)

    for edge in drawing.edges:
        source: Place = [(None, -1 - edge.source)] if isinstance(edge.source, int) else \
            places[edge.source]
        connect(source, places[edge.target], Link(edge.kind, edge.shape))
    node_of = {layer.index: node for node in drawing.nodes for layer in node.layers}
    for number, index in enumerate(outputs, len(inputs) + len(drawing.items)):
        node = node_of[drawing.behind.get(index, index)]
        shape = drawing.structure.layers[index].output_shape
        connect(places[node], [(None, number)],
                Link("auxiliary" if node.auxiliary else "flow", shape))
    for row in rows.values():
        row.close()
    return rows


def _outputs(drawing: Drawing) -> dict[int, Card]:
    """What the network gives, and its auxiliary heads, by the layer that makes it."""
    layers = drawing.structure.layers
    made = [] if drawing.structure.failure else \
        [index for index in drawing.structure.summary.trace.outputs if index >= 0]
    read = {producer for layer in layers for producer in layer.inputs}
    made += [layer.index for stage in drawing.structure.stages if stage.auxiliary
             for layer in stage.layers if layer.index not in read]
    return {index: cards.end(f"output:{index}", say("Output"),
                             text.shape(layers[index].output_shape[1:])) for index in made}


def is_call(thing: Thing | None) -> bool:
    return isinstance(thing, Part) and not thing.parts and not thing.failed
