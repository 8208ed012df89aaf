"""Lessons: Markdown files with a head and live parts, one for each lesson and language.

A file begins with its head, TOML between two lines of `+++`. In the Markdown below it stand facts
in double braces, which `facts` explains, and fenced blocks whose name is that of a live part, which
`parts` explains; any other fenced block is code to be shown.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.config import ConfigError, knobs_of
from explorer.language import Text, language, say
from explorer.lessons.facts import Opens, fill
from explorer.lessons.parts import PARTS, AskedQuestion, LayerQuestion, Part, TurnedKnobs, read_part
from explorer.networks.catalogue import presets
from explorer.validation import first_fault

FOLDER = Path(__file__).parent


class LessonError(ValueError):
    """A lesson that cannot be read, or that there is none of; the message is for people."""


class Head(BaseModel):
    """What stands at the beginning of a lesson's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    question: str
    """Which it answers."""
    number: int = Field(ge=1)
    """Its place in the order."""
    minutes: int = Field(ge=1, le=30)
    paper: str
    """Authors, year, where to find it, and the section."""
    knobs: tuple[str, ...] = ()
    """Names of knobs that it explains."""
    modules: tuple[str, ...] = ()
    """Types of modules and operations that it explains, as they stand on the cards of a graph."""
    words: tuple[str, ...] = ()
    """Terms that it explains, as the page "How it counts" has them."""


class Passage(NamedTuple):
    """Markdown between two parts, with its facts still in braces."""

    text: str
    line: int


class PlacedPart(NamedTuple):
    """A live part."""

    kind: str
    part: Part
    line: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson in one language."""

    name: str
    language: str
    head: Head
    content: tuple[Passage | PlacedPart, ...]

    @property
    def link(self) -> dict[str, str]:
        """Words and address of a link to it, from any page."""
        return {"words": say("Lesson: {title}", title=self.head.title),
                "address": f"./learn?lesson={self.name}&lang={self.language}"}

    @property
    def file(self) -> str:
        return f"{self.language}/{self.name}.md"

    @property
    def parts(self) -> tuple[PlacedPart, ...]:
        return tuple([item for item in self.content if isinstance(item, PlacedPart)])

    @property
    def asked(self) -> tuple[PlacedPart, ...]:
        """Those of its parts that are questions."""
        return tuple([placed for placed in self.parts
                      if isinstance(placed.part, AskedQuestion | LayerQuestion)])

    def filled(self, passage: Passage, opens: Opens) -> str:
        """A passage with its facts in their places, and its links to pages in its own language:
        they open a session of their own. Raises `LessonError` for a fact that cannot be."""
        from_line = passage.line
        said = []
        for line in passage.text.split("\n"):
            try:
                said.append(fill(line, opens))
            except ConfigError as error:
                raise LessonError(_at(self.file, from_line, str(error))) from None
            from_line += 1
        return _spoken("\n".join(said), self.language)


_PAGE_LINK = re.compile(r"\]\((/[^)\s#]*)")
"""To a page of ours, in Markdown, up to the place on it."""


def _spoken(passage: str, code: str) -> str:
    """Its links open in another tab, which knows the language from the address alone.

    >>> _spoken("[it](/?network=lenet5#timing), [all](/learn)", "zh")
    '[it](/?network=lenet5&lang=zh#timing), [all](/learn?lang=zh)'
    """
    return _PAGE_LINK.sub(
        lambda link: f"{link[0]}{'&' if '?' in link[1] else '?'}lang={code}", passage)


def _at(file: str, line: int, rule: str) -> str:
    return f"{file}, line {line}: {rule}"


def read(written: str, name: str, code: str) -> Lesson:
    """The lesson of a file's text. Raises `LessonError` with file, line and rule."""
    file = f"{code}/{name}.md"
    lines = written.split("\n")
    if lines[0] != "+++" or "+++" not in lines[1:]:
        raise LessonError(_at(file, 1, "a lesson begins with its head, TOML between two lines of "
                                       "+++"))
    end = lines.index("+++", 1)
    head = _head(file, "\n".join(lines[1:end]))
    content: list[Passage | PlacedPart] = []
    names: list[str] = []
    for kind, line, block in _blocks(lines, end + 1):
        if kind not in PARTS:
            content.append(Passage(block, line))
            continue
        try:
            part = read_part(kind, block, names)
        except ConfigError as error:
            raise LessonError(_at(file, line, f"`{kind}`: {error}")) from None
        if isinstance(part, TurnedKnobs):
            if part.name in names:
                raise LessonError(_at(file, line, f"a second `knobs` is called {part.name}: give "
                                                  "it another `name`"))
            names.append(part.name)
        content.append(PlacedPart(kind, part, line))
    return Lesson(name, code, head, tuple(content))


