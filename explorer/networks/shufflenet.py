"""ShuffleNet V2: half of the channels pass a block as they are, and a shuffle mixes the halves.

Ma et al. 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design".
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, NamedTuple, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from explorer.config import BlockCount, Config, ConfigError, knob, scale_channels
from explorer.language import Text
from explorer.networks.family import Family, Preset
from explorer.networks.layers import ConvNormAct, Linear, MaxPool2d, ReLU


class Channels(NamedTuple):
    """A column of the paper's Table 5."""

    stages: tuple[int, int, int]
    last: int
    """Of the convolution before the global pooling."""


# Table 5: the columns 0.5×, 1×, 1.5× and 2×.
TABLE_5 = {
    "0.5": Channels((48, 96, 192), 1024),
    "1.0": Channels((116, 232, 464), 1024),
    "1.5": Channels((176, 352, 704), 1024),
    "2.0": Channels((244, 488, 976), 2048),
}
BLOCKS = (4, 8, 4)

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved).
TORCHVISION = {"0.5": (1_366_792, 40_476_448), "1.0": (2_278_604, 144_907_992),
               "1.5": (3_503_624, 295_759_392), "2.0": (7_393_996, 583_253_464)}


def preset_name(size: str) -> str:
    return f"shufflenetv2_x{size.replace('.', '_')}"


ARCHITECTURES = {preset_name(size): channels for size, channels in TABLE_5.items()}


class ShuffleNetConfig(Config):
    blocks: tuple[BlockCount, ...] = knob(
        BLOCKS, "Blocks in stages 2, 3 and 4 of the paper's Table 5, before the depth multiplier; "
        "the first one halves height and width.")
    shuffle: bool = knob(
        True, "After each block the channels of its two halves are interleaved, so that the next "
        "split parts them in another way. Off: the first half would pass all blocks of a stage "
        "unchanged.", label="Channel shuffle")
    split: bool = knob(
        True, "Half of the channels pass a block unchanged, beside convolutions of the other half "
        "(Figure 3c). Off: all channels are convolved, and the input is added as in ShuffleNet v1 "
        "(Figure 3a); the paper's guideline G4 is to avoid such element-wise operations.",
        label="Channel split")
    groups: Literal[1, 2, 4] = knob(
        1, "Groups of the 1×1 convolutions in the blocks. ShuffleNet v1 has them to save "
        "multiply-adds; guideline G2 is that many groups cost memory accesses (Table 2).")
    inner_width: float = knob(
        1.0, "Channels between the 1×1 convolutions of a block, as a multiple of those of its "
        "output, rounded to a multiple of 8. Guideline G1 is that equal channels need the fewest "
        "memory accesses (Table 1); ShuffleNet v1 has 0.25.", ge=0.25, le=4, step=0.25)

    @property
    def stages(self) -> tuple[str, ...]:
        return "stage 2", "stage 3", "stage 4"

    @property
    def architecture(self) -> Channels:
        return ARCHITECTURES[self.network]

    @model_validator(mode="after")
    def _groups_divide_the_channels(self) -> Self:
        for channels in self.architecture.stages:
            half = self.channels(channels) // 2
            if half % self.groups:
                fitting = max(count for count in (1, 2) if half % count == 0)
                raise ConfigError(Text(
                    "`groups` must divide the {half} channels that a block of {network} "
                    "convolves; got {groups}. Set groups={fitting}, or another width than {width}: "
                    "its channels are multiples of 8.", half=half, network=self.network,
                    groups=self.groups, fitting=fitting, width=f"{self.width:g}"), "groups")
        return self


class ShuffleUnit(nn.Module):
    """Figure 3c: one half of the channels passes, the other is convolved."""

    def __init__(self, channels: int, config: ShuffleNetConfig) -> None:
        super().__init__()
        self.branch = convolutions(channels // 2, channels // 2, config)
        self.shuffle = shuffle(config)

    def forward(self, x: Tensor) -> Tensor:
        kept, x = x.chunk(2, dim=1)     # (N, C, H, W) -> 2 × (N, C/2, H, W)
        x = torch.cat([kept, self.branch(x)], dim=1)
        return self.shuffle(x)


class AddingUnit(nn.Module):
    """The same without a split, with the addition of ShuffleNet v1 (Figure 3a)."""

    def __init__(self, channels: int, config: ShuffleNetConfig) -> None:
        super().__init__()
        self.branch = convolutions(channels, channels, config, last_act=False)
        self.act = ReLU(inplace=True)
        self.shuffle = shuffle(config)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.act(x + self.branch(x)))


