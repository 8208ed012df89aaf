"""What a link may open: the catalogue, the libraries' registries, and files that the server was
started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from explorer.sources.find import find_registered, find_source
from explorer.sources.source import Source
from explorer.tracing import Input

_offered: dict[str, Source] = {}


def offer(named: str, inputs: Sequence[Input] = ()) -> Source:
    """Let links open what is named, a file as a rule: for the start of a server, never for what
    comes from a browser. Raises what `find_source` raises."""
    source = find_source(named, inputs=inputs)
    _offered[source.key] = source
    return source


def offered() -> Mapping[str, Source]:
    """All that was offered, by key."""
    return MappingProxyType(_offered)


def find_linked(key: str) -> Source:
    """`find_source` for a key that comes from a link: nothing is imported, run or read but what was
    offered, letter by letter, and what the catalogue and the libraries' registries have.

    Raises `ConfigError` and `LibraryError` as `find_source` does.
    """
    return _offered.get(key) or find_registered(key)
