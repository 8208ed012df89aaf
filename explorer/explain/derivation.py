"""How each figure of a layer comes about: the formula in symbols, the layer's numbers in place.

Every formula is evaluated from shapes, windows and parameters, and the result is compared with the
figure that the analysis counted; a step without a formula that gives that figure says so, and shows
none. Units: bytes, image pixels, and plain counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from explorer import text
from explorer.analysis import Layer, ReceptiveField, Summary
from explorer.analysis.memory import item_bytes, other_outputs
from explorer.analysis.receptive_field import field_of_input
from explorer.config import ConfigError
from explorer.formula import Equation, Expression, Number, Symbol, largest, product, smallest, total
from explorer.text import Rational
from explorer.tracing import NETWORK_INPUT, Call
from explorer.tracing.operators import Shape
from explorer.tracing.operators.explanation import SIDES, Case, Words, by_axis, counted, numel

NO_FORMULA = "The figure comes from the program's table of operators; it has no formula here."
DISAGREES = "The program's table of operators contradicts itself here"

MEANINGS = {
    "N": "images in the batch",
    "C": "channels", "C_in": "channels of the input", "C_out": "channels of the output",
    "H": "height", "H_in": "height of the input", "H_out": "height of the output",
    "W": "width", "W_in": "width of the input", "W_out": "width of the output",
    "D": "depth", "D_in": "depth of the input", "D_out": "depth of the output",
    "L": "length: positions in a row", "L_in": "length of the input",
    "L_out": "length of the output",
    "F": "features", "F_in": "features of the input", "F_out": "features of the output",
    "K": "products that are summed for one output",
    "k": "kernel: the side of the window", "k_h": "height of the kernel, the window",
    "k_w": "width of the kernel, the window", "k_d": "depth of the kernel, the window",
    "s": "stride: by how much the window moves", "s_h": "stride downwards",
    "s_w": "stride to the right", "s_d": "stride in depth",
    "p": "padding at each edge", "p_h": "padding above and below",
    "p_w": "padding left and right", "p_d": "padding in front and behind",
    "d": "dilation: distance between the inputs that the kernel reads",
    "d_h": "dilation by height", "d_w": "dilation by width", "d_d": "dilation by depth",
    **{f"{letter}{side}": meaning + by for side, by in (
        ("", ""), ("_d", ", by depth"), ("_h", ", by height"), ("_w", ", by width"))
       for letter, meaning in (
           ("f", "side of a filter of a transposed convolution"),
           ("t", "stride of a transposed convolution: outputs from one input to the next"),
           ("c", "outputs that are cut off at each edge"),
           ("e", "dilation: distance between the outputs that a filter gives to"),
           ("o", "outputs that are added at the end"))},
    "g": "groups: parts of the channels that are convolved separately",
    "h": "heads, each with its own attention", "S": "keys, each with its value",
    "E": "numbers of a query or of a key, in one head", "E_v": "numbers of a value, in one head",
    "n": "neighbouring channels that are summed",
    "q": "arithmetic operations for each number", "b": "bytes of a number",
    "u": "inputs read, once for each window that reads them",
    "u_d": "slices read, once for each window that reads them",
    "u_h": "rows read, once for each window that reads them",
    "u_w": "columns read, once for each window that reads them",
    "r_in": "receptive field of the input, in pixels of the image",
    "r_out": "receptive field, in pixels of the image",
    "j_in": "pixels of the image between neighbouring positions of the input",
    "j_out": "pixels of the image between neighbouring positions",
    "a_in": "first pixel that position 0 of the input sees",
    "a_out": "first pixel that position 0 sees; negative inside the padding",
    "e_out": "first pixel after those that position 0 sees",
}
"""What each symbol stands for."""

NUMBERED = {
    **{letter: f"{MEANINGS[letter]} of input {{}}" for letter in "NCHWLF"},
    "r": "receptive field of input {}, in pixels of the image",
    "j": "pixels of the image between neighbouring positions of input {}",
    "a": "first pixel that position 0 of input {} sees",
    "D": "side {} of the tensor", "S": "that side of input {}",
}
"""The same for symbols that are numbered, by their letter."""

Result = Rational | tuple[Rational, ...] | ReceptiveField | None


class Step(NamedTuple):
    """One figure of the layer."""

    name: str
    result: Result
    """What the equations give; None where it is not counted, or where there is none."""
    equations: tuple[Equation, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences that the formulas do not say, as plain text."""
    unit: str = ""

    @property
    def shown(self) -> str:
        """The result for people."""
        match self.result:
            case ReceptiveField(size):
                return "1 pixel" if set(size) == {1} else f"{text.side(size)} pixels"
            case tuple(sides):
                return text.shape(sides)
            case None:
                return "none" if self.name == "Receptive field" else text.NOT_COUNTED
            case count:
                return f"{text.number(count)} {self.unit}".rstrip()


