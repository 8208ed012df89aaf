"""What is kept for every session, and what ends with its module."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from queue import Queue
from threading import Event

import pytest

import explorer
from explorer import reloading
from explorer.pipeline import explore
from explorer.ui.kept import OF_EXPLORED, Store


def store(most_bytes: int = 10 ** 6) -> Store:
    return Store(lambda: most_bytes)


def test_a_result_is_made_once_also_by_threads_that_ask_together() -> None:
    made: list[int] = []
    begun, go_on = Event(), Event()

    @store().kept()
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
    shelf = store(2)
    keep = shelf.kept(fixed=1)(lambda value: made.append(value))
    for value in (1, 2, 1, 3, 1, 2):
        keep(value)
    assert made == [1, 2, 3, 2] and shelf.bytes == 2


def test_what_is_larger_than_all_room_is_kept_alone() -> None:
    shelf = store(100)
    small, large = shelf.kept(fixed=30)(lambda: object()), shelf.kept(fixed=1000)(lambda: [1])
    first = small()
    assert large() is large() and shelf.bytes == 1000
    assert small() is not first and shelf.bytes == 30


def test_the_weight_is_that_of_the_layers() -> None:
    shelf = store(10 ** 9)
    open_ = shelf.kept(100, fixed=5)(explorer.open)
    table = shelf.kept(10, fixed=5)(lambda network: object())
    beside = shelf.kept(1, fixed=0)(lambda compared: object())
    one = open_("vgg11")
    layers = len(one.summary.layers)
    assert shelf.bytes == 5 + 100 * layers
    table(one)
    assert shelf.bytes == 10 + 110 * layers
    beside(explorer.compare("vgg11", "vgg11&num_classes=10"))
    assert shelf.bytes == 10 + 112 * layers
    shelf.clear()
    assert shelf.bytes == 0


@pytest.mark.parametrize("key", ["resnet152", "inception_v3", "mobilenetv3_large&depth=3",
                                 "vgg19&depth=4"])
def test_the_weight_of_a_network_is_about_what_it_takes(key: str) -> None:
    assert explore(key).training        # what the first one makes for all
    gc.collect()
    tracemalloc.start()
    try:
        network = explore(key)
        assert network.structure and network.training
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    shelf = store(10 ** 9)
    shelf.kept(OF_EXPLORED)(lambda: network)()
    assert 0.5 < shelf.bytes / taken < 2.5


def test_nothing_of_a_failure_is_kept() -> None:
    """Not the frames of an error, nor what it was raised from: they hold the network."""
    class Large:
        pass

    held = []
    shelf = store(10 ** 9)

    @shelf.kept()
    def fail() -> None:
        large = Large()
        held.append(weakref.ref(large))
        raise ValueError("no")

    gc.disable()        # nor a cycle, which only a collection would take
    try:
        for _ in range(3):
            with suppress(ValueError):
                fail()
        assert [one() for one in held] == [None] * 3
    finally:
        gc.enable()
    for key in ("inception_v3&input_size=32", "vgg19&depth=2&input_size=1"):
        failed = explore(key).failure
        assert failed and failed.__cause__ is None and failed.__context__ is None
        assert failed.__traceback__ is None


def test_an_error_is_raised_and_not_kept() -> None:
    answers = iter([ValueError("no"), "yes"])

    @store().kept()
    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        ask()
    assert ask() == ask() == "yes"


def test_a_result_that_is_not_valid_any_more_is_made_anew() -> None:
    keep = store().kept(valid=lambda run: not (run.done() and run.exception()))(lambda: Future())
    first: Future[None] = keep()
    assert keep() is first
    first.set_exception(ValueError())
    assert keep() is not first


def test_an_explored_counts_by_its_key() -> None:
    keep = store().kept()(lambda network: object())
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
