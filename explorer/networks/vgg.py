"""VGG: 3×3 convolutions in five stages, halved by max pooling, and three linear layers.

Simonyan & Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition".
"""

from __future__ import annotations

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.config import Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import ConvNormAct, Linear, MaxPool2d, ReLU

CHANNELS = (64, 128, 256, 512, 512)

# Table 1: 3×3 convolutions per stage in columns A, B, D and E.
TABLE_1 = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved).
TORCHVISION = {11: (132_863_336, 7_609_090_048), 13: (133_047_848, 11_308_466_176),
               16: (138_357_544, 15_470_264_320), 19: (143_667_240, 19_632_062_464)}


class VGGConfig(Config):
    batch_norm: bool = knob(
        False, "BatchNorm after every convolution. The paper is older than BatchNorm; torchvision "
        "has both.", label="BatchNorm")
    conv_bias: bool = knob(
        True, "A bias in every convolution. Before a BatchNorm it has no effect: BatchNorm "
        "subtracts the mean.", label="Convolution bias")
    local_response_norm: bool = knob(
        False, "Local response normalisation after the first convolution: the paper's network "
        "A-LRN (Table 1). The paper found that it does not help.",
        label="Local response normalisation")
    classifier_width: int = knob(
        4096, "Units of each of the two hidden linear layers. They have most of the parameters; "
        "the width multiplier does not change them.", ge=1, le=16_384, step=512)
    dropout: float = knob(
        0.5, "Share of the hidden units that are dropped in training. It costs nothing in "
        "evaluation.",
        ge=0, le=0.95, step=0.05)

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 6))


class VGG(nn.Module):
    def __init__(self, config: VGGConfig) -> None:
        super().__init__()
        channels = [config.in_channels, *(config.channels(count) for count in CHANNELS)]
        depths = config.scaled_blocks
        self.stage1 = stage(channels[0], channels[1], depths[0], config,
                            local_response_norm=config.local_response_norm)
        self.stage2 = stage(channels[1], channels[2], depths[1], config)
        self.stage3 = stage(channels[2], channels[3], depths[2], config)
        self.stage4 = stage(channels[3], channels[4], depths[3], config)
        self.stage5 = stage(channels[4], channels[5], depths[4], config)
        hidden = config.classifier_width
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(7),       # any input size gives 7×7, as 224 does
            flatten=nn.Flatten(),
            fc1=Linear(channels[5] * 7 * 7, hidden),
            act1=ReLU(inplace=True),
            drop1=nn.Dropout(config.dropout),
            fc2=Linear(hidden, hidden),
            act2=ReLU(inplace=True),
            drop2=nn.Dropout(config.dropout),
            fc3=Linear(hidden, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)      # (N, 3, H, W) -> (N, 64, H/2, W/2)
        x = self.stage2(x)      #              -> (N, 128, H/4, W/4)
        x = self.stage3(x)      #              -> (N, 256, H/8, W/8)
        x = self.stage4(x)      #              -> (N, 512, H/16, W/16)
        x = self.stage5(x)      #              -> (N, 512, H/32, W/32)
        return self.head(x)     #              -> (N, num_classes)


def stage(in_channels: int, channels: int, depth: int, config: VGGConfig, *,
          local_response_norm: bool = False) -> nn.Sequential:
    """3×3 convolutions, then a 2×2 max pooling."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(1, depth + 1):
        parts[f"conv{number}"] = ConvNormAct(
            in_channels if number == 1 else channels, channels, 3, bias=config.conv_bias,
            norm=config.batch_norm, activation=ReLU(inplace=True))
        if local_response_norm and number == 1:
            # The constants of Krizhevsky et al. 2012, section 3.3, which the paper takes over.
            # PyTorch divides alpha by the size, the papers do not.
            parts["lrn"] = nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)
    parts["pool"] = MaxPool2d(2)
    return nn.Sequential(parts)


class FunctionPooledStage(nn.Sequential):
    """A stage without a pooling module: it pools with a function."""

    def forward(self, x: Tensor) -> Tensor:
        for part in self:
            x = part(x)
        return F.max_pool2d(x, 2)


class SoftmaxHead(nn.Sequential):
    """A head without a pooling module, whose scores are probabilities."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(x, 7)
        for part in self:
            x = part(x)
        return F.softmax(x, dim=1)


class VGGTutorial(VGG):
    """A tutorial's VGG: the paper's, with functions for its poolings and a softmax at the end."""

    def __init__(self, config: VGGConfig) -> None:
        super().__init__(config)
        for name, part in list(self.named_children()):
            variant = SoftmaxHead if name == "head" else FunctionPooledStage
            setattr(self, name, variant(OrderedDict(
                (path, module) for path, module in part.named_children() if path != "pool")))


FAMILY = Family(
    title="VGG",
    paper="Simonyan & Zisserman 2015, arXiv:1409.1556",
    idea="Nothing but stacks of 3×3 convolutions, up to 19 weighted layers deep.",
    network=VGG,
    presets=(
        *(Preset(title=f"VGG-{layers}",
                 config=VGGConfig(network=f"vgg{layers}", blocks=blocks),
                 source=f"Table 1, column {column}",
                 params=TORCHVISION[layers][0], macs=TORCHVISION[layers][1],
                 figures="torchvision 0.28")
          for (layers, blocks), column in zip(TABLE_1.items(), "ABDE", strict=True)),
        Preset(title="VGG-19, tutorial",
               config=VGGConfig(network="vgg19_tutorial", blocks=TABLE_1[19], batch_norm=True,
                                conv_bias=False),
               source="A tutorial's: BatchNorm, no convolution bias, a softmax at the end",
               network=VGGTutorial, params=143_672_744, figures="The tutorial's table")))
