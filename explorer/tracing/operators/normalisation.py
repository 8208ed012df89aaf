"""Normalisations: BatchNorm and local response normalisation."""

from __future__ import annotations

import math
from typing import Any

from explorer.formula import Symbol, product
from explorer.tracing.operators.explanation import Case, Words, counted, same_shape
from explorer.tracing.operators.operator import Call, Effect, HasShape, operator

STATISTIC_BYTES = 4
"""BatchNorm's statistics are float32 in every precision."""


def batch_norm(input: HasShape, *_: Any, **__: Any) -> Effect:
    return Effect(tuple(input.shape), elementwise_ops=2 * math.prod(input.shape))


def statistics(call: Call, _: int) -> int:
    """Mean and inverse deviation of each channel."""
    return 2 * STATISTIC_BYTES * call.effect.shape[1]


def batch_norm_params(case: Case) -> Words:
    return counted("params", 2 * case.outputs[1], "A factor and a term for each channel. The "
                   "running mean and variance are no parameters: they are averages that training "
                   "keeps, not weights that it learns.")


def batch_norm_work(case: Case) -> Words:
    return counted("operations", 2 * product(case.outputs), "A product and a sum for each number: "
                   "mean, variance, factor and term of a channel are folded into one factor and "
                   "one term.")


operator("batch_norm", rule=batch_norm, kind="normalisation", keeps=("input", statistics),
         shape=same_shape, params=batch_norm_params, work=batch_norm_work,
         positions="kept")


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
                   "A square and a sum for each of n neighbouring channels, then scale, power and "
                   "quotient.")


operator("local_response_norm", rule=local_response_norm, kind="normalisation",
         keeps=("input", squares), shape=same_shape, work=local_response_norm_work,
         workspace=written_out, positions="kept")
