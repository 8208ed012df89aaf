"""MobileNetV3: inverted residuals found by search, with squeeze-and-excitation and hard-swish.

Howard et al. 2019, "Searching for MobileNetV3". Its heads for detection and segmentation (sections
6.3 and 6.4) stand in `mobilenet_heads.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.config import Config, knob, scale_channels
from explorer.networks.family import Family, Preset
from explorer.networks.layers import (
    ConvNormAct,
    Hardsigmoid,
    Hardswish,
    Linear,
    ReLU,
    ReLU6,
    SiLU,
    SqueezeExcite,
)
from explorer.networks.mobilenet_heads import EXTRA, ExtraLayer, LiteRASPP, SSDLite

Head = Literal["classification", "lraspp", "ssdlite"]
Tap = Literal["expansion", "output"]


class Bneck(NamedTuple):
    """A bneck row of the paper's tables."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    activation: Literal["RE", "HS"]
    stride: int
    dilation: int = 1
    """Above 1, it stands for the stride."""
    tap: Tap | None = None
    """What of the block a head is given too."""


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


PAPER = {"Large": Architecture(LARGE, wide=960, head=1280),
         "Small": Architecture(SMALL, wide=576, head=1024)}

ARCHITECTURES = {
    "mobilenetv3_large": PAPER["Large"],
    "mobilenetv3_small": PAPER["Small"],
    "mobilenetv3_large_minimalistic": PAPER["Large"],
    "mobilenetv3_small_minimalistic": PAPER["Small"],
    "lraspp_mobilenetv3_large": PAPER["Large"],
    "ssdlite_mobilenetv3_large": PAPER["Large"],
    # The last convolution takes its channels from the wrong column too: six times the last t.
    "mobilenetv3_large_tutorial": Architecture(swapped(TUTORIAL_LARGE), wide=round_to_8(6 * 6),
                                               head=1280, stage_by="expanded"),
    "mobilenetv3_small_tutorial": Architecture(swapped(TUTORIAL_SMALL), wide=round_to_8(6 * 6),
                                               head=1280, stage_by="expanded"),
}

# The maps that a head is given beside the last one, by their stride. Section 6.3: C4 is the
# expansion of the block that goes to 32. Figure 10: a map of 1/8, in torchvision the first of them.
TAPS: dict[tuple[Head, int], Tap] = {("lraspp", 8): "output", ("ssdlite", 32): "expansion"}


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

    @property
    def rows(self) -> list[list[Bneck]]:
        """The rows of each stage, as many as it has blocks."""
        return [with_more(rows, depth) for rows, depth in
                zip(self.architecture.stages, self.scaled_blocks, strict=True)]

    def expanded(self, row: Bneck, unscaled: int, in_channels: int) -> int:
        """Channels between the expansion of a block and its projection.

        The block is given `in_channels`, which are the table's `unscaled` ones at this width.
        """
        return self.channels(row.expanded)

    def wide(self, in_channels: int) -> int:
        """Channels of the last convolution, which is given `in_channels`."""
        return self.channels(self.architecture.wide)

    @property
    def hidden(self) -> int:
        """Units of the last hidden layer."""
        units = self.architecture.head
        return self.channels(units) if self.scale_head or self.width > 1 else units

    def nonlinearity(self, in_paper: Literal["RE", "R6", "HS"]) -> nn.Module:
        if self.activation == "swish":
            return SiLU(inplace=True)
        if self.activation == "relu" or in_paper == "RE":
            return ReLU(inplace=True)
        return ReLU6(inplace=True) if in_paper == "R6" else Hardswish(inplace=True)


