"""EfficientNet: one small network, made larger in depth, width and resolution together.

Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks". The
coefficients of B1 to B7 are those of the authors' code.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Literal, NamedTuple

from torch import Tensor, nn

from explorer.config import Config, knob, redeclare, scale_channels
from explorer.networks.family import Family, Preset
from explorer.networks.layers import ConvNormAct, Linear, ReLU, Sigmoid, SiLU, SqueezeExcite


class Table1Stage(NamedTuple):
    """A row of the paper's Table 1: MBConv blocks with an expansion and a kernel."""

    expansion: int
    kernel: int
    channels: int
    layers: int
    stride: int


# Table 1, stages 2 to 8: EfficientNet-B0. Table1Stage 1 is the stem, stage 9 the head.
TABLE_1 = (
    Table1Stage(1, 3, 16, 1, 1),
    Table1Stage(6, 3, 24, 2, 2),
    Table1Stage(6, 5, 40, 2, 2),
    Table1Stage(6, 3, 80, 3, 2),
    Table1Stage(6, 5, 112, 3, 1),
    Table1Stage(6, 5, 192, 4, 2),
    Table1Stage(6, 3, 320, 1, 1),
)


class Coefficients(NamedTuple):
    """By how much a preset is larger than B0, as in the authors' code."""

    width: float
    depth: float
    resolution: int
    dropout: float


COEFFICIENTS = {
    "efficientnet_b0": Coefficients(1.0, 1.0, 224, 0.2),
    "efficientnet_b1": Coefficients(1.0, 1.1, 240, 0.2),
    "efficientnet_b2": Coefficients(1.1, 1.2, 260, 0.3),
    "efficientnet_b3": Coefficients(1.2, 1.4, 300, 0.3),
    "efficientnet_b4": Coefficients(1.4, 1.8, 380, 0.4),
    "efficientnet_b5": Coefficients(1.6, 2.2, 456, 0.4),
    "efficientnet_b6": Coefficients(1.8, 2.6, 528, 0.5),
    "efficientnet_b7": Coefficients(2.0, 3.1, 600, 0.5),
}

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved), at the
# resolutions above; torchvision itself shows B2 images of 288×288.
TORCHVISION = {
    "efficientnet_b0": (5_288_548, 385_814_752),
    "efficientnet_b1": (7_794_184, 686_802_832),
    "efficientnet_b2": (9_109_994, 993_561_872),
    "efficientnet_b3": (12_233_232, 1_827_141_392),
    "efficientnet_b4": (19_341_616, 4_393_771_024),
    "efficientnet_b5": (30_389_784, 10_266_384_752),
    "efficientnet_b6": (43_040_704, 19_067_593_536),
    "efficientnet_b7": (66_347_960, 37_745_884_192),
}

# Section 3.3: found by a small grid search on B0, so that one more φ is about twice the work.
ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15


class EfficientNetConfig(Config):
    width: float = redeclare(
        "width", 1.0, "Multiplies the channels of every layer, on top of the preset's own "
        "coefficient, rounded to a multiple of 8. B0 at width 2 has the channels of B7.")
    depth: float = redeclare(
        "depth", 1.0, "Multiplies the number of blocks in every stage, rounded up. B0 at depth 3.1 "
        "has the blocks of B7.")
    compound: float = knob(
        0.0, "The φ of the paper's equation 3, which turns three knobs at once: depth is "
        "multiplied by 1.2^φ, width by 1.1^φ, and height and width of the image by 1.15^φ. One "
        "more is about twice the multiply-adds. B1 to B7 have coefficients of their own.",
        ge=0, le=7, step=0.5, label="Compound coefficient φ")
    expansion: int = knob(
        6, "The depthwise convolution of a block has this many times the channels of the block's "
        "input (Table 1: MBConv6). The first stage does not expand.", ge=1, le=12, step=1)
    squeeze_excite: bool = knob(
        True, "Squeeze-and-excitation in every block: each channel is multiplied by a factor that "
        "is computed from the whole feature map (section 4).", label="Squeeze-and-excitation")
    activation: Literal["swish", "relu"] = knob(
        "swish", "The activation everywhere. Swish is the paper's (section 5.2); PyTorch calls it "
        "SiLU. ReLU is the one of older networks.")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(2, 9))

    @property
    def coefficients(self) -> Coefficients:
        return COEFFICIENTS[self.network]

    @property
    def scaled_blocks(self) -> tuple[int, ...]:
        return tuple(math.ceil(self.depth * ALPHA ** self.compound * count)
                     for count in self.blocks)

    def channels(self, count: int) -> int:
        return scale_channels(
            count, self.coefficients.width * self.width * BETA ** self.compound)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        size = round(self.input_size * GAMMA ** self.compound)
        return self.batch_size, self.in_channels, size, size

    def nonlinearity(self) -> nn.Module:
        return SiLU(inplace=True) if self.activation == "swish" else ReLU(inplace=True)


