"""MobileNetV3: inverted residuals found by search, with squeeze-and-excitation and hard-swish.

Howard et al. 2019, "Searching for MobileNetV3".
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.config import Config, knob, scale_channels
from explorer.networks.family import Family, Preset
from explorer.networks.layers import Conv2d, ConvNormAct, Hardswish, Linear, ReLU


class Bneck(NamedTuple):
    """A bneck row of the paper's tables."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    activation: Literal["RE", "HS"]
    stride: int


# Table 1 (Large).
LARGE = (
    Bneck(3, 16, 16, False, "RE", 1),
    Bneck(3, 64, 24, False, "RE", 2),
    Bneck(3, 72, 24, False, "RE", 1),
    Bneck(5, 72, 40, True, "RE", 2),
    Bneck(5, 120, 40, True, "RE", 1),
    Bneck(5, 120, 40, True, "RE", 1),
    Bneck(3, 240, 80, False, "HS", 2),
    Bneck(3, 200, 80, False, "HS", 1),
    Bneck(3, 184, 80, False, "HS", 1),
    Bneck(3, 184, 80, False, "HS", 1),
    Bneck(3, 480, 112, True, "HS", 1),
    Bneck(3, 672, 112, True, "HS", 1),
    Bneck(5, 672, 160, True, "HS", 2),
    Bneck(5, 960, 160, True, "HS", 1),
    Bneck(5, 960, 160, True, "HS", 1),
)

# Table 2 (Small).
SMALL = (
    Bneck(3, 16, 16, True, "RE", 2),
    Bneck(3, 72, 24, False, "RE", 2),
    Bneck(3, 88, 24, False, "RE", 1),
    Bneck(5, 96, 40, True, "HS", 2),
    Bneck(5, 240, 40, True, "HS", 1),
    Bneck(5, 240, 40, True, "HS", 1),
    Bneck(5, 120, 48, True, "HS", 1),
    Bneck(5, 144, 48, True, "HS", 1),
    Bneck(5, 288, 96, True, "HS", 2),
    Bneck(5, 576, 96, True, "HS", 1),
    Bneck(5, 576, 96, True, "HS", 1),
)


class TutorialRow(NamedTuple):
    """A row of the tutorial's table, as headed: expansion factor, channels, stride."""

    t: float
    c: int
    s: int
    squeeze: bool
    activation: Literal["RE", "HS"]


TUTORIAL_LARGE = (
    TutorialRow(1, 16, 1, False, "RE"),
    TutorialRow(4, 24, 2, False, "RE"),
    TutorialRow(3, 24, 1, False, "RE"),
    TutorialRow(3, 40, 2, True, "RE"),
    TutorialRow(3, 40, 1, True, "RE"),
    TutorialRow(3, 40, 1, True, "RE"),
    TutorialRow(6, 80, 2, False, "HS"),
    TutorialRow(2.5, 80, 1, False, "HS"),
    TutorialRow(2.3, 80, 1, False, "HS"),
    TutorialRow(2.3, 112, 1, True, "HS"),
    TutorialRow(6, 112, 1, True, "HS"),
    TutorialRow(6, 160, 2, True, "HS"),
    TutorialRow(6, 160, 1, True, "HS"),
)

TUTORIAL_SMALL = (
    TutorialRow(1, 16, 2, True, "RE"),
    TutorialRow(4.5, 24, 2, False, "RE"),
    TutorialRow(3.6, 24, 1, False, "RE"),
    TutorialRow(4, 40, 2, True, "RE"),
    TutorialRow(3, 48, 1, True, "RE"),
    TutorialRow(3, 48, 1, True, "RE"),
    TutorialRow(6, 96, 2, True, "HS"),
    TutorialRow(6, 96, 1, True, "HS"),
)


def swapped(rows: tuple[TutorialRow, ...]) -> tuple[Bneck, ...]:
    """What the tutorial's network makes of its table: it takes t for the channels and c for the
    expansion factor, so that hardly any channels remain between wide expansions."""
    made, channels = [], 16
    for row in rows:
        out = round_to_8(row.t)
        made.append(Bneck(3, channels * row.c, out, row.squeeze, row.activation, row.s))
        channels = out
    return tuple(made)


