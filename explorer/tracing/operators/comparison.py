"""Comparisons and logic: what gives truth values, and no gradient."""

from __future__ import annotations

from typing import Any

import torch

from explorer.language import Text
from explorer.tracing.operators.activation import pointwise
from explorer.tracing.operators.explanation import broadcast, per_output, same_shape
from explorer.tracing.operators.merge import binary
from explorer.tracing.operators.operator import Effect, HasShape, operator


def compared(input: Any, other: Any, *_: Any, **__: Any) -> Effect:
    return binary(input, other)._replace(dtype=torch.bool)


COMPARISONS = (
    ("eq",), ("ne", "not_equal"), ("lt", "less"), ("le", "less_equal"), ("gt", "greater"),
    ("ge", "greater_equal"), ("logical_and",), ("logical_or",), ("logical_xor",))

for _names in COMPARISONS:
    operator(*_names, rule=compared, kind="merge", keeps=(), shape=broadcast, positions="kept",
             work=per_output(1, Text("One comparison for each number.")))

for _names in (("bitwise_and", "and"), ("bitwise_or", "or"), ("bitwise_xor", "xor")):
    operator(*_names, rule=binary, kind="merge", keeps=(), shape=broadcast, positions="kept",
             work=per_output(1, Text("One for each number.")))


def tested(input: HasShape, *_: Any, **__: Any) -> Effect:
    return pointwise(1)(input)._replace(dtype=torch.bool)


for _name in ("logical_not", "isnan", "isinf", "isfinite"):
    operator(_name, rule=tested, kind="activation", keeps=(), shape=same_shape, positions="kept",
             work=per_output(1, Text("One comparison for each number.")))

operator("bitwise_not", "invert", rule=pointwise(1), kind="activation", keeps=(),
         shape=same_shape, positions="kept", work=per_output(1, Text("One for each number.")))
