"""What one entry of the table of operators is, and the values that its parts speak of.

A rule has the signature of the operator in PyTorch and reads nothing but shapes. Conventions:

- macs: multiply-adds of convolutions and matrix products, without bias. They equal
  `torch.utils.flop_counter.FlopCounterMode().get_total_flops() / 2`.
- elementwise_ops: everything else, one for each output element and arithmetic operation: a bias
  1, ReLU 1, BatchNorm 2 (its constants folded into a factor and a term), pooling one for each
  element of the window.

An operator that is not in the table is not counted, and reported as such: unknown is None, never
zero.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np
import torch

from explorer import text
from explorer.language import Text
from explorer.text import Rational

if TYPE_CHECKING:       # an explanation is of a call
    from explorer.tracing.operators.explanation import Explanation

Shape = tuple[int, ...]
Axes = tuple[int, ...]
"""The sides of a tensor along which its positions lie, counted from the last one, which is -1."""
Steps = tuple[Rational, ...]

POSITIONS = {1: "L", 2: "HW", 3: "DHW"}
"""The letters of the sides along which positions lie, by their number."""

Kind = Literal["convolution", "depthwise convolution", "linear", "normalisation", "activation",
               "pooling", "merge", "reshape", "other"]
"""Of operation; "other" is what is not in the table. A page says it in the words of its reader."""

WEIGHTED: frozenset[Kind] = frozenset({"convolution", "depthwise convolution", "linear"})
"""Kinds whose layers textbooks count as the depth of a network."""


class HasShape(Protocol):
    @property
    def shape(self) -> Shape: ...


class ShapeError(ValueError):
    """Shapes that an operator cannot take."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


class Window(NamedTuple):
    """The neighbourhood that one output position reads, along each side that has positions: by
    height and width for an image."""

    kernel: tuple[int, ...]
    """Input positions that it reads: of a transposed convolution fewer than its weights have."""
    stride: Steps = (1, 1)
    """Input positions from one output position to the next: a fraction where it enlarges."""
    padding: Steps = (0, 0)
    """How far before the input's first position the first window begins."""
    dilation: tuple[int, ...] = (1, 1)
    whole: bool = False
    """Made to fit whatever the input's size is, as adaptive pooling is."""


class Effect(NamedTuple):
    """What one call does, from shapes alone."""

    shape: Shape
    macs: int | None = 0
    elementwise_ops: int | None = 0
    window: Window | None = None
    groups: int = 1
    allocates: bool = True
    """False where the output is the input's memory: views and in-place operations."""
    dtype: torch.dtype | None = None
    """Of the output, where it is another than the input's."""
    others: tuple[Shape, ...] | None = None
    """Shapes of the outputs behind the first; None where it gives one tensor alone."""


NETWORK_INPUT = -1
"""Stands for the network's first input where the index of a call is expected; the others follow as
-2, -3 and so on."""


class Operand(NamedTuple):
    """A tensor among the arguments of a call."""

    shape: Shape
    producer: int | None = None
    """The call that gave it, or `NETWORK_INPUT`; None for a parameter, a buffer or a constant."""
    parameter: str | None = None
    """Its name, where it is a registered parameter."""
    strides: tuple[int, ...] | None = None
    """How far its numbers stand apart along each side, where they do not stand in order."""


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
    function: str = ""
    """The very function of PyTorch: `torch.mul`, `torch.nn.functional.relu`, `Tensor.relu`. A sign
    such as `*` is "Tensor.mul"; the method `mul` of what the pass has computed "torch.mul"."""

    @property
    def output_shape(self) -> Shape:
        return self.effect.shape

    @property
    def entry(self) -> Operator | None:
        """Its entry in the table of operators; None where that does not know such a call."""
        return _operators.get(self.operator) if self.known else None

    @property
    def kind(self) -> Kind:
        entry = self.entry
        if entry is None:
            return "other"
        return entry.kind if isinstance(entry.kind, str) else entry.kind(self)

    def argument(self, name: str) -> Any:
        """An argument by its name in the operator's rule, its default where it was not given."""
        entry = find_operator(self.operator)
        if entry is None:
            raise KeyError(f"{self.operator} is not in the table of operators")
        return entry.bind(self.args, self.kwargs)[name]


