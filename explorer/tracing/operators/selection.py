"""What picks numbers, repeats them or puts them in another order, and computes none."""

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
    Words,
    counted,
    moved,
    said,
    same_shape,
)
from explorer.tracing.operators.operator import (
    Axes,
    Call,
    Effect,
    HasShape,
    ShapeError,
    axis_of,
    broadcast_shapes,
    index_bytes,
    operator,
)

# Repeated


def repeat(input: HasShape, *repeats: Any, **kwargs: Any) -> Effect:
    """`x.repeat(2, 1)`, or with the numbers in one tuple."""
    times = _numbers(kwargs.get("repeats", repeats))
    return Effect(tuple([size * number for size, number in
                         zip(_ones_before(input.shape, len(times)), times, strict=True)]))


def tile(input: HasShape, *dims: Any, **kwargs: Any) -> Effect:
    """Numbers that are left out in front are 1."""
    times = _numbers(kwargs.get("dims", dims))
    return repeat(input, *_ones_before(times, max(len(times), len(input.shape))))


def _numbers(given: Any) -> tuple[int, ...]:
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) \
        else tuple(given)


def _ones_before(numbers: Sequence[int], length: int) -> tuple[int, ...]:
    if length < len(numbers):
        raise ShapeError(Text("needs a number for each of {sides} sides; got {count}",
                              sides=len(numbers), count=length))
    return (1,) * (length - len(numbers)) + tuple(numbers)


def repeat_interleave(input: HasShape, repeats: int | HasShape, dim: int | None = None, *,
                      output_size: int | None = None) -> Effect:
    """Each row so many times, one after the other."""
    if not isinstance(repeats, int):
        if output_size is None:
            raise ShapeError(Text(
                "needs the values of a tensor to know how often each row is repeated"))
        repeats, size = 1, output_size
    else:
        size = repeats * (math.prod(input.shape) if dim is None else
                          input.shape[axis_of(dim, len(input.shape))])
    if dim is None:
        return Effect((size,))
    shape = list(input.shape)
    shape[dim] = size
    return Effect(tuple(shape))


for _name, _rule in (("repeat", repeat), ("tile", tile), ("repeat_interleave", repeat_interleave)):
    operator(_name, rule=_rule, kind="reshape", keeps=(), work=moved, positions=positions.as_long,
             shape=said(Text("The numbers of the input are repeated along some sides.")))


# In another order

def roll(input: HasShape, shifts: Any, dims: Any = None) -> Effect:
    positions.axes_of(len(input.shape), dims)
    return Effect(tuple(input.shape))


def along_dims(call: Call, axes: Axes) -> Axes | None:
    """Of what moves numbers along `dims`, all in one row where none is named."""
    dims = call.argument("dims")
    return None if dims is None else positions.unless(dims, axes, len(call.input_shapes[0]))


operator("roll", rule=roll, kind="reshape", keeps=(), shape=same_shape, work=moved,
         positions=along_dims)


def flip(input: HasShape, *dims: Any, **kwargs: Any) -> Effect:
    positions.axes_of(len(input.shape), _numbers(kwargs.get("dims", dims)))
    return Effect(tuple(input.shape))


def flipped(call: Call, axes: Axes) -> Axes | None:
    given = call.args[1:] or (call.kwargs["dims"],)
    return positions.unless(_numbers(given), axes, len(call.input_shapes[0]))


operator("flip", rule=flip, kind="reshape", keeps=(), shape=same_shape, work=moved,
         positions=flipped)


# Only some

def triangle(input: HasShape, diagonal: int = 0) -> Effect:
    if len(input.shape) < 2:
        raise ShapeError(Text("needs rows and columns; got {shape}", shape=tuple(input.shape)))
    return Effect(tuple(input.shape))


for _name in ("tril", "triu"):
    operator(_name, rule=triangle, kind="reshape", keeps=(), shape=same_shape, positions="kept",
             work=said(Text(
                 "None: the numbers on one side of the diagonal stay, the others are 0.")))


def index_select(input: HasShape, dim: int, index: HasShape) -> Effect:
    shape = list(input.shape)
    shape[axis_of(dim, len(shape))] = math.prod(index.shape)
    return Effect(tuple(shape))


