"""How each figure of a layer comes about: the formula in symbols, the layer's numbers in place.

Every formula is evaluated from shapes, windows and parameters, and the result is compared with the
figure that the analysis counted; a step without a formula that gives that figure says so, and shows
none. Units: bytes, image pixels, and plain counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Literal, NamedTuple

from explorer import text
from explorer.analysis import Layer, ReceptiveField, Summary
from explorer.analysis.memory import item_bytes, other_outputs
from explorer.analysis.receptive_field import field_of_input
from explorer.config import ConfigError
from explorer.formula import Equation, Expression, Number, Symbol, largest, product, smallest, total
from explorer.language import Text, say
from explorer.text import Rational
from explorer.tracing import NETWORK_INPUT, Call
from explorer.tracing.operators import Shape
from explorer.tracing.operators.explanation import SIDES, Case, Words, by_axis, counted, numel

NO_FORMULA = "The figure comes from the program's table of operators; it has no formula here."
DISAGREES = "The program's table of operators contradicts itself here"

StepName = Literal["Output shape", "Parameters", "Multiply-adds", "Element-wise operations",
                   "Output bytes", "Receptive field", "Output memory", "Output"]

SPREAD = {
    "f": Text("side of a filter of a transposed convolution"),
    "t": Text("stride of a transposed convolution: outputs from one input to the next"),
    "c": Text("outputs that are cut off at each edge"),
    "e": Text("dilation: distance between the outputs that a filter gives to"),
    "o": Text("outputs that are added at the end"),
}
"""Of a transposed convolution."""

MEANINGS = {
    "N": Text("images in the batch"),
    "C": Text("channels"), "C_in": Text("channels of the input"),
    "C_out": Text("channels of the output"),
    "H": Text("height"), "H_in": Text("height of the input"), "H_out": Text("height of the output"),
    "W": Text("width"), "W_in": Text("width of the input"), "W_out": Text("width of the output"),
    "D": Text("depth"), "D_in": Text("depth of the input"), "D_out": Text("depth of the output"),
    "L": Text("length: positions in a row"), "L_in": Text("length of the input"),
    "L_out": Text("length of the output"),
    "F": Text("features"), "F_in": Text("features of the input"),
    "F_out": Text("features of the output"),
    "K": Text("products that are summed for one output"),
    "k": Text("kernel: the side of the window"), "k_h": Text("height of the kernel, the window"),
    "k_w": Text("width of the kernel, the window"), "k_d": Text("depth of the kernel, the window"),
    "s": Text("stride: by how much the window moves"), "s_h": Text("stride downwards"),
    "s_w": Text("stride to the right"), "s_d": Text("stride in depth"),
    "p": Text("padding at each edge"), "p_h": Text("padding above and below"),
    "p_w": Text("padding left and right"), "p_d": Text("padding in front and behind"),
    "d": Text("dilation: distance between the inputs that the kernel reads"),
    "d_h": Text("dilation by height"), "d_w": Text("dilation by width"),
    "d_d": Text("dilation by depth"),
    **SPREAD,
    **{f"{letter}_d": Text("{meaning}, by depth", meaning=meaning)
       for letter, meaning in SPREAD.items()},
    **{f"{letter}_h": Text("{meaning}, by height", meaning=meaning)
       for letter, meaning in SPREAD.items()},
    **{f"{letter}_w": Text("{meaning}, by width", meaning=meaning)
       for letter, meaning in SPREAD.items()},
    "g": Text("groups: parts of the channels that are convolved separately"),
    "h": Text("heads, each with its own attention"), "S": Text("keys, each with its value"),
    "E": Text("numbers of a query or of a key, in one head"),
    "E_v": Text("numbers of a value, in one head"),
    "n": Text("neighbouring channels that are summed"),
    "q": Text("arithmetic operations for each number"), "b": Text("bytes of a number"),
    "u": Text("inputs read, once for each window that reads them"),
    "u_d": Text("slices read, once for each window that reads them"),
    "u_h": Text("rows read, once for each window that reads them"),
    "u_w": Text("columns read, once for each window that reads them"),
    "r_in": Text("receptive field of the input, in pixels of the image"),
    "r_out": Text("receptive field, in pixels of the image"),
    "j_in": Text("pixels of the image between neighbouring positions of the input"),
    "j_out": Text("pixels of the image between neighbouring positions"),
    "a_in": Text("first pixel that position 0 of the input sees"),
    "a_out": Text("first pixel that position 0 sees; negative inside the padding"),
    "e_out": Text("first pixel after those that position 0 sees"),
}
"""What each symbol stands for."""

Result = Rational | tuple[Rational, ...] | ReceptiveField | None


class Step(NamedTuple):
    """One figure of the layer."""

    name: StepName
    result: Result
    """What the equations give; None where it is not counted, or where there is none."""
    equations: tuple[Equation, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences that the formulas do not say, as plain text."""
    in_bytes: bool = False

    @property
    def shown(self) -> str:
        """The result for people."""
        match self.result:
            case ReceptiveField(size):
                return _pixels(size)
            case tuple(sides):
                return text.shape(sides)
            case None:
                return say("none") if self.name == "Receptive field" else say(text.NOT_COUNTED)
            case count:
                number = text.number(count)
                return say("{number} bytes", number=number) if self.in_bytes else number


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
                    meanings.setdefault(symbol.name,
                                        str(symbol.meaning) or _meaning(symbol.name))
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


