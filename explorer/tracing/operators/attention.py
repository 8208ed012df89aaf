"""Attention: every query looks at all keys, and takes of their values."""

from __future__ import annotations

import math

from explorer import text
from explorer.formula import Expression, Symbol, product
from explorer.language import Text, say
from explorer.tracing.operators.explanation import Case, Words, counted
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Kept,
    Shape,
    ShapeError,
    broadcast_shapes,
    operator,
)

SOFTMAX = 5
"""Operations of a score: the largest, a difference, an exponential, a sum and a quotient."""


def scaled_dot_product_attention(
        query: HasShape, key: HasShape, value: HasShape, attn_mask: HasShape | None = None,
        dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
        enable_gqa: bool = False) -> Effect:
    """macs = N · heads · L · S · (E + E_v)"""
    (*before, length, size), (*keyed, keys, key_size) = query.shape, key.shape
    (*valued, values, value_size) = value.shape
    if size != key_size:
        raise ShapeError(Text("the queries have {query} numbers each, the keys {key}", query=size,
                              key=key_size))
    if keys != values:
        raise ShapeError(Text("has {keys} keys and {values} values", keys=keys, values=values))
    if enable_gqa:
        batch = _grouped(before, keyed)
    else:
        batch = tuple(before) if before == keyed == valued else broadcast_shapes(
            broadcast_shapes(tuple(before), tuple(keyed)), tuple(valued))
    scores = math.prod(batch) * length * keys
    each = SOFTMAX + 1 + (attn_mask is not None or is_causal) + (dropout_p > 0)
    return Effect((*batch, length, value_size), scores * (size + value_size), scores * each)


def _grouped(query: list[int], key: list[int]) -> Shape:
    """Batch and heads, where several heads of the queries share one of the keys."""
    if not key or query[-1] % key[-1]:
        raise ShapeError(Text("cannot share the heads of {keys} among those of {queries}",
                              keys=tuple(key), queries=tuple(query)))
    return tuple(query)


def _shape(call: Call, name: str) -> Shape:
    shape: Shape = call.argument(name).shape
    return shape


def _scores(call: Call) -> int:
    """How many there are."""
    return math.prod(call.output_shape[:-1]) * _shape(call, "key")[-2]


def in_one_kernel(call: Call) -> bool:
    """Whether PyTorch on a CPU holds no scores: it goes over them in pieces."""
    query, value = _shape(call, "query"), _shape(call, "value")
    return len(query) == 4 and query[-1] == value[-1] and not call.argument("dropout_p")


def keeps(call: Call) -> tuple[Kept, ...]:
    """The one kernel computes the scores again for the backward pass."""
    return ("inputs", "output", sums) if in_one_kernel(call) else ("value", written_out)


def sums(call: Call, element_bytes: int) -> int:
    """The logarithm of each query's sum of exponentials."""
    return element_bytes * math.prod(call.output_shape[:-1])


def scaled_factors(call: Call) -> int:
    return math.prod(_shape(call, "query")) + math.prod(_shape(call, "key"))


def written_out(call: Call, element_bytes: int) -> int:
    """Queries and keys, each times the root of the scale, and the softmax; with dropout its mask
    and what it leaves."""
    held = 3 if call.argument("dropout_p") else 1
    return element_bytes * (scaled_factors(call) + _scores(call) * held)


def workspace(call: Call, element_bytes: int) -> int:
    """Written out, the scores stand beside their softmax."""
    if in_one_kernel(call):
        return sums(call, element_bytes)
    scores, query = _scores(call), math.prod(_shape(call, "query"))
    out = math.prod(call.output_shape)
    return element_bytes * max(query + scores, scaled_factors(call) + scores - out,
                               query + 2 * scores - out)


# Words

def numbers(case: Case) -> tuple[list[Expression], Symbol, Symbol, Symbol]:
    """Batch, heads and queries; then the keys, and the numbers of a query and of a value."""
    *batch, queries, _ = case.outputs
    return ([*batch, Symbol("L", queries.value, say("queries"))],
            Symbol("S", case.argument("key").shape[-2]),
            Symbol("E", case.argument("query").shape[-1]),
            Symbol("E_v", case.argument("value").shape[-1]))


def shape(case: Case) -> Words:
    query, key = case.argument("query").shape, case.argument("key").shape
    notes = [say("For each of the {queries} queries as many numbers as a value has.",
                 queries=text.number(query[-2]))]
    if case.argument("enable_gqa") and len(query) > 2 and query[-3] != key[-3]:
        notes.append(say("Groups of {heads} heads share their keys and values.",
                         heads=query[-3] // key[-3]))
    return Words(notes=tuple(notes))


def macs(case: Case) -> Words:
    outer, keys, size, value = numbers(case)
    notes = [say("Scores: each of the L queries by each of the S keys, E products. Then for each "
                 "query S values of E_v numbers are summed, each times its score."),
             say("Floating-point operations (FLOPs) are twice as many.")]
    if case.argument("is_causal"):
        notes.append(say("Each query looks at the keys up to its own place alone. The others are "
                         "counted too, as PyTorch does; a fast kernel leaves most of them out."))
    return counted("macs", product([*outer, keys, size + value]), *notes)


def work(case: Case) -> Words:
    outer, keys, *_ = numbers(case)
    parts = [say("the scale"), say("the softmax's five: the largest, a difference, an exponential, "
                                   "a sum and a quotient")]
    masked = case.argument("attn_mask") is not None or case.argument("is_causal")
    dropped = bool(case.argument("dropout_p"))
    parts += [say("the mask")] * masked + [say("dropout")] * dropped
    each = SOFTMAX + 1 + masked + dropped
    return counted("operations", product([Symbol("q", each, say("operations for each score")),
                                          *outer, keys]),
                   say("For each score {parts}.", parts=text.series(parts)))


operator("scaled_dot_product_attention", rule=scaled_dot_product_attention, kind="linear",
         keeps=keeps, shape=shape, macs=macs, work=work, workspace=workspace, layout="heads")