Rule = Callable[..., Effect]
Bytes = Callable[[Call, int], int]
"""Bytes of a call, where a number takes so many."""
Kept = str | Bytes
"""What training keeps of a call: the memory of its inputs ("inputs") or of its output ("output"),
of each factor whose partner has a gradient ("factors"), of one argument, by its name, or memory of
its own. In place, an input is copied before it is lost."""
Keeps = tuple[Kept, ...] | Callable[[Call], tuple[Kept, ...]] | None
"""None where it depends on the library that computes it."""
Layout = Literal["channels", "features", "heads", "sides"]
"""What the sides of a tensor stand for: (N, C, positions), as of a feature map; (N, positions, F),
as of tokens; (N, heads, L, E), as of attention; nothing but sides, as of a product."""
Positions = Literal["kept", "mixed"] | Callable[[Call, Axes], Axes | None]
"""Where the positions of the input are in the output. "kept": an output reads those inputs alone
that stand at its place or in its window. "mixed": it may read them all. A function is given the
input's axes and returns the output's, or None where they are mixed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operator:
    """All that is known of an operator, in one place."""

    names: tuple[str, ...]
    """The name that it goes by, then its aliases; the forms in place need no entry."""
    rule: Rule | None
    """Shapes -> Effect; for a view None, where PyTorch itself gives the shape."""
    kind: Kind | Callable[[Call], Kind]
    keeps: Keeps
    """What training keeps for the backward pass beside parameters, as PyTorch's autograd does on a
    CPU (derivatives.yaml)."""
    shape: Explanation
    """Why the output has its shape."""
    work: Explanation
    """The element-wise operations."""
    macs: Explanation | None
    """The multiply-adds; None where it has none."""
    params: Explanation | None
    """The parameters, where more can be said than how they are held."""
    workspace: Bytes | None
    """Tensors that it makes beside its output and throws away when it returns."""
    positions: Positions
    reads: bool
    """Whether it reads numbers of its inputs, or their shapes alone, as `zeros_like` does."""
    mixes: bool
    """Whether every output reads all channels, so that those of input and output are told apart."""
    layout: Layout | None
    """What the sides stand for; None where that depends on who calls it."""
    signature: inspect.Signature | None

    @property
    def name(self) -> str:
        return self.names[0]

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by the names that the rule has for them, with its defaults."""
        if self.signature is None:
            return dict(kwargs)
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments |= arguments.pop(name)
        return arguments


_operators: dict[str, Operator] = {}


def operator(*names: str, rule: Rule | None, kind: Kind | Callable[[Call], Kind],
             keeps: Keeps, shape: Explanation, work: Explanation,
             macs: Explanation | None = None, params: Explanation | None = None,
             workspace: Bytes | None = None, positions: Positions = "mixed",
             reads: bool = True, mixes: bool = False, layout: Layout | None = None) -> Operator:
    """Put an operator into the table, under its names (see `Operator`)."""
    entry = Operator(
        names=names, rule=rule, kind=kind, keeps=keeps, shape=shape,
        work=work, macs=macs, params=params, workspace=workspace, positions=positions,
        reads=reads, mixes=mixes, layout=layout,
        signature=inspect.signature(rule) if rule else None)
    for name in names:
        if name in _operators:
            raise ValueError(f"two operators are called {name}")
        _operators[name] = entry
    resolve.cache_clear()
    return entry


def forget(entry: Operator) -> None:
    """Take an operator out of the table again."""
    for name in entry.names:
        del _operators[name]
    resolve.cache_clear()


def operators() -> tuple[Operator, ...]:
    """The table: every entry once."""
    return tuple(dict.fromkeys(_operators.values()))


def find_operator(name: str) -> Operator | None:
    """The entry of that name or alias; None where there is none."""
    return _operators.get(name)


class Resolved(NamedTuple):
    """What a function of PyTorch is in the table."""

    name: str
    in_place: bool
    entry: Operator | None
    swapped: bool
    """Whether its arguments stand the other way round."""
    function: str
    """Its full name, whatever the alias (see `Call.function`)."""


def full_name(function: Callable[..., Any]) -> str:
    """
    >>> full_name(torch.nn.functional.relu), full_name(torch.Tensor.relu)
    ('torch.nn.functional.relu', 'Tensor.relu')
    """
    return f"{getattr(function, '__module__', None) or 'Tensor'}.{function.__name__}"


