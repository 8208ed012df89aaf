"""ResNet: blocks that add what they compute to what they were given.

He et al. 2016, "Deep Residual Learning for Image Recognition" (arXiv:1512.03385); for the order of
activations "Identity Mappings in Deep Residual Networks" (arXiv:1603.05027), for squeeze-and-
excitation Hu et al. 2018 (arXiv:1709.01507), and for the stem and the shortcut of ResNet-C and
ResNet-D He et al. 2019, "Bag of Tricks for Image Classification" (arXiv:1812.01187).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import Annotated, Literal, Self

import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from explorer.config import Config, ConfigError, knob, redeclare
from explorer.language import Text
from explorer.networks.family import Family, Preset
from explorer.networks.layers import (
    BatchNorm2d,
    Conv2d,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    SqueezeExcite,
)

# He et al. 2016, Table 1: the block and the number of blocks in conv2_x to conv5_x.
TABLE_1: dict[int, tuple[Literal["basic", "bottleneck"], tuple[int, ...]]] = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved).
TORCHVISION = {18: (11_689_512, 1_814_073_344), 34: (21_797_672, 3_663_761_408),
               50: (25_557_032, 4_089_184_256), 101: (44_549_160, 7_801_405_440),
               152: (60_192_808, 11_513_626_624)}

# ResNeXt-50 32×4d and ResNeXt-101 32×8d (Xie et al. 2017, Table 1 and section 5.1), and
# Wide ResNet-50-2 (Zagoruyko & Komodakis 2016, Table 8): layers, groups, channels of each group.
VARIANTS: dict[str, tuple[str, int, int, int, str, int, int]] = {
    "resnext50": ("ResNeXt-50 32×4d", 50, 32, 4, "Xie et al. 2017, Table 1",
                  25_028_904, 4_230_479_872),
    "resnext101": ("ResNeXt-101 32×8d", 101, 32, 8, "Xie et al. 2017, with twice the channels",
                   88_791_336, 16_414_015_488),
    "wide_resnet50": ("Wide ResNet-50-2", 50, 1, 128, "Zagoruyko & Komodakis 2016, Table 8",
                      68_883_240, 11_398_021_120),
}

# He et al. 2016, section 4.2 and Table 6: 6n + 2 layers, n blocks in each of three stages.
CIFAR = {20: 3, 32: 5, 44: 7, 56: 9, 110: 18, 1202: 200}

# The tutorials' variants: layers, which convolution has the stride, images, parameters in its
# table, and what it is.
TUTORIALS: tuple[tuple[int, Literal["1x1", "3x3"], int, int, str], ...] = (
    (18, "3x3", 64, 11_689_512, "A tutorial's, which is the paper's, with 64 images"),
    (34, "3x3", 1, 21_797_672, "A tutorial's, which is the paper's"),
    (50, "1x1", 64, 25_557_032, "A tutorial's, with 64 images; stride on the 1×1 as in the paper"),
)


class ResidualConfig(Config):
    """The knobs of all residual networks."""

    block: Literal["basic", "bottleneck"] = knob(
        "bottleneck", "Basic: two 3×3 convolutions. Bottleneck: a 1×1 to fewer channels, a 3×3, "
        "and a 1×1 to four times as many (He et al. 2016, Figure 5).")
    groups: int = knob(
        1, "Groups of the bottleneck's 3×3 convolution, which ResNeXt calls cardinality: 32 in "
        "ResNeXt-50 32×4d.", ge=1, le=128, step=1)
    width_per_group: int = knob(
        64, "Channels of each group in the first stage; each later stage doubles them. 4 with 32 "
        "groups is ResNeXt-50 32×4d, 128 with one group is Wide ResNet-50-2.", ge=1, le=512, step=4)
    stride_on: Literal["1x1", "3x3"] = knob(
        "3x3", "Which convolution of a bottleneck has the stride 2: the first 1×1 (the paper, "
        "'v1') or the 3×3 (torchvision, 'v1.5').")
    shortcut: Literal["A", "B", "C", "none"] = knob(
        "B", "Where the number of channels changes, A pads the shortcut with zeros and B has a "
        "1×1 projection. C has projections everywhere. None: the plain network without shortcuts "
        "(He et al. 2016, section 4.1).")
    activation_order: Literal[
        "original", "bn_after_addition", "relu_before_addition", "relu_preactivation",
        "full_preactivation"] = knob(
        "original", "Where BatchNorm and ReLU stand before or after the addition: the five orders "
        "of Figure 4 in 'Identity Mappings in Deep Residual Networks'.")
    downsample: Literal["convolution", "average_pool"] = knob(
        "convolution", "How a projection halves height and width. Convolution: its 1×1 has stride "
        "2 and sees one position in four. Average pool: 2×2 pooling before it (ResNet-D; He et "
        "al. 2019, Figure 2c).")
    squeeze_excite: bool = knob(
        False, "Squeeze-and-excitation at the end of each branch: each channel is multiplied by a "
        "factor that is computed from the whole feature map (SE-ResNet; Hu et al. 2018).",
        label="Squeeze-and-excitation")
    se_reduction: int = knob(
        16, "The squeezed layer has this many times fewer channels (Hu et al. 2018, Table 10).",
        ge=1, le=64, step=1, label="SE reduction")

    @model_validator(mode="after")
    def _groups_need_a_bottleneck(self) -> Self:
        for name in ("groups", "width_per_group"):
            value, only = getattr(self, name), type(self).model_fields[name].default
            if self.block == "basic" and value != only:
                raise ConfigError(Text(
                    "`{name}` must be {only} where `block` is basic; got {value}. Set "
                    "block=bottleneck to change it.", name=name, only=only, value=value), name)
        return self

    @property
    def preactivation(self) -> bool:
        return self.activation_order in ("relu_preactivation", "full_preactivation")


class ResNetConfig(ResidualConfig):
    stem: Literal["7x7", "3x3", "deep"] = knob(
        "7x7", "7×7: one convolution with stride 2, then max pooling (the paper, for ImageNet). "
        "3×3: one with stride 1 and no pooling (the paper, for CIFAR). Deep: three 3×3 in the "
        "place of the 7×7 (ResNet-C; He et al. 2019, Figure 2b).")
    output_stride: Literal[32, 16, 8] = knob(
        32, "The last feature map is this many times smaller than the image. Below 32, dilated "
        "convolutions replace strides, as in segmentation networks.")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 5))


class CifarConfig(ResidualConfig):
    """Three stages of 16, 32 and 64 channels for images of 32×32 pixels."""

    blocks: tuple[Annotated[int, Field(ge=1, le=256)], ...] = knob(
        ..., "The number of blocks in each stage, before the depth multiplier; the paper has up "
        "to 200.")
    block: Literal["basic", "bottleneck"] = knob(
        "basic", "Basic: two 3×3 convolutions, as in the paper's section 4.2. Bottleneck: a 1×1 to "
        "fewer channels, a 3×3, and a 1×1 to four times as many.")
    shortcut: Literal["A", "B", "C", "none"] = knob(
        "A", "Where the number of channels changes, A pads the shortcut with zeros (the paper's "
        "choice here) and B has a 1×1 projection. C has projections everywhere. None: the plain "
        "network without shortcuts.")
    input_size: int = redeclare("input_size", 32)
    num_classes: int = redeclare("num_classes", 10)

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 4))


class ResidualBlock(nn.Module, ABC):
    """y = F(x) + shortcut(x), with BatchNorm and ReLU in one of five orders."""

    expansion: int

    def __init__(self, in_channels: int, planes: int, config: ResidualConfig, *, stride: int,
                 dilation: int, first: bool) -> None:
        super().__init__()
        channels = planes * self.expansion
        order = config.activation_order
        # The stem's own BatchNorm and ReLU serve as the first block's (arXiv:1603.05027, sec. 3).
        self.preactivation = nn.Identity() if first or not config.preactivation \
            else preactivation(in_channels, order)
        self.branch = arrange(
            self.convolutions(in_channels, planes, config, stride, dilation), order)
        if config.squeeze_excite:
            self.branch.add_module("squeeze_excite", SqueezeExcite(
                channels, max(1, channels // config.se_reduction), gate=Sigmoid()))
        self.shortcut = shortcut(in_channels, channels, stride, config)
        self.projects = isinstance(self.shortcut, nn.Sequential)
        self.after_addition = nn.Sequential()
        if order == "bn_after_addition":
            self.after_addition.append(BatchNorm2d(channels))
        if order in ("original", "bn_after_addition"):
            self.after_addition.append(ReLU(inplace=True))

    @staticmethod
    @abstractmethod
    def convolutions(in_channels: int, planes: int, config: ResidualConfig, stride: int,
                     dilation: int) -> list[nn.Conv2d]:
        """The convolutions of the branch, in order."""

    def forward(self, x: Tensor) -> Tensor:
        if self.projects:
            x = self.preactivation(x)
            y = self.branch(x)
        else:
            y = self.branch(self.preactivation(x))
        if self.shortcut is not None:
            x = self.shortcut(x)
            y = y + x
        return self.after_addition(y)


class BasicBlock(ResidualBlock):
    """Two 3×3 convolutions (He et al. 2016, Figure 5, left)."""

    expansion = 1

    @staticmethod
    def convolutions(in_channels: int, planes: int, config: ResidualConfig, stride: int,
                     dilation: int) -> list[nn.Conv2d]:
        return [conv(in_channels, planes, 3, stride, dilation),
                conv(planes, planes, 3, 1, dilation)]


class Bottleneck(ResidualBlock):
    """1×1 down, 3×3, 1×1 up (He et al. 2016, Figure 5, right)."""

    expansion = 4

    @staticmethod
    def convolutions(in_channels: int, planes: int, config: ResidualConfig, stride: int,
                     dilation: int) -> list[nn.Conv2d]:
        inner = max(1, planes * config.width_per_group // 64) * config.groups
        first, second = (stride, 1) if config.stride_on == "1x1" else (1, stride)
        return [conv(in_channels, inner, 1, first),
                conv(inner, inner, 3, second, dilation, config.groups),
                conv(inner, planes * 4, 1)]


class ResNet(nn.Module):
    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        channels = config.channels(64)
        self.stem, reached = stem(config)
        block = BasicBlock if config.block == "basic" else Bottleneck
        self.stage1, self.stage2, self.stage3, self.stage4 = stages(
            channels, block, config, planes=64, reached=reached, most=config.output_stride)
        self.head = head(config.channels(512) * block.expansion, config)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, H, W) -> (N, 64, H/4, W/4)
        x = self.stage1(x)      #              -> (N, C, H/4, W/4), C = 64 (basic) or 256
        x = self.stage2(x)      #              -> (N, 2C, H/8, W/8)
        x = self.stage3(x)      #              -> (N, 4C, H/16, W/16)
        x = self.stage4(x)      #              -> (N, 8C, H/32, W/32)
        return self.head(x)     #              -> (N, num_classes)


class CifarResNet(nn.Module):
    """The networks of section 4.2: three stages on images of 32×32."""

    def __init__(self, config: CifarConfig) -> None:
        super().__init__()
        channels = config.channels(16)
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv=conv(config.in_channels, channels, 3),
            norm=BatchNorm2d(channels),
            act=ReLU(inplace=True)))
        block = BasicBlock if config.block == "basic" else Bottleneck
        self.stage1, self.stage2, self.stage3 = stages(channels, block, config, planes=16)
        self.head = head(config.channels(64) * block.expansion, config)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)        # (N, 3, H, W) -> (N, 16, H, W)
        x = self.stage1(x)
        x = self.stage2(x)      #              -> (N, 32, H/2, W/2)
        x = self.stage3(x)      #              -> (N, 64, H/4, W/4)
        return self.head(x)     #              -> (N, num_classes)


def stem(config: ResNetConfig) -> tuple[nn.Sequential, int]:
    """What stands before the first stage, and by how much it makes the image smaller."""
    channels, half = config.channels(64), config.channels(32)
    convs = {"7x7": [conv(config.in_channels, channels, 7, 2)],
             "3x3": [conv(config.in_channels, channels, 3)],
             "deep": [conv(config.in_channels, half, 3, 2), conv(half, half, 3),
                      conv(half, channels, 3)]}[config.stem]
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, layer in enumerate(convs, start=1):
        suffix = str(number) if len(convs) > 1 else ""
        parts[f"conv{suffix}"] = layer
        parts[f"norm{suffix}"] = BatchNorm2d(layer.out_channels)
        parts[f"act{suffix}"] = ReLU(inplace=True)
    if config.stem != "3x3":
        parts["pool"] = MaxPool2d(3, 2, padding=1)
    return nn.Sequential(parts), 1 if config.stem == "3x3" else 4


def head(channels: int, config: ResidualConfig) -> nn.Sequential:
    return nn.Sequential(OrderedDict[str, nn.Module](
        act=preactivation(channels, config.activation_order) if config.preactivation
        else nn.Identity(),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=Linear(channels, config.num_classes)))


def stages(in_channels: int, block: type[ResidualBlock], config: ResidualConfig, *, planes: int,
           reached: int = 1, most: int = 32) -> list[nn.Sequential]:
    """The stages, the first of which has `planes` channels and an image that is `reached` times
    smaller. A stride past `most` becomes a dilation, as in torchvision."""
    result, first_planes, dilation = [], planes, 1
    for number, depth in enumerate(config.scaled_blocks):
        planes = config.channels(first_planes * 2 ** number)
        stride, first_dilation = 1 if number == 0 else 2, dilation
        if reached * stride > most:
            stride, dilation = 1, dilation * stride
        reached *= stride
        blocks = []
        for position in range(depth):
            blocks.append(block(in_channels, planes, config,
                                stride=stride if position == 0 else 1,
                                dilation=first_dilation if position == 0 else dilation,
                                first=number == 0 and position == 0))
            in_channels = planes * block.expansion
        result.append(nn.Sequential(*blocks))
    return result


def conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1, dilation: int = 1,
         groups: int = 1) -> nn.Conv2d:
    dilation = dilation if kernel > 1 else 1
    return Conv2d(in_channels, out_channels, kernel, stride, dilation * (kernel // 2), dilation,
                     groups, bias=False)


def preactivation(channels: int, order: str) -> nn.Module:
    """What a pre-activation block does before its first convolution."""
    if order == "relu_preactivation":
        return ReLU()        # not in place: the shortcut still needs the input
    return nn.Sequential(OrderedDict[str, nn.Module](
        norm=BatchNorm2d(channels), act=ReLU(inplace=True)))


def arrange(convs: list[nn.Conv2d], order: str) -> nn.Sequential:
    """The convolutions of a branch with BatchNorm and ReLU about them (arXiv:1603.05027, Fig. 4).

    A pre-activation before the first one is the block's own, so that a projection shares it.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, layer in enumerate(convs, start=1):
        last = number == len(convs)
        parts[f"conv{number}"] = layer
        norm = not (last and order in ("bn_after_addition", "full_preactivation"))
        if norm:
            parts[f"norm{number}"] = BatchNorm2d(layer.out_channels)
        if not last or order == "relu_before_addition":
            parts[f"act{number}"] = ReLU(inplace=True)
    return nn.Sequential(parts)


