"""The network's own `forward` runs once on symbolic tensors: the table of operators says what each
function of PyTorch does to shapes. A module that is called twice is two calls, and no arithmetic is
done.

What reads an input, a parameter, or what came of one is a call of the pass; so is what multiplies
constants. Anything else that is made of buffers and constants alone is a constant itself, and a
view of a parameter is that parameter.
"""

from __future__ import annotations

import dataclasses
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer.language import Text
from explorer.tracing.nesting import forget, leaves, replaced
from explorer.tracing.operators import (
    NETWORK_INPUT,
    Call,
    Effect,
    Operand,
    Shape,
    ShapeError,
    resolve,
)
from explorer.tracing.operators.operator import gives_places
from explorer.tracing.outcome import RULE_ERRORS, opened, outcome, run_on_meta
from explorer.tracing.record import (
    OWN_FORWARD,
    START,
    Aside,
    Input,
    Module,
    ModuleRun,
    Parameter,
    Trace,
    TraceError,
)
from explorer.tracing.symbolic import META, SymbolicTensor, ValuesNeeded, symbolic_tensor

_tracing = RLock()
"""One trace at a time: while a network is watched its modules' `forward` are not its own, and all
of it is Python, which runs one thread at a time anyhow."""


def trace(network: nn.Module, inputs: Shape | Sequence[Input], *,
          training: bool = False) -> Trace:
    """Follow one forward pass of `network`, on meta or any other device, by shapes alone.

    `inputs` is the shape of the one that it is given, or an `Input` for each. Raises `TraceError`,
    and nothing else, where the pass cannot go on, with the call and its input shape. The network is
    left as it was.

    >>> len(trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32)).calls)
    2
    """
    given = tuple([one if isinstance(one, Input) else Input((one,)) for one in inputs])
    if not any(isinstance(one, Input) for one in inputs):
        given = (Input(tuple([side for one in given for side in one.shape])),)
    tracer = _Tracer(type(network).__name__, given, training)
    reason: Text | str
    way_out: Text | str = ""
    with _tracing, torch.no_grad():
        try:
            return tracer.follow(network)
        except ValuesNeeded as error:
            reason, way_out = _placed(error.why, error), _PART_OF_IT
        except ShapeError as error:
            reason = error.why
        except (Exception, SystemExit) as error:
            reason = _reason(error)
    # Outside of the handlers: an error that is kept must not keep the frames, and so the network.
    raise tracer.failure(reason, way_out)


_PART_OF_IT = Text("No other input helps: trace a part of the network that does not read values.")


def _reason(error: BaseException) -> Text:
    """Why a pass ended, where no rule says it."""
    message = str(error).strip()
    words = f"{type(error).__name__}: {message.splitlines()[0]}" if message else \
        type(error).__name__
    return Text("it cannot be followed by shapes alone ({error})",
                error=_placed(words, error))


def _placed(why: Text | str, error: BaseException) -> Text | str:
    """With the line of the network that the error comes from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if not Path(frame.filename).is_relative_to(_OURS)
              and not Path(frame.filename).is_relative_to(_TORCH)]
    return Text("{error}, in line {line} of {file}", error=why, line=frames[-1].lineno,
                file=Path(frames[-1].filename).name) if frames else why


_OURS, _TORCH = Path(__file__).parents[1], Path(torch.__file__).parent


_Frame = tuple[str, str, bool, int]
"""Of a module that is running: path, type, whether it has no children, and its first call."""


_Place = tuple[str, str, tuple[Shape, ...], tuple[int, ...]]
"""A call or a module: path, type, and shapes and producers of what it was given."""

_set = object.__setattr__
"""Past the `__setattr__` of modules, which looks for parameters in what it is given."""

_CALLS = vars(nn.modules.module)
"""Where a module's `forward` is called from, unless somebody calls it himself."""

_LAZY: type = nn.parameter.UninitializedParameter

_UNDER_WAY = ModuleRun("", "", 0, 0)
"""Keeps the place of a run until its end."""


