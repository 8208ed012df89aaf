"""What fills tensors: with constants, of which the shape alone comes from an input, and with parts
of other tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from explorer.language import Text
from explorer.tracing.operators.explanation import moved, said, same_shape
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    Operand,
    ShapeError,
    operator,
)

filled = said(Text("None: numbers are written, none is computed."))


def like(input: HasShape, *_: Any, dtype: torch.dtype | None = None, **__: Any) -> Effect:
    return Effect(tuple(input.shape), dtype=dtype)


for _name in ("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"):
    operator(_name, rule=like, kind="reshape", keeps=(), shape=same_shape, work=filled,
             reads=False)


def new(input: HasShape, *size: Any, dtype: torch.dtype | None = None, **kwargs: Any) -> Effect:
    """`x.new_zeros(2, 3)`, or with the sides in one tuple."""
    sides = kwargs.get("size", size)
    return Effect(_shape(sides), dtype=dtype)


def new_full(input: HasShape, size: Sequence[int], fill_value: Any, *,
             dtype: torch.dtype | None = None, **_: Any) -> Effect:
    return Effect(tuple(size), dtype=dtype)


def _shape(sides: Any) -> tuple[int, ...]:
    return tuple(sides[0]) if len(sides) == 1 and isinstance(sides[0], (tuple, list)) \
        else tuple(sides)


given = said(Text("The shape that it was called with."))

for _name in ("new_zeros", "new_ones", "new_empty"):
    operator(_name, rule=new, kind="reshape", keeps=(), shape=given, work=filled,
             reads=False)
operator("new_full", rule=new_full, kind="reshape", keeps=(), shape=given, work=filled,
         reads=False)


def fill(input: HasShape, value: Any = 0) -> Effect:
    return Effect(tuple(input.shape))


operator("fill", "zero", rule=fill, kind="reshape", keeps=(), shape=same_shape, work=filled,
         reads=False)


def copy(input: HasShape, other: HasShape, non_blocking: bool = False) -> Effect:
    return Effect(tuple(input.shape))


operator("copy", rule=copy, kind="merge", keeps=(), work=moved, positions="kept",
         shape=said(Text("That of the first input, into which the other is copied.")))


def setitem(input: HasShape, index: Any, value: Any) -> Effect:
    """`x[index] = value`, in the memory of `x`."""
    return Effect(tuple(input.shape), allocates=False)


def written(call: Call, axes: Axes) -> Axes | None:
    """A number has no position; a tensor keeps its own where it is as long along every side."""
    value = call.args[2]
    if not isinstance(value, Operand) or not value.shape:
        return axes
    before, after = value.shape, call.effect.shape
    return axes if len(before) == len(after) and all(
        before[axis] == after[axis] for axis in axes) else None


operator("setitem", rule=setitem, kind="merge", keeps=(), work=moved, positions=written,
         shape=said(Text("That of the first input, into a part of which numbers are written.")))


def one_hot(tensor: HasShape, num_classes: int = -1) -> Effect:
    if num_classes < 0:
        raise ShapeError(Text(
            "needs the values of its tensor to know how many classes there are"))
    return Effect((*tensor.shape, num_classes), dtype=torch.int64)


operator("one_hot", rule=one_hot, kind="reshape", keeps=(), work=filled,
         shape=said(Text("That of the input with a side for the classes; 1 stands at the place "
                         "that each number names.")))