class InputTensor(NamedTuple):
    """What the layer reads: a layer's output, or the network's input."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Derivation:
    layer: Layer
    last: int
    """Index of the network's last layer."""
    inputs: tuple[InputTensor, ...]
    steps: tuple[Step, ...]

    @property
    def legend(self) -> list[tuple[str, str, str]]:
        """Symbol, its number, and what it stands for, in the order of reading. A symbol with one
        number by height and another by width has both."""
        numbers: dict[str, dict[Rational, None]] = {}
        meanings: dict[str, str] = {}
        for step in self.steps:
            for equation in step.equations:
                for name in equation.names:
                    if name in MEANINGS:
                        numbers.setdefault(name, {})[equation.value] = None
                for symbol in equation.formula.symbols():
                    numbers.setdefault(symbol.name, {})[symbol.number] = None
                    meanings.setdefault(symbol.name, symbol.meaning or _meaning(symbol.name))
        return [(name, _values(list(values)), meanings.get(name) or _meaning(name))
                for name, values in numbers.items()]


def derive(summary: Summary, index: int) -> Derivation:
    """How the figures of layer `index` come about. Raises `ConfigError` where there is none."""
    layers = summary.layers
    if not 0 <= index < len(layers):
        raise ConfigError(_no_layer(summary, index))
    layer = layers[index]
    call, parameters = layer.call, summary.trace.parameters
    case = Case(call=call, training=summary.trace.training,
                parameters=tuple([(name, parameters[name].shape) for name in call.parameters]))
    inputs = tuple([InputTensor(producer, _named(summary, producer), shape) for producer, shape in
                    zip(call.inputs, call.input_shapes, strict=True)])
    steps = (
        _checked(_output_shape(case), layer.output_shape),
        _checked(_parameters(summary, case), layer.params),
        _checked(_multiply_adds(case), layer.macs),
        _checked(_elementwise(case), layer.elementwise_ops),
        _checked(_bytes(summary, case), layer.activation_bytes),
        _checked(_receptive_field(summary, case), layer.receptive_field),
    )
    return Derivation(layer=layer, last=len(layers) - 1, inputs=inputs, steps=steps)


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
        for equation in step.equations:
            rows += [f"    {row}" for row in equation.to_text()]
        rows += [f"  {note}" for note in step.notes]
    if legend := derivation.legend:
        widths = [max(len(row[column]) for row in legend) for column in (0, 1)]
        rows += ["", "Symbols"]
        rows += [f"  {name:{widths[0]}} = {value:{widths[1]}}  {meaning}".rstrip()
                 for name, value, meaning in legend]
    return "\n".join(rows)


def _checked(step: Step, counted: Result) -> Step:
    """The step, or the counted figure alone where the formulas do not give it."""
    if step.result == counted:
        return step
    figure = step._replace(result=counted, equations=(), notes=())
    why = f"{DISAGREES}: the table counts {figure.shown}, its formula gives {step.shown}." \
        if step.equations else NO_FORMULA
    return figure._replace(notes=(why,))


# Output shape

def _output_shape(case: Case) -> Step:
    words = case.entry.shape(case) if case.entry else Words(
        notes=("There is no rule for this operation; PyTorch itself gives its shape.",))
    given = {name: equation.value for equation in words.equations for name in equation.names}
    sides = [given.get(side.name, side.number) if isinstance(side, Symbol) else side.value
             for side in case.outputs]
    return Step("Output shape", tuple(sides), words.equations, words.notes)


# Parameters

