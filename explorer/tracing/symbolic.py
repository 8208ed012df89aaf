"""A tensor that has a shape and no values: what a network is given while it is traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import torch

from explorer.language import Text
from explorer.tracing.operators import Shape, ShapeError

META = torch.device("meta")


class ValuesNeeded(ShapeError):
    """A pass goes on by what is in a tensor, which no shape tells."""


class Recorder(Protocol):
    """What keeps the calls that symbolic tensors take part in."""

    device: torch.device
    """Of the network, and so of the tensors that it is given."""
    alive: int
    """Tensors of this trace that somebody holds."""

    def release(self, storage: int) -> None:
        """A tensor is gone."""


class SymbolicTensor(torch.Tensor):
    """Every operation on it goes to the mode that watches the trace. Its own memory is empty; what
    is often asked of it is answered here, without the way through PyTorch."""

    __slots__ = ("base", "dtype", "parameter", "producer", "recorder", "shape", "sides",
                 "storage", "strides")

    recorder: Recorder
    shape: torch.Size
    sides: Shape
    """The shape as a plain tuple."""
    dtype: torch.dtype
    producer: int
    """The call that gave it, negative for an input."""
    storage: int    # type: ignore[assignment]  # of a tensor, a method that is no longer used
    """The call that allocated its memory, negative for an input."""
    parameter: str | None
    """The parameter that it is a view of, where it is one: then no call gave it."""
    base: SymbolicTensor | None
    """The tensor that it is a view of."""
    strides: tuple[int, ...] | None
    """Where its numbers do not stand in order."""

    layout = torch.strided
    requires_grad = False
    is_meta = is_cuda = is_sparse = is_nested = is_quantized = False

    def __del__(self) -> None:
        self.recorder.release(self.storage)

    @classmethod
    def __torch_function__(cls, function: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> NoReturn:
        # Of a trace the mode is asked first; here is what was kept after its end.
        raise ShapeError(Text("a tensor of a trace is used outside of it"))

    def meta(self) -> torch.Tensor:
        """A real one on meta, of the same shape and layout."""
        if self.strides is None:
            return torch.empty(self.sides, dtype=self.dtype, device=META)
        return torch.empty_strided(self.sides, self.strides, dtype=self.dtype, device=META)

    @property
    def device(self) -> torch.device:       # type: ignore[override]
        return self.recorder.device

    @property
    def data(self) -> Any:
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        self.copy_(value)

    @property
    def ndim(self) -> int:      # type: ignore[override]
        return len(self.sides)

    def dim(self) -> int:
        return len(self.sides)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.sides[dim]

    def numel(self) -> int:
        return self.shape.numel()

    nelement = numel

    def __len__(self) -> int:
        if not self.sides:
            raise TypeError("len() of a 0-d tensor")
        return self.sides[0]

    def __iter__(self) -> Any:
        return iter(self.unbind(0))

    def __repr__(self, *, tensor_contents: Any = None) -> str:     # type: ignore[override]
        return f"SymbolicTensor({'×'.join(map(str, self.sides))}, {self.dtype})"

    def __format__(self, spec: str) -> str:
        return repr(self)

    __hash__ = object.__hash__

    def __deepcopy__(self, memo: Any) -> Any:
        return self.clone()

    # PyTorch gives a sign, such as `*`, as the method of its name; so the method goes another way.

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return torch.add(self, *args, **kwargs)

    def mul(self, *args: Any, **kwargs: Any) -> Any:
        return torch.mul(self, *args, **kwargs)

    def matmul(self, *args: Any, **kwargs: Any) -> Any:
        return torch.matmul(self, *args, **kwargs)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        return self

    def _needs_values(self, *_: Any) -> NoReturn:
        raise ValuesNeeded(Text("a decision needs the values of a tensor"))

    __bool__ = __int__ = __float__ = __complex__ = __index__ = _needs_values
    __array__ = __contains__ = item = tolist = numpy = _needs_values    # type: ignore[assignment]


def symbolic_tensor(recorder: Recorder, shape: Shape, dtype: torch.dtype, producer: int,
                    storage: int) -> SymbolicTensor:
    """The output of the call `producer`, in the memory of the call `storage`."""
    made = SymbolicTensor()
    made.recorder = recorder
    recorder.alive += 1
    made.sides, made.shape, made.dtype = shape, torch.Size(shape), dtype
    made.producer, made.storage = producer, storage
    made.parameter = made.base = made.strides = None
    return made
