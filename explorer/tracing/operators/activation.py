"""What works on each number alone: activations, and softmax beside them; and dropout."""

from __future__ import annotations

import math
from typing import Any

from explorer.tracing.operators.explanation import Case, Words, per_output, same_shape
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Keeps,
    Kept,
    Rule,
    operator,
    output_bytes,
)

INPUT: Keeps = ("input",)
OUTPUT: Keeps = ("output",)


def output_in_place(call: Call) -> tuple[Kept, ...]:
    """In place the output is enough: the gradient follows from it too."""
    return ("input",) if call.effect.allocates else ("output",)


def pointwise(operations: int) -> Rule:
    def rule(input: HasShape, *_: Any, **__: Any) -> Effect:
        return Effect(tuple(input.shape), elementwise_ops=operations * math.prod(input.shape))
    return rule


# Arithmetic operations for each number, what they are, and what training keeps.
ACTIVATIONS: dict[str, tuple[int, str, Keeps]] = {
    "relu": (1, "a comparison", OUTPUT),
    "relu6": (2, "two comparisons", INPUT),
    "leaky_relu": (2, "a comparison and a product", output_in_place),
    "elu": (3, "a comparison, an exponential and a difference", output_in_place),
    "gelu": (5, "its approximation by tanh", INPUT),
    "sigmoid": (3, "an exponential, a sum and a quotient", OUTPUT),
    "tanh": (4, "two exponentials' sum, difference and quotient", OUTPUT),
    "silu": (4, "the three of a sigmoid, and a product", INPUT),
    "hardtanh": (2, "two comparisons", INPUT),
    "hardsigmoid": (4, "a sum, two comparisons and a quotient", INPUT),
    "hardswish": (5, "a sum, two comparisons, a quotient and a product", INPUT),
    "neg": (1, "a change of sign", ()),
    "abs": (1, "a change of sign where it is negative", INPUT),
    "exp": (1, "an exponential", OUTPUT),
    "sqrt": (1, "a root", OUTPUT),
    "pow": (1, "a power", INPUT),
    "clamp": (2, "two comparisons", INPUT),
    "softmax": (5, "the largest, a difference, an exponential, a sum and a quotient", OUTPUT),
    "log_softmax": (5, "the largest, a difference, an exponential, a sum and a logarithm", OUTPUT),
}
ALIASES = {"neg": ("negative",), "abs": ("absolute",)}

for _name, (_operations, _what, _keeps) in ACTIVATIONS.items():
    operator(_name, *ALIASES.get(_name, ()), rule=pointwise(_operations), kind="activation",
             keeps=_keeps, shape=same_shape, positions="kept",
             work=per_output(_operations, f"For each number {_what}."))


def dropout(input: HasShape, p: float = 0.5, training: bool = True,
            inplace: bool = False) -> Effect:
    """Evaluation passes its input through; training multiplies by a mask."""
    drops = training and p > 0
    return Effect(tuple(input.shape), elementwise_ops=math.prod(input.shape) if drops else 0,
                  allocates=drops and not inplace)


def drops(call: Call) -> bool:
    return bool(call.effect.elementwise_ops)


def mask(call: Call, element_bytes: int) -> int:
    """A number for each element; none where nothing is dropped."""
    return output_bytes(call, element_bytes) * drops(call)


def channel_mask(call: Call, element_bytes: int) -> int:
    """A number for each channel of an image."""
    return element_bytes * math.prod(call.effect.shape[:2]) * drops(call)


def dropout_work(case: Case) -> Words:
    if drops(case.call):
        return each(case)
    why = "it drops nothing" if case.training else "dropout acts in training only"
    return Words(notes=(f"None: {why}.",))


each = per_output(1, "In training each number is multiplied by 0 or by a factor.")

operator("dropout", rule=dropout, kind="activation", keeps=(mask,), shape=same_shape,
         work=dropout_work, positions="kept")
operator("dropout2d", "feature_dropout", rule=dropout, kind="activation", keeps=(channel_mask,),
         shape=same_shape, work=dropout_work)
