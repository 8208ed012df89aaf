"""Inception v3: modules of parallel branches, with large kernels factorised into small ones.

Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision". Channels as in
torchvision, which has them from the authors' code.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, TypedDict

import torch
from torch import Tensor, nn

from explorer.config import BlockCount, Config, knob, redeclare
from explorer.networks.family import Family, Preset
from explorer.networks.layers import Branches, ConvNormAct, Linear, MaxPool2d, ReLU


class ModulesConfig(Config):
    """The knobs that the paper's network and the tutorial's share."""

    blocks: tuple[BlockCount, ...] = knob(
        (3, 4, 2), "Modules of type A (35×35), B (17×17) and C (8×8), before the depth "
        "multiplier: the paper's Figures 5, 6 and 7.", label="Modules")
    input_size: int = redeclare(
        "input_size", 299, "Height and width of the input image, in pixels; the paper uses 299.")
    aux_head: bool = knob(
        True, "The auxiliary classifier before the last grid reduction (the paper's Figure 8). "
        "It runs in training only, but its parameters are counted.", label="Auxiliary head")

    @property
    def stages(self) -> tuple[str, ...]:
        return ("A modules", "B modules", "C modules")


class InceptionConfig(ModulesConfig):
    factorise_5x5: bool = knob(
        True, "Two 3×3 convolutions instead of one 5×5 (the paper's Figure 1). Off: one 5×5.",
        label="Factorise 5×5")
    factorise_nxn: bool = knob(
        True, "A 1×n and an n×1 convolution instead of one n×n (the paper's Figure 6). "
        "Off: one n×n.", label="Factorise n×n")
    factor_size: Literal[3, 5, 7] = knob(
        7, "The n of n×n in the 17×17 modules; the paper has 7.", label="Size n of n×n")
    grid_reduction: Literal["parallel", "pool_first", "convolution_first"] = knob(
        "parallel", "How height and width are halved. Parallel: strided convolutions beside a "
        "pooling (the paper's Figure 10). Pool first: pooling, then convolutions. Convolution "
        "first: the other way round (Figure 9). All three have the same number of parameters.")


def unit(in_channels: int, out_channels: int, kernel_size: int | tuple[int, int] = 1, *,
         stride: int = 1, padding: int | None = None, bias: bool = False) -> ConvNormAct:
    """Convolution, BatchNorm, ReLU: the brick that every branch is made of."""
    return ConvNormAct(in_channels, out_channels, kernel_size, stride=stride, padding=padding,
                       bias=bias, eps=1e-3, activation=ReLU(inplace=True))


def five_by_five(in_channels: int, out_channels: int, config: InceptionConfig, *,
                 stride: int = 1, padding: int | None = None) -> list[ConvNormAct]:
    """The paper's Figure 1: two 3×3 convolutions see what one 5×5 sees."""
    if config.factorise_5x5:
        return [unit(in_channels, out_channels, 3),
                unit(out_channels, out_channels, 3, stride=stride, padding=padding)]
    # Without padding, a padded 3×3 and an unpadded one lose one position on each side.
    return [unit(in_channels, out_channels, 5, stride=stride,
                 padding=1 if padding == 0 else padding)]


def n_by_n(in_channels: int, out_channels: int, config: InceptionConfig,
           first: Literal["row", "column"] = "row") -> list[ConvNormAct]:
    """The paper's Figure 6: 1×n and n×1 see what n×n sees."""
    n = config.factor_size
    if not config.factorise_nxn:
        return [unit(in_channels, out_channels, n)]
    kernels = [(1, n), (n, 1)] if first == "row" else [(n, 1), (1, n)]
    return [unit(in_channels, in_channels, kernels[0]), unit(in_channels, out_channels, kernels[1])]


def pooled(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.AvgPool2d(3, 1, padding=1), unit(in_channels, out_channels))


class InceptionA(Branches):
    """Figure 5, in the paper at 35×35: four branches side by side.

    They are 1×1, 5×5, a second 5×5 or two 3×3, and pooling.
    """

    def __init__(self, in_channels: int, pool_channels: int, config: InceptionConfig) -> None:
        c = config.channels
        super().__init__(
            branch1x1=unit(in_channels, c(64)),
            branch5x5=nn.Sequential(unit(in_channels, c(48)), unit(c(48), c(64), 5)),
            branch3x3x2=nn.Sequential(unit(in_channels, c(64)),
                                      *five_by_five(c(64), c(96), config)),
            branch_pool=pooled(in_channels, pool_channels))
        self.out_channels = c(64) + c(64) + c(96) + pool_channels


