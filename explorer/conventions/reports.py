"""What the tools' files share: what a tool reports, and a pass as hooks on its modules see it.

A figure is our own and the terms that the tool adds to it or leaves out, each with the sentence
that explains it; the terms add up to the whole difference.

All of it is about a pass in evaluation, with float32, as the tools make it by themselves: where
they do not switch gradients off, PyTorch's attention goes its ordinary way. "Places" are the
places where a module is registered: a module that two containers share has two.

Where a tool cannot run a network, or a trace does not tell what it says of it, its figure is not
computed, and a sentence says why: no figure is better than a wrong one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, Literal, NamedTuple

import torch

from explorer.analysis import Summary
from explorer.language import Text, say
from explorer.text import enumeration, listing, sentences
from explorer.tracing import Call, Module, ModuleRun, Operand
from explorer.tracing.operators import Shape

ELEMENT_BYTES = 4
MIB = 2 ** 20
MB = 10 ** 6

Quantity = Literal["parameters", "operations", "memory"]


class NotComputed(Exception):
    """Why a figure cannot be had, as a sentence."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the difference, with its sign, and the sentence that explains it."""

    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a tool; operations count one for each multiply-add, memory is in bytes."""

    quantity: Quantity
    name: str
    """What the tool calls it."""
    value: int | None
    """None where it is not computed for this network; the one term says why."""
    ours: int
    our_name: str
    terms: tuple[Term, ...]
    unit: int = 1
    """Bytes in what the tool prints as one MB."""

    @property
    def difference(self) -> int | None:
        return None if self.value is None else self.value - self.ours


@dataclass(frozen=True, slots=True)
class ToolReport:
    """What one tool says of a network."""

    tool: str
    version: str
    figures: tuple[Figure, ...]
    remark: str = ""
    """What its reader should know beside the figures."""


PARAMS_LINES = ("Total params", "Trainable params", "Non-trainable params")
MEMORY_LINES = ("Input size (MB)", "Forward/backward pass size (MB)", "Params size (MB)",
                "Estimated Total Size (MB)")


@dataclass(frozen=True, slots=True)
class Footer:
    """What torchinfo and torchsummary alike print below their tables; sizes in bytes."""

    unit: int
    """Bytes in what the tool prints as one MB."""
    params: int
    trainable: int
    input_size: int
    pass_size: int
    params_size: int

    @property
    def total_size(self) -> int:
        return self.input_size + self.pass_size + self.params_size

    def megabytes(self, size: int) -> str:
        return f"{size / self.unit:.2f}"

    def lines(self) -> dict[str, str]:
        """The figures as printed, by their names."""
        counts = (self.params, self.trainable, self.params - self.trainable)
        sizes = (self.input_size, self.pass_size, self.params_size, self.total_size)
        return {**dict(zip(PARAMS_LINES, [f"{count:,}" for count in counts], strict=True)),
                **dict(zip(MEMORY_LINES, map(self.megabytes, sizes), strict=True))}


class LeafRun(NamedTuple):
    """One run of a module without children, as a hook on it sees it."""

    path: str
    type: str
    kind: str
    """Its type where that is one of PyTorch's own, else "": some tools know no other."""
    places: int
    parameters: tuple[str, ...]
    batch: int
    input_shape: Shape | None
    """Of its first argument; None where that is no tensor, or is given by name."""
    output_shapes: tuple[Shape, ...]
    alone: bool
    """Whether it returns one tensor, by itself."""
    calls: tuple[Call, ...]

    @property
    def outputs(self) -> int:
        """Numbers in its output; of several the first, which is the one that is looked at."""
        return math.prod(self.output_shapes[0]) if self.output_shapes else 0

    @property
    def macs(self) -> int:
        return sum(call.effect.macs or 0 for call in self.calls)

    @property
    def inputs(self) -> int:
        """Numbers in its input. Raises `NotComputed` where a hook finds none."""
        return math.prod(self.first)

    @property
    def first(self) -> Shape:
        if self.input_shape is None:
            raise NotComputed(Text("The tool looks at the first argument of {layer}, which is no "
                                   "tensor here or stands under its name.", layer=named(self)))
        return self.input_shape

    def call(self, operator: str) -> Call:
        """The call that does what the module is for."""
        for call in self.calls:
            if call.operator == operator:
                return call
        raise NotComputed(Text("{layer} does its work in another way than the tool expects.",
                               layer=named(self)))


