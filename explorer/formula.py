"""Formulas that are written once: they give their value, and are shown in symbols and in numbers.

`Symbol("k", 3) - 1` is an expression with the value 2; in symbols it reads "k - 1", with its
numbers in place "3 - 1", each as plain text or as LaTeX. What a reader sees is therefore what was
computed. The arithmetic is exact, and division is only used where it is rounded or comes out even.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple
from unicodedata import east_asian_width

from explorer import text
from explorer.language import Text, say
from explorer.text import Rational


class Notation(NamedTuple):
    """How the parts of a formula are written."""

    times: str
    divide: str
    call: str
    floor: str
    ceil: str


PLAIN = Notation("{}·{}", "{} / {}", "{}({})", "floor({})", "ceil({})")
LATEX = Notation(r"{} \cdot {}", r"\frac{{{}}}{{{}}}", r"\{}({})",
                 r"\left\lfloor {} \right\rfloor", r"\left\lceil {} \right\rceil")

_SUM, _PRODUCT, _ATOM = range(3)


class Expression(ABC):
    """Something with a value that can be written down; the base of the parts below."""

    def __add__(self, other: Expression | int) -> Expression:
        return Operation("+", (self, _expression(other)))

    def __sub__(self, other: Expression | int) -> Expression:
        return Operation("-", (self, _expression(other)))

    def __mul__(self, other: Expression | int) -> Expression:
        return Operation("*", (self, _expression(other)))

    def __rmul__(self, other: int) -> Expression:
        return Operation("*", (_expression(other), self))

    def __truediv__(self, other: Expression | int) -> Expression:
        return Operation("/", (self, _expression(other)))

    @property
    @abstractmethod
    def exact(self) -> Fraction: ...

    @property
    def value(self) -> Rational:
        """The value; a fraction only where it is no whole number."""
        exact = self.exact
        return exact.numerator if exact.denominator == 1 else exact

    @abstractmethod
    def write(self, notation: Notation, *, numbers: bool = False) -> str:
        """The expression in symbols, or with their numbers in place."""

    @abstractmethod
    def symbols(self) -> Iterator[Symbol]:
        """Every symbol, in the order of reading."""

    def _rank(self, notation: Notation, numbers: bool) -> int:
        """How strongly it holds together: what is weaker than its surroundings needs brackets."""
        return _ATOM


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A number that stands in the formula itself."""

    number: int

    @property
    def exact(self) -> Fraction:
        return Fraction(self.number)

    def write(self, notation: Notation, *, numbers: bool = False) -> str:
        return str(self.number)

    def symbols(self) -> Iterator[Symbol]:
        return iter(())

    def _rank(self, notation: Notation, numbers: bool) -> int:
        return _ATOM if self.number >= 0 else _SUM


@dataclass(frozen=True, slots=True)
class Symbol(Expression):
    """A named quantity and its number: `C_out` is written as a C with the index "out"."""

    name: str
    number: Rational
    meaning: Text | str = ""
    """What it stands for, where that is not said for all formulas (`explain.derivation`)."""

    @property
    def exact(self) -> Fraction:
        return Fraction(self.number)

    def write(self, notation: Notation, *, numbers: bool = False) -> str:
        if numbers:
            return str(self.number)
        return self.name if notation is PLAIN else symbol_latex(self.name)

    def symbols(self) -> Iterator[Symbol]:
        yield self

    def _rank(self, notation: Notation, numbers: bool) -> int:
        return _SUM if numbers and (self.number < 0 or self.number != int(self.number)) else _ATOM


@dataclass(frozen=True, slots=True)
class Operation(Expression):
    """Arithmetic: one of + - * / floor ceil max min, on its operands."""

    operator: str
    operands: tuple[Expression, ...]

    @property
    def exact(self) -> Fraction:
        first, *others = [operand.exact for operand in self.operands]
        match self.operator:
            case "+":
                return first + others[0]
            case "-":
                return first - others[0]
            case "*":
                return first * others[0]
            case "/":
                return first / others[0]
            case "floor":
                return Fraction(math.floor(first))
            case "ceil":
                return Fraction(math.ceil(first))
            case "max":
                return max(first, *others)
            case "min":
                return min(first, *others)
        raise ValueError(self.operator)

    def write(self, notation: Notation, *, numbers: bool = False) -> str:
        def part(position: int, rank: int) -> str:
            operand = self.operands[position]
            written = operand.write(notation, numbers=numbers)
            if operand._rank(notation, numbers) >= rank:
                return written
            return f"({written})" if notation is PLAIN else rf"\left({written}\right)"

        match self.operator:
            case "+" | "-":     # a negative number may stand first without brackets
                second = _SUM if self.operator == "+" and isinstance(self.operands[1], Operation) \
                    else _PRODUCT
                return f"{part(0, _SUM)} {self.operator} {part(1, second)}"
            case "*":
                return notation.times.format(part(0, _PRODUCT), part(1, _PRODUCT))
            case "/":       # a LaTeX fraction brackets by its line
                rank = _SUM if notation is LATEX else _PRODUCT
                return notation.divide.format(part(0, rank), part(1, _SUM if notation is LATEX
                                                                   else _ATOM))
            case "floor":
                return notation.floor.format(part(0, _SUM))
            case "ceil":
                return notation.ceil.format(part(0, _SUM))
        return notation.call.format(self.operator, ", ".join(
            part(position, _SUM) for position in range(len(self.operands))))

    def symbols(self) -> Iterator[Symbol]:
        for operand in self.operands:
            yield from operand.symbols()

    def _rank(self, notation: Notation, numbers: bool) -> int:
        if self.operator in "+-":
            return _SUM
        if self.operator == "*":
            return _PRODUCT
        # Before a product, "a / b" is bracketed: C·(a / b) reads the same to everyone.
        return _SUM if self.operator == "/" and notation is PLAIN else _ATOM


