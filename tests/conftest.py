"""Settings that every test shares."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

import hasty_worker
from explorer import libraries
from explorer.cli.main import main
from explorer.timing import process
from tests.server import chromium, running_app

settings.register_profile("quick", max_examples=25, deadline=None,
                          suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("quick"), max_examples=500)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

torch.set_num_threads(1)
# In the processes that tests begin too: more threads would wait for cores that other tests use.
os.environ["OMP_NUM_THREADS"] = "1"
torch.manual_seed(0)

process.worker_module = hasty_worker.__name__

# On pages without a browser no pass is timed by itself, unless a test is about that: it would go on
# beside the tests that follow.
os.environ["EXPLORER_LIVE_SECONDS"] = "1e-9"

# Before other tools import it, which do not know how where its operators do not load.
libraries.load("torchvision")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true",
                     help="write the golden files anew, from what the program makes now")
    parser.addoption("--soak", type=float, default=5, metavar="SECONDS",
                     help="how long threads lay out graphs together")


LONGEST = ("browser", "sweep page", "deploy", "dask")
"""Groups of tests that must run in one process, and take minutes: they begin first."""

MANY = 200
"""A file of more tests than these has short ones."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups first, the short tests of a file together, and at the end the others one
    by one, so that no process has nothing to do. To hand out thousands of tests one by one takes
    time itself."""
    files = Counter(item.path for item in items)
    for item in items:
        if files[item.path] > MANY and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))

    def place(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group")
        name = group.args[0] if group else None
        return LONGEST.index(name) if name in LONGEST else len(LONGEST) + (name is None)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Look seldom for garbage in cycles, and never among the thousands of tests that wait: each
    look at all of them takes a third of a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """That of a real server, on which no pass is timed by itself."""
    with running_app(live=False) as url:
        yield url


@pytest.fixture(scope="session")
def live_address() -> Iterator[str]:
    """Where passes are timed by themselves."""
    with running_app() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without a browser on which passes are timed by themselves, as by default."""
    from explorer.ui.limits import Limits

    monkeypatch.setattr("explorer.ui.timing.limits", Limits)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str],
            monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command; gives exit code, standard output and standard error."""
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["explorer", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run
