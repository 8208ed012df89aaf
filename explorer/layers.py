"""Layers and parts that two or more families share."""

from __future__ import annotations

from torch import nn


class Conv2d(nn.Conv2d):
    """PyTorch's convolution; on meta, where there is nothing to fill, it skips initialisation."""

    def reset_parameters(self) -> None:
        if not self.weight.is_meta:
            super().reset_parameters()


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's BatchNorm; on meta it skips initialisation."""

    def reset_parameters(self) -> None:
        if not self.weight.is_meta:
            super().reset_parameters()


class Linear(nn.Linear):
    """PyTorch's linear layer; on meta it skips initialisation."""

    def reset_parameters(self) -> None:
        if not self.weight.is_meta:
            super().reset_parameters()


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