class MBConv(nn.Module):
    """Expand, filter each channel, squeeze and excite, project: MobileNetV2's block."""

    def __init__(self, in_channels: int, channels: int, stage: Table1Stage, stride: int,
                 config: EfficientNetConfig) -> None:
        super().__init__()
        expanded = in_channels * (1 if stage.expansion == 1 else config.expansion)
        self.branch = nn.Sequential()
        if expanded != in_channels:
            self.branch.add_module("expand", ConvNormAct(
                in_channels, expanded, eps=1e-3, activation=config.nonlinearity()))
        self.branch.add_module("depthwise", ConvNormAct(
            expanded, expanded, stage.kernel, stride=stride, groups=expanded, eps=1e-3,
            activation=config.nonlinearity()))
        if config.squeeze_excite:
            # A quarter of what the block is given, and not of what it expands it to.
            self.branch.add_module("squeeze_excite", SqueezeExcite(
                expanded, max(1, in_channels // 4), gate=Sigmoid(), act=config.nonlinearity()))
        self.branch.add_module("project", ConvNormAct(expanded, channels, eps=1e-3))
        self.shortcut = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return x + y if self.shortcut else y


class EfficientNet(nn.Module):
    """Table 1 of the paper, with its numbers for the stages."""

    def __init__(self, config: EfficientNetConfig) -> None:
        super().__init__()
        channels = config.channels(32)
        self.stem = ConvNormAct(config.in_channels, channels, 3, stride=2, eps=1e-3,
                                activation=config.nonlinearity())
        self.stages = []
        for number, (row, depth) in enumerate(zip(TABLE_1, config.scaled_blocks, strict=True), 2):
            stage = nn.Sequential()
            for position in range(depth):
                out = config.channels(row.channels)
                stage.append(MBConv(channels, out, row, row.stride if position == 0 else 1, config))
                channels = out
            self.add_module(f"stage{number}", stage)
            self.stages.append(stage)
        wide = config.channels(1280)
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            conv=ConvNormAct(channels, wide, eps=1e-3, activation=config.nonlinearity()),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            drop=nn.Dropout(config.coefficients.dropout),
            fc=Linear(wide, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)                # (N, 3, H, W) -> (N, 32, H/2, W/2)
        for stage in self.stages:
            x = stage(x)                #              -> (N, 320, H/32, W/32)
        return self.head(x)             #              -> (N, num_classes)


def preset(name: str, coefficients: Coefficients) -> Preset:
    title = f"EfficientNet-{name[-2:].upper()}"
    size = coefficients.resolution
    params, macs = TORCHVISION[name]
    return Preset(
        title=title,
        config=EfficientNetConfig(
            network=name, input_size=size,
            blocks=tuple(math.ceil(coefficients.depth * stage.layers) for stage in TABLE_1)),
        source="Table 1" if name == "efficientnet_b0" else
        f"Table 1 with the authors' coefficients: width {coefficients.width}, depth "
        f"{coefficients.depth}, {size} pixels",
        params=params, macs=macs, figures="torchvision 0.28, at this input")


FAMILY = Family(
    title="EfficientNet",
    paper="Tan & Le 2019, arXiv:1905.11946",
    idea="Depth, width and input size grow together, by one number.",
    network=EfficientNet,
    presets=tuple(preset(name, coefficients) for name, coefficients in COEFFICIENTS.items()))