def _no_layer(summary: Summary, got: object) -> Text:
    return Text("`layer` must be a whole number between 0 and {last}, the # of a layer of this "
                "network; got {got}.", last=len(summary.layers) - 1, got=got)


def to_text(title: str, derivation: Derivation) -> str:
    """A derivation for a terminal, in English; `title` says of which network."""
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
    why = say("{contradiction}: the table counts {counted}, its formula gives {given}.",
              contradiction=say(DISAGREES), counted=figure.shown, given=step.shown) \
        if step.equations else say(NO_FORMULA)
    return figure._replace(notes=(why,))


# Output shape

def _output_shape(case: Case) -> Step:
    words = case.entry.shape(case) if case.entry else Words(
        notes=(say("There is no rule for this operation; PyTorch itself gives its shape."),))
    given = {name: equation.value for equation in words.equations for name in equation.names}
    sides = [given.get(side.name, side.number) if isinstance(side, Symbol) else side.value
             for side in case.outputs]
    return Step("Output shape", tuple(sides), words.equations, tuple(map(str, words.notes)))


# Parameters

def _parameters(summary: Summary, case: Case) -> Step:
    name: StepName = "Parameters"
    call = case.call
    if not call.parameters:
        return Step(name, 0, notes=(say("This layer has none."),))
    if summary.layers[call.index].unused:
        return Step(name, 0, notes=(
            say("No output depends on this layer: its parameters are not used."),))
    first = _first_uses(summary, case)
    shapes = dict(case.parameters)
    earlier = [user for user in first.values() if user != call.index]
    if earlier:
        notes = [say("Counted at {layer}, which reads the same parameters first.",
                     layer=_named(summary, user)) for user in sorted(set(earlier))]
        own = [shapes[parameter] for parameter, user in first.items() if user == call.index]
        return _counted(name, counted("params", numel(own), *notes)) if own else \
            Step(name, 0, notes=tuple(notes))
    if case.entry and case.entry.params and not case.computed:
        return _counted(name, case.entry.params(case))
    notes = [case.held]
    if case.other_weights:
        notes.append(say("The other weights that it reads are computed or constant."))
    return _counted(name, counted("params", numel([shapes[parameter] for parameter in first]),
                                  *notes))


def _counted(name: StepName, words: Words, *, in_bytes: bool = False) -> Step:
    """A step whose result one equation gives; nothing where there is none."""
    result = words.equations[-1].value if words.equations else 0
    return Step(name, result, words.equations, tuple(map(str, words.notes)), in_bytes)


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
    name: StepName = "Multiply-adds"
    if case.entry is None:
        if case.call.effect.macs is None:
            return _not_counted(name)
        return Step(name, case.call.effect.macs, notes=(
            say("From PyTorch's own counter (torch.utils.flop_counter): there is no rule for "
                "this operation."),))
    if case.entry.macs is None:
        return Step(name, 0, notes=(say("None: only convolutions and matrix products have them."),))
    return _counted(name, case.entry.macs(case))


def _elementwise(case: Case) -> Step:
    name: StepName = "Element-wise operations"
    return _counted(name, case.entry.work(case)) if case.entry else _not_counted(name)


def _not_counted(name: StepName) -> Step:
    return Step(name, None, notes=(
        say("Not counted: there is no rule for this operation. It is not in any total."),))


# Memory

