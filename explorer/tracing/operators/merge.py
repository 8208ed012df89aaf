"""What joins tensors: arithmetic on two of them, and concatenation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer.formula import Equation, Expression, Symbol, total
from explorer.tracing.operators import positions
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
    Keeps,
    ShapeError,
    broadcast_shapes,
    operator,
    output_bytes,
)


def binary(input: Any, other: Any, *_: Any, **__: Any) -> Effect:
    a, b = getattr(input, "shape", ()), getattr(other, "shape", ())
    shape = tuple(a) if a == b else broadcast_shapes(a, b)
    return Effect(shape, elementwise_ops=math.prod(shape))


FACTORS: Keeps = ("factors",)
INPUTS: Keeps = ("input",)

# Names and what training keeps.
ARITHMETIC: dict[tuple[str, ...], Keeps] = {
    ("add", "radd"): (),
    ("sub", "subtract"): (),
    ("mul", "rmul", "multiply"): FACTORS,
    ("div", "truediv", "divide", "true_divide"): FACTORS,
    # A number by a tensor: PyTorch makes the reciprocal, and keeps it before it is scaled.
    ("rdiv", "rtruediv"): (output_bytes,),
    ("maximum",): INPUTS,
    ("minimum",): INPUTS,
}

for _names, _keeps in ARITHMETIC.items():
    operator(*_names, rule=binary, kind="merge", keeps=_keeps, shape=broadcast, positions="kept",
             work=per_output(1, "One for each number."))


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
         work=moved, positions=positions.along_dim)
