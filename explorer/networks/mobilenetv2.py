"""MobileNetV2: inverted residuals, which are wide inside, with shortcuts between narrow ends.

Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import chain
from typing import Literal, NamedTuple

from torch import Tensor, nn

from explorer.config import BlockCount, Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import ConvNormAct, Linear, ReLU6


class BottleneckStage(NamedTuple):
    channels: int
    """Of the bottlenecks, the paper's c."""
    stride: int
    """Of its first block."""


# Table 2. The first stage has the expansion factor 1, all others 6.
STAGES = tuple([BottleneckStage(*row) for row in (
    (16, 1), (24, 2), (32, 2), (64, 2), (96, 1), (160, 2), (320, 1))])
TABLE_2 = (1, 2, 3, 4, 3, 3, 1)


class MobileNetV2Config(Config):
    blocks: tuple[BlockCount, ...] = knob(
        TABLE_2, "The number of blocks in each stage, before the depth multiplier: the paper's n "
        "(Table 2).")
    expansion: int = knob(
        6, "The paper's t: the depthwise convolution works on this many times the channels of the "
        "block's input. The blocks of the first stage do not expand (Table 2).", ge=1, le=16)
    linear_bottleneck: bool = knob(
        True, "No activation after the projection to few channels, where ReLU6 would lose "
        "information. Off: ReLU6 there too (Figure 6a).")
    shortcut: Literal["bottlenecks", "expansions", "none"] = knob(
        "bottlenecks", "What the shortcuts connect. Bottlenecks: the narrow ends of a block "
        "(Figure 3b). Expansions: the wide layers of one block and the next, as in a ResNet "
        "(Figure 3a). None: no shortcuts. Figure 6b compares the three.", label="Shortcut")
    scale_head: bool = knob(
        False, "The last convolution has fewer channels at a width below 1. In the paper it keeps "
        "its 1280, which helps small networks (section 4).", label="Head follows width")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 8))


class BlockWidths(NamedTuple):
    """The channels of a block: given, between expansion and projection, and made."""

    into: int
    expanded: int
    out: int
    stride: int


class ShortcutBlock(nn.Module):
    """Convolutions in a row, with a shortcut around them where it connects equal shapes."""

    def __init__(self, shortcut: bool, **branch: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(OrderedDict(branch))
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return x + y if self.shortcut else y


class BottleneckBlock(ShortcutBlock):
    """Figure 3b, from bottleneck to bottleneck: expand, filter each channel, project."""

    def __init__(self, row: BlockWidths, config: MobileNetV2Config) -> None:
        super().__init__(
            config.shortcut == "bottlenecks" and row.stride == 1 and row.into == row.out,
            **expand(row), depthwise=depthwise(row), project=project(row, config))


class Residual(ShortcutBlock):
    """Figure 3a, from expansion to expansion: filter each channel, project, expand for the next.

    The network is the same row of convolutions; its blocks begin one convolution later.
    """

    def __init__(self, row: BlockWidths, following: BlockWidths | None,
                 config: MobileNetV2Config) -> None:
        made = following.expanded if following else row.out
        super().__init__(
            row.stride == 1 and row.expanded == made,
            depthwise=depthwise(row), project=project(row, config),
            **(expand(following) if following else {}))


class MobileNetV2(nn.Module):
    """Table 2 of the paper."""

    def __init__(self, config: MobileNetV2Config) -> None:
        super().__init__()
        channels, last = config.channels(32), config.channels(STAGES[-1].channels)
        self.stem = ConvNormAct(config.in_channels, channels, 3, stride=2,
                                activation=ReLU6(inplace=True))
        (self.stage1, self.stage2, self.stage3, self.stage4, self.stage5, self.stage6,
         self.stage7) = stages(channels, config)
        wide = config.channels(1280) if config.scale_head or config.width > 1 else 1280
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            conv=ConvNormAct(last, wide, activation=ReLU6(inplace=True)),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            drop=nn.Dropout(0.2),
            fc=Linear(wide, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, H, W) -> (N, 32, H/2, W/2)
        x = self.stage1(x)      #              -> (N, 16, H/2, W/2)
        x = self.stage2(x)      #              -> (N, 24, H/4, W/4)
        x = self.stage3(x)      #              -> (N, 32, H/8, W/8)
        x = self.stage4(x)      #              -> (N, 64, H/16, W/16)
        x = self.stage5(x)      #              -> (N, 96, H/16, W/16)
        x = self.stage6(x)      #              -> (N, 160, H/32, W/32)
        x = self.stage7(x)      #              -> (N, 320, H/32, W/32)
        return self.head(x)     #              -> (N, num_classes)


def stages(channels: int, config: MobileNetV2Config) -> list[nn.Sequential]:
    """The seven stages, of blocks that begin at their narrow or at their wide end."""
    rows: list[list[BlockWidths]] = []
    for number, (stage, depth) in enumerate(zip(STAGES, config.scaled_blocks, strict=True)):
        rows.append([])
        for position in range(depth):
            out = config.channels(stage.channels)
            expanded = channels * (config.expansion if number > 0 else 1)
            stride = stage.stride if position == 0 else 1
            rows[-1].append(BlockWidths(channels, expanded, out, stride))
            channels = out
    if config.shortcut != "expansions":
        return [nn.Sequential(*(BottleneckBlock(row, config) for row in stage)) for stage in rows]
    following = iter([*chain.from_iterable(rows), None][1:])
    return [nn.Sequential(*(Residual(row, next(following), config) for row in stage))
            for stage in rows]


def expand(row: BlockWidths) -> dict[str, nn.Module]:
    """The 1×1 convolution to more channels, where a block has one."""
    if row.expanded == row.into:
        return {}
    return {"expand": ConvNormAct(row.into, row.expanded, activation=ReLU6(inplace=True))}


def depthwise(row: BlockWidths) -> nn.Module:
    return ConvNormAct(row.expanded, row.expanded, 3, stride=row.stride, groups=row.expanded,
                       activation=ReLU6(inplace=True))


def project(row: BlockWidths, config: MobileNetV2Config) -> nn.Module:
    """The 1×1 convolution to few channels: the linear bottleneck."""
    return ConvNormAct(row.expanded, row.out,
                       activation=None if config.linear_bottleneck else ReLU6(inplace=True))


FAMILY = Family(
    title="MobileNetV2",
    paper="Sandler et al. 2018, arXiv:1801.04381",
    idea="Blocks are narrow at their ends, where the shortcut is, and wide in their depthwise "
         "middle.",
    network=MobileNetV2,
    presets=(Preset(title="MobileNetV2", config=MobileNetV2Config(network="mobilenetv2"),
                    source="Table 2", params=3_504_872, macs=300_774_272,
                    figures="torchvision 0.28"),))