class InceptionB(Branches):
    """Figure 6, in the paper at 17×17: 1×1, n×n, two n×n and pooling."""

    def __init__(self, in_channels: int, inner: int, config: InceptionConfig) -> None:
        c = config.channels
        super().__init__(
            branch1x1=unit(in_channels, c(192)),
            branch_nxn=nn.Sequential(unit(in_channels, inner), *n_by_n(inner, c(192), config)),
            branch_nxnx2=nn.Sequential(unit(in_channels, inner),
                                       *n_by_n(inner, inner, config, "column"),
                                       *n_by_n(inner, c(192), config, "column")),
            branch_pool=pooled(in_channels, c(192)))
        self.out_channels = 4 * c(192)


class Spread(Branches):
    """The fan of Figure 7: 1×3 and 3×1 side by side."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(row=unit(in_channels, out_channels, (1, 3)),
                         column=unit(in_channels, out_channels, (3, 1)))


class InceptionC(Branches):
    """Figure 7, in the paper at 8×8: the widest modules, with branches that fan out."""

    def __init__(self, in_channels: int, config: InceptionConfig) -> None:
        c = config.channels
        super().__init__(
            branch1x1=unit(in_channels, c(320)),
            branch3x3=nn.Sequential(unit(in_channels, c(384)), Spread(c(384), c(384))),
            branch3x3x2=nn.Sequential(unit(in_channels, c(448)), unit(c(448), c(384), 3),
                                      Spread(c(384), c(384))),
            branch_pool=pooled(in_channels, c(192)))
        self.out_channels = c(320) + 4 * c(384) + c(192)


class Strided(TypedDict):
    stride: int
    padding: int | None


class GridReduction(nn.Module):
    """Halves the grid: convolutional branches beside the pooled input (Figures 9 and 10)."""

    def __init__(self, order: str, **branches: nn.Module) -> None:
        super().__init__()
        self.order = order
        self.pool = MaxPool2d(3, 2)
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        if self.order == "pool_first":
            x = self.pool(x)
        branches = [module(x) for module in self.children() if module is not self.pool]
        x = torch.cat([*branches, self.pool(x) if self.order == "parallel" else x], dim=1)
        return self.pool(x) if self.order == "convolution_first" else x


def strided(config: InceptionConfig) -> Strided:
    """Stride and padding of a reduction's last convolutions: only Figure 10's have a stride."""
    return {"stride": 2, "padding": 0} if config.grid_reduction == "parallel" \
        else {"stride": 1, "padding": None}


class ReductionA(GridReduction):
    """From the A modules to the B modules: in the paper from 35×35 to 17×17."""

    def __init__(self, in_channels: int, config: InceptionConfig) -> None:
        c = config.channels
        super().__init__(
            config.grid_reduction,
            branch3x3=unit(in_channels, c(384), 3, **strided(config)),
            branch3x3x2=nn.Sequential(unit(in_channels, c(64)),
                                      *five_by_five(c(64), c(96), config, **strided(config))))
        self.out_channels = c(384) + c(96) + in_channels


class ReductionB(GridReduction):
    """From the B modules to the C modules: in the paper from 17×17 to 8×8."""

    def __init__(self, in_channels: int, config: InceptionConfig) -> None:
        c = config.channels
        super().__init__(
            config.grid_reduction,
            branch3x3=nn.Sequential(unit(in_channels, c(192)),
                                    unit(c(192), c(320), 3, **strided(config))),
            branch_nxn=nn.Sequential(unit(in_channels, c(192)),
                                     *n_by_n(c(192), c(192), config),
                                     unit(c(192), c(192), 3, **strided(config))))
        self.out_channels = c(320) + c(192) + in_channels


class AuxiliaryHead(nn.Sequential):
    """Figure 8: a classifier halfway, which gives the early layers a gradient in training."""

    def __init__(self, in_channels: int, config: InceptionConfig) -> None:
        c = config.channels
        super().__init__(OrderedDict[str, nn.Module](
            pool=nn.AvgPool2d(5, 3),
            conv1=unit(in_channels, c(128)),
            conv2=unit(c(128), c(768), 5, padding=0),
            global_pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=Linear(c(768), config.num_classes)))


class InceptionV3(nn.Module):
    """Table 1 of the paper."""

    def __init__(self, config: InceptionConfig) -> None:
        super().__init__()
        c = config.channels
        a_count, b_count, c_count = config.scaled_blocks
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv1=unit(config.in_channels, c(32), 3, stride=2, padding=0),
            conv2=unit(c(32), c(32), 3, padding=0),
            conv3=unit(c(32), c(64), 3),
            pool1=MaxPool2d(3, 2),
            conv4=unit(c(64), c(80)),
            conv5=unit(c(80), c(192), 3, padding=0),
            pool2=MaxPool2d(3, 2)))

        channels = c(192)
        self.inception_a = nn.Sequential()
        for number in range(a_count):
            module_a = InceptionA(channels, c(32 if number == 0 else 64), config)
            self.inception_a.append(module_a)
            channels = module_a.out_channels
        self.reduction_a = ReductionA(channels, config)
        channels = self.reduction_a.out_channels

        self.inception_b = nn.Sequential()
        for inner in inner_channels(b_count):
            module_b = InceptionB(channels, c(inner), config)
            self.inception_b.append(module_b)
            channels = module_b.out_channels
        self.aux = AuxiliaryHead(channels, config) if config.aux_head else None
        self.reduction_b = ReductionB(channels, config)
        channels = self.reduction_b.out_channels

        self.inception_c = nn.Sequential()
        for _ in range(c_count):
            module_c = InceptionC(channels, config)
            self.inception_c.append(module_c)
            channels = module_c.out_channels
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            drop=nn.Dropout(0.5),
            flatten=nn.Flatten(),
            fc=Linear(channels, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.stem(x)            # (N, 3, 299, 299) -> (N, 192, 35, 35)
        x = self.inception_a(x)     #                  -> (N, 288, 35, 35)
        x = self.reduction_a(x)     #                  -> (N, 768, 17, 17)
        x = self.inception_b(x)     #                  -> (N, 768, 17, 17)
        aux = self.aux(x) if self.training and self.aux is not None else None
        x = self.reduction_b(x)     #                  -> (N, 1280, 8, 8)
        x = self.inception_c(x)     #                  -> (N, 2048, 8, 8)
        x = self.head(x)            #                  -> (N, num_classes)
        return x if aux is None else (x, aux)


def inner_channels(count: int) -> list[int]:
    """Channels inside the B modules: 128, 160, 160, 192 in the paper's four."""
    return [128, *[160] * (count - 2), 192] if count > 1 else [192]


