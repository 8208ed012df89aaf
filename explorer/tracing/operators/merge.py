"""What joins tensors: arithmetic on two of them, and concatenation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer.formula import Equation, Expression, Symbol, total
from explorer.tracing.operators.explanation import (
    Case,
    Words,
    broadcast,
    moved,
    per_output,
    side_name,
)
from explorer.tracing.operators.operator import (
    Effect,
    HasShape,
    ShapeError,
    broadcast_shapes,
    operator,
    output_bytes,
)


def binary(input: Any, other: Any, *_: Any, **__: Any) -> Effect:
    a, b = getattr(input, "shape", ()), getattr(other, "shape", ())
    shape = tuple(a) if a == b else broadcast_shapes(a, b)
    return Effect(shape, elementwise_ops=math.prod(shape))


one_each = per_output(1, "One for each number.")

operator("add", "radd", rule=binary, kind="merge", keeps=(), shape=broadcast, work=one_each)
operator("sub", "subtract", rule=binary, kind="merge", keeps=(), shape=broadcast, work=one_each)
operator("mul", "rmul", "multiply", rule=binary, kind="merge", keeps=("factors",),
         shape=broadcast, work=one_each)
operator("div", "truediv", "divide", "true_divide", rule=binary, kind="merge", keeps=("factors",),
         shape=broadcast, work=one_each)
# A number by a tensor: PyTorch makes the reciprocal, and keeps it before it is scaled.
operator("rdiv", "rtruediv", rule=binary, kind="merge", keeps=(output_bytes,), shape=broadcast,
         work=one_each)
operator("maximum", rule=binary, kind="merge", keeps=("input",), shape=broadcast, work=one_each)
operator("minimum", rule=binary, kind="merge", keeps=("input",), shape=broadcast, work=one_each)


def cat(tensors: Sequence[HasShape], dim: int = 0) -> Effect:
    first = tensors[0].shape
    axis = dim % len(first)
    for other in tensors[1:]:
        if other.shape[:axis] != first[:axis] or other.shape[axis + 1:] != first[axis + 1:]:
            raise ShapeError("cannot concatenate "
                             + ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
                             + f" along dimension {axis}")
    joined = sum(tensor.shape[axis] for tensor in tensors)
    return Effect((*first[:axis], joined, *first[axis + 1:]))


def joined(case: Case) -> Words:
    shapes = [operand.shape for operand in case.argument("tensors")]
    axis = case.argument("dim") % len(case.output)
    name = side_name(case.outputs[axis])
    letter = name.partition("_")[0]
    terms: list[Expression] = [Symbol(f"{letter}_{number}", shape[axis])
                               for number, shape in enumerate(shapes, 1)]
    return Words((Equation((name,), total(terms)),),
                 ("The inputs are joined; the other sides are the same in all of them.",))


operator("cat", "concat", "concatenate", rule=cat, kind="merge", keeps=(), shape=joined,
         work=moved)
