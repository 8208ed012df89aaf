"""(module, input shape) -> Trace: every call with its shapes, and the edges between calls.

The network's own `forward` runs once on a symbolic tensor: an object with a shape, for which
`__torch_function__` looks up a rule in `operators`. Functional operations are seen, a module that
is called twice is two calls, and no arithmetic is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn

from explorer.tracing.operators import RULES, VIEWS, Effect, Rule, Shape, ShapeError

T = TypeVar("T")

NETWORK_INPUT = -1
"""Stands for the network's input where the index of a call is expected."""


class TraceError(ValueError):
    """A network whose forward pass ends before its time.

    `path` is the call that failed, `input_shape` its first input, `inputs` the calls whose outputs
    it reads, `trace` the pass up to it, and `smallest_input` the input size from which on it works,
    where that is known.
    """

    def __init__(self, path: str, type: str, input_shape: Shape, reason: str,
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
        return type(self), (self.path, self.type, self.input_shape, self.reason, self.inputs,
                            self.trace, self.smallest_input)


class Call(NamedTuple):
    """One operation of the forward pass. Its identity is path and index."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    path: str
    type: str
    """Class name of the module, or name of the operation where it is a function."""
    operator: str
    stage: str
    block: str
    inputs: tuple[int, ...]
    """Calls whose outputs this one reads; `NETWORK_INPUT` for the network's input."""
    input_shapes: tuple[Shape, ...]
    effect: Effect
    parameters: tuple[str, ...]
    """Names of the parameters that it reads."""
    storage: int
    """The call that allocated the output's memory: itself, or an earlier one for a view."""
    known: bool = True
    """False for an operator without a rule: its shape is right, its cost unknown."""

    @property
    def output_shape(self) -> Shape:
        return self.effect.shape


class Scope(NamedTuple):
    """One run of a module that has children, from its first call to its last."""

    path: str
    type: str
    start: int
    end: int
    inputs: tuple[int, ...]
    """Calls whose outputs it was given."""


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


class Run(NamedTuple):
    """One run of a module, from the call `start` up to the call `stop`, which is not of it.

    A run without calls hands its input on, as `nn.Identity` does.
    """

    path: str
    start: int
    stop: int
    output_shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Trace:
    """One forward pass, in the order of execution."""

    input_shape: Shape
    training: bool
    calls: tuple[Call, ...]
    outputs: tuple[int, ...]
    scopes: tuple[Scope, ...]
    parameters: Mapping[str, Parameter]
    """All that are registered, shared ones once, used or not."""
    modules: Mapping[str, Module]
    """All that are registered, by their first path; the network itself is ""."""
    runs: tuple[Run, ...]
    """Of every module but the network itself, in the order in which they began."""
    held_until: tuple[int, ...]
    """For each call, the last call at which Python still holds the memory that it allocated: the
    variables of `forward` hold symbolic tensors just as they do real ones."""


def trace(network: nn.Module, input_shape: Shape, *, training: bool = False) -> Trace:
    """Follow one forward pass of `network`, on meta or any other device, by shapes alone.

    Raises `TraceError` where the pass cannot go on, with the call and its input shape. The network
    is left as it was.

    >>> len(trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32)).calls)
    2
    """
    tracer = _Tracer(network, tuple(input_shape), training)
    with tracer.watch():
        given = _SymbolicTensor(tracer, tuple(input_shape), NETWORK_INPUT, NETWORK_INPUT)
        try:
            result = network(given)
        except ShapeError as error:
            raise tracer.failure(str(error)) from error
        except (RuntimeError, TypeError, IndexError) as error:
            raise tracer.failure(f"it cannot be followed by shapes alone ({error})") from error
    return tracer.so_far(tuple(tensor.producer for tensor in _symbolic([result])))


class _Frame(NamedTuple):
    path: str
    type: str
    leaf: bool
    start: int


class _Tracer:
    """Where the symbolic tensors of one trace record their calls."""

    def __init__(self, network: nn.Module, input_shape: Shape, training: bool) -> None:
        self.network = network
        self.calls: list[Call] = []
        self.released: dict[int, int] = {}
        self.scopes: list[Scope] = []
        self.runs: list[Run] = []
        self.modules: dict[str, Module] = {}
        self.frames: list[_Frame] = [_Frame("", type(network).__name__, False, 0)]
        self.input_shape, self.training = input_shape, training
        self.pending: tuple[str, str, Shape, tuple[int, ...]] = (
            "its start", type(network).__name__, input_shape, (NETWORK_INPUT,))
        self.names: dict[int, str] = {}
        self.parameters: dict[str, Parameter] = {}
        self.blocks: set[str] = set()
        self.placed: dict[str, tuple[str, str]] = {}

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Set the mode, and know which module is running: each `forward` announces itself.

        On the instances, not the classes, so that nobody else's modules are touched; it takes a
        third of the time of hooks. All is undone at the end, also on failure.
        """
        training = self.training
        watched: list[nn.Module] = []
        switched: list[nn.Module] = []
        counters: list[tuple[nn.Module, torch.Tensor]] = []
        try:
            found = _walk(self.network, "", set())
            paths = {module: path for path, module in found}
            for path, module in found:
                if module.training != training:
                    module.training = training
                    switched.append(module)
                self._note_parameters(path, module)
                # BatchNorm counts its training passes; this one is none.
                if training and (counter := module._buffers.get("num_batches_tracked")) is not None:
                    counters.append((module, counter))
                    module._buffers["num_batches_tracked"] = None
                children = module._modules
                self.modules[path] = Module(
                    type(module).__name__, isinstance(module, nn.Sequential),
                    tuple([paths[child] for child in children.values() if child is not None]),
                    tuple([self.names[id(parameter)] for parameter in module._parameters.values()
                           if parameter is not None]))
                if children and isinstance(module, nn.Sequential) and "." not in path:
                    self.blocks.update(f"{path}.{name}" for name, child in children.items()
                                       if child and child._modules)
                if path and "forward" not in vars(module):
                    vars(module)["forward"] = self._announced(path, module, not children)
                    watched.append(module)
            yield
        finally:
            for module, counter in counters:
                module._buffers["num_batches_tracked"] = counter
            for module in watched:
                del vars(module)["forward"]
            for module in switched:
                module.training = not training

    def _note_parameters(self, path: str, module: nn.Module) -> None:
        for name, parameter in module._parameters.items():
            if parameter is not None and id(parameter) not in self.names:
                full = f"{path}.{name}".lstrip(".")
                self.names[id(parameter)] = full
                self.parameters[full] = Parameter(tuple(parameter.shape), parameter.numel(),
                                                  parameter.requires_grad)

    def _announced(self, path: str, module: nn.Module, leaf: bool) -> Callable[..., Any]:
        forward, type_name = module.forward, type(module).__name__
        frames, calls, runs = self.frames, self.calls, self.runs

        def announced(*args: Any, **kwargs: Any) -> Any:
            start = len(calls)
            given = () if leaf else tuple(
                [tensor.producer for tensor in _symbolic((args, kwargs))])
            frames.append(_Frame(path, type_name, leaf, start))
            place = len(runs)
            runs.append(Run(path, start, start, ()))
            try:
                result = forward(*args, **kwargs)
                runs[place] = Run(path, start, len(calls), tuple(
                    [tuple(tensor.shape) for tensor in _symbolic((result,))]))
                return result
            finally:
                frames.pop()
                if not leaf:
                    self.scopes.append(Scope(path, type_name, start, len(calls) - 1, given))
        return announced

    def record(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Note one call and return its symbolic output."""
        values = (*args, *kwargs.values()) if kwargs else args
        tensors = _symbolic(values)
        operator, inplace, rule = _operator(function)
        path, type = self._place(operator)
        self.pending = path, type, tensors[0].shape, tuple(
            [tensor.producer for tensor in tensors])
        index, known, shapes = len(self.calls), True, None
        if rule is not None:
            effect = rule(*args, **kwargs)
        else:
            shapes, effect, known = _run_on_meta(function, operator, args, kwargs)
        inplace = inplace or kwargs.get("inplace", False)
        if inplace and effect.allocates:
            effect = effect._replace(allocates=False)
        storage = index if effect.allocates else tensors[0].storage
        self.calls.append(Call(
            index, path, type, operator, *self._stage_and_block(path), self.pending[-1],
            tuple([tuple(tensor.shape) for tensor in tensors]), effect,
            tuple([self.names[id(value)] for value in _spread(values) if id(value) in self.names]),
            storage, known))
        if inplace:
            tensors[0].producer = index
            return tensors[0]
        if shapes is None or len(shapes) == 1:
            return _SymbolicTensor(self, effect.shape, index, storage)
        return tuple(_SymbolicTensor(self, shape, index, storage) for shape in shapes)

    def _place(self, operator: str) -> tuple[str, str]:
        """Path and type of the next call: the module's own where it is all that the module does."""
        frame = self.frames[-1]
        if not frame.leaf:
            return f"{frame.path}.{operator}".lstrip("."), operator
        if len(self.calls) == frame.start:
            return frame.path, frame.type
        first = self.calls[frame.start]
        if first.path == frame.path:
            self.calls[frame.start] = first._replace(path=f"{frame.path}.{first.operator}",
                                                     type=first.operator)
        return f"{frame.path}.{operator}", operator

    def _stage_and_block(self, path: str) -> tuple[str, str]:
        """The outermost module, and inside a Sequential the child that has children itself."""
        if path not in self.placed:
            stage, _, rest = path.partition(".")
            block = f"{stage}.{rest.partition('.')[0]}"
            self.placed[path] = stage, block if block in self.blocks else stage
        return self.placed[path]

    def so_far(self, outputs: tuple[int, ...]) -> Trace:
        end = len(self.calls) - 1
        return Trace(self.input_shape, self.training, tuple(self.calls), outputs,
                     tuple(self.scopes), self.parameters, self.modules, tuple(self.runs),
                     tuple([self.released.get(index, end) for index in range(end + 1)]))

    def failure(self, reason: str) -> TraceError:
        path, type, shape, inputs = self.pending
        return TraceError(path, type, tuple(shape), reason, inputs, self.so_far(()))


def _walk(module: nn.Module, path: str, seen: set[nn.Module]) -> list[tuple[str, nn.Module]]:
    """Every module once, by its first path: `named_modules` without its nested generators."""
    seen.add(module)
    found = [(path, module)]
    for name, child in module._modules.items():
        if child is not None and child not in seen:
            found += _walk(child, f"{path}.{name}" if path else name, seen)
    return found


@lru_cache(maxsize=1024)
def _operator(function: Callable[..., Any]) -> tuple[str, bool, Rule | None]:
    """Name in the table of operators, whether it works in place, and its rule."""
    name = function.__name__
    operator = name.strip("_")
    if name.startswith("__i"):      # __iadd__
        operator, inplace = operator[1:], True
    else:
        inplace = name.endswith("_") and not name.endswith("__")
    return operator, inplace, RULES.get(operator)


def _run_on_meta(function: Callable[..., Any], operator: str, args: Any,
                 kwargs: dict[str, Any]) -> tuple[list[Shape], Effect, bool]:
    """Shapes of the outputs and the effect of an operator that has no rule."""
    result = function(*_on_meta(args), **_on_meta(kwargs))
    shapes = [tuple(tensor.shape) for tensor in leaves([result], torch.Tensor)]
    if not shapes:
        raise ShapeError(f"{operator} needs the values of a tensor")
    if operator in VIEWS:
        return shapes, Effect(shapes[0], allocates=False), True
    return shapes, Effect(shapes[0], macs=None, elementwise_ops=None), False


def leaves(values: Iterable[Any], kind: type[T]) -> list[T]:
    """Every object of a kind among values, and in the tuples, lists and dicts among them."""
    found: list[T] = []
    for value in values:
        if isinstance(value, kind):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += leaves(value, kind)
        elif value.__class__ is dict:
            found += leaves(value.values(), kind)
    return found


def _spread(values: Iterable[Any]) -> list[Any]:
    """Values, with those of lists in the place of the lists."""
    return [part for value in values for part in (value if value.__class__ is list else (value,))]


def _symbolic(values: Iterable[Any]) -> list[_SymbolicTensor]:
    return leaves(values, _SymbolicTensor)


def _on_meta(value: Any) -> Any:
    """`value` with symbolic and real tensors replaced by meta tensors."""
    if isinstance(value, _SymbolicTensor):
        return torch.empty(value.shape, device="meta")
    if isinstance(value, torch.Tensor):
        return value.detach().to("meta")
    if isinstance(value, (tuple, list)):
        return type(value)(_on_meta(part) for part in value)
    if isinstance(value, dict):
        return {name: _on_meta(part) for name, part in value.items()}
    return value


class _SymbolicTensor:
    """A tensor that has a shape and no values. Every operation on it is recorded."""

    __slots__ = ("producer", "shape", "storage", "tracer")

    dtype = torch.float32
    device = torch.device("meta")
    requires_grad = False
    is_sparse = False

    def __init__(self, tracer: _Tracer, shape: Shape, producer: int, storage: int) -> None:
        self.tracer = tracer
        self.shape = torch.Size(shape)
        self.producer = producer
        self.storage = storage

    def __del__(self) -> None:
        # The last tensor of a storage to go has the last word.
        self.tracer.released[self.storage] = len(self.tracer.calls) - 1

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        return _symbolic((*args, *kwargs.values()))[0].tracer.record(func, args, kwargs)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def dim(self) -> int:
        return len(self.shape)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return self.shape.numel()

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        raise ShapeError("a decision needs the values of a tensor")

    def __getattr__(self, name: str) -> Any:
        method = getattr(torch.Tensor, name)
        if not callable(method):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.tracer.record(method, (self, *args), kwargs)


def _method(name: str) -> Callable[..., Any]:
    method = getattr(torch.Tensor, name)

    def call(self: _SymbolicTensor, *args: Any) -> Any:
        return self.tracer.record(method, (self, *args), {})
    return call


# Python looks operators up on the class, past __getattr__.
for _name in ("add", "radd", "iadd", "sub", "rsub", "isub", "mul", "rmul", "imul", "truediv",
              "rtruediv", "itruediv", "matmul", "neg", "pow", "getitem"):
    setattr(_SymbolicTensor, f"__{_name}__", _method(f"__{_name}__"))
