"""Convolutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from explorer.formula import Equation, Expression, Symbol, ceil, floor, product
from explorer.tracing.operators.explanation import Case, Words, by_axis, counted
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Kind,
    ShapeError,
    Window,
    image,
    operator,
    pair,
    slide,
)


def conv2d(input: HasShape, weight: HasShape, bias: HasShape | None = None,
           stride: int | Sequence[int] = 1, padding: int | str | Sequence[int] = 0,
           dilation: int | Sequence[int] = 1, groups: int = 1) -> Effect:
    """macs = N · C_out · H_out · W_out · (C_in / groups) · k_h · k_w"""
    shape = image(input)
    out_channels, per_group, *kernel = weight.shape
    if shape[1] != per_group * groups:
        raise ShapeError(f"expects {per_group * groups} channels; got {shape[1]}")
    dilation = pair(dilation)
    same = padding == "same"
    if isinstance(padding, str):
        # An odd sum of padding has its larger half behind.
        padding = [d * (k - 1) // 2 if same else 0 for d, k in zip(dilation, kernel, strict=True)]
    window = Window(pair(kernel), pair(stride), pair(padding), dilation)
    out = (shape[0], out_channels, *(shape[2:] if same else slide(shape, window)))
    elements = math.prod(out)
    return Effect(out, elements * per_group * math.prod(kernel),
                  0 if bias is None else elements, window, groups)


def kind(call: Call) -> Kind:
    depthwise = call.effect.groups == call.input_shapes[0][1] > 1
    return "depthwise convolution" if depthwise else "convolution"


def slid(case: Case, *, rounds_up: bool = False) -> tuple[Equation, ...]:
    """Height and width of what a window gives that slides over its input."""
    rounded: Callable[[Expression], Expression] = ceil if rounds_up else floor

    def size(axis: int) -> Expression:
        side, k, s, p, d = case.inputs[2 + axis], *(case.window(letter, axis) for letter in "kspd")
        return rounded((side + 2 * p - d * (k - 1) - 1) / s) + 1

    return by_axis(size, ("H_out", "W_out"))


def shape(case: Case) -> Words:
    note = f"{case.output[1]:,} channels: one for each filter."
    if case.argument("padding") == "same":
        return Words(notes=(note, "Padded so that height and width stay (“same”)."))
    return Words(slid(case), (note,))


def per_group(case: Case) -> Expression:
    """Input channels that one filter reads."""
    channels, groups = Symbol("C_in", case.input[1]), case.call.effect.groups
    return channels if groups == 1 else channels / Symbol("g", groups)


def weights(case: Case) -> list[Expression]:
    return [per_group(case), case.window("k", 0), case.window("k", 1)]


def has_bias(case: Case) -> bool:
    return case.argument("bias") is not None


def params(case: Case) -> Words:
    out, notes = case.outputs[1], [case.held]
    formula = product([out, *weights(case)])
    if bias := has_bias(case):
        notes.append("The last term is the bias, one number for each output channel.")
    if case.call.kind == "depthwise convolution":
        notes.append("Depthwise: as many groups as channels, so that each filter reads one "
                     "channel.")
    return counted("params", formula + out if bias else formula, *notes)


def macs(case: Case) -> Words:
    return counted("macs", product([*case.outputs, *weights(case)]),
                   "For each output one product with each weight of its filter. Floating-point "
                   "operations (FLOPs) are twice as many.")


def bias_work(case: Case) -> Words:
    if not has_bias(case):
        return Words(notes=("None, as there is no bias to add.",))
    return counted("operations", product(case.outputs), "The bias: one sum for each output.")


operator("conv2d", rule=conv2d, kind=kind, keeps=("input",), shape=shape, params=params, macs=macs,
         work=bias_work, positions="kept", mixes=True)
