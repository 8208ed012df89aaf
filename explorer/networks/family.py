"""What a file in networks/ tells the catalogue about its family."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from explorer.config import Config


@dataclass(frozen=True)
class Preset:
    """A network as its paper, torchvision, or a tutorial has it."""

    title: str
    config: Config
    source: str
    """Paper and table."""
    network: type[nn.Module] | None = None
    """The network's class, where it is not the family's."""


@dataclass(frozen=True)
class Family:
    title: str
    paper: str
    network: type[nn.Module]
    """Called with a config of this family."""
    presets: tuple[Preset, ...]
