"""What is inside a closed node, as the papers' figures write it: the operations that matter, one
under the other, its ways side by side, and what a shortcut runs around."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple, TypeAlias

from explorer import text
from explorer.analysis import Layer
from explorer.language import Text, say
from explorer.structure import EdgeKind, Part, Wiring
from explorer.tracing import NETWORK_INPUT
from explorer.tracing.operators import WEIGHTED

PASSES = Text("passes")
"""What one way does where it does nothing and another does something."""

ATTENTION = Text("attention")
SPOKEN = {"scaled_dot_product_attention": ATTENTION, "linear": Text("linear"),
          "cat": Text("concatenate"), "chunk": Text("split"), "getitem": Text("slice"),
          "interpolate": Text("interpolate")}
"""Operators by the name that people use, where it is a word."""

FUNCTIONS = {"layer_norm": "LayerNorm", "batch_norm": "BatchNorm", "group_norm": "GroupNorm",
             "rms_norm": "RMSNorm", "instance_norm": "InstanceNorm",
             "local_response_norm": "LocalResponseNorm"}
"""Functions by the name of their module."""
NORMALISATION = re.compile(r"(?<=[a-z])[123]d$")

AVERAGES = frozenset({"mean", "amax"})
"""What leaves one number of many as a pooling does, and has no pooling's name."""

MOST_RUNGS = 5

Way: TypeAlias = tuple[str, ...]
Ways: TypeAlias = tuple[Way, ...]
"""What stands side by side."""


class Section(NamedTuple):
    """Rungs of a closed node, one under the other."""

    rungs: tuple[Ways, ...]
    past: str | None = None
    """What is on the shortcut around them, "" where it hands its input on; None without one."""


def title(part: Part) -> str:
    """The name of a part: for a plain block what it does, or where it stands."""
    layer = part.layers[0]
    if part.role == "run":
        grows = f", {part.grows[0]} → {part.grows[1]}" if part.grows else ""
        return f"{title(part.parts[0])} ×{len(part.parts)}{grows}"
    if part.role == "call":
        whole = layer.window is None or _is_reduction(layer) or _is_global(layer)
        return layer.type if whole else f"{layer.type} {_window(layer)}"
    if part.role == "stage":
        return part.name
    what = part.name
    if part.plain:
        if len(_written(part.layers, channels=True)) > 1:
            return part.stage or part.called or part.path.rpartition(".")[2]
        steps = _written(part.layers, channels=False)
        what = ", ".join(steps or dict.fromkeys(map(type_name, part.layers)))
        what = say("Conv {what}", what=what) \
            if steps and "convolution" in (part.operation or "") else what
    same = part.stage.replace("_", "").casefold() == what.casefold()
    return f"{part.stage}: {what}" if part.stage and not same else what


def label(part: Part) -> str:
    """A call in a few words."""
    layer = part.layers[0]
    if (written := operation(layer, channels=True)) is not None:
        return written
    if layer.call.operator != "cat":
        return type_name(layer)
    shape = part.output_shape
    return say("concatenate, {channels}",
               channels=f"{shape[1]:,}" if len(shape) > 1 else text.shape(shape))


def type_name(layer: Layer) -> str:
    """A layer's type as people say it."""
    if layer.kind != "normalisation":
        return str(SPOKEN.get(layer.type, layer.type))
    return FUNCTIONS.get(layer.type) or NORMALISATION.sub("", layer.type)


def sections(part: Part, wiring: Wiring) -> tuple[Section, ...]:
    """What is in a closed part: of a stage its blocks, of a block, or of a stage of single
    operations, those."""
    if part.role == "stage" and any(map(_has_a_name, part.blocks())):
        return (Section(((tuple([row for inner in part.parts for row in _rows(inner)]),),)),)
    if part.role == "run":
        return sections(part.parts[0], wiring)
    if part.role == "call":
        return ()
    made = _Walk(part.layers, wiring, around=part.role == "block").sections()
    rungs = [rung for section in made for rung in section.rungs]
    said = part.plain and [len(way) for rung in rungs for way in rung] == [1]
    return () if said else made     # its title says it already


