"""Matrix products: linear layers, products of two tensors, and what is added to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from explorer import text
from explorer.formula import Expression, Symbol, product, total
from explorer.language import Text, say
from explorer.tracing.operators import positions
from explorer.tracing.operators.convolution import bias_work, has_bias
from explorer.tracing.operators.explanation import (
    Case,
    Explanation,
    Words,
    counted,
    per_output,
    said,
)
from explorer.tracing.operators.operator import (
    Call,
    Effect,
    HasShape,
    Keeps,
    Kept,
    Operand,
    Rule,
    Shape,
    ShapeError,
    broadcast_shapes,
    operator,
)


def linear(input: HasShape, weight: HasShape, bias: HasShape | None = None) -> Effect:
    """macs = N · in · out"""
    shape = weight.shape
    if len(shape) > 2:
        raise ShapeError(Text("its weights are a matrix (out, in); got {shape}",
                              shape=tuple(shape)))
    if input.shape[-1] != shape[-1]:
        raise ShapeError(Text("expects {expected} features; got {features}", expected=shape[-1],
                              features=input.shape[-1]))
    if len(shape) == 1:     # a single output, without a side for it
        return matmul(input, weight)
    out = (*input.shape[:-1], shape[0])
    elements = math.prod(out)
    return Effect(out, elements * shape[1], 0 if bias is None else elements)


def matmul(input: HasShape, other: HasShape) -> Effect:
    """macs = batch · rows · inner · columns

    By one vector PyTorch has an operation of its own, which its counter counts as none.
    """
    a, b = tuple(input.shape), tuple(other.shape)
    if not a or not b or a[-1] != (b[-2] if len(b) > 1 else b[0]):
        raise ShapeError(Text("cannot multiply {one} by {other}", one=a, other=b))
    before, behind = a[:-2], b[:-2]
    batch = before if before == behind else broadcast_shapes(before, behind)
    out = (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))
    products = math.prod(out) * a[-1]
    by_vector = len(b) == 1 or (a == (1,) and len(b) > 2)
    return Effect(out, elementwise_ops=2 * products) if by_vector else Effect(out, products)


def mm(input: HasShape, mat2: HasShape) -> Effect:
    return _of_rank((2, 2), input, mat2)


def bmm(input: HasShape, mat2: HasShape) -> Effect:
    return _of_rank((3, 3), input, mat2)


def _of_rank(ranks: tuple[int, int], one: HasShape, other: HasShape) -> Effect:
    """Of tensors of so many sides, whose batches are the same."""
    if (len(one.shape), len(other.shape)) != ranks or one.shape[:-2] != other.shape[:-2]:
        raise ShapeError(Text("cannot multiply {one} by {other}", one=tuple(one.shape),
                              other=tuple(other.shape)))
    return matmul(one, other)


def mv(input: HasShape, vec: HasShape) -> Effect:
    return _of_rank((2, 1), input, vec)


def dot(input: HasShape, tensor: HasShape) -> Effect:
    return _of_rank((1, 1), input, tensor)


def addmm(input: HasShape, mat1: HasShape, mat2: HasShape, *, beta: float = 1,
          alpha: float = 1) -> Effect:
    return _added(mm(mat1, mat2), beta, alpha)


def baddbmm(input: HasShape, batch1: HasShape, batch2: HasShape, *, beta: float = 1,
            alpha: float = 1) -> Effect:
    return _added(bmm(batch1, batch2), beta, alpha)


def addmv(input: HasShape, mat: HasShape, vec: HasShape, *, beta: float = 1,
          alpha: float = 1) -> Effect:
    return _added(mv(mat, vec), beta, alpha)


def addbmm(input: HasShape, batch1: HasShape, batch2: HasShape, *, beta: float = 1,
           alpha: float = 1) -> Effect:
    """The batch's products are summed; PyTorch's counter counts none of them."""
    products = bmm(batch1, batch2)
    return _added(Effect(products.shape[1:], elementwise_ops=2 * (products.macs or 0)), beta, alpha)


def _added(products: Effect, beta: float, alpha: float) -> Effect:
    """Something is added to products, each with a factor."""
    more = _more(beta, alpha) * math.prod(products.shape)
    return products._replace(elementwise_ops=(products.elementwise_ops or 0) + more)


def _more(beta: float, alpha: float) -> int:
    """Operations for each output: the sum, and the factors that are not 1."""
    return (beta != 0) + (beta not in (0, 1)) + (alpha != 1)


def outer(input: HasShape, vec2: HasShape) -> Effect:
    """Each number of one by each of the other: element-wise products, which sum nothing."""
    out = (*input.shape, *vec2.shape)
    if not len(input.shape) == len(vec2.shape) == 1:
        raise ShapeError(Text("needs two vectors; got {one} and {other}", one=tuple(input.shape),
                              other=tuple(vec2.shape)))
    return Effect(out, elementwise_ops=math.prod(out))


def inner(input: HasShape, other: HasShape) -> Effect:
    a, b = tuple(input.shape), tuple(other.shape)
    if not a or not b or a[-1] != b[-1]:
        raise ShapeError(Text("cannot multiply the last sides of {one} and {other}", one=a,
                              other=b))
    out = (*a[:-1], *b[:-1])
    products = math.prod(out) * a[-1]
    return _unless_single(out, products)


def tensordot(a: HasShape, b: HasShape, dims: int | Sequence[Sequence[int]] = 2,
              out: None = None) -> Effect:
    """macs = sides that stay · sides that are summed"""
    shape, summed = _summed(a, b, dims)
    if any(one != other and 1 not in (one, other) for one, other in summed):
        raise ShapeError(Text("cannot sum {one} and {other} along {dims}", one=tuple(a.shape),
                              other=tuple(b.shape), dims=dims))
    products = math.prod(shape) * math.prod([min(pair) for pair in summed])
    return _unless_single(shape, products)


def _unless_single(shape: Shape, products: int) -> Effect:
    """For a single number PyTorch makes no matrices, and its counter counts none."""
    return Effect(shape, elementwise_ops=2 * products) if math.prod(shape) == 1 else \
        Effect(shape, products)


def _summed(a: HasShape, b: HasShape, dims: int | Sequence[Sequence[int]]
            ) -> tuple[Shape, list[tuple[int, int]]]:
    """The sides that stay, and those that are summed, in pairs: of one side and another a side of 1
    is repeated, and the other summed before."""
    one, other = tuple(a.shape), tuple(b.shape)
    if isinstance(dims, int):
        dims = (range(len(one) - dims, len(one)), range(dims))
    first, second = [[dim % len(shape) for dim in own]
                     for shape, own in zip((one, other), dims, strict=True)]
    stay = [size for axis, size in enumerate(one) if axis not in first]
    stay += [size for axis, size in enumerate(other) if axis not in second]
    return tuple(stay), [(one[i], other[j]) for i, j in zip(first, second, strict=True)]


def bilinear(input1: HasShape, input2: HasShape, weight: HasShape,
             bias: HasShape | None = None) -> Effect:
    """x₁ · W · x₂ for each output: PyTorch's counter counts none of it."""
    out_features, one, other = weight.shape
    if (input1.shape[-1], input2.shape[-1]) != (one, other):
        raise ShapeError(Text(
            "expects {one} and {other} features; got {first} and {second}", one=one, other=other,
            first=input1.shape[-1], second=input2.shape[-1]))
    out = (*input1.shape[:-1], out_features)
    elements = math.prod(out)
    return Effect(out, elementwise_ops=elements * (2 * one * other + 2 * other)
                  + (0 if bias is None else elements))