class DownsamplingUnit(nn.Module):
    """Figure 3d: both branches read all channels and halve height and width."""

    def __init__(self, in_channels: int, out_channels: int, config: ShuffleNetConfig) -> None:
        super().__init__()
        half = out_channels // 2
        self.left = nn.Sequential(OrderedDict[str, nn.Module](
            depthwise=depthwise(in_channels, 2),
            pointwise=pointwise(in_channels, half, config)))
        self.right = convolutions(in_channels, half, config, stride=2)
        self.shuffle = shuffle(config)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.left(x), self.right(x)], dim=1)     # -> (N, 2C, H/2, W/2)
        return self.shuffle(x)


class ShuffleNet(nn.Module):
    """Table 5 of the paper, whose stages begin with number 2."""

    def __init__(self, config: ShuffleNetConfig) -> None:
        super().__init__()
        c2, c3, c4 = (config.channels(channels) for channels in config.architecture.stages)
        c1, last = config.channels(24), config.channels(config.architecture.last)
        depth2, depth3, depth4 = config.scaled_blocks
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv=ConvNormAct(config.in_channels, c1, 3, stride=2, activation=ReLU(inplace=True)),
            pool=MaxPool2d(3, 2, padding=1)))
        self.stage2 = stage(c1, c2, depth2, config)
        self.stage3 = stage(c2, c3, depth3, config)
        self.stage4 = stage(c3, c4, depth4, config)
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            conv=ConvNormAct(c4, last, activation=ReLU(inplace=True)),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=Linear(last, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, H, W) -> (N, 24, H/4, W/4)
        x = self.stage2(x)      #              -> (N, C, H/8, W/8), C = 116 in 1×
        x = self.stage3(x)      #              -> (N, 2C, H/16, W/16)
        x = self.stage4(x)      #              -> (N, 4C, H/32, W/32)
        return self.head(x)     #              -> (N, num_classes)


def stage(in_channels: int, channels: int, depth: int, config: ShuffleNetConfig) -> nn.Sequential:
    """Blocks, of which the first one halves height and width."""
    unit = ShuffleUnit if config.split else AddingUnit
    return nn.Sequential(DownsamplingUnit(in_channels, channels, config),
                         *(unit(channels, config) for _ in range(depth - 1)))


def convolutions(in_channels: int, out_channels: int, config: ShuffleNetConfig, *,
                 stride: int = 1, last_act: bool = True) -> nn.Sequential:
    """1×1, depthwise 3×3, 1×1."""
    inner = scale_channels(out_channels, config.inner_width)
    return nn.Sequential(OrderedDict[str, nn.Module](
        conv1=pointwise(in_channels, inner, config),
        depthwise=depthwise(inner, stride),
        conv2=pointwise(inner, out_channels, config, act=last_act)))


def pointwise(in_channels: int, out_channels: int, config: ShuffleNetConfig, *,
              act: bool = True) -> ConvNormAct:
    return ConvNormAct(in_channels, out_channels, groups=config.groups,
                       activation=ReLU(inplace=True) if act else None)


def depthwise(channels: int, stride: int) -> ConvNormAct:
    """A 3×3 convolution of each channel alone, without an activation."""
    return ConvNormAct(channels, channels, 3, stride=stride, groups=channels)


def shuffle(config: ShuffleNetConfig) -> nn.Module:
    """Channels 0, C/2, 1, C/2 + 1, ...: two groups, interleaved."""
    return nn.ChannelShuffle(2) if config.shuffle else nn.Identity()


FAMILY = Family(
    title="ShuffleNet V2",
    paper="Ma et al. 2018, arXiv:1807.11164",
    idea="Designed for the time on a device: half of the channels pass by, and a shuffle "
         "mixes the halves.",
    network=ShuffleNet,
    presets=tuple(
        Preset(title=f"ShuffleNet V2 {size.removesuffix('.0')}×",
               config=ShuffleNetConfig(network=preset_name(size)),
               source=f"Table 5, {size.removesuffix('.0')}×",
               params=params, macs=macs, figures="torchvision 0.28")
        for size, (params, macs) in TORCHVISION.items()))
