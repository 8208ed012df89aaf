"""What a trace holds: calls with their arguments and effects, module runs, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from explorer import text
from explorer.language import Text, say
from explorer.tracing.operators import NETWORK_INPUT, Call, Shape


@dataclass(frozen=True)
class Input:
    """A tensor that the network is given."""

    shape: Shape
    dtype: torch.dtype = torch.float32
    name: str = ""
    """The argument of `forward` that it is passed as; "" for the next one in order."""


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
    input_shape: Shape | None = None
    """Of its first argument; None where that is no tensor, or stands under its name."""
    alone: bool = True
    """Whether it returns one tensor, and that not in a tuple or a dict."""
    called: bool = True
    """False where its `forward` was called by name, past what a hook sees."""


class Aside(NamedTuple):
    """A function of PyTorch that was called and is no call of the pass: it gave a constant or a
    view of a parameter, or stands for the functions that it is made of."""

    operator: str
    before: int
    """The call that comes next."""
    module: str
    """Path of the module that called it."""
    opened: bool
    """Whether what it is made of follows."""


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
    origin: str
    """The Python module that its class is of: other libraries have a `LayerNorm`, too."""


@dataclass(frozen=True)
class Trace:
    """One forward pass, in the order of execution."""

    inputs: tuple[Input, ...]
    training: bool
    calls: tuple[Call, ...]
    result: Any
    """What the network returns: an `Operand` in the place of each tensor, tuples, lists, and dicts
    for what has names; None where the pass ended before its time."""
    outputs: tuple[int, ...]
    """Calls that give the results, in their order; negative for an input that is handed on."""
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
    asides: tuple[Aside, ...] = ()
    """What else was called: with the calls, every function that gives a tensor."""

    @property
    def input_shape(self) -> Shape:
        """Of the first input."""
        return self.inputs[0].shape

    def given(self, producer: int) -> Input:
        """The input that a negative producer stands for."""
        return self.inputs[NETWORK_INPUT - producer]


OWN_FORWARD, START = "its own forward", "its start"
"""Where a pass ends that no call ends: between calls, and before the first."""
_PLACES = {OWN_FORWARD: Text("its own forward"), START: Text("its start")}


class TraceError(ValueError):
    """A network whose forward pass ends before its time.

    `path` is the call that failed, `input_shape` its first input, `inputs` the calls whose outputs
    it reads, `trace` the pass up to it, and `smallest_input` the input size from which on it works,
    where that is known. `way_out` is what else can be said of what would work, in sentences.
    It is kept with the network, for readers of every language.
    """

    def __init__(self, *, path: str, type: str, input_shape: Shape, reason: Text | str,
                 inputs: tuple[int, ...], trace: Trace, smallest_input: int | None = None,
                 way_out: Text | str = "") -> None:
        super().__init__(path)
        self.path, self.type, self.input_shape = path, type, input_shape
        self.reason, self.inputs, self.trace = reason, inputs, trace
        self.smallest_input, self.way_out = smallest_input, way_out

    def __str__(self) -> str:
        smallest = "" if self.smallest_input is None else say(
            "The smallest `input_size` that works is {size}.", size=self.smallest_input)
        return text.sentences([say(
            "The forward pass ends at {path} ({type}), whose input is {input}: {reason}."
            if self.input_shape else "The forward pass ends at {path} ({type}): {reason}.",
            path=_PLACES.get(self.path, self.path), type=self.type,
            input=text.shape(self.input_shape), reason=self.reason), smallest, self.way_out])

    def __reduce__(self) -> tuple[Any, ...]:
        return _trace_error, (dict(
            path=self.path, type=self.type, input_shape=self.input_shape, reason=self.reason,
            inputs=self.inputs, trace=self.trace, smallest_input=self.smallest_input,
            way_out=self.way_out),)


def _trace_error(fields: dict[str, Any]) -> TraceError:
    return TraceError(**fields)