# Words

NO_MACS = Text("None: PyTorch's own counter counts none for a product with a single vector, or for "
               "a single number. They are among the element-wise operations.")


def counted_products(summed: Callable[[Case], int], letter: str = "K") -> Explanation:
    """The multiply-adds, with how many products are added up for one output."""
    def macs(case: Case) -> Words:
        if not case.call.effect.macs:
            return Words(notes=(NO_MACS,))
        return counted("macs", product([*case.outputs, Symbol(letter, summed(case))]),
                       say("For each output one product with each input. Floating-point "
                           "operations (FLOPs) are twice as many."))
    return macs


def other_work(summed: Callable[[Case], int]) -> Explanation:
    """Products that are no multiply-adds, and what is added to products."""
    def work(case: Case) -> Words:
        elements, macs = math.prod(case.output), case.call.effect.macs
        terms: list[Expression] = []
        notes: list[str] = []
        if not macs:
            terms.append(2 * product([*case.outputs, Symbol("K", summed(case))]))
            notes.append(say("A product and a sum for each number that is added up for an output."))
        if case.call.operator in ADDED:
            more = _more(case.argument("beta"), case.argument("alpha"))
            if more:
                terms.append(product([Symbol("q", more), *case.outputs]))
                notes.append(say("What is added to the products, and the factors of both."))
        if not terms or not elements:
            return Words(notes=(say("None beside the products and their sums."),))
        return counted("operations", total(terms), *notes)
    return work


def length(name: str) -> Callable[[Case], int]:
    """The last side of a factor."""
    def last(case: Case) -> int:
        size: int = case.argument(name).shape[-1]
        return size
    return last


def features(case: Case) -> Words:
    if len(case.argument("weight").shape) == 1:
        return Words(notes=(say("The weights are one row: the side of the features goes."),))
    return Words(notes=(say("{features} features, one for each row of the weights; the other sides "
                            "stay.", features=text.number(case.output[-1])),))


def linear_params(case: Case) -> Words:
    shape = case.argument("weight").shape
    weights = product([*([case.outputs[-1]] if len(shape) > 1 else []),
                       Symbol("F_in", shape[-1])])
    return counted("params", weights + case.outputs[-1] if has_bias(case) else weights, case.held)


def linear_work(case: Case) -> Words:
    return bias_work(case) if case.call.effect.macs else other_work(length("weight"))(case)