def _parameters(summary: Summary, case: Case) -> Step:
    name, call = "Parameters", case.call
    if not call.parameters:
        return Step(name, 0, notes=("This layer has none.",))
    if summary.layers[call.index].unused:
        return Step(name, 0, notes=(
            "No output depends on this layer: its parameters are not used.",))
    first = _first_uses(summary, case)
    shapes = dict(case.parameters)
    earlier = [user for user in first.values() if user != call.index]
    if earlier:
        notes = [f"Counted at {_named(summary, user)}, which reads the same parameters first."
                 for user in sorted(set(earlier))]
        own = [shapes[parameter] for parameter, user in first.items() if user == call.index]
        return _counted(name, counted("params", numel(own), *notes)) if own else \
            Step(name, 0, notes=tuple(notes))
    if case.entry and case.entry.params and not case.computed:
        return _counted(name, case.entry.params(case))
    notes = [case.held]
    if case.other_weights:
        notes.append("The other weights that it reads are computed or constant.")
    return _counted(name, counted("params", numel([shapes[parameter] for parameter in first]),
                                  *notes))


def _counted(name: str, words: Words, unit: str = "") -> Step:
    """A step whose result one equation gives; nothing where there is none."""
    result = words.equations[-1].value if words.equations else 0
    return Step(name, result, words.equations, words.notes, unit)


def _first_uses(summary: Summary, case: Case) -> dict[str, int]:
    """The first call that reads each parameter of this one."""
    wanted = dict.fromkeys(case.call.parameters, case.call.index)
    for layer in reversed(summary.layers[:case.call.index]):
        for parameter in layer.call.parameters if not layer.unused else ():
            if parameter in wanted:
                wanted[parameter] = layer.index
    return wanted


# Operations

def _multiply_adds(case: Case) -> Step:
    name = "Multiply-adds"
    if case.entry is None:
        if case.call.effect.macs is None:
            return _not_counted(name)
        return Step(name, case.call.effect.macs, notes=(
            "From PyTorch's own counter (torch.utils.flop_counter): there is no rule for "
            "this operation.",))
    if case.entry.macs is None:
        return Step(name, 0, notes=("None: only convolutions and matrix products have them.",))
    return _counted(name, case.entry.macs(case))


def _elementwise(case: Case) -> Step:
    name = "Element-wise operations"
    return _counted(name, case.entry.work(case)) if case.entry else _not_counted(name)


def _not_counted(name: str) -> Step:
    return Step(name, None, notes=("Not counted: there is no rule for this operation. It is not in "
                                   "any total.",))


# Memory

def _bytes(summary: Summary, case: Case) -> Step:
    name, call = "Output bytes", case.call
    if not call.effect.allocates:
        held = _named(summary, call.storage) if call.storage < 0 else \
            f"the output of {_named(summary, call.storage)}"
        how = "A view" if call.kind == "reshape" else \
            "It passes its input through" if not call.effect.elementwise_ops else \
            "It works in place"
        return Step(name, 0, notes=(f"{how}: it shares its input's memory, {held}.",), unit="bytes")
    others = other_outputs(call, summary.element_bytes)
    item = item_bytes(call.effect.dtype, summary.element_bytes)
    size = product([*case.outputs, Symbol("b", item)])
    if not others:
        return _counted(name, counted("bytes", size), unit="bytes")
    return _counted(name, counted("bytes", total([size, *map(Number, others)]),
                                  "The other outputs also take memory."), unit="bytes")


# Receptive field

def _receptive_field(summary: Summary, case: Case) -> Step:
    name, call = "Receptive field", case.call
    if summary.layers[call.index].receptive_field is None:
        return Step(name, None, notes=(_no_field(summary, call),))
    given = [(producer, field_of_input(summary.trace.given(producer).shape) if producer < 0 else
              summary.layers[producer].receptive_field) for producer in call.inputs]
    known = [(producer, field) for producer, field in given if field is not None]
    equations: tuple[Equation, ...] = ()
    notes: list[str] = []
    field = known[0][1]
    if len({field for _, field in known}) > 1:
        equations, field = _union([field for _, field in known])
        notes = list(_dominant(summary, known, field))
    elif len(known) > 1:
        notes = ["All inputs have the same receptive field, and so does the output."]
    if call.effect.window is None:
        if len(known) == 1:
            notes.append("As in the input." if call.kind == "normalisation" else
                         "As in the input: each position reads only itself.")
    else:
        more, field = _widened(case, field)
        equations += more
        if call.effect.window.whole and set(case.output[-len(field.size):]) == {1}:
            notes.append("The window is the whole feature map.")
    apart = "1 pixel" if set(field.stride) == {1} else f"{text.side(field.stride)} pixels"
    notes.append(f"Neighbouring positions are {apart} apart; position 0 "
                 f"sees from pixel {_signed(field.start)}"
                 f"{', inside the padding' if min(field.start) < 0 else ''}.")
    return Step(name, field, equations, tuple(notes))


