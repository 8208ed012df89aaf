"""What works on each number alone: activations, and softmax beside them; and dropout."""

from __future__ import annotations

import math
from typing import Any

from explorer.formula import Equation, Number
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import (
    Case,
    Explanation,
    Words,
    counted,
    per_output,
    said,
    same_shape,
    side_name,
)
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Keeps,
    Kept,
    Rule,
    ShapeError,
    axis_of,
    operator,
    output_bytes,
)

INPUT: Keeps = ("inputs",)
OUTPUT: Keeps = ("output",)


def output_in_place(call: Call) -> tuple[Kept, ...]:
    """In place the output is enough: the gradient follows from it too."""
    return ("inputs",) if call.effect.allocates else ("output",)


def randomly(call: Call) -> tuple[Kept, ...]:
    """Beside them the factors, which are drawn in training."""
    return (*output_in_place(call), output_bytes)


def pointwise(operations: int) -> Rule:
    def rule(input: HasShape, *_: Any, **__: Any) -> Effect:
        return Effect(tuple(input.shape), elementwise_ops=operations * math.prod(input.shape))
    return rule


# Arithmetic operations for each number, what they are, and what training keeps.
ACTIVATIONS: dict[str, tuple[int, Text, Keeps]] = {
    "relu": (1, Text("For each number a comparison."), OUTPUT),
    "relu6": (2, Text("For each number two comparisons."), INPUT),
    "leaky_relu": (2, Text("For each number a comparison and a product."), output_in_place),
    "rrelu": (2, Text("For each number a comparison and a product."), randomly),
    "elu": (3, Text("For each number a comparison, an exponential and a difference."),
            output_in_place),
    "celu": (4, Text("For each number a comparison, a quotient, an exponential and a difference."),
             output_in_place),
    "selu": (4, Text("For each number a comparison, an exponential, a difference and a product."),
             output_in_place),
    "gelu": (5, Text("For each number its approximation by tanh."), INPUT),
    "sigmoid": (3, Text("For each number an exponential, a sum and a quotient."), OUTPUT),
    "log_sigmoid": (3, Text("For each number an exponential, a sum and a logarithm."),
                    ("inputs", output_bytes)),
    "tanh": (4, Text("For each number two exponentials' sum, difference and quotient."), OUTPUT),
    "silu": (4, Text("For each number the three of a sigmoid, and a product."), INPUT),
    "softplus": (3, Text("For each number an exponential, a sum and a logarithm."), INPUT),
    "mish": (8, Text("For each number the three of a softplus, the four of a tanh, and a product."),
             INPUT),
    "hardtanh": (2, Text("For each number two comparisons."), INPUT),
    "hardsigmoid": (4, Text("For each number a sum, two comparisons and a quotient."), INPUT),
    "hardswish": (5, Text("For each number a sum, two comparisons, a quotient and a product."),
                  INPUT),
    "hardshrink": (1, Text("For each number a comparison."), INPUT),
    "softshrink": (2, Text("For each number a comparison and a difference."), INPUT),
    "threshold": (1, Text("For each number a comparison."), INPUT),
    "softsign": (3, Text("For each number a change of sign, a sum and a quotient."),
                 ("inputs", output_bytes)),
    "tanhshrink": (5, Text("For each number the four of a tanh, and a difference."),
                   (output_bytes,)),
    "neg": (1, Text("For each number a change of sign."), ()),
    "abs": (1, Text("For each number a change of sign where it is negative."), INPUT),
    "sign": (1, Text("For each number a comparison."), ()),
    "exp": (1, Text("For each number an exponential."), OUTPUT),
    "exp2": (1, Text("For each number a power of 2."), OUTPUT),
    "expm1": (2, Text("For each number an exponential and a difference."), OUTPUT),
    "log": (1, Text("For each number a logarithm."), INPUT),
    "log2": (1, Text("For each number a logarithm."), INPUT),
    "log10": (1, Text("For each number a logarithm."), INPUT),
    "log1p": (2, Text("For each number a sum and a logarithm."), INPUT),
    "sqrt": (1, Text("For each number a root."), OUTPUT),
    "rsqrt": (2, Text("For each number a root and a quotient."), OUTPUT),
    "reciprocal": (1, Text("For each number a quotient."), OUTPUT),
    "square": (1, Text("For each number a product."), INPUT),
    "sin": (1, Text("For each number a sine."), INPUT),
    "cos": (1, Text("For each number a cosine."), INPUT),
    "tan": (1, Text("For each number a tangent."), OUTPUT),
    "atan": (1, Text("For each number an arctangent."), INPUT),
    "erf": (1, Text("For each number an error function."), INPUT),
    "floor": (1, Text("For each number a rounding."), ()),
    "ceil": (1, Text("For each number a rounding."), ()),
    "round": (1, Text("For each number a rounding."), ()),
    "trunc": (1, Text("For each number a rounding."), ()),
    "clamp": (2, Text("For each number two comparisons."), INPUT),
    "clamp_min": (1, Text("For each number a comparison."), INPUT),
    "clamp_max": (1, Text("For each number a comparison."), INPUT),
    "nan_to_num": (3, Text("For each number three comparisons."), INPUT),
}
IN_STEPS = ("rrelu", "log_sigmoid", "softsign", "tanhshrink")
"""What makes a tensor beside its output, in training or not."""
ALIASES = {"log_sigmoid": ("logsigmoid",), "neg": ("negative",), "abs": ("absolute",),
           "sign": ("sgn",), "clamp": ("clip",), "trunc": ("fix",), "atan": ("arctan",)}