def shortcut(in_channels: int, channels: int, stride: int,
             config: ResidualConfig) -> nn.Module | None:
    """The second path of a block: identity, padding or projection (He et al. 2016, sec. 4.1)."""
    changes = stride != 1 or in_channels != channels
    if config.shortcut == "none":
        return None
    if config.shortcut == "C" or (config.shortcut == "B" and changes):
        projection = nn.Sequential()
        if stride > 1 and config.downsample == "average_pool":
            projection.add_module("pool", nn.AvgPool2d(stride, ceil_mode=True))
            stride = 1
        projection.add_module("conv", conv(in_channels, channels, 1, stride))
        if config.activation_order not in ("bn_after_addition", "full_preactivation"):
            projection.add_module("norm", BatchNorm2d(channels))
        return projection
    return ZeroPad(stride, channels - in_channels) if changes else nn.Identity()


class ZeroPad(nn.Module):
    """Shortcut A: without weights, and with channels of zeros for those that are new."""

    def __init__(self, stride: int, new_channels: int) -> None:
        super().__init__()
        self.stride, self.new_channels = stride, new_channels

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            x = x[:, :, ::self.stride, ::self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels))


FAMILY = Family(
    title="ResNet",
    paper="He et al. 2016, arXiv:1512.03385",
    idea="Each block adds its input to its output, and more than a hundred layers can be trained.",
    network=ResNet,
    presets=tuple(
        Preset(title=f"ResNet-{layers}",
               config=ResNetConfig(network=f"resnet{layers}", block=block, blocks=blocks),
               source=f"Table 1, {layers} layers; stride on the 3×3 as in torchvision"
               if block == "bottleneck" else f"Table 1, {layers} layers",
               params=TORCHVISION[layers][0], macs=TORCHVISION[layers][1],
               figures="torchvision 0.28")
        for layers, (block, blocks) in TABLE_1.items()) + tuple(
        Preset(title=title,
               config=ResNetConfig(network=name, blocks=TABLE_1[layers][1], groups=groups,
                                   width_per_group=width),
               source=source, params=params, macs=macs, figures="torchvision 0.28")
        for name, (title, layers, groups, width, source, params, macs) in VARIANTS.items()) + (
        Preset(title="SE-ResNet-50",
               config=ResNetConfig(network="seresnet50", blocks=TABLE_1[50][1],
                                   squeeze_excite=True),
               source="Hu et al. 2018, Table 1", params=28_088_024, macs=4_091_699_200,
               figures="timm 1.0"),) + tuple(
        Preset(title=f"ResNet-{layers}",
               config=CifarConfig(network=f"resnet{layers}", blocks=(depth,) * 3),
               network=CifarResNet, source=f"Section 4.2, for CIFAR, {layers} layers (Table 6)")
        for layers, depth in CIFAR.items()) + tuple(
        Preset(title=f"ResNet-{layers}, tutorial",
               config=ResNetConfig(network=f"resnet{layers}_tutorial", block=TABLE_1[layers][0],
                                   blocks=TABLE_1[layers][1], stride_on=stride_on,
                                   batch_size=batch_size),
               source=source, params=params, figures="The tutorial's table")
        for layers, stride_on, batch_size, params, source in TUTORIALS))
