"""Xception: Inception taken to its end, depthwise separable convolutions with shortcuts.

Chollet 2017, "Xception: Deep Learning with Depthwise Separable Convolutions".
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from explorer.config import BlockCount, Config, knob, redeclare
from explorer.networks.family import Family, Preset
from explorer.networks.layers import BatchNorm2d, Conv2d, ConvNormAct, Linear, MaxPool2d, ReLU


class XceptionConfig(Config):
    blocks: tuple[BlockCount, ...] = knob(
        (8,), "Blocks of the middle flow, before the depth multiplier; the paper has eight "
        "(Figure 5).", label="Middle blocks")
    input_size: int = redeclare(
        "input_size", 299, "Height and width of the input image, in pixels; the paper uses 299.")
    residual: bool = knob(
        True, "A shortcut around every block. The paper's section 4.7 removes them.",
        label="Shortcuts")
    separable: bool = knob(
        True, "Depthwise separable convolutions. Off: a full 3×3 convolution instead of each, "
        "which shows how much they save.", label="Separable convolutions")
    depthwise_activation: Literal["none", "relu", "elu"] = knob(
        "none", "An activation between the depthwise and the pointwise convolution. In the "
        "paper's Figure 10, none is the best.")

    @property
    def stages(self) -> tuple[str, ...]:
        return ("middle flow",)


class SeparableConv(nn.Sequential):
    """A 3×3 convolution for each channel, then a 1×1 convolution across channels."""

    def __init__(self, in_channels: int, out_channels: int, activation: str) -> None:
        super().__init__()
        self.depthwise = Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels,
                                   bias=False)
        if activation != "none":
            self.act = ReLU(inplace=True) if activation == "relu" else nn.ELU(inplace=True)
        self.pointwise = Conv2d(in_channels, out_channels, 1, bias=False)


class XceptionBlock(nn.Module):
    """ReLU, separable convolution and BatchNorm in a row; max pooling where it has a stride."""

    def __init__(self, channels: tuple[int, ...], config: XceptionConfig, *, stride: int = 1,
                 first_relu: bool = True) -> None:
        super().__init__()
        self.branch = nn.Sequential()
        for number, (before, after) in enumerate(pairwise(channels), 1):
            if number > 1 or first_relu:
                # The first one not in place: the shortcut still needs the input.
                self.branch.add_module(f"act{number}", ReLU(inplace=number > 1))
            self.branch.add_module(f"conv{number}", conv3x3(before, after, config))
            self.branch.add_module(f"norm{number}", BatchNorm2d(after))
        if stride > 1:
            self.branch.add_module("pool", MaxPool2d(3, stride, padding=1))
        self.shortcut: nn.Module | None = None
        if config.residual:
            changes = stride > 1 or channels[0] != channels[-1]
            self.shortcut = ConvNormAct(channels[0], channels[-1], stride=stride) if changes \
                else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return y if self.shortcut is None else y + self.shortcut(x)


class Xception(nn.Module):
    """Figure 5 of the paper: entry flow, middle flow and exit flow."""

    def __init__(self, config: XceptionConfig) -> None:
        super().__init__()
        c = config.channels
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv1=ConvNormAct(config.in_channels, c(32), 3, stride=2, padding=0,
                              activation=ReLU(inplace=True)),
            conv2=ConvNormAct(c(32), c(64), 3, padding=0, activation=ReLU(inplace=True))))
        self.entry = nn.Sequential(
            XceptionBlock((c(64), c(128), c(128)), config, stride=2, first_relu=False),
            XceptionBlock((c(128), c(256), c(256)), config, stride=2),
            XceptionBlock((c(256), c(728), c(728)), config, stride=2))
        self.middle = nn.Sequential(*(
            XceptionBlock((c(728),) * 4, config) for _ in range(config.scaled_blocks[0])))
        self.exit = nn.Sequential(OrderedDict[str, nn.Module](
            block=XceptionBlock((c(728), c(728), c(1024)), config, stride=2),
            conv1=conv3x3(c(1024), c(1536), config),
            norm1=BatchNorm2d(c(1536)),
            act1=ReLU(inplace=True),
            conv2=conv3x3(c(1536), c(2048), config),
            norm2=BatchNorm2d(c(2048)),
            act2=ReLU(inplace=True)))
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=Linear(c(2048), config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, 299, 299) -> (N, 64, 147, 147)
        x = self.entry(x)       #                  -> (N, 728, 19, 19)
        x = self.middle(x)      #                  -> (N, 728, 19, 19)
        x = self.exit(x)        #                  -> (N, 2048, 10, 10)
        return self.head(x)     #                  -> (N, num_classes)


def conv3x3(in_channels: int, out_channels: int, config: XceptionConfig) -> nn.Module:
    if config.separable:
        return SeparableConv(in_channels, out_channels, config.depthwise_activation)
    return Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


FAMILY = Family(
    title="Xception",
    paper="Chollet 2017, arXiv:1610.02357",
    idea="Inception's branches taken to their end: one for each channel, with shortcuts "
         "around them.",
    network=Xception,
    presets=(Preset(title="Xception", config=XceptionConfig(network="xception"),
                    source="Figure 5; the stem without padding",
                    params=22_855_952, figures="Table 3 of the paper"),
             Preset(title="Xception, tutorial",
                    config=XceptionConfig(network="xception_tutorial", input_size=224),
                    source="A tutorial's: Figure 5 on 224×224 pixels",
                    params=22_855_952, figures="The tutorial's table")))
