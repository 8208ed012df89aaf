"""GoogLeNet: Inception modules, and two auxiliary heads halfway.

Szegedy et al. 2015, "Going Deeper with Convolutions".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from torch import Tensor, nn

from explorer.config import BlockCount, Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import Branches, ConvNormAct, Linear, MaxPool2d, ReLU, repeat


class ModuleWidths(NamedTuple):
    """The channels of an Inception module, in the columns of Table 1."""

    conv1x1: int
    reduce3x3: int
    conv3x3: int
    reduce5x5: int
    conv5x5: int
    pool_proj: int


# Table 1: Inception (3a) and (3b), (4a) to (4e), (5a) and (5b).
TABLE_1 = tuple([tuple([ModuleWidths(*row) for row in stage]) for stage in (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    ((192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
     (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128)),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)))])


class GoogLeNetConfig(Config):
    blocks: tuple[BlockCount, ...] = knob(
        (2, 5, 2), "Inception modules at 28×28, 14×14 and 7×7, before the depth multiplier: (3a) "
        "and (3b), (4a) to (4e), (5a) and (5b) of the paper's Table 1.", label="Modules")
    aux_heads: bool = knob(
        True, "The two auxiliary classifiers, behind the first 14×14 module (4a) and before the "
        "last one (4e). They run in training only, but their parameters are counted (section 5).",
        label="Auxiliary heads")
    reductions: bool = knob(
        True, "1×1 convolutions that make the channels fewer before the 3×3 and the 5×5, and after "
        "the pooling (the paper's Figure 2b). Off: the naive module (Figure 2a), which costs far "
        "more.")
    batch_norm: bool = knob(
        True, "BatchNorm after every convolution, as torchvision has it, instead of a bias. The "
        "paper is older than BatchNorm.", label="BatchNorm")
    third_branch: Literal["3x3", "5x5"] = knob(
        "3x3", "Kernel of the module's third branch. 5×5: the paper's Table 1. 3×3: torchvision's.",
        label="Kernel of the third branch")

    @property
    def stages(self) -> tuple[str, ...]:
        return "28×28 modules", "14×14 modules", "7×7 modules"


class Inception(Branches):
    """1×1, 3×3, 5×5 and pooling side by side (Figure 2).

    Figure 2b has reductions, Figure 2a has none.
    """

    def __init__(self, in_channels: int, row: ModuleWidths, config: GoogLeNetConfig) -> None:
        c = config.channels
        kernel = int(config.third_branch[0])
        branch1x1 = unit(in_channels, c(row.conv1x1), config)
        if config.reductions:
            super().__init__(
                branch1x1=branch1x1,
                branch3x3=nn.Sequential(
                    unit(in_channels, c(row.reduce3x3), config),
                    unit(c(row.reduce3x3), c(row.conv3x3), config, 3)),
                branch5x5=nn.Sequential(
                    unit(in_channels, c(row.reduce5x5), config),
                    unit(c(row.reduce5x5), c(row.conv5x5), config, kernel)),
                branch_pool=nn.Sequential(
                    MaxPool2d(3, 1, padding=1),
                    unit(in_channels, c(row.pool_proj), config)))
            pooled = c(row.pool_proj)
        else:
            super().__init__(
                branch1x1=branch1x1,
                branch3x3=unit(in_channels, c(row.conv3x3), config, 3),
                branch5x5=unit(in_channels, c(row.conv5x5), config, kernel),
                branch_pool=MaxPool2d(3, 1, padding=1))
            pooled = in_channels
        self.out_channels = c(row.conv1x1) + c(row.conv3x3) + c(row.conv5x5) + pooled


class AuxiliaryClassifier(nn.Sequential):
    """A classifier halfway, which gives the early layers a gradient in training (section 5)."""

    def __init__(self, in_channels: int, config: GoogLeNetConfig) -> None:
        c = config.channels
        super().__init__(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(4),       # what the paper's 5×5 at stride 3 gives at 224
            conv=unit(in_channels, c(128), config),
            flatten=nn.Flatten(),
            fc1=Linear(c(128) * 4 * 4, c(1024)),
            act=ReLU(inplace=True),
            drop=nn.Dropout(0.7),
            fc2=Linear(c(1024), config.num_classes)))


class GoogLeNet(nn.Module):
    """Table 1 and Figure 3 of the paper."""

    def __init__(self, config: GoogLeNetConfig) -> None:
        super().__init__()
        c = config.channels
        rows = [repeat(table, depth)
                for table, depth in zip(TABLE_1, config.scaled_blocks, strict=True)]
        three = modules(c(192), rows[0], config)
        four = modules(three[-1].out_channels, rows[1], config)
        five = modules(four[-1].out_channels, rows[2], config)
        last = max(1, len(four) - 1)        # of the 14×14 modules; a single one is the first
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv1=unit(config.in_channels, c(64), config, 7, stride=2),
            pool1=halve(),
            conv2=unit(c(64), c(64), config),
            conv3=unit(c(64), c(192), config, 3),
            pool2=halve()))
        self.inception_3 = nn.Sequential(*three, halve())
        self.inception_4a = four[0]
        self.aux1 = auxiliary_head(four[0], config)
        self.inception_4b_4d = nn.Sequential(*four[1:last])
        self.aux2 = auxiliary_head(four[last - 1], config)
        self.inception_4e = nn.Sequential(*four[last:], halve(2))       # 3×3 in the paper
        self.inception_5 = nn.Sequential(*five)
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            drop=nn.Dropout(0.2),
            fc=Linear(five[-1].out_channels, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        x = self.stem(x)                # (N, 3, H, W) -> (N, 192, H/8, W/8)
        x = self.inception_3(x)         #              -> (N, 480, H/16, W/16)
        x = self.inception_4a(x)        #              -> (N, 512, H/16, W/16)
        aux1 = self.aux1(x) if self.training and self.aux1 is not None else None
        x = self.inception_4b_4d(x)     #              -> (N, 528, H/16, W/16)
        aux2 = self.aux2(x) if self.training and self.aux2 is not None else None
        x = self.inception_4e(x)        #              -> (N, 832, H/32, W/32)
        x = self.inception_5(x)         #              -> (N, 1024, H/32, W/32)
        x = self.head(x)                #              -> (N, num_classes)
        return x if aux1 is None or aux2 is None else (x, aux1, aux2)


def unit(in_channels: int, out_channels: int, config: GoogLeNetConfig, kernel: int = 1, *,
         stride: int = 1) -> ConvNormAct:
    """Convolution, BatchNorm, ReLU: the brick that every branch is made of."""
    return ConvNormAct(in_channels, out_channels, kernel, stride=stride,
                       bias=not config.batch_norm, norm=config.batch_norm, eps=1e-3,
                       activation=ReLU(inplace=True))


def auxiliary_head(module: Inception, config: GoogLeNetConfig) -> AuxiliaryClassifier | None:
    """On what a module gives."""
    return AuxiliaryClassifier(module.out_channels, config) if config.aux_heads else None


def halve(kernel: int = 3) -> nn.Module:
    return MaxPool2d(kernel, 2, ceil_mode=True)


def modules(in_channels: int, rows: Sequence[ModuleWidths],
            config: GoogLeNetConfig) -> list[Inception]:
    result = []
    for row in rows:
        result.append(Inception(in_channels, row, config))
        in_channels = result[-1].out_channels
    return result


FAMILY = Family(
    title="GoogLeNet",
    paper="Szegedy et al. 2015, arXiv:1409.4842",
    idea="Convolutions of several sizes side by side, made cheap by 1×1 convolutions before them.",
    network=GoogLeNet,
    presets=(Preset(title="GoogLeNet",
                    config=GoogLeNetConfig(network="googlenet", blocks=(2, 5, 2)),
                    source="Table 1; BatchNorm and 3×3 for 5×5 as in torchvision",
                    params=13_004_888, macs=1_498_376_192, figures="torchvision 0.28"),))
