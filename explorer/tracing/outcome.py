"""What a function of PyTorch gives, by shapes alone: by its rule in the table of operators, and on
meta where it has none."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.language import Text
from explorer.tracing.nesting import leaves
from explorer.tracing.operators import Effect, Shape, ShapeError
from explorer.tracing.operators.operator import Resolved
from explorer.tracing.symbolic import META, SymbolicTensor, ValuesNeeded


class Outcome(NamedTuple):
    effect: Effect | None
    """None of a function that gives no tensor, but an answer: `x.is_contiguous()`."""
    result: Any = None
    """The answer, or the results as meta tensors; None where a rule said all."""
    known: bool = True
    """Whether the table of operators has all of it."""


RULE_ERRORS = (TypeError, ValueError, AttributeError, LookupError, RuntimeError)
"""What a rule raises that is called in a way that it does not know, and `ShapeError`."""


def outcome(resolved: Resolved, function: Callable[..., Any], args: Any, kwargs: dict[str, Any],
            first: SymbolicTensor | None) -> Outcome:
    """What a function gives; `first` is the first tensor that it is given. `ShapeError` where it
    refuses the shapes that it is given, or needs values; or what else PyTorch raises."""
    entry = resolved.entry
    if entry is None:
        return _counted(function, args, kwargs)
    if entry.rule is None:
        return _view(function, args, kwargs)
    try:
        effect = entry.rule(*(args[::-1] if resolved.swapped else args), **kwargs)
    except ShapeError as error:
        refused = error     # by a rule, which may know less than PyTorch
    except RULE_ERRORS:
        return _counted(function, args, kwargs)     # called in a way that the rule does not know
    else:
        if effect.dtype is None and first is not None and not first.dtype.is_floating_point:
            effect = effect._replace(dtype=_dtype_on_meta(function, args, kwargs))
        return Outcome(effect)
    try:
        # Without the counter first, under which PyTorch lets more pass.
        run_on_meta(function, args, kwargs, {})
        return _counted(function, args, kwargs)
    except Exception:       # PyTorch refuses it too, in whatever way: the rule's words are ours
        raise refused from None


def _view(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Outcome:
    """A function that moves numbers: whether it copies them is seen by their memory."""
    made: dict[int, torch.Tensor] = {}
    result = run_on_meta(function, args, kwargs, made)
    outputs = leaves((result,), torch.Tensor)
    if not outputs:
        return Outcome(None, result)
    source = next(iter(made.values())).untyped_storage()._cdata
    shared = outputs[0].untyped_storage()._cdata == source
    return Outcome(_effect(outputs, allocates=not shared), result)


def _counted(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Outcome:
    """A function without a rule: its multiply-adds are those that PyTorch's own counter finds, the
    rest of its costs is unknown."""
    made: dict[int, torch.Tensor] = {}
    with FlopCounterMode(display=False) as counter:
        result = run_on_meta(function, args, kwargs, made)
    outputs = leaves((result,), torch.Tensor)
    if not outputs and result is not None:
        return Outcome(None, result)
    effect = _effect(outputs or [next(iter(made.values()))], allocates=bool(outputs))
    macs = int(counter.get_total_flops()) // 2 or None      # what it finds none in, it may not know
    return Outcome(effect._replace(macs=macs, elementwise_ops=None), result, known=False)


def _effect(outputs: list[torch.Tensor], *, allocates: bool) -> Effect:
    shapes: list[Shape] = [tuple(output.shape) for output in outputs]
    dtype = outputs[0].dtype
    return Effect(shapes[0], others=tuple(shapes[1:]) or None, allocates=allocates,
                  dtype=None if dtype.is_floating_point else dtype)


def _dtype_on_meta(function: Callable[..., Any], args: Any,
                   kwargs: dict[str, Any]) -> torch.dtype | None:
    """Of what integers and masks become, as PyTorch has it."""
    outputs = leaves((run_on_meta(function, args, kwargs, {}),), torch.Tensor)
    return outputs[0].dtype if outputs else None


def run_on_meta(function: Callable[..., Any], args: Any, kwargs: dict[str, Any],
                made: dict[int, torch.Tensor]) -> Any:
    """What a function gives on meta; `made` has the tensors that stand for its arguments.
    `ValuesNeeded` where meta, which has no values, does not do."""
    kwargs = {name: META if name == "device" else on_meta(value, made)
              for name, value in kwargs.items()}
    try:
        return function(*on_meta(args, made), **kwargs)
    except (RuntimeError, NotImplementedError) as error:
        if re.search(r"\bmeta\b|register_meta|fake impl", str(error), re.IGNORECASE):
            raise ValuesNeeded(Text("{function} needs the values of a tensor",
                                    function=function.__name__)) from None
        raise


def on_meta(value: Any, made: dict[int, torch.Tensor]) -> Any:
    """A value with meta tensors in the place of symbolic and real ones, and of a device meta. One
    tensor becomes one: `made` has them by identity."""
    kind = type(value)
    if kind is SymbolicTensor or issubclass(kind, torch.Tensor):
        if id(value) not in made:
            made[id(value)] = value.meta() if kind is SymbolicTensor else value.detach().to(META)
        return made[id(value)]
    if kind is torch.device:
        return META
    if kind is tuple or kind is list:
        return kind([on_meta(part, made) for part in value])
    if isinstance(value, dict):
        return {name: on_meta(part, made) for name, part in value.items()}
    return value


_ASKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
"""What a function of PyTorch asks before it hands itself over to a mode."""
_WRITTEN_OUT = ("torch.nn.functional", "torch.functional")


@lru_cache(maxsize=256)
def opened(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The same function, which goes on to what it is made of in the place of handing itself over:
    `F.multi_head_attention_forward` becomes its linear layers, products and softmax. None where it
    is not written so."""
    if not isinstance(function, FunctionType) or function.__module__ not in _WRITTEN_OUT \
            or not {*_ASKS} & {*function.__code__.co_names}:
        return None
    inside = FunctionType(
        function.__code__, {**function.__globals__, **dict.fromkeys(_ASKS, _never)},
        function.__name__, function.__defaults__, function.__closure__)
    inside.__kwdefaults__ = function.__kwdefaults__
    return inside


def _never(*_: Any) -> bool:
    return False
