"""What the graph can show: stages, runs of blocks that are alike, blocks, calls.

A group is drawn as one node while it is closed, and as a frame around its parts while it is open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal

from explorer.analysis import Block, Kind, Layer, Summary, analyse
from explorer.tracing import NETWORK_INPUT, TraceError
from explorer.tracing.operators import Shape

Level = Literal["stage", "block", "layer"]
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")

OPEN_AT: dict[Level, frozenset[str]] = {
    "stage": frozenset(), "block": frozenset({"stage"}),
    "layer": frozenset({"stage", "run", "block"})}

PLAIN = {"Sequential", "ConvNormAct"}


@dataclass(frozen=True, eq=False)
class Group:
    """Consecutive layers that can be drawn as one node. A call is a group without parts."""

    id: str
    kind: Literal["stage", "run", "block", "call"]
    name: str
    """The stage's name, or the type of the block or of the call."""
    layers: tuple[Layer, ...]
    parts: tuple[Group, ...] = ()
    auxiliary: bool = False
    """Whether only training runs it."""
    failed: bool = False
    """Whether it is the call at which the pass ended before its time."""

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
        return max(field.size) if field else None

    @property
    def output_shape(self) -> Shape:
        return self.layers[-1].output_shape

    @property
    def operation(self) -> Kind | None:
        """The kind of its dearest layer, where it does little else; None for stages and for blocks
        that have a name of their own."""
        if self.kind == "stage" or (self.kind != "call" and self.name not in PLAIN):
            return None
        return max(self.layers, key=lambda layer: (layer.params, layer.macs or 0)).kind

    def walk(self) -> Iterator[Group]:
        yield self
        for part in self.parts:
            yield from part.walk()


class Outline:
    """The groups of one network, in the order of execution."""

    def __init__(self, found: Summary | TraceError, training: Summary | None = None) -> None:
        """`training` is the summary of a training pass, which adds what only training runs.

        A network whose pass fails is drawn as far as it got, with the call that failed.
        """
        self.failure = found if isinstance(found, TraceError) else None
        summary = analyse(found.trace) if isinstance(found, TraceError) else found
        self.summary = summary
        extra = auxiliary_layers(summary, training) if training else ()
        self.layers: tuple[Layer, ...] = (*summary.layers, *extra)
        self._seen: Counter[str] = Counter()
        stages = [self._stage(stage, list(blocks)) for stage, blocks in
                  groupby(summary.blocks, key=lambda block: block.stage)]
        if extra:
            types = {block.path: block.type for block in training.blocks} if training else {}
            path = extra[0].block
            stages.append(self._block(Block(extra[0].stage, path, types.get(path, path), extra),
                                      auxiliary=True))
        if self.failure:
            stages.append(self._failed(self.failure))
        self.stages: tuple[Group, ...] = tuple(stages)

    @cached_property
    def groups(self) -> dict[str, Group]:
        return {group.id: group for stage in self.stages for group in stage.walk()}

    def is_open(self, group: Group, level: Level, toggled: Collection[str]) -> bool:
        """Groups stand as their level has them, but for those that are toggled."""
        return bool(group.parts) and ((group.kind in OPEN_AT[level]) != (group.id in toggled))

    def _failed(self, failure: TraceError) -> Group:
        layer = Layer(len(self.layers), failure.path, failure.type, "other", "", "",
                      failure.inputs, (failure.input_shape,) * len(failure.inputs), (), None, None,
                      None, None, None, 0, None, None, None, 0, 0, None, None)
        self.layers = (*self.layers, layer)
        return Group("failed", "call", failure.type, (layer,), failed=True)

    def _id(self, kind: str, path: str) -> str:
        # Of letters that mean nothing in DOT, in SVG and in an address.
        name = re.sub(r"[^\w.]", "_", path)[-200:]
        name = f"{kind}:{name}"
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}~{self._seen[name]}"

    def _stage(self, name: str, blocks: list[Block]) -> Group:
        if len(blocks) == 1:
            return self._block(blocks[0])
        parts = []
        for run in fold(blocks):
            members = [self._block(block) for block in run]
            parts.append(members[0] if len(run) == 1 else Group(
                self._id("run", run[0].path), "run", run[0].type, _joined(members),
                tuple(members)))
        return Group(self._id("stage", name), "stage", name, _joined(parts), tuple(parts))

    def _block(self, block: Block, *, auxiliary: bool = False) -> Group:
        calls = tuple([Group(f"call:{layer.index}", "call", layer.type, (layer,),
                             auxiliary=auxiliary) for layer in block.layers])
        if len(calls) == 1:
            return calls[0]
        return Group(self._id("block", block.path), "block", block.type, block.layers, calls,
                     auxiliary)


def _joined(groups: Iterable[Group]) -> tuple[Layer, ...]:
    return tuple([layer for group in groups for layer in group.layers])


def fold(blocks: Iterable[Block]) -> list[list[Block]]:
    """Runs of consecutive blocks that do the same to the same shapes."""
    return [list(run) for _, run in groupby(blocks, key=_signature)]


def _signature(block: Block) -> tuple[object, ...]:
    return block.stage, block.type, tuple(
        [(layer.type, layer.input_shapes, layer.output_shape, layer.kernel, layer.stride,
          layer.dilation, layer.groups, layer.params) for layer in block.layers])


def auxiliary_layers(summary: Summary, training: Summary) -> tuple[Layer, ...]:
    """What only training runs, numbered after the layers of the evaluation and wired to them."""
    known = {occurrence: layer.index for occurrence, layer in occurrences(summary.layers)}
    number = {NETWORK_INPUT: NETWORK_INPUT}
    extra: list[Layer] = []
    for occurrence, layer in occurrences(training.layers):
        if occurrence in known:
            number[layer.index] = known[occurrence]
            continue
        number[layer.index] = len(summary.layers) + len(extra)
        extra.append(layer._replace(index=number[layer.index], inputs=tuple(
            [number[producer] for producer in layer.inputs])))
    return tuple(extra)


def occurrences(layers: Iterable[Layer]) -> Iterator[tuple[tuple[str, int], Layer]]:
    """Each layer with its path and how many times that has come: the same call in any pass."""
    seen: Counter[str] = Counter()
    for layer in layers:
        seen[layer.path] += 1
        yield (layer.path, seen[layer.path]), layer
