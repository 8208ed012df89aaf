"""Vectors -> expressions of a constructor's parameters, and the parameters that are needed.

A number is written by what the family's own constructor was given, `4 * planes`, where that holds
for every instance; where nothing tells it, it becomes a parameter itself.
"""

from __future__ import annotations

import json
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from torch import nn

from explorer.exporting.code.general import HOLE, Vector, as_tuple, is_hole, is_layer

SETTINGS = frozenset({"stride", "dilation", "groups", "padding", "kernel_size", "kernel", "eps",
                      "ceil_mode", "inplace", "bias", "p", "expansion"})
"""Numbers that a constructor has a default for; channels have none."""
MARK = "\N{SECTION SIGN}"
"""Around an expression that may get a name."""
FACTOR_NAMES = ("stride", "expansion")
FACTORS = (2, 3, 4, 5, 6, 8, 16, 32)
POSITIONAL = ("kernel_size", "kernel")
USUAL = {"stride": 1, "dilation": 1, "groups": 1, "padding": 0, "act": True}
"""What a reader takes a default for; a kernel's is the smallest."""
CHANNELS = ("in_channels", "channels", "inner", "out_channels")


@dataclass(frozen=True)
class Argument:
    name: str
    values: Vector
    default: Any = HOLE

    @property
    def required(self) -> bool:
        return is_hole(self.default)

    @property
    def annotation(self) -> str:
        kinds = dict.fromkeys(map(_annotation, self.values))
        return " | ".join(sorted(filter(None, kinds), key="None".__eq__))


