"""What makes one number of many: sums, means, extremes and deviations; and running sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from explorer.formula import Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import (
    Case,
    Explanation,
    Words,
    broadcast,
    counted,
    per_output,
    same_shape,
)
from explorer.tracing.operators.merge import binary
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    Keeps,
    Kept,
    Kind,
    Operand,
    Rule,
    Shape,
    ShapeError,
    Window,
    index_bytes,
    operator,
    output_bytes,
)

Dims = int | Sequence[int] | None


def left(input: HasShape, dim: Any, keepdim: bool | None) -> tuple[Shape, Window | None]:
    """The shape without the sides that are reduced, and the window of an image reduced whole."""
    shape = tuple(input.shape)
    rank = len(shape)
    axes = positions.axes_of(rank, dim)
    out = tuple([1 if axis in axes else size for axis, size in enumerate(shape)
                 if keepdim or axis not in axes])
    if rank in (4, 5) and axes == set(range(2, rank)):
        return out, Window(shape[2:], shape[2:], (0,) * (rank - 2), (1,) * (rank - 2), whole=True)
    return out, None


def over(operations: int, dtype: torch.dtype | None = None, *, outputs: int = 1) -> Rule:
    """So many operations for each number of the input; `dtype` where the output's is another."""
    given = dtype

    def rule(input: HasShape, dim: Dims = None, keepdim: bool = False, *_: Any, axis: Dims = None,
             keepdims: bool = False, dtype: torch.dtype | None = None, **__: Any) -> Effect:
        shape, window = left(input, axis if dim is None else dim, keepdim or keepdims)
        return Effect(shape, elementwise_ops=operations * math.prod(input.shape), window=window,
                      dtype=given or dtype,
                      others=(shape,) * (outputs - 1) or None)
    return rule


def correction(rule: Rule) -> Rule:
    """With `unbiased` in the place of `dim`, or behind it, as `var(dim, unbiased, keepdim)`."""
    def corrected(input: HasShape, dim: Any = None, unbiased: bool = True, keepdim: bool = False,
                  *, axis: Dims = None, keepdims: bool = False, **_: Any) -> Effect:
        return rule(input, None if isinstance(dim, bool) else dim, keepdim or keepdims, axis=axis)
    return corrected


def rows(what: Text) -> Explanation:
    """Why a reduction has its shape; `what` is made of each row of numbers."""
    def explain(case: Case) -> Words:
        if case.call.effect.window is not None:
            note = say("{what} over height and width; the other sides stay."
                       if len(case.input) == 4 else
                       "{what} over all positions; the other sides stay.", what=what)
        elif len(positions.reduced_axes(case.call)) == len(case.input):
            note = say("{what} over all numbers.", what=what)
        else:
            note = say("{what} over some sides, which stay as 1."
                       if len(case.output) == len(case.input) else
                       "{what} over some sides, which go; the others stay.", what=what)
        return Words(notes=(note,))
    return explain


def per_input(operations: int, note: Text) -> Explanation:
    def explain(case: Case) -> Words:
        numbers = product(case.inputs)
        return counted("operations", numbers if operations == 1 else
                       Symbol("q", operations) * numbers, note)
    return explain


BOTH: Keeps = ("inputs", "output")
ONE_SUM = (1, Text("One sum for each number."))
ONE_COMPARISON = (1, Text("One comparison for each number."))
ONE = (1, Text("One for each number."))
THREE = (3, Text("For each number a sum for the mean, a square and a sum for the variance."))

# What is made of each row; operations for each number, and what they are; what training keeps.
REDUCTIONS: dict[tuple[str, ...], tuple[Text, Rule, tuple[int, Text], Keeps]] = {
    ("mean",): (Text("The average"), over(1), ONE_SUM, ()),
    ("sum",): (Text("The sum"), over(1), ONE_SUM, ()),
    ("nansum",): (Text("The sum"), over(1), ONE_SUM, ("inputs",)),
    ("prod",): (Text("The product"), over(1), (1, Text("One product for each number.")), BOTH),
    ("amax",): (Text("The largest"), over(1), ONE_COMPARISON, BOTH),
    ("amin",): (Text("The smallest"), over(1), ONE_COMPARISON, BOTH),
    ("aminmax",): (Text("The smallest and the largest"), over(2, outputs=2),
                   (2, Text("Two comparisons for each number.")),
                   ("inputs", "output", output_bytes)),
    ("argmax",): (Text("The place of the largest"), over(1, torch.int64), ONE_COMPARISON, ()),
    ("argmin",): (Text("The place of the smallest"), over(1, torch.int64), ONE_COMPARISON, ()),
    ("any",): (Text("Whether any is true"), over(1, torch.bool), ONE, ()),
    ("all",): (Text("Whether all are true"), over(1, torch.bool), ONE, ()),
    ("count_nonzero",): (Text("How many are not zero"), over(2, torch.int64),
                         (2, Text("A comparison and a sum for each number.")), ()),
    ("logsumexp",): (Text("The logarithm of the sum of exponentials"), over(4),
                     (4, Text("For each number the largest, a difference, an exponential and a "
                              "sum.")), BOTH),
    ("var",): (Text("The variance"), correction(over(3)), THREE, ("inputs",)),
    ("std",): (Text("The standard deviation"), correction(over(3)), THREE, BOTH),
    ("var_mean",): (Text("The variance and the mean"), correction(over(3, outputs=2)), THREE,
                    ("inputs",)),
    ("std_mean",): (Text("The standard deviation and the mean"), correction(over(3, outputs=2)),
                    THREE, BOTH),
}

