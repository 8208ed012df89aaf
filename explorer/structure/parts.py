"""The parts of a network at any depth, with the costs of their layers: stages, runs of blocks that
are alike, blocks, the modules inside them, calls.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from explorer.analysis import Layer, Summary
from explorer.language import say
from explorer.structure.folding import fold, growth
from explorer.structure.tree import Flow, Node, modules_of
from explorer.structure.wiring import Wiring
from explorer.tracing import Call, TraceError
from explorer.tracing.operators import WEIGHTED, Effect, Kind, Shape

Role = Literal["stage", "run", "block", "module", "call"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """Consecutive layers that belong together. A call is a part without parts."""

    id: str
    role: Role
    """A run is of blocks that are alike; a module is what a block holds."""
    path: str
    name: str
    """The stage's path, or the type of the module or of the call."""
    plain: bool
    """Whether it only keeps its parts in a row, and has no name of its own."""
    layers: tuple[Layer, ...]
    parts: tuple[Part, ...] = ()
    grows: tuple[int, int] | None = None
    """Of a run of blocks whose channels grow: those that enter, and those that leave."""
    auxiliary: bool = False
    """Whether only training runs it."""
    failed: bool = False
    """Whether it is the call at which the pass ended before its time."""
    stage: str = ""
    """Of a block that is all of a stage, the stage's path."""
    calls: tuple[str, ...] = ()
    """Of calls that stand between the blocks of a stage, their names."""

    @property
    def called(self) -> str:
        """The first and the last one's name."""
        if len(self.calls) < 3:
            return ", ".join(self.calls)
        return say("{first} to {last}", first=self.calls[0], last=self.calls[-1])

    @cached_property
    def params(self) -> int:
        return sum([layer.params for layer in self.layers])

    @cached_property
    def macs(self) -> int:
        return sum([layer.macs or 0 for layer in self.layers])

    @cached_property
    def activation_bytes(self) -> int:
        return sum([layer.activation_bytes for layer in self.layers])

    @cached_property
    def receptive_field(self) -> int | None:
        """That of its last layer, the larger side in pixels."""
        field = self.layers[-1].receptive_field
        return field.side if field else None

    @property
    def output_shape(self) -> Shape:
        return self.layers[-1].output_shape

    @property
    def operation(self) -> Kind | None:
        """The kind of its dearest layer, where it does little else; None for stages and for blocks
        that have a name of their own."""
        if self.role == "stage" or (self.role != "call" and not self.plain):
            return None
        return max(self.layers, key=lambda layer: (layer.params, layer.macs or 0)).kind

    def blocks(self) -> Iterator[Part]:
        """The blocks in it, or itself."""
        if self.parts and self.role in ("stage", "run"):
            for part in self.parts:
                yield from part.blocks()
        else:
            yield self

    def walk(self) -> Iterator[Part]:
        yield self
        for part in self.parts:
            yield from part.walk()


class Place(NamedTuple):
    """Where a layer stands: paths of its stage and of its block."""

    stage: str
    block: str


