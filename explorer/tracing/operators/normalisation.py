"""Normalisations: by the statistics of channels, groups and rows, and by those of neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer import text
from explorer.formula import Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import (
    Case,
    Words,
    counted,
    per_output,
    same_shape,
)
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    ShapeError,
    operator,
    output_bytes,
)
from explorer.tracing.operators.reduction import norm_operations

STATISTIC_BYTES = 4
"""BatchNorm's statistics are float32 in every precision."""


def batch_norm(input: HasShape, *_: Any, **__: Any) -> Effect:
    return Effect(tuple(input.shape), elementwise_ops=2 * math.prod(input.shape))


def statistics(call: Call, _: int) -> int:
    """Mean and inverse deviation of each channel."""
    return 2 * STATISTIC_BYTES * call.effect.shape[1]


def batch_norm_params(case: Case) -> Words:
    return counted("params", 2 * case.outputs[1], say(
        "A factor and a term for each channel. The running mean and variance are no parameters: "
        "they are averages that training keeps, not weights that it learns."))


def batch_norm_work(case: Case) -> Words:
    return counted("operations", 2 * product(case.outputs), say(
        "A product and a sum for each number: mean, variance, factor and term of a channel are "
        "folded into one factor and one term."))


operator("batch_norm", rule=batch_norm, kind="normalisation", keeps=("inputs", statistics),
         shape=same_shape, params=batch_norm_params, work=batch_norm_work,
         positions="kept", layout="channels")


def local_response_norm(input: HasShape, size: int, *_: Any, **__: Any) -> Effect:
    """A square and a sum over `size` channels, then scale, power and quotient."""
    return Effect(tuple(input.shape), elementwise_ops=(2 * size + 3) * math.prod(input.shape))


def squares(call: Call, element_bytes: int) -> int:
    """The padded squares, their mean, and the divisor."""
    batch, channels, *area = call.effect.shape
    size: int = call.argument("size")
    return element_bytes * batch * math.prod(area) * (3 * channels + size - 1)


def written_out(call: Call, element_bytes: int) -> int:
    """PyTorch writes it with ten operations; at its widest three tensors stand beside the input,
    one of which is counted as the output."""
    return 2 * element_bytes * math.prod(call.effect.shape)


def local_response_norm_work(case: Case) -> Words:
    return counted("operations",
                   (2 * Symbol("n", case.argument("size")) + 3) * product(case.outputs),
                   say("A number is divided by a power of what its neighbours have: a square and "
                       "a sum for each of n channels, then scale, power and quotient."))


operator("local_response_norm", rule=local_response_norm, kind="normalisation",
         keeps=("inputs", squares), shape=same_shape, work=local_response_norm_work,
         workspace=written_out, positions="kept")


def row_rule(input: HasShape, normalized_shape: Sequence[int]) -> tuple[int, int]:
    """Numbers, and rows that are normalised each on its own."""
    shape, sides = tuple(input.shape), tuple(normalized_shape)
    if shape[-len(sides):] != sides:
        raise ShapeError(Text("expects {sides} at the end of its input's shape; got {shape}",
                              sides=text.shape(sides), shape=text.shape(shape)))
    return math.prod(shape), math.prod(shape[:-len(sides)])


def layer_norm(input: HasShape, normalized_shape: Sequence[int], weight: HasShape | None = None,
               bias: HasShape | None = None, *_: Any, **__: Any) -> Effect:
    numbers, _rows = row_rule(input, normalized_shape)
    each = 5 + (weight is not None) + (bias is not None)
    return Effect(tuple(input.shape), elementwise_ops=each * numbers)


def rows(call: Call) -> int:
    return math.prod(call.effect.shape[:-len(call.argument("normalized_shape"))])


def row_statistics(call: Call, _: int) -> int:
    """Mean and inverse deviation of each row."""
    return 2 * STATISTIC_BYTES * rows(call)


def row_positions(call: Call, axes: Axes) -> Axes | None:
    """Mixed where a row goes over positions."""
    dims = range(-len(call.argument("normalized_shape")), 0)
    return positions.unless(dims, axes, len(call.effect.shape))


def layer_norm_work(case: Case) -> Words:
    then = [words for name, words in (("weight", say("a product with a factor")),
                                      ("bias", say("a sum with a term")))
            if case.argument(name) is not None]
    return per_output(5 + len(then), say(
        "For each number a sum for the mean, a square and a sum for the variance, and a difference "
        "and a product that normalise; then {more}." if then else
        "For each number a sum for the mean, a square and a sum for the variance, and a difference "
        "and a product that normalise.", more=text.enumeration(then) if then else ""))(case)


operator("layer_norm", rule=layer_norm, kind="normalisation", keeps=("inputs", row_statistics),
         shape=same_shape, work=layer_norm_work, workspace=row_statistics,
         positions=row_positions, layout="features")


def rms_norm(input: HasShape, normalized_shape: Sequence[int], weight: HasShape | None = None,
             eps: float | None = None) -> Effect:
    numbers, _rows = row_rule(input, normalized_shape)
    return Effect(tuple(input.shape), elementwise_ops=(3 + (weight is not None)) * numbers)


