"""The Compare page: its link, its columns, what it shows and says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

import explorer
from explorer import text
from explorer.comparison import LETTERS
from explorer.sources.key import to_key
from explorer.structure.alignment import Figure
from explorer.ui import bench, runs
from explorer.ui.runs import What
from explorer.views import comparison as views
from tests.disturbances import WARNING, runs_are
from tests.server import CHROMIUM
from tests.strategies import configs
from tests.test_pages import ROOT, warnings

PAGE = "pages/compare.py"


def open_page(**networks: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for letter, key in networks.items():
        app.query_params[letter] = key
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def address(app: AppTest) -> dict[str, str]:
    return dict(app.query_params)


def shown(app: AppTest) -> str:
    return " ".join(one.value for one in app.markdown)


def button(app: AppTest, name: str, place: int) -> None:
    """Press a column's button."""
    panel = app.session_state["compare"]["panels"][place]
    app.button(key=f"{panel}:{name}").click().run()
    assert not app.exception


def test_the_link_is_what_it_shows() -> None:
    networks = {"a": "resnet34", "b": "resnet50&width=0.5", "c": "timm:convnext_tiny"}
    app = open_page(**networks)
    assert not app.warning and not app.error
    assert address(app) == networks
    comparison = explorer.compare(*networks.values())
    for line, _ in views.headlines(comparison):
        assert line.partition(":")[0] in shown(app).replace("\\", "")
    assert address(open_page(**address(app))) == networks


@settings(max_examples=12, deadline=None)
@given(st.lists(configs(), min_size=2, max_size=4))
def test_any_networks_make_a_link_that_opens_them(opened: list[explorer.Config]) -> None:
    networks = dict(zip(LETTERS, map(to_key, opened), strict=False))
    panels = AppTest.from_string(OPENED)
    for letter, key in networks.items():
        panels.query_params[letter] = key
    panels.run()
    assert not panels.exception and panels.session_state["opened"] == list(networks.values())
    assert address(panels) == networks


OPENED = """
import streamlit as st
from explorer.sources.key import to_key
from explorer.ui.compared_panels import ComparedPanels

columns = ComparedPanels()
columns.open_address()
columns.write_address()
assert not columns.set_aside
st.session_state["opened"] = [to_key(panel.config) for panel in columns.panels]
"""


def test_without_a_link_two_networks_stand_there() -> None:
    assert address(open_page()) == {"a": "resnet34", "b": "resnet50"}
    assert address(open_page(a="resnet50")) == {"a": "resnet50", "b": "resnet34"}


@pytest.mark.parametrize(("networks", "left", "said"), [
    ({"a": "resnet18", "b": "resnet5", "c": "vgg16"}, ["resnet18", "vgg16"],
     "B: Unknown network 'resnet5'"),
    ({"a": "resnet18", "b": "vgg16&width=9"}, ["resnet18", "vgg16"],
     "B: `width` must be between 0.125 and 4"),
    ({"a": "resnet18&nonsense", "b": "vgg16", "c": "vgg19"}, ["vgg16", "vgg19"],
     "is not a setting"),
    ({"a": "resnet18", "b": "vgg16", "e": "vgg19"}, ["resnet18", "vgg16"], "`e` is none of"),
    ({"a": "resnet18", "ab": "vgg16", "abcd": "vgg11", "": "vgg13"}, ["resnet18", "resnet34"],
     "`ab` is none of"),
    ({"a": "/etc/passwd.py:Net", "b": "vgg16", "c": "vgg19"}, ["vgg16", "vgg19"],
     "The server was not started with"),
    ({"a": "<script>alert(1)</script>", "b": "vgg16", "c": "vgg19"}, ["vgg16", "vgg19"],
     "Unknown network"),
    ({"a": "timm:nothing_like_it", "b": "vgg16", "c": "vgg19"}, ["vgg16", "vgg19"], "A: "),
])
def test_a_broken_part_of_a_link_costs_its_column_alone(
        networks: dict[str, str], left: list[str], said: str) -> None:
    app = open_page(**networks)
    assert list(address(app).values()) == left
    assert said in warnings(app).replace("\\", "")


def test_a_knob_turns_its_own_column() -> None:
    app = open_page(a="resnet18", b="resnet18&width=0.5")
    panel = app.session_state["compare"]["panels"][1]
    renewed = app.session_state[f"{panel}:panel"]["renewed"]
    app.number_input(key=f"{panel}:knob-input_size-{renewed}").set_value(160).run()
    assert not app.exception
    assert address(app) == {"a": "resnet18", "b": "resnet18&width=0.5&input_size=160"}
    assert "160×160" in shown(app)