# A tutorial's network of the same name. Its convolutions have a bias beside BatchNorm, its branches
# pool by maximum, its modules and its stem are its own.

def chain(in_channels: int, config: ModulesConfig, *units: tuple[int, int | tuple[int, int]],
          halve: bool = False) -> nn.Sequential:
    """Convolutions with bias in a row, of channels and kernel; the last one may halve the grid."""
    layers = nn.Sequential()
    for number, (channels, kernel) in enumerate(units, 1):
        last = halve and number == len(units)
        layers.append(unit(in_channels, config.channels(channels), kernel, bias=True,
                           stride=2 if last else 1, padding=0 if last else None))
        in_channels = config.channels(channels)
    return layers


def one_by_one(in_channels: int, channels: int, config: ModulesConfig) -> ConvNormAct:
    return unit(in_channels, config.channels(channels), bias=True)


def max_pooled(in_channels: int, channels: int, config: ModulesConfig) -> nn.Sequential:
    return nn.Sequential(MaxPool2d(3, 1, padding=1), one_by_one(in_channels, channels, config))


class TutorialInceptionA(Branches):
    """Three convolutions, two, pooling and one."""

    def __init__(self, in_channels: int, config: ModulesConfig) -> None:
        super().__init__(
            branch3x3x2=chain(in_channels, config, (64, 1), (64, 3), (96, 3)),
            branch3x3=chain(in_channels, config, (48, 1), (64, 3)),
            branch_pool=max_pooled(in_channels, 64, config),
            branch1x1=one_by_one(in_channels, 64, config))
        self.out_channels = config.channels(96) + 3 * config.channels(64)


class TutorialInceptionB(Branches):
    """The same at 17×17 with factorised 7×7."""

    def __init__(self, in_channels: int, inner: int, config: ModulesConfig) -> None:
        super().__init__(
            branch7x7x2=chain(in_channels, config, (inner, 1), (inner, (1, 7)), (inner, (7, 1)),
                              (inner, (1, 7)), (192, (7, 1))),
            branch7x7=chain(in_channels, config, (inner, 1), (inner, (1, 7)), (192, (7, 1))),
            branch_pool=max_pooled(in_channels, 192, config),
            branch1x1=one_by_one(in_channels, 192, config))
        self.out_channels = 4 * config.channels(192)


class TutorialInceptionC(Branches):
    """At 8×8. Where the paper's branches fan out, this has two branches that begin with the same
    convolutions: these run twice, and their weights are shared."""

    def __init__(self, in_channels: int, config: ModulesConfig) -> None:
        c = config.channels(384)
        long = chain(in_channels, config, (448, 1), (384, 3))
        short = one_by_one(in_channels, 384, config)
        super().__init__(
            long_row=nn.Sequential(long, unit(c, c, (1, 3), bias=True)),
            long_column=nn.Sequential(long, unit(c, c, (3, 1), bias=True)),
            short_row=nn.Sequential(short, unit(c, c, (1, 3), bias=True)),
            short_column=nn.Sequential(short, unit(c, c, (3, 1), bias=True)),
            branch_pool=max_pooled(in_channels, 192, config),
            branch1x1=one_by_one(in_channels, 320, config))
        self.out_channels = 4 * c + config.channels(192) + config.channels(320)