for _names, (_what, _rule, _operations, _keeps) in REDUCTIONS.items():
    operator(*_names, rule=_rule, kind="pooling", keeps=_keeps, shape=rows(_what),
             work=per_input(*_operations), positions=positions.reduced)


def norm_operations(p: Any) -> int:
    """For each number: p is 2 where none is given, and of a matrix its Frobenius norm."""
    return 2 if p in (None, "fro", 1, 2, math.inf, -math.inf) else 3


def norm(input: HasShape, p: Any = "fro", dim: Dims = None, keepdim: bool = False, *_: Any,
         axis: Dims = None, keepdims: bool = False, dtype: torch.dtype | None = None,
         **__: Any) -> Effect:
    if p == "nuc":
        raise ShapeError(Text("has a nuclear norm, which no rule is written for"))
    shape, window = left(input, axis if dim is None else dim, keepdim or keepdims)
    return Effect(shape, elementwise_ops=norm_operations(p) * math.prod(input.shape),
                  window=window, dtype=dtype)


def vector_norm(x: HasShape, ord: Any = 2, dim: Dims = None, keepdim: bool = False, *,
                axis: Dims = None, dtype: torch.dtype | None = None, **_: Any) -> Effect:
    return norm(x, ord, dim, keepdim, axis=axis, dtype=dtype)


def norm_work(name: str) -> Explanation:
    def explain(case: Case) -> Words:
        if norm_operations(case.argument(name)) == 3:
            return per_input(3, Text("For each number its size, a power and a sum."))(case)
        return per_input(2, Text("For each number a square, or its size, and a sum."))(case)
    return explain


operator("norm", rule=norm, kind="pooling", keeps=BOTH, shape=rows(Text("The length")),
         work=norm_work("p"), positions=positions.reduced)
operator("linalg_vector_norm", "vector_norm", rule=vector_norm, kind="pooling", keeps=BOTH,
         shape=rows(Text("The length")), work=norm_work("ord"), positions=positions.reduced)


def extreme(input: HasShape, dim: Any = None, keepdim: bool = False, *, other: Any = None,
            axis: Dims = None, keepdims: bool = False, **_: Any) -> Effect:
    """Of all numbers; of each row, with its place; of two tensors."""
    other = dim if hasattr(dim, "shape") else other
    if other is not None:
        return binary(input, other)
    dim = axis if dim is None else dim
    shape, window = left(input, dim, keepdim or keepdims)
    return Effect(shape, elementwise_ops=math.prod(input.shape), window=window,
                  others=None if dim is None else (shape,))


def of_two(call: Call) -> bool:
    return isinstance(call.argument("dim"), Operand) or call.argument("other") is not None


def of_an_extreme(call: Call) -> tuple[Kept, ...]:
    """The places alone, where they are given too."""
    if of_two(call):
        return ("inputs",)
    return ("inputs", "output") if call.effect.others is None else (index_bytes,)


def extreme_kind(call: Call) -> Kind:
    return "merge" if of_two(call) else "pooling"


def extreme_shape(what: Text) -> Explanation:
    def explain(case: Case) -> Words:
        return broadcast(case) if of_two(case.call) else rows(what)(case)
    return explain


def extreme_work(case: Case) -> Words:
    explain = per_output if of_two(case.call) else per_input
    return explain(*ONE_COMPARISON)(case)


def extreme_positions(call: Call, axes: Axes) -> Axes | None:
    return axes if of_two(call) else positions.reduced(call, axes)


for _name, _what in (("max", Text("The largest")), ("min", Text("The smallest"))):
    operator(_name, rule=extreme, kind=extreme_kind, keeps=of_an_extreme,
             shape=extreme_shape(_what), work=extreme_work, positions=extreme_positions)


def running(input: HasShape, dim: int | None = None, *_: Any, dtype: torch.dtype | None = None,
            **__: Any) -> Effect:
    positions.axes_of(len(input.shape), dim)
    return Effect(tuple(input.shape), elementwise_ops=math.prod(input.shape),
                  dtype=dtype)


operator("cumsum", rule=running, kind="pooling", keeps=(), shape=same_shape,
         work=per_output(1, Text("For each number a sum with those before it.")),
         positions=positions.along_dim)
operator("cumprod", rule=running, kind="pooling", keeps=BOTH, shape=same_shape,
         work=per_output(1, Text("For each number a product with those before it.")),
         positions=positions.along_dim)
