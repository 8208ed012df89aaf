"""Settings that every test shares."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, settings

from explorer import libraries
from explorer.cli.main import main

settings.register_profile("quick", max_examples=25, deadline=None,
                          suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("quick"), max_examples=500)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

torch.set_num_threads(1)
torch.manual_seed(0)

# Before other tools import it, which do not know how where its operators do not load.
libraries.load("torchvision")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true",
                     help="write the golden files anew, from what the program makes now")
    parser.addoption("--soak", type=float, default=5, metavar="SECONDS",
                     help="how long threads lay out graphs together")


def pytest_collection_finish() -> None:
    """Look seldom for garbage in cycles, and never among the thousands of tests that wait: each
    look at all of them takes a third of a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


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