class MobileNetV3Config(BneckConfig):
    expansion_rule: Literal["authors", "torchvision"] = knob(
        "authors", "How the width multiplier changes the expanded channels. Authors: expansion "
        "factor of the paper × scaled input channels, as in their code. Torchvision: expanded "
        "channels of the paper × width.")
    head: Head = knob(
        "classification", "Classification: a score for each class. LRASPP: the segmentation head "
        "of the paper's Figure 10, which gives a score for each class and pixel. SSDLite: object "
        "detection (section 6.3), which gives 6 boxes, and scores for each, at every place of six "
        "feature maps; one of the classes is the background.")
    output_stride: Literal[32, 16, 8] = knob(
        32, "The last feature map is this many times smaller than the image. Below 32, dilated "
        "convolutions replace strides: the paper segments with 16 and 32 (section 6.4).")
    reduced_last_block: bool = knob(
        False, "Half the channels in the last stage and behind it: RF2 of the paper's Table 7, for "
        "segmentation, and the same for detection (section 6.3).",
        label="Reduced last block (RF2)")
    head_filters: int = knob(
        128, "Filters of the segmentation head: F of the paper's Table 7, which has 256 and 128. "
        "The width multiplier does not change them.", ge=1, le=1024, step=8)

    @property
    def architecture(self) -> Architecture:
        whole = super().architecture
        if not self.reduced_last_block:
            return whole
        return whole._replace(wide=whole.wide // 2, head=whole.head // 2)

    @property
    def rows(self) -> list[list[Bneck]]:
        stages = super().rows
        if self.reduced_last_block:
            first, *others = stages[-1]
            stages[-1] = [first._replace(out=first.out // 2), *(
                row._replace(expanded=row.expanded // 2, out=row.out // 2) for row in others)]
        stride = 2                      # of the stem
        for rows in stages:
            for place, row in enumerate(rows):
                stride *= row.stride
                rows[place] = row._replace(
                    dilation=max(1, stride // self.output_stride),
                    tap=TAPS.get((self.head, stride)) if row.stride > 1 else None)
        return stages

    def expanded(self, row: Bneck, unscaled: int, in_channels: int) -> int:
        if self.expansion_rule == "torchvision":
            return super().expanded(row, unscaled, in_channels)
        # The factor is row.expanded / unscaled; 184 / 80 = 2.3.
        return scale_channels(row.expanded, in_channels / unscaled)

    def wide(self, in_channels: int) -> int:
        if self.expansion_rule == "torchvision":
            return 6 * in_channels
        return super().wide(in_channels)


def squeeze_excite(channels: int, squeezed: int) -> SqueezeExcite:
    """With h-sigmoid (Figure 4, section 5.3)."""
    return SqueezeExcite(channels, squeezed, gate=Hardsigmoid(inplace=True))


class LinearSqueezeExcite(nn.Module):
    """The same with linear layers, as the tutorial has it; pooling and ReLU are functions there."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = Linear(channels, squeezed)
        self.fc2 = Linear(squeezed, channels)
        self.gate = Hardsigmoid(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1).flatten(1)      # (N, C, H, W) -> (N, C)
        y = self.gate(self.fc2(F.relu(self.fc1(y))))
        return x * y.view(*y.shape, 1, 1)               # (N, C, H, W) * (N, C, 1, 1)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, squeeze and excite, project (Figure 4)."""

    squeeze_excite: Callable[[int, int], nn.Module] = staticmethod(squeeze_excite)

    def __init__(self, in_channels: int, expanded: int, row: Bneck, config: BneckConfig) -> None:
        super().__init__()
        out = config.channels(row.out)
        kernel = row.kernel if config.kernel_size == "paper" else int(config.kernel_size[0])
        self.branch = nn.Sequential()
        if expanded != in_channels:
            self.branch.add_module("expand", expansion(in_channels, expanded, row, config))
        self.branch.add_module("depthwise", ConvNormAct(
            expanded, expanded, kernel, stride=row.stride if row.dilation == 1 else 1,
            dilation=row.dilation, groups=expanded, eps=1e-3,
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


def expansion(in_channels: int, expanded: int, row: Bneck, config: BneckConfig) -> ConvNormAct:
    return ConvNormAct(in_channels, expanded, eps=1e-3,
                       activation=config.nonlinearity(row.activation))


class Bnecks(nn.Module):
    """The stem and the stages, which the paper's networks and the tutorial's share.

    A stage of which the head is given a map is in two: one gives it, and one goes on from there.
    """

    block: type[InvertedResidual] = InvertedResidual

    def __init__(self, config: BneckConfig) -> None:
        super().__init__()
        unscaled, channels = 16, config.channels(16)
        self.stem = ConvNormAct(config.in_channels, channels, 3, stride=2, eps=1e-3,
                                activation=config.nonlinearity("HS"))
        self.stages: list[nn.Sequential] = []
        self.tapped: list[nn.Sequential] = []       # those of which the head is given the map too
        self.tapped_channels: list[int] = []
        for number, rows in enumerate(config.rows, 1):
            pieces = [nn.Sequential()]
            for row in rows:
                expanded = config.expanded(row, unscaled, channels)
                if row.tap == "expansion":
                    pieces[-1].append(expansion(channels, expanded, row, config))
                    channels = expanded     # the block has no expansion of its own then
                    self.tap(pieces[-1], channels)
                    pieces.append(nn.Sequential())
                pieces[-1].append(self.block(channels, expanded, row, config))
                unscaled, channels = row.out, config.channels(row.out)
                if row.tap == "output":
                    self.tap(pieces[-1], channels)
                    pieces.append(nn.Sequential())
            pieces = [piece for piece in pieces if len(piece)]
            for letter, piece in zip("ab" if len(pieces) > 1 else [""], pieces, strict=True):
                self.add_module(f"stage{number}{letter}", piece)
            self.stages += pieces
        self.channels = channels

    def tap(self, stage: nn.Sequential, channels: int) -> None:
        """Give the head the map of a stage, which has so many channels."""
        self.tapped.append(stage)
        self.tapped_channels.append(channels)


class MobileNetV3(Bnecks):
    def __init__(self, config: MobileNetV3Config) -> None:
        super().__init__(config)
        if config.head == "classification":
            self.head: nn.Module = classifier(self.channels, config)
            return
        last = last_convolutions(self.channels, config)
        channels = last["conv"].conv.out_channels
        self.last = nn.Sequential(OrderedDict[str, nn.Module](last))
        if config.head == "lraspp":
            self.head = LiteRASPP(channels, self.tapped_channels[0], config)
            return
        given = [channels, *map(config.channels, EXTRA)]
        self.extra = [ExtraLayer(before, after, config) for before, after in pairwise(given)]
        for number, layer in enumerate(self.extra, 1):
            self.add_module(f"extra{number}", layer)
        self.head = SSDLite([*self.tapped_channels, *given], config)

    def forward(self, image: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.stem(image)            # (N, 3, H, W) -> (N, 16, H/2, W/2)
        maps = []
        for stage in self.stages:       #              -> (N, 160, H/32, W/32)
            x = stage(x)
            if stage in self.tapped:
                maps.append(x)
        if isinstance(self.head, LiteRASPP):            # -> (N, num_classes, H, W)
            return self.head(self.last(x), *maps, image.shape[-2:])
        if isinstance(self.head, SSDLite):              # -> (N, 4, M) and (N, num_classes, M)
            maps.append(self.last(x))
            for layer in self.extra:
                maps.append(layer(maps[-1]))
            return self.head(maps)
        return self.head(x)             #              -> (N, num_classes)


class MobileNetV3Tutorial(Bnecks):
    """A tutorial's MobileNetV3: the paper's, from a table whose columns are swapped."""

    block = TutorialInvertedResidual

    def __init__(self, config: BneckConfig) -> None:
        super().__init__(config)
        self.head = classifier(self.channels, config)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)                # (N, 3, H, W) -> (N, 16, H/2, W/2)
        for stage in self.stages:
            x = stage(x)                #              -> (N, 8, H/32, W/32)
        return self.head(x)             #              -> (N, num_classes)


def with_more(rows: tuple[Bneck, ...], depth: int) -> list[Bneck]:
    """The first `depth` rows of a stage; past its end the last one again, with stride 1."""
    return [rows[i] if i < len(rows) else rows[-1]._replace(stride=1) for i in range(depth)]


def last_convolutions(channels: int, config: BneckConfig) -> OrderedDict[str, ConvNormAct]:
    """Before the pooling: those of Figure 5's original last stage, or the efficient one's single
    convolution."""
    wide = config.wide(channels)
    if config.last_stage == "efficient":
        return OrderedDict(conv=ConvNormAct(channels, wide, eps=1e-3,
                                            activation=config.nonlinearity("HS")))
    return OrderedDict(
        expand=ConvNormAct(channels, wide, eps=1e-3, activation=config.nonlinearity("HS")),
        depthwise=ConvNormAct(wide, wide, 3, dilation=config.rows[-1][-1].dilation, groups=wide,
                              eps=1e-3, activation=config.nonlinearity("HS")),
        project=ConvNormAct(wide, 2 * channels, eps=1e-3),
        conv=ConvNormAct(2 * channels, config.hidden, eps=1e-3,
                         activation=config.nonlinearity("HS")))


def classifier(channels: int, config: BneckConfig) -> nn.Sequential:
    """Figure 5: the original last stage, and the efficient one, which pools first."""
    last = last_convolutions(channels, config)
    parts: OrderedDict[str, nn.Module] = OrderedDict(last)
    parts["pool"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    if config.last_stage == "efficient":
        parts["fc1"] = Linear(last["conv"].conv.out_channels, config.hidden)
        parts["act"] = config.nonlinearity("HS")
    parts["drop"] = nn.Dropout(0.2)
    parts["fc"] = Linear(config.hidden, config.num_classes)
    return nn.Sequential(parts)


def blocks(network: str) -> tuple[int, ...]:
    return tuple(map(len, ARCHITECTURES[network].stages))


def preset(name: str, title: str, source: str, *, params: int, macs: int,
           figures: str = "torchvision 0.28", **knobs: Any) -> Preset:
    return Preset(title=title, source=source,
                  config=MobileNetV3Config(network=name, blocks=blocks(name), **knobs),
                  params=params, macs=macs, figures=figures)


def minimalistic(size: str, number: int, params: int, macs: int) -> Preset:
    """The authors' variant for hardware on which the rest is slow; it is in their code, and not in
    the paper."""
    return preset(f"mobilenetv3_{size.lower()}_minimalistic", f"MobileNetV3-{size} minimalistic",
                  f"Table {number}, with ReLU and 3×3 alone and without squeeze-and-excitation, as "
                  "in the authors' code", params=params, macs=macs, figures="timm 1.0.31",
                  squeeze_excite=False, activation="relu", kernel_size="3x3")


def tutorial(size: str, number: int, params: int) -> Preset:
    name = f"mobilenetv3_{size.lower()}_tutorial"
    return Preset(title=f"MobileNetV3-{size}, tutorial",
                  source=f"A tutorial's: like Table {number}, but with two columns swapped",
                  config=BneckConfig(network=name, blocks=blocks(name)),
                  network=MobileNetV3Tutorial, params=params, figures="The tutorial's table")


FAMILY = Family(
    title="MobileNetV3",
    paper="Howard et al. 2019, arXiv:1905.02244",
    idea="Found by search for a phone's processor, with squeeze-and-excitation and h-swish.",
    network=MobileNetV3,
    presets=(
        preset("mobilenetv3_large", "MobileNetV3-Large", "Table 1",
               params=5_483_032, macs=216_589_760),
        preset("mobilenetv3_small", "MobileNetV3-Small", "Table 2",
               params=2_542_856, macs=56_510_400),
        minimalistic("Large", 1, params=3_924_288, macs=209_136_704),
        minimalistic("Small", 2, params=2_044_736, macs=52_288_448),
        preset("lraspp_mobilenetv3_large", "MobileNetV3-Large, Lite R-ASPP",
               "Figure 10, with output stride 16, as in torchvision",
               params=3_221_538, macs=2_086_219_688, head="lraspp", output_stride=16,
               expansion_rule="torchvision", input_size=520, num_classes=21),
        preset("ssdlite_mobilenetv3_large", "MobileNetV3-Large, SSDLite",
               "Section 6.3, with the extra layers of torchvision",
               params=3_440_060, macs=583_171_904, head="ssdlite", reduced_last_block=True,
               expansion_rule="torchvision", input_size=320, num_classes=91),
        tutorial("Large", 1, params=4_166_344), tutorial("Small", 2, params=2_256_024)))