def _expression(value: Expression | int) -> Expression:
    return value if isinstance(value, Expression) else Number(value)


def floor(value: Expression) -> Expression:
    return Operation("floor", (value,))


def ceil(value: Expression) -> Expression:
    return Operation("ceil", (value,))


def largest(values: list[Expression]) -> Expression:
    return values[0] if len(values) == 1 else Operation("max", tuple(values))


def smallest(values: list[Expression]) -> Expression:
    return values[0] if len(values) == 1 else Operation("min", tuple(values))


def product(factors: list[Expression]) -> Expression:
    result = factors[0] if factors else Number(1)
    for factor in factors[1:]:
        result = result * factor
    return result


def total(terms: list[Expression]) -> Expression:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


RESULTS = {"params": Text("params"), "macs": Text("macs"), "operations": Text("operations"),
           "bytes": Text("bytes")}
"""What a formula gives that has no symbol."""


def symbol_latex(name: str) -> str:
    """
    >>> symbol_latex("k"), symbol_latex("C_out"), symbol_latex("k_h"), symbol_latex("params")
    ('k', 'C_{\\\\text{out}}', 'k_{h}', '\\\\text{params}')
    """
    if name in RESULTS:
        return rf"\text{{{RESULTS[name]}}}"
    base, _, index = name.partition("_")
    if not index:
        return base
    return f"{base}_{{{index}}}" if len(index) == 1 or index.isdigit() else \
        rf"{base}_{{\text{{{index}}}}}"


SHORT = 30
"""Characters of symbols and numbers that fit in a row beside their result."""


class Equation(NamedTuple):
    """One equation. `names` are equal to each other: "H_out" and "W_out" of a square output."""

    names: tuple[str, ...]
    formula: Expression
    axis: str = ""
    """"height" or "width" where a name without an axis has one value for each."""

    @property
    def value(self) -> Rational:
        return self.formula.value

    @property
    def symbols(self) -> str:
        """ "H_out = floor(...)" """
        return f"{self._left()} = {self.formula.write(PLAIN)}"

    @property
    def numbers(self) -> str:
        """The right side with the layer's numbers in place, as plain arithmetic."""
        return self.formula.write(PLAIN, numbers=True)

    def _left(self) -> str:
        names = " = ".join([str(RESULTS.get(name, name)) for name in self.names])
        return say("{names} ({axis})", names=names, axis=say(self.axis)) if self.axis else names

    @property
    def latex(self) -> str:
        """Symbols, numbers and result: one below the other, or in a row where they are short. No
        name of a layer is in it."""
        axis = rf"\;\text{{({say(self.axis)})}}" if self.axis else ""
        left = " = ".join(symbol_latex(name) for name in self.names) + axis
        value = text.number(self.value).replace(",", "{,}")
        parts = [f"{left} &= {self.formula.write(LATEX)}"]
        if (numbers := self.formula.write(LATEX, numbers=True)) not in (
                value, self.formula.write(LATEX)):
            parts.append(numbers)
        short = len(self.formula.write(PLAIN)) + len(self.numbers) <= SHORT
        return r"\begin{aligned}" + (" = " if short else r" \\[3pt] &= ").join(
            [*parts, value]) + r"\end{aligned}"

    def to_text(self) -> list[str]:
        left, value = self._left(), text.number(self.value)
        rows = [self.formula.write(PLAIN)]
        if self.numbers not in (value, *rows):
            rows.append(self.numbers)
        # A Chinese character is as wide as two others.
        width = sum([2 if east_asian_width(letter) in "WF" else 1 for letter in left])
        return [f"{left if row == 0 else ' ' * width} = {right}"
                for row, right in enumerate([*rows, value])]
