"""How each figure of a layer comes about: the formula in symbols, the layer's numbers in place.

Every formula is evaluated from shapes, windows and parameters, and the result is compared with the
figure that the analysis counted; a step without a formula that gives that figure says so, and shows
none. Units: bytes, image pixels, and plain counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from explorer import text
from explorer.analysis import Layer, ReceptiveField, Summary
from explorer.config import ConfigError
from explorer.formula import (
    LATEX,
    PLAIN,
    Expression,
    Number,
    Symbol,
    ceil,
    floor,
    largest,
    product,
    smallest,
    symbol_latex,
    total,
)
from explorer.tracing import NETWORK_INPUT, Call
from explorer.tracing.operators import BINARY, POINTWISE, VIEWS, Shape

NO_FORMULA = "The figure is that of the program's table of operators; no formula is written for it."

MEANINGS = {
    "N": "images in the batch",
    "C": "channels", "C_in": "channels of the input", "C_out": "channels of the output",
    "H": "height", "H_in": "height of the input", "H_out": "height of the output",
    "W": "width", "W_in": "width of the input", "W_out": "width of the output",
    "F": "features", "F_in": "features of the input", "F_out": "features of the output",
    "R": "rows that the layer is applied to", "K": "products that are added up for one output",
    "k": "kernel: the side of the window", "k_h": "height of the kernel, the window",
    "k_w": "width of the kernel, the window",
    "s": "stride: by how much the window moves", "s_h": "stride downwards",
    "s_w": "stride to the right",
    "p": "padding at each edge", "p_h": "padding above and below",
    "p_w": "padding left and right",
    "d": "dilation: distance between the inputs that the kernel reads",
    "d_h": "dilation by height", "d_w": "dilation by width",
    "g": "groups: parts of the channels that are convolved apart",
    "n": "neighbouring channels that are summed",
    "q": "arithmetic operations for each number", "b": "bytes of a number",
    "u_h": "rows read, once for each window that reads them",
    "u_w": "columns read, once for each window that reads them",
    "r_in": "receptive field of the input, in pixels of the image",
    "r_out": "receptive field, in pixels of the image",
    "j_in": "pixels of the image between neighbouring positions of the input",
    "j_out": "pixels of the image between neighbouring positions",
    "a_in": "first pixel that position 0 of the input sees",
    "a_out": "first pixel that position 0 sees; negative inside the padding",
    "e_out": "first pixel past what position 0 sees",
}
"""What each symbol stands for."""

NUMBERED = {
    **{letter: f"{MEANINGS[letter]} of input {{}}" for letter in "NCHWF"},
    "r": "receptive field of input {}, in pixels of the image",
    "j": "pixels of the image between neighbouring positions of input {}",
    "a": "first pixel that position 0 of input {} sees",
    "D": "side {} of the tensor",
}
"""The same for symbols that are numbered, by their letter."""

# What the operations for each number are (`operators.POINTWISE`).
WORK = {
    "relu6": "two comparisons", "leaky_relu": "a comparison and a product",
    "elu": "a comparison, an exponential and a difference",
    "gelu": "its approximation by tanh", "sigmoid": "an exponential, a sum and a quotient",
    "tanh": "two exponentials' sum, difference and quotient",
    "silu": "the three of a sigmoid, and a product", "hardtanh": "two comparisons",
    "hardsigmoid": "a sum, two comparisons and a quotient",
    "hardswish": "a sum, two comparisons, a quotient and a product", "clamp": "two comparisons",
    "softmax": "the largest, a difference, an exponential, a sum and a quotient",
    "log_softmax": "the largest, a difference, an exponential, a sum and a logarithm",
}

SHORT = 30
"""Characters of symbols and numbers that fit in a row beside their result."""

Pair = tuple[int, int]
Result = int | Shape | ReceptiveField | None


class Line(NamedTuple):
    """One equation. `names` are equal to each other: "H_out" and "W_out" of a square output."""

    names: tuple[str, ...]
    formula: Expression
    axis: str = ""
    """"height" or "width" where a name without an axis has one value for each."""

    @property
    def value(self) -> int:
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
        axis = f" ({self.axis})" if self.axis else ""
        return f"{' = '.join(self.names)}{axis}"

    @property
    def latex(self) -> str:
        """Symbols, numbers and result: one below the other, or in a row where they are short. No
        name of a layer is in it."""
        axis = rf"\;\text{{({self.axis})}}" if self.axis else ""
        left = " = ".join(symbol_latex(name) for name in self.names) + axis
        value = f"{self.value:,}".replace(",", "{,}")
        parts = [f"{left} &= {self.formula.write(LATEX)}"]
        if (numbers := self.formula.write(LATEX, numbers=True)) != value:
            parts.append(numbers)
        short = len(self.formula.write(PLAIN)) + len(self.numbers) <= SHORT
        return r"\begin{aligned}" + (" = " if short else r" \\[3pt] &= ").join(
            [*parts, value]) + r"\end{aligned}"

    def to_text(self) -> list[str]:
        left, value = self._left(), f"{self.value:,}"
        rows = [self.formula.write(PLAIN)]
        if self.numbers != value:
            rows.append(self.numbers)
        return [f"{left if row == 0 else ' ' * len(left)} = {right}"
                for row, right in enumerate([*rows, value])]


class Step(NamedTuple):
    """One figure of the layer."""

    name: str
    result: Result
    """What the lines give; None where it is not counted, or where there is none."""
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences that the formulas do not say, as plain text."""
    unit: str = ""

    @property
    def shown(self) -> str:
        """The result for people."""
        match self.result:
            case ReceptiveField(size):
                return f"{text.side(size)} pixels"
            case int(count):
                return f"{count:,} {self.unit}".rstrip()
            case None:
                return "none" if self.name == "Receptive field" else text.NOT_COUNTED
            case sides:
                return text.shape(sides)


