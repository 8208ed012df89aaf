"""What moves numbers and computes none: views, copies, parts, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from explorer.formula import Equation, Number, product
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import (
    Case,
    Explanation,
    Words,
    kept_steps,
    moved,
    said,
    same_shape,
    side_name,
)
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    Positions,
    Window,
    operator,
)


def other_shape(case: Case) -> Words:
    if len(case.output) == 2 and len(case.input) == 4 and case.input[0] == case.output[0]:
        return Words((Equation(("F",), product(case.inputs[1:])),),
                     (say("The same numbers in another shape: channels, rows and columns in one "
                          "list."),))
    return Words(notes=(say("The same numbers in another shape."),))


VIEWS: dict[tuple[str, ...], Positions] = {
    ("flatten",): positions.reshaped, ("unflatten",): positions.reshaped,
    ("ravel",): positions.reshaped,
    ("view",): positions.reshaped, ("view_as",): positions.reshaped,
    ("reshape",): positions.reshaped, ("reshape_as",): positions.reshaped,
    ("squeeze",): positions.reshaped, ("unsqueeze",): positions.reshaped,
    ("expand",): "kept", ("expand_as",): "kept", ("broadcast_to",): "kept",
    ("permute",): positions.permuted,
    ("transpose", "swapaxes", "swapdims", "mT", "mH", "adjoint"): positions.transposed,
    ("T", "H", "t"): positions.turned,
    ("movedim", "moveaxis"): positions.moved,
    ("diagonal",): "mixed"}

for _names, _positions in VIEWS.items():
    operator(*_names, rule=None, kind="reshape", keeps=(), shape=other_shape, work=moved,
             positions=_positions)

# Views where memory and numbers are as they are wanted, else copies.
for _names in (("contiguous",), ("to", "type", "type_as", "float", "half", "bfloat16", "double",
                                 "bool", "byte", "char", "short", "int", "long")):
    operator(*_names, rule=None, kind="reshape", keeps=(), shape=same_shape, positions="kept",
             work=said(Text("None: numbers are moved, or written in another form.")))

operator("detach", rule=None, kind="reshape", keeps=(), shape=same_shape, work=moved,
         positions="kept")


def clone(input: HasShape, *, memory_format: Any = None) -> Effect:
    return Effect(tuple(input.shape))


operator("clone", rule=clone, kind="reshape", keeps=(), shape=same_shape, work=moved,
         positions="kept")


part = said(Text("A part of the input is kept."))
parted = said(Text("The input is cut into parts along one side; this is the shape of the first."))

# What gives several parts, and what gives one.
PARTS: dict[str, tuple[Explanation, Positions]] = {
    **dict.fromkeys(("chunk", "split", "tensor_split", "hsplit", "vsplit", "dsplit"),
                    (parted, positions.whole)),
    "narrow": (part, positions.whole),
    "unbind": (parted, positions.dropped), "select": (part, positions.dropped)}

for _name, (_words, _positions) in PARTS.items():
    operator(_name, rule=None, kind="reshape", keeps=(), shape=_words, work=moved,
             positions=_positions)


def getitem(input: HasShape, index: Any) -> Effect:
    """A view; a step along height or width moves the positions apart. What is picked by a tensor or
    a list of places is a copy."""
    parts = index if isinstance(index, tuple) else (index,)
    picks = any(hasattr(part, "shape") or isinstance(part, list) for part in parts)
    if picks:
        index = tuple([part.meta() if hasattr(part, "meta") else part for part in parts])
    shape = tuple(torch.empty(tuple(input.shape), device="meta")[index].shape)
    window = None
    if len(shape) == 4 and isinstance(index, tuple) and len(index) == 4 \
            and all(isinstance(part, slice) for part in index):
        starts, _, steps = zip(*(part.indices(size) for part, size in
                                 zip(index[2:], input.shape[2:], strict=True)), strict=True)
        window = Window((1, 1), steps, tuple([-start for start in starts]))
    return Effect(shape, window=window, allocates=picks)


def kept_part(case: Case) -> Words:
    window = case.call.effect.window
    if window is None or max(window.stride) == 1:
        return part(case)
    equations = kept_steps(case)
    sizes = {name: equation.value for equation in equations for name in equation.names}
    if tuple(sizes.values()) != case.output[2:]:    # it ends before the input does
        return Words(notes=(say("Every s-th row and column of a part of the input is kept."),))
    return Words(equations, (say("Every s-th row and column is kept."),))


def indexed(call: Call, axes: Axes) -> Axes | None:
    """A window tells of an image; of others the sides that stay as long as they were."""
    return axes if call.effect.window is not None else positions.indexed(call, axes)


operator("getitem", rule=getitem, kind="reshape", keeps=(), shape=kept_part, work=moved,
         positions=indexed)


def pad(input: HasShape, pad: Sequence[int], *_: Any, **__: Any) -> Effect:
    shape = list(input.shape)
    before = [0] * len(shape)
    for i in range(len(pad) // 2):
        before[-1 - i] = pad[2 * i]
        shape[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    window = Window((1, 1), padding=(before[-2], before[-1])) if len(shape) == 4 else None
    return Effect(tuple(shape), window=window)


def padded(case: Case) -> Words:
    equations = [Equation((side_name(out),), side + Number(after - before))
                 for side, out, before, after in
                 zip(case.inputs, case.outputs, case.input, case.output, strict=True)
                 if before != after]
    return Words(tuple(equations), (say("Zeros are added at the edges."),))


operator("pad", rule=pad, kind="reshape", keeps=(), shape=padded, work=moved, positions="kept")
