"""Poolings: over a window that slides, and over one that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer import text
from explorer.formula import Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators.convolution import slid
from explorer.tracing.operators.explanation import (
    SIDES,
    Case,
    Words,
    by_axis,
    counted,
    side_name,
    window_size,
)
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Kept,
    Rule,
    ShapeError,
    Window,
    each_side,
    feature_map,
    index_bytes,
    operator,
    slide,
)


def max_pool(sides: int) -> Rule:
    def rule(input: HasShape, kernel_size: int | Sequence[int],
             stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
             dilation: int | Sequence[int] = 1, ceil_mode: bool = False, **_: Any) -> Effect:
        before, area = feature_map(input, sides)
        window = Window(each_side(kernel_size, sides), each_side(stride or kernel_size, sides),
                        each_side(padding, sides), each_side(dilation, sides))
        out = (*before, *slide(area, window, ceil_mode=ceil_mode))
        return Effect(out, elementwise_ops=math.prod(out) * math.prod(window.kernel),
                      window=window)
    return rule


def avg_pool(sides: int) -> Rule:
    pool = max_pool(sides)

    def rule(input: HasShape, kernel_size: int | Sequence[int],
             stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
             ceil_mode: bool = False, *_: Any, **__: Any) -> Effect:
        kernel, area = each_side(kernel_size, sides), input.shape[-sides:]
        if sides == 3 and any(k > size for k, size in zip(kernel, area, strict=True)):
            raise ShapeError(Text(
                "its {window} window does not fit into {input}, and PyTorch refuses that in 3-D",
                window=text.shape(kernel), input=text.shape(tuple(area))))
        return pool(input, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return rule


def with_indices(sides: int) -> Rule:
    """`return_indices`: where each maximum stood is an output too."""
    pool = max_pool(sides)

    def rule(input: HasShape, kernel_size: int | Sequence[int],
             stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
             dilation: int | Sequence[int] = 1, ceil_mode: bool = False, **_: Any) -> Effect:
        effect = pool(input, kernel_size, stride, padding, dilation, ceil_mode)
        return effect._replace(others=(effect.shape,))
    return rule


def slid_shape(case: Case) -> Words:
    note = say("Each channel is pooled on its own.")
    if not case.argument("ceil_mode"):
        return Words(slid(case), (note,))
    equations = slid(case, rounds_up=True)
    given = {name: equation.value for equation in equations for name in equation.names}
    if all(given.get(side_name(side), size) == size
           for side, size in zip(case.outputs, case.output, strict=True)):
        return Words(equations, (note,))
    return Words(notes=(note, say("Rounded up, without a last window that would begin outside of "
                                  "the input.")))


def slid_work(case: Case) -> Words:
    return counted("operations", product([*case.outputs, *window_size(case)]),
                   say("One for each number in each window."))


def adaptive_pool(sides: int) -> Rule:
    def rule(input: HasShape, output_size: int | Sequence[int | None],
             *_: Any, **__: Any) -> Effect:
        """Output i reads the inputs from floor(i · in / out) to ceil((i + 1) · in / out)."""
        before, area = feature_map(input, sides)
        wanted = (output_size,) * sides if isinstance(output_size, int) else \
            output_size if len(output_size) == sides else (output_size[0],) * sides
        sizes = [size if want is None else want for want, size in zip(wanted, area, strict=True)]
        kernel, total = [], 1
        for size, out in zip(area, sizes, strict=True):
            spans = _spans(size, out)
            kernel.append(max(spans))
            total *= sum(spans)
        stride = tuple([max(1, size // out) for size, out in zip(area, sizes, strict=True)])
        return Effect((*before, *sizes), elementwise_ops=math.prod(before) * total,
                      window=Window(tuple(kernel), stride, (0,) * sides, (1,) * sides, whole=True))
    return rule


def _spans(size: int, out: int) -> list[int]:
    """Inputs that each output reads along one side."""
    return [-(-(i + 1) * size // out) - i * size // out for i in range(out)]


def _areas(case: Case) -> list[tuple[int, int]]:
    """Input and output by side."""
    sides = len(window_size(case))
    return list(zip(case.input[-sides:], case.output[-sides:], strict=True))


def fitted_shape(case: Case) -> Words:
    areas = _areas(case)
    given = text.side(tuple([out for _, out in areas]))
    note = say("The output size {size} is given, whatever the input's is; the windows are made to "
               "fit.", size=given)
    window = case.call.effect.window
    assert window is not None
    outs, ins = case.outputs[-len(areas):], case.inputs[-len(areas):]
    if any(size % out for size, out in areas):
        one, other = side_name(ins[0]), side_name(outs[0])
        return Words(notes=(note, say(
            "Output i reads the inputs from floor(i·{side} / {out}) to ceil((i + 1)·{side} / "
            "{out}); the largest window is {window}." if len(areas) == 1 else
            "Output i reads the inputs from floor(i·{side} / {out}) to ceil((i + 1)·{side} / "
            "{out}), and so by width; the largest window is {window}.",
            side=one, out=other, window=text.side(window.kernel))))
    return Words(by_axis(lambda axis: ins[axis] / outs[axis],
                         tuple([case.window("k", axis).name for axis in range(len(areas))])),
                 (note,))


def fitted_work(case: Case) -> Words:
    areas = _areas(case)
    ins = case.inputs[-len(areas):]
    reads = [Symbol(f"u_{name[0]}" if len(areas) > 1 else "u", sum(_spans(size, out)))
             if size % out else side
             for side, name, (size, out) in
             zip(ins, SIDES[-len(areas):], areas, strict=True)]
    return counted("operations", product([*case.inputs[:-len(areas)], *reads]),
                   say("One for each number in each window."))


def unless_a_mean(call: Call) -> tuple[Kept, ...]:
    """Down to one position it is a mean, whose gradient needs shapes alone."""
    window = call.effect.window
    assert window is not None
    return () if set(call.output_shape[-len(window.kernel):]) == {1} else ("inputs",)


for _sides in (1, 2, 3):
    # Along one side PyTorch has a kernel of its own for evaluation, which notes no indices.
    operator(f"max_pool{_sides}d", rule=max_pool(_sides), kind="pooling",
             keeps=("inputs", index_bytes), shape=slid_shape, work=slid_work,
             workspace=index_bytes if _sides > 1 else None, positions="kept")
    operator(f"max_pool{_sides}d_with_indices", rule=with_indices(_sides), kind="pooling",
             keeps=("inputs", index_bytes), shape=slid_shape, work=slid_work, positions="kept")
    operator(f"avg_pool{_sides}d", rule=avg_pool(_sides), kind="pooling", keeps=("inputs",),
             shape=slid_shape, work=slid_work, positions="kept")
    operator(f"adaptive_max_pool{_sides}d", rule=adaptive_pool(_sides), kind="pooling",
             keeps=("inputs", index_bytes), shape=fitted_shape, work=fitted_work,
             workspace=index_bytes, positions="kept")
    operator(f"adaptive_avg_pool{_sides}d", rule=adaptive_pool(_sides), kind="pooling",
             keeps=unless_a_mean, shape=fitted_shape, work=fitted_work, positions="kept")
