"""What moves numbers between positions and channels: patches as columns, pixel shuffling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from explorer import text
from explorer.formula import Equation, Expression, Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import (
    Case,
    Words,
    counted,
    moved,
    said,
    side_name,
)
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    ShapeError,
    Window,
    each_side,
    feature_map,
    operator,
    slide,
)


def unfold(input: HasShape, kernel_size: int | Sequence[int], dilation: int | Sequence[int] = 1,
           padding: int | Sequence[int] = 0, stride: int | Sequence[int] = 1) -> Effect:
    """(N, C, H, W) -> (N, C · k_h · k_w, windows)"""
    (*batch, channels), area = feature_map(input, 2)
    window = Window(each_side(kernel_size, 2), each_side(stride, 2), each_side(padding, 2),
                    each_side(dilation, 2))
    return Effect((*batch, channels * math.prod(window.kernel), math.prod(slide(area, window))))


def fold(input: HasShape, output_size: int | Sequence[int], kernel_size: int | Sequence[int],
         dilation: int | Sequence[int] = 1, padding: int | Sequence[int] = 0,
         stride: int | Sequence[int] = 1) -> Effect:
    """(N, C · k_h · k_w, windows) -> (N, C, H, W): where windows overlap they are summed."""
    if len(input.shape) not in (2, 3):
        raise ShapeError(Text("needs columns (N, C · k · k, windows); got {shape}",
                              shape=tuple(input.shape)))
    *batch, rows, columns = input.shape
    area = each_side(output_size, 2)
    window = Window(each_side(kernel_size, 2), each_side(stride, 2), each_side(padding, 2),
                    each_side(dilation, 2))
    windows, size = math.prod(slide(area, window)), math.prod(window.kernel)
    if rows % size:
        raise ShapeError(Text("cannot share {rows} rows among the {numbers} numbers of a window",
                              rows=rows, numbers=size))
    if columns != windows:
        raise ShapeError(Text("expects {expected} windows; got {windows}", expected=windows,
                              windows=columns))
    return Effect((*batch, rows // size, *area), elementwise_ops=math.prod(input.shape))


def unfold_view(input: HasShape, dimension: int, size: int, step: int) -> Effect:
    """The method `Tensor.unfold`: the windows along one side, in a side behind the others."""
    shape = list(input.shape)
    dimension %= len(shape) or 1
    if size > (shape[dimension] if shape else 1):
        raise ShapeError(Text("its window of {window} does not fit into {input}", window=size,
                              input=shape[dimension]))
    shape[dimension] = (shape[dimension] - size) // step + 1
    return Effect((*shape, size), allocates=False)


def unfolded_positions(call: Call, axes: Axes) -> Axes | None:
    kept = positions.unless(call.argument("dimension"), axes, len(call.input_shapes[0]))
    return kept and positions.appended(call, kept)


def pixel_shuffle(input: HasShape, upscale_factor: int) -> Effect:
    """(*, C · r², H, W) -> (*, C, H · r, W · r)"""
    *batch, channels, height, width = input.shape
    r = upscale_factor
    if channels % r ** 2:
        raise ShapeError(Text("cannot share {channels} channels among {side}×{side} positions",
                              channels=channels, side=r))
    step = Fraction(1, r)
    return Effect((*batch, channels // r ** 2, height * r, width * r),
                  window=Window((1, 1), (step, step)))


def pixel_unshuffle(input: HasShape, downscale_factor: int) -> Effect:
    """(*, C, H · r, W · r) -> (*, C · r², H, W)"""
    *batch, channels, height, width = input.shape
    r = downscale_factor
    if height % r or width % r:
        raise ShapeError(Text("cannot part {height}×{width} into squares of {side}",
                              height=height, width=width, side=r))
    return Effect((*batch, channels * r ** 2, height // r, width // r),
                  window=Window((r, r), (r, r)))


def channel_shuffle(input: HasShape, groups: int) -> Effect:
    channels = input.shape[1]
    if channels % groups:
        raise ShapeError(Text("cannot part {channels} channels into {groups} groups",
                              channels=channels, groups=groups))
    return Effect(tuple(input.shape))


# Words

def columns(case: Case) -> Words:
    kernel = math.prod(each_side(case.argument("kernel_size"), 2))
    channels = case.input[-3]
    return Words(notes=(say(
        "Each of the {windows} windows is a column of {channels}·{kernel} = {numbers} numbers: "
        "those that it reads of all channels.", windows=text.number(case.output[-1]),
        channels=text.number(channels), kernel=text.number(kernel),
        numbers=text.number(case.output[-2])),))


image_of_columns = said(Text(
    "The output size is given. Each column is a window, which is put at its place; where windows "
    "overlap their numbers are summed."))


def fold_work(case: Case) -> Words:
    return counted("operations", product(case.inputs),
                   say("One sum for each number of a window."))


def windows(case: Case) -> Words:
    size, step = case.argument("size"), case.argument("step")
    return Words(notes=(say(
        "Windows of {size}, {step} from one to the next, along one side; what a window holds "
        "stands in a side behind the others.", size=text.number(size), step=text.number(step)),))


def shuffled(case: Case) -> Words:
    up = case.call.operator == "pixel_shuffle"
    r = Symbol("r", case.argument("upscale_factor" if up else "downscale_factor"),
               say("positions by height and by width that channels are shared among"))

    def change(side: Expression, more: bool) -> Expression:
        return side * r if more else side / r

    channels, *area = case.inputs[-3:]
    out, *names = [side_name(side) for side in case.outputs[-3:]]
    same = case.input[-2] == case.input[-1]
    equations = [Equation((out,), channels / (r * r) if up else channels * r * r)]
    equations += [Equation(tuple(names), change(area[0], up))] if same else \
        [Equation((name,), change(side, up)) for name, side in zip(names, area, strict=True)]
    return Words(tuple(equations), (say(
        "The r·r channels of a position become r·r positions of a channel." if up else
        "The r·r positions of a square become r·r channels of a position."),))


def interleaved(case: Case) -> Words:
    groups, channels = case.argument("groups"), case.input[1]
    return Words(notes=(say(
        "The shape of the input. Its channels are {groups} groups of {channels}; now they stand "
        "in turn: the first of each group, then the second of each, and so on.",
        groups=text.number(groups), channels=text.number(channels // groups)),))


operator("unfold", rule=unfold, kind="reshape", keeps=(), shape=columns, work=moved)
operator("fold", rule=fold, kind="reshape", keeps=(), shape=image_of_columns, work=fold_work)
operator("unfold_view", rule=unfold_view, kind="reshape", keeps=(), shape=windows, work=moved,
         positions=unfolded_positions)
operator("pixel_shuffle", rule=pixel_shuffle, kind="reshape", keeps=(), shape=shuffled,
         work=moved, positions="kept", mixes=True)
operator("pixel_unshuffle", rule=pixel_unshuffle, kind="reshape", keeps=(), shape=shuffled,
         work=moved, positions="kept", mixes=True)
operator("channel_shuffle", rule=channel_shuffle, kind="reshape", keeps=(), shape=interleaved,
         work=moved, positions="kept")
