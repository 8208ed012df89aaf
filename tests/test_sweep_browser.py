"""The Sweep page in a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                       reason="needs chromium: apt-get install chromium"),
]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1100})
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield opened
    opened.close()


def test_from_explore_to_a_sweep_to_a_point_and_back(page: Page, live_address: str) -> None:
    page.goto(f"{live_address}/?network=resnet18&input_size=64")
    page.get_by_role("link", name="Sweep a knob").click()
    expect(page.get_by_text("ResNet-18, input size 64: 11 of width")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
    page.get_by_text("Trade-off", exact=True).click()
    points = page.locator(".js-plotly-plot .scatterlayer .trace").first.locator("path.point")
    expect(points).to_have_count(11)
    page.wait_for_timeout(1000)     # until the chart rests
    box = points.nth(10).bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("link", name="Open in Explore").click()
    expect(page).to_have_url(re.compile("width=1.5"))
    expect(page.get_by_role("heading", name=re.compile("width 1.5"))).to_be_visible()


def test_networks_that_are_typed_are_checked(page: Page, live_address: str) -> None:
    page.goto(f"{live_address}/sweep?network=resnet18&over=width%3D0.5,1")
    networks = page.get_by_role("combobox", name=re.compile("Networks"))
    for typed, shown in (("resnet18&block=bottleneck", "2 networks × 2 of width, 4 configs"),
                         ("no such network", "Unknown network")):
        networks.fill(typed)
        networks.press("Enter")
        expect(page.get_by_text(shown).first).to_be_visible()
