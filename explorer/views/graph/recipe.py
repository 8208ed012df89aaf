"""What is inside a closed node, as the papers' figures write it: its ways side by side, and on
each the operations that matter, one under the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

from explorer import text
from explorer.analysis import Layer
from explorer.structure import Part, Wiring
from explorer.tracing import NETWORK_INPUT
from explorer.tracing.operators import WEIGHTED

GLOBAL_POOL = "global pool"

PASSES = "passes"
"""What one way does where it does nothing and another does something."""

SPOKEN = {"scaled_dot_product_attention": "attention"}
"""Operators by the name that people use, where it is another."""

Way = tuple[str, ...]


def title(part: Part) -> str:
    """The name of a part: for a plain block what it does, or where it stands."""
    layer = part.layers[0]
    if part.role == "run":
        grows = f", {part.grows[0]} → {part.grows[1]}" if part.grows else ""
        return f"{title(part.parts[0])} ×{len(part.parts)}{grows}"
    if part.role == "call":
        whole = layer.window is None or operation(layer, channels=False) == GLOBAL_POOL
        return layer.type if whole else f"{layer.type} {_window(layer)}"
    if part.role == "stage" or not part.plain:
        return part.name
    steps = _written(part.layers, channels=False)
    if len(steps) == 1:
        return f"Conv {steps[0]}" if "convolution" in (part.operation or "") else steps[0]
    return part.path.rpartition(".")[2] if steps else \
        ", ".join(dict.fromkeys(layer.type for layer in part.layers))


def ways(part: Part, wiring: Wiring) -> tuple[Way, ...]:
    """The ways through a closed part: of a stage its blocks, of a block, or of a stage of single
    operations, those."""
    if part.role == "stage" and any(
            sum([layer.kind in WEIGHTED for layer in block.layers]) > 1
            for block in part.blocks()):
        return (tuple([title(inner) for inner in part.parts]),)
    if part.role == "run":
        return ways(part.parts[0], wiring)
    if part.role == "call":
        return ()
    written = _Walk(part.layers, wiring).ways()
    plain = part.plain and len(written) == 1 and len(written[0]) == 1
    return () if plain else written     # its title says it already


def shortcut(part: Part, wiring: Wiring) -> str | None:
    """What is on the shortcut past a block, "" where it hands its input on; None without one."""
    if part.role == "run":
        return shortcut(part.parts[0], wiring)
    if part.role != "block":
        return None
    own = {layer.index for layer in part.layers}
    on_it = [layer for layer in part.layers for producer in layer.inputs
             if wiring.kind(producer, layer.index) == "shortcut"]
    past = any(wiring.kind(producer, layer.index) == "shortcut" and producer not in own
               for layer in part.layers for producer in layer.inputs)
    if not on_it or not (past or any(layer.params for layer in on_it)):
        return None
    return ", ".join([step for layer in on_it if (step := operation(layer, channels=False))])


class _Walk:
    """From the last layer of a block back to its first, along the main way."""

    def __init__(self, layers: Sequence[Layer], wiring: Wiring) -> None:
        self.layer = {layer.index: layer for layer in layers}
        self.last, self.wiring = layers[-1].index, wiring

    def ways(self) -> tuple[Way, ...]:
        index = self.last
        while index in self.layer:
            layer = self.layer[index]
            if layer.call.operator == "cat":
                fork = self.wiring.fork(layer.inputs)
                # A dense layer begins with one, of all that came before it.
                if fork not in self.layer and not self.layer.keys().isdisjoint(layer.inputs):
                    return tuple([tuple(_written(self._steps(producer, fork), channels=False))
                                  for producer in layer.inputs])
            index = self._main(layer)
        way = tuple(_written(self._steps(self.last, -2), channels=True))
        return (way,) if way else ()

    def _steps(self, index: int, stop: int) -> list[Layer | str]:
        """What is on the way to a layer, from `stop` or from outside the block."""
        steps: list[Layer | str] = []
        while index in self.layer and index > stop:     # the main way may pass by where others fork
            layer = self.layer[index]
            if layer.call.operator == "cat":
                fork = self.wiring.fork(layer.inputs)
                inner = [_written(self._steps(producer, fork), channels=False)
                         for producer in layer.inputs]
                if any(inner):
                    steps.append(" | ".join(", ".join(way) or PASSES for way in inner))
                index = fork
                continue
            gated = any(self.wiring.kind(producer, index) == "gate" for producer in layer.inputs)
            steps.append("squeeze-excite" if gated else layer)
            index = self._main(layer)
        return steps[::-1]

    def _main(self, layer: Layer) -> int:
        """What it reads that is neither shortcut nor gate; nothing of the block where it reads
        constants alone."""
        for producer in layer.inputs:
            if self.wiring.kind(producer, layer.index) == "flow":
                return producer
        return next(iter(layer.inputs), NETWORK_INPUT)


def _written(steps: Iterable[Layer | str], *, channels: bool) -> list[str]:
    """The steps that matter in a few characters each; a depthwise and a pointwise convolution of
    one module are one separable convolution, and two products with a softmax between them are
    attention."""
    rows: list[str] = []
    depthwise: Layer | None = None
    product = ""        # how far what has been is attention: "matmul", then "softmax"
    for step in steps:
        if isinstance(step, str):
            rows.append(step)
            continue
        operator = step.call.operator
        if operator == "softmax" and product:
            product = operator
        if not (row := operation(step, channels=channels)):
            continue
        if operator == "matmul" and product == "softmax":
            rows[-1], product = "attention", ""
            continue
        product = operator if operator == "matmul" else ""
        if depthwise and step.kind == "convolution" and \
                step.path.rpartition(".")[0] == depthwise.path.rpartition(".")[0]:
            many = f", {step.output_shape[1]}" if channels else ""
            rows[-1], depthwise = f"separable {_window(depthwise)}{many}", None
            continue
        depthwise = step if step.kind == "depthwise convolution" else None
        rows.append(row)
    return _counted(rows)


def operation(layer: Layer, *, channels: bool) -> str | None:
    """A convolution, pooling or linear layer in a few characters; None for all others."""
    if layer.kind == "linear":
        name = SPOKEN.get(layer.call.operator, layer.call.operator)
        return f"{name}, {layer.output_shape[-1]}" if channels and layer.output_shape else name
    if layer.kind == "pooling":
        if layer.window is None or set(layer.output_shape[-len(layer.window.kernel):]) == {1}:
            return GLOBAL_POOL
        return f"{'max' if 'max' in layer.type.casefold() else 'avg'} pool {_window(layer)}"
    if layer.call.operator == "channel_shuffle":
        return "shuffle"
    if layer.window is None or layer.kind == "reshape":     # padding has one too
        return None
    depthwise = "dw " if layer.kind == "depthwise convolution" else ""
    many = f", {layer.output_shape[1]}" if channels else ""
    grouped = f" ({layer.groups} groups)" if (layer.groups or 1) > 1 and not depthwise else ""
    return f"{depthwise}{_window(layer)}{many}{grouped}"


def _window(layer: Layer) -> str:
    """Kernel, and stride and dilation where they are not 1."""
    window = layer.window
    assert window
    size = text.shape(window.kernel)
    if max(window.stride) > 1:
        size += f" /{text.side(window.stride)}"
    if min(window.stride) < 1:
        size += f" up {text.side(tuple([Fraction(1) / step for step in window.stride]))}"
    return size if max(window.dilation) == 1 else f"{size} dilated {text.side(window.dilation)}"


def _counted(steps: Iterable[str]) -> list[str]:
    """Consecutive steps that are the same, as one with ×N."""
    runs = [(step, len(list(run))) for step, run in groupby(steps)]
    return [step if count == 1 else f"{step} ×{count}" for step, count in runs]