class Input(NamedTuple):
    """What the layer reads: a layer's output, or the network's input."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Derivation:
    layer: Layer
    last: int
    """Index of the network's last layer."""
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]

    @property
    def legend(self) -> list[tuple[str, str, str]]:
        """Symbol, its number, and what it stands for, in the order of reading. A symbol with one
        number by height and another by width has both."""
        found: dict[str, dict[int, None]] = {}
        for step in self.steps:
            for line in step.lines:
                for name in line.names:
                    if name in MEANINGS:
                        found.setdefault(name, {})[line.value] = None
                for symbol in line.formula.symbols():
                    found.setdefault(symbol.name, {})[symbol.number] = None
        return [(name, _values(list(values)), _meaning(name)) for name, values in found.items()]


def derive(summary: Summary, index: int) -> Derivation:
    """How the figures of layer `index` come about. Raises `ConfigError` where there is none."""
    layers = summary.layers
    if not 0 <= index < len(layers):
        raise ConfigError(_no_layer(summary, index))
    case = _Case(summary, layers[index], summary.trace.calls[index])
    inputs = tuple(Input(producer, _named(summary, producer), shape) for producer, shape in
                   zip(case.call.inputs, case.call.input_shapes, strict=True))
    steps = (
        _checked(_output_shape(case), case.layer.output_shape),
        _checked(_parameters(case), case.layer.params),
        _checked(_multiply_adds(case), case.layer.macs),
        _checked(_elementwise(case), case.layer.elementwise_ops),
        _checked(_bytes(case), case.layer.activation_bytes),
        _checked(_receptive_field(case), case.layer.receptive_field),
    )
    return Derivation(case.layer, len(layers) - 1, inputs, steps)


def parse_index(value: str, summary: Summary) -> int:
    """The index of a layer from what a person wrote. Raises `ConfigError` where it is none of the
    network's, with those that are."""
    if value.isascii() and value.isdigit() and int(value[-9:]) < len(summary.layers) \
            and not value[:-9].strip("0"):
        return int(value[-9:])
    raise ConfigError(_no_layer(summary, value))


def _no_layer(summary: Summary, got: object) -> str:
    return f"`layer` must be a whole number between 0 and {len(summary.layers) - 1}, the # of a " \
           f"layer of this network; got {got}."


