"""Matrix products."""

from __future__ import annotations

import math

from explorer.formula import Symbol, product
from explorer.tracing.operators import positions
from explorer.tracing.operators.convolution import bias_work, has_bias
from explorer.tracing.operators.explanation import Case, Words, counted, said
from explorer.tracing.operators.operator import (
    Effect,
    HasShape,
    ShapeError,
    broadcast_shapes,
    operator,
)


def linear(input: HasShape, weight: HasShape, bias: HasShape | None = None) -> Effect:
    """macs = N · in · out"""
    out_features, in_features = weight.shape
    if input.shape[-1] != in_features:
        raise ShapeError(f"expects {in_features} features; got {input.shape[-1]}")
    out = (*input.shape[:-1], out_features)
    elements = math.prod(out)
    return Effect(out, elements * in_features, 0 if bias is None else elements)


def matmul(input: HasShape, other: HasShape) -> Effect:
    """macs = batch · rows · inner · columns"""
    a, b = input.shape, other.shape
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ShapeError(f"cannot multiply {tuple(a)} by {tuple(b)}")
    out = (*broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])
    return Effect(out, math.prod(out) * a[-1])


def features(case: Case) -> Words:
    return Words(notes=(f"{case.output[-1]:,} features, one for each row of the weights; the other "
                        "sides stay.",))


def linear_params(case: Case) -> Words:
    out = case.outputs[-1]
    weights = out * Symbol("F_in", case.input[-1])
    return counted("params", weights + out if has_bias(case) else weights, case.held)


def macs(case: Case) -> Words:
    inner = Symbol("F_in" if case.call.operator == "linear" else "K", case.input[-1])
    return counted("macs", product([*case.outputs, inner]),
                   "For each output one product with each input. Floating-point operations (FLOPs) "
                   "are twice as many.")


operator("linear", rule=linear, kind="linear", keeps=("input",), shape=features,
         params=linear_params, macs=macs, work=bias_work, positions=positions.along_last,
         mixes=True)

operator("matmul", rule=matmul, kind="linear", keeps=("factors",), macs=macs,
         shape=said("The rows of the first by the columns of the second."),
         work=said("None beside the products and their sums."))
