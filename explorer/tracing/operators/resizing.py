"""Interpolation: an image of another height and width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any, NamedTuple

from explorer import text
from explorer.formula import Symbol, product
from explorer.language import Text, say
from explorer.text import Rational
from explorer.tracing.operators.explanation import Case, Words, counted, moved, said
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Kept,
    ShapeError,
    Window,
    operator,
)

Side = tuple[int, Rational, Rational]
"""Inputs that one output reads along one side, its stride, and how far before the first one its
first window begins."""

REACH = {"nearest": 1, "nearest-exact": 1, "area": 1, "linear": 2, "bilinear": 2, "trilinear": 2,
         "bicubic": 4, "lanczos": 6}
"""Inputs that an output reads along one side, where the mode does not average."""


class _Mode(NamedTuple):
    name: str
    align_corners: bool
    antialias: bool


def interpolate(input: HasShape, size: Any = None, scale_factor: Any = None,
                mode: str = "nearest", align_corners: bool | None = None,
                recompute_scale_factor: bool | None = None, antialias: bool = False) -> Effect:
    shape = tuple(input.shape)
    spatial = shape[2:]
    if len(shape) < 3:
        raise ShapeError(Text("needs an image behind batch and channels; got {shape}",
                              shape=shape))
    if size is not None:
        wanted = _each(size, len(spatial))
    elif scale_factor is not None:
        scales = _each(scale_factor, len(spatial))
        wanted = tuple([math.floor(side * scale)
                        for side, scale in zip(spatial, scales, strict=True)])
    else:
        raise ShapeError(Text("needs `size` or `scale_factor`"))
    if min(wanted) < 1:
        raise ShapeError(Text("would have {sides} positions", sides=text.side(wanted)))
    how = _Mode(mode, bool(align_corners), antialias)
    given = [None] * len(spatial) if size is not None or recompute_scale_factor \
        or mode == "area" else scales
    kernel, stride, padding = zip(*[_side(before, after, scale, how) for before, after, scale in
                                    zip(spatial, wanted, given, strict=True)], strict=True)
    out = (*shape[:2], *wanted)
    numbers = math.prod(shape[:2])
    if mode == "area":
        operations = numbers * math.prod([sum(_spans(before, after)) for before, after in
                                          zip(spatial, wanted, strict=True)])
    else:
        operations = numbers * math.prod(wanted) * _weighing(kernel)
    return Effect(out, elementwise_ops=operations, window=Window(
        kernel, stride, padding, (1,) * len(spatial), whole=size is not None))


def _each(value: Any, rank: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * rank


@lru_cache(maxsize=512)
def _side(before: int, after: int, scale: float | None, how: _Mode) -> Side:
    """Output i lies at (i + 1/2) · step - 1/2 among the inputs, or at i · step where the corners
    are aligned."""
    step = Fraction(before, after) if scale is None else \
        1 / Fraction(scale).limit_denominator(1 << 20)
    reach = REACH[how.name]
    if before == 1:
        return 1, _plain(step), 0
    if how.name == "area":
        return max(_spans(before, after)), _plain(step), 0
    if how.align_corners and reach > 1:
        step = Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
    if how.antialias:
        half = Fraction(reach, 2) * max(step, Fraction(1))      # its window grows as it shrinks
        return math.ceil(2 * half), _plain(step), _plain(half - (1 + step) / 2)
    if how.name == "nearest" or (how.align_corners and reach > 1):
        first = Fraction(0)
    elif how.name == "nearest-exact":
        first = -step / 2
    else:
        first = (1 - step) / 2
    if step == 1:       # each output lies on an input
        return 1, 1, 0
    return reach, _plain(step), _plain(first + reach // 2 - (reach > 1))


def _plain(value: Fraction) -> Rational:
    return value if value.denominator != 1 else value.numerator


def _spans(size: int, out: int) -> list[int]:
    """Inputs that each output reads along one side of an average."""
    return [-(-(i + 1) * size // out) - i * size // out for i in range(out)]


def _weighing(kernel: Sequence[int]) -> int:
    """A product with each number of the window, and their sum."""
    return 2 * math.prod(kernel) - 1 if math.prod(kernel) > 1 else 0


OUTPUTS = {
    "nearest": Text("Each output is the nearest input."),
    "nearest-exact": Text("Each output is the nearest input."),
    "area": Text("Each output is the average of the inputs that it covers."),
    "bicubic": Text("Each output lies between inputs, on a cubic curve through four along each "
                    "side."),
    "lanczos": Text("Each output is a weighted sum of the inputs around it.")}
BETWEEN = Text("Each output lies between inputs, on a straight line through the two nearest along "
               "each side.")


def resized(case: Case) -> Words:
    how = OUTPUTS.get(case.argument("mode"), BETWEEN)
    scale = case.argument("scale_factor")
    if scale is None:
        return Words(notes=(say("The size {size} is given.", size=text.side(case.output[2:])), how))
    numbers = _each(scale, 1)
    times = reduce(lambda before, number: say("{others} and {last}", others=before, last=number),
                   [f"{number:g}" for number in numbers])
    return Words(notes=(say("The sides are {times} times as long."
                            if all([number % 1 == 0 for number in numbers]) else
                            "The sides are {times} times as long, rounded down.", times=times),
                        how))


def resizing(case: Case) -> Words:
    window = case.call.effect.window
    assert window is not None
    if case.argument("mode") == "area":
        reads = [Symbol(f"u_{number}", sum(_spans(before, after)),
                        say("positions read along a side, once for each output that reads them"))
                 for number, (before, after) in enumerate(
                     zip(case.input[2:], case.output[2:], strict=True), 1)]
        return counted("operations", product([*case.inputs[:2], *reads]),
                       say("One for each number that an average reads."))
    if math.prod(window.kernel) == 1:
        return moved(case)
    return counted("operations", product(case.outputs) * (
        2 * product([case.window("k", axis) for axis in range(len(window.kernel))]) - 1),
        say("For each output a product with each number that it reads, and one sum fewer."))


def of_an_average(call: Call) -> tuple[Kept, ...]:
    """As an adaptive pooling; the others' gradients need shapes alone."""
    if call.argument("mode") != "area" or set(call.output_shape[2:]) == {1}:
        return ()
    return ("inputs",)


