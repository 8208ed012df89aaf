"""The models of the optional libraries, by the names that they have in the program."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from explorer import text
from explorer.config import ConfigError
from explorer.sources import timm, torchvision
from explorer.sources.model import Model

LIBRARIES = {"timm": timm, "torchvision": torchvision}


@cache
def find_model(network: str) -> Model:
    """The model that `timm:NAME` or `torchvision:NAME` stands for: NAME is in the library's
    registry, letter by letter.

    Raises `ConfigError` with near names where there is none, `LibraryError` where the library is
    not there.
    """
    prefix, _, name = network.partition(":")
    if prefix not in LIBRARIES:
        raise ConfigError(
            f"Unknown network {network[:80]!r}: {prefix[:40]!r} is not a library. A network is "
            "named by its name in the catalogue, "
            f"{', '.join(f'{library}:NAME' for library in LIBRARIES)} or "
            "FILE.py:CALLABLE.", "network")
    names = LIBRARIES[prefix].names()
    if name not in names:
        near = [f"{prefix}:{other}"
                for other in get_close_matches(name[:80].lower(), names, n=3, cutoff=0.3)]
        suggested = f"Similar names: {text.enumeration(near)}. " if near else ""
        raise ConfigError(f"{prefix} has no model {name[:80]!r}. {suggested}`python -m explorer "
                          f"list {prefix}` shows all {len(names):,}.", "network")
    found: Model = LIBRARIES[prefix].model(name)
    return found
