"""Files that the server was started with: beside the catalogue and the libraries' registries, all
that a link may open."""

from __future__ import annotations

import os
from threading import Lock

from explorer.config import ConfigError
from explorer.language import Text
from explorer.sources.file import FORM, is_file, split_file
from explorer.sources.inputs import parse_input

_offered: tuple[str, ...] = ()
_lock = Lock()


def offer(name: str) -> None:
    """Let `FILE.py:CALLABLE` be opened by that name, letter by letter: for the start of a server,
    never for what comes from a browser. The file runs when somebody opens it.

    Raises `ConfigError` for what is not written so, and where there is no such file.
    """
    global _offered
    if not is_file(name):
        raise ConfigError(Text("{name} is not a file. Write {form}.", name=repr(name[:200]),
                               form=FORM), "network")
    named, settings = split_file(name)
    for setting in settings:
        knob, _, value = setting.partition("=")
        if knob != "input":
            raise ConfigError(Text(
                "{network} has no knob {name}. Its arguments stand in parentheses behind it.",
                network=named.short, name=repr(knob[:40])), "network")
        parse_input(value)
    if not os.path.isfile(named.path):
        raise ConfigError(Text("There is no file {path}. Write {form}.", path=named.path,
                               form=FORM), "network")
    with _lock:
        _offered = tuple(dict.fromkeys([*_offered, name]))


def short_name(name: str) -> str:
    """A name that was offered, without its directory; whole where another is the same then.

    The address has it whole.
    """
    def short(name: str) -> str:
        named, settings = split_file(name)
        return " · ".join([named.short, *settings])

    return short(name) if [*map(short, _offered)].count(short(name)) == 1 else name


def offered() -> tuple[str, ...]:
    """The names of all that was offered."""
    return _offered