class Solver:
    """The parameters of one class or function, found while its text is written."""

    def __init__(self, given: Sequence[Mapping[str, Any]],
                 variables: Sequence[Mapping[str, Any]], without: Iterable[str] = ()) -> None:
        self.given = {name: vector for name, vector in _columns(given).items()
                      if not constant(vector)}
        self.variables = {name: vector for name, vector in _columns(variables).items()
                          if not constant(vector) and name not in self.given
                          and name not in without}
        self._arguments = {name: vector for name, vector in self.given.items()
                      if all(name in row for row in given)}
        """Of the given ones those that are arguments, and no columns of a table's row."""
        self.found: dict[str, Vector] = {}
        self.output: Vector | None = None
        """The channels that the last layer gives."""
        self._written: dict[Vector, str] = {}
        self._reserved: set[str] = set()
        self._numbers: dict[str, Vector] = {}

    def expression(self, vector: Vector, role: str) -> str:
        """What gives `vector`; `role` is what it is called where nothing else names it."""
        if constant(vector):
            return literal(first(vector))
        if vector not in self._written:
            known = self._known(vector, exact=role != "padding")
            self._written[vector] = known or self._new(vector, role)
            if known and " " in known and _whole(vector):
                self._numbers.setdefault(known, vector)
        return self._marked(self._written[vector])

    def _marked(self, text: str) -> str:
        """An expression that may get a name, when all is written."""
        return f"{MARK}{text}{MARK}" if text in self._numbers else text

    def named(self, lines: Sequence[str]) -> tuple[list[str], list[str]]:
        """Variables for what is written often and has a name in the family's own constructor,
        and the lines that read them."""
        text = "\n".join(lines)
        variables = []
        for number, vector in self._numbers.items():
            marked = f"{MARK}{number}{MARK}"
            name = self._same(vector, self.variables)
            if name and name not in {*self.found, *self._reserved} and text.count(marked) > 2:
                variables.append(f"{name} = {number}")
                text = text.replace(marked, name)
            text = text.replace(marked, number)
        return variables, text.split("\n")

    def condition(self, there: Vector, role: str,
                  inside: Iterable[tuple[str, Vector]] = ()) -> str:
        """What is true for exactly those instances; `inside` are the vectors that they alone
        have, each with what it is."""
        there = tuple(value if is_hole(value) else bool(value) for value in there)
        if found := self._truth(there, {**self.found, **self._arguments}) \
                or self._comparison(there):
            return found
        for own, vector in inside:
            if constant(vector) or any(is_hole(value) == here for value, here in
                                       zip(vector, there, strict=True) if not is_hole(here)):
                continue
            filled = tuple(None if is_hole(value) else value for value in vector)
            if name := self._same(filled, {**self.found, **self.given}):
                return f"{self._take(name)} is not None"
            if self._known(vector, exact=True, take=False) is None:
                self._written[vector] = name = self._new(filled, own)
                return f"{name} is not None"
        known = {**self.found, **self.given, **self.variables}
        return self._truth(there, known) or self._untruth(there, known) or self._new(there, role)

    def reserved(self, name: str) -> str:
        """A name for a variable, which no parameter has or gets."""
        while name in self.found:
            name += "_"
        self._reserved.add(name)
        return name

    @property
    def parameters(self) -> list[Argument]:
        """Those without a default first, in the order of the family's own."""
        order = [*self.given, *(name for name in self.found if name in CHANNELS)]
        names = sorted(self.found, key=lambda name: order.index(name) if name in order
                       else len(order))
        made = [Argument(name, self.found[name], _default(name, self.found[name]))
                for name in names]
        return sorted(made, key=lambda one: (not one.required,
                                             one.name not in POSITIONAL))

    def _take(self, name: str) -> str:
        self.found.setdefault(name, self.given.get(name, self.variables.get(name, ())))
        return name

    def _new(self, vector: Vector, role: str) -> str:
        if role in CHANNELS:
            start = role == "in_channels" and role not in self.found
            last = self.output is not None and same(self.output, vector)
            role = "in_channels" if start else "out_channels" if last else "inner"
        name = base = self._same(vector, self.variables) or role
        number = 2
        while keyword.iskeyword(name) or name in self.found or name in self._reserved:
            name, number = f"{base}{number}", number + 1
        self.given.pop(name, None)
        self.found[name] = vector
        return name

    def _same(self, vector: Vector, others: Mapping[str, Vector]) -> str | None:
        return next((name for name, other in others.items() if same(vector, other)), None)

    def _known(self, vector: Vector, *, exact: bool, take: bool = True) -> str | None:
        """An expression of what there is; None where there is none."""
        if named := self._same(vector, {**self.found, **self.given}):
            return self._take(named) if take else named
        for name, other in self.found.items():
            if (filled := _filled(other, vector)) is not None:
                self.found[name] = filled
                return name
        if not all(type(value) is int or is_hole(value) for value in vector):
            return None
        numbers = {name: other for name, other in {**self.given, **self.found}.items()
                   if _whole(other)}
        # What the family's own variable of this value is, also where not all need it.
        variable = self.variables.get(self._same(vector, self.variables) or "", vector)
        if variable != vector and (known := self._known(variable, exact=exact, take=take)):
            self._numbers.setdefault(known, variable)
            return known
        for text, made in _arithmetic(numbers, exact=exact):
            if same(vector, made):
                for name in _names(text) if take else ():
                    self._take(name)
                return text
        return None

    def _truth(self, there: Vector, known: Mapping[str, Vector]) -> str | None:
        for name, vector in known.items():
            if all(type(value) is bool for value in vector):
                if same(there, vector):
                    return self._take(name)
            elif name in self.found and None in vector and same(
                    there, tuple(value is not None for value in vector)):
                return f"{name} is not None"
        return None

    def _untruth(self, there: Vector, known: Mapping[str, Vector]) -> str | None:
        opposite = tuple(value if is_hole(value) else not value for value in there)
        name = next((name for name, vector in known.items()
                     if all(type(value) is bool for value in vector) and same(opposite, vector)),
                    None)
        return f"not {self._take(name)}" if name else None

    def _comparison(self, there: Vector) -> str | None:
        # What the text has already before what the constructor was given beside it.
        here = {name: vector for name, vector in self.found.items() if _whole(vector)}
        whole = {name: vector for name, vector in self.given.items() if _whole(vector)}
        for numbers in (here, {**here, **whole}):
            for text, vector in _comparisons({**numbers, **self._numbers}):
                if same(there, vector):
                    for name in _names(text):
                        if name in self.given:
                            self._take(name)
                    marked = text
                    for number in self._numbers:
                        marked = marked.replace(number, self._marked(number))
                    return marked
        return None


def _filled(one: Vector, two: Vector) -> Vector | None:
    """One vector of two that say the same where both say something, where one of them says all
    that the other does."""
    if not any(map(is_hole, (*one, *two))) or None in one:
        return None
    merged = tuple(b if is_hole(a) else a for a, b in zip(one, two, strict=True))
    if not same(one, merged) or not same(two, merged) or merged not in (one, two):
        return None
    return merged