def _head(file: str, written: str) -> Head:
    try:
        head = Head(**tomllib.loads(written))
    except tomllib.TOMLDecodeError as error:
        raise LessonError(_at(file, 2, f"the head is no TOML: {error}")) from None
    except ValidationError as error:
        rule = str(first_fault(error).sentence(
            f"in the head, which has {', '.join(Head.model_fields)}"))
        raise LessonError(_at(file, 2, rule)) from None
    known = {knob for preset in presets().values() for knob in knobs_of(type(preset.config))}
    for knob in head.knobs:
        if knob not in known:
            raise LessonError(_at(file, 2, f"no network has a knob {knob!r}"))
    return head


_FENCE = re.compile(r"^```([\w-]*)\s*$")


def _blocks(lines: Sequence[str], start: int) -> Iterator[tuple[str, int, str]]:
    """The name of each block, "" for a passage, the number of its first line, and its text. Code
    that is to be shown is of its passage."""
    passage: list[str] = []
    first = start + 1
    number = start
    while number < len(lines):
        found = _FENCE.match(lines[number])
        if not found or not found[1]:
            if not passage:
                first = number + 1
            passage.append(lines[number])
            number += 1
            continue
        end = next((at for at in range(number + 1, len(lines)) if lines[at].strip() == "```"),
                   len(lines))
        inside = lines[number + 1:end]
        if found[1] in PARTS:
            if any(line.strip() for line in passage):
                yield "", first, "\n".join(passage)
            passage = []
            yield found[1], number + 1, "\n".join(inside)
        else:
            if not passage:
                first = number + 1
            passage += lines[number:end + 1]
        number = end + 1
    if any(line.strip() for line in passage):
        yield "", first, "\n".join(passage)


def lessons() -> tuple[Lesson, ...]:
    """All lessons in the language that is spoken, in their order; one that is not there in it is
    there in English. Those with a mistake are left out, and `mistakes` says why."""
    return _found(language())[0]


def mistakes() -> tuple[str, ...]:
    """A sentence with file, line and rule for each lesson that cannot be read."""
    return _found(language())[1]


@cache
def _found(code: str) -> tuple[tuple[Lesson, ...], tuple[str, ...]]:
    paths = {path.stem: path for each in dict.fromkeys(["en", code])
             for path in (FOLDER / each).glob("*.md")}
    made, wrong = [], []
    for name, path in paths.items():
        try:
            made.append(read(path.read_text(encoding="utf-8"), name, path.parent.name))
        except LessonError as error:
            wrong.append(str(error))
    made.sort(key=lambda lesson: (lesson.head.number, lesson.name))
    return tuple(made), tuple(wrong)


def find_lesson(name: str) -> Lesson:
    """The lesson of that name. Raises `LessonError` where there is none."""
    for found in lessons():
        if found.name == name:
            return found
    raise LessonError(Text("There is no lesson {name}. There are {names}.", name=repr(name[:60]),
                           names=", ".join([found.name for found in lessons()])))


def explaining(*, knob: str = "", module: str = "", word: str = "") -> Lesson | None:
    """The first lesson that explains a knob, a type of module or a word; None where none does."""
    for found in lessons():
        if knob in found.head.knobs or module in found.head.modules or word in found.head.words:
            return found
    return None
