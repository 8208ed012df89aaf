"""What only a browser shows: the real server, a knob turned, the new figures, the CSV."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import explorer
from explorer.analysis import Totals
from explorer.views import text
from tests.server import CHROMIUM, chromium, running_app

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    # Where the whole suite must run, a browser that is missing is a failure.
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                       reason="needs chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_app() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield opened
    opened.close()


def figure(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).first.get_by_test_id(
        "stMetricValue")


def totals(network: str, **knobs: object) -> Totals:
    return explorer.summarise(explorer.configure(network, **knobs)).totals


def test_pick_a_network_turn_a_knob_read_the_figures_download_the_csv(
        page: Page, address: str) -> None:
    page.goto(address)
    expect(figure(page, "Parameters")).to_have_text(text.short(totals("resnet50").params))

    page.get_by_role("combobox", name="Network").click()
    page.get_by_role("option", name="ResNet-18", exact=True).click()
    expect(figure(page, "Parameters")).to_have_text(text.short(totals("resnet18").params))
    expect(figure(page, "Latency")).to_contain_text("s", use_inner_text=True)

    slider = page.get_by_role("slider", name="Width")
    slider.focus()
    for _ in range(4):              # four steps of an eighth
        page.keyboard.press("ArrowLeft")
    half = totals("resnet18", width=0.5)
    expect(figure(page, "Parameters")).to_have_text(text.short(half.params))
    expect(figure(page, "Multiply-adds")).to_have_text(text.short(half.macs))
    expect(figure(page, "Peak memory")).to_have_text(text.short(half.peak_activation_bytes, "B"))
    expect(page).to_have_url(f"{address}/?network=resnet18&width=0.5")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "resnet18&width=0.5.csv"
    frame = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    assert frame["params"].sum() == half.params and frame["macs"].sum() == half.macs


def test_a_link_opens_the_same_network_with_its_graph(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=resnet50&width=0.5")
    expect(figure(page, "Parameters")).to_have_text(
        text.short(totals("resnet50", width=0.5).params))
    nodes = page.locator(".canvas svg .node")
    expect(nodes.filter(has_text="Bottleneck ×5")).to_have_count(1)
    assert nodes.count() >= 10
    page.get_by_role("slider", name="Width").focus()
    before = page.locator(".canvas svg").inner_html()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".canvas svg .node").filter(has_text="320×28×28").first).to_be_visible()
    assert page.locator(".canvas svg").inner_html() != before


def test_a_row_of_the_table_opens_its_derivation(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=vgg11")
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    expect(page.get_by_text("Choose a row")).to_be_visible()
    table.scroll_into_view_if_needed()
    row = 35        # pixels, as is the head
    table.click(position={"x": 20, "y": 3.5 * row})
    expect(page.get_by_role("heading", name="Layer 2: stage1.pool")).to_be_visible()
    expect(page).to_have_url(f"{address}/?network=vgg11&layer=2")
    expect(page.locator(".katex").first).to_be_visible()
    assert page.locator(".katex-error").count() == 0

    page.get_by_placeholder("Name, type or kind").fill("linear")
    expect(page.get_by_text("3 of 30 layers")).to_be_visible()
    table.click(position={"x": 20, "y": 1.5 * row})
    expect(page.get_by_role("heading", name="Layer 23: head.fc1")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page).to_have_url(f"{address}/?network=vgg11&layer=24")


def test_back_returns_to_the_config_before(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=vgg11")
    expect(figure(page, "Parameters")).to_have_text("133 M")
    page.get_by_role("slider", name="Width").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(f"{address}/?network=vgg11&width=0.875")
    expect(figure(page, "Parameters")).to_have_text(text.short(totals("vgg11", width=0.875).params))
    page.go_back()
    expect(figure(page, "Parameters")).to_have_text("133 M")


def test_the_measured_time_belongs_to_the_knobs_as_they_stand(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=mobilenetv3_small&width=0.25&input_size=64")
    latency = page.get_by_test_id("stMetric").filter(has_text="Latency")
    expect(latency).to_contain_text("batch 1")
    page.get_by_role("slider", name="Width").focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(f"{address}/?network=mobilenetv3_small&width=0.375&input_size=64")
    expect(latency).to_contain_text("batch 1")


@pytest.mark.parametrize("width", [1440, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(browser: Browser, address: str, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
    try:
        page.goto(f"{address}/?network=mobilenetv3_large&width=0.75&blocks=1-2-3-4-2-4")
        values = page.get_by_test_id("stMetricValue")
        expect(values.first).to_be_visible(timeout=60_000)
        expect(page.locator(".canvas svg .node").first).to_be_visible(timeout=60_000)
        cut = values.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth + 1)"
                                  ".map(e => e.innerText)")
        assert cut == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.close()
