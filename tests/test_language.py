"""Every text that the pages say is there in each language, with the same values in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from explorer.language import LANGUAGES, LOCALE, language, say, speak, spoken
from explorer.lessons.facts import FIGURES
from explorer.lessons.lesson import FOLDER, read
from explorer.lessons.parts import PARTS
from explorer.views.lessons.tables import WHAT
from tests.test_layout import EXPLORER, PAGES

OTHERS = [code for code in LANGUAGES if code != "en"]
PLACE = re.compile(r"\{(\w+)\}")


def said() -> Iterator[str]:
    """The texts that are given to `say`, and those that stand in tables for it."""
    for path in [*EXPLORER, *PAGES]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
                    and node.func.id == "say" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
    yield from [figure.words for figure in FIGURES.values()]
    yield from WHAT.values()


TEXTS = sorted(set(said()))


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_there_with_its_values(code: str) -> None:
    with spoken(code):
        for text in TEXTS:
            values = {name: f"<{name}>" for name in PLACE.findall(text)}
            told = say(text, **values)
            assert told != text.format(**values) or text == "FLOPs", text
            for value in values.values():
                assert value in told, text


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_there_that_nothing_says(code: str) -> None:
    from babel.messages.pofile import read_po

    with (LOCALE / f"{code}.po").open("rb") as file:
        known = {str(message.id) for message in read_po(file) if message.id}
    assert known - set(TEXTS) == set()


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
