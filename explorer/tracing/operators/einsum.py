"""`einsum`: sums of products, as an equation names their sides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from explorer.formula import Expression, Symbol, product, total
from explorer.language import Text, say
from explorer.tracing.operators.explanation import Case, Words, counted
from explorer.tracing.operators.operator import (
    Effect,
    Shape,
    ShapeError,
    operator,
)

Sizes = dict[str, int]
"""The sides of an operand by their letters; those under "..." are "1", "2" from the last one."""


class Contraction(NamedTuple):
    """What an equation comes to."""

    output: Sizes
    multiplied: list[Sizes]
    """All sides of each matrix product."""
    elementwise: list[Sizes]
    """Of each product without a sum, and of each sum without a product."""


def einsum(equation: str, *operands: Any) -> Effect:
    """Pair by pair from the left, as PyTorch does without the package opt_einsum."""
    plan = contract(equation, operands)
    moved = not plan.multiplied and not plan.elementwise    # only a view
    return Effect(tuple(plan.output.values()), sum(map(_numel, plan.multiplied)),
                  sum(map(_numel, plan.elementwise)), allocates=not moved)


def contract(equation: str, operands: Sequence[Any]) -> Contraction:
    """Where both operands have a side that no other has, and the output has not, it is a matrix
    product, in which the other sides are of the batch, of the one or of the other operand."""
    if len(operands) == 1 and not hasattr(operands[0], "shape"):   # in one list
        operands = operands[0]
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        raise ShapeError(Text("names {named} operands in {equation}; got {given}",
                              named=len(terms), equation=equation, given=len(operands)))
    sides = [_sides(term, operand.shape) for term, operand in zip(terms, operands, strict=True)]
    sizes: Sizes = {}
    for operand in sides:
        for letter, size in operand.items():
            if sizes.setdefault(letter, size) != size:
                if 1 not in (size, sizes[letter]):
                    raise ShapeError(Text("has {one} and {other} for {letter} in {equation}",
                                          one=sizes[letter], other=size, letter=letter,
                                          equation=equation))
                sizes[letter] = max(size, sizes[letter])
    dots = sorted((letter for letter in sizes if letter.isdigit()), key=int, reverse=True)
    if arrow:
        out = [part for letter in wanted.replace("...", ".")
               for part in (dots if letter == "." else [letter])]
        if unknown := [letter for letter in out if letter not in sizes]:
            raise ShapeError(Text("no operand has a side {letter} in {equation}",
                                  letter=unknown[0], equation=equation))
    else:
        times = Counter(given)
        out = dots + sorted(letter for letter in sizes
                            if times[letter] == 1 and not letter.isdigit())
    return _contracted(sides, sizes, out)


def _contracted(operands: list[Sizes], sizes: Sizes, out: list[str]) -> Contraction:
    summed = [letter for letter in sizes if letter not in out]
    left = Counter(letter for operand in operands for letter, size in operand.items() if size != 1)
    multiplied: list[Sizes] = []
    elementwise: list[Sizes] = []
    operands = list(operands)
    while len(operands) > 1:
        one, other, *rest = operands
        pairs: list[str] = []
        early: tuple[list[str], list[str]] = [], []
        for letter in summed:
            first, second = one.get(letter, 1), other.get(letter, 1)
            if first != 1 and second != 1:
                left[letter] -= 1
                if left[letter] == 1:
                    pairs.append(letter)
                    left[letter] = 0
            elif left[letter] == 1 and (first, second) != (1, 1):
                early[first == 1].append(letter)
                left[letter] = 0
        for operand, letters in zip((one, other), early, strict=True):
            if letters:
                elementwise.append(operand)
        one, other = [{letter: size for letter, size in operand.items() if letter not in letters}
                      for operand, letters in zip((one, other), early, strict=True)]
        joined = {letter: max(one.get(letter, 1), other.get(letter, 1))
                  for letter in (*one, *other)}
        (multiplied if pairs else elementwise).append(joined)
        operands = [{letter: size for letter, size in joined.items() if letter not in pairs},
                    *rest]
    last = operands[0]
    if any(left[letter] for letter in summed):     # of a single operand
        elementwise.append(last)
    return Contraction({letter: sizes[letter] for letter in out}, multiplied, elementwise)


def _sides(term: str, shape: Shape) -> Sizes:
    """A letter that stands twice in a term is a diagonal."""
    before, dots, behind = term.partition("...")
    hidden = len(shape) - len(before) - len(behind)
    if hidden < 0 or (hidden and not dots):
        raise ShapeError(Text("cannot read {shape} as {term}", shape=tuple(shape), term=term))
    letters = [*before, *[str(number) for number in range(hidden, 0, -1)], *behind]
    sizes: Sizes = {}
    for letter, size in zip(letters, shape, strict=True):
        if sizes.setdefault(letter, size) != size:
            raise ShapeError(Text("has no diagonal along {letter}: {shape} as {term}",
                                  letter=letter, shape=tuple(shape), term=term))
    return sizes


def _numel(sizes: Sizes) -> int:
    return math.prod(sizes.values())


# Words

def _plan(case: Case) -> Contraction:
    return contract(case.argument("equation"), case.argument("operands"))


def _term(sizes: Sizes) -> Expression:
    return product([Symbol(f"n_{letter}", size, _meaning(letter))
                    for letter, size in sizes.items()]
                   or [Symbol("n_0", 1, say("a single number"))])


def _meaning(letter: str) -> str:
    return say("side {letter} from the last under “...”" if letter.isdigit() else
               "side {letter} of the equation", letter=letter)


def shape(case: Case) -> Words:
    equation = case.argument("equation")
    return Words(notes=(say(
        "Its equation is {equation}: behind the arrow stand the sides of the output."
        if "->" in equation else
        "Its equation is {equation}: the sides of the output are those that it names once.",
        equation=equation),))


def macs(case: Case) -> Words:
    multiplied = _plan(case).multiplied
    if not multiplied:
        return Words(notes=(say("None: no side is multiplied and summed at once."),))
    note = say("A matrix product: one product for each number along all sides."
               if len(multiplied) == 1 else "{count} matrix products, from the left.",
               count=len(multiplied))
    return counted("macs", total([_term(sizes) for sizes in multiplied]), note,
                   say("Floating-point operations (FLOPs) are twice as many."))


def work(case: Case) -> Words:
    elementwise = _plan(case).elementwise
    if not elementwise:
        return Words(notes=(say("None beside the products and their sums."),))
    return counted("operations", total([_term(sizes) for sizes in elementwise]),
                   say("Products that sum nothing, and sums of a single operand."))


operator("einsum", rule=einsum, kind="linear", keeps=("factors",), shape=shape, macs=macs,
         work=work)
