"""Embeddings: a row of the weights for each id."""

from __future__ import annotations

from typing import Any

from explorer import text
from explorer.formula import Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.explanation import Case, Words, counted, said
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Kept,
    ShapeError,
    operator,
)


def embedding(input: HasShape, weight: HasShape, *_: Any, **__: Any) -> Effect:
    """The weights' dtype; the input is whole numbers."""
    if len(weight.shape) != 2:
        raise ShapeError(Text("its weights are a table (rows, features); got {shape}",
                              shape=tuple(weight.shape)))
    return Effect((*input.shape, weight.shape[1]), dtype=getattr(weight, "dtype", None))


def shape(case: Case) -> Words:
    rows, features = case.argument("weight").shape
    return Words(notes=(say("{features} features for each id: one of the {rows} rows of the "
                            "weights.", features=text.number(features), rows=text.number(rows)),))


def params(case: Case) -> Words:
    rows, features = case.argument("weight").shape
    return counted("params", product([
        Symbol("V", rows, say("rows of the table, one for each id")), Symbol("F", features)]),
        case.held)


def keeps(call: Call) -> tuple[Kept, ...]:
    """The ids; of a table that is computed only its shape."""
    return ("inputs",) if call.argument("weight").producer is None else ()


operator("embedding", rule=embedding, kind="linear", keeps=keeps, shape=shape, params=params,
         work=said(Text("None: rows are looked up, nothing is computed.")),
         positions=positions.appended)
