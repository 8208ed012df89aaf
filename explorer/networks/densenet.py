"""DenseNet: every layer reads the feature maps of all layers before it in its block.

Huang et al. 2017, "Densely Connected Convolutional Networks". The presets are DenseNet-BC: with
bottleneck layers and with compression in the transitions.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.config import Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import BatchNorm2d, Conv2d, Linear, MaxPool2d, ReLU

# The growth rate k and the layers of each dense block: Table 1, and 161 from the authors' code.
ARCHITECTURES: dict[int, tuple[int, tuple[int, ...]]] = {
    121: (32, (6, 12, 24, 16)),
    161: (48, (6, 12, 36, 24)),
    169: (32, (6, 12, 32, 32)),
    201: (32, (6, 12, 48, 32)),
}

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved).
TORCHVISION = {121: (7_978_856, 2_834_161_664), 161: (28_681_000, 7_727_907_072),
               169: (14_149_480, 3_359_843_328), 201: (20_013_928, 4_291_365_888)}


class DenseNetConfig(Config):
    growth_rate: int = knob(
        32, "The paper's k: each layer adds this many channels. The stem has twice as many.",
        ge=1, le=128, step=4)
    bottleneck: bool = knob(
        True, "A 1×1 convolution to 4k channels before each 3×3 convolution, which then reads "
        "fewer channels (the B in DenseNet-BC, section 3). Off: the 3×3 alone.")
    compression: float = knob(
        0.5, "The paper's θ: the share of the channels that a transition keeps. 0.5 is the C in "
        "DenseNet-BC; 1 keeps all of them.", ge=0.05, le=1, step=0.05)
    join: Literal["concatenate", "add"] = knob(
        "concatenate", "How a layer joins those before it. Concatenate: it reads all their outputs "
        "side by side (the paper's equation 2). Add: as in ResNet, its output is added to its "
        "input (equation 1), so it has as many channels as its input. The transitions give the "
        "same channels in both cases.")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"dense block {number}" for number in range(1, 5))


class DenseLayer(nn.Module):
    """y = H([x0, x1, ...]), the paper's equation 2."""

    def __init__(self, in_channels: int, out_channels: int, config: DenseNetConfig) -> None:
        super().__init__()
        self.branch = convolutions(in_channels, out_channels, config)

    def forward(self, features: list[Tensor]) -> Tensor:
        return self.branch(torch.cat(features, dim=1))


class ResidualLayer(nn.Module):
    """y = H(x) + x, the paper's equation 1."""

    def __init__(self, channels: int, config: DenseNetConfig) -> None:
        super().__init__()
        self.branch = convolutions(channels, channels, config)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + x


def convolutions(in_channels: int, out_channels: int, config: DenseNetConfig) -> nn.Sequential:
    """The paper's H: BatchNorm, ReLU and a 3×3 convolution; in a bottleneck a 1×1 before it."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if config.bottleneck:
        inner = 4 * config.channels(config.growth_rate)
        parts["norm1"] = BatchNorm2d(in_channels)
        parts["act1"] = ReLU(inplace=True)
        parts["conv1"] = Conv2d(in_channels, inner, 1, bias=False)
        in_channels = inner
    parts["norm2"] = BatchNorm2d(in_channels)
    parts["act2"] = ReLU(inplace=True)
    parts["conv2"] = Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return nn.Sequential(parts)


class DenseBlock(nn.Sequential):
    """Layers of which each reads the outputs of all before it (Figure 1)."""

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self:
            features.append(layer(features))
        return torch.cat(features, dim=1)


class DenseNet(nn.Module):
    """Figure 2 of the paper: dense blocks, with a transition between one and the next."""

    def __init__(self, config: DenseNetConfig) -> None:
        super().__init__()
        (into1, out1), (into2, out2), (into3, out3), (into4, out4) = channels_of_blocks(config)
        depths = config.scaled_blocks
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv=Conv2d(config.in_channels, into1, 7, 2, padding=3, bias=False),
            norm=BatchNorm2d(into1),
            act=ReLU(inplace=True),
            pool=MaxPool2d(3, 2, padding=1)))
        self.block1 = block(into1, depths[0], config)
        self.transition1 = transition(out1, into2)
        self.block2 = block(into2, depths[1], config)
        self.transition2 = transition(out2, into3)
        self.block3 = block(into3, depths[2], config)
        self.transition3 = transition(out3, into4)
        self.block4 = block(into4, depths[3], config)
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            norm=BatchNorm2d(out4),
            act=ReLU(inplace=True),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=Linear(out4, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)            # (N, 3, H, W) -> (N, 64, H/4, W/4)
        x = self.block1(x)          #              -> (N, 256, H/4, W/4)
        x = self.transition1(x)     #              -> (N, 128, H/8, W/8)
        x = self.block2(x)          #              -> (N, 512, H/8, W/8)
        x = self.transition2(x)     #              -> (N, 256, H/16, W/16)
        x = self.block3(x)          #              -> (N, 1024, H/16, W/16)
        x = self.transition3(x)     #              -> (N, 512, H/32, W/32)
        x = self.block4(x)          #              -> (N, 1024, H/32, W/32)
        return self.head(x)         #              -> (N, num_classes)


def channels_of_blocks(config: DenseNetConfig) -> list[tuple[int, int]]:
    """Channels into each dense block and out of it."""
    into = config.channels(2 * config.growth_rate)
    growth = config.channels(config.growth_rate)
    result = []
    for depth in config.scaled_blocks:
        grown = into + depth * growth
        result.append((into, grown if config.join == "concatenate" else into))
        into = max(1, int(config.compression * grown))
    return result


def block(channels: int, depth: int, config: DenseNetConfig) -> nn.Sequential:
    """`depth` layers, joined by concatenation or by addition."""
    if config.join == "add":
        return nn.Sequential(*(ResidualLayer(channels, config) for _ in range(depth)))
    growth = config.channels(config.growth_rate)
    return DenseBlock(*(DenseLayer(channels + number * growth, growth, config)
                        for number in range(depth)))


def transition(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 1×1 convolution to fewer channels, and half the height and width (section 3)."""
    return nn.Sequential(OrderedDict[str, nn.Module](
        norm=BatchNorm2d(in_channels),
        act=ReLU(inplace=True),
        conv=Conv2d(in_channels, out_channels, 1, bias=False),
        pool=nn.AvgPool2d(2)))


FAMILY = Family(
    title="DenseNet",
    paper="Huang et al. 2017, arXiv:1608.06993",
    idea="Each layer of a block reads the outputs of all layers before it, joined and not added.",
    network=DenseNet,
    presets=tuple(
        Preset(title=f"DenseNet-{layers}",
               config=DenseNetConfig(network=f"densenet{layers}", growth_rate=growth,
                                     blocks=blocks),
               source=f"Table 1, {layers} layers" if growth == 32 else
               f"The authors' code: {layers} layers, growth rate {growth}; not in Table 1",
               params=TORCHVISION[layers][0], macs=TORCHVISION[layers][1],
               figures="torchvision 0.28")
        for layers, (growth, blocks) in ARCHITECTURES.items()))