class _Tracer(TorchFunctionMode):
    """The recorder of one trace: a mode that sees every function of PyTorch that the network calls,
    in this thread alone."""

    def __init__(self, type_name: str, inputs: tuple[Input, ...], training: bool) -> None:
        super().__init__()
        self.inputs, self.training = inputs, training
        self.device = torch.device("cpu")
        """Where a network on meta makes its constants: a decision may need their values."""
        self.calls: list[Call] = []
        self.asides: list[Aside] = []
        self.released: dict[int, int] = {}
        self.runs: list[ModuleRun] = []
        self.modules: dict[str, Module] = {}
        self.frames: list[_Frame] = [("", type_name, False, 0)]
        self.alive = 0
        """Symbolic tensors that somebody holds."""
        self.pending: _Place | None = None
        """The call that is being noted."""
        self.failed: _Place | None = None
        """The innermost module in which an error came up."""
        self.operands: dict[int, Operand] = {}
        """The registered parameters, by identity."""
        self.parameters: dict[str, Parameter] = {}
        self.storages: frozenset[int] | None = None
        """Memory of the network's own, which no trace writes to; found when first asked for."""
        self.own: list[torch.Tensor] = []
        self.written: dict[int, SymbolicTensor] = {}
        """What constants hold that the pass has written to, by their memory."""
        self.kept: list[torch.Tensor] = []
        """Those constants: their memory's number is theirs alone as long as they live."""

    def follow(self, network: nn.Module) -> Trace:
        with self.watch(network):
            named = {given.name: self.input(number) for number, given in enumerate(self.inputs)
                     if given.name}
            with self:
                result = network(*[self.input(number) for number, given in enumerate(self.inputs)
                                   if not given.name], **named)
            named.clear()
            kept = self.plain(result, [], [])
            del result
        return self.so_far(kept, tuple([operand.producer for operand in leaves([kept], Operand)
                                        if operand.producer is not None]))

    def input(self, number: int) -> SymbolicTensor:
        given, index = self.inputs[number], NETWORK_INPUT - number
        return symbolic_tensor(self, given.shape, given.dtype, index, index)

    @contextmanager
    def watch(self, network: nn.Module) -> Iterator[None]:
        """Set the mode, and know which module is running: each `forward` announces itself.

        For the pass each module holds copies of what it has, so that what `forward` sets is gone at
        its end, also on failure. They are the instances' own: nobody else's modules are touched.
        """
        before: list[tuple[nn.Module, dict[str, Any]]] = []
        training, modules, own = self.training, self.modules, self.own
        try:
            walked: dict[nn.Module, str] = {}
            _walk(network, "", walked)
            for module, path in walked.items():
                attributes = vars(module)
                parameters, buffers = attributes["_parameters"], attributes["_buffers"]
                children, type_name = attributes["_modules"], type(module).__name__
                if type(children) is not dict and isinstance(module, torch.jit.ScriptModule):
                    raise ShapeError(Text(
                        "{module} is a TorchScript module, whose `forward` is no Python; trace the "
                        "module it was made of", module=path or Text("the network")))
                copies = attributes.copy()
                copies["training"] = training
                copies["_parameters"] = parameters.copy() if parameters else {}
                copies["_modules"] = children.copy() if children else {}
                if buffers:
                    copies["_buffers"] = buffers.copy()
                    own += [buffer for buffer in buffers.values() if buffer is not None]
                else:
                    copies["_buffers"] = {}
                modules[path] = Module(
                    type_name, isinstance(module, nn.Sequential),
                    tuple([walked[child] for child in children.values() if child is not None])
                    if children else (),
                    self._note_parameters(path, parameters) if parameters else (),
                    type(module).__module__)
                if path:
                    copies["forward"] = self._announced(path, type_name, module.forward,
                                                        not children)
                before.append((module, attributes))
                _set(module, "__dict__", copies)
            if own and own[0].device != META:
                self.device = own[0].device
            yield
        finally:
            for module, attributes in before:
                _set(module, "__dict__", attributes)
            if self.alive:      # a module keeps some, in a cache of its own
                for _, attributes in before:
                    for kept in attributes.values():
                        forget(kept, SymbolicTensor)
            own.clear()

    def _note_parameters(self, path: str,
                         own: dict[str, nn.Parameter | None]) -> tuple[str, ...]:
        """Their names: a parameter that an earlier module has too keeps its first name."""
        names = []
        for name, parameter in own.items():
            if parameter is None:
                continue
            operand = self.operands.get(id(parameter))
            if operand is None:
                full = f"{path}.{name}" if path else name
                # `isinstance` asks a metaclass of PyTorch's, which takes as long as all else here.
                if parameter.__class__ is _LAZY:
                    raise ShapeError(Text("{parameter} has no shape before a first real pass; run "
                                          "one, then trace it", parameter=full))
                shape = tuple(parameter.shape)
                operand = self.operands[id(parameter)] = Operand(shape, None, full)
                self.parameters[full] = Parameter(shape, parameter.numel(),
                                                  parameter.requires_grad)
                self.own.append(parameter)
            names.append(operand.parameter or "")
        return tuple(names)

    def _announced(self, path: str, type_name: str, forward: Callable[..., Any],
                   leaf: bool) -> Callable[..., Any]:
        frames, calls, runs = self.frames, self.calls, self.runs

        def announced(*args: Any, **kwargs: Any) -> Any:
            start, place = len(calls), len(runs)
            given = args if len(args) == 1 and not kwargs and type(args[0]) is SymbolicTensor \
                else leaves((args, kwargs), SymbolicTensor)
            inputs = tuple([tensor.producer for tensor in given if tensor.parameter is None])
            first = args[0] if args else None
            input_shape = first.sides if type(first) is SymbolicTensor else \
                tuple(first.shape) if isinstance(first, torch.Tensor) else None
            called = sys._getframe(1).f_globals is _CALLS
            alone = False
            frames.append((path, type_name, leaf, start))
            runs.append(_UNDER_WAY)
            shapes: tuple[Shape, ...] = ()
            try:
                result = forward(*args, **kwargs)
                alone = type(result) is SymbolicTensor
                shapes = (result.sides,) if alone else \
                    tuple([tensor.sides for tensor in leaves((result,), SymbolicTensor)])
                return result
            except BaseException:
                if self.failed is None:
                    self.failed = (path, type_name, tuple([tensor.sides for tensor in given]),
                                   inputs)
                raise
            finally:
                frames.pop()
                stop = len(calls)
                runs[place] = ModuleRun(path, type_name, start, stop, inputs, shapes, input_shape,
                                        alone, called)
                if leaf and stop - start > 1:   # its first call is not all that it does
                    first = calls[start]
                    calls[start] = first._replace(path=f"{path}.{first.operator}",
                                                  type=first.operator)
        return announced

    def release(self, storage: int) -> None:
        # The last tensor of a storage to go has the last word.
        self.released[storage] = len(self.calls) - 1
        self.alive -= 1

    # Functions

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        """The result of a function of PyTorch, noted where it is one of the pass."""
        operator, in_place, entry, swapped, name = resolved = resolve(function)
        tensors: list[SymbolicTensor] = []
        parameters: list[str] = []
        plain = tuple([value if type(value) in _SCALARS else self.plain(value, tensors, parameters)
                       for value in args])
        named, target = {}, args[0] if args else None
        if kwargs is None:
            kwargs = {}
        elif kwargs:
            named = {name: value if type(value) in _SCALARS else
                     self.plain(value, tensors, parameters) for name, value in kwargs.items()}
            if kwargs.get("out") is not None:
                in_place, target = True, kwargs["out"]
            in_place = in_place or kwargs.get("inplace", False)
        if not tensors:
            if not parameters and (entry is None or entry.macs is None or in_place):
                self._aside(operator)
                return self._constant(function, args, kwargs, target if in_place else None)
            if in_place:
                self._aside(operator)
                return target       # no trace writes to the network
        if entry is None and (inside := opened(function)) is not None:
            self._aside(operator, opened=True)
            with self:
                return inside(*args, **kwargs)
        path, type_name = self._place(operator)
        first = tensors[0] if tensors else None
        if first is not None and len(tensors) == 1:
            producers: tuple[int, ...] = (first.producer,)
            shapes: tuple[Shape, ...] = (first.sides,)
        else:
            producers = tuple([tensor.producer for tensor in tensors])
            shapes = tuple([tensor.sides for tensor in tensors])
        self.pending = path, type_name, shapes, producers
        effect: Effect | None = None
        result, known = None, True
        # The usual case at once; `outcome` has all others.
        if entry is not None and entry.rule is not None and not swapped \
                and (first is None or first.dtype.is_floating_point):
            try:
                effect = entry.rule(*args, **kwargs)
            except RULE_ERRORS:
                effect = None
        if effect is None:
            effect, result, known = outcome(resolved, function, args, kwargs, first)
        self.pending = None
        if effect is None:
            return result
        index = len(self.calls)
        if in_place:
            effect = effect._replace(allocates=False)
            storage = self._written(target, index).storage
        elif effect.allocates or (first is None and len(parameters) != 1):
            storage = index
        elif first is not None:
            storage = first.storage
        else:
            self._aside(operator)
            return self._symbols(result, effect, _NOWHERE, None, parameters[0])
        self.calls.append(Call(
            index, path, type_name, operator, plain[::-1] if swapped else plain, named, producers,
            shapes, effect, tuple(parameters), storage, known, name))
        if in_place:
            return None if operator == "setitem" else target
        if result is None and effect.others is None and effect.allocates:
            return symbolic_tensor(self, effect.shape, effect.dtype or (
                first.dtype if first is not None else torch.float32), index, index)
        return self._symbols(result, effect, index, first, None)

    def _aside(self, operator: str, *, opened: bool = False) -> None:
        self.asides.append(Aside(operator, len(self.calls), self.frames[-1][0], opened))

    def _constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any],
                  target: Any) -> Any:
        """What is made of constants is one: PyTorch itself makes it, on meta where devices mix.
        `target` is what it writes to, if it does."""
        if target is not None and self._is_of_the_network(target):
            return target
        try:
            return function(*args, **kwargs)
        except (RuntimeError, NotImplementedError) as error:
            try:
                return run_on_meta(function, args, kwargs, {})
            except (RuntimeError, NotImplementedError):
                raise error from None

    def _is_of_the_network(self, tensor: Any) -> bool:
        """Whether a tensor is the network's own memory, which no trace writes to."""
        if self.storages is None:
            self.storages = frozenset([_memory(own) for own in self.own])
        return not isinstance(tensor, torch.Tensor) or _memory(tensor) in self.storages

    def _written(self, target: Any, index: int) -> SymbolicTensor:
        """What a call has written to: it, and what it is a view of, now come of that call."""
        if type(target) is not SymbolicTensor:      # a constant
            memory = _memory(target)
            if memory not in self.written:
                self.kept.append(target)
                self.written[memory] = symbolic_tensor(self, tuple(target.shape), target.dtype,
                                                      index, index)
            target = self.written[memory]
        tensor: SymbolicTensor | None = target
        while tensor is not None:
            tensor.producer, tensor.parameter = index, None
            tensor = tensor.base
        return target       # type: ignore[no-any-return]

    def _symbols(self, result: Any, effect: Effect, producer: int,
                 first: SymbolicTensor | None, parameter: str | None) -> Any:
        """The outputs of a call, or a view of a parameter: symbolic, in their structure."""
        storage, base = producer, None
        if not effect.allocates and first is not None:
            storage, base = first.storage, first

        def symbol(shape: Shape, dtype: torch.dtype) -> SymbolicTensor:
            made = symbolic_tensor(self, shape, dtype, producer, storage)
            made.base, made.parameter = base, parameter
            return made

        def of_meta(tensor: torch.Tensor) -> SymbolicTensor:
            made = symbol(tuple(tensor.shape), tensor.dtype)
            if not tensor.is_contiguous():
                made.strides = tensor.stride()
            return made

        if result is not None:
            return replaced(result, of_meta, torch.Tensor)
        dtype = effect.dtype or (first.dtype if first is not None else torch.get_default_dtype())
        output = symbol(effect.shape, dtype)
        if effect.others is None:
            return output
        operator = self.calls[-1].operator
        other = torch.int64 if gives_places(operator) else dtype
        kind = getattr(torch.return_types, operator, None)
        outputs = (output, *[symbol(shape, other) for shape in effect.others])
        return kind(outputs) if kind else outputs

    def plain(self, value: Any, tensors: list[SymbolicTensor], parameters: list[str]) -> Any:
        """An argument as it is kept: an `Operand` in the place of each tensor, which is noted."""
        kind = type(value)
        if kind is SymbolicTensor:
            if value.parameter is None:
                tensors.append(value)
                return Operand(value.sides, value.producer, None, value.strides)
            parameters.append(value.parameter)
            return Operand(value.sides, None, value.parameter, value.strides)
        if (operand := self.operands.get(id(value))) is not None:
            parameters.append(operand.parameter or "")
            return operand
        if kind in _SCALARS:
            return value
        if kind is tuple or kind is list:
            if _SCALARS.issuperset(map(type, value)):       # sides, mostly
                return value if kind is tuple else value.copy()
            return kind([self.plain(part, tensors, parameters) for part in value])
        if isinstance(value, torch.Tensor):
            if self.written and (held := self.written.get(_memory(value))) is not None:
                tensors.append(symbolic_tensor(self, tuple(value.shape), value.dtype, held.producer,
                                              held.storage))
                return Operand(tuple(value.shape), held.producer)
            return Operand(tuple(value.shape))
        if hasattr(value, "_fields"):
            value = value._asdict()
        elif isinstance(value, (tuple, list)):      # a torch.Size, a return type of PyTorch's
            return tuple([self.plain(part, tensors, parameters) for part in value])
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = vars(value)
        if isinstance(value, Mapping):
            return {name: self.plain(part, tensors, parameters) for name, part in value.items()}
        # An object of the network's own must not keep it alive.
        return f"<{kind.__name__}>"

    def _place(self, operator: str) -> tuple[str, str]:
        """Path and type of the next call: the module's own where it is all that the module does."""
        path, type_name, leaf, start = self.frames[-1]
        if not leaf:
            return f"{path}.{operator}" if path else operator, operator
        if len(self.calls) == start:
            return path, type_name
        return f"{path}.{operator}", operator

    def so_far(self, result: Any, outputs: tuple[int, ...]) -> Trace:
        end = len(self.calls) - 1
        return Trace(
            inputs=self.inputs, training=self.training, calls=tuple(self.calls), result=result,
            outputs=outputs, parameters=self.parameters, modules=self.modules,
            runs=tuple(self.runs),
            held_until=tuple([self.released.get(index, end) for index in range(end + 1)]),
            asides=tuple(self.asides))

    def failure(self, reason: Text | str, way_out: Text | str) -> TraceError:
        path, type_name, shapes, producers = self.pending or self.failed or (
            OWN_FORWARD if self.calls else START, self.frames[0][1],
            (self.inputs[0].shape,), (NETWORK_INPUT,))
        return TraceError(path=path, type=type_name, input_shape=shapes[0] if shapes else (),
                          reason=reason, inputs=producers, trace=self.so_far(None, ()),
                          way_out=way_out)


_SCALARS = frozenset({int, float, bool, str, complex, bytes, range, type(None), type(...), slice,
                      torch.dtype, torch.device, torch.memory_format, torch.layout})

_NOWHERE = -1 << 30
"""Producer and storage of a view of a parameter, whose memory is none of the pass."""


def _memory(tensor: torch.Tensor) -> int:
    """What is the same for a tensor and its views."""
    return int(tensor.untyped_storage()._cdata)


def _walk(module: nn.Module, path: str, walked: dict[nn.Module, str]) -> None:
    """Every module once, with its first path: `named_modules` without its nested generators."""
    walked[module] = path
    children = vars(module)["_modules"]
    if children:
        prefix = f"{path}." if path else ""
        for name, child in children.items():
            if child is not None and child not in walked:
                _walk(child, prefix + name, walked)