class Structure:
    """The parts of one network, in the order of execution."""

    def __init__(self, summary: Summary, *, failure: TraceError | None = None,
                 training: Summary | None = None) -> None:
        """`training` is the summary of a training pass, which adds what only training runs.

        A network whose pass ends with a `failure` has the call that failed for its last part.
        """
        self.summary, self.failure = summary, failure
        extra = auxiliary_layers(summary, training) if training else ()
        self.layers: tuple[Layer, ...] = (*summary.layers, *extra)
        self._seen: Counter[str] = Counter()
        self._places: dict[int, Place] = {}
        root = modules_of(summary.trace, summary.layers)
        self._flow = Flow(summary.layers)
        stages = [self._stage(node) for node in self._flow.stages(root)]
        if training:
            stages += [self._auxiliary(head, training) for head in _heads(extra)]
        if failure:
            stages.append(self._failed(failure))
        self.stages: tuple[Part, ...] = tuple(stages)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """Every part by its id."""
        return {part.id: part for stage in self.stages for part in stage.walk()}

    @cached_property
    def wiring(self) -> Wiring:
        return Wiring(self.layers)

    @cached_property
    def blocks(self) -> tuple[Part, ...]:
        """Every block of the pass itself, in order; what has no block around it is one itself."""
        return tuple([block for stage in self.stages if not (stage.auxiliary or stage.failed)
                      for block in stage.blocks()])

    def place(self, layer: Layer) -> Place:
        """Stage and block of a layer of the summary."""
        return self._places[layer.index]

    def _stage(self, node: Node) -> Part:
        # A named module alone in a plain one is the block of a stage of one.
        alone = node.outer != node.path and not node.plain
        groups = [[node]] if node.is_call or alone or not self._flow.is_row(node) else \
            self._groups(node)
        blocks = [self._block(node, members) for members in groups]
        for members, block in zip(groups, blocks, strict=True):
            path = members[0].path if len(members) == 1 and not members[0].is_call else node.outer
            for layer in block.layers:
                self._places[layer.index] = Place(node.outer, path)
        if len(blocks) == 1:
            return replace(blocks[0], stage=node.outer, calls=())
        parts = []
        for run in fold([block.layers for block in blocks]):
            alike = [blocks[place] for place in run]
            parts.append(alike[0] if len(alike) == 1 else self._run(alike))
        return Part(id=self._id("stage", node.outer), role="stage", path=node.outer,
                    name=node.outer, plain=False, layers=_joined(parts), parts=tuple(parts))

    def _groups(self, stage: Node) -> list[list[Node]]:
        """The blocks of a stage, and the calls between two of them as one."""
        groups: list[list[Node]] = []
        for node in self._flow.blocks(stage):
            if node.is_call and groups and groups[-1][-1].is_call:
                groups[-1].append(node)
            else:
                groups.append([node])
        return groups

    def _run(self, members: Sequence[Part]) -> Part:
        first = members[0]
        return Part(id=self._id("run", first.path), role="run", path=first.path, name=first.name,
                    plain=first.plain, layers=_joined(members), parts=tuple(members),
                    grows=growth([member.layers for member in members]))

    def _block(self, stage: Node, members: Sequence[Node]) -> Part:
        """A block of its own, or calls of the stage itself."""
        if len(members) == 1:
            return self._part(members[0], "block")
        parts = tuple([self._part(member, "module") for member in members])
        return Part(id=self._id("block", stage.outer), role="block", path=stage.outer,
                    name=stage.type, plain=_is_plain(stage.type, stage.plain, parts),
                    layers=_joined(parts), parts=parts,
                    calls=tuple([_own_name(part) for part in parts]))

    def _part(self, node: Node, role: Role) -> Part:
        if node.is_call:
            return self._call(self.summary.layers[node.start])
        part_id = self._id(role, node.path)
        parts = tuple([self._part(part, "module") for part in node.parts])
        return Part(id=part_id, role=role, path=node.path, name=node.type,
                    plain=_is_plain(node.type, node.plain, parts),
                    layers=self.summary.layers[node.start:node.stop], parts=parts)

    def _call(self, layer: Layer, *, auxiliary: bool = False) -> Part:
        return Part(id=f"call:{layer.index}", role="call", path=layer.path, name=layer.type,
                    plain=False, layers=(layer,), auxiliary=auxiliary)

    def _auxiliary(self, extra: tuple[Layer, ...], training: Summary) -> Part:
        """What only training runs, as one block."""
        path = extra[0].path.partition(".")[0]
        module = training.trace.modules.get(path)       # none where it begins with a function
        parts = tuple([self._call(layer, auxiliary=True) for layer in extra])
        return Part(id=self._id("block", path), role="block", path=path,
                    name=module.type if module else path, layers=extra, parts=parts,
                    plain=module is not None and _is_plain(module.type, module.sequential, parts),
                    auxiliary=True)

    def _failed(self, failure: TraceError) -> Part:
        index = len(self.layers)
        call = Call(
            index=index, path=failure.path, type=failure.type, operator=failure.type, args=(),
            kwargs={}, inputs=failure.inputs,
            input_shapes=(failure.input_shape,) * len(failure.inputs),
            effect=Effect((), None, None), parameters=(), storage=index, known=False)
        layer = Layer(call=call, params=0, shared_with=None, activation_bytes=0, live_bytes=0,
                      saved_bytes=None, receptive_field=None)
        self.layers = (*self.layers, layer)
        return Part(id="failed", role="call", path=failure.path, name=failure.type, plain=False,
                    layers=(layer,), failed=True)

    def _id(self, role: str, path: str) -> str:
        # Of letters that mean nothing in DOT, in SVG and in an address.
        name = re.sub(r"[^\w.]", "_", path)[-200:]
        name = f"{role}:{name}"
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}~{self._seen[name]}"


def _is_plain(type: str, sequential: bool, parts: Sequence[Part]) -> bool:
    """Parts in a row with no name of their own, or one convolution with what goes with it."""
    weighted = [part for part in parts if part.layers[0].kind in WEIGHTED]
    unit = len(weighted) <= 1 and all(part.role == "call" for part in parts)
    return sequential and (type == "Sequential" or unit)


def _own_name(call: Part) -> str:
    """Of a module its own name, of a function the function's."""
    name = call.path.rpartition(".")[2]
    return name if call.layers[0].call.type == call.name and name else call.name


def _joined(parts: Iterable[Part]) -> tuple[Layer, ...]:
    return tuple([layer for part in parts for layer in part.layers])


def auxiliary_layers(summary: Summary, training: Summary) -> tuple[Layer, ...]:
    """What only training runs, numbered after the layers of the evaluation and wired to them."""
    known = {occurrence: layer.index for occurrence, layer in occurrences(summary.layers)}
    number: dict[int, int] = {}
    extra: list[Layer] = []
    for occurrence, layer in occurrences(training.layers):
        if occurrence in known:
            number[layer.index] = known[occurrence]
            continue
        number[layer.index] = len(summary.layers) + len(extra)
        extra.append(layer._replace(call=layer.call._replace(
            index=number[layer.index],
            inputs=tuple([number[producer] if producer >= 0 else producer
                          for producer in layer.inputs]))))
    return tuple(extra)


def _heads(extra: Iterable[Layer]) -> list[tuple[Layer, ...]]:
    """What only training runs, head by head: layers that read one another."""
    heads: list[list[Layer]] = []
    for layer in extra:
        read = [head for head in heads if any(other.index in layer.inputs for other in head)]
        heads = [head for head in heads if head not in read]
        heads.append([*(other for head in read for other in head), layer])
    return [tuple(head) for head in heads]


def occurrences(layers: Iterable[Layer]) -> Iterator[tuple[tuple[str, int], Layer]]:
    """Each layer with its path and how many times that has come: the same call in any pass."""
    seen: Counter[str] = Counter()
    for layer in layers:
        seen[layer.path] += 1
        yield (layer.path, seen[layer.path]), layer