def to_text(title: str, derivation: Derivation) -> str:
    """A derivation for a terminal; `title` says of which network."""
    layer = derivation.layer
    rows = [title, "",
            f"Layer #{layer.index} of 0 to {derivation.last}: {layer.path} "
            f"({layer.type}, {layer.kind})"]
    rows += [f"  input   {text.shape(given.shape)}  from {given.name}"
             for given in derivation.inputs]
    for step in derivation.steps:
        rows += ["", f"{step.name}: {step.shown}"]
        for line in step.lines:
            rows += [f"    {row}" for row in line.to_text()]
        rows += [f"  {note}" for note in step.notes]
    if legend := derivation.legend:
        widths = [max(len(row[column]) for row in legend) for column in (0, 1)]
        rows += ["", "Symbols"]
        rows += [f"  {name:{widths[0]}} = {value:{widths[1]}}  {meaning}".rstrip()
                 for name, value, meaning in legend]
    return "\n".join(rows)


@dataclass(frozen=True, slots=True)
class _Case:
    """One layer with what its formulas are made of."""

    summary: Summary
    layer: Layer
    call: Call

    @property
    def operator(self) -> str:
        return self.call.operator

    @property
    def input(self) -> Shape:
        return self.call.input_shapes[0]

    @property
    def output(self) -> Shape:
        return self.call.output_shape

    @property
    def outputs(self) -> list[Expression]:
        """The sides of the output, as symbols."""
        return _sides(self.output, self._names(self.output, "out"))

    @property
    def inputs(self) -> list[Expression]:
        """The sides of the first input, as symbols."""
        return _sides(self.input, self._names(self.input, "in"))

    def _names(self, shape: Shape, end: str) -> list[str]:
        """N, C, H, W; with "in" or "out" where input and output are told apart."""
        if len(shape) == 2:
            return ["N", f"F_{end}" if self.operator == "linear" else "F"]
        if len(shape) != 4:
            return [f"D_{axis}" for axis in range(1, len(shape) + 1)]
        same = self.input == self.output
        channels = self.operator == "conv2d" or (
            len(self.input) == len(self.output) and self.input[1] != self.output[1])
        moves = self.call.effect.window is not None or not (
            same or len(self.output) != 4 or self.input[2:] == self.output[2:])
        return ["N", f"C_{end}" if channels else "C",
                *([f"H_{end}", f"W_{end}"] if moves else ["H", "W"])]

    def window(self, letter: str, axis: int) -> Symbol:
        """Kernel, stride, padding or dilation: one symbol where both sides agree."""
        window = self.call.effect.window
        assert window is not None
        pair = {"k": window.kernel, "s": window.stride, "p": window.padding,
                "d": window.dilation}[letter]
        return Symbol(letter if pair[0] == pair[1] else f"{letter}_{'hw'[axis]}", pair[axis])

    def parameter_shapes(self) -> list[Shape]:
        return [self.summary.trace.parameters[name].shape for name in self.call.parameters]

    @property
    def bias(self) -> bool:
        """Whether a convolution or a linear layer adds a bias; of weights that are no parameters
        only the table of operators knows."""
        if shapes := self.parameter_shapes():
            return any(len(shape) == 1 for shape in shapes)
        return bool(self.call.effect.elementwise_ops)

    @property
    def adaptive(self) -> bool:
        return self.operator.startswith("adaptive_")

    @property
    def per_group(self) -> Expression:
        """Input channels that one filter reads."""
        channels, groups = Symbol("C_in", self.input[1]), self.call.effect.groups
        return channels if groups == 1 else channels / Symbol("g", groups)


def _sides(shape: Shape, names: list[str]) -> list[Expression]:
    return [Symbol(name, size) for name, size in zip(names, shape, strict=True)]


def _checked(step: Step, counted: Result) -> Step:
    """The step, or the counted figure alone where the formulas do not give it."""
    return step if step.result == counted else Step(step.name, counted, (), (NO_FORMULA,),
                                                    step.unit)


# Output shape

def _output_shape(case: _Case) -> Step:
    lines, notes = _shape_lines(case)
    given = {name: line.value for line in lines for name in line.names}
    sides = [given.get(side.name, side.number) if isinstance(side, Symbol) else side.value
             for side in case.outputs]
    return Step("Output shape", tuple(sides), tuple(lines), tuple(notes))