def of_a_root_mean_square(call: Call, element_bytes: int) -> int:
    """One number of each row, and what is normalised before it is multiplied by the factors."""
    return element_bytes * rows(call) + (
        output_bytes(call, element_bytes) if call.argument("weight") is not None else 0)


def mean_squares(call: Call, element_bytes: int) -> int:
    """Before and after a small number is added to them."""
    return max(2 * element_bytes * rows(call), of_a_root_mean_square(call, element_bytes))


def rms_norm_work(case: Case) -> Words:
    return per_output(3 + (case.argument("weight") is not None), say(
        "For each number a square and a sum for the mean square, and a product that normalises; "
        "then a product with a factor." if case.parameters else
        "For each number a square and a sum for the mean square, and a product that normalises.")
        )(case)


operator("rms_norm", rule=rms_norm, kind="normalisation", keeps=("inputs", of_a_root_mean_square),
         shape=same_shape, work=rms_norm_work, workspace=mean_squares,
         positions=row_positions, layout="features")


def group_norm(input: HasShape, num_groups: int, weight: HasShape | None = None,
               bias: HasShape | None = None, *_: Any, **__: Any) -> Effect:
    if len(input.shape) < 2 or input.shape[1] % num_groups:
        raise ShapeError(Text("cannot cut the channels of {shape} into {groups} groups",
                              shape=text.shape(tuple(input.shape)), groups=num_groups))
    return Effect(tuple(input.shape), elementwise_ops=5 * math.prod(input.shape))


def group_statistics(call: Call, _: int) -> int:
    """Mean and inverse deviation of each group of each image."""
    return 2 * STATISTIC_BYTES * call.effect.shape[0] * int(call.argument("num_groups"))


map_work = per_output(5, Text(
    "For each number a sum for the mean, a square and a sum for the variance, and then a product "
    "and a sum: mean, deviation, factor and term of a channel are folded into one factor and one "
    "term."))

operator("group_norm", rule=group_norm, kind="normalisation", keeps=("inputs", group_statistics),
         shape=same_shape, work=map_work, workspace=group_statistics,
         layout="channels")


def instance_norm(input: HasShape, running_mean: HasShape | None = None,
                  running_var: HasShape | None = None, weight: HasShape | None = None,
                  bias: HasShape | None = None, use_input_stats: bool = True, *_: Any,
                  **__: Any) -> Effect:
    """By the statistics of each map, or by averages as BatchNorm does."""
    return Effect(tuple(input.shape),
                  elementwise_ops=(5 if use_input_stats else 2) * math.prod(input.shape))


def map_statistics(call: Call, element_bytes: int) -> int:
    """Mean and inverse deviation of each map, and what is repeated for each image: the factors,
    and both averages."""
    repeated = (call.argument("weight") is not None) \
        + 2 * (call.argument("running_mean") is not None)
    return math.prod(call.effect.shape[:2]) * (2 * STATISTIC_BYTES + repeated * element_bytes)


def repeated(call: Call, element_bytes: int) -> int:
    """The same, and the terms."""
    terms = call.argument("bias") is not None
    return map_statistics(call, element_bytes) \
        + element_bytes * terms * math.prod(call.effect.shape[:2])


def instance_norm_work(case: Case) -> Words:
    return (map_work if case.argument("use_input_stats") else batch_norm_work)(case)


operator("instance_norm", rule=instance_norm, kind="normalisation",
         keeps=("inputs", map_statistics), shape=same_shape, work=instance_norm_work,
         workspace=repeated, layout="channels")


def normalize(input: HasShape, p: float = 2.0, dim: int | Sequence[int] = 1, *_: Any,
              **__: Any) -> Effect:
    positions.axes_of(len(input.shape), dim)
    return Effect(tuple(input.shape),
                  elementwise_ops=(1 + norm_operations(p)) * math.prod(input.shape))


def lengths(call: Call, element_bytes: int) -> int:
    """Of each row, before and after they are held above a small number."""
    shape = call.effect.shape
    axes = positions.axes_of(len(shape), call.argument("dim"))
    return 2 * element_bytes * math.prod([size for axis, size in enumerate(shape)
                                          if axis not in axes])


def length(call: Call, element_bytes: int) -> int:
    return lengths(call, element_bytes) // 2


def normalize_work(case: Case) -> Words:
    each = 1 + norm_operations(case.argument("p"))
    return per_output(each, say(
        "For each number a square, or its size, and a sum for the length of its row, and a "
        "quotient." if each == 3 else
        "For each number its size, a power and a sum for the length of its row, and a quotient.")
        )(case)


operator("normalize", rule=normalize, kind="normalisation", keeps=("inputs", lengths),
         shape=same_shape, work=normalize_work, workspace=length, positions=positions.along_dim)


def weight_norm(v: HasShape, g: HasShape, dim: int = 0) -> Effect:
    """Each filter of `v` has the length that `g` gives."""
    return Effect(tuple(v.shape), elementwise_ops=3 * math.prod(v.shape))


def filter_lengths(call: Call, element_bytes: int) -> int:
    return element_bytes * call.effect.shape[int(call.argument("dim"))]


operator("weight_norm", rule=weight_norm, kind="normalisation", keeps=("inputs", filter_lengths),
         shape=same_shape, workspace=filter_lengths,
         work=per_output(3, Text("For each number a square and a sum for the length of its "
                                 "filter, and a product.")))