operator("index_select", rule=index_select, kind="reshape", keeps=("index",), work=moved,
         shape=said(Text("As many rows as the index has numbers; the other sides stay.")),
         positions=positions.along_dim)


def gather(input: HasShape, dim: int, index: HasShape, *, sparse_grad: bool = False) -> Effect:
    rank = len(input.shape)
    axis = axis_of(dim, rank)
    if len(index.shape) != rank or any([
            picked > side for place, (picked, side) in
            enumerate(zip(index.shape, input.shape, strict=True)) if place != axis]):
        raise ShapeError(Text("cannot gather {index} of {input}", index=tuple(index.shape),
                              input=tuple(input.shape)))
    return Effect(tuple(index.shape))


operator("gather", rule=gather, kind="reshape", keeps=("inputs",), work=moved,
         shape=said(Text("That of the index: each of its numbers names one of the input.")),
         positions=positions.along_dim)


def take_along_dim(input: HasShape, indices: HasShape, dim: int | None = None) -> Effect:
    if dim is None:
        return Effect(tuple(indices.shape))
    axis = axis_of(dim, len(input.shape))
    one, other = list(input.shape), list(indices.shape)
    one[axis] = other[axis] = 1
    shape = list(broadcast_shapes(tuple(one), tuple(other)))
    shape[axis] = indices.shape[axis]
    return Effect(tuple(shape))


operator("take_along_dim", rule=take_along_dim, kind="reshape", keeps=("inputs", index_bytes),
         work=moved, workspace=index_bytes,
         shape=said(Text("That of the indices: each of them names a number of the input.")),
         positions=positions.along_dim)


def scatter(input: HasShape, dim: int, index: HasShape, src: Any = None, *, value: Any = None,
            reduce: str | None = None) -> Effect:
    return Effect(tuple(input.shape), elementwise_ops=math.prod(index.shape) if reduce else 0)


def scatter_add(input: HasShape, dim: int, index: HasShape, src: HasShape) -> Effect:
    return Effect(tuple(input.shape), elementwise_ops=math.prod(index.shape))


def one_for_each_index(case: Case) -> Words:
    if not case.call.effect.elementwise_ops:
        return moved(case)
    numbers = Symbol("I", case.call.effect.elementwise_ops, say("numbers of the index"))
    return counted("operations", numbers, say("One for each number that is put into the input."))


for _name, _rule in (("scatter", scatter), ("scatter_add", scatter_add)):
    operator(_name, rule=_rule, kind="merge", keeps=("index",), work=one_for_each_index,
             shape=said(Text(
                 "The shape of the first input, into which the other's numbers are put.")))


# By size

def sort(input: HasShape, dim: int = -1, descending: bool = False, stable: bool = False) -> Effect:
    axis_of(dim, len(input.shape))
    shape = tuple(input.shape)
    return Effect(shape, elementwise_ops=math.prod(shape), others=(shape,))


def argsort(input: HasShape, dim: int = -1, descending: bool = False,
            stable: bool = False) -> Effect:
    return sort(input, dim)._replace(dtype=torch.int64, others=None)


def topk(input: HasShape, k: int, dim: int = -1, largest: bool = True,
         sorted: bool = True) -> Effect:
    shape = list(input.shape)
    axis = axis_of(dim, len(shape))
    if k > (shape[axis] if shape else 1):
        raise ShapeError(Text("cannot take {count} of {numbers} numbers", count=k,
                              numbers=shape[axis] if shape else 1))
    if shape:
        shape[axis] = k
    return Effect(tuple(shape), elementwise_ops=math.prod(input.shape), others=(tuple(shape),))


def compared(case: Case) -> Words:
    return counted("operations", product(case.inputs), say(
        "Counted as one comparison for each number; how many it takes depends on their order."))


operator("sort", rule=sort, kind="reshape", keeps=(index_bytes,), shape=same_shape, work=compared,
         positions=positions.along_dim)
operator("argsort", rule=argsort, kind="reshape", keeps=(), shape=same_shape, work=compared,
         positions=positions.along_dim)
operator("topk", rule=topk, kind="reshape", keeps=(index_bytes,), work=compared,
         shape=said(Text("The k largest numbers of each row; the other sides stay.")),
         positions=positions.along_dim)
