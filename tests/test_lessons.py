"""Every lesson, in each language: it can be read, its facts are the engine's, its claims hold."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

from explorer.language import LANGUAGES
from explorer.lessons import Passage, lesson
from explorer.lessons.facts import fill, holds
from explorer.lessons.lesson import FOLDER, read
from explorer.lessons.parts import AskedQuestion
from explorer.pipeline import Explored, explore
from explorer.sources import Source

QUESTIONS = Path(__file__).parent / "lesson_questions"

FILES = [(path.parent.name, path.stem) for code in LANGUAGES
         for path in sorted((FOLDER / code).glob("*.md"))]
NAMES = [name for code, name in FILES if code == "en"]


@lru_cache(maxsize=128)
def opened(source: Source) -> Explored:
    return explore(source)


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


@pytest.mark.parametrize("name", NAMES)
def test_ten_questions_that_do_not_stand_in_it(name: str) -> None:
    written = tomllib.loads((QUESTIONS / f"{name}.toml").read_text(encoding="utf-8"))["questions"]
    assert len(written) >= 10
    own = {question.ask for question in lesson(name).questions
           if isinstance(question, AskedQuestion)}
    for question in written:
        assert question.keys() <= {"ask", "answer", "claims"}
        assert question["ask"] not in own
        assert question["answer"] and "{{" not in fill(question["answer"], opened)
        for claim in question.get("claims", []):
            assert holds(claim, opened), claim