for _name, (_operations, _what, _keeps) in ACTIVATIONS.items():
    operator(_name, *ALIASES.get(_name, ()), rule=pointwise(_operations), kind="activation",
             keeps=_keeps, shape=same_shape, positions="kept",
             workspace=output_bytes if _name in IN_STEPS else None,
             work=per_output(_operations, _what))


def along(operations: int) -> Rule:
    def rule(input: HasShape, dim: int | None = None, *_: Any, **__: Any) -> Effect:
        positions.axes_of(len(input.shape), dim)
        return Effect(tuple(input.shape), elementwise_ops=operations * math.prod(input.shape))
    return rule


# The same, of what makes the numbers along `dim` add up to 1.
SOFTMAXES = {
    "softmax": (5, Text("For each number the largest, a difference, an exponential, a sum and a "
                        "quotient.")),
    "softmin": (6, Text("For each number a change of sign, and then the five of a softmax: the "
                        "largest, a difference, an exponential, a sum and a quotient.")),
    "log_softmax": (5, Text("For each number the largest, a difference, an exponential, a sum and "
                            "a logarithm.")),
}

for _name, (_operations, _what) in SOFTMAXES.items():
    operator(_name, rule=along(_operations), kind="activation", keeps=OUTPUT, shape=same_shape,
             positions=positions.along_dim,
             workspace=output_bytes if _name == "softmin" else None,
             work=per_output(_operations, _what))


def prelu(input: HasShape, weight: HasShape) -> Effect:
    return Effect(tuple(input.shape), elementwise_ops=2 * math.prod(input.shape))


def slopes(case: Case) -> Words:
    if math.prod(case.parameters[0][1]) == 1:
        return counted("params", Number(1),
                       say("The slope below zero, one for all channels."))
    return counted("params", case.inputs[1],
                   say("The slope below zero, one for each channel."))


operator("prelu", rule=prelu, kind="activation", keeps=INPUT, shape=same_shape, params=slopes,
         positions="kept", work=per_output(2, Text("For each number a comparison and a product.")))


def glu(input: HasShape, dim: int = -1) -> Effect:
    """The first half times the sigmoid of the second."""
    shape = list(input.shape)
    dim = axis_of(dim, len(shape))
    if shape[dim] % 2:
        raise ShapeError(Text("needs an even number along dimension {dimension}; got {size}",
                              dimension=dim, size=shape[dim]))
    shape[dim] //= 2
    return Effect(tuple(shape), elementwise_ops=4 * math.prod(shape))


def halved(case: Case) -> Words:
    axis = case.argument("dim") % len(case.output)
    return Words((Equation((side_name(case.outputs[axis]),), case.inputs[axis] / Number(2)),),
                 (say("The input is cut in two halves, which are multiplied; the other sides "
                      "stay."),))


operator("glu", rule=glu, kind="activation", keeps=INPUT, shape=halved,
         positions=positions.along_dim, work=per_output(
             4, Text("For each number of the output the three of a sigmoid, and a product.")))


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


def dropout_work(each: Explanation) -> Explanation:
    def explain(case: Case) -> Words:
        if drops(case.call):
            return each(case)
        return Words(notes=(say("None: it drops nothing." if case.training else
                                "None: dropout acts in training only."),))
    return explain


DROPOUT_WORK = dropout_work(per_output(
    1, Text("In training each number is multiplied by 0 or by a factor.")))

operator("dropout", rule=dropout, kind="activation", keeps=(mask,), shape=same_shape,
         work=DROPOUT_WORK, workspace=mask, positions="kept")
operator("dropout2d", "dropout1d", "dropout3d", "feature_dropout", rule=dropout,
         kind="activation", keeps=(channel_mask,), shape=same_shape, work=DROPOUT_WORK,
         positions="kept")


def alpha_dropout(input: HasShape, p: float = 0.5, training: bool = False,
                  inplace: bool = False) -> Effect:
    """Evaluation passes its input through; training multiplies by a mask and adds another."""
    drops = training and p > 0
    return Effect(tuple(input.shape), elementwise_ops=2 * math.prod(input.shape) if drops else 0,
                  allocates=drops and not inplace)


def two_masks(call: Call, element_bytes: int) -> int:
    """Factors and terms."""
    return 2 * mask(call, element_bytes)


ALPHA_WORK = dropout_work(per_output(
    2, Text("In training each number is multiplied by 0 or by a factor, and a term is added to "
            "it.")))

operator("alpha_dropout", rule=alpha_dropout, kind="activation", keeps=(mask,), shape=same_shape,
         work=ALPHA_WORK, workspace=two_masks, positions="kept")
operator("feature_alpha_dropout", rule=alpha_dropout, kind="activation", keeps=(channel_mask,),
         shape=same_shape, work=ALPHA_WORK, positions="kept")
operator("bernoulli", rule=pointwise(0), kind="activation", keeps=(), shape=same_shape,
         work=said(Text("None: the numbers are drawn at random.")), reads=False)