def _bytes(summary: Summary, case: Case) -> Step:
    name: StepName = "Output bytes"
    call = case.call
    if not call.effect.allocates:
        held = _named(summary, call.storage)
        if call.storage >= 0:
            held = say("the output of {layer}", layer=held)
        note = say("A view: it shares its input's memory, {held}." if call.kind == "reshape" else
                   "It passes its input through: it shares its input's memory, {held}."
                   if not call.effect.elementwise_ops else
                   "It works in place: it shares its input's memory, {held}.", held=held)
        return Step(name, 0, notes=(note,), in_bytes=True)
    others = other_outputs(call, summary.element_bytes)
    item = item_bytes(call.effect.dtype, summary.element_bytes)
    size = product([*case.outputs, Symbol("b", item)])
    if not others:
        return _counted(name, counted("bytes", size), in_bytes=True)
    return _counted(name, counted("bytes", total([size, *map(Number, others)]),
                                  say("The other outputs also take memory.")), in_bytes=True)


# Receptive field

def _receptive_field(summary: Summary, case: Case) -> Step:
    name: StepName = "Receptive field"
    call = case.call
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
        notes = [say("All inputs have the same receptive field, and so does the output.")]
    if call.effect.window is None:
        if len(known) == 1:
            notes.append(say("As in the input." if call.kind == "normalisation" else
                             "As in the input: each position reads only itself."))
    else:
        more, field = _widened(case, field)
        equations += more
        if call.effect.window.whole and set(case.output[-len(field.size):]) == {1}:
            notes.append(say("The window is the whole feature map."))
    notes.append(say(
        "Neighbouring positions are {pixels} apart; position 0 sees from pixel {first}, inside the "
        "padding." if min(field.start) < 0 else
        "Neighbouring positions are {pixels} apart; position 0 sees from pixel {first}.",
        pixels=_pixels(field.stride), first=_signed(field.start)))
    return Step(name, field, equations, tuple(notes))


def _no_field(summary: Summary, call: Call) -> str:
    """Why a call has none."""
    if not call.known:
        return say("It is not known which positions this operation reads.")
    seen = [summary.layers[producer].receptive_field for producer in call.inputs if producer >= 0]
    if any(seen) or len(seen) < len(call.inputs):
        return say("It takes the map apart: what each number sees is not followed from here on."
                   if call.kind == "reshape" else
                   "It mixes positions: each output depends on the whole input.")
    return say("No map is left here: what each number sees is not followed.")


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
    yield say("The union of the receptive fields of the inputs.")
    whole = [(number, producer) for number, (producer, field) in enumerate(known, 1)
             if (field.size, field.start) == (union.size, union.start)]
    for number, producer in whole:
        yield say("Input {number}, {layer}, sees all of it.", number=number,
                  layer=_named(summary, producer))
    if not whole:
        yield say("No single input sees all of it.")
    if len({field.stride for _, field in known}) > 1:
        yield say("The smallest distance counts: a 1×1 input is repeated over the other's "
                  "positions.")


# Words

def _named(summary: Summary, producer: int) -> str:
    """A layer as people find it: its number and its path."""
    if producer < 0:
        given = summary.trace.inputs
        return say("the network's input" if len(given) == 1 else "the network's input {name}",
                   name=given[NETWORK_INPUT - producer].name or -producer)
    return say("layer #{number} ({path})", number=producer, path=summary.layers[producer].path)


def _pixels(sides: tuple[Rational, ...]) -> str:
    return say("1 pixel" if set(sides) == {1} else "{size} pixels", size=text.side(sides))


def _signed(start: tuple[Rational, ...]) -> str:
    """
    >>> _signed((-3, -3)), _signed((0, -1))
    ('-3', '0 by height and -1 by width')
    """
    if len(set(start)) == 1:
        return text.number(start[0])
    return text.enumeration([say("{number} by {side}", number=text.number(value), side=say(side))
                             for value, side in zip(start, SIDES[-len(start):], strict=True)])


def _values(values: list[Rational]) -> str:
    return reduce(lambda before, value: say("{before} or {value}", before=before, value=value),
                  map(text.number, values))


def _meaning(name: str) -> str:
    if name in MEANINGS:
        return str(MEANINGS[name])
    letter, _, number = name.partition("_")
    match letter:
        case "r":
            return say("receptive field of input {number}, in pixels of the image", number=number)
        case "j":
            return say("pixels of the image between neighbouring positions of input {number}",
                       number=number)
        case "a":
            return say("first pixel that position 0 of input {number} sees", number=number)
        case "D":
            return say("side {number} of the tensor", number=number)
        case "S":
            return say("that side of input {number}", number=number)
        case "N" | "C" | "H" | "W" | "L" | "F":
            return say("{meaning} of input {number}", meaning=MEANINGS[letter], number=number)
    return ""