class Seen:
    """A summary as hooks on its modules see it."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.trace = summary.trace
        self.totals = summary.totals
        self.batch = summary.trace.input_shape[0] if summary.trace.input_shape else 1
        self.input_bytes = sum(math.prod(given.shape) * given.dtype.itemsize
                               for given in summary.trace.inputs if not given.name)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """How often a walk from the network down meets each module."""
        counts: Counter[str] = Counter()

        def walk(path: str) -> None:
            counts[path] += 1
            for child in dict.fromkeys(self.trace.modules[path].children):
                walk(child)
        walk("")
        return counts

    @cached_property
    def runs(self) -> tuple[ModuleRun, ...]:
        """Those that a hook sees, in their order."""
        return tuple([run for run in self.trace.runs if run.called])

    @cached_property
    def leaves(self) -> tuple[LeafRun, ...]:
        modules = self.trace.modules
        return tuple([LeafRun(
            path=run.path, type=run.type, kind=own_type(modules[run.path]),
            places=self.places[run.path], parameters=modules[run.path].parameters,
            batch=run.output_shapes[0][0] if run.output_shapes and run.output_shapes[0] else 0,
            input_shape=run.input_shape, output_shapes=run.output_shapes, alone=run.alone,
            calls=self.trace.calls[run.start:run.stop])
            for run in self.runs if not modules[run.path].children])

    @cached_property
    def module_calls(self) -> frozenset[int]:
        """The calls that are all that a module does: a hook sees no other, such as a function's."""
        return frozenset(leaf.calls[0].index for leaf in self.leaves
                         if len(leaf.calls) == 1 and leaf.calls[0].path == leaf.path)

    def own(self, path: str) -> Mapping[str, str]:
        """The parameters of a module, without those of its children, by their names in it."""
        return {name.rpartition(".")[2]: name for name in self.trace.modules[path].parameters}

    def size(self, parameters: Iterable[str], *, trainable: bool = False) -> int:
        """How many numbers parameters hold, all or those that training changes."""
        chosen = [self.trace.parameters[name] for name in parameters]
        return sum(parameter.numel for parameter in chosen
                   if parameter.trainable or not trainable)

    # What it needs of a network

    def several_modules(self) -> None:
        if not self.trace.modules[""].children:
            raise NotComputed(Text("The network is one module without parts, and hooks look at "
                                   "parts."))

    def one_input(self) -> None:
        if len(self.trace.inputs) > 1:
            raise NotComputed(Text("The tool makes one input by itself; this network takes "
                                   "{count}.", count=len(self.trace.inputs)))

    def floats(self) -> None:
        for given in self.trace.inputs:
            if given.dtype != torch.float32:
                raise NotComputed(Text(
                    "The tool makes its inputs by itself, all of float32; this network takes one "
                    "of {dtype}.", dtype=str(given.dtype).split(".")[-1]))

    def by_position(self) -> None:
        for given in self.trace.inputs:
            if given.name:
                raise NotComputed(Text("The tool hands inputs over in their order; this network is "
                                       "given {name} by its name.", name=given.name))

    # Figures

    def of_modules(self, counted: Iterable[tuple[int, tuple[str, ...]]]) -> list[Term]:
        """The terms of a tool that adds the parameters of modules, each so many times."""
        value, met = 0, set[str]()
        for times, parameters in counted:
            value += times * self.size(parameters)
            met.update(parameters)
        once = self.size(met)
        missing, again = self.totals.params - once, value - once
        children = [*dict.fromkeys(path.partition(".")[0] for path in self.trace.parameters
                                   if path not in met)]
        return [
            Term(-missing, say(
                "Leaves out {count} parameters, those of {modules}: no module that runs in "
                "evaluation, and that it looks at, has them.", count=f"{missing:,}",
                modules=_some(children))),
            Term(again, say(
                "Counts {count} parameters again, of modules that run more than once or that "
                "several containers share.", count=f"{again:,}"))]

    def operations(self, name: str, terms: Callable[[], tuple[Iterable[Term], Collection[int]]]
                   ) -> Figure:
        """Our multiply-adds and the terms of a tool, which sees those of the calls that it names
        beside them."""
        def all_terms() -> list[Term]:
            if self.summary.not_counted:
                raise NotComputed(Text("The network has operators that we have no rule for."))
            differing, watched = terms()
            unseen = [call for call in self.trace.calls
                      if call.effect.macs and call.index not in watched]
            missing = sum(call.effect.macs or 0 for call in unseen)
            types = [*dict.fromkeys(call.type for call in unseen)]
            return [Term(-missing, say(
                "Does not see {count} multiply-adds of functions, or of layers that it does not "
                "know: {types}.", count=f"{missing:,}", types=_some(types))), *differing]
        return self.figure("operations", name, all_terms)

    def memory(self, footer: Callable[[], Footer], unit: int,
               why: Callable[[], str]) -> tuple[Figure, Figure]:
        """The two figures of a tool that takes other bytes than ours for what a pass needs."""
        peak = self.totals.peak_activation_bytes
        ours = self.totals.param_bytes + peak
        name = say("MiB (2²⁰ bytes; it prints MB)" if unit == MIB else "MB (10⁶ bytes)")

        def of_the_pass() -> list[Term]:
            passed = footer().pass_size
            return [Term(passed - peak, say(
                "{why} = {bytes} bytes = {size} {unit}. At most {peak} bytes are alive at once.",
                why=why(), bytes=f"{passed:,}", size=f"{passed / unit:,.2f}", unit=name,
                peak=f"{peak:,}"))]

        def of_all() -> list[Term]:
            below = footer()
            return [Term(below.total_size - ours, say(
                "Adds its input, {input}, its forward/backward pass size, {passed}, and the "
                "parameters of the modules that run, {params}. A pass needs the parameters, "
                "{ours}, and the peak, {peak}.", input=f"{below.input_size / unit:,.2f}",
                passed=f"{below.pass_size / unit:,.2f}",
                params=f"{below.params_size / unit:,.2f}",
                ours=f"{self.totals.param_bytes / unit:,.2f}", peak=f"{peak / unit:,.2f}"))]
        return (self.figure("memory", "Forward/backward pass size", of_the_pass, ours=peak,
                            our_name=say("Peak memory"), unit=unit),
                self.figure("memory", "Estimated total size", of_all, ours=ours,
                            our_name=say("Parameters + peak"), unit=unit))

    def figure(self, quantity: Quantity, name: str, terms: Callable[[], Iterable[Term]] = tuple, *,
               ours: int | None = None, our_name: str | None = None, unit: int = 1) -> Figure:
        """Ours and the terms of a tool, or why there are none."""
        if ours is None:
            ours, our_name = (self.totals.params, say("Parameters")) \
                if quantity == "parameters" else (self.totals.macs, say("Multiply-adds"))
        value: int | None
        try:
            differing = [term for term in terms() if term.amount or quantity == "memory"]
            value = ours + sum(term.amount for term in differing)
        except NotComputed as error:
            value, differing = None, [Term(0, sentences([say("Not computed for this network."),
                                                         error]))]
        return Figure(quantity=quantity, name=name, value=value, ours=ours,
                      our_name=our_name or "", terms=tuple(differing), unit=unit)


