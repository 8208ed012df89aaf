"""Layers and parts that two or more families share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

P = ParamSpec("P")
L = TypeVar("L", bound=nn.Module)
T = TypeVar("T")

TENSORS = ("_parameters", "_buffers")
"""Where a module keeps them."""

_device: ContextVar[str] = ContextVar("device", default="cpu")


@contextmanager
def layers_on(device: str) -> Iterator[None]:
    """Make the layers below on `device`; on "meta" without filling them, as nothing is there.

    PyTorch's own `torch.device` context looks at every operation; this one is bound to these
    layers and to the thread that enters it.
    """
    token = _device.set(device)
    try:
        yield
    finally:
        _device.reset(token)


def placed(layer: Callable[P, L]) -> Callable[P, L]:
    """A layer of PyTorch, made where `layers_on` says.

    On "meta" it is a copy of one that PyTorch's own constructor made from the same arguments, and
    `TypeError` is raised for what cannot be copied: layers with layers inside, recurrent layers.
    """
    with_tensors = "device" in signature(layer).parameters      # an activation has none

    def constructor(device: str, *args: Any, **kwargs: Any) -> L:
        there: dict[str, Any] = {"device": device} if with_tensors else {}
        return layer(*args, **kwargs, **there)

    def make(*args: Any, **kwargs: Any) -> L:
        if (device := _device.get()) != "meta":
            return constructor(device, *args, **kwargs)
        try:
            blueprint = _blueprint(torch.get_default_dtype(), constructor, *args, **kwargs)
        except TypeError:       # an argument without a hash, such as a list
            blueprint = _Blueprint(constructor(device, *args, **kwargs))
        return blueprint.copy()

    return make


class _Blueprint:
    """What PyTorch's own constructor made of a layer on meta, to make more like it.

    A constructor takes ten times as long as a copy, for `nn.Module.__setattr__` and for filling
    what holds no values. Copies share nothing that can change.
    """

    def __init__(self, layer: nn.Module) -> None:
        self.type = type(layer)
        self.state = vars(layer)
        containers = {name: value for name, value in self.state.items()
                      if isinstance(value, dict | set | list)}
        self.copies = [(name, value.copy) for name, value in containers.items()]
        for name, value in containers.items():
            parts = value.values() if isinstance(value, dict) else value
            if name not in TENSORS and not all(isinstance(part, int | str) for part in parts):
                raise TypeError(f"`placed` cannot copy {self.type.__name__}, whose `{name}` holds "
                                "more than numbers and names. Call PyTorch's own: `build` moves it "
                                "to its device.")
        self.tensors = tuple(
            (kind, name, tensor.requires_grad,
             {"size": tensor.shape, "stride": tensor.stride(), "dtype": tensor.dtype,
              "device": tensor.device})
            for kind in TENSORS
            for name, tensor in self.state[kind].items() if tensor is not None)

    def copy(self) -> Any:
        layer = object.__new__(self.type)
        state = vars(layer)
        state.update(self.state)
        for name, copied in self.copies:
            state[name] = copied()
        for kind, name, requires_grad, like in self.tensors:
            tensor = torch.empty_strided(**like)
            state[kind][name] = nn.Parameter(tensor, requires_grad) if kind == "_parameters" \
                else tensor
        return layer


@lru_cache(maxsize=1024, typed=True)
def _blueprint(dtype: torch.dtype, layer: Callable[..., nn.Module], *args: Any,
               **kwargs: Any) -> _Blueprint:
    """`dtype` is what PyTorch makes a layer of where nobody says."""
    return _Blueprint(layer("meta", *args, **kwargs))


Conv2d = placed(nn.Conv2d)
BatchNorm2d = placed(nn.BatchNorm2d)
Linear = placed(nn.Linear)
ReLU = placed(nn.ReLU)
ReLU6 = placed(nn.ReLU6)
SiLU = placed(nn.SiLU)
Sigmoid = placed(nn.Sigmoid)
Hardswish = placed(nn.Hardswish)
Hardsigmoid = placed(nn.Hardsigmoid)
Tanh = placed(nn.Tanh)
GELU = placed(nn.GELU)
LayerNorm = placed(nn.LayerNorm)
MaxPool2d = placed(nn.MaxPool2d)


class ConvNormAct(nn.Sequential):
    """A convolution and what follows it.

    BatchNorm and an activation follow where they are wanted. Without `padding` the input is padded
    so that stride 1 keeps its size ("same").
    """

    def __init__(self, in_channels: int, out_channels: int,
                 kernel_size: int | tuple[int, int] = 1, *, stride: int = 1,
                 padding: int | None = None, dilation: int = 1, groups: int = 1,
                 bias: bool = False, norm: bool = True, eps: float = 1e-5,
                 activation: nn.Module | None = None) -> None:
        super().__init__()
        height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        same = dilation * (height // 2), dilation * (width // 2)
        self.conv = Conv2d(in_channels, out_channels, kernel_size, stride,
                           same if padding is None else padding, dilation, groups, bias)
        if norm:
            self.norm = BatchNorm2d(out_channels, eps=eps)
        if activation is not None:
            self.act = activation


class SqueezeExcite(nn.Module):
    """Scales each channel by a factor between 0 and 1 that the whole map decides (Hu et al. 2018,
    arXiv:1709.01507, Figure 2).

    `gate` gives the factors, `act` stands between the two layers.
    """

    def __init__(self, channels: int, squeezed: int, *, gate: nn.Module,
                 act: nn.Module | None = None) -> None:
        super().__init__()
        self.gate = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            fc1=Conv2d(channels, squeezed, 1),
            act=act or ReLU(inplace=True),
            fc2=Conv2d(squeezed, channels, 1),
            gate=gate))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)     # (N, C, H, W) * (N, C, 1, 1)


class Branches(nn.Module):
    """Branches side by side on one input, their outputs concatenated by channel."""

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], dim=1)


def repeat(rows: Sequence[T], depth: int) -> list[T]:
    """The first `depth` rows of a table; past its end the last one again."""
    return [rows[min(number, len(rows) - 1)] for number in range(depth)]