def _shape_lines(case: _Case) -> tuple[list[Line], list[str]]:
    operator, call = case.operator, case.call
    if not call.known:
        return [], ["There is no rule for this operation; PyTorch itself gives its shape."]
    if operator in ("conv2d", "max_pool2d", "avg_pool2d"):
        notes = [f"{case.output[1]:,} channels: one for each filter."] \
            if operator == "conv2d" else ["Each channel is pooled on its own."]
        return _slide(case), notes
    if case.adaptive:
        return _adaptive(case)
    if operator == "mean" and call.effect.window is not None:
        return [], ["The average over height and width; the other sides stay."]
    if operator == "linear":
        return [], [f"{case.output[-1]:,} features, one for each row of the weights; the other "
                    "sides stay."]
    if operator == "matmul":
        return [], ["The rows of the first by the columns of the second."]
    if operator in ("cat", "concat"):
        return _cat(case)
    if operator == "pad":
        return [Line((_name(out),), side + Number(after - before))
                for side, out, before, after in
                zip(case.inputs, case.outputs, case.input, case.output, strict=True)
                if before != after], ["Zeros are added at the edges."]
    if operator == "getitem":
        return _sliced(case), ["Every s-th row and column is kept."
                               if call.effect.window and max(call.effect.window.stride) > 1
                               else "A part of the input is kept."]
    if operator in VIEWS:
        if len(case.output) == 2 and len(case.input) == 4 and case.input[0] == case.output[0]:
            return [Line(("F",), product(case.inputs[1:]))], \
                ["The same numbers in another shape: channels, rows and columns in one list."]
        return [], ["The same numbers in another shape."]
    if operator in BINARY:
        return _broadcast(case)
    return [], ["The shape of the input."]


def _name(side: Expression) -> str:
    assert isinstance(side, Symbol)
    return side.name


def _by_axis(make: Callable[[int], Expression], names: tuple[str, str]) -> list[Line]:
    """An equation for height and one for width, or one for both where their numbers agree."""
    height, width = make(0), make(1)
    if height.write(PLAIN, numbers=True) == width.write(PLAIN, numbers=True):
        return [Line(tuple(dict.fromkeys(names)), height)]
    if names[0] == names[1]:
        return [Line(names[:1], height, "height"), Line(names[1:], width, "width")]
    return [Line(names[:1], height), Line(names[1:], width)]


def _slide(case: _Case) -> list[Line]:
    def size(axis: int, rounded: Callable[[Expression], Expression]) -> Expression:
        side, k, s, p, d = case.inputs[2 + axis], *(case.window(letter, axis) for letter in "kspd")
        return rounded((side + 2 * p - d * (k - 1) - 1) / s) + 1

    # Pooling may round up (`ceil_mode`), which the window does not tell.
    up = any(size(axis, floor).value < case.output[2 + axis] for axis in (0, 1))
    return _by_axis(lambda axis: size(axis, ceil if up else floor), ("H_out", "W_out"))


def _adaptive(case: _Case) -> tuple[list[Line], list[str]]:
    notes = [f"The output size {text.side(case.output[2:])} is given, whatever the input's is; "  # type: ignore[arg-type]
             "the windows are made to fit."]
    window = case.call.effect.window
    assert window is not None
    if not all(_divides(case, axis) for axis in (0, 1)):
        return [], [*notes, "Output i reads the inputs from floor(i·H_in / H_out) to "
                    "ceil((i + 1)·H_in / H_out), and so by width; the largest window is "
                    f"{text.side(window.kernel)}."]
    return _by_axis(lambda axis: case.inputs[2 + axis] / case.outputs[2 + axis],
                    (case.window("k", 0).name, case.window("k", 1).name)), notes


def _divides(case: _Case, axis: int) -> bool:
    return case.input[2 + axis] % case.output[2 + axis] == 0


def _cat(case: _Case) -> tuple[list[Line], list[str]]:
    shapes = case.call.input_shapes
    for axis, side in enumerate(case.outputs):
        if sum(shape[axis] for shape in shapes) == case.output[axis] != case.input[axis]:
            name = _name(side)
            letter = name.partition("_")[0]
            terms: list[Expression] = [Symbol(f"{letter}_{number}", shape[axis])
                                       for number, shape in enumerate(shapes, 1)]
            return [Line((name,), total(terms))], ["The inputs are joined; the other sides are "
                                                   "the same in all of them."]
    return [], ["The shape of the input."]


def _sliced(case: _Case) -> list[Line]:
    if case.call.effect.window is None:
        return []
    return _by_axis(lambda axis: ceil((case.inputs[2 + axis] + case.window("p", axis))
                                      / case.window("s", axis)), ("H_out", "W_out"))


