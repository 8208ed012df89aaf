"""What a file in networks/ tells the catalogue about its family."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from explorer.config import Config


@dataclass(frozen=True)
class Preset:
    """A network as its paper, or torchvision, has it."""

    title: str
    config: Config
    source: str
    """Paper and table."""


@dataclass(frozen=True)
class Family:
    title: str
    paper: str
    network: type[nn.Module]
    """Called with a config of this family."""
    presets: tuple[Preset, ...]
