"""What a file in networks/ tells the catalogue about its family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_type_hints

from torch import nn

from explorer.config import Config

YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!\.)")
"""A year, and no number of arXiv."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A network as its paper, torchvision, or a tutorial has it."""

    title: str
    config: Config
    source: str
    """Paper and table."""
    network: type[nn.Module] | None = None
    """The network's class, where it is not the family's."""
    params: int | None = None
    """The parameters that somebody else published for it."""
    macs: int | None = None
    """The multiply-adds that somebody else published for a forward pass at its own input."""
    figures: str = ""
    """Who published them, where."""

    def __post_init__(self) -> None:
        if bool(self.figures) != (self.params is not None or self.macs is not None):
            raise TypeError(
                f"The preset {self.config.network} has published figures without their source, or "
                "a source without figures. Write both `params=` or `macs=`, and `figures=` with "
                "who published them.")


@dataclass(frozen=True, kw_only=True)
class Family:
    title: str
    paper: str
    """Authors, year and where to find it: "He et al. 2016, arXiv:1512.03385"."""
    idea: str
    """What was new, in one sentence."""
    network: type[nn.Module]
    """Called with a config of this family."""
    presets: tuple[Preset, ...]

    @property
    def year(self) -> int:
        """Of the paper."""
        return int(YEAR.findall(self.paper)[0])

    def __post_init__(self) -> None:
        if not YEAR.search(self.paper):
            raise TypeError(f"The paper of {self.title} has no year. Write `paper=` with authors, "
                            'year and where to find it: "He et al. 2016, arXiv:1512.03385".')
        for preset in self.presets:
            network, given = preset.network or self.network, type(preset.config)
            if not issubclass(given, taken := config_class(network)):
                raise TypeError(
                    f"The preset {preset.config.network} has a {given.__name__}, and its network "
                    f"{network.__name__} takes a {taken.__name__}. Write "
                    f"`config={taken.__name__}(network={preset.config.network!r}, ...)`.")
        check_names(self.presets)


def config_class(network: type[nn.Module]) -> type[Config]:
    """The class of the configs that a network is made from: what its `__init__` says it takes.

    Raises `TypeError` where it says nothing of the kind.
    """
    for name, taken in get_type_hints(network.__init__).items():
        if name != "return" and isinstance(taken, type) and issubclass(taken, Config):
            return taken
    raise TypeError(f"{network.__name__} must say which config it takes. Write "
                    "`def __init__(self, config: ...) -> None` with the family's class.")


def check_names(presets: Sequence[Preset]) -> None:
    """Raise `TypeError` where two presets have one name, which stands in links and commands."""
    names = [preset.config.network for preset in presets]
    for name in names:
        if names.count(name) > 1:
            titles = [preset.title for preset in presets if preset.config.network == name]
            raise TypeError(f"{len(titles)} presets are called {name}: {', '.join(titles)}. Write "
                            "`network=` with a name of its own in each one's config.")
