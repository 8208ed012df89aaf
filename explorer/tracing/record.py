"""What a trace holds: calls with their arguments and effects, module runs, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from explorer.tracing.operators import Effect, Kind, Operator, Shape, find_operator

NETWORK_INPUT = -1
"""Stands for the network's input where the index of a call is expected."""


class Operand(NamedTuple):
    """A tensor among the arguments of a call."""

    shape: Shape
    producer: int | None = None
    """The call that gave it, or `NETWORK_INPUT`; None for a parameter, a buffer or a constant."""
    parameter: str | None = None
    """Its name, where it is a registered parameter."""


class Call(NamedTuple):
    """One operation of the forward pass. Its identity is path and index."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    path: str
    type: str
    """Class name of the module, or name of the operation where it is a function."""
    operator: str
    """Its name in the table of operators, whichever alias was called."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    """What it was called with; an `Operand` in the place of each tensor."""
    inputs: tuple[int, ...]
    """Calls whose outputs this one reads; `NETWORK_INPUT` for the network's input."""
    input_shapes: tuple[Shape, ...]
    effect: Effect
    parameters: tuple[str, ...]
    """Names of the parameters that it reads."""
    storage: int
    """The call that allocated the output's memory: itself, or an earlier one for a view."""
    known: bool = True
    """False for an operator that is not in the table: its shape is right, its cost unknown."""

    @property
    def output_shape(self) -> Shape:
        return self.effect.shape

    @property
    def entry(self) -> Operator | None:
        """Its entry in the table of operators."""
        return find_operator(self.operator)

    @property
    def kind(self) -> Kind:
        entry = find_operator(self.operator)
        if entry is None:
            return "other"
        return entry.kind if isinstance(entry.kind, str) else entry.kind(self)

    def argument(self, name: str) -> Any:
        """An argument by its name in the operator's rule, its default where it was not given."""
        entry = find_operator(self.operator)
        if entry is None:
            raise KeyError(f"{self.operator} is not in the table of operators")
        return entry.bind(self.args, self.kwargs)[name]


class ModuleRun(NamedTuple):
    """One run of a module, from the call `start` up to the call `stop`, which is not of it.

    A run without calls hands its input on, as `nn.Identity` does.
    """

    path: str
    type: str
    start: int
    stop: int
    inputs: tuple[int, ...] = ()
    """Calls whose outputs it was given."""
    output_shapes: tuple[Shape, ...] = ()


class Parameter(NamedTuple):
    shape: Shape
    numel: int
    trainable: bool


class Module(NamedTuple):
    """A module as it is registered; one that is registered in several places is one module."""

    type: str
    sequential: bool
    """Whether it is a `nn.Sequential` or derived from one."""
    children: tuple[str, ...]
    """First paths of its children: a child that stands elsewhere too is known by that path."""
    parameters: tuple[str, ...]
    """Names of its own parameters, without those of its children."""


@dataclass(frozen=True)
class Trace:
    """One forward pass, in the order of execution."""

    input_shape: Shape
    training: bool
    calls: tuple[Call, ...]
    outputs: tuple[int, ...]
    parameters: Mapping[str, Parameter]
    """All that are registered, shared ones once, used or not."""
    modules: Mapping[str, Module]
    """All that are registered, by their first path; the network itself is ""."""
    runs: tuple[ModuleRun, ...]
    """Of every module but the network itself, in the order in which they began: a run stands
    before those inside it."""
    held_until: tuple[int, ...]
    """For each call, the last call at which Python still holds the memory that it allocated: the
    variables of `forward` hold symbolic tensors just as they do real ones."""


class TraceError(ValueError):
    """A network whose forward pass ends before its time.

    `path` is the call that failed, `input_shape` its first input, `inputs` the calls whose outputs
    it reads, `trace` the pass up to it, and `smallest_input` the input size from which on it works,
    where that is known.
    """

    def __init__(self, *, path: str, type: str, input_shape: Shape, reason: str,
                 inputs: tuple[int, ...], trace: Trace, smallest_input: int | None = None) -> None:
        super().__init__(path)
        self.path, self.type, self.input_shape = path, type, input_shape
        self.reason, self.inputs, self.trace = reason, inputs, trace
        self.smallest_input = smallest_input

    def __str__(self) -> str:
        message = (f"The forward pass ends at {self.path} ({self.type}), whose input is "
                   f"{'×'.join(map(str, self.input_shape))}: {self.reason}.")
        if self.smallest_input is not None:
            message += f" The smallest `input_size` that works is {self.smallest_input}."
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return _trace_error, (dict(
            path=self.path, type=self.type, input_shape=self.input_shape, reason=self.reason,
            inputs=self.inputs, trace=self.trace, smallest_input=self.smallest_input),)


def _trace_error(fields: dict[str, Any]) -> TraceError:
    return TraceError(**fields)