def _no_field(summary: Summary, call: Call) -> str:
    """Why a call has none."""
    if not call.known:
        return "It is not known which positions this operation reads."
    seen = [summary.layers[producer].receptive_field for producer in call.inputs if producer >= 0]
    if any(seen) or len(seen) < len(call.inputs):
        return "It takes the map apart: what each number sees is not followed from here on." \
            if call.kind == "reshape" else \
            "It mixes positions: each output depends on the whole input."
    return "No map is left here: what each number sees is not followed."


def _widened(case: Case, field: ReceptiveField
             ) -> tuple[tuple[Equation, ...], ReceptiveField]:
    """A field behind the layer's window, and how."""
    def size(axis: int) -> Expression:
        return Symbol("r_in", field.size[axis]) + (case.window("k", axis) - 1) \
            * case.window("d", axis) * Symbol("j_in", field.stride[axis])

    def jump(axis: int) -> Expression:
        return Symbol("j_in", field.stride[axis]) * case.window("s", axis)

    def start(axis: int) -> Expression:
        return Symbol("a_in", field.start[axis]) - case.window("p", axis) \
            * Symbol("j_in", field.stride[axis])

    return _field([size, jump, start], ["r_out", "j_out", "a_out"], len(field.size))


def _union(fields: list[ReceptiveField]) -> tuple[tuple[Equation, ...], ReceptiveField]:
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

    return _field([start, end, size, jump], ["a_out", "e_out", "r_out", "j_out"],
                  len(fields[0].size))


def _field(makers: list[Callable[[int], Expression]], names: list[str],
           rank: int) -> tuple[tuple[Equation, ...], ReceptiveField]:
    values = {name: tuple([make(axis).value for axis in range(rank)])
              for name, make in zip(names, makers, strict=True)}
    equations = tuple([equation for name, make in zip(names, makers, strict=True)
                       for equation in by_axis(make, (name,) * rank)])
    return equations, ReceptiveField(values["r_out"], values["j_out"], values["a_out"])


def _dominant(summary: Summary, known: list[tuple[int, ReceptiveField]],
              union: ReceptiveField) -> Iterator[str]:
    """Which input sees all that the merge sees."""
    yield "The union of the receptive fields of the inputs."
    whole = [(number, producer) for number, (producer, field) in enumerate(known, 1)
             if (field.size, field.start) == (union.size, union.start)]
    for number, producer in whole:
        yield f"Input {number}, {_named(summary, producer)}, sees all of it."
    if not whole:
        yield "No single input sees all of it."
    if len({field.stride for _, field in known}) > 1:
        yield "The smallest distance counts: a 1×1 input is repeated over the other's positions."


# Words

def _named(summary: Summary, producer: int) -> str:
    """A layer as people find it: its number and its path."""
    if producer < 0:
        given = summary.trace.inputs
        return "the network's input" if len(given) == 1 else \
            f"the network's input {given[NETWORK_INPUT - producer].name or -producer}"
    return f"layer #{producer} ({summary.layers[producer].path})"


def _signed(start: tuple[Rational, ...]) -> str:
    """
    >>> _signed((-3, -3)), _signed((0, -1))
    ('-3', '0 by height and -1 by width')
    """
    if len(set(start)) == 1:
        return text.number(start[0])
    return text.enumeration([f"{text.number(value)} by {name}" for value, name in
                             zip(start, SIDES[-len(start):], strict=True)])


def _values(values: list[Rational]) -> str:
    return " or ".join(map(text.number, values))


def _meaning(name: str) -> str:
    if name in MEANINGS:
        return MEANINGS[name]
    letter, _, number = name.partition("_")
    return NUMBERED[letter].format(number) if letter in NUMBERED else ""
