"""What the tools' files share: what a tool reports, and a pass as hooks on its modules see it.

A figure is our own and the terms that the tool adds to it or leaves out, each with the sentence
that explains it; the terms add up to the whole difference.

All of it is about a pass in evaluation, with float32. "Places" are the places where a module is
registered: a module that two containers share has two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from explorer.analysis import Summary
from explorer.tracing import Call

ELEMENT_BYTES = 4
MIB = 2 ** 20
MB = 10 ** 6

Quantity = Literal["parameters", "operations", "memory"]


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
    """None where the network has an operator that we have no rule for."""
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
    places: int
    parameters: tuple[str, ...]
    batch: int
    inputs: int
    """Numbers in its input."""
    outputs: int
    macs: int
    calls: tuple[Call, ...]


class Seen:
    """A summary as hooks on its modules see it."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.trace = summary.trace
        self.totals = summary.totals
        self.batch = summary.trace.input_shape[0]
        self.input_bytes = math.prod(summary.trace.input_shape) * ELEMENT_BYTES

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
    def leaves(self) -> tuple[LeafRun, ...]:
        return tuple(self._leaves())

    def _leaves(self) -> Iterable[LeafRun]:
        for run in self.trace.runs:
            if self.trace.modules[run.path].children:
                continue
            calls = self.trace.calls[run.start:run.stop]
            outputs = sum(map(math.prod, run.output_shapes))
            yield LeafRun(
                path=run.path, type=run.type, places=self.places[run.path],
                parameters=self.trace.modules[run.path].parameters,
                batch=run.output_shapes[0][0] if run.output_shapes else 0,
                inputs=sum(map(math.prod, calls[0].input_shapes[:1])) if calls else outputs,
                outputs=outputs, macs=sum(call.effect.macs or 0 for call in calls), calls=calls)

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

    def parameters(self, name: str, counted: Iterable[tuple[int, tuple[str, ...]]]) -> Figure:
        """The figure of a tool that adds the parameters of modules, each so many times."""
        value, met = 0, set[str]()
        for times, parameters in counted:
            value += times * self.size(parameters)
            met.update(parameters)
        once = self.size(met)
        missing, again = self.totals.params - once, value - once
        children = dict.fromkeys(path.partition(".")[0] for path in self.trace.parameters
                                 if path not in met)
        terms = [
            Term(-missing, f"Leaves out {missing:,} parameters, those of {', '.join(children)}: no "
                 "module that evaluation runs has them."),
            Term(again, f"Counts {again:,} parameters again, of modules that run more than once or "
                 "that several containers share.")]
        return self.parameter_figure(name, value, terms)

    def parameter_figure(self, name: str, value: int, terms: Iterable[Term] = ()) -> Figure:
        """The figure of a tool that counts so many parameters."""
        return Figure(quantity="parameters", name=name, value=value, ours=self.totals.params,
                      our_name="Parameters", terms=tuple(term for term in terms if term.amount))

    def operations(self, name: str, terms: Iterable[Term], seen_macs: int | None = None) -> Figure:
        """Our multiply-adds and the terms of a tool that sees `seen_macs` of them, or all."""
        ours = self.totals.macs
        differing = [term for term in terms if term.amount]
        if seen_macs is not None and (unseen := ours - seen_macs):
            differing.insert(0, Term(-unseen, f"Does not see {unseen:,} multiply-adds of "
                                     "functions, which are no module."))
        value: int | None = ours + sum(term.amount for term in differing)
        if self.summary.not_counted:
            value, differing = None, [Term(
                0, "Not counted: the network has operators that we have no rule for.")]
        return Figure(quantity="operations", name=name, value=value, ours=ours,
                      our_name="Multiply-adds", terms=tuple(differing))

    def memory(self, footer: Footer, why: str) -> tuple[Figure, Figure]:
        """The two figures of a tool that takes other bytes than ours for what a pass needs."""
        peak, unit = self.totals.peak_activation_bytes, footer.unit
        passed, total = footer.pass_size, footer.total_size
        ours = self.totals.param_bytes + peak
        name = "MiB (2²⁰ bytes; it prints MB)" if unit == MIB else "MB (10⁶ bytes)"
        return (
            Figure(quantity="memory", name="Forward/backward pass size", value=passed, ours=peak,
                   our_name="Peak memory", unit=unit, terms=(Term(
                       passed - peak, f"{why} = {passed:,} bytes = {passed / unit:,.2f} {name}. "
                       f"At most {peak:,} bytes are alive at once."),)),
            Figure(quantity="memory", name="Estimated total size", value=total, ours=ours,
                   our_name="Parameters + peak", unit=unit, terms=(Term(
                       total - ours, f"Adds its input, {footer.input_size / unit:,.2f}, its "
                       f"forward/backward pass size, {passed / unit:,.2f}, and the parameters of "
                       f"the modules that run, {footer.params_size / unit:,.2f}. A pass needs the "
                       f"parameters, {self.totals.param_bytes / unit:,.2f}, and the peak, "
                       f"{peak / unit:,.2f}."),)))