def _arithmetic(numbers: Mapping[str, Vector], *, exact: bool) -> Iterator[tuple[str, Vector]]:
    """What can be made of numbers, the simplest first."""
    for name, vector in numbers.items():
        for factor in FACTORS:
            yield f"{factor} * {name}", tuple(factor * value for value in vector)
            if not any(value % factor for value in vector) or (not exact and factor == 2):
                yield f"{name} // {factor}", tuple(value // factor for value in vector)
        if name == "depth":
            yield f"{name} - 1", tuple(value - 1 for value in vector)
    for (one, left), (two, right) in permutations(numbers.items(), 2) if not exact else ():
        if one in POSITIONAL:
            yield f"{two} * ({one} // 2)", tuple(
                b * (a // 2) for a, b in zip(left, right, strict=True))
    if not exact:
        return
    for (one, left), (two, right) in permutations(numbers.items(), 2):
        pairs = list(zip(left, right, strict=True))
        if len(set(pairs)) > 2:
            yield f"{one} * {two}", tuple(a * b for a, b in pairs)
            yield f"{one} + {two}", tuple(a + b for a, b in pairs)
            yield f"{one} - {two}", tuple(a - b for a, b in pairs)


def _comparisons(numbers: Mapping[str, Vector]) -> Iterator[tuple[str, Vector]]:
    """Of strides and factors with 1, and of channels with each other."""
    factors = {name: vector for name, vector in numbers.items() if name in FACTOR_NAMES}
    channels = {name: vector for name, vector in numbers.items()
                if name not in SETTINGS and max(vector) >= 8}
    pairs = [(one, two, list(zip(left, right, strict=True)))
             for (one, left), (two, right) in permutations(channels.items(), 2) if " " not in one]
    for name, vector in factors.items():
        yield f"{name} > 1", tuple(value > 1 for value in vector)
        yield f"{name} == 1", tuple(value == 1 for value in vector)
    for one, two, values in pairs:
        yield f"{one} != {two}", tuple(a != b for a, b in values)
        yield f"{one} == {two}", tuple(a == b for a, b in values)
    for name, vector in factors.items():
        for one, two, values in pairs:
            both = list(zip(vector, values, strict=True))
            yield f"{name} > 1 or {one} != {two}", tuple(s > 1 or a != b for s, (a, b) in both)
            yield f"{name} == 1 and {one} == {two}", tuple(s == 1 and a == b for s, (a, b) in both)


def _names(text: str) -> list[str]:
    return re.findall(r"[a-z_]\w*", text)


def _whole(vector: Vector) -> bool:
    return all(type(value) is int for value in vector)


def same(wanted: Vector, vector: Vector) -> bool:
    """Whether `vector` is what is wanted, wherever something is."""
    return len(wanted) == len(vector) and all(
        is_hole(a) or (a == b and isinstance(a, bool) == isinstance(b, bool))
        for a, b in zip(wanted, vector, strict=True))


def constant(vector: Vector) -> bool:
    values = [value for value in vector if not is_hole(value)]
    return all(value == values[0] and isinstance(value, bool) == isinstance(values[0], bool)
               for value in values)


def first(vector: Vector) -> Any:
    return next((value for value in vector if not is_hole(value)), None)


def literal(value: Any) -> str:
    """As it is written in Python.

    >>> literal((1, 1e-6, "a")), literal(nn.ReLU)
    ('(1, 1e-6, "a")', 'nn.ReLU')
    """
    match value:
        case type():
            return f"nn.{value.__name__}"
        case float():
            return repr(value).replace("e-0", "e-")
        case str():
            return json.dumps(value, ensure_ascii=False)
        case tuple():
            inside = ", ".join(map(literal, value))
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    return repr(value)


def _annotation(value: Any) -> str:
    match value:
        case None:
            return "None"
        case type():
            return "Callable[..., nn.Module]"
        case tuple():
            inside = list(map(_annotation, value))
            if len(value) > 2 or not inside or isinstance(value[0], tuple):
                return f"tuple[{inside[0] if inside else 'int'}, ...]"
            return f"tuple[{', '.join(inside)}]"
    return "" if is_hole(value) else type(value).__name__


def _default(name: str, values: Vector) -> Any:
    kinds = {type(value) for value in values if not is_hole(value)}
    if None in values:
        return None
    if name in POSITIONAL:
        return min(value for value in values if type(value) is int) if int in kinds else HOLE
    if name in USUAL and USUAL[name] in values:
        return USUAL[name]
    if name in SETTINGS or kinds <= {bool} or kinds <= {float} or all(
            isinstance(value, type) for value in values if not is_hole(value)):
        return Counter(value for value in values if not is_hole(value)).most_common(1)[0][0]
    return HOLE


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Vector]:
    """What every instance has, by name: numbers, truths, and the fields of a row of a table."""
    flat = [_flat(row) for row in rows]
    if not flat:
        return {}
    return {name: tuple(row[name] for row in flat) for name in flat[0]
            if all(name in row for row in flat)}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, int | float | None):
            result[name] = value
        elif isinstance(value, nn.Module):
            if is_layer(value) and name != "self":
                result[name] = type(value)
        elif hasattr(value, "_fields"):
            for inner, number in value._asdict().items():
                if isinstance(number, int | float) and inner not in row:
                    result.setdefault(inner, number)
        elif isinstance(value, tuple | list) and (made := as_tuple(value)) is not None:
            result[name] = made
    return result
