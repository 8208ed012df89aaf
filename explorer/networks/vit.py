"""Vision Transformer: an image cut into patches, each a token of a plain Transformer encoder.

Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale". Parameters in the order of torchvision, which has them from the authors' code.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.config import Config, knob
from explorer.networks.family import Family, Preset
from explorer.networks.layers import GELU, Conv2d, LayerNorm, Linear, Tanh, placed

Embedding = placed(nn.Embedding)


class Size(NamedTuple):
    """A row of the paper's Table 1; its MLP size is always four times the hidden size."""

    title: str
    layers: int
    hidden_size: int
    heads: int


# Table 1.
TABLE_1 = {"b": Size("Base", 12, 768, 12), "l": Size("Large", 24, 1024, 16),
           "h": Size("Huge", 32, 1280, 16)}

# Parameters and multiply-adds of torchvision's networks (PyTorch's flop counter, halved).
TORCHVISION = {("b", 16): (86_567_656, 17_563_828_224), ("b", 32): (88_224_232, 4_409_186_304),
               ("l", 16): (304_326_632, 61_554_712_576), ("l", 32): (306_535_400, 15_377_539_072),
               ("h", 14): (632_045_800, 167_295_109_120)}


class ViTConfig(Config):
    patch_size: int = knob(
        16, "Height and width of a patch, in pixels. Each patch is one token: patches of half the "
        "size give four times as many tokens. Pixels that fill no whole patch are left out.",
        ge=4, le=64, step=2)
    hidden_size: int = knob(
        768, "Numbers of each token, before the width multiplier: D in the paper's Table 1. They "
        "are rounded to a multiple of the heads.", ge=8, le=4096, step=64)
    heads: int = knob(
        12, "Parallel attentions of a layer, each with its own share of the numbers of a token. "
        "Where D is a multiple of them, their number changes neither the parameters nor the "
        "multiply-adds.",
        ge=1, le=64, step=1)
    mlp_ratio: float = knob(
        4, "The hidden layer of each MLP is this many times wider than a token (Table 1).",
        ge=0.25, le=16, step=0.25, label="MLP ratio")
    attention: Literal["written_out", "one_kernel"] = knob(
        "written_out", "Written out: product, softmax and product one after the other (equations "
        "6 and 7). One kernel: PyTorch's function for all three, which keeps no table of scores. "
        "Both compute the same.")
    positions: Literal["learned_1d", "learned_2d", "none"] = knob(
        "learned_1d", "What is added to a token to say where its patch is. Learned 1D: a vector "
        "for each place in the row of tokens. Learned 2D: half a vector for each row of patches "
        "and half for each column. None: nothing, and the network cannot tell the order of the "
        "patches (appendix D.4).", label="Position embedding")
    pooling: Literal["class_token", "average"] = knob(
        "class_token", "What the head reads. Class token: an extra token that is learned. Average: "
        "the mean of all patches, without an extra token (appendix D.3).")
    hidden_head: bool = knob(
        False, "A hidden layer with tanh before the last layer, as in pre-training (section 3.1). "
        "Off: one linear layer, as in fine-tuning.", label="Hidden head layer")

    @property
    def stages(self) -> tuple[str, ...]:
        return ("encoder",)

    @property
    def token(self) -> int:
        """Numbers of a token: a multiple of the heads, and for the paper's networks the paper's."""
        return self.heads * max(1, (self.channels(self.hidden_size) + self.heads // 2)
                                // self.heads)

    @property
    def patches_a_side(self) -> int:
        return self.input_size // self.patch_size


class Patches(nn.Module):
    """Cuts the image into patches and projects each to a token (equation 1)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        # A convolution whose windows do not overlap is one linear layer for every patch.
        self.project = Conv2d(config.in_channels, config.token, config.patch_size,
                              config.patch_size)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)                     # (N, 3, H, W) -> (N, D, H/P, W/P)
        return x.flatten(2).transpose(1, 2)     #              -> (N, HW/P², D)


class ClassToken(nn.Module):
    """Puts one more token before the others: what is learned, and the same for every image."""

    def __init__(self, size: int, device: str | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 1, size, device=device))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.weight.expand(x.shape[0], -1, -1), x], dim=1)


class Positions(nn.Module):
    """Adds a learned vector to each token, by its place in the row."""

    def __init__(self, tokens: int, size: int, device: str | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(1, tokens, size, device=device))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight


class_token, positions = placed(ClassToken), placed(Positions)


class GridPositions(nn.Module):
    """The same by row and column of the patch, each with half the numbers (appendix D.4)."""

    def __init__(self, side: int, size: int) -> None:
        super().__init__()
        self.side = side
        self.rows = Embedding(side, size - size // 2)
        self.columns = Embedding(side, size // 2)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.rows.weight[:, None].expand(-1, self.side, -1)
        columns = self.columns.weight[None].expand(self.side, -1, -1)
        return x + torch.cat([rows, columns], dim=-1).flatten(0, 1)


class Heads(nn.Module):
    """A linear layer whose outputs are shared out among the heads."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = Linear(size, size)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x).unflatten(-1, (self.heads, -1))     # (N, L, D) -> (N, L, heads, D_h)
        return x.transpose(1, 2)                                #           -> (N, heads, L, D_h)


class Query(Heads):
    """What each token looks for."""


class Key(Heads):
    """What each token is found by."""


class Value(Heads):
    """What each token gives to those that find it."""


class SelfAttention(nn.Module):
    """Each token takes of the values whose keys fit its query (appendix A)."""

    def __init__(self, size: int, config: ViTConfig) -> None:
        super().__init__()
        self.query = Query(size, config.heads)
        self.key = Key(size, config.heads)
        self.value = Value(size, config.heads)
        self.project = Linear(size, size)
        self.one_kernel = config.attention == "one_kernel"

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.query(x), self.key(x), self.value(x)   # (N, heads, L, D_h)
        if self.one_kernel:
            x = F.scaled_dot_product_attention(query, key, value)
        else:
            scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
            x = scores.softmax(dim=-1) @ value      # (N, heads, L, L) @ (N, heads, L, D_h)
        return self.project(x.transpose(1, 2).flatten(2))       # (N, heads, L, D_h) -> (N, L, D)


class EncoderBlock(nn.Module):
    """Attention between the tokens, then an MLP on each; both are added (Figure 1, right)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        size = config.token
        hidden = max(1, int(size * config.mlp_ratio))
        self.attention = nn.Sequential(OrderedDict[str, nn.Module](
            norm=LayerNorm(size, eps=1e-6),
            msa=SelfAttention(size, config)))
        self.mlp = nn.Sequential(OrderedDict[str, nn.Module](
            norm=LayerNorm(size, eps=1e-6),
            fc1=Linear(size, hidden),
            act=GELU(),
            fc2=Linear(hidden, size)))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)       # equation 2
        return x + self.mlp(x)          # equation 3


class FirstToken(nn.Module):
    """What became of the class token."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class MeanToken(nn.Module):
    """The mean of all tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


class ViT(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.patches = Patches(config)
        self.embedding = embedding(config)
        self.encoder = nn.Sequential(
            *(EncoderBlock(config) for _ in range(config.scaled_blocks[0])))
        self.head = head(config)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)     # (N, 3, H, W) -> (N, HW/P², D)
        x = self.embedding(x)   #              -> (N, HW/P² + 1, D)
        x = self.encoder(x)
        return self.head(x)     #              -> (N, num_classes)


def embedding(config: ViTConfig) -> nn.Sequential:
    """The class token and the positions. A class token has a place in the row, and none in the
    grid."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    side, has_class = config.patches_a_side, config.pooling == "class_token"
    if config.positions == "learned_2d":
        parts["positions"] = GridPositions(side, config.token)
    if has_class:
        parts["class_token"] = class_token(config.token)
    if config.positions == "learned_1d":
        parts["positions"] = positions(side ** 2 + has_class, config.token)
    return nn.Sequential(parts)


def head(config: ViTConfig) -> nn.Sequential:
    """Equation 4, and the layer that scores the classes."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        norm=LayerNorm(config.token, eps=1e-6),
        pool=FirstToken() if config.pooling == "class_token" else MeanToken())
    if config.hidden_head:
        parts["hidden"] = Linear(config.token, config.token)
        parts["act"] = Tanh()
    parts["fc"] = Linear(config.token, config.num_classes)
    return nn.Sequential(parts)


def preset(letter: str, patch_size: int) -> Preset:
    size, (params, macs) = TABLE_1[letter], TORCHVISION[letter, patch_size]
    return Preset(
        title=f"ViT-{letter.upper()}/{patch_size}",
        source=f"Table 1, ViT-{size.title}; patches of {patch_size}×{patch_size}",
        config=ViTConfig(network=f"vit_{letter}_{patch_size}", blocks=(size.layers,),
                         patch_size=patch_size, hidden_size=size.hidden_size, heads=size.heads),
        params=params, macs=macs, figures="torchvision 0.28")


FAMILY = Family(
    title="ViT",
    paper="Dosovitskiy et al. 2021, arXiv:2010.11929",
    idea="An image is a row of patches, read by a plain Transformer: attention in place of "
         "convolution.",
    network=ViT,
    presets=tuple(preset(letter, patch_size) for letter, patch_size in TORCHVISION))
