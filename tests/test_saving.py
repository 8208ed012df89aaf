"""What a saved file changes in a server that runs: the real server, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.server import CHROMIUM, ROOT, running_app

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                       reason="needs chromium: apt-get install chromium"),
]

@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, in which files can be saved."""
    for name in ("explorer", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", tmp_path)
    return tmp_path


@pytest.fixture
def page(project: Path, browser: Browser) -> Iterator[Page]:
    """The Explore page of that copy, with all its processes at work."""
    with running_app(project, "--server.fileWatcherType", "auto") as address:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(f"{address}/?network=squeezenet1_1&input_size=64")       # quickly built
        expect(page.locator(".canvas svg .node").first).to_be_visible()
        expect(figure(page, "Latency")).to_have_text(re.compile(r"\d"))
        yield page


def figure(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).first.get_by_test_id(
        "stMetricValue")


def save(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def processes(project: Path) -> set[int]:
    """The server of the copy, and what it has begun."""
    there = set()
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == project and process.status() != psutil.STATUS_ZOMBIE:
                there.add(process.pid)
        except (psutil.Error, OSError):
            continue
    return there


def complete(page: Page, width: str) -> None:
    """Every section of the page is there for a turned knob, and nothing is said to be wrong."""
    # A key that is pressed while the page is drawn can be lost with the widget that had it.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.get_by_role("slider", name="Width").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"width={width}"))
    expect(page.get_by_role("heading", name=re.compile(f"width {width}"))).to_be_visible()
    expect(page.locator(".canvas svg .node").first).to_be_visible()
    expect(figure(page, "Latency")).to_have_text(re.compile(r"\d"))
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(3)
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_test_id("stAlert").count() == 0


def choose(page: Page, network: str) -> None:
    """Choose a network; once more where the page was drawn anew meanwhile, and the choice lost."""
    for _ in range(3):
        page.keyboard.press("Escape")
        page.get_by_role("combobox", name="Network").fill(network)      # the list is long
        page.get_by_role("option", name=network, exact=True).click()
        with suppress(AssertionError):
            return expect(page.get_by_role("heading", name=network)).to_be_visible(timeout=10_000)


def test_the_page_follows_what_is_saved(project: Path, page: Page) -> None:
    networks, before = project / "explorer" / "networks", processes(project)
    assert len(before) == 2         # the server, the measuring

    other = page.context.new_page()         # drawn anew at the same time
    other.goto(page.url.replace("squeezenet1_1", "resnet18"))
    expect(other.locator(".canvas svg .node").first).to_be_visible()

    # A changed class: neither the session nor a cache hands out a value of the old one.
    save(project / "explorer" / "pipeline.py",
         ("    preset: Explored | None = None\n    \"\"\"", "    word: str = \"changed\"\n"
          "    preset: Explored | None = None\n    \"\"\""),
         ("return self.source.title", "return f\"{self.source.title} {self.word}\""))
    expect(page.get_by_role("heading", name=re.compile("SqueezeNet 1.1.* changed"))).to_be_visible()
    expect(other.get_by_role("heading", name=re.compile("ResNet-18.* changed"))).to_be_visible()
    other.close()
    expect(page).to_have_url(re.compile(r"\?network=squeezenet1_1&input_size=64$"))
    complete(page, "0.875")
    after = processes(project)
    assert len(before & after) == 1 and len(after) == 2

    # A new family, and then a change of it.
    family = (networks / "squeezenet.py").read_text(encoding="utf-8")
    (networks / "new.py").write_text(
        family.replace("squeezenet", "new").replace("SqueezeNet", "New"), encoding="utf-8")
    page.wait_for_timeout(3000)     # a page that is drawn anew closes the list that is open
    choose(page, "New 1.1")
    expect(page).to_have_url(re.compile(r"network=new1_1$"))
    complete(page, "0.875")
    save(networks / "new.py", ('title=f"New {version}"', 'title=f"Newer {version}"'))
    expect(page.get_by_role("heading", name=re.compile("Newer 1.1 · width 0.875"))).to_be_visible()
    complete(page, "0.75")
    assert len(processes(project)) == 2
