"""The page Learn: all lessons, one of them with its live parts, its questions, and ways to it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.config import Config, find_knob
from explorer.language import spoken
from explorer.lessons import explaining, find_lesson, lessons, mistakes
from explorer.networks.catalogue import configure
from explorer.pipeline import explore
from explorer.ui.controls import help_of
from explorer.ui.graph import lesson_link
from tests.test_pages import ROOT

pytestmark = pytest.mark.xdist_group("learn page")

PAGE = "pages/learn.py"
LESSONS = [each.name for each in lessons()]


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def test_no_lesson_has_a_mistake() -> None:
    assert mistakes() == ()
    assert [each.head.number for each in lessons()] == list(range(1, len(LESSONS) + 1))


def test_all_lessons_stand_there_with_their_questions() -> None:
    app = open_page()
    said = [each.value for each in app.markdown]
    for each in lessons():
        assert each.head.question in said


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_stands_there_whole(name: str) -> None:
    app = open_page(lesson=name)
    assert app.title[0].value == find_lesson(name).head.title.replace(":", "\\:")
    assert not app.error, [error.value for error in app.error]
    keys = [button.key for button in app.button]
    for number, _ in enumerate(find_lesson(name).asked):
        assert f"question-{name}-{number}-0" in keys


def test_a_lesson_in_chinese() -> None:
    with spoken("zh"):
        title = find_lesson("residual_block").head.title
    app = open_page(lesson="residual_block", lang="zh")
    assert app.title[0].value == title and "残差" in title
    assert "lang" not in app.query_params


def test_an_answer_is_kept_and_told() -> None:
    app = open_page(lesson="residual_block")
    questions = find_lesson("residual_block").asked
    for number in range(len(questions)):
        app.button(key=f"question-residual_block-{number}-0").click().run()
        assert not app.exception
    assert len(app.success) + len(app.info) == len(questions)
    again = app.switch_page("pages/catalogue.py").run().switch_page(PAGE)
    again.query_params["lesson"] = "residual_block"
    again.run()
    assert len(again.success) + len(again.info) == len(questions)


def test_knobs_of_a_lesson_turn_its_figures() -> None:
    app = open_page(lesson="residual_block")
    before = [metric.value for metric in app.metric]
    [widget, *_] = [box for box in app.selectbox if box.label == "Shortcut"]
    widget.set_value("C").run()
    assert not app.exception and [metric.value for metric in app.metric] != before


def test_a_lesson_that_is_none_is_told_and_all_stand_there() -> None:
    app = open_page(lesson="../../etc/passwd")
    assert "There is no lesson" in app.warning[0].value
    assert app.title[0].value == "Learn"


# Ways to the lessons

def test_a_block_leads_to_the_lesson_that_explains_it() -> None:
    network = explore("resnet50")
    [layer] = [layer for layer in network.summary.layers if layer.path == "stem.conv"]
    found = explaining(module="Conv2d")
    assert found and lesson_link(network, [layer.index]) == found.link
    block = [layer.index for layer in network.summary.layers
             if layer.path.startswith("stage1.0.")]
    found = explaining(module="Bottleneck")
    assert found and lesson_link(network, block) == found.link
    assert lesson_link(network, []) is None


def test_a_knob_leads_to_the_lesson_that_explains_it() -> None:
    config: Config = configure("resnet50")
    found = explaining(knob="shortcut")
    assert found and found.link["address"] in help_of(find_knob(config, "shortcut"))


def test_words_lead_to_lessons() -> None:
    app = open_page().switch_page("pages/conventions.py").run()
    text = "".join(each.value for each in app.markdown)
    for each in lessons():
        for word in each.head.words:
            assert f"**{word}** [→](./learn?lesson={each.name}" in text