def test_columns_are_copied_swapped_and_removed() -> None:
    app = open_page(a="resnet18", b="vgg16")
    button(app, "copy", 0)
    assert address(app) == {"a": "resnet18", "b": "resnet18", "c": "vgg16"}
    assert "A and B are the same network" in " ".join(one.value for one in app.info)
    button(app, "swap", 2)
    assert list(address(app).values()) == ["resnet18", "vgg16", "resnet18"]
    button(app, "copy", 1)
    assert len(address(app)) == 4
    assert all(app.button(key=f"{panel}:copy").disabled
               for panel in app.session_state["compare"]["panels"])
    button(app, "remove", 0)
    button(app, "remove", 0)
    assert list(address(app).values()) == ["vgg16", "resnet18"]
    assert all(app.button(key=f"{panel}:remove").disabled
               for panel in app.session_state["compare"]["panels"])


def test_a_network_that_ends_early_says_so() -> None:
    app = open_page(a="resnet18", b="inception_v3&input_size=32")
    assert "compared as far as its pass gets" in warnings(app)


def test_two_pairs_that_are_the_same_are_told_apart() -> None:
    app = open_page(a="resnet18", b="vgg16", c="resnet18", d="vgg16")
    assert [one.value.partition(" are")[0] for one in app.info] == ["A and C", "B and D"]


def test_a_network_beyond_all_prefixes_is_shown() -> None:
    assert not open_page(a="vgg16&width=4&depth=4&input_size=4096&batch_size=4096",
                         b="vgg16").error


def test_networks_with_nothing_in_common_are_not_forced_together() -> None:
    comparison = explorer.compare("vgg16", "timm:vit_base_patch16_224")
    rows = views.part_rows(comparison, "macs", by_difference=False)
    assert {row["says"] for row in rows} == {"only A", "only B", "changed"}
    assert not open_page(a="vgg16", b="timm:vit_base_patch16_224").error


@pytest.mark.parametrize("figure", views.FIGURES)
def test_the_tree_has_every_part_and_the_largest_difference_first(figure: Figure) -> None:
    comparison = explorer.compare("resnet34", "resnet50")
    in_order, sorted_rows = [views.part_rows(comparison, figure, by_difference=order)
                             for order in (False, True)]
    assert sorted(row["paths"][0] for row in in_order) == sorted(
        row["paths"][0] for row in sorted_rows)
    assert [row["paths"][0] for row in in_order] == [
        part.groups[0][0].path for part in comparison.parts("stage")]
    by_path = {part.groups[0][0].path: abs(part.figures(figure)[1] - part.figures(figure)[0])
               for part in comparison.parts("stage")}
    sizes = [by_path[row["paths"][0]] for row in sorted_rows]
    assert sizes == sorted(sizes, reverse=True)
    layers = [layer for stage in in_order for block in stage["inside"]
              for layer in block["inside"]]
    assert len(layers) == len(comparison.parts("layer"))


def test_explore_leads_to_a_comparison_with_the_preset_and_the_family() -> None:
    from explorer.ui.controls import beside

    turned = explorer.open("resnet50&width=0.5")
    assert beside(turned)[0] == "resnet50"
    assert {"resnet18", "resnet34", "resnet101"} <= set(beside(turned))
    assert "resnet50" not in beside(explorer.open("resnet50"))
    assert set(beside(explorer.open("timm:resnet18"))) == set(explorer.presets())


def cells(app: AppTest, label: str) -> list[tuple[str, str]]:
    """A row of the figures: each value with its change."""
    html = " ".join(block.proto.body for block in app.get("html"))
    row = html.partition(f"<th>{label}</th>")[2].partition("</tr>")[0]
    return re.findall(r"<td[^>]*>([^<]*)<i[^>]*></i><small>([^<]*)</small>", row)


