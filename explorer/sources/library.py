"""The models of the optional libraries, by the names that they have in the program."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from explorer import text
from explorer.config import ConfigError
from explorer.language import Text
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
        raise ConfigError(Text(
            "Unknown network {network}: {library} is not a library. A network is named by its name "
            "in the catalogue, {libraries} or FILE.py:CALLABLE.", network=repr(network[:80]),
            library=repr(prefix[:40]),
            libraries=", ".join(f"{library}:NAME" for library in LIBRARIES)), "network")
    names = LIBRARIES[prefix].names()
    if name not in names:
        near = [f"{prefix}:{other}"
                for other in get_close_matches(name[:80].lower(), names, n=3, cutoff=0.3)]
        known = {"library": prefix, "name": repr(name[:80]), "count": f"{len(names):,}"}
        raise ConfigError(Text(
            "{library} has no model {name}. Similar names: {near}. `python -m explorer list "
            "{library}` shows all {count}.", near=text.enumeration(near), **known) if near else
            Text("{library} has no model {name}. `python -m explorer list {library}` shows all "
                 "{count}.", **known), "network")
    found: Model = LIBRARIES[prefix].model(name)
    return found
