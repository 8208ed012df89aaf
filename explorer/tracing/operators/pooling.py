"""Poolings: over a window that slides, and over one that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer import text
from explorer.formula import Symbol, product
from explorer.tracing.operators.convolution import slid
from explorer.tracing.operators.explanation import Case, Words, by_axis, counted
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Kept,
    Window,
    image,
    index_bytes,
    operator,
    pair,
    slide,
)


def max_pool2d(input: HasShape, kernel_size: int | Sequence[int],
               stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
               dilation: int | Sequence[int] = 1, ceil_mode: bool = False, **_: Any) -> Effect:
    shape = image(input)
    window = Window(pair(kernel_size), pair(stride or kernel_size), pair(padding), pair(dilation))
    out = (*shape[:2], *slide(shape, window, ceil_mode=ceil_mode))
    return Effect(out, elementwise_ops=math.prod(out) * math.prod(window.kernel), window=window)


def avg_pool2d(input: HasShape, kernel_size: int | Sequence[int],
               stride: int | Sequence[int] | None = None, padding: int | Sequence[int] = 0,
               ceil_mode: bool = False, *_: Any, **__: Any) -> Effect:
    return max_pool2d(input, kernel_size, stride, padding, ceil_mode=ceil_mode)


def slid_shape(case: Case) -> Words:
    window = case.call.effect.window
    assert window is not None
    note = "Each channel is pooled on its own."
    if not case.argument("ceil_mode"):
        return Words(slid(case), (note,))
    equations = slid(case, rounds_up=True)
    given = {name: equation.value for equation in equations for name in equation.names}
    if (given.get("H_out"), given.get("W_out")) == case.output[2:]:
        return Words(equations, (note,))
    return Words(notes=(note, "Rounded up, without a last window that would begin outside of the "
                        "input."))


def slid_work(case: Case) -> Words:
    return counted("operations", product([*case.outputs, case.window("k", 0),
                                          case.window("k", 1)]),
                   "One for each number in each window.")


operator("max_pool2d", rule=max_pool2d, kind="pooling", keeps=("input", index_bytes),
         shape=slid_shape, work=slid_work, workspace=index_bytes, positions="kept")
operator("avg_pool2d", rule=avg_pool2d, kind="pooling", keeps=("input",),
         shape=slid_shape, work=slid_work, positions="kept")


def adaptive_pool2d(input: HasShape, output_size: int | Sequence[int | None],
                    *_: Any, **__: Any) -> Effect:
    """Output i reads the inputs from floor(i · in / out) to ceil((i + 1) · in / out)."""
    shape = image(input)
    wanted = (output_size, output_size) if isinstance(output_size, int) else output_size
    sizes = [size if want is None else want
             for want, size in zip(wanted, shape[2:], strict=True)]
    kernel, total = [], 1
    for size, out in zip(shape[2:], sizes, strict=True):
        spans = _spans(size, out)
        kernel.append(max(spans))
        total *= sum(spans)
    stride = tuple(max(1, size // out) for size, out in zip(shape[2:], sizes, strict=True))
    return Effect((*shape[:2], *sizes), elementwise_ops=shape[0] * shape[1] * total,
                  window=Window(pair(kernel), pair(stride), whole=True))


def _spans(size: int, out: int) -> list[int]:
    """Inputs that each output reads along one side."""
    return [-(-(i + 1) * size // out) - i * size // out for i in range(out)]


def _divides(case: Case, axis: int) -> bool:
    return case.input[2 + axis] % case.output[2 + axis] == 0


def fitted_shape(case: Case) -> Words:
    height, width = case.output[2:]
    note = (f"The output size {text.side((height, width))} is given, whatever the input's is; the "
            "windows are made to fit.")
    window = case.call.effect.window
    assert window is not None
    if not all(_divides(case, axis) for axis in (0, 1)):
        return Words(notes=(note, "Output i reads the inputs from floor(i·H_in / H_out) to "
                            "ceil((i + 1)·H_in / H_out), and so by width; the largest window is "
                            f"{text.side(window.kernel)}."))
    return Words(by_axis(lambda axis: case.inputs[2 + axis] / case.outputs[2 + axis],
                         (case.window("k", 0).name, case.window("k", 1).name)), (note,))


def fitted_work(case: Case) -> Words:
    reads = [case.inputs[2 + axis] if _divides(case, axis) else
             Symbol(f"u_{'hw'[axis]}", sum(_spans(case.input[2 + axis], case.output[2 + axis])))
             for axis in (0, 1)]
    return counted("operations", product([*case.inputs[:2], *reads]),
                   "One for each number in each window.")


def unless_a_mean(call: Call) -> tuple[Kept, ...]:
    """Down to one position it is a mean, whose gradient needs shapes alone."""
    return () if call.output_shape[2:] == (1, 1) else ("input",)


operator("adaptive_max_pool2d", rule=adaptive_pool2d, kind="pooling",
         keeps=("input", index_bytes), shape=fitted_shape, work=fitted_work, workspace=index_bytes,
         positions="kept")
operator("adaptive_avg_pool2d", rule=adaptive_pool2d, kind="pooling", keeps=unless_a_mean,
         shape=fitted_shape, work=fitted_work, positions="kept")
