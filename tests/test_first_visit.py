"""What a person meets first: the program in a line, ways to begin, and a title for every page."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer import text
from explorer.analysis import Totals
from explorer.ui import welcome
from explorer.views.ways import WAYS, WRONG_TABLE
from tests.test_pages import PAGES, knob_key, open_app

LINE, QUESTION = str(welcome.LINE), str(welcome.QUESTION)
TITLES = [*[str(way.title) for way in WAYS.values()], str(WRONG_TABLE.title)]


def ways(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.label in TITLES]


def take(app: AppTest, title: str) -> AppTest:
    return next(button for button in app.button if button.label == title).click().run()


def texts(app: AppTest) -> list[str]:
    return [element.value for element in (*app.markdown, *app.caption)]


def look_at(app: AppTest) -> str:
    return next((said for said in texts(app) if said.startswith("**W")), "")


def percents(said: str) -> list[int]:
    return [int(number) for number in re.findall(r"(\d+)%", said)]


def totals(network: str, **knobs: object) -> Totals:
    return explorer.summarise(explorer.configure(network, **knobs)).totals


def test_the_first_visit_says_what_this_is_and_offers_three_ways() -> None:
    app = open_app()
    html = " ".join(element.proto.body for element in app.get("html"))
    assert "Architecture explorer" in html and LINE in html
    assert ways(app) == TITLES
    assert QUESTION not in texts(app)


@pytest.mark.parametrize("query", [{"network": "resnet50"}, {"network": "vgg11"},
                                   {"network": "resnet50", "level": "stage"}])
def test_a_link_that_names_something_needs_no_ways(query: dict[str, str]) -> None:
    app = open_app(**query)
    assert not ways(app) and QUESTION in texts(app)


def test_the_ways_go_when_a_knob_is_turned() -> None:
    app = open_app()
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert not ways(app) and QUESTION in texts(app)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_opens_what_it_names_and_says_what_to_look_at(name: str) -> None:
    app = take(open_app(), str(WAYS[name].title))
    assert not app.exception and not app.warning and not app.error
    assert dict(app.query_params) == {**WAYS[name].query, "begin": name}
    said = look_at(app)
    assert said.startswith(f"**{WAYS[name].title}.**")
    anchors = {header.proto.anchor for header in app.header}
    wanted = re.findall(r"\(#(\w+)\)", said)
    assert wanted and anchors.issuperset(wanted)
    next(button for button in app.button if button.label == "Hide").click().run()
    assert not look_at(app) and "begin" not in app.query_params


def test_the_way_of_the_width_has_the_figures_of_the_width() -> None:
    app = open_app(network="resnet50", width="0.5", begin="width")
    for width in (0.5, 0.25, 2.0):
        app.select_slider(key=knob_key(app, "width")).set_value(width).run()
        now, then = totals("resnet50", width=width), totals("resnet50")
        assert percents(look_at(app)) == [round(100 * ratio) for ratio in (
            now.params / then.params, now.macs / then.macs,
            now.peak_activation_bytes / then.peak_activation_bytes)]


def test_mobilenet_is_small_and_writes_much() -> None:
    said = percents(look_at(open_app(network="mobilenetv3_large", begin="mobilenet")))
    small, large = totals("mobilenetv3_large"), totals("resnet50")
    params, macs, written, cheap_macs, cheap_bytes = said
    assert params == round(100 * 5_483_032 / 25_557_032)
    assert macs == round(100 * 216_589_760 / 4_089_184_256)
    assert written == round(100 * small.activation_bytes / large.activation_bytes)
    assert written > 5 * macs and cheap_bytes > 5 * cheap_macs     # what the way promises


def test_the_third_way_leads_to_a_table_that_is_wrong() -> None:
    app = take(open_app(), str(WRONG_TABLE.title))
    assert app.title[0].value == "Published tables"
    assert dict(app.query_params) == WRONG_TABLE.query
    assert not app.exception and not app.warning
    assert "What to know about it" in [header.value for header in app.header]
    assert any("columns" in said and "swap" in said for said in texts(app))


@pytest.mark.parametrize("begin", ["width", "nowhere"])
def test_a_way_that_does_not_lead_here_is_set_aside(begin: str) -> None:
    app = open_app(network="vgg11", begin=begin)
    assert "begin" in app.warning[0].value and begin in app.warning[0].value
    assert not look_at(app) and dict(app.query_params) == {"network": "vgg11"}


def test_another_network_ends_the_way_without_a_word() -> None:
    app = open_app(network="resnet50", width="0.5", begin="width")
    app.selectbox(key=f"network-{app.session_state['panel']['opened']}").set_value("vgg11").run()
    assert not app.warning and not look_at(app)
    assert dict(app.query_params) == {"network": "vgg11"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title_and_a_question_under_every_section(page: str) -> None:
    app = open_app().switch_page(page).run()
    assert len(app.title) == 1 and not app.subheader
    asked = [said for said in texts(app) if "?" in said]
    assert len(asked) >= len(app.header)
    assert {header.proto.tag for header in app.header} <= {"h2"}


def test_a_figure_far_below_the_presets_is_told_as_a_part_of_it() -> None:
    app = open_app(network="resnet50", width="0.125", input_size="32")
    deltas = {metric.label: metric.delta for metric in app.metric}
    then, now = totals("resnet50"), totals("resnet50", width=0.125, input_size=32)
    assert deltas["Multiply-adds"] == f"1/{round(then.macs / now.macs):,} of the preset"
    assert not any("100%" in delta for delta in deltas.values())


def test_a_change_is_never_all_or_thousands_in_digits_of_e() -> None:
    for before in (1, 7, 1000, 123_456_789):
        for after in (1, 3, 99, 1001, 2 * 10**9, 10**13):
            said = text.change(after, before) or ""
            assert "−100%" not in said and "e+" not in said
            if after * 10 <= before:
                assert said == f"1/{before / after:,.0f}"
            elif after >= 10 * before:
                assert said.endswith(" times") and int(said.split()[0].replace(",", "")) == round(
                    after / before)