def own_type(module: Module) -> str:
    """The type of a module where it is one of PyTorch's own, else ""."""
    return module.type if module.origin.startswith("torch.nn.modules.") else ""


def named(run: LeafRun | ModuleRun | Call) -> str:
    """What a module is called in a sentence."""
    return f"{run.path} ({run.type})"


def times(factor: int, count: int) -> str:
    """A count as a product.

    >>> times(2, 3000)
    '2 × 1,500 = 3,000'
    """
    return f"{factor} × {count // factor:,} = {count:,}"


def first_shape(call: Call) -> Shape:
    """Of the first tensor that a call is given, a parameter or a constant, too."""
    for value in (*call.args, *call.kwargs.values()):
        if isinstance(value, Operand):
            return value.shape
    return ()


def given(call: Call, name: str, position: int) -> Any:
    """An argument of a call by its name and its place in PyTorch's own order; None without it."""
    return call.args[position] if len(call.args) > position else call.kwargs.get(name)


def _some(names: list[str]) -> str:
    """A few of them, and how many there are beside.

    >>> _some(["a", "b", "c", "d", "e", "f"])
    'a, b, c, d and 2 more'
    """
    if len(names) > 4:
        return say("{shown} and {count} more", shown=listing(names[:4]), count=len(names) - 4)
    return listing(names) if names else ""


def all_of(names: Collection[str]) -> str:
    """
    >>> all_of(["a", "b", "c"]), all_of([])
    ('a and b and c', '')
    """
    return reduce(lambda before, name: enumeration([before, name]), names) if names else ""


class Recurrent(NamedTuple):
    """What the tools read off a recurrent layer."""

    cells: int
    """Steps of all sequences of the batch."""
    features: int
    state: int
    layers: int
    directions: int
    biased: bool


def recurrent(leaf: LeafRun) -> Recurrent:
    """Raises `NotComputed` where it is given no batch of sequences."""
    call = next((call for call in leaf.calls
                 if call.operator in ("lstm", "gru", "rnn_tanh", "rnn_relu")), None)
    if call is None or len(leaf.first) != 3:
        raise NotComputed(Text("{layer} is not given a batch of sequences.", layer=named(leaf)))
    states = call.argument("hx")
    if not hasattr(states, "shape"):
        states = states[-1]
    return Recurrent(
        cells=leaf.first[0] * leaf.first[1], features=leaf.first[2], state=states.shape[-1],
        layers=call.argument("num_layers"), directions=2 if call.argument("bidirectional") else 1,
        biased=bool(call.argument("has_biases")))
