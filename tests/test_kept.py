"""What is kept for every session, and what ends with its module."""

from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from queue import Queue
from threading import Event

import pytest

import explorer
from explorer import reloading
from explorer.ui.kept import kept


def test_a_result_is_made_once_also_by_threads_that_ask_together() -> None:
    made: list[int] = []
    begun, go_on = Event(), Event()

    @kept(4)
    def double(value: int) -> list[int]:
        made.append(value)
        begun.set()
        assert go_on.wait(10)
        return [2 * value]

    with ThreadPoolExecutor() as threads:
        first = threads.submit(double, 3)
        assert begun.wait(10)
        second = threads.submit(double, 3)
        go_on.set()
        assert first.result() is second.result() is double(3)
    assert made == [3]


def test_the_oldest_results_go() -> None:
    made: list[int] = []
    keep = kept(2)(lambda value: made.append(value))
    for value in (1, 2, 1, 3, 1, 2):
        keep(value)
    assert made == [1, 2, 3, 2]


def test_an_error_is_raised_and_not_kept() -> None:
    answers = iter([ValueError("no"), "yes"])

    @kept(2)
    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        ask()
    assert ask() == ask() == "yes"


def test_a_result_that_is_not_valid_any_more_is_made_anew() -> None:
    keep = kept(2, valid=lambda run: not (run.done() and run.exception()))(lambda: Future())
    first: Future[None] = keep()
    assert keep() is first
    first.set_exception(ValueError())
    assert keep() is not first


def test_an_explored_counts_by_its_key() -> None:
    keep = kept(2)(lambda network: object())
    one, same = explorer.open("vgg11"), explorer.open("vgg11")
    assert keep(one) is keep(same) is not keep(explorer.open("vgg13"))


def test_what_a_replaced_module_has_begun_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: Queue[str] = Queue()
    reloading.at_end("tests.some_module", lambda: ended.put("old"))
    # As a server does it: every module of the package is imported anew.
    monkeypatch.setattr(explorer, "reloading", reloading)
    monkeypatch.delitem(sys.modules, "explorer.reloading")
    again = import_module("explorer.reloading")
    assert again is not reloading
    again.at_end("tests.some_module", lambda: ended.put("new"))
    assert ended.get(timeout=10) == "old" and ended.empty()
    reloading.at_end("tests.some_module", lambda: None)
    assert ended.get(timeout=10) == "new" and ended.empty()
