"""What stands on MobileNetV3 for segmentation and for detection.

Lite R-ASPP is of Howard et al. 2019, "Searching for MobileNetV3", section 6.4; SSDLite of Sandler
et al. 2018 (MobileNetV2), section 6.2, with the extra layers of torchvision.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.networks.layers import Conv2d, ConvNormAct, Sigmoid

if TYPE_CHECKING:
    from explorer.networks.mobilenet import MobileNetV3Config

EXTRA = 512, 256, 256, 128
"""Channels of the maps that SSDLite's extra layers give."""
ANCHORS = 6
"""At each place of a map."""


class LiteRASPP(nn.Module):
    """Segmentation from the last map and one of 1/8 (Figure 10). The pooling is of the whole map,
    as in torchvision; the figure's is of 49×49 with stride 16 and 20."""

    def __init__(self, channels: int, low_channels: int, config: MobileNetV3Config) -> None:
        super().__init__()
        filters = config.head_filters
        self.features = ConvNormAct(channels, filters, activation=config.nonlinearity("RE"))
        self.gate = nn.Sequential(OrderedDict[str, nn.Module](
            pool=nn.AdaptiveAvgPool2d(1),
            conv=Conv2d(channels, filters, 1, bias=False),
            gate=Sigmoid()))
        self.low = Conv2d(low_channels, config.num_classes, 1)
        self.high = Conv2d(filters, config.num_classes, 1)

    def forward(self, x: Tensor, low: Tensor, size: torch.Size) -> Tensor:
        x = self.features(x) * self.gate(x)     # (N, F, H/16, W/16) * (N, F, 1, 1)
        x = resize(x, low.shape[-2:])           #       -> (N, F, H/8, W/8)
        x = self.low(low) + self.high(x)        #       -> (N, num_classes, H/8, W/8)
        return resize(x, size)                  #       -> (N, num_classes, H, W)


def resize(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class ExtraLayer(nn.Sequential):
    """Of SSD's extra layers behind the backbone, each of which halves the map."""

    def __init__(self, in_channels: int, out: int, config: MobileNetV3Config) -> None:
        inner = out // 2
        super().__init__(OrderedDict[str, nn.Module](
            reduce=ConvNormAct(in_channels, inner, eps=1e-3, activation=config.nonlinearity("R6")),
            depthwise=ConvNormAct(inner, inner, 3, stride=2, groups=inner, eps=1e-3,
                                  activation=config.nonlinearity("R6")),
            expand=ConvNormAct(inner, out, eps=1e-3, activation=config.nonlinearity("R6"))))


class Predictor(nn.Module):
    """Of one map: an offset to each anchor's box, and the scores of what is in it."""

    def __init__(self, channels: int, config: MobileNetV3Config) -> None:
        super().__init__()
        self.boxes = separable(channels, ANCHORS * 4, config)
        self.scores = separable(channels, ANCHORS * config.num_classes, config)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return of_each_anchor(self.boxes(x)), of_each_anchor(self.scores(x))


def separable(in_channels: int, out_channels: int, config: MobileNetV3Config) -> nn.Sequential:
    """SSDLite's convolution (MobileNetV2, section 6.2)."""
    return nn.Sequential(OrderedDict[str, nn.Module](
        depthwise=ConvNormAct(in_channels, in_channels, 3, groups=in_channels, eps=1e-3,
                              activation=config.nonlinearity("R6")),
        pointwise=Conv2d(in_channels, out_channels, 1)))


def of_each_anchor(x: Tensor) -> Tensor:
    """(N, anchors × numbers, H, W) -> (N, numbers, H × W × anchors)"""
    return x.unflatten(1, (ANCHORS, -1)).permute(0, 2, 3, 4, 1).flatten(2)


class SSDLite(nn.Module):
    """Detection from maps of several sizes: offsets and scores as they are, without the choice of
    boxes that follows."""

    def __init__(self, channels: list[int], config: MobileNetV3Config) -> None:
        super().__init__()
        for number, count in enumerate(channels, 1):
            self.add_module(f"map{number}", Predictor(count, config))

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        found = [predictor(x) for predictor, x in zip(self.children(), maps, strict=True)]
        boxes, scores = zip(*found, strict=True)
        return {"boxes": torch.cat(boxes, dim=2), "scores": torch.cat(scores, dim=2)}
