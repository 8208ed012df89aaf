"""What a person meets first: the program in a line, ways to begin, and a title for every page."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.analysis import Totals
from explorer.ui.welcome import LINE, QUESTION
from explorer.views.ways import WAYS, WRONG_TABLE
from tests.test_pages import PAGES, ROOT, knob_key, open_app

TITLES = [*[way.title for way in WAYS.values()], WRONG_TABLE.title]


def links(app: AppTest) -> dict[str, str]:
    """The links of the page itself by their names, each with its address."""
    return {link.proto.label: f"{link.proto.page}?{link.proto.query_string}"
            for link in app.get("page_link")}


def texts(app: AppTest) -> list[str]:
    return [element.value for element in (*app.markdown, *app.caption)]


def look_at(app: AppTest) -> str:
    return next((text for text in texts(app) if text.startswith("**W")), "")


def percents(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"(\d+)%", text)]


def totals(network: str, **knobs: object) -> Totals:
    return explorer.summarise(explorer.configure(network, **knobs)).totals


def test_the_first_visit_says_what_this_is_and_offers_three_ways() -> None:
    app = open_app()
    html = " ".join(element.proto.body for element in app.get("html"))
    assert "Architecture explorer" in html and LINE in html
    assert [name for name in links(app) if name in TITLES] == TITLES
    assert QUESTION not in texts(app)


@pytest.mark.parametrize("query", [{"network": "resnet50"}, {"network": "vgg11"},
                                   {"network": "resnet50", "level": "stage"}])
def test_a_link_that_names_something_needs_no_ways(query: dict[str, str]) -> None:
    app = open_app(**query)
    assert not links(app).keys() & {*TITLES} and QUESTION in texts(app)


def test_the_ways_go_when_a_knob_is_turned() -> None:
    app = open_app()
    app.slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert not links(app).keys() & {*TITLES} and QUESTION in texts(app)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_opens_what_it_names_and_says_what_to_look_at(name: str) -> None:
    address = parse_qs(urlsplit(links(open_app())[WAYS[name].title]).query)
    app = open_app(**{key: value for key, [value] in address.items()})
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
        app.slider(key=knob_key(app, "width")).set_value(width).run()
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
    page, _, query = links(open_app())[WRONG_TABLE.title].partition("?")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, [value] in parse_qs(query).items():
        app.query_params[key] = value
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception and not app.warning
    assert "What to know about it" in [header.value for header in app.header]
    assert any("columns" in text and "swap" in text for text in texts(app))


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
    asked = [text for text in texts(app) if "?" in text]
    assert len(asked) >= len(app.header)
    assert {header.proto.tag for header in app.header} <= {"h2"}
