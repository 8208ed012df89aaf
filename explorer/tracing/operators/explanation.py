"""What the words and formulas of an operator are made of: a call with its numbers as symbols.

An `Explanation` is a function of a `Case`. Its formulas are evaluated, and the derivation compares
them with what the rule counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

from explorer import text
from explorer.formula import (
    PLAIN,
    Equation,
    Expression,
    Number,
    Symbol,
    ceil,
    largest,
    product,
    total,
)
from explorer.language import Text, say
from explorer.tracing.operators.operator import (
    POSITIONS,
    Call,
    Operand,
    Operator,
    Shape,
    Steps,
    find_operator,
)


class Words(NamedTuple):
    """What is said of one figure of a call."""

    equations: tuple[Equation, ...] = ()
    notes: tuple[Text | str, ...] = ()
    """Sentences that the formulas do not say, as plain text."""


@dataclass(frozen=True, slots=True)
class Case:
    """One call with what its formulas are made of."""

    call: Call
    parameters: tuple[tuple[str, Shape], ...]
    """Name and shape of each parameter that it reads."""
    training: bool

    @property
    def operands(self) -> list[Operand]:
        """Every tensor among its arguments: of the pass, a parameter or a constant."""
        return _operands((self.call.args, self.call.kwargs))

    @property
    def input(self) -> Shape:
        """Of the first of them."""
        return self.operands[0].shape

    @property
    def output(self) -> Shape:
        return self.call.output_shape

    @property
    def outputs(self) -> list[Expression]:
        """The sides of the output, as symbols."""
        return sides(self.output, self._names(self.output, "out"))

    @property
    def inputs(self) -> list[Expression]:
        """The sides of the first input, as symbols."""
        return sides(self.input, self._names(self.input, "in"))

    @property
    def entry(self) -> Operator | None:
        return find_operator(self.call.operator)

    def _names(self, shape: Shape, end: str) -> list[str]:
        """N, C, H, W, or what the operator's layout says; with "in" or "out" where input and output
        are told apart."""
        rank, window, entry = len(shape), self.call.effect.window, self.entry
        mixes, layout = (entry.mixes, entry.layout) if entry else (False, None)
        features = f"F_{end}" if mixes else "F"
        if not rank:
            return []
        if layout == "heads" and 2 <= rank <= 4:
            numbers = "E_v" if end == "out" else "E"
            return ["N", "h", "L", numbers] if rank == 4 else ["N", "L", numbers][-rank:]
        numbered = [f"D_{axis}" for axis in range(1, rank + 1)]
        if layout == "sides":
            return numbered
        if layout == "features":
            outer = ["N", *POSITIONS.get(rank - 2, ())] if rank <= 5 else numbered
            return [*outer[:rank - 1], features]
        known = layout == "channels" and rank - 2 in POSITIONS
        sides = len(window.kernel) if window else rank - 2 if known else 2
        if rank == 2 and sides != 1:
            return ["N", features]
        if rank - sides not in ((1, 2) if window else (2,)):
            return numbered
        before, after = self.input, self.output
        channels = (mixes and window is not None) or (
            len(before) == len(after) and before[-1 - sides] != after[-1 - sides])
        moves = window is not None or not (
            before == after or len(after) != rank or before[-sides:] == after[-sides:])
        return [*["N"][:rank - sides - 1], f"C_{end}" if channels else "C",
                *[f"{letter}_{end}" if moves else letter for letter in POSITIONS[sides]]]

    def argument(self, name: str) -> Any:
        """What the call was given under that name."""
        return self.call.argument(name)

    def window(self, letter: str, axis: int) -> Symbol:
        """Kernel, stride, padding or dilation: one symbol where all sides agree."""
        window = self.call.effect.window
        assert window is not None
        numbers: Steps = {"k": window.kernel, "s": window.stride, "p": window.padding,
                          "d": window.dilation}[letter]
        return by_side(letter, numbers, axis)

    @property
    def computed(self) -> bool:
        """Whether some of its weights are no parameters, but computed or constants, or its input
        comes of a parameter: then the formula of its parameters does not hold."""
        return [operand.parameter for operand in self._weights] \
            != [name for name, _ in self.parameters]

    @property
    def other_weights(self) -> bool:
        """Whether some of its weights are no parameters."""
        return any(operand.parameter is None for operand in self._weights)

    @property
    def _weights(self) -> list[Operand]:
        given = self.entry.bind(self.call.args, self.call.kwargs) if self.entry else {}
        return [operand for name in ("weight", "bias", "weights")
                for operand in _operands(given.get(name))]

    @property
    def held(self) -> str:
        """How the parameters are held, in a sentence."""
        parts = [f"{name.rpartition('.')[2]} {text.shape(shape)}"
                 for name, shape in self.parameters]
        return say("Held as {parts}.", parts=reduce(
            lambda before, part: say("{others} and {last}", others=before, last=part), parts))


Explanation = Callable[[Case], Words]


def _operands(value: Any) -> list[Operand]:
    if isinstance(value, Operand):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return []
    return [operand for part in value for operand in _operands(part)]


def sides(shape: Shape, names: list[str]) -> list[Expression]:
    return [Symbol(name, size) for name, size in zip(names, shape, strict=True)]


def by_side(letter: str, numbers: Steps, axis: int) -> Symbol:
    """One symbol where all sides agree, one for each where they do not."""
    side = SIDES[-len(numbers):][axis][0]
    return Symbol(letter if len(set(numbers)) == 1 else f"{letter}_{side}", numbers[axis])


def side_name(side: Expression) -> str:
    assert isinstance(side, Symbol)
    return side.name


def said(*notes: Text) -> Explanation:
    """Sentences alone."""
    return lambda case: Words(notes=notes)


def counted(label: str, formula: Expression, *notes: Text | str) -> Words:
    """One equation that gives a figure: "params", "macs" or "operations"."""
    return Words((Equation((label,), formula),), notes)


def numel(shapes: list[Shape]) -> Expression:
    return total([product([Number(size) for size in shape or (1,)]) for shape in shapes])


SIDES = ("depth", "height", "width")
"""Along which positions lie; fewer are the last of these. An equation says them in the words of
its reader."""


def by_axis(make: Callable[[int], Expression], names: tuple[str, ...]) -> tuple[Equation, ...]:
    """An equation for height and one for width, or one for all sides where their numbers agree."""
    formulas = [make(axis) for axis in range(len(names))]
    if len({formula.write(PLAIN, numbers=True) for formula in formulas}) == 1:
        return (Equation(tuple(dict.fromkeys(names)), formulas[0]),)
    sides = SIDES[-len(names):] if len(set(names)) == 1 else ("",) * len(names)
    return tuple([Equation((name,), formula, side)
                  for name, formula, side in zip(names, formulas, sides, strict=True)])


# Of many operators

same_shape = said(Text("The shape of the input."))
moved = said(Text("None: numbers are moved, and nothing is computed."))


def per_output(operations: int, *notes: Text | str) -> Explanation:
    """Element-wise operations: so many for each number of the output."""
    def explain(case: Case) -> Words:
        outputs = product(case.outputs)
        return counted("operations", outputs if operations == 1 else
                       Symbol("q", operations) * outputs, *notes)
    return explain


def broadcast(case: Case) -> Words:
    """The shape of operands side by side, each repeated along the sides where it has 1."""
    shapes = [operand.shape for operand in case.operands]
    if len(shapes) == 1:
        return Words(notes=(say("The shape of the input; the other operand is a number."),))
    if len(set(shapes)) == 1:
        return Words(notes=(say("The inputs have the same shape, and so has the output."),))
    equations: list[Equation] = []
    for axis, side in enumerate(case.outputs):
        place = axis - len(case.output)
        sizes = {number: shape[place] for number, shape in enumerate(shapes, 1)
                 if len(shape) >= -place}
        if len(set(sizes.values())) == 1:
            continue
        name = side_name(side)
        letter = letter_of_inputs(name)
        equation = Equation((name,), largest([Symbol(f"{letter}_{number}", size)
                                              for number, size in sizes.items()]))
        if equations and equations[-1].numbers == equation.numbers:     # height and width, mostly
            equations[-1] = equations[-1]._replace(names=(*equations[-1].names, name))
        else:
            equations.append(equation)
    return Words(tuple(equations),
                 (say("A side of 1 is repeated along the other input's (broadcasting)."),))


def letter_of_inputs(side: str) -> str:
    """What a side is called in each input, with the input's number behind it: C_1 of C_out. Sides
    without a name have numbers already."""
    letter = side.partition("_")[0]
    return "S" if letter == "D" else letter


def kept_steps(case: Case) -> tuple[Equation, ...]:
    """The sides of a part of the input from which every s-th position is kept."""
    return by_position(case, lambda axis, side: ceil((side + case.window("p", axis))
                                                     / case.window("s", axis)))


def by_position(case: Case, make: Callable[[int, Expression], Expression]
                ) -> tuple[Equation, ...]:
    """An equation for each side of the output along which positions lie, made of its number and of
    the input's side."""
    window = case.call.effect.window
    assert window is not None
    count = len(window.kernel)
    inputs = case.inputs[-count:]
    return by_axis(lambda axis: make(axis, inputs[axis]),
                   tuple([side_name(side) for side in case.outputs[-count:]]))


def window_size(case: Case) -> list[Expression]:
    """The sides of the kernel."""
    window = case.call.effect.window
    assert window is not None
    return [case.window("k", axis) for axis in range(len(window.kernel))]
