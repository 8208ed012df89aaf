"""AlexNet: five convolutions, three of them behind a pooling, and three linear layers.

Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural
Networks", and the narrower form for one GPU in Krizhevsky 2014, "One weird trick for parallelizing
convolutional neural networks".
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from explorer.config import Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import ConvNormAct, Linear, MaxPool2d, ReLU, Tanh, placed, repeat

LocalResponseNorm = placed(nn.LocalResponseNorm)

# The channels of the convolutions by stage: 2014, footnote 1, and 2012, section 3.5.
CHANNELS = {"alexnet": ((64,), (192,), (384, 256, 256)),
            "alexnet_2012": ((96,), (256,), (384, 384, 256))}


class AlexNetConfig(Config):
    activation: Literal["relu", "tanh"] = knob(
        "relu", "What follows each convolution and each hidden layer. With ReLU the paper's "
        "network learns six times as fast as with tanh (2012, section 3.1 and Figure 1).")
    groups: Literal[1, 2] = knob(
        1, "2: the maps are on two GPUs, and a convolution reads those of its own GPU alone, but "
        "for the first one and the third (2012, section 3.2). 1: each reads all maps (2014).",
        label="Groups")
    local_response_norm: bool = knob(
        False, "Local response normalisation before the first and the second pooling: a number is "
        "divided by what its neighbour channels have (2012, section 3.3). 2014 has none.",
        label="Local response normalisation")
    overlapping_pooling: bool = knob(
        True, "A pooling takes 3×3 windows at a stride of 2, which overlap (2012, section 3.4). "
        "Off: 2×2 windows, which do not. At 224 pixels both give maps of the same size.",
        label="Overlapping pooling")
    classifier_width: int = knob(
        4096, "Units of each of the two hidden linear layers. They have most of the parameters; "
        "the width multiplier does not change them.", ge=1, le=16_384, step=512)
    dropout: float = knob(
        0.5, "Share of the numbers that are dropped before each hidden linear layer in training "
        "(2012, section 4.2). It costs nothing in evaluation.", ge=0, le=0.95, step=0.05)

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(f"stage {number}" for number in range(1, 4))

    @property
    def nonlinearity(self) -> nn.Module:
        return ReLU(inplace=True) if self.activation == "relu" else Tanh()


class AlexNet(nn.Module):
    def __init__(self, config: AlexNetConfig) -> None:
        super().__init__()
        one, two, three = (
            [config.channels(count) for count in repeat(counts, depth)]
            for counts, depth in zip(CHANNELS[config.network], config.scaled_blocks, strict=True))
        norm = config.local_response_norm
        # Without this padding the paper's 224 pixels do not give its 55×55 maps.
        self.stage1 = stage(config.in_channels, one, 11, config, reads_all=True, stride=4,
                            padding=2, norm=norm)
        self.stage2 = stage(one[-1], two, 5, config, reads_all=False, norm=norm)
        self.stage3 = stage(two[-1], three, 3, config, reads_all=True)
        hidden = config.classifier_width
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(6),       # any input size gives 6×6, as 224 does
            flatten=nn.Flatten(),
            drop1=nn.Dropout(config.dropout),
            fc1=Linear(three[-1] * 6 * 6, hidden),
            act1=config.nonlinearity,
            drop2=nn.Dropout(config.dropout),
            fc2=Linear(hidden, hidden),
            act2=config.nonlinearity,
            fc3=Linear(hidden, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)      # (N, 3, 224, 224) -> (N, 64, 27, 27)
        x = self.stage2(x)      #                  -> (N, 192, 13, 13)
        x = self.stage3(x)      #                  -> (N, 256, 6, 6)
        return self.head(x)     #                  -> (N, num_classes)


def stage(in_channels: int, channels: list[int], kernel: int, config: AlexNetConfig, *,
          reads_all: bool, stride: int = 1, padding: int | None = None,
          norm: bool = False) -> nn.Sequential:
    """Convolutions, then a max pooling. Where the first one `reads_all`, it has no groups."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(pairwise([in_channels, *channels]), 1):
        first = number == 1
        parts[f"conv{number}"] = ConvNormAct(
            before, after, kernel, stride=stride if first else 1,
            padding=padding if first else None, groups=1 if first and reads_all else config.groups,
            bias=True, norm=False, activation=config.nonlinearity)
    if norm:
        # PyTorch divides alpha by the size, the paper does not.
        parts["lrn"] = LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)
    parts["pool"] = MaxPool2d(3 if config.overlapping_pooling else 2, 2)
    return nn.Sequential(parts)


FAMILY = Family(
    title="AlexNet",
    paper="Krizhevsky et al. 2012; Krizhevsky 2014, arXiv:1404.5997",
    idea="A large convolutional network, with ReLU and dropout, trained on two GPUs, wins "
         "ImageNet by far.",
    network=AlexNet,
    presets=(Preset(title="AlexNet", config=AlexNetConfig(network="alexnet", blocks=(1, 1, 3)),
                    source="2014, footnote 1: the network for one GPU",
                    params=61_100_840, macs=714_188_480, figures="torchvision 0.28"),
             Preset(title="AlexNet, 2012",
                    config=AlexNetConfig(network="alexnet_2012", blocks=(1, 1, 3), groups=2,
                                         local_response_norm=True),
                    source="2012, Figure 2 and section 3.5: the network for two GPUs")))
