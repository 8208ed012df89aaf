"""The network's own `forward` runs once on a symbolic tensor: an object with a shape, for which
`__torch_function__` looks up a rule in the table of operators. Functional operations are seen, a
module that is called twice is two calls, and no arithmetic is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeVar

import torch
from torch import nn

from explorer.tracing.operators import (
    NETWORK_INPUT,
    Call,
    Effect,
    Operand,
    Shape,
    ShapeError,
    resolve,
)
from explorer.tracing.record import Input, Module, ModuleRun, Parameter, Trace, TraceError

T = TypeVar("T")

_tracing = RLock()
"""One trace at a time: while a network is watched its modules' `forward` are not its own, and all
of it is Python, which runs one thread at a time anyhow."""


def trace(network: nn.Module, input_shape: Shape, *, training: bool = False) -> Trace:
    """Follow one forward pass of `network`, on meta or any other device, by shapes alone.

    Raises `TraceError` where the pass cannot go on, with the call and its input shape. The network
    is left as it was.

    >>> len(trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32)).calls)
    2
    """
    tracer = _Tracer(network, tuple(input_shape), training)
    with _tracing, tracer.watch():
        given = _SymbolicTensor(tracer, tuple(input_shape), NETWORK_INPUT, NETWORK_INPUT)
        try:
            result = network(given)
        except ShapeError as error:
            reason = str(error)
        except (RuntimeError, TypeError, IndexError) as error:
            reason = f"it cannot be followed by shapes alone ({error})"
        else:
            return tracer.so_far(tuple([tensor.producer for tensor in _symbolic([result])]))
    # Outside of the handlers: an error that is kept must not keep the frames, and so the network.
    raise tracer.failure(reason)


_Frame = tuple[str, str, bool, int]
"""Of a module that is running: path, type, whether it has no children, and its first call."""

_UNDER_WAY = ModuleRun("", "", 0, 0)
"""Keeps the place of a run until its end."""


class _Tracer:
    """Where the symbolic tensors of one trace record their calls."""

    def __init__(self, network: nn.Module, input_shape: Shape, training: bool) -> None:
        self.network = network
        self.calls: list[Call] = []
        self.released: dict[int, int] = {}
        self.runs: list[ModuleRun] = []
        self.modules: dict[str, Module] = {}
        self.frames: list[_Frame] = [("", type(network).__name__, False, 0)]
        self.input_shape, self.training = input_shape, training
        self.pending: tuple[str, str, Shape, tuple[int, ...]] = (
            "its start", type(network).__name__, input_shape, (NETWORK_INPUT,))
        self.operands: dict[int, Operand] = {}
        """The registered parameters, by identity."""
        self.parameters: dict[str, Parameter] = {}

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Set the mode, and know which module is running: each `forward` announces itself.

        On the instances, not the classes, so that nobody else's modules are touched; it takes a
        third of the time of hooks. All is undone at the end, also on failure.
        """
        training = self.training
        watched: list[tuple[dict[str, Any], Any]] = []
        switched: list[nn.Module] = []
        counters: list[tuple[nn.Module, torch.Tensor]] = []
        try:
            walked: dict[nn.Module, str] = {}
            _walk(self.network, "", walked)
            for module, path in walked.items():
                attributes = vars(module)
                if attributes["training"] != training:
                    attributes["training"] = training
                    switched.append(module)
                own = self._note_parameters(path, attributes["_parameters"])
                # BatchNorm counts its training passes; this one is none.
                if training and (counter := attributes["_buffers"].get("num_batches_tracked")) \
                        is not None:
                    counters.append((module, counter))
                    attributes["_buffers"]["num_batches_tracked"] = None
                children = attributes["_modules"]
                type_name = type(module).__name__
                self.modules[path] = Module(
                    type_name, isinstance(module, nn.Sequential),
                    tuple([walked[child] for child in children.values() if child is not None])
                    if children else (), own)
                if path:
                    watched.append((attributes, attributes.get("forward")))
                    attributes["forward"] = self._announced(path, type_name, module.forward,
                                                            not children)
            yield
        finally:
            for module, counter in counters:
                module._buffers["num_batches_tracked"] = counter
            for attributes, forward in watched:
                if forward is None:
                    del attributes["forward"]
                else:
                    attributes["forward"] = forward     # somebody else's, on this instance
            for module in switched:
                module.training = not training

    def _note_parameters(self, path: str,
                         own: dict[str, nn.Parameter | None]) -> tuple[str, ...]:
        """Their names: a parameter that an earlier module has too keeps its first name."""
        if not own:
            return ()
        names = []
        for name, parameter in own.items():
            if parameter is None:
                continue
            operand = self.operands.get(id(parameter))
            if operand is None:
                full = f"{path}.{name}" if path else name
                shape = tuple(parameter.shape)
                operand = self.operands[id(parameter)] = Operand(shape, None, full)
                self.parameters[full] = Parameter(shape, parameter.numel(),
                                                  parameter.requires_grad)
            names.append(operand.parameter or "")
        return tuple(names)

    def _announced(self, path: str, type_name: str, forward: Callable[..., Any],
                   leaf: bool) -> Callable[..., Any]:
        frames, calls, runs = self.frames, self.calls, self.runs

        def announced(*args: Any, **kwargs: Any) -> Any:
            start, place = len(calls), len(runs)
            inputs = (args[0].producer,) if len(args) == 1 and not kwargs \
                and args[0].__class__ is _SymbolicTensor else tuple(
                    [tensor.producer for tensor in _symbolic((args, kwargs))])
            frames.append((path, type_name, leaf, start))
            runs.append(_UNDER_WAY)
            shapes: tuple[Shape, ...] = ()
            try:
                result = forward(*args, **kwargs)
                shapes = (tuple(result.shape),) if result.__class__ is _SymbolicTensor else \
                    tuple([tuple(tensor.shape) for tensor in _symbolic((result,))])
                return result
            finally:
                frames.pop()
                runs[place] = ModuleRun(path, type_name, start, len(calls), inputs, shapes)
        return announced

    def record(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Note one call and return its symbolic output."""
        operator, inplace, entry, swap = resolve(function)
        if swap:
            args = args[::-1]
        tensors: list[_SymbolicTensor] = []
        parameters: list[str] = []
        plain = tuple([value if value.__class__ in _SCALARS else
                       self._plain(value, tensors, parameters) for value in args])
        named = {name: self._plain(value, tensors, parameters)
                 for name, value in kwargs.items()} if kwargs else kwargs
        path, type_name = self._place(operator)
        producers = tuple([tensor.producer for tensor in tensors])
        first = tensors[0]
        self.pending = path, type_name, first.shape, producers
        index, shapes = len(self.calls), None
        if entry is None or entry.rule is None:
            shapes, effect = _run_on_meta(function, operator, args, kwargs,
                                          view=entry is not None)
        else:
            effect = entry.rule(*args, **kwargs)
            shapes = None if effect.others is None else [effect.shape, *effect.others]
        inplace = inplace or kwargs.get("inplace", False)
        if inplace and effect.allocates:
            effect = effect._replace(allocates=False)
        storage = index if effect.allocates else first.storage
        self.calls.append(Call(
            index=index, path=path, type=type_name, operator=operator, args=plain, kwargs=named,
            inputs=producers, input_shapes=tuple([tuple(tensor.shape) for tensor in tensors]),
            effect=effect, parameters=tuple(parameters), storage=storage,
            known=entry is not None))
        if inplace:
            first.producer = index
            return first
        if shapes is None or (len(shapes) == 1 and effect.others is None):
            return _SymbolicTensor(self, effect.shape, index, storage)
        return tuple([_SymbolicTensor(self, shape, index, storage) for shape in shapes])

    def _plain(self, value: Any, tensors: list[_SymbolicTensor], parameters: list[str]) -> Any:
        """An argument as it is kept: an `Operand` in the place of each tensor, which is noted."""
        kind = value.__class__
        if kind is _SymbolicTensor:
            tensors.append(value)
            return Operand(tuple(value.shape), value.producer)
        if (operand := self.operands.get(id(value))) is not None:
            parameters.append(operand.parameter or "")
            return operand
        if kind in _SCALARS:
            return value
        if kind is tuple or kind is list:
            return kind([self._plain(part, tensors, parameters) for part in value])
        if isinstance(value, torch.Tensor):
            return Operand(tuple(value.shape))
        if isinstance(value, tuple):    # a torch.Size, a named tuple
            return tuple([self._plain(part, tensors, parameters) for part in value])
        if isinstance(value, dict):
            return {name: self._plain(part, tensors, parameters) for name, part in value.items()}
        return value

    def _place(self, operator: str) -> tuple[str, str]:
        """Path and type of the next call: the module's own where it is all that the module does."""
        path, type_name, leaf, start = self.frames[-1]
        if not leaf:
            return f"{path}.{operator}" if path else operator, operator
        if len(self.calls) == start:
            return path, type_name
        first = self.calls[start]
        if first.path == path:
            self.calls[start] = first._replace(path=f"{path}.{first.operator}",
                                               type=first.operator)
        return f"{path}.{operator}", operator

    def so_far(self, outputs: tuple[int, ...]) -> Trace:
        end = len(self.calls) - 1
        return Trace(
            inputs=(Input(self.input_shape),), training=self.training, calls=tuple(self.calls),
            outputs=outputs, parameters=self.parameters, modules=self.modules,
            runs=tuple(self.runs),
            held_until=tuple([self.released.get(index, end) for index in range(end + 1)]))

    def failure(self, reason: str) -> TraceError:
        path, type_name, shape, inputs = self.pending
        return TraceError(path=path, type=type_name, input_shape=tuple(shape), reason=reason,
                          inputs=inputs, trace=self.so_far(()))


_SCALARS = frozenset({int, float, bool, str, type(None), type(...), slice, torch.dtype,
                      torch.device})


def _walk(module: nn.Module, path: str, walked: dict[nn.Module, str]) -> None:
    """Every module once, with its first path: `named_modules` without its nested generators."""
    walked[module] = path
    children = vars(module)["_modules"]
    if children:
        prefix = f"{path}." if path else ""
        for name, child in children.items():
            if child is not None and child not in walked:
                _walk(child, prefix + name, walked)


def _run_on_meta(function: Callable[..., Any], operator: str, args: Any, kwargs: dict[str, Any],
                 *, view: bool) -> tuple[list[Shape], Effect]:
    """Shapes of the outputs and the effect of an operator that has no rule: a view costs nothing,
    what anything else costs is unknown."""
    result = function(*_on_meta(args), **_on_meta(kwargs))
    shapes = [tuple(tensor.shape) for tensor in leaves([result], torch.Tensor)]
    if not shapes:
        raise ShapeError(f"{operator} needs the values of a tensor")
    if view:
        return shapes, Effect(shapes[0], allocates=False)
    return shapes, Effect(shapes[0], macs=None, elementwise_ops=None)


def leaves(values: Iterable[Any], kind: type[T]) -> list[T]:
    """Every object of a kind among values, and in the tuples, lists and dicts among them."""
    result: list[T] = []
    for value in values:
        if isinstance(value, kind):
            result.append(value)
        elif isinstance(value, (tuple, list)):
            result += leaves(value, kind)
        elif value.__class__ is dict:
            result += leaves(value.values(), kind)
    return result


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
        for value in args:      # mostly the first
            if value.__class__ is _SymbolicTensor:
                return value.tracer.record(func, args, kwargs)
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