def _has_a_name(block: Part) -> bool:
    """Whether what a block is called says more than the operation in it that matters."""
    return not block.plain and sum([layer.kind in WEIGHTED for layer in block.layers]) != 1 \
        and len(block.layers) > 1


def _rows(part: Part) -> Sequence[str]:
    """A part in the rows of the stage that it is in: what it does where it has no name of its own,
    and a single operation as its own node says it."""
    if part.role == "call":
        return [label(part)]
    steps = _written(part.layers, channels=True) if part.role == "block" and part.plain else []
    return steps if len(steps) > 1 else [title(part)]


class _Sum(NamedTuple):
    """An addition of a shortcut: where it begins, and what is on it."""

    fork: int
    past: str


class _Walk:
    """From the last layer of a block back to its first, along the main way."""

    def __init__(self, layers: Sequence[Layer], wiring: Wiring, *, around: bool) -> None:
        self.layer = {layer.index: layer for layer in layers}
        self.last, self.wiring, self.around = layers[-1].index, wiring, around

    def sections(self) -> tuple[Section, ...]:
        made = self._sections()
        if sum([len(section.rungs) for section in made]) <= MOST_RUNGS:
            return made
        steps = _written(self._steps(self.last, -2), channels=True)
        return (Section(((tuple(steps),),), made[0].past if len(made) == 1 else None),)

    def _sections(self) -> tuple[Section, ...]:
        """From the last one up: a shortcut holds what is between its fork and its sum."""
        made: list[Section] = []
        rungs: list[Ways] = []
        steps: list[Layer | str] = []
        sum: _Sum | None = None

        def rung() -> None:
            if rows := _written(steps[::-1], channels=True):
                rungs.append((tuple(rows),))
            steps.clear()

        def section() -> None:
            rung()
            if rungs:
                made.append(Section(tuple(rungs[::-1]), sum and sum.past))
            rungs.clear()

        index = self.last
        while index in self.layer:
            layer = self.layer[index]
            if sum and index <= sum.fork:
                section()
                sum = None
            if layer.call.operator == "cat":
                fork, ways = self._ways(layer)
                # A dense layer begins with one, of all that came before it.
                if any(ways):
                    rung()
                    rungs.append(ways)
                index = fork
                continue
            if self.around and sum is None and (sum_here := self._sum(layer)):
                section()
                sum = sum_here
            steps.append(say("squeeze-excite") if self._has(layer, "gate") else layer)
            index = self._main(layer)
        section()
        return tuple(made[::-1])

    def _ways(self, merge: Layer) -> tuple[int, Ways]:
        """Where the ways that are concatenated part, and what is on each."""
        fork = self.wiring.fork(merge.inputs)
        return fork, tuple([tuple(_written(self._steps(producer, fork), channels=False))
                            for producer in merge.inputs])

    def _steps(self, index: int, stop: int) -> list[Layer | str]:
        """What is on the way to a layer, from `stop` or from outside the block."""
        steps: list[Layer | str] = []
        while index in self.layer and index > stop:     # the main way may pass by where others fork
            layer = self.layer[index]
            if layer.call.operator == "cat":
                index, ways = self._ways(layer)
                if any(ways):
                    steps.append(" | ".join(", ".join(way) or str(PASSES) for way in ways))
                continue
            steps.append(say("squeeze-excite") if self._has(layer, "gate") else layer)
            index = self._main(layer)
        return steps[::-1]

    def _has(self, merge: Layer, kind: EdgeKind) -> bool:
        return any(self.wiring.kind(producer, merge.index) == kind for producer in merge.inputs)

    def _sum(self, merge: Layer) -> _Sum | None:
        """The shortcut that an addition adds, where it does."""
        if not self._has(merge, "shortcut"):
            return None
        ways = zip(merge.inputs, self.wiring.ways(merge), strict=True)
        side = next(way for producer, way in ways
                    if self.wiring.kind(producer, merge.index) == "shortcut")
        said = [say("padding") if layer.call.operator == "pad" else operation(layer, channels=False)
                for layer in [self.layer[index] for index in side if index in self.layer]]
        return _Sum(self.wiring.fork(merge.inputs), ", ".join(filter(None, said)))

    def _main(self, layer: Layer) -> int:
        """What it reads that is neither shortcut nor gate; nothing of the block where it reads
        constants alone."""
        for producer in layer.inputs:
            if self.wiring.kind(producer, layer.index) == "flow":
                return producer
        return next(iter(layer.inputs), NETWORK_INPUT)