def _broadcast(case: _Case) -> tuple[list[Line], list[str]]:
    shapes = [*case.call.input_shapes, *case.parameter_shapes()]
    if len(shapes) == 1:
        return [], ["The shape of the input; the other operand is a number."]
    if len(set(shapes)) == 1:
        return [], ["The inputs have the same shape, and so has the output."]
    lines: list[Line] = []
    for axis, side in enumerate(case.outputs):
        place = axis - len(case.output)
        sizes = {number: shape[place] for number, shape in enumerate(shapes, 1)
                 if len(shape) >= -place}
        if len(set(sizes.values())) == 1:
            continue
        name = _name(side)
        letter = name.partition("_")[0]
        line = Line((name,), largest([Symbol(f"{letter}_{number}", size)
                                      for number, size in sizes.items()]))
        if lines and lines[-1].numbers == line.numbers:     # height and width, mostly
            lines[-1] = lines[-1]._replace(names=(*lines[-1].names, name))
        else:
            lines.append(line)
    return lines, ["A side of 1 is repeated along the other input's (broadcasting)."]


# Parameters

def _parameters(case: _Case) -> Step:
    name = "Parameters"
    if not case.call.parameters:
        return Step(name, 0, notes=("It has none.",))
    first = _first_uses(case)
    if shared := [(parameter, user) for parameter, user in first.items()
                  if user != case.layer.index]:
        users = sorted({user for _, user in shared})
        notes = [f"Counted at {_named(case.summary, user)}, which reads the same parameters first."
                 for user in users]
        if len(shared) == len(first):
            return Step(name, 0, notes=tuple(notes))
        own = [case.summary.trace.parameters[parameter].shape
               for parameter, user in first.items() if user == case.layer.index]
        return _counted(name, _numel(own), *notes)
    shapes, kernel = list(first), case.call.effect.window
    notes = [f"{parameter.rpartition('.')[2]} "
             f"{text.shape(case.summary.trace.parameters[parameter].shape)}"
             for parameter in shapes]
    held = f"Held as {' and '.join(notes)}."
    if case.operator == "conv2d" and kernel is not None:
        out = case.outputs[1]
        weights = product([out, case.per_group, case.window("k", 0), case.window("k", 1)])
        said = [held]
        if case.bias:
            said.append("The last term is the bias, one number for each output channel.")
        if case.layer.kind == "depthwise convolution":
            said.append("Depthwise: as many groups as channels, so that each filter reads one "
                        "channel.")
        return _counted(name, weights + out if case.bias else weights, *said)
    if case.operator == "linear":
        out = case.outputs[-1]
        weights = out * Symbol("F_in", case.input[-1])
        return _counted(name, weights + out if case.bias else weights, held)
    if case.operator == "batch_norm":
        return _counted(name, 2 * case.outputs[1], "A factor and a term for each channel. The "
                        "running mean and variance are no parameters: they are averages that "
                        "training keeps, not weights that it learns.")
    return _counted(name, _numel([case.summary.trace.parameters[parameter].shape
                                  for parameter in first]), held)


def _counted(name: str, formula: Expression, *notes: str, unit: str = "") -> Step:
    """A step whose result one equation gives."""
    label = {"Parameters": "params", "Multiply-adds": "macs", "Output bytes": "bytes"}.get(
        name, "operations")
    line = Line((label,), formula)
    return Step(name, line.value, (line,), notes, unit)


def _numel(shapes: list[Shape]) -> Expression:
    return total([product([Number(size) for size in shape or (1,)]) for shape in shapes])


def _first_uses(case: _Case) -> dict[str, int]:
    """The first call that reads each parameter of this one."""
    wanted = dict.fromkeys(case.call.parameters, case.layer.index)
    for call in reversed(case.summary.trace.calls[:case.layer.index]):
        for parameter in call.parameters:
            if parameter in wanted:
                wanted[parameter] = call.index
    return wanted


# Operations

def _multiply_adds(case: _Case) -> Step:
    name = "Multiply-adds"
    if not case.call.known:
        return _not_counted(name)
    if case.operator == "conv2d":
        return _counted(name, product([*case.outputs, case.per_group, case.window("k", 0),
                                       case.window("k", 1)]),
                        "For each output one product with each weight of its filter. "
                        "Floating-point operations (FLOPs) are twice as many.")
    if case.operator in ("linear", "matmul"):
        inner = Symbol("F_in" if case.operator == "linear" else "K", case.input[-1])
        return _counted(name, product([*case.outputs, inner]),
                        "For each output one product with each input. Floating-point operations "
                        "(FLOPs) are twice as many.")
    return Step(name, 0, notes=("None: only convolutions and linear layers have them.",))