def grid_sample(input: HasShape, grid: HasShape, mode: str | int = "bilinear",
                padding_mode: str | int = "zeros",
                align_corners: bool | None = None) -> Effect:
    """(N, C, sides) at the places (N, sides of the output, 2 or 3) of a grid."""
    shape = (*input.shape[:2], *grid.shape[1:-1])
    return Effect(shape, elementwise_ops=math.prod(shape) * _weighing(_neighbours(mode, grid)))


def _neighbours(mode: str | int, grid: HasShape) -> tuple[int, ...]:
    """Inputs that one output lies between, along each side; PyTorch's own function numbers the
    modes."""
    return ({"bilinear": 2, "nearest": 1, "bicubic": 4, 0: 2, 1: 1, 2: 4}[mode],) \
        * grid.shape[-1]


def sampling(case: Case) -> Words:
    grid = case.call.argument("grid")
    kernel = _neighbours(case.argument("mode"), grid)
    if math.prod(kernel) == 1:
        return moved(case)
    around = Symbol("n", math.prod(kernel), say("inputs around a place"))
    return counted("operations", (2 * around - 1) * product(case.outputs),
                   say("For each output a product with each of n numbers, and one sum fewer."))


operator("grid_sample", "grid_sampler", rule=grid_sample, kind="reshape", keeps=("inputs",),
         shape=said(Text("The batch and the channels of the input, and the sides of the grid.")),
         work=sampling)

operator("interpolate", "upsample", rule=interpolate, kind="reshape", keeps=of_an_average,
         shape=resized, work=resizing, positions="kept")