def _written(steps: Iterable[Layer | str], *, channels: bool) -> list[str]:
    """The steps that matter in a few characters each; a depthwise and a pointwise convolution of
    one module with no normalisation between them are one separable convolution, and two products
    with a softmax between them are attention."""
    rows: list[str] = []
    depthwise: Layer | None = None
    product = ""        # how far what has been is attention: "matmul", then "softmax"
    for step in steps:
        if isinstance(step, str):
            rows.append(step)
            continue
        operator = step.call.operator
        if step.kind == "normalisation":
            depthwise = None
        if operator == "softmax" and product:
            product = operator
        if not (row := operation(step, channels=channels)):
            continue
        if operator == "matmul" and product == "softmax":
            rows[-1], product = str(ATTENTION), ""
            continue
        product = operator if operator == "matmul" else ""
        if depthwise and step.kind == "convolution" and \
                step.path.rpartition(".")[0] == depthwise.path.rpartition(".")[0]:
            many = f", {step.output_shape[1]}" if channels else ""
            rows[-1] = say("separable {window}", window=f"{_window(depthwise)}{many}")
            depthwise = None
            continue
        depthwise = step if step.kind == "depthwise convolution" else None
        rows.append(row)
    return _counted(rows)


def operation(layer: Layer, *, channels: bool) -> str | None:
    """A convolution, pooling or linear layer in a few characters; None for all others."""
    if layer.kind == "linear":
        name = str(SPOKEN.get(layer.call.operator, layer.call.operator))
        return f"{name}, {layer.output_shape[-1]}" if channels and layer.output_shape else name
    if layer.kind == "pooling":
        if _is_global(layer):
            return say("global pool")
        if _is_reduction(layer):
            return layer.call.operator
        if layer.window and {*layer.window.kernel, *layer.window.stride} == {1}:
            return None     # an adaptive pooling to the size that the map has
        return say("max pool {window}" if "max" in layer.type.casefold() else "avg pool {window}",
                   window=_window(layer))
    if layer.call.operator == "channel_shuffle":
        return say("shuffle")
    if layer.call.operator == "local_response_norm":
        return type_name(layer)
    if layer.window is None or layer.kind == "reshape":     # padding has one too
        return None
    written = f"{_window(layer)}{f', {layer.output_shape[1]}' if channels else ''}"
    if layer.kind == "depthwise convolution":
        return say("dw {window}", window=written)
    groups = layer.groups or 1
    return say("{window} ({groups} groups)", window=written, groups=groups) if groups > 1 \
        else written


def _is_reduction(layer: Layer) -> bool:
    """Whether it leaves one number of many, and is no pooling."""
    return layer.kind == "pooling" and "pool" not in layer.call.operator


def _is_global(layer: Layer) -> bool:
    """Whether it pools each whole map."""
    if layer.kind != "pooling":
        return False
    if _is_reduction(layer):
        return layer.call.operator in AVERAGES
    return layer.window is None or set(layer.output_shape[-len(layer.window.kernel):]) == {1}


def _window(layer: Layer) -> str:
    """Kernel, and stride and dilation where they are not 1."""
    window = layer.window
    assert window
    size = text.shape(window.kernel)
    if max(window.stride) > 1:
        size += f" /{text.side(window.stride)}"
    if min(window.stride) < 1:
        size = say("{window} up {factor}", window=size,
                   factor=text.side(tuple([Fraction(1) / step for step in window.stride])))
    return size if max(window.dilation) == 1 else \
        say("{window} dilated {dilation}", window=size, dilation=text.side(window.dilation))


def _counted(steps: Iterable[str]) -> list[str]:
    """Consecutive steps that are the same, as one with ×N."""
    runs = [(step, len(list(run))) for step, run in groupby(steps)]
    return [step if count == 1 else f"{step} ×{count}" for step, count in runs]