operator("linear", rule=linear, kind="linear", keeps=("inputs",), shape=features,
         params=linear_params, macs=counted_products(length("weight"), "F_in"), work=linear_work,
         positions=positions.along_last, mixes=True, layout="features")

def copied(call: Call, name: str) -> bool:
    """Whether a product of batches copies this factor: PyTorch makes one side of all those of the
    batch, for which its matrices must stand in order, and it repeats what is broadcast."""
    operand, batch = call.argument(name), call.effect.shape[:-2]
    ranks = [len(call.argument(factor).shape) for factor in ("input", "other")]
    if min(ranks) < 3 or not isinstance(operand, Operand):
        return False
    apart = operand.strides or _in_order(operand.shape)
    missing = len(batch) - (len(operand.shape) - 2)
    own = (1,) * missing + tuple(operand.shape[:-2])
    steps = [0 if one != size else apart[axis - missing]
             for axis, (one, size) in enumerate(zip(own, batch, strict=True))]
    sides = [(size, step) for size, step in zip(batch, steps, strict=True) if size > 1]
    return any(outer != size * inner for (_, outer), (size, inner) in pairwise(sides))


def _in_order(shape: Shape) -> tuple[int, ...]:
    return tuple([math.prod(shape[axis + 1:]) for axis in range(len(shape))])


def _copy_bytes(name: str, call: Call, element_bytes: int) -> int:
    batch, matrix = call.effect.shape[:-2], call.argument(name).shape[-2:]
    return element_bytes * math.prod(batch) * math.prod(matrix) if copied(call, name) else 0


def copies(call: Call, element_bytes: int) -> int:
    """Both factors' copies, thrown away when the product is there."""
    return sum([_copy_bytes(name, call, element_bytes) for name in ("input", "other")])


def matmul_keeps(call: Call) -> tuple[Kept, ...]:
    """The factors, or in the place of each the copy that was multiplied."""
    by_copy = [name for name in ("input", "other") if copied(call, name)]
    return (*[partial(_copy_bytes, name) for name in by_copy],
            *[name for name in ("input", "other") if name not in by_copy]) if by_copy else FACTORS


ROWS_BY_COLUMNS = said(Text("The rows of the first by the columns of the second."))
FACTORS = ("factors",)

# Rule, the name of a factor whose last side is summed, and what training keeps.
PRODUCTS: dict[tuple[str, ...], tuple[Rule, str, Keeps]] = {
    ("matmul",): (matmul, "input", matmul_keeps),
    ("mm",): (mm, "input", FACTORS),
    ("bmm",): (bmm, "input", FACTORS),
    ("mv",): (mv, "input", FACTORS),
    ("dot", "vdot"): (dot, "input", FACTORS),
    ("inner",): (inner, "input", FACTORS),
    ("addmm",): (addmm, "mat1", ("mat1", "mat2")),
    ("baddbmm",): (baddbmm, "batch1", ("batch1", "batch2")),
    ("addmv",): (addmv, "mat", ("mat", "vec")),
}
ADDED = ("addmm", "baddbmm", "addmv", "addbmm")

for _names, (_rule, _factor, _keeps) in PRODUCTS.items():
    operator(*_names, rule=_rule, kind="linear", keeps=_keeps, shape=ROWS_BY_COLUMNS,
             macs=counted_products(length(_factor)), work=other_work(length(_factor)),
             workspace=copies if _rule is matmul else None, layout="sides")


def whole_batch(case: Case) -> int:
    shape: Shape = case.argument("batch1").shape
    return shape[0] * shape[-1]


operator("addbmm", rule=addbmm, kind="linear", keeps=("batch1", "batch2"),
         shape=said(Text(
             "The rows of the first by the columns of the second; the batch is summed.")),
         work=other_work(whole_batch))
operator("outer", "ger", rule=outer, kind="linear", keeps=FACTORS,
         shape=said(Text("Each number of the first by each of the second.")),
         work=per_output(1, Text("One product for each pair of numbers.")))


def summed_sides(case: Case) -> int:
    return math.prod(min(pair) for pair in _summed(*[case.argument(name) for name in
                                                     ("a", "b", "dims")])[1])


operator("tensordot", rule=tensordot, kind="linear", keeps=FACTORS,
         shape=said(Text("The sides of both that are not summed.")),
         macs=counted_products(summed_sides), work=other_work(summed_sides))


def bilinear_work(case: Case) -> Words:
    one, other = [Symbol(name, case.argument(name).shape[-1],
                         say("features of {input}", input=name))
                  for name in ("input1", "input2")]
    terms = [2 * product([*case.outputs, one, other]), 2 * product([*case.outputs, other])]
    if has_bias(case):
        terms.append(product(case.outputs))
    return counted("operations", total(terms), say(
        "For each output the first input times a matrix, times the second: a product and a sum for "
        "each number. PyTorch's own counter counts no multiply-adds of it."))


operator("bilinear", rule=bilinear, kind="linear", keeps=("inputs",), shape=features,
         work=bilinear_work, positions=positions.along_last, mixes=True, layout="features")