def round_to_8(channels: float) -> int:
    """The nearest multiple of 8, and at least 8."""
    return max(8, int(channels + 4) // 8 * 8)


class Architecture(NamedTuple):
    rows: tuple[Bneck, ...]
    wide: int
    """Channels of the last convolution before the pooling."""
    head: int
    """Units of the last hidden layer."""
    stage_by: Literal["out", "expanded"] = "out"
    """The column that changes where a stage begins."""

    @property
    def stages(self) -> list[tuple[Bneck, ...]]:
        """The rows, grouped into stages."""
        stages: list[list[Bneck]] = []
        for row in self.rows:
            if not stages or getattr(stages[-1][-1], self.stage_by) != getattr(row, self.stage_by):
                stages.append([])
            stages[-1].append(row)
        return [tuple(stage) for stage in stages]


ARCHITECTURES = {
    "mobilenetv3_large": Architecture(LARGE, wide=960, head=1280),
    "mobilenetv3_small": Architecture(SMALL, wide=576, head=1024),
    # The last convolution takes its channels from the wrong column too: six times the last t.
    "mobilenetv3_large_tutorial": Architecture(swapped(TUTORIAL_LARGE), wide=round_to_8(6 * 6),
                                               head=1280, stage_by="expanded"),
    "mobilenetv3_small_tutorial": Architecture(swapped(TUTORIAL_SMALL), wide=round_to_8(6 * 6),
                                               head=1280, stage_by="expanded"),
}


class BneckConfig(Config):
    """The knobs that the paper's networks and the tutorial's share."""

    squeeze_excite: bool = knob(
        True, "Squeeze-and-excitation where the paper's table has it: each channel is multiplied "
        "by a factor that is computed from the whole feature map.",
        label="Squeeze-and-excitation")
    se_reduction: int = knob(
        4, "The squeezed layer has this many times fewer channels than the expanded one.",
        ge=1, le=64, step=1, label="SE reduction")
    activation: Literal["paper", "relu", "swish"] = knob(
        "paper", "Paper: ReLU in the early blocks and hard-swish in the later ones. ReLU, swish: "
        "the same everywhere.")
    kernel_size: Literal["paper", "3x3", "5x5", "7x7"] = knob(
        "paper", "Kernel of the depthwise convolutions. Paper: as in its table. The others: one "
        "size everywhere.")
    last_stage: Literal["efficient", "original"] = knob(
        "efficient", "Efficient: global pooling comes before the wide 1×1 convolution. Original: "
        "after it, behind one more bottleneck (the paper's Figure 5).")
    scale_head: bool = knob(
        False, "The width multiplier also makes the last hidden layer smaller, as in "
        "torchvision. In the paper a width below 1 does not change this layer.",
        label="Head follows width")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, len(self.architecture.stages) + 1))

    @property
    def architecture(self) -> Architecture:
        return ARCHITECTURES[self.network]

    def expanded(self, row: Bneck, unscaled: int, in_channels: int) -> int:
        """Channels between the expansion of a block and its projection.

        The block is given `in_channels`, which are the table's `unscaled` ones at this width.
        """
        return self.channels(row.expanded)

    def wide(self, in_channels: int) -> int:
        """Channels of the last convolution, which is given `in_channels`."""
        return self.channels(self.architecture.wide)

    def nonlinearity(self, in_paper: Literal["RE", "HS"]) -> nn.Module:
        if self.activation == "swish":
            return nn.SiLU(inplace=True)
        if self.activation == "relu" or in_paper == "RE":
            return ReLU(inplace=True)
        return Hardswish(inplace=True)


class MobileNetV3Config(BneckConfig):
    expansion_rule: Literal["authors", "torchvision"] = knob(
        "authors", "How the width multiplier changes the expanded channels. Authors: expansion "
        "factor of the paper × scaled input channels, as in their code. Torchvision: expanded "
        "channels of the paper × width.")

    def expanded(self, row: Bneck, unscaled: int, in_channels: int) -> int:
        if self.expansion_rule == "torchvision":
            return super().expanded(row, unscaled, in_channels)
        # The factor is row.expanded / unscaled; 184 / 80 = 2.3.
        return scale_channels(row.expanded, in_channels / unscaled)

    def wide(self, in_channels: int) -> int:
        if self.expansion_rule == "torchvision":
            return 6 * in_channels
        return super().wide(in_channels)


class SqueezeExcite(nn.Module):
    """Scales each channel by a factor between 0 and 1 that the whole image decides (Figure 4)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            fc1=Conv2d(channels, squeezed, 1),
            act=ReLU(inplace=True),
            fc2=Conv2d(squeezed, channels, 1),
            gate=nn.Hardsigmoid(inplace=True)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)     # (N, C, H, W) * (N, C, 1, 1)


class LinearSqueezeExcite(nn.Module):
    """The same with linear layers, as the tutorial has it; pooling and ReLU are functions there."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = Linear(channels, squeezed)
        self.fc2 = Linear(squeezed, channels)
        self.gate = nn.Hardsigmoid(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1).flatten(1)      # (N, C, H, W) -> (N, C)
        y = self.gate(self.fc2(F.relu(self.fc1(y))))
        return x * y.view(*y.shape, 1, 1)               # (N, C, H, W) * (N, C, 1, 1)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, squeeze and excite, project (Figure 4)."""

    squeeze_excite: type[nn.Module] = SqueezeExcite

    def __init__(self, in_channels: int, expanded: int, row: Bneck, config: BneckConfig) -> None:
        super().__init__()
        out = config.channels(row.out)
        kernel = row.kernel if config.kernel_size == "paper" else int(config.kernel_size[0])
        self.branch = nn.Sequential()
        if expanded != in_channels:
            self.branch.add_module("expand", ConvNormAct(
                in_channels, expanded, eps=1e-3, activation=config.nonlinearity(row.activation)))
        self.branch.add_module("depthwise", ConvNormAct(
            expanded, expanded, kernel, stride=row.stride, groups=expanded, eps=1e-3,
            activation=config.nonlinearity(row.activation)))
        if row.squeeze and config.squeeze_excite:
            self.branch.add_module("squeeze_excite", self.squeeze_excite(
                expanded, scale_channels(expanded, 1 / config.se_reduction)))
        self.branch.add_module("project", ConvNormAct(expanded, out, eps=1e-3))
        self.shortcut = row.stride == 1 and in_channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return x + y if self.shortcut else y


