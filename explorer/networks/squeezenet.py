"""SqueezeNet: Fire modules, which squeeze the channels before they expand them again.

Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
size"; version 1.1 is from the authors' code.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import Literal, NamedTuple

from torch import Tensor, nn

from explorer.config import Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import Branches, Conv2d, ConvNormAct, MaxPool2d, ReLU, repeat


class Version(NamedTuple):
    channels: int
    """Of the first convolution."""
    kernel: int
    """Of the first convolution."""
    fires: tuple[tuple[int, ...], ...]
    """Channels that each Fire module gives, in the stages between the poolings."""


# Table 1, and the same with earlier poolings and a smaller first convolution.
ARCHITECTURES = {
    "squeezenet1_0": Version(96, 7, ((128, 128, 256), (256, 384, 384, 512), (512,))),
    "squeezenet1_1": Version(64, 3, ((128, 128), (256, 256), (384, 384, 512, 512)))}


class SqueezeNetConfig(Config):
    squeeze_ratio: float = knob(
        0.125, "Channels of a squeeze layer, as a share of those that its Fire module gives. The "
        "paper tries 0.125 to 1 (section 5.2, Figure 3a).", ge=0.03125, le=1, step=0.03125)
    share_3x3: float = knob(
        0.5, "Share of 3×3 filters in an expand layer; the others are 1×1. The paper tries 0.01 "
        "to 0.99 (section 5.3, Figure 3b).", ge=0.01, le=0.99, step=0.01, label="Share of 3×3")
    bypass: Literal["none", "simple", "complex"] = knob(
        "none", "Shortcuts around Fire modules (the paper's Figure 2). Simple: around those that "
        "keep the number of channels. Complex: also around the others, with a 1×1 convolution. In "
        "the paper, simple is the most accurate (section 6).")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 4))

    @property
    def architecture(self) -> Version:
        return ARCHITECTURES[self.network]


class Fire(nn.Module):
    """A 1×1 convolution to few channels, then 1×1 and 3×3 side by side (Figure 1)."""

    def __init__(self, in_channels: int, channels: int, config: SqueezeNetConfig) -> None:
        super().__init__()
        squeezed = max(1, round(channels * config.squeeze_ratio))
        of_3x3 = min(max(1, round(channels * config.share_3x3)), channels - 1)
        self.squeeze = conv(in_channels, squeezed, 1)
        self.expand = Branches(expand1x1=conv(squeezed, channels - of_3x3, 1),
                               expand3x3=conv(squeezed, of_3x3, 3))
        self.shortcut = shortcut(in_channels, channels, config)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.squeeze(x))
        return y if self.shortcut is None else y + self.shortcut(x)


class SqueezeNet(nn.Module):
    def __init__(self, config: SqueezeNetConfig) -> None:
        super().__init__()
        channels, kernel, fires = config.architecture
        channels = config.channels(channels)
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv=conv(config.in_channels, channels, kernel, stride=2, padding=0),
            pool=halve()))
        one, two, three = (
            [config.channels(count) for count in repeat(counts, depth)]
            for counts, depth in zip(fires, config.scaled_blocks, strict=True))
        self.stage1 = stage(channels, one, config, pool=True)
        self.stage2 = stage(one[-1], two, config, pool=True)
        self.stage3 = stage(two[-1], three, config, pool=False)
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            drop=nn.Dropout(0.5),
            conv=conv(three[-1], config.num_classes, 1),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten()))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, H, W) -> (N, 96, H/4, W/4)
        x = self.stage1(x)      #              -> (N, 256, H/8, W/8)
        x = self.stage2(x)      #              -> (N, 512, H/16, W/16)
        x = self.stage3(x)      #              -> (N, 512, H/16, W/16)
        return self.head(x)     #              -> (N, num_classes)


def stage(in_channels: int, channels: list[int], config: SqueezeNetConfig, *,
          pool: bool) -> nn.Sequential:
    """Fire modules that give `channels`, and a pooling behind them."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        (f"fire{number}", Fire(before, after, config)) for number, (before, after)
        in enumerate(pairwise([in_channels, *channels]), 1))
    if pool:
        parts["pool"] = halve()
    return nn.Sequential(parts)


def conv(in_channels: int, channels: int, kernel: int, *, stride: int = 1,
         padding: int | None = None) -> ConvNormAct:
    return ConvNormAct(in_channels, channels, kernel, stride=stride, padding=padding, bias=True,
                       norm=False, activation=ReLU(inplace=True))


def halve() -> nn.Module:
    return MaxPool2d(3, 2, ceil_mode=True)


def shortcut(in_channels: int, channels: int, config: SqueezeNetConfig) -> nn.Module | None:
    """The second path of a Fire module (Figure 2)."""
    if config.bypass != "none" and in_channels == channels:
        return nn.Identity()
    return Conv2d(in_channels, channels, 1) if config.bypass == "complex" else None


def preset(version: str, params: int, macs: int, source: str) -> Preset:
    name = f"squeezenet{version.replace('.', '_')}"
    return Preset(title=f"SqueezeNet {version}", source=source,
                  config=SqueezeNetConfig(network=name,
                                          blocks=tuple(map(len, ARCHITECTURES[name].fires))),
                  params=params, macs=macs, figures="torchvision 0.28")


FAMILY = Family(
    title="SqueezeNet",
    paper="Iandola et al. 2016, arXiv:1602.07360",
    idea="AlexNet's accuracy with a fiftieth of its parameters: 1×1 convolutions squeeze "
         "before 3×3 ones.",
    network=SqueezeNet,
    presets=(preset("1.0", 1_248_424, 818_924_576, "Table 1"),
             preset("1.1", 1_235_496, 349_151_936,
                    "The authors' code: poolings after the first convolution, Fire 3 and Fire 5")))
