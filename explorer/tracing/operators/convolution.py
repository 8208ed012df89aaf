"""Convolutions, and transposed ones, along one, two or three sides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from explorer import text
from explorer.formula import Equation, Expression, Symbol, ceil, floor, product
from explorer.language import Text, say
from explorer.tracing.operators.explanation import (
    Case,
    Words,
    by_position,
    by_side,
    counted,
    window_size,
)
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Keeps,
    Kept,
    Kind,
    Rule,
    Shape,
    ShapeError,
    Window,
    each_side,
    feature_map,
    operator,
    slide,
)

SPOKEN = {1: Text("the length stays"), 2: Text("height and width stay"),
          3: Text("depth, height and width stay")}


def convolution(sides: int) -> Rule:
    def rule(input: HasShape, weight: HasShape, bias: HasShape | None = None,
             stride: int | Sequence[int] = 1, padding: int | str | Sequence[int] = 0,
             dilation: int | Sequence[int] = 1, groups: int = 1) -> Effect:
        """macs = N · C_out · H_out · W_out · (C_in / groups) · k_h · k_w"""
        (*batch, channels), area = feature_map(input, sides)
        out_channels, per_group, *kernel = weight.shape
        if channels != per_group * groups:
            raise ShapeError(Text("expects {expected} channels; got {channels}",
                                  expected=per_group * groups, channels=channels))
        dilation = each_side(dilation, sides)
        same = padding == "same"
        if isinstance(padding, str):
            # An odd sum of padding has its larger half behind.
            padding = [d * (k - 1) // 2 if same else 0
                       for d, k in zip(dilation, kernel, strict=True)]
        window = Window(tuple(kernel), each_side(stride, sides), each_side(padding, sides),
                        dilation)
        out = (*batch, out_channels, *(area if same else slide(area, window)))
        elements = math.prod(out)
        return Effect(out, elements * per_group * math.prod(kernel),
                      0 if bias is None else elements, window, groups)
    return rule


def transposed_convolution(sides: int) -> Rule:
    def rule(input: HasShape, weight: HasShape, bias: HasShape | None = None,
             stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0,
             output_padding: int | Sequence[int] = 0, groups: int = 1,
             dilation: int | Sequence[int] = 1) -> Effect:
        """macs = N · C_in · H_in · W_in · (C_out / groups) · k_h · k_w"""
        (*batch, channels), area = feature_map(input, sides)
        in_channels, per_group, *kernel = weight.shape
        if channels != in_channels:
            raise ShapeError(Text("expects {expected} channels; got {channels}",
                                  expected=in_channels, channels=channels))
        steps = [each_side(given, sides) for given in (stride, padding, dilation, output_padding)]
        spread = list(zip(kernel, *steps, strict=True))
        made = tuple([(size - 1) * s - 2 * p + d * (k - 1) + more + 1
                      for size, (k, s, p, d, more) in zip(area, spread, strict=True)])
        if min(made) < 1:
            raise ShapeError(Text("nothing is left of {sides} once the edges are cut off",
                                  sides=area))
        out = (*batch, per_group * groups, *made)
        read, step, before, apart = zip(*[_reads(k, s, p, d) for k, s, p, d, _ in spread],
                                        strict=True)
        return Effect(out, math.prod(input.shape) * per_group * math.prod(kernel),
                      0 if bias is None else math.prod(out), Window(read, step, before, apart),
                      groups)
    return rule


def _reads(kernel: int, stride: int, padding: int, dilation: int
           ) -> tuple[int, Fraction, int, int]:
    """Kernel, stride, padding and dilation of what one output reads along one side.

    Output o is made of the inputs i = (o + padding - dilation·j) / stride, for each weight j for
    which that is a whole number: every (stride / common)-th, with common = gcd(stride, dilation).
    """
    common = math.gcd(stride, dilation)
    starts = [(padding - dilation * j) // stride for j in range(kernel)
              if (padding - dilation * j) % stride == 0]
    # The first output may read nothing: then it stands where its first input would.
    first = starts[-1] if starts else -((dilation * (kernel - 1) - padding) // stride)
    return -(-kernel * common // stride), Fraction(1, stride), -first, dilation // common


def is_transposed(case: Case) -> bool:
    return case.call.operator.startswith("conv_transpose")


def _given(call: Call) -> Shape:
    """The shape of its input, which may be a constant."""
    operand = call.args[0] if call.args else call.argument("input")
    return operand.shape        # type: ignore[no-any-return]


def kind(call: Call) -> Kind:
    window = call.effect.window
    assert window is not None
    channels = _given(call)[-1 - len(window.kernel)]
    return "depthwise convolution" if call.effect.groups == channels > 1 else "convolution"


def copy_with_odd_padding(call: Call) -> tuple[Kept, ...]:
    """Its input; where "same" padding is longer behind, a copy that is padded."""
    return (padded_copy,) if padded_copy(call, 1) else ("inputs",)


def padded_copy(call: Call, element_bytes: int) -> int:
    window = call.effect.window
    assert window is not None
    if call.argument("padding") != "same":
        return 0
    odd = [d * (k - 1) % 2 for d, k in zip(window.dilation, window.kernel, strict=True)]
    shape = _given(call)
    padded = [size + more for size, more in zip(shape[-len(odd):], odd, strict=True)]
    return element_bytes * math.prod((*shape[:-len(odd)], *padded)) if any(odd) else 0


# Words

def slid(case: Case, *, rounds_up: bool = False) -> tuple[Equation, ...]:
    """The sides of what a window gives that slides over its input."""
    rounded: Callable[[Expression], Expression] = ceil if rounds_up else floor

    def size(axis: int, side: Expression) -> Expression:
        k, s, p, d = [case.window(letter, axis) for letter in "kspd"]
        return rounded((side + 2 * p - d * (k - 1) - 1) / s) + 1

    return by_position(case, size)


def shape(case: Case) -> Words:
    note = say("{channels} channels: one for each filter.", channels=_channels(case))
    if case.argument("padding") == "same":
        stays = SPOKEN[len(window_size(case))]
        return Words(notes=(note, say("Padded so that {stays} (“same”).", stays=stays)))
    return Words(slid(case), (note,))


def _channels(case: Case) -> str:
    return text.number(case.output[-1 - len(window_size(case))])


def spread(case: Case, name: str, letter: str) -> list[Symbol]:
    """An argument of a transposed convolution by side."""
    numbers = each_side(case.argument(name), len(window_size(case)))
    return [by_side(letter, numbers, axis) for axis in range(len(numbers))]


def filter_size(case: Case) -> list[Symbol]:
    """The sides of a transposed convolution's filters."""
    numbers = tuple(case.argument("weight").shape[2:])
    return [by_side("f", numbers, axis) for axis in range(len(numbers))]