def _elementwise(case: _Case) -> Step:
    name, operator, call = "Element-wise operations", case.operator, case.call
    if not call.known:
        return _not_counted(name)
    outputs = product(case.outputs)
    if operator in ("conv2d", "linear"):
        return _counted(name, outputs, "The bias: one sum for each output.") if case.bias else \
            Step(name, 0, notes=("None, as there is no bias to add.",))
    if operator == "batch_norm":
        return _counted(name, 2 * outputs, "A product and a sum for each number: mean, variance, "
                        "factor and term of a channel are folded into one factor and one term.")
    if operator == "local_response_norm":
        # The shapes do not tell how many channels are summed; the count does.
        each = (call.effect.elementwise_ops or 0) // math.prod(case.output)
        return _counted(name, (2 * Symbol("n", (each - 3) // 2) + 3) * outputs,
                        "A square and a sum for each of n neighbouring channels, then scale, power "
                        "and quotient.")
    if operator in ("max_pool2d", "avg_pool2d"):
        return _counted(name, product([*case.outputs, case.window("k", 0), case.window("k", 1)]),
                        "One for each number in each window.")
    if case.adaptive:
        reads = [case.inputs[2 + axis] if _divides(case, axis) else
                 Symbol(f"u_{'hw'[axis]}", _reads(case.input[2 + axis], case.output[2 + axis]))
                 for axis in (0, 1)]
        return _counted(name, product([*case.inputs[:2], *reads]),
                        "One for each number in each window.")
    if operator == "mean":
        return _counted(name, product(case.inputs), "One sum for each number.")
    if operator in ("dropout", "dropout2d", "feature_dropout"):
        if not case.summary.trace.training:
            return Step(name, 0, notes=("None: dropout acts in training only.",))
        return _counted(name, outputs, "In training each number is multiplied by 0 or by a factor.")
    if operator in BINARY or operator in POINTWISE:
        cost = BINARY.get(operator) or POINTWISE[operator]
        formula = outputs if cost == 1 else Symbol("q", cost) * outputs
        work = WORK.get(operator)
        return _counted(name, formula, *([f"For each number {work}."] if work else
                                         ["One for each number."] if cost == 1 else []))
    return Step(name, 0, notes=("None: numbers are moved, none is computed.",))


def _reads(size: int, out: int) -> int:
    """Inputs that adaptive pooling reads along one side, once for each window that reads them."""
    return sum(-(-(i + 1) * size // out) - i * size // out for i in range(out))


def _not_counted(name: str) -> Step:
    return Step(name, None, notes=("Not counted: there is no rule for this operation. It is in no "
                                   "total.",))


# Memory

def _bytes(case: _Case) -> Step:
    name, call = "Output bytes", case.call
    if not call.effect.allocates:
        held = "the network's input" if call.storage == NETWORK_INPUT else \
            f"the output of {_named(case.summary, call.storage)}"
        how = "A view" if case.operator in VIEWS or case.operator == "getitem" else \
            "It passes its input through" if case.operator.endswith("dropout") or \
            case.operator.startswith("dropout") else "It works in place"
        return Step(name, 0, notes=(f"{how}: it shares its input's memory, {held}.",), unit="bytes")
    return _counted(name, product([*case.outputs, Symbol("b", element_bytes(case.summary))]),
                    unit="bytes")


def element_bytes(summary: Summary) -> int:
    """Bytes of a number that the summary was made with."""
    return next((layer.activation_bytes // math.prod(layer.output_shape)
                 for layer in summary.layers if layer.activation_bytes), 4)


# Receptive field

def _receptive_field(case: _Case) -> Step:
    name, call = "Receptive field", case.call
    given = [(producer, ReceptiveField() if producer == NETWORK_INPUT else
              case.summary.layers[producer].receptive_field) for producer in call.inputs]
    known = [(producer, field) for producer, field in given if field is not None]
    if len(case.output) != 4 or not known:
        return Step(name, None, notes=("Positions are gone from here on: each number can see all "
                                       "that the last feature map saw.",))
    lines: list[Line] = []
    notes: list[str] = []
    field = known[0][1]
    if len({field for _, field in known}) > 1:
        lines, field = _union([field for _, field in known])
        notes = list(_dominant(case, known, field))
    elif len(known) > 1:
        notes = ["All inputs see the same, and so does what they become."]
    if call.effect.window is None:
        if len(known) == 1:
            notes.append("As in the input: each position reads its own alone."
                         if call.known else "As in the input: no rule tells more.")
    else:
        more, field = _widened(case, field)
        lines += more
        if call.effect.window.whole and max(case.output[2:]) == 1:
            notes.append("The window is the whole feature map.")
    notes.append(f"Neighbouring positions are {text.side(field.stride)} pixels apart; position 0 "
                 f"sees from pixel {_signed(field.start)}"
                 f"{', inside the padding' if min(field.start) < 0 else ''}.")
    return Step(name, field, tuple(lines), tuple(notes))


def _widened(case: _Case, field: ReceptiveField) -> tuple[list[Line], ReceptiveField]:
    """A field behind the layer's window, and how."""
    def size(axis: int) -> Expression:
        return Symbol("r_in", field.size[axis]) + (case.window("k", axis) - 1) \
            * case.window("d", axis) * Symbol("j_in", field.stride[axis])

    def jump(axis: int) -> Expression:
        return Symbol("j_in", field.stride[axis]) * case.window("s", axis)

    def start(axis: int) -> Expression:
        return Symbol("a_in", field.start[axis]) - case.window("p", axis) \
            * Symbol("j_in", field.stride[axis])

    return _field([size, jump, start], ["r_out", "j_out", "a_out"])


def _union(fields: list[ReceptiveField]) -> tuple[list[Line], ReceptiveField]:
    """From the first start to the last end among the inputs."""
    def of(letter: str, axis: int) -> list[Expression]:
        pairs = [{"r": field.size, "j": field.stride, "a": field.start}[letter] for field in fields]
        return [Symbol(f"{letter}_{number}", pair[axis]) for number, pair in enumerate(pairs, 1)]

    def start(axis: int) -> Expression:
        return smallest(of("a", axis))

    def end(axis: int) -> Expression:
        return largest([a + r for a, r in zip(of("a", axis), of("r", axis), strict=True)])

    def size(axis: int) -> Expression:
        return Symbol("e_out", end(axis).value) - Symbol("a_out", start(axis).value)

    def jump(axis: int) -> Expression:
        return smallest(of("j", axis))

    return _field([start, end, size, jump], ["a_out", "e_out", "r_out", "j_out"])


def _field(makers: list[Callable[[int], Expression]],
           names: list[str]) -> tuple[list[Line], ReceptiveField]:
    values = {name: (make(0).value, make(1).value)
              for name, make in zip(names, makers, strict=True)}
    lines = [line for name, make in zip(names, makers, strict=True)
             for line in _by_axis(make, (name, name))]
    return lines, ReceptiveField(values["r_out"], values["j_out"], values["a_out"])


def _dominant(case: _Case, known: list[tuple[int, ReceptiveField]],
              union: ReceptiveField) -> Iterator[str]:
    """Which input sees all that the merge sees."""
    yield "The union of what the inputs see."
    whole = [(number, producer) for number, (producer, field) in enumerate(known, 1)
             if (field.size, field.start) == (union.size, union.start)]
    for number, producer in whole:
        yield f"Input {number}, {_named(case.summary, producer)}, sees all of it."
    if not whole:
        yield "No input sees all of it alone."
    if len({field.stride for _, field in known}) > 1:
        yield "The smallest distance counts: a 1×1 input is repeated over the other's positions."


# Words

def _named(summary: Summary, producer: int) -> str:
    """A layer as people find it: its number and its path."""
    if producer == NETWORK_INPUT:
        return "the network's input"
    return f"layer #{producer} ({summary.layers[producer].path})"


def _signed(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} by height and {pair[1]} by width"


def _values(values: list[int]) -> str:
    return " or ".join(f"{value:,}" for value in values)


def _meaning(name: str) -> str:
    if name in MEANINGS:
        return MEANINGS[name]
    letter, _, number = name.partition("_")
    return NUMBERED[letter].format(number)
