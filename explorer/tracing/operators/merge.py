"""What joins tensors: arithmetic on several of them, and concatenation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

from explorer.formula import Equation, Expression, Number, Symbol, total
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import (
    Case,
    Explanation,
    Words,
    broadcast,
    letter_of_inputs,
    moved,
    per_output,
    side_name,
)
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    Keeps,
    Kept,
    Kind,
    Operand,
    Shape,
    ShapeError,
    axis_of,
    broadcast_shapes,
    operator,
    output_bytes,
)


def binary(input: Any, other: Any, *_: Any, **__: Any) -> Effect:
    a, b = getattr(input, "shape", ()), getattr(other, "shape", ())
    shape = tuple(a) if a == b else broadcast_shapes(a, b)
    return Effect(shape, elementwise_ops=math.prod(shape))


FACTORS: Keeps = ("factors",)
INPUTS: Keeps = ("inputs",)


def of_a_quotient(call: Call) -> tuple[Kept, ...]:
    """Of a remainder: how often the divisor goes into it, where the divisor has a gradient."""
    other = call.argument("other")
    return ("inputs",) if isinstance(other, Operand) and other.producer is not None else ()


# Names and what training keeps.
ARITHMETIC: dict[tuple[str, ...], Keeps] = {
    ("add", "radd"): (),
    ("sub", "subtract"): (),
    ("mul", "rmul", "multiply"): FACTORS,
    ("div", "truediv", "divide", "true_divide"): FACTORS,
    # A number by a tensor: PyTorch makes the reciprocal, and keeps it before it is scaled.
    ("rdiv", "rtruediv"): (output_bytes,),
    ("floor_divide", "floordiv"): (),
    ("remainder", "mod", "fmod"): of_a_quotient,
    ("maximum",): INPUTS,
    ("minimum",): INPUTS,
    ("atan2", "arctan2"): INPUTS,
}

for _names, _keeps in ARITHMETIC.items():
    operator(*_names, rule=binary, kind="merge", keeps=_keeps, shape=broadcast, positions="kept",
             workspace=output_bytes if "rdiv" in _names else None,
             work=per_output(1, Text("One for each number.")))


def power(input: Any, exponent: Any, **_: Any) -> Effect:
    return binary(input, exponent)


def of_a_power(call: Call) -> tuple[Kept, ...]:
    """The output where the exponent has a gradient."""
    exponent = call.argument("exponent")
    return ("inputs", "output") if isinstance(exponent, Operand) else ("inputs",)


def power_kind(call: Call) -> Kind:
    return "merge" if len(call.input_shapes) > 1 else "activation"


operator("pow", rule=power, kind=power_kind, keeps=of_a_power, shape=broadcast, positions="kept",
         work=per_output(1, Text("For each number a power.")))


def broadcast_all(*operands: Any) -> Shape:
    """What tensors and numbers are repeated to, beside each other."""
    shapes = [tuple(operand.shape) for operand in operands if hasattr(operand, "shape")]
    return reduce(lambda one, other: one if one == other else broadcast_shapes(one, other), shapes)


def where(condition: HasShape, input: Any = None, other: Any = None) -> Effect:
    if input is None or other is None:
        raise ShapeError(Text("where without two inputs needs the values of a tensor"))
    return Effect(broadcast_all(condition, input, other))


operator("where", rule=where, kind="merge", keeps=("condition",), shape=broadcast, work=moved,
         positions="kept")


def masked_fill(input: HasShape, mask: HasShape, value: Any) -> Effect:
    return Effect(broadcast_all(input, mask))


operator("masked_fill", rule=masked_fill, kind="merge", keeps=("mask",), shape=broadcast,
         work=moved, positions="kept")


def lerp(input: HasShape, end: Any, weight: Any) -> Effect:
    """input + weight · (end - input)"""
    shape = broadcast_all(input, end, weight)
    return Effect(shape, elementwise_ops=3 * math.prod(shape))


def of_a_tensor_of_weights(call: Call) -> tuple[Kept, ...]:
    return ("inputs",) if isinstance(call.argument("weight"), Operand) else ()


operator("lerp", rule=lerp, kind="merge", keeps=of_a_tensor_of_weights, shape=broadcast,
         positions="kept",
         work=per_output(3, Text("For each number a difference, a product and a sum.")))


def addcmul(input: HasShape, tensor1: Any, tensor2: Any, *, value: float = 1) -> Effect:
    """input + value · tensor1 · tensor2"""
    shape = broadcast_all(input, tensor1, tensor2)
    return Effect(shape, elementwise_ops=(2 if value == 1 else 3) * math.prod(shape))


def added(plain: Text, scaled: Text) -> Explanation:
    def explain(case: Case) -> Words:
        return per_output(2, plain)(case) if case.argument("value") == 1 else \
            per_output(3, scaled)(case)
    return explain


for _name, *_what in (
        ("addcmul", Text("For each number a product and a sum."),
         Text("For each number a product, a product with a factor and a sum.")),
        ("addcdiv", Text("For each number a quotient and a sum."),
         Text("For each number a quotient, a product with a factor and a sum."))):
    operator(_name, rule=addcmul, kind="merge", keeps=("tensor1", "tensor2"), shape=broadcast,
             positions="kept", work=added(*_what))


def cat(tensors: Sequence[HasShape], dim: int = 0) -> Effect:
    first = tensors[0].shape
    axis = dim % len(first)
    for other in tensors[1:]:
        if other.shape[:axis] != first[:axis] or other.shape[axis + 1:] != first[axis + 1:]:
            raise ShapeError(Text(
                "cannot concatenate {shapes} along dimension {dimension}", dimension=axis,
                shapes=", ".join(str(tuple(tensor.shape)) for tensor in tensors)))
    joined = sum(tensor.shape[axis] for tensor in tensors)
    return Effect((*first[:axis], joined, *first[axis + 1:]))


def joined(case: Case) -> Words:
    shapes = [operand.shape for operand in case.argument("tensors")]
    axis = case.argument("dim") % len(case.output)
    name = side_name(case.outputs[axis])
    letter = letter_of_inputs(name)
    terms: list[Expression] = [Symbol(f"{letter}_{number}", shape[axis])
                               for number, shape in enumerate(shapes, 1)]
    return Words((Equation((name,), total(terms)),),
                 (say("The inputs are joined; the other sides are the same in all of them."),))


operator("cat", "concat", "concatenate", rule=cat, kind="merge", keeps=(), shape=joined,
         work=moved, positions=positions.along_dim)


def stack(tensors: Sequence[HasShape], dim: int = 0) -> Effect:
    first = tuple(tensors[0].shape)
    for other in tensors[1:]:
        if tuple(other.shape) != first:
            raise ShapeError(Text(
                "cannot stack {shapes}",
                shapes=", ".join(str(tuple(tensor.shape)) for tensor in tensors)))
    axis = axis_of(dim, len(first) + 1)
    return Effect((*first[:axis], len(tensors), *first[axis:]))


def stacked(case: Case) -> Words:
    axis = case.argument("dim") % len(case.output)
    return Words((Equation((side_name(case.outputs[axis]),),
                           Number(len(case.argument("tensors")))),),
                 (say("A side is added along which the inputs, all of one shape, are put."),))


def stacked_positions(call: Call, axes: Axes) -> Axes | None:
    """A side that is put behind others moves them forward."""
    rank = len(call.effect.shape)
    place = call.argument("dim") % rank - rank
    return tuple([axis if axis > place else axis - 1 for axis in axes])


operator("stack", rule=stack, kind="merge", keeps=(), shape=stacked, work=moved,
         positions=stacked_positions)
