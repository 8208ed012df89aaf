"""How long the Sweep page holds a browser up with ten thousand configs.

    python -m benchmarks.sweep_page

Counts them on a real server, then goes through all views in a real browser, twice: the first time
loads what draws the charts. Prints the longest task of each view, while which the page answers
nothing.
"""

from __future__ import annotations

import click
from playwright.sync_api import Page

from tests.server import chromium, running_app

CONFIGS = "sweep?network=resnet18&over=width%3D0.25:2:0.01&over=input_size%3D64:288:4&view=table"
VIEWS = ("Table", "Trade-off", "Curves", "Heat map", "Fit")
WATCH = """() => { window.tasks = []; new PerformanceObserver(
    list => list.getEntries().forEach(entry => window.tasks.push(entry.duration))
).observe({entryTypes: ["longtask"]}); }"""


def longest_ms(page: Page, view: str) -> float:
    page.evaluate("window.tasks = []")
    page.get_by_text(view, exact=True).first.click()
    page.wait_for_timeout(4000)
    longest: float = page.evaluate("Math.max(0, ...window.tasks)")
    return longest


@click.command()
def main() -> None:
    with running_app() as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        page.set_default_timeout(180_000)
        page.goto(f"{address}/{CONFIGS}")
        page.get_by_role("button", name="Count").click()
        page.get_by_text("10,032 of 10,032 configs").wait_for()
        page.get_by_role("button", name="Cancel").wait_for(state="detached")
        page.evaluate(WATCH)
        for view in VIEWS:
            longest_ms(page, view)
        for view in VIEWS:
            print(f"{view}: longest task {longest_ms(page, view):.0f} ms")


if __name__ == "__main__":
    main()
