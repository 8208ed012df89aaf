"""Every lesson, in each language: it can be read, its facts are the engine's, its claims hold."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

from explorer.language import LANGUAGES, spoken
from explorer.lessons import LessonError, Passage, find_lesson
from explorer.lessons.facts import fill, holds
from explorer.lessons.lesson import FOLDER, read
from explorer.lessons.parts import AskedQuestion
from explorer.lessons.questions import written
from explorer.pipeline import Explored, explore
from explorer.sources import Source

QUESTIONS = Path(__file__).parent / "lesson_questions"

FILES = [(path.parent.name, path.stem) for code in LANGUAGES
         for path in sorted((FOLDER / code).glob("*.md"))]
NAMES = [name for code, name in FILES if code == "en"]


@lru_cache(maxsize=128)
def opened(source: Source) -> Explored:
    return explore(source)


def test_the_right_answer_stands_in_the_same_place_in_each_language() -> None:
    places = []
    for code in LANGUAGES:
        with spoken(code):
            asked = find_lesson("residual_block").asked
            places.append([written(placed.part, opened, f"residual_block:{number}").right
                           for number, placed in enumerate(asked)
                           if isinstance(placed.part, AskedQuestion)])
    assert places[0] == places[1] and len(set(places[0])) > 1


@pytest.mark.parametrize(("code", "name"), FILES)
def test_its_facts_are_filled_in_and_its_claims_hold(code: str, name: str) -> None:
    found = read((FOLDER / code / f"{name}.md").read_text(encoding="utf-8"), name, code)
    for item in found.content:
        if isinstance(item, Passage):
            assert "{{" not in found.filled(item, opened)
        elif isinstance(item.part, AskedQuestion):
            texts = [item.part.ask, *[text for choice in item.part.choices
                                      for text in (choice.text, choice.why)]]
            filled = [fill(text, opened) for text in texts]
            answers = [fill(choice.text, opened) for choice in item.part.choices]
            assert len(set(answers)) == len(answers), f"line {item.line}: two choices are equal"
            assert all(filled)
            if item.part.claim:
                assert holds(item.part.claim, opened), f"line {item.line}: {item.part.claim}"


COUNT = re.compile(r"\d[\d.]*\s*(?:[MG]B?\b|million|billion|万|亿)|\d{1,3}(?:,\d{3})+|\d{5,}")
"""What only an engine or a paper can say."""
CITED = re.compile(r"[Pp]aper|[Tt]able|[Ss]ection|Figure|tutorial|论文|表|节|教程")
NOT_READ = re.compile(r"\A\+\+\+.*?\+\+\+|```.*?```|\{\{.*?\}\}|`[^`]*`|\]\([^)]*\)|arXiv:\S+",
                      re.DOTALL)


@pytest.mark.parametrize(("code", "name"), FILES)
def test_no_figure_of_a_network_is_typed(code: str, name: str) -> None:
    """But for those that it says somebody has printed."""
    said = NOT_READ.sub("", (FOLDER / code / f"{name}.md").read_text(encoding="utf-8"))
    typed = [part for part in said.split("\n\n") if COUNT.search(part) and not CITED.search(part)]
    assert typed == []


def test_a_claim_about_a_chain() -> None:
    chain = "Conv2d(8, 8, 3) > Conv2d(8, 8, 3) on 8x9x9: macs"
    assert holds(f"{chain} > Conv2d(8, 8, 3) on 8x9x9: macs", opened)
    assert holds(f"100 < {chain}", opened) and not holds(f"{chain} = 100", opened)


def test_a_link_keeps_the_language() -> None:
    written = EXAMPLE + "[two](/compare?a=vgg16&b=vgg19), [passes](/?network=vgg16#timing), " \
        "[all](/learn)\n"
    found = read(written, "example", "zh")
    *_, passage = [item for item in found.content if isinstance(item, Passage)]
    filled = found.filled(passage, opened)
    assert "(/compare?a=vgg16&b=vgg19&lang=zh)" in filled
    assert "(/?network=vgg16&lang=zh#timing)" in filled
    assert "(/learn?lang=zh)" in filled


README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLE = README.partition("### Adding a lesson\n")[2].partition("````\n")[2].partition("````")[0]


def test_the_example_of_the_readme_is_one() -> None:
    found = read(EXAMPLE, "example", "en")
    assert [placed.kind for placed in found.parts] == ["chains"]
    [passage] = [item for item in found.content if isinstance(item, Passage)]
    assert "138\N{NO-BREAK SPACE}M parameters" in found.filled(passage, opened)


@pytest.mark.parametrize(("old", "new", "rule"), [
    ("+++", "---", "line 1: a lesson begins with its head"),
    ("number = 3", "number = three", "line 2: the head is no TOML"),
    ("minutes = 6", "minutes = 600", "line 2: `minutes` must be"),
    ("minutes = 6", "", "line 2: `minutes` must be"),
    ('knobs = ["stem"]', 'knobs = ["stemm"]', "line 2: no network has a knob 'stemm'"),
    ("```chains", "```chain\n```\n```chains", ""),        # code that is only shown
    ('input = "{C}x56x56"', 'input = "{C}x56x"', "line 15: `chains`"),
    ("Conv2d({C}, {C}, 5", "Conv5d({C}, {C}, 5", "line 15: `chains`: torch.nn has no module"),
    ("Conv2d({C}, {C}, 5", "__import__({C}, 5", "line 15: `chains`: torch.nn has no module"),
    ('input = "{C}x56x56"', 'inputs = "{C}x56x56"', "line 15: `chains`: `input"),
    ("vgg16: params}}", "vgg61: params}}", "line 11: .*vgg61"),
    ("vgg16: params}}", "vgg16: param}}", "line 11: .*behind a colon it has one of"),
    ("vgg16 @ head /", "vgg16 @ heads /", "line 12: vgg16 has no part 'heads'"),
    ("params percent}}", "params per cent}}", "line 12: 'per cent' is no way"),
    ("params exact}}", "params percent}}", "line 13: .*is no ratio"),
    ("Conv2d(3, 64, 3) on", "Conv2d(4, 64, 3) on", "line 13"),
])
def test_a_mistake_is_told_with_file_line_and_rule(old: str, new: str, rule: str) -> None:
    assert old in EXAMPLE

    def whole() -> None:
        found = read(EXAMPLE.replace(old, new, 1), "example", "en")
        for item in found.content:
            if isinstance(item, Passage):
                found.filled(item, opened)

    if rule:
        with pytest.raises(LessonError, match=f"^en/example.md, {rule}"):
            whole()
    else:
        whole()


@pytest.mark.parametrize("name", NAMES)
def test_ten_questions_that_do_not_stand_in_it(name: str) -> None:
    written = tomllib.loads((QUESTIONS / f"{name}.toml").read_text(encoding="utf-8"))["questions"]
    assert len(written) >= 10
    own = {placed.part.ask for placed in find_lesson(name).asked
           if isinstance(placed.part, AskedQuestion)}
    for question in written:
        assert question.keys() <= {"ask", "answer", "claims"}
        assert question["ask"] not in own
        assert question["answer"] and "{{" not in fill(question["answer"], opened)
        for claim in question.get("claims", []):
            assert holds(claim, opened), claim
