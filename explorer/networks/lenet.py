"""LeNet-5: two convolutions, each with a subsampling, and three fully connected layers.

LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition". `lenet5` is the
network in the form in which it is taught; `lenet5_1998` has the paper's own three parts that this
form leaves out.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.config import Config, knob, redeclare, scale_channels
from explorer.networks.family import Family, Preset
from explorer.networks.layers import (
    Branches,
    Conv2d,
    ConvNormAct,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
    placed,
)

AvgPool2d = placed(nn.AvgPool2d)

# Table I: which of the six maps of S2 each of the sixteen maps of C3 reads.
TABLE_1 = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
           (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
           (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5))


class LeNetConfig(Config):
    width: float = redeclare("width", 1.0, "Multiplies the maps and units of every layer.")
    input_size: int = redeclare("input_size", 32)
    num_classes: int = redeclare(
        "num_classes", 10, "Outputs of the last layer; there are 10 digits.")
    in_channels: int = redeclare("in_channels", 1)
    activation: Literal["tanh", "sigmoid", "relu"] = knob(
        "tanh", "What follows each convolution and each hidden layer. Tanh: the paper's, whose "
        "two factors are left out (appendix A). ReLU came later, with AlexNet.")
    pooling: Literal["average", "subsampling", "max"] = knob(
        "average", "How a map is halved. Average: the mean of 2×2 numbers. Subsampling: S2 and S4 "
        "of the paper, the mean times a trained factor plus a trained bias, then the activation. "
        "Max: the largest of the four, as in later networks.")
    connections: Literal["all", "table_1"] = knob(
        "all", "What each of the 16 maps of the second convolution (C3) reads. All: all 6 maps "
        "before it. Table 1: 3, 4 or 6 of them, as in the paper's Table I, so that the maps become "
        "different and the weights fewer.")
    output: Literal["linear", "rbf"] = knob(
        "linear", "The last layer. Linear: a score for each class. RBF: the paper's, the squared "
        "distance to a fixed code of the class, which has no parameters; the smallest one wins "
        "(section II.B).", label="Output layer")

    def channels(self, count: int) -> int:
        # The paper's 6, 84 and 120 are no multiples of 8.
        return scale_channels(count, self.width, divisor=1)

    @property
    def stages(self) -> tuple[str, ...]:
        return "stage 1", "stage 2"

    @property
    def nonlinearity(self) -> nn.Module:
        match self.activation:
            case "tanh":
                return Tanh()
            case "sigmoid":
                return Sigmoid()
            case "relu":
                return ReLU(inplace=True)


class LeNet(nn.Module):
    """Figure 2 of the paper."""

    def __init__(self, config: LeNetConfig) -> None:
        super().__init__()
        c = config.channels
        first, second = config.scaled_blocks
        self.stage1 = stage(config.in_channels, c(6), first, config)            # C1, S2
        self.stage2 = stage(c(6), c(16), second, config,                        # C3, S4
                            by_table=config.connections == "table_1")
        output = Linear if config.output == "linear" else RBF
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(5),       # any input size gives 5×5, as 32 does
            flatten=nn.Flatten(),
            fc1=Linear(c(16) * 5 * 5, c(120)),                                  # C5
            act1=config.nonlinearity,
            fc2=Linear(c(120), c(84)),                                          # F6
            act2=config.nonlinearity,
            fc3=output(c(84), config.num_classes)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)      # (N, 1, 32, 32) -> (N, 6, 14, 14)
        x = self.stage2(x)      #                -> (N, 16, 5, 5)
        return self.head(x)     #                -> (N, num_classes)


def stage(in_channels: int, channels: int, depth: int, config: LeNetConfig, *,
          by_table: bool = False) -> nn.Sequential:
    """5×5 convolutions, the first of them without padding, and what halves the map."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if by_table:
        parts["conv1"] = nn.Sequential(OrderedDict[str, nn.Module](
            conv=TableConv(in_channels, channels), act=config.nonlinearity))
    else:
        parts["conv1"] = conv(in_channels, channels, config, padding=0)
    for number in range(2, depth + 1):
        parts[f"conv{number}"] = conv(channels, channels, config)
    parts["pool"] = pooling(channels, config)
    return nn.Sequential(parts)


def conv(in_channels: int, channels: int, config: LeNetConfig, *,
         padding: int | None = None) -> ConvNormAct:
    return ConvNormAct(in_channels, channels, 5, padding=padding, bias=True, norm=False,
                       activation=config.nonlinearity)


def pooling(channels: int, config: LeNetConfig) -> nn.Module:
    if config.pooling == "subsampling":
        return nn.Sequential(OrderedDict[str, nn.Module](
            mean=AvgPool2d(2),
            scale=Conv2d(channels, channels, 1, groups=channels),   # a factor and a bias for each
            act=config.nonlinearity))
    return AvgPool2d(2) if config.pooling == "average" else MaxPool2d(2)


class TableConv(Branches):
    """A 5×5 convolution whose maps read different inputs (Table I).

    Maps that read equally many are a branch: their inputs side by side, and a group for each map.
    At another width the table is stretched over the outputs and repeated or folded over the
    inputs.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        branches: dict[int, list[list[int]]] = {}
        for out in range(out_channels):
            column = {map % in_channels for map in TABLE_1[out * len(TABLE_1) // out_channels]}
            read = [channel for channel in range(in_channels) if channel % 6 in column]
            branches.setdefault(len(read), []).append(read)
        super().__init__(**{
            f"read{count}": nn.Sequential(OrderedDict[str, nn.Module](
                pick=Pick(maps),
                conv=Conv2d(count * len(maps), len(maps), 5, groups=len(maps))))
            for count, maps in branches.items()})


class Pick(nn.Module):
    """The channels of the input that each map reads, one after the other."""

    index: Tensor

    def __init__(self, maps: list[list[int]]) -> None:
        super().__init__()
        self.register_buffer("index", torch.tensor(maps).flatten())

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(1, self.index)


class RBF(nn.Module):
    """Euclidean radial basis functions: how far the units are from each class's code.

    A code is a fixed row of +1 and -1, here by chance, which is one of the paper's two ways.
    """

    codes: Tensor

    def __init__(self, units: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("codes", 2.0 * torch.randint(2, (classes, units)) - 1)

    def forward(self, x: Tensor) -> Tensor:
        difference = x.unsqueeze(1) - self.codes    # (N, C) -> (N, num_classes, C)
        return difference.square().sum(2)           #        -> (N, num_classes)


FAMILY = Family(
    title="LeNet",
    paper="LeCun et al. 1998, doi:10.1109/5.726791",
    idea="Convolutions that are learned by backpropagation read handwritten digits.",
    network=LeNet,
    presets=(Preset(title="LeNet-5", config=LeNetConfig(network="lenet5", blocks=(1, 1)),
                    source="Figure 2, in the form in which it is taught"),
             Preset(title="LeNet-5, 1998",
                    config=LeNetConfig(network="lenet5_1998", blocks=(1, 1),
                                       pooling="subsampling", connections="table_1",
                                       output="rbf"),
                    source="Figure 2, with the subsampling, the connections of Table I and the "
                           "RBF outputs of the paper",
                    params=60_000, figures="Section II.B of the paper")))
