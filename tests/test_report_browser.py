"""The report in a browser that has no network: it works, follows the theme, and prints."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import explorer
from explorer.exporting.report import comparison_report, report
from tests.graphs import explored
from tests.reports import DAY, HOSTILE, hostile, made, of_sweep, swept
from tests.server import CHROMIUM, chromium


def in_browser(test: Callable[..., None]) -> Callable[..., None]:
    for mark in (pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.skipif(
            CHROMIUM is None and "CI" not in os.environ,
            reason="needs chromium: apt-get install chromium")):
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@contextmanager
def offline(browser: Browser, file: Path, width: int = 1440, scheme: str = "light",
            **more: Any) -> Iterator[Page]:
    """A page opened from a file; whatever is asked of a network, or goes wrong, fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True,
                                  color_scheme=scheme, **more)  # type: ignore[arg-type]
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:"))
            or wrong.append(request.url))
    page.goto(file.as_uri())
    yield page
    assert wrong == []
    context.close()


def written(tmp_path: Path, page: str) -> Path:
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    return file


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@in_browser
def test_it_works_without_a_network(browser: Browser, tmp_path: Path) -> None:
    found = explored("resnet50")
    with offline(browser, written(tmp_path, made("resnet50"))) as page:
        nodes = page.locator(".canvas .node")
        expect(page.locator('.canvas [id="block:stage1.0"]')).to_be_visible()
        before = nodes.count()

        page.locator('[data-toggle="block:stage1.0"]').click()
        expect(page.locator('.canvas .frame[id="block:stage1.0"]')).to_have_count(1)
        assert nodes.count() > before
        page.locator('[data-toggle="block:stage1.0"]').click()
        expect(nodes).to_have_count(before)
        page.get_by_role("button", name="Layers", exact=True).click()
        expect(page.locator('.canvas [id="call:0"]')).to_have_count(1)
        for button in page.locator(".canvas .toggle").all():    # none leads nowhere
            assert button.get_attribute("data-toggle")
        page.get_by_role("button", name="Blocks", exact=True).click()

        layer = next(layer for layer in found.summary.layers if layer.path.endswith("fc"))
        page.get_by_label("Search the layers").fill("head linear")
        rows = page.locator(".rows tbody tr:visible")
        expect(rows).to_have_count(1)
        expect(page.get_by_role("status")).to_have_text("1 of 175 layers")
        rows.click()
        told = page.locator(".told")
        expect(told).to_contain_text(f"Layer {layer.index}: {layer.path}")
        expect(told).to_contain_text(f"{layer.params:,}")
        expect(page.locator('.canvas .chosen[id="block:head"]')).to_have_count(1)
        told.get_by_role("button", name="Previous").click()
        expect(told).to_contain_text(f"Layer {layer.index - 1}")
        page.get_by_label("Search the layers").fill("")
        page.locator(".rows tbody tr").nth(20).click()
        page.keyboard.press("ArrowDown")
        expect(told).to_contain_text("Layer 21")

        page.get_by_role("button", name="Multiply-adds", exact=True).click()
        largest = max(layer.macs or 0 for layer in found.summary.layers)
        expect(page.locator(".rows tbody tr").first).to_contain_text(f"{largest:,}")
        page.locator('.canvas [id="block:stage4.0"] text').first.click()
        expect(page.locator(".details")).to_contain_text("6,039,552")
        expect(page.locator(".rows tr.chosen").first).to_contain_text("stage4.0")


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@in_browser
def test_it_follows_the_theme_and_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    file = written(tmp_path, made("inception_v3"))
    grounds = []
    for scheme in ("light", "dark"):
        with offline(browser, file, 390, scheme) as page:
            expect(page.locator(".canvas .node").first).to_be_visible()
            assert sideways(page) <= 0
            grounds.append(background(page))
    assert grounds == ["rgb(255, 255, 255)", "rgb(18, 24, 31)"]


def pdf(page: Page, form: str) -> tuple[int, int, bytes]:
    """How many pages and how many images a print has, and what is drawn in it."""
    content = page.pdf(format=form)
    streams = []
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            streams.append(zlib.decompress(found[1]))
        except zlib.error:
            continue
    return (len(re.findall(rb"/Type\s*/Page\b(?!s)", content)),
            content.count(b"/Subtype /Image"), b"\n".join(streams))


@in_browser
@pytest.mark.parametrize("network", ["resnet50", "mobilenetv3_large"])
def test_it_prints_as_a_handout_with_a_drawing_of_lines(
        browser: Browser, tmp_path: Path, network: str) -> None:
    with offline(browser, written(tmp_path, made(network)), scheme="dark") as page:
        expect(page.locator(".canvas .node").first).to_be_visible()
        for form in ("A4", "Letter"):
            pages, images, drawing = pdf(page, form)
            assert 2 <= pages <= 4, form
            assert images == 0
            whole = drawing.count(b" c\n")      # curves, of round corners
        page.locator("img.printed").evaluate("image => image.remove()")
        _, _, without = pdf(page, "Letter")
        assert whole - without.count(b" c\n") > 4 * 10


@in_browser
def test_it_is_read_and_printed_without_scripts(browser: Browser, tmp_path: Path) -> None:
    with offline(browser, written(tmp_path, made("resnet50")),
                 java_script_enabled=False) as page:
        expect(page.locator("img.printed")).to_be_visible()
        expect(page.locator(".live").first).to_be_hidden()
        expect(page.locator(".rows")).to_contain_text("stage4.2.branch.conv3")
        assert 2 <= pdf(page, "A4")[0] <= 4


@in_browser
def test_comparisons_sweeps_and_hostile_names_in_a_browser(
        browser: Browser, tmp_path: Path) -> None:
    file = written(tmp_path, comparison_report(explorer.compare("vgg16", "vgg19"), date=DAY))
    with offline(browser, file, 390) as page:
        expect(page.locator(".canvas .node").first).to_be_visible()
        merged = page.locator(".canvas .node").count()
        page.get_by_role("button", name="Side by side").click()
        expect(page.locator(".canvas .node")).not_to_have_count(merged)
        page.get_by_role("button", name="Parameters", exact=True).click()
        expect(page.locator("#tree .row.stage").first).to_contain_text("38.7 k")
        page.get_by_label("Open or close stage3").click()
        expect(page.locator("#tree")).to_contain_text("stage3.conv4")
        assert sideways(page) <= 0
        assert 2 <= pdf(page, "A4")[0] <= 4
    with offline(browser, written(tmp_path, of_sweep(*swept())), 390) as page:
        page.get_by_label("Search the configs").fill("relu cannot")
        expect(page.get_by_role("status")).to_have_text("4 of 24 configs")
        assert sideways(page) <= 0
        pages, images, _ = pdf(page, "A4")
        assert 2 <= pages <= 4 and images == 0
    with offline(browser, written(tmp_path, report(hostile(), date=DAY))) as page:
        expect(page.locator(".canvas .node").first).to_be_visible()
        page.get_by_role("button", name="Layers", exact=True).click()
        page.locator(".rows tbody tr").first.click()
        expect(page.locator(".told h3")).to_contain_text(HOSTILE)
        assert page.locator("img[src=x]").count() == 0