class TutorialInvertedResidual(InvertedResidual):
    """The tutorial's block, with its own squeeze-and-excitation."""

    squeeze_excite = LinearSqueezeExcite


class MobileNetV3(nn.Module):
    block: type[InvertedResidual] = InvertedResidual

    def __init__(self, config: BneckConfig) -> None:
        super().__init__()
        stages = config.architecture.stages
        unscaled, channels = 16, config.channels(16)
        self.stem = ConvNormAct(config.in_channels, channels, 3, stride=2, eps=1e-3,
                                activation=config.nonlinearity("HS"))
        self.stages = []
        for number, (rows, depth) in enumerate(zip(stages, config.scaled_blocks, strict=True), 1):
            stage = nn.Sequential()
            for row in repeat(rows, depth):
                expanded = config.expanded(row, unscaled, channels)
                stage.append(self.block(channels, expanded, row, config))
                unscaled, channels = row.out, config.channels(row.out)
            self.add_module(f"stage{number}", stage)
            self.stages.append(stage)
        self.head = head(channels, config)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)                # (N, 3, H, W) -> (N, 16, H/2, W/2)
        for stage in self.stages:
            x = stage(x)                #              -> (N, 160, H/32, W/32)
        return self.head(x)             #              -> (N, num_classes)


class MobileNetV3Tutorial(MobileNetV3):
    """A tutorial's MobileNetV3: the paper's, from a table whose columns are swapped."""

    block = TutorialInvertedResidual


def repeat(rows: tuple[Bneck, ...], depth: int) -> list[Bneck]:
    """The first `depth` rows of a stage; past its end the last one again, with stride 1."""
    return [rows[i] if i < len(rows) else rows[-1]._replace(stride=1) for i in range(depth)]


def head(channels: int, config: BneckConfig) -> nn.Sequential:
    """Figure 5: the original last stage, and the efficient one, which pools first."""
    hidden = config.architecture.head
    if config.scale_head or config.width > 1:
        hidden = config.channels(hidden)
    wide = config.wide(channels)
    hard_swish = config.nonlinearity("HS")
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if config.last_stage == "efficient":
        parts["conv"] = ConvNormAct(channels, wide, eps=1e-3, activation=hard_swish)
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        parts["fc1"] = Linear(wide, hidden)
        parts["act"] = config.nonlinearity("HS")
    else:
        parts["expand"] = ConvNormAct(channels, wide, eps=1e-3, activation=hard_swish)
        parts["depthwise"] = ConvNormAct(wide, wide, 3, groups=wide, eps=1e-3,
                                         activation=config.nonlinearity("HS"))
        parts["project"] = ConvNormAct(wide, 2 * channels, eps=1e-3)
        parts["conv"] = ConvNormAct(2 * channels, hidden, eps=1e-3,
                                    activation=config.nonlinearity("HS"))
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
    parts["drop"] = nn.Dropout(0.2)
    parts["fc"] = Linear(hidden, config.num_classes)
    return nn.Sequential(parts)


def blocks(network: str) -> tuple[int, ...]:
    return tuple(map(len, ARCHITECTURES[network].stages))


def preset(size: str, number: int, params: int, macs: int) -> Preset:
    name = f"mobilenetv3_{size.lower()}"
    return Preset(title=f"MobileNetV3-{size}", source=f"Table {number}",
                  config=MobileNetV3Config(network=name, blocks=blocks(name)),
                  params=params, macs=macs, figures="torchvision 0.28")


def tutorial(size: str, number: int, params: int) -> Preset:
    name = f"mobilenetv3_{size.lower()}_tutorial"
    return Preset(title=f"MobileNetV3-{size}, tutorial",
                  source=f"A tutorial's: like Table {number}, but with two columns swapped",
                  config=BneckConfig(network=name, blocks=blocks(name)),
                  network=MobileNetV3Tutorial, params=params, figures="The tutorial's table")


FAMILY = Family(
    title="MobileNetV3",
    paper="Howard et al. 2019, arXiv:1905.02244",
    network=MobileNetV3,
    presets=(preset("Large", 1, params=5_483_032, macs=216_589_760),
             preset("Small", 2, params=2_542_856, macs=56_510_400),
             tutorial("Large", 1, params=4_166_344), tutorial("Small", 2, params=2_256_024)))
