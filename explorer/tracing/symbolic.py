"""A tensor that has a shape and no values: what a network is given while it is traced."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import torch

from explorer.tracing.operators import Shape, ShapeError

META = torch.device("meta")


class Recorder(Protocol):
    """What keeps the calls that symbolic tensors take part in."""

    device: torch.device
    """Of the network, and so of the tensors that it is given."""

    def call(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """The result of a function of PyTorch, noted where it is one of the pass."""

    alive: int
    """Tensors of this trace that somebody holds."""

    def release(self, storage: int) -> None:
        """A tensor is gone."""


class SymbolicTensor:
    """Every operation on it goes to its recorder.

    It is no `torch.Tensor`, whose memory C++ code would read past the recorder, but it says that it
    is one where Python asks.
    """

    __slots__ = ("base", "dtype", "parameter", "producer", "recorder", "shape", "sides",
                 "storage", "strides")

    layout = torch.strided
    grad = grad_fn = None
    is_leaf = True
    is_meta = is_cuda = is_cpu = is_xla = is_mps = is_sparse = is_nested = is_quantized = False
    is_mkldnn = is_sparse_csr = False

    def __init__(self, recorder: Recorder, shape: Shape, dtype: torch.dtype, producer: int,
                 storage: int) -> None:
        self.recorder = recorder
        recorder.alive += 1
        self.sides = shape
        """The shape as a plain tuple."""
        self.shape = torch.Size(shape)
        self.dtype = dtype
        self.producer = producer
        """The call that gave it, negative for an input."""
        self.storage = storage
        """The call that allocated its memory, negative for an input."""
        self.parameter: str | None = None
        """The parameter that it is a view of, where it is one: then no call gave it."""
        self.base: SymbolicTensor | None = None
        """The tensor that it is a view of."""
        self.strides: tuple[int, ...] | None = None
        """Where its numbers do not stand in order."""

    def __del__(self) -> None:
        self.recorder.release(self.storage)

    # `isinstance(x, torch.Tensor)` asks for it, `type(x)` does not.
    __class__ = property(lambda self: torch.Tensor)

    @classmethod
    def __torch_function__(cls, function: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        # Of a trace the mode is asked first; here is who was kept after its end, or in a thread.
        raise ShapeError("a tensor of a trace is used outside of it")

    def meta(self) -> torch.Tensor:
        """A real one on meta, of the same shape and layout."""
        if self.strides is None:
            return torch.empty(self.shape, dtype=self.dtype, device=META)
        return torch.empty_strided(self.shape, self.strides, dtype=self.dtype, device=META)

    @property
    def device(self) -> torch.device:
        return self.recorder.device

    @property
    def requires_grad(self) -> bool:
        return False

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        """No gradient passes through a trace."""

    @property
    def data(self) -> Any:
        return self.recorder.call(torch.Tensor.detach, (self,), {})

    @data.setter
    def data(self, value: Any) -> None:
        self.recorder.call(torch.Tensor.copy_, (self, value), {})

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def dim(self) -> int:
        return len(self.shape)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return self.shape.numel()

    nelement = numel

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def requires_grad_(self, requires_grad: bool = True) -> SymbolicTensor:
        return self

    def retain_grad(self) -> None:
        return None

    def __iter__(self) -> Any:
        return iter(self.recorder.call(torch.Tensor.unbind, (self, 0), {}))

    def __repr__(self) -> str:
        return f"SymbolicTensor({'×'.join(map(str, self.shape))}, {self.dtype})"

    __hash__ = object.__hash__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.recorder.call(torch.Tensor.clone, (self,), {})

    def __getattr__(self, name: str) -> Any:
        method = getattr(torch.Tensor, name)        # `AttributeError` as of a tensor
        if callable(method):
            return lambda *args, **kwargs: self.recorder.call(method, (self, *args), kwargs)
        return self.recorder.call(_getter(name), (self,), {})


@cache
def _getter(name: str) -> Callable[[Any], Any]:
    """A property, `x.mT`, as a function with its name."""
    def get(tensor: Any) -> Any:
        return getattr(tensor, name)
    get.__name__ = name
    return get


def _needs_values(self: SymbolicTensor, *_: Any) -> Any:
    raise ShapeError("a decision needs the values of a tensor")


def _method(name: str) -> Callable[..., Any]:
    method = getattr(torch.Tensor, name)

    def call(self: SymbolicTensor, *args: Any) -> Any:
        return self.recorder.call(method, (self, *args), {})
    return call


# Python looks operators up on the class, past __getattr__.
_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
           "lshift", "rshift")
_OPERATORS = [*[f"__{side}{name}__" for name in _BINARY for side in ("", "r", "i")],
              *[f"__{name}__" for name in ("neg", "pos", "invert", "abs", "eq", "ne", "lt", "le",
                                           "gt", "ge", "getitem", "setitem", "reversed")]]
for _name in _OPERATORS:
    if hasattr(torch.Tensor, _name):
        setattr(SymbolicTensor, _name, _method(_name))
for _name in ("bool", "int", "float", "complex", "index", "array", "contains"):
    setattr(SymbolicTensor, f"__{_name}__", _needs_values)
