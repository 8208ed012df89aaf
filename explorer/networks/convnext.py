"""ConvNeXt: a ResNet, made modern step by step until it does as well as a Swin Transformer.

Liu et al. 2022, "A ConvNet for the 2020s" (arXiv:2201.03545). Linear layers and permutations as in
torchvision and the authors' code, which compute what 1×1 convolutions do.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from explorer.config import Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import (
    GELU,
    BatchNorm2d,
    Conv2d,
    LayerNorm,
    Linear,
    MaxPool2d,
    ReLU,
)

Step = Literal[
    "resnet", "patchify", "depthwise", "wider", "inverted", "depthwise_first", "large_kernel",
    "gelu", "fewer_activations", "fewer_norms", "layer_norm", "convnext"]

# The steps of Figure 2, each on top of those before it, with the GFLOPs (10⁹ multiply-adds) that
# Tables 10 and 11 print for ConvNeXt-T and ConvNeXt-B. Table 10's last two, 4.46 and 4.49, are left
# out: a LayerNorm has no multiply-adds, as Table 11 has it, and ConvNeXt-T as the authors published
# it has 4.46.
ROADMAP: dict[Step, tuple[float | None, float]] = {
    "resnet": (4.53, 14.52),            # with the stage ratio of a Swin Transformer
    "patchify": (4.42, 14.38),
    "depthwise": (2.35, 7.23),
    "wider": (5.27, 16.76),
    "inverted": (4.64, 15.68),
    "depthwise_first": (4.07, 14.63),
    "large_kernel": (4.15, 14.81),
    "gelu": (4.15, 14.81),
    "fewer_activations": (4.15, 14.81),
    "fewer_norms": (4.15, 14.81),
    "layer_norm": (None, 14.81),
    "convnext": (None, 15.35),
}
STEPS = tuple(ROADMAP)


class Variant(NamedTuple):
    """Section 3: channels of the first stage and blocks of each."""

    channels: int
    blocks: tuple[int, ...]
    narrow: int
    """The channels before the network is made wider: 64 in section 2, 84 in Appendix C for the
    larger regime, in the same proportion for ConvNeXt-L, which the paper does not derive."""


VARIANTS = {
    "convnext_tiny": Variant(96, (3, 3, 9, 3), 64),
    "convnext_small": Variant(96, (3, 3, 27, 3), 64),
    "convnext_base": Variant(128, (3, 3, 27, 3), 84),
    "convnext_large": Variant(192, (3, 3, 27, 3), 128),
}

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved).
TORCHVISION = {
    "convnext_tiny": (28_589_128, 4_455_531_264),
    "convnext_small": (50_223_688, 8_683_712_256),
    "convnext_base": (88_591_464, 15_354_729_472),
    "convnext_large": (197_767_336, 34_361_433_600),
}


class ConvNeXtConfig(Config):
    modernised: Step = knob(
        "convnext", "How far the paper's way from ResNet to ConvNeXt is gone (Figure 2); each step "
        "has those before it. ResNet: bottlenecks, and the stage ratio of `blocks`; with "
        "3-4-6-3 ConvNeXt-T is ResNet-50 here. Patchify: a 4×4 stem with stride 4. Depthwise: "
        "instead of the full 3×3. Wider: from 64 channels to 96. Inverted: the middle of a block "
        "is its widest part (Figure 3b). Depthwise first: before both 1×1 (Figure 3c). Large "
        "kernel: `kernel_size` instead of 3. GELU: instead of ReLU. Fewer activations: one a "
        "block. Fewer norms: one a block. Layer norm: instead of BatchNorm. ConvNeXt: a layer of "
        "its own halves the image between two stages.", label="Modernised up to")
    kernel_size: Literal[3, 5, 7, 9, 11] = knob(
        7, "Kernel of the depthwise convolutions, from the step `large_kernel` on. More than 7 "
        "does not help (section 2.5).")
    layer_scale: bool = knob(
        True, "A finished ConvNeXt multiplies what a block adds by a learned factor for each "
        "channel, 10⁻⁶ at the start of training (section 3.1).")

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 5))

    def has(self, step: Step) -> bool:
        """Whether that step of the way is gone."""
        return STEPS.index(self.modernised) >= STEPS.index(step)

    @property
    def planes(self) -> list[int]:
        """Channels of each stage, which a bottleneck has four times at its end."""
        variant = VARIANTS[self.network]
        first = variant.channels if self.has("wider") else variant.narrow
        return [self.channels(first * 2 ** number) for number in range(4)]

    def nonlinearity(self) -> nn.Module:
        return GELU() if self.has("gelu") else ReLU(inplace=True)

    def norm(self, channels: int) -> nn.Module:
        return LayerNorm2d(channels) if self.has("layer_norm") else BatchNorm2d(channels)


class Permute(nn.Module):
    """A layer that gives the sides of a tensor another order."""

    def __init__(self, *sides: int) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.sides)


class LayerNorm2d(nn.Sequential):
    """LayerNorm over the channels of each position."""

    def __init__(self, channels: int) -> None:
        super().__init__(OrderedDict[str, nn.Module](
            to_last=Permute(0, 2, 3, 1),        # (N, C, H, W) -> (N, H, W, C)
            norm=LayerNorm(channels, eps=1e-6),
            to_first=Permute(0, 3, 1, 2)))      # (N, H, W, C) -> (N, C, H, W)


class ConvNeXtBlock(nn.Module):
    """y = F(x) + shortcut(x) (Figures 3, 4).

    It is a bottleneck of ResNet, or what has become of it.
    """

    def __init__(self, in_channels: int, planes: int, stride: int, config: ConvNeXtConfig) -> None:
        super().__init__()
        channels = planes if config.has("inverted") else 4 * planes
        convs = convolutions(in_channels, planes, stride, config)
        self.branch = channels_last(convs) if config.has("layer_norm") \
            else channels_first(convs, config)
        changes = stride > 1 or in_channels != channels
        self.shortcut = projection(in_channels, channels, stride, config) if changes \
            else nn.Identity()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 1e-6)) \
            if config.layer_scale and config.has("convnext") else None
        self.after_addition = nn.Sequential()
        if not config.has("fewer_activations"):
            self.after_addition.append(config.nonlinearity())

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.scale is not None:
            y = self.scale * y          # (C, 1, 1) * (N, C, H, W)
        return self.after_addition(y + self.shortcut(x))


class Conv(NamedTuple):
    """A convolution of a block."""

    before: int
    after: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    def layer(self, *, bias: bool) -> nn.Module:
        return Conv2d(self.before, self.after, self.kernel, self.stride, self.kernel // 2,
                      groups=self.groups, bias=bias)


def convolutions(in_channels: int, planes: int, stride: int, config: ConvNeXtConfig) -> list[Conv]:
    """The three of a block, before they have norms and activations."""
    if not config.has("inverted"):      # Figure 3a: 1×1 down, 3×3, 1×1 up
        return [Conv(in_channels, planes),
                Conv(planes, planes, 3, stride, planes if config.has("depthwise") else 1),
                Conv(planes, 4 * planes)]
    kernel = config.kernel_size if config.has("large_kernel") else 3
    inner = 4 * planes
    if not config.has("depthwise_first"):       # Figure 3b: 1×1 up, depthwise, 1×1 down
        return [Conv(in_channels, inner), Conv(inner, inner, kernel, stride, inner),
                Conv(inner, planes)]
    return [Conv(in_channels, in_channels, kernel, stride, in_channels),    # Figure 3c
            Conv(in_channels, inner), Conv(inner, planes)]


def channels_first(convs: list[Conv], config: ConvNeXtConfig) -> nn.Sequential:
    """Convolutions with BatchNorm, as ResNet has them: a bias only where no norm follows."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, conv in enumerate(convs, 1):
        norm = number == 1 or not config.has("fewer_norms")
        parts[f"conv{number}"] = conv.layer(bias=not norm)
        if norm:
            parts[f"norm{number}"] = config.norm(conv.after)
        if number == 2 or (number == 1 and not config.has("fewer_activations")):
            parts[f"act{number}"] = config.nonlinearity()
    return nn.Sequential(parts)