def enlarged(case: Case) -> Words:
    filters, steps = filter_size(case), spread(case, "stride", "t")
    cut, apart = spread(case, "padding", "c"), spread(case, "dilation", "e")
    more = spread(case, "output_padding", "o")

    def size(axis: int, side: Expression) -> Expression:
        made = (side - 1) * steps[axis] + apart[axis] * (filters[axis] - 1) + 1 - 2 * cut[axis]
        return made + more[axis] if more[axis].number else made

    return Words(by_position(case, size), (
        say("{channels} channels. Each input is multiplied by a filter and spread over the "
            "outputs around its place, where what several inputs give is added up.",
            channels=_channels(case)),))


def per_group(case: Case) -> Expression:
    """Input channels that one filter reads; of a transposed one the outputs that it gives."""
    name = "C_out" if is_transposed(case) else "C_in"
    sides = len(window_size(case))
    channels = Symbol(name, (case.output if is_transposed(case) else case.input)[-1 - sides])
    groups = case.call.effect.groups
    return channels if groups == 1 else channels / Symbol("g", groups)


def weights(case: Case) -> list[Expression]:
    return [per_group(case), *(filter_size(case) if is_transposed(case) else window_size(case))]


def has_bias(case: Case) -> bool:
    return case.argument("bias") is not None


def params(case: Case) -> Words:
    place, notes = -1 - len(window_size(case)), [case.held]
    out = case.outputs[place]
    formula = product([case.inputs[place] if is_transposed(case) else out, *weights(case)])
    if bias := has_bias(case):
        notes.append(say("The last term is the bias, one number for each output channel."))
    if case.call.kind == "depthwise convolution":
        notes.append(say("Depthwise: as many groups as channels, so that each filter reads one "
                         "channel."))
    return counted("params", formula + out if bias else formula, *notes)


def macs(case: Case) -> Words:
    if is_transposed(case):
        return counted("macs", product([*case.inputs, *weights(case)]),
                       say("For each input one product with each weight of its filters; those "
                           "that fall on an edge that is cut off are counted too, as PyTorch does. "
                           "Floating-point operations (FLOPs) are twice as many."))
    return counted("macs", product([*case.outputs, *weights(case)]),
                   say("For each output one product with each weight of its filter. "
                       "Floating-point operations (FLOPs) are twice as many."))


def bias_work(case: Case) -> Words:
    if not has_bias(case):
        return Words(notes=(say("None, as there is no bias to add."),))
    return counted("operations", product(case.outputs),
                   say("The bias: one sum for each output."))


INPUT: Keeps = ("inputs",)

for _sides in (1, 2, 3):
    operator(f"conv{_sides}d", rule=convolution(_sides), kind=kind, keeps=copy_with_odd_padding,
             shape=shape, params=params, macs=macs, work=bias_work, positions="kept", mixes=True)
    operator(f"conv_transpose{_sides}d", rule=transposed_convolution(_sides), kind=kind,
             keeps=INPUT, shape=enlarged, params=params, macs=macs, work=bias_work,
             positions="kept", mixes=True)
