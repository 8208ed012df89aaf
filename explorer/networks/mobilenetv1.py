"""MobileNet: a plain network of depthwise separable convolutions.

Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications".
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from torch import Tensor, nn

from explorer.config import BlockCount, Config, knob, redeclare
from explorer.networks.family import Family, Preset
from explorer.networks.layers import ConvNormAct, Linear, ReLU


class SeparableStage(NamedTuple):
    channels: int
    stride: int
    """Of its first block."""


# Table 1, grouped by channels. The table prints s2 for the last block too, whose input and output
# are both 7×7: a slip, as its multiply-adds (Table 4) are those of stride 1.
STAGES = tuple([SeparableStage(*row) for row in (
    (64, 1), (128, 2), (256, 2), (512, 2), (1024, 2))])
TABLE_1 = (1, 2, 2, 6, 2)


class MobileNetV1Config(Config):
    width: float = redeclare(
        "width", 1.0, "The paper's width multiplier α, rounded to a multiple of 8 channels: "
        "multiply-adds and parameters fall by about α² (Table 6 has 1, 0.75, 0.5 and 0.25).")
    blocks: tuple[BlockCount, ...] = knob(
        TABLE_1, "Depthwise separable blocks of 64, 128, 256, 512 and 1024 channels, before the "
        "depth multiplier. The paper's shallow network (Table 5) has one block of 512 channels.")
    input_size: int = redeclare(
        "input_size", 224, "Height and width of the input image, in pixels. The paper's resolution "
        "multiplier ρ makes it smaller: 224, 192, 160 and 128 (Table 7).")
    separable: bool = knob(
        True, "Each 3×3 convolution is separable: a 3×3 for each channel alone, then a 1×1 across "
        "channels (Figure 3). Off: full 3×3 convolutions (Conv MobileNet in Table 4).",
        label="Separable convolutions")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 6))


class SeparableBlock(nn.Module):
    """Figure 3, right: a depthwise and a pointwise convolution, both with BatchNorm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.depthwise = ConvNormAct(in_channels, in_channels, 3, stride=stride,
                                     groups=in_channels, activation=ReLU(inplace=True))
        self.pointwise = ConvNormAct(in_channels, out_channels, activation=ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(x)       # (N, C, H, W) -> (N, C, H/stride, W/stride)
        return self.pointwise(x)    #              -> (N, out, H/stride, W/stride)


class FullBlock(nn.Sequential):
    """Figure 3, left: one 3×3 convolution with BatchNorm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(OrderedDict[str, nn.Module](
            conv=ConvNormAct(in_channels, out_channels, 3, stride=stride,
                             activation=ReLU(inplace=True))))


class MobileNetV1(nn.Module):
    """Table 1 of the paper."""

    def __init__(self, config: MobileNetV1Config) -> None:
        super().__init__()
        c = config.channels
        before = (32, *(stage.channels for stage in STAGES))
        self.stem = ConvNormAct(config.in_channels, c(32), 3, stride=2,
                                activation=ReLU(inplace=True))
        self.stage1, self.stage2, self.stage3, self.stage4, self.stage5 = (
            stage(c(channels), c(to.channels), to.stride, depth, config)
            for channels, to, depth in zip(before, STAGES, config.scaled_blocks, strict=False))
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=Linear(c(1024), config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, H, W) -> (N, 32, H/2, W/2)
        x = self.stage1(x)      #              -> (N, 64, H/2, W/2)
        x = self.stage2(x)      #              -> (N, 128, H/4, W/4)
        x = self.stage3(x)      #              -> (N, 256, H/8, W/8)
        x = self.stage4(x)      #              -> (N, 512, H/16, W/16)
        x = self.stage5(x)      #              -> (N, 1024, H/32, W/32)
        return self.head(x)     #              -> (N, num_classes)


def stage(in_channels: int, channels: int, stride: int, depth: int,
          config: MobileNetV1Config) -> nn.Sequential:
    """Blocks, of which the first one has the stride."""
    block = SeparableBlock if config.separable else FullBlock
    return nn.Sequential(block(in_channels, channels, stride),
                         *(block(channels, channels, 1) for _ in range(depth - 1)))


FAMILY = Family(
    title="MobileNet",
    paper="Howard et al. 2017, arXiv:1704.04861",
    idea="Depthwise separable convolutions throughout, and a width multiplier to fit a phone.",
    network=MobileNetV1,
    presets=(Preset(title="MobileNet", config=MobileNetV1Config(network="mobilenetv1"),
                    source="Table 1; stride 1 in the last block, as its sizes say",
                    params=4_231_976, macs=568_740_352, figures="timm 1.0.31"),))