@lru_cache(maxsize=1024)
def resolve(function: Callable[..., Any]) -> Resolved:
    """The one place where aliases end: `__radd__`, `add_` and `torch.add` are all "add"."""
    spelled = function.__name__
    if spelled == "__get__":        # a property, such as `x.mT`
        spelled = function.__self__.__name__    # type: ignore[attr-defined]
    name = spelled.strip("_")
    in_place = name == "setitem" or (spelled.endswith("_") and not spelled.endswith("__"))
    swapped = False
    if spelled.startswith("__i") and name[1:] in _operators:        # __iadd__
        name, in_place = name[1:], True
    elif name.startswith("r") and name not in _operators and name[1:] in _operators \
            and (spelled.startswith("__r") or name == "rsub"):      # __rsub__, torch.rsub
        name, swapped = name[1:], True
    elif function is torch.Tensor.unfold:
        name = "unfold_view"    # F.unfold, which makes columns of patches, has its name
    entry = _operators.get(name)
    return Resolved(entry.name if entry else name, in_place, entry, swapped, full_name(function))


def each_side(value: int | Sequence[int], sides: int) -> tuple[int, ...]:
    """One number for all sides, or one for each."""
    if isinstance(value, int):
        return (value,) * sides
    return tuple(value) if len(value) == sides else (value[0],) * sides


def feature_map(input: HasShape, sides: int) -> tuple[Shape, Shape]:
    """Batch and channels, or channels alone, and then the sides along which positions lie."""
    shape = tuple(input.shape)
    if len(shape) - sides not in (1, 2):
        names = ", ".join(POSITIONS[sides])
        raise ShapeError(Text("needs a feature map (N, C, {sides}) or (C, {sides}); got {shape}",
                              sides=names, shape=shape))
    return shape[:-sides], shape[-sides:]


def axis_of(dim: int, rank: int) -> int:
    """A side by its number from the first one. Raises `ShapeError` where there is none."""
    if not -rank <= dim < rank and not (rank == 0 and dim in (-1, 0)):
        raise ShapeError(Text("has no side {side} in a tensor of {sides}", side=dim, sides=rank))
    return dim % rank if rank else 0


def broadcast_shapes(one: Shape, other: Shape) -> Shape:
    """What two tensors are repeated to. NumPy's, for PyTorch's own loads half a second of symbolic
    mathematics at its first call."""
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        raise ShapeError(Text("cannot combine {one} with {other}", one=tuple(one),
                              other=tuple(other))) from None


@lru_cache(maxsize=4096)     # the windows of a network are few, and used again at its next knob
def slide(sides: Shape, window: Window, *, ceil_mode: bool = False) -> Shape:
    """The sides of what a window gives that slides along the `sides` of its input.

    out = floor((in + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1
    """
    result = []
    for size, kernel, stride, padding, dilation in zip(sides, *window[:4], strict=True):
        span = size + 2 * padding - dilation * (kernel - 1) - 1
        out = span // stride + 1
        if ceil_mode:
            out = -(-span // stride) + 1
            # The last window must start inside the input or its left padding.
            out -= (out - 1) * stride >= size + padding
        if out < 1:
            raise ShapeError(_does_not_fit(sides, window))
        result.append(out)
    return tuple(result)


def _does_not_fit(sides: Shape, window: Window) -> Text:
    reach = tuple([dilation * (kernel - 1) + 1 for dilation, kernel in
                   zip(window.dilation, window.kernel, strict=True)])
    if any(window.padding):
        return Text("its {window} window does not fit into {input} padded by {padding}",
                    window=text.shape(reach), input=text.shape(sides),
                    padding=text.shape(window.padding))
    return Text("its {window} window does not fit into {input}", window=text.shape(reach),
                input=text.shape(sides))


def output_bytes(call: Call, element_bytes: int) -> int:
    """The size of the output: of a copy, or of a mask with a number for each element."""
    return element_bytes * math.prod(call.effect.shape)


def gives_places(operator: str) -> bool:
    """Whether the outputs behind the first are places: whole numbers, as of `max` and `topk`."""
    return operator.endswith("_with_indices") \
        or hasattr(getattr(torch.return_types, operator, None), "indices")


INDEX_BYTES = 8
"""Pooling notes its maxima as int64."""


def index_bytes(call: Call, _: int) -> int:
    return INDEX_BYTES * math.prod(call.effect.shape)
