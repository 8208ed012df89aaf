"""Every text that the pages say is there in each language, with the same values in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from explorer.exporting.report import page
from explorer.language import LANGUAGES, LOCALE, language, say, speak, spoken
from explorer.lessons.facts import FIGURES
from explorer.lessons.lesson import FOLDER, read
from explorer.lessons.parts import PARTS
from explorer.views.lessons.tables import WHAT
from tests.test_layout import EXPLORER, PAGES, ROOT

REPORT = ROOT / "explorer" / "exporting" / "report"
OTHERS = [code for code in LANGUAGES if code != "en"]
PLACE = re.compile(r"\{(\w+)\}")


def written(path: Path) -> Iterator[str]:
    """The texts that a file gives to `say` and `Text`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
                and node.func.id in ("say", "Text") and node.args:
            yield from constants(node.args[0])


def constants(node: ast.expr) -> Iterator[str]:
    """A text, or each of those that a condition chooses from."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant):
        yield node.value


def in_templates() -> Iterator[tuple[str, str]]:
    """Texts that templates of a report and its script say, each with its file."""
    for path in sorted(REPORT.glob("*.html")):
        tree = Environment().parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say":
                for text in (node.value for node in [call.args[0], *call.args[0].find_all(
                        nodes.Const)] if isinstance(node, nodes.Const)):
                    yield path.relative_to(ROOT).as_posix(), text
    for text in page.TEXTS:
        yield "explorer/exporting/report/report.js", text


def in_data() -> Iterator[tuple[str, str]]:
    """Texts that stand in tables as they are, each with the file where it stands."""
    for figure in FIGURES.values():
        yield "explorer/lessons/facts.py", figure.words
    for word in WHAT.values():
        yield "explorer/views/lessons/tables.py", word


def said() -> dict[str, set[str]]:
    """Each text with the files where it stands, in the order of those."""
    found: dict[str, set[str]] = {}
    for path in [*EXPLORER, *PAGES]:
        name = path.relative_to(ROOT).as_posix()
        for text in written(path):
            found.setdefault(text, set()).add(name)
    for name, text in [*in_data(), *in_templates()]:
        found.setdefault(text, set()).add(name)
    return found


SAID = said()
TEXTS = sorted(SAID)


def catalogue(code: str) -> Catalog:
    with (LOCALE / f"{code}.po").open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize("code", OTHERS)
def test_the_catalogue_has_these_texts_and_no_others(
        code: str, request: pytest.FixtureRequest) -> None:
    """`--record` takes out what nothing says, and leaves a place for what is not there yet."""
    known = {message.id: message.string for message in catalogue(code) if message.id}
    if request.config.getoption("record"):
        fresh = Catalog(fuzzy=False)
        for text, files in SAID.items():
            fresh.add(text, known.get(text, ""), locations=[(name, 0) for name in sorted(files)])
        with (LOCALE / f"{code}.po").open("wb") as file:
            write_po(file, fresh, width=100, omit_header=True, include_lineno=False)
    assert sorted(known) == TEXTS
    assert [text for text, told in known.items() if not told] == []


SAME = {"FLOPs"}
"""Texts that are the same in another language."""


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_told_with_its_values(code: str) -> None:
    with spoken(code):
        for text in TEXTS:
            values = {name: f"<{name}>" for name in PLACE.findall(text)}
            told = say(text, **values)
            assert told != (text.format(**values) if values else text) or text in SAME, text
            for value in values.values():
                assert value in told, text


TOLD = {"title", "ask", "text", "why", "choices", "rows"}
"""What of a live part is words, and is another in another language."""

LESSONS = [path.stem for path in sorted((FOLDER / "en").glob("*.md"))]


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_is_there_with_the_same_live_parts(name: str, code: str) -> None:
    plain, other = [read((FOLDER / each / f"{name}.md").read_text(encoding="utf-8"), name, each)
                    for each in ("en", code)]
    for attribute in ("number", "minutes", "knobs", "modules", "words"):
        assert getattr(other.head, attribute) == getattr(plain.head, attribute)
    assert [placed.kind for placed in other.parts] == [placed.kind for placed in plain.parts]
    for one, two in zip(plain.parts, other.parts, strict=True):
        fields = set(PARTS[one.kind].model_fields) - TOLD
        assert {name: getattr(one.part, name) for name in fields} == \
            {name: getattr(two.part, name) for name in fields}
        for several in ("choices", "rows"):
            assert len(getattr(one.part, several, ())) == len(getattr(two.part, several, ()))
        if hasattr(one.part, "rows"):
            assert [*one.part.rows.values()] == [*two.part.rows.values()]


def test_a_language_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="one of en, zh"):
        speak("xx")
    assert language() == "en"
