"""Sessions make the pieces of their pages in turn, the figures first."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

import pytest

from explorer.ui import sending
from explorer.ui.sending import Baton


def wanting(baton: Baton, name: str, done: list[str], *, urgent: bool,
            work: Callable[[], object] = lambda: None) -> Thread:
    """A thread that has come to wait for the baton, in the order of the calls."""
    def run() -> None:
        baton.take(urgent=urgent)
        done.append(name)
        work()
        baton.give()

    before = sum(map(len, baton._waiting))
    thread = Thread(target=run)
    thread.start()
    while thread.is_alive() and sum(map(len, baton._waiting)) == before:
        time.sleep(0.001)
    return thread


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is slow changes nothing."""
    monkeypatch.setattr(sending, "LONGEST_S", 60)
    monkeypatch.setattr(sending, "PATIENCE_S", 60)


def test_figures_go_first_and_otherwise_who_has_come_first(patient: None) -> None:
    baton, done = Baton(), list[str]()
    baton.take(urgent=True)
    threads = [wanting(baton, name, done, urgent=name.startswith("figures"))
               for name in ("rest 1", "figures 1", "rest 2", "figures 2")]
    baton.give()
    for thread in threads:
        thread.join(10)
    assert done == ["figures 1", "figures 2", "rest 1", "rest 2"]


def test_what_has_waited_long_goes_first(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    baton, done = Baton(), list[str]()
    baton.take(urgent=True)
    threads = [wanting(baton, name, done, urgent=name == "figures") for name in ("rest", "figures")]
    monkeypatch.setattr(sending, "PATIENCE_S", 0)
    baton.give()
    for thread in threads:
        thread.join(10)
    assert done == ["rest", "figures"]


def test_a_long_piece_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LONGEST_S", 0.05)
    baton, done, ended = Baton(), list[str](), Event()
    long = Thread(target=lambda: (baton.take(urgent=True), ended.wait(30), baton.give()))
    long.start()
    while baton._holder is None:
        time.sleep(0.001)
    wanting(baton, "other", done, urgent=False).join(10)
    assert done == ["other"] and not ended.is_set()
    baton.take(urgent=True)
    ended.set()
    long.join(10)
    assert baton._holder is not None        # who is late gives nobody else's away
    baton.give()
    assert baton._holder is None


def test_one_at_a_time_makes_a_piece(patient: None) -> None:
    baton, inside, most = Baton(), list[int](), list[int]()

    def work() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.001)
        inside.pop()

    def visitor(number: int) -> None:
        for turn in range(20):
            baton.take(urgent=(turn + number) % 2 == 0)
            work()
            baton.give()

    threads = [Thread(target=visitor, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(most) == 160 and max(most) == 1


def test_a_page_that_fails_gives_the_turn_back() -> None:
    with pytest.raises(ValueError, match="page"), sending.in_turn():
        sending.wait_until_sent(0)
        raise ValueError("page")
    assert sending._baton._holder is None