def channels_last(convs: list[Conv]) -> nn.Sequential:
    """Figure 4, right: with the channels last, LayerNorm is PyTorch's and a 1×1 is linear."""
    depthwise, up, down = convs
    return nn.Sequential(OrderedDict[str, nn.Module](
        conv=depthwise.layer(bias=True),
        to_last=Permute(0, 2, 3, 1),        # (N, C, H, W) -> (N, H, W, C)
        norm=LayerNorm(depthwise.after, eps=1e-6),
        fc1=Linear(up.before, up.after),
        act=GELU(),
        fc2=Linear(down.before, down.after),
        to_first=Permute(0, 3, 1, 2)))      # (N, H, W, C) -> (N, C, H, W)


def projection(in_channels: int, channels: int, stride: int,
               config: ConvNeXtConfig) -> nn.Sequential:
    """ResNet's shortcut where a block changes the shape."""
    return nn.Sequential(OrderedDict[str, nn.Module](
        conv=Conv(in_channels, channels, stride=stride).layer(bias=False),
        norm=config.norm(channels)))


class ConvNeXt(nn.Module):
    """Table 9 of the paper.

    With fewer steps it is one of the networks that lead there from ResNet (Figure 2).
    """

    def __init__(self, config: ConvNeXtConfig) -> None:
        super().__init__()
        self.stem = stem(config)
        channels = config.planes[0]
        self.stages = []
        for number, (planes, depth) in enumerate(
                zip(config.planes, config.scaled_blocks, strict=True), 1):
            stage = nn.Sequential()
            stride = 1 if number == 1 else 2
            if stride > 1 and config.has("convnext"):
                stage.add_module("downsample", downsampling(channels, planes))
                channels, stride = planes, 1
            for position in range(1, depth + 1):
                stage.add_module(f"block{position}", ConvNeXtBlock(
                    channels, planes, stride if position == 1 else 1, config))
                channels = planes if config.has("inverted") else 4 * planes
            self.add_module(f"stage{number}", stage)
            self.stages.append(stage)
        self.head = nn.Sequential(OrderedDict[str, nn.Module](pool=nn.AdaptiveAvgPool2d(1)))
        if config.has("convnext"):
            self.head.add_module("norm", config.norm(channels))
        self.head.add_module("flatten", nn.Flatten())
        self.head.add_module("fc", Linear(channels, config.num_classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)                # (N, 3, H, W) -> (N, C, H/4, W/4), C = 96 in ConvNeXt-T
        for stage in self.stages:
            x = stage(x)                #              -> (N, 8C, H/32, W/32)
        return self.head(x)             #              -> (N, num_classes)


def stem(config: ConvNeXtConfig) -> nn.Sequential:
    """A 7×7 convolution and a pooling, or patches of 4×4 pixels (section 2.2)."""
    channels, bias = config.planes[0], config.has("layer_norm")
    patchify = config.has("patchify")
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["conv"] = Conv2d(config.in_channels, channels, 4, 4, bias=bias) if patchify \
        else Conv2d(config.in_channels, channels, 7, 2, padding=3, bias=bias)
    parts["norm"] = config.norm(channels)
    if not config.has("fewer_activations"):
        parts["act"] = config.nonlinearity()
    if not patchify:
        parts["pool"] = MaxPool2d(3, 2, padding=1)
    return nn.Sequential(parts)


def downsampling(before: int, after: int) -> nn.Sequential:
    """What halves the image between two stages (section 2.6)."""
    return nn.Sequential(OrderedDict[str, nn.Module](
        norm=LayerNorm2d(before), conv=Conv2d(before, after, 2, 2)))


FAMILY = Family(
    title="ConvNeXt",
    paper="Liu et al. 2022, arXiv:2201.03545",
    idea="A ResNet made modern step by step after the Transformers, still of convolutions alone.",
    network=ConvNeXt,
    presets=tuple(
        Preset(title=f"ConvNeXt-{name.partition('_')[2][0].upper()}",
               config=ConvNeXtConfig(network=name, blocks=variant.blocks),
               source="Table 9" if name == "convnext_tiny" else "Section 3",
               params=TORCHVISION[name][0], macs=TORCHVISION[name][1],
               figures="torchvision 0.28")
        for name, variant in VARIANTS.items()))