def timed(app: AppTest, what: What) -> AppTest:
    """Press the button, wait for the run, and draw the page again."""
    app.button(key=f"compare:time {what}").click().run()
    wanted = app.session_state["compare:wanted"]
    run = runs.shared.find(wanted.wishes[what], wanted.owner)
    assert run and run.result(timeout=120)
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("disturbed", [False, True])
def test_times_in_turn_are_asked_for(monkeypatch: pytest.MonkeyPatch, disturbed: bool) -> None:
    fresh = runs.Runs()
    for module in (runs, bench):
        monkeypatch.setattr(module, "shared", fresh)
    runs_are(monkeypatch, disturbed)
    app = open_page(a="mobilenetv3_small&input_size=32", b="mobilenetv3_small&input_size=64")
    assert [value for value, _ in cells(app, "Latency")] == ["–", "–"]
    timed(app, "turns")
    (one, nothing), (two, ratio) = cells(app, "Latency")
    assert one.endswith("s") and two.endswith("s")
    if disturbed:
        assert nothing == ratio == "disturbed"
        assert any(WARNING in caption.value for caption in app.caption)
    else:
        assert re.fullmatch(r"[\d.]+ times A \([\d.]+ to [\d.]+\)", ratio)

    app.button_group(key="compare-figure-en").set_value("seconds").run()
    timed(app, "layers in turn")
    said = " ".join(caption.value for caption in app.caption)
    assert ("times of the parts add up" in said) is not disturbed

    # Figures of other knobs are never shown.
    panel = app.session_state["compare"]["panels"][1]
    renewed = app.session_state[f"{panel}:panel"]["renewed"]
    app.number_input(key=f"{panel}:knob-input_size-{renewed}").set_value(96).run()
    assert [value for value, _ in cells(app, "Latency")] == ["–", "–"]


IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                       reason="needs chromium: apt-get install chromium"),
]


def in_a_browser(test: Callable[..., None]) -> Callable[..., None]:
    for mark in IN_A_BROWSER:
        test = mark(test)
    return test


def check(page: Page, *keys: str) -> None:
    """The page's table has the figures of those networks."""
    totals = [explorer.summarise(explorer.from_key(key)).totals for key in keys]
    for label, amounts in (("Parameters", [each.params for each in totals]),
                           ("Multiply-adds", [each.macs for each in totals])):
        row = page.locator(".compared tr").filter(has_text=label)
        for place, amount in enumerate(amounts):
            expect(row.locator("td").nth(place)).to_contain_text(text.short(amount))


@in_a_browser
def test_pin_compare_turn_open_and_share(address: str, browser: Browser) -> None:
    expect.set_options(timeout=60_000)
    page = browser.new_page(viewport={"width": 1440, "height": 1200})
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    # A link to this page may be the first that a server is asked for.
    page.goto(f"{address}/compare?a=resnet18&b=vgg16")
    check(page, "resnet18", "vgg16")
    expect(page.get_by_role("link", name="How it counts")).to_be_visible()
    assert page.locator(".compared i").first.evaluate(
        "bar => getComputedStyle(bar).display") == "block"

    page.goto(f"{address}/?network=resnet34")
    page.get_by_role("button", name="Compare with").click()
    page.get_by_role("link", name="ResNet-50", exact=True).click()
    expect(page).to_have_url(f"{address}/compare?a=resnet34&b=resnet50")
    check(page, "resnet34", "resnet50")

    slider = page.get_by_role("slider", name="Width").last
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"b=resnet50%26width%3D"))
    key = page.evaluate("new URLSearchParams(location.search).get('b')")
    check(page, "resnet34", key)

    stage = page.locator(".parts .row.stage").nth(2)
    stage.get_by_role("button").click()
    expect(stage).to_have_attribute("aria-expanded", "true")
    blocks = page.locator(".parts .row.block:visible")
    expect(blocks).to_have_count(4)
    blocks.first.get_by_role("button").press("Enter")
    expect(page.locator(".parts .row.layer:visible").first).to_be_visible()

    # What is chosen in one drawing is chosen in the other, and told.
    canvas = page.locator(".canvas")
    canvas.locator(".node").filter(has_text="Bottleneck").first.click()
    chosen = canvas.locator(".node.chosen")
    expect(chosen).to_have_count(2)
    expect(chosen.first).to_contain_text("BasicBlock")
    details = page.get_by_label("The chosen part")
    expect(details).to_contain_text("Bottleneck in place of BasicBlock")
    page.get_by_text("Side by side", exact=True).click()
    expect(canvas.locator(".node").filter(has_text="Input")).to_have_count(2)
    expect(chosen).to_have_count(2)
    expect(details).to_contain_text("Bottleneck in place of BasicBlock")

    other = browser.new_context(viewport={"width": 390, "height": 900}).new_page()
    other.goto(page.url)
    check(other, "resnet34", key)
    assert other.evaluate("document.documentElement.scrollWidth") <= 390
    parts = other.locator(".parts")
    assert parts.evaluate("each => each.scrollWidth <= each.clientWidth")

    # What is open stays open when a knob turns.
    slider.press("ArrowLeft")
    expect(page).not_to_have_url(other.url)
    expect(page.locator(".parts .row.block:visible")).to_have_count(4)
    assert not failed
