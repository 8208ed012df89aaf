"""Families and presets, found by looking into networks/."""

from __future__ import annotations

import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from torch import nn

from explorer import networks
from explorer.config import Config, ConfigError
from explorer.language import Text
from explorer.networks.family import Family, Preset, check_names

SHARED = frozenset({"build", "catalogue", "family", "layers", "mobilenet_heads"})
"""The modules of networks/ that are no family."""


@cache
def families() -> tuple[Family, ...]:
    """Every family that a file in networks/ defines, by title.

    Raises `TypeError` for a file without a family, and for two presets of one name.
    """
    members = [_family(module.name) for module in pkgutil.iter_modules(networks.__path__)
               if module.name not in SHARED]
    check_names([preset for family in members for preset in family.presets])
    return tuple(sorted(members, key=lambda family: family.title))


def _family(name: str) -> Family:
    family = getattr(import_module(f"{networks.__name__}.{name}"), "FAMILY", None)
    if not isinstance(family, Family):
        raise TypeError(
            f"networks/{name}.py has no family, and every file there has one. Write `FAMILY = "
            "Family(title=..., paper=..., idea=..., network=..., presets=(...,))` at its end; a "
            "module that families share stands in SHARED of networks/catalogue.py.")
    return family


@cache
def presets() -> dict[str, Preset]:
    """Every preset by its name on the command line."""
    return {preset.config.network: preset for family in families() for preset in family.presets}


@cache
def family_of(network: str) -> Family:
    """The family that has the preset `network`."""
    preset = find_preset(network)
    return next(family for family in families() if preset in family.presets)


def find_preset(network: str) -> Preset:
    """The preset of that name; `ConfigError` with near names where there is none."""
    if network not in presets():
        near = get_close_matches(network[:80].lower(), presets(), n=3, cutoff=0.5)
        way_out = Text("Did you mean {near}?", near=", ".join(near)) if near else Text(
            "There are {count}, of {families}: `python -m explorer list` and the page Catalogue "
            "have their names.", count=len(presets()),
            families=", ".join([one.title for one in families()]))
        raise ConfigError(Text("Unknown network {name}. {way_out}", name=repr(network[:80]),
                               way_out=way_out), "network")
    return presets()[network]


def network_of(network: str) -> type[nn.Module]:
    """The class that builds the preset `network`: its own, or its family's."""
    return find_preset(network).network or family_of(network).network


def configure(network: str, **knobs: Any) -> Config:
    """The config of a preset with some of its knobs turned.

    Raises `ConfigError` for an unknown network, an unknown knob or a value out of bounds.

    >>> configure("resnet50", width=0.5).blocks
    (3, 4, 6, 3)
    """
    return find_preset(network).config.replace(**knobs)
