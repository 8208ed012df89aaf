"""The language of what people read, and the texts in it.

English stands in the source; `locale/LANGUAGE.po` has it in another one, in the format of gettext.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from babel.messages.pofile import read_po

P = ParamSpec("P")
T = TypeVar("T")

LANGUAGES = {"en": "English", "zh": "简体中文"}
"""Each by its code, in its own words. The first is that of the source."""

LOCALE = Path(__file__).parent / "locale"

_language: ContextVar[str] = ContextVar("language", default="en")


def language() -> str:
    """The code of the language that is spoken here."""
    return _language.get()


def speak(code: str) -> None:
    """From here on, in this thread, speak one of `LANGUAGES`."""
    if code not in LANGUAGES:
        raise ValueError(f"`language` must be one of {', '.join(LANGUAGES)}; got {code[:40]}.")
    _language.set(code)


@contextmanager
def spoken(code: str) -> Iterator[None]:
    """One of `LANGUAGES` in the block."""
    before = language()
    speak(code)
    try:
        yield
    finally:
        speak(before)


def say(text: str, /, **values: object) -> str:
    """A text of the source in the language that is spoken, with the values in their places.

    >>> say("{count} layers", count=3)
    '3 layers'
    """
    told = _texts(language()).get(text, text)
    return told.format(**values) if values else told


@dataclass(frozen=True, init=False)
class Text:
    """A text with its values that is said when it is shown, in the language of whoever reads it:
    for tables, for errors, and for what several sessions share.

    >>> str(Text("{count} layers of {what}", count=3, what=Text("each")))
    '3 layers of each'
    """

    text: str
    values: tuple[tuple[str, object], ...]

    def __init__(self, text: str, /, **values: object) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "values", tuple(values.items()))

    def __str__(self) -> str:
        return say(self.text, **dict(self.values))

    def __repr__(self) -> str:
        return repr(str(self))


def in_language(function: Callable[P, T]) -> Callable[P, T]:
    """The function in the language that is spoken here, in whichever thread it is called."""
    return partial(_in_language, language(), function)


def _in_language(code: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with spoken(code):
        return function(*args, **kwargs)


@cache
def _texts(code: str) -> Mapping[str, str]:
    """What stands in the place of each text of the source."""
    path = LOCALE / f"{code}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file)
                if message.id and message.string and not message.fuzzy}