class TutorialReduction(Branches):
    """Halves the grid: three convolutions, two, and pooling."""

    def __init__(self, in_channels: int, inner: int, long: int, short: int,
                 config: ModulesConfig) -> None:
        super().__init__(
            branch3x3x2=chain(in_channels, config, (inner, 1), (long, 3), (long, 3), halve=True),
            branch3x3=chain(in_channels, config, (inner, 1), (short, 3), halve=True),
            branch_pool=MaxPool2d(3, 2))
        self.out_channels = config.channels(long) + config.channels(short) + in_channels


class TutorialAuxiliaryHead(nn.Sequential):
    """On the map that the B modules are given."""

    def __init__(self, in_channels: int, config: ModulesConfig) -> None:
        super().__init__(OrderedDict[str, nn.Module](
            pool=nn.AvgPool2d(5, 3),
            conv=one_by_one(in_channels, 1024, config),
            global_pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            drop=nn.Dropout(0.5),
            fc=Linear(config.channels(1024), config.num_classes)))


class InceptionTutorial(nn.Module):
    """A tutorial's network of the same name."""

    def __init__(self, config: ModulesConfig) -> None:
        super().__init__()
        c = config.channels
        a_count, b_count, c_count = config.scaled_blocks
        self.stem = nn.Sequential(OrderedDict[str, nn.Module](
            conv1=unit(config.in_channels, c(32), 3, stride=2, padding=0, bias=True),
            conv2=unit(c(32), c(32), 3, padding=0, bias=True),
            conv3=unit(c(32), c(64), 3, bias=True),
            pool=MaxPool2d(3, 2),
            conv4=unit(c(64), c(80), 3, padding=0, bias=True),
            conv5=unit(c(80), c(192), 3, stride=2, padding=0, bias=True),
            conv6=unit(c(192), c(288), 3, bias=True)))

        channels = c(288)
        self.inception_a = nn.Sequential()
        for _ in range(a_count):
            module_a = TutorialInceptionA(channels, config)
            self.inception_a.append(module_a)
            channels = module_a.out_channels
        self.reduction_a = TutorialReduction(channels, 64, 96, 384, config)
        channels = self.reduction_a.out_channels
        self.aux = TutorialAuxiliaryHead(channels, config) if config.aux_head else None

        self.inception_b = nn.Sequential()
        for inner in inner_channels(b_count):
            module_b = TutorialInceptionB(channels, inner, config)
            self.inception_b.append(module_b)
            channels = module_b.out_channels
        self.reduction_b = TutorialReduction(channels, 192, 192, 320, config)
        channels = self.reduction_b.out_channels

        self.inception_c = nn.Sequential()
        for _ in range(c_count):
            module_c = TutorialInceptionC(channels, config)
            self.inception_c.append(module_c)
            channels = module_c.out_channels
        self.head = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            drop=nn.Dropout(0.5),
            fc=Linear(channels, config.num_classes)))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.stem(x)            # (N, 3, 299, 299) -> (N, 288, 35, 35)
        x = self.inception_a(x)     #                  -> (N, 288, 35, 35)
        x = self.reduction_a(x)     #                  -> (N, 768, 17, 17)
        aux = self.aux(x) if self.training and self.aux is not None else None
        x = self.inception_b(x)     #                  -> (N, 768, 17, 17)
        x = self.reduction_b(x)     #                  -> (N, 1280, 8, 8)
        x = self.inception_c(x)     #                  -> (N, 2048, 8, 8)
        x = self.head(x)            #                  -> (N, num_classes)
        return x if aux is None else (x, aux)


FAMILY = Family(
    title="Inception v3",
    paper="Szegedy et al. 2016, arXiv:1512.00567",
    idea="Large convolutions are taken apart into small ones, down to 1×7 and 7×1; labels are "
         "smoothed.",
    network=InceptionV3,
    presets=(Preset(title="Inception v3", config=InceptionConfig(network="inception_v3"),
                    source="Table 1; channels as in torchvision",
                    params=27_161_264, macs=5_713_216_096, figures="torchvision 0.28"),
             # The tutorial's table counts shared weights twice, so that its total is no figure.
             Preset(title="Inception v3, tutorial",
                    config=ModulesConfig(network="inception_v3_tutorial", blocks=(2, 4, 2),
                                         batch_size=2),
                    source="A tutorial's own: 2-4-2 modules, pooling by maximum, convolutions with "
                           "bias", network=InceptionTutorial)))
