"""Lessons and questions: what they take.

    python -m benchmarks.lessons [questions|digits|pages]

`questions`: a thousand of them over the catalogue, each with its networks opened once. `digits`:
the experiment of the residual block, from the click to its first point and to its end. `pages`:
how long a lesson takes to show its first figures in a browser by how long Explore does, in turns
on one server, each a visit of a new browser.
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import cache

from playwright.sync_api import Browser

from explorer.lessons import find_lesson, lessons, quiz
from explorer.lessons.experiments.digits import submit_digits
from explorer.lessons.parts import DigitsTraining
from explorer.pipeline import Explored, explore
from explorer.sources import Source
from tests.server import chromium, running_app

ROUNDS = 3


def main(which: list[str]) -> None:
    if "questions" in which:
        questions()
    if "digits" in which:
        digits()
    if "pages" in which:
        pages()


def questions() -> None:
    """How long a thousand questions take, the networks that they are about included."""
    @cache
    def opened(source: Source) -> Explored:
        return explore(source)

    began, spent = time.perf_counter(), time.process_time()
    for number in range(1000):
        quiz.make(number % 7, number, "", 1 + number % 3, opened)
    print(f"1,000 questions: {time.perf_counter() - began:.1f} s, "
          f"{time.process_time() - spent:.1f} s of processor time")


def digits() -> None:
    """The experiment as the lesson has it."""
    [part] = [placed.part for placed in find_lesson("residual_block").parts
              if isinstance(placed.part, DigitsTraining)]
    submit_digits(part.networks[:1], 10, part.seed).result()        # the process has started
    began, first = time.perf_counter(), 0.0
    job = submit_digits(part.networks, part.steps, part.seed)
    while not job.done():
        if not first and job.progress and job.progress.points:
            first = time.perf_counter() - began
        time.sleep(0.02)
    curves = job.result()
    print(f"{len(curves.keys)} networks, {part.steps} steps each: first point after "
          f"{first:.1f} s, all after {time.perf_counter() - began:.0f} s")
    for key, losses, accuracy in zip(curves.keys, curves.losses, curves.accuracies, strict=True):
        print(f"  {key:70} loss {losses[-1]:.3f}, right {accuracy:.1%}")
    again = submit_digits(part.networks[:1], 20, part.seed).result()
    assert again == submit_digits(part.networks[:1], 20, part.seed).result()
    print("  the same seed gives the same curves")


def pages() -> None:
    """First figures of each lesson, by those of Explore."""
    with running_app(live=False) as address, chromium() as browser:
        for path in ("", "learn?lesson=two_sums"):
            _first_figure(browser, f"{address}/{path}")     # both pages have been imported
        for each in lessons():
            ratios = []
            for _ in range(ROUNDS):
                explored = _first_figure(browser, f"{address}/")
                taken = _first_figure(browser, f"{address}/learn?lesson={each.name}")
                ratios.append(taken / explored)
            print(f"{each.name:22} lesson / Explore: {statistics.median(ratios):.2f}", flush=True)


def _first_figure(browser: Browser, address: str) -> float:
    """Seconds from the visit to the first drawing, table or figure."""
    page = browser.new_page(viewport={"width": 1440, "height": 1400})
    began = time.perf_counter()
    page.goto(address)
    page.locator(".canvas svg .node, .compared td, [data-testid=stMetricValue], .js-plotly-plot"
                 ).first.wait_for(timeout=60_000)
    taken = time.perf_counter() - began
    page.close()
    return taken


if __name__ == "__main__":
    main(sys.argv[1:] or ["questions", "digits", "pages"])
