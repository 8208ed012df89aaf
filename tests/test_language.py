"""Every text that the pages say is there in each language, with the same values in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from explorer.config import knobs_of
from explorer.explain.derivation import DISAGREES, NO_FORMULA, StepName
from explorer.exporting.report import page
from explorer.language import LANGUAGES, LOCALE, language, say, speak, spoken
from explorer.lessons.facts import FIGURES
from explorer.lessons.lesson import FOLDER, read
from explorer.lessons.parts import PARTS
from explorer.networks.catalogue import families
from explorer.networks.family import Family
from explorer.sources.model import offering
from explorer.text import NOT_COUNTED
from explorer.tracing.operators.explanation import SIDES
from explorer.ui import choice
from explorer.views.catalogue import HEADS, ORDERS
from explorer.views.comparison import parts
from explorer.views.graph import canvas
from explorer.views.lessons.tables import WHAT
from explorer.views.palette import KIND_COLOURS
from explorer.views.sweep.curves import NOTES
from explorer.views.sweep.quantities import QUANTITIES
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
    for word in [*HEADS, *ORDERS]:
        yield "explorer/views/catalogue.py", word
    for word in (choice.CATALOGUE, choice.FILES, choice.ALL):
        yield "explorer/ui/choice.py", word
    for family in families():
        for text in of_family(family):
            yield f"{family.network.__module__.replace('.', '/')}.py", text
    for knob in knobs_of(offering(("num_classes",), 0)).values():
        yield "explorer/sources/model.py", knob.english_help
    yield "explorer/text.py", NOT_COUNTED
    for kind in KIND_COLOURS:
        yield "explorer/views/palette.py", kind
    for side in SIDES:
        yield "explorer/tracing/operators/explanation.py", side
    for name in (*get_args(StepName), NO_FORMULA, DISAGREES):
        yield "explorer/explain/derivation.py", name
    for quantity in QUANTITIES.values():
        yield "explorer/views/sweep/quantities.py", quantity.heading
    for note in NOTES.values():
        yield "explorer/views/sweep/curves.py", note
    for text in (*canvas.TEXTS, *parts.TEXTS):
        yield "explorer/views/scripts.py", text


def of_family(family: Family) -> Iterator[str]:
    """What it and its presets say, and the knobs of these."""
    yield family.idea
    for preset in family.presets:
        yield preset.source
        yield from preset.config.stages
        for knob in knobs_of(type(preset.config)).values():
            yield from (knob.english_label, knob.english_help)
            words = [knob.value_words(option) for option in knob.options]
            yield from [word for word in words if SPELT.search(word)]


SPELT = re.compile("[a-z]{3}")
"""A word rather than a name or a number."""


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


SAME = {"ConvNeXt", "Lite R-ASPP", "SSDLite", "FLOPs", "dropout", "sigmoid", "swish", "tanh",
        "torchvision"}
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
