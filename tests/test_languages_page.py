"""The pages in Chinese: the switch, what it changes, and what stays English."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer import text
from explorer.exporting import content
from explorer.language import LANGUAGES, spoken
from explorer.views import graph, scripts
from explorer.views.graph import canvas
from tests.geometry import faults
from tests.graphs import ONE_OF_EACH, structure
from tests.test_pages import PAGES, ROOT, open_app, warnings

SWITCH = "language:switch"


@pytest.fixture
def chinese() -> Iterator[None]:
    with spoken("zh"):
        yield


@pytest.mark.parametrize("page", PAGES)
def test_the_switch_stands_on_every_page_once(page: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page(page).run()
    [found] = [each for each in app.sidebar.get("button_group") if each.key == SWITCH]
    assert found.options == list(LANGUAGES.values())


def switched() -> None:
    """The switch with a panel, and a word."""
    import streamlit as st

    from explorer.language import say
    from explorer.ui import language
    from explorer.ui.panel import Panel

    language.begin()
    language.switch()
    panel = Panel()
    panel.open_address()
    panel.take_widgets()
    panel.write_address()
    st.caption(say("Parameters"))


def test_the_switch_changes_what_is_said_and_nothing_else() -> None:
    app = AppTest.from_function(switched)
    for name, value in {"network": "resnet50", "block": "basic", "overlay": "macs"}.items():
        app.query_params[name] = value
    app.run()
    before, renewed = dict(app.query_params), app.session_state["panel"]["renewed"]
    for code, word in (("zh", "参数量"), ("en", "Parameters")):
        app.button_group(key=SWITCH).set_value(code).run()
        assert app.caption[0].value == word and dict(app.query_params) == before
    # The browser tells of an option by the words that it has shown.
    assert app.session_state["panel"]["renewed"] == renewed + 2


def test_what_a_link_got_wrong_is_told_in_chinese() -> None:
    app = open_app(network="lenet5", overlay="none", lang="zh")
    assert "必须是" in warnings(app) and "overlay" not in app.query_params


def test_changes_in_chinese(chinese: None) -> None:
    assert [text.change(*pair) for pair in ((75, 100), (450, 100), (0, 100), (8, 3000))] \
        == ["−25%", "4.5 倍", "无", "1/375"]
    assert text.against_preset(8, 3000) == "预设的 1/375"
    assert text.share(0.001) == "不到 1%"


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_a_drawing_in_chinese_has_room_for_its_words(network: str, chinese: None) -> None:
    drawing = graph.Drawing(structure(network))
    picture = graph.lay_out(drawing, overlay=graph.overlay(graph.KIND, drawing))
    assert faults(picture, drawing) == []


def test_the_canvas_is_given_every_word_of_its_own(chinese: None) -> None:
    words = scripts.words_of(canvas.TEXTS)
    assert words.keys() == set(canvas.TEXTS)
    with spoken("en"):
        assert scripts.words_of(canvas.TEXTS) == {}


@pytest.mark.parametrize("ending", ["csv", "json", "md", "svg", "dot", "html", "py"])
def test_files_are_english(ending: str) -> None:
    network = explorer.open("lenet5")
    plain = content(network, ending)
    with spoken("zh"):
        assert content(network, ending) == plain
