"""One measuring process for several servers: who waits, who goes, and what dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import psutil
import pytest
import torch

from explorer.sources import find_source
from explorer.timing import TimingError, submit
from explorer.timing import process as timing_process
from explorer.timing.job import Job, terms
from explorer.timing.sharing import ADDRESS, SharedProcess
from tests.server import ROOT


def host(address: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "explorer.timing.host", address], cwd=ROOT)


pytestmark = pytest.mark.xdist_group("sharing")     # they share a host


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    address = tmp_path_factory.mktemp("host") / "measuring"
    running = host(address)
    yield address
    running.kill()
    running.wait(30)


@pytest.fixture
def servers(address: Path) -> Iterator[tuple[SharedProcess, SharedProcess]]:
    pair = SharedProcess("cpu", str(address)), SharedProcess("cpu", str(address))
    yield pair
    for each in pair:
        each.kill_workers()


def until(met: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def of(queue: SharedProcess, owner: str, seconds: float, most_s: float = 600) -> Job[None]:
    with terms(owner, most_s):
        return queue.submit(time.sleep, seconds)


Servers = tuple[SharedProcess, SharedProcess]


def test_two_servers_share_one_process(servers: Servers) -> None:
    first, second = servers
    assert first.submit(os.getpid).result(60) == second.submit(os.getpid).result(60) != os.getpid()
    with pytest.raises(ZeroDivisionError):
        first.submit(divmod, 1, 0).result(60)


def test_owners_of_different_servers_take_turns(servers: Servers) -> None:
    first, second = servers
    first.submit(os.getpid).result(60)
    running = of(first, "greedy", 600)
    until(running.running)
    one = of(first, "greedy", 1)
    until(lambda: one.place == 1)       # the two servers' messages come in any order
    two, other = of(first, "greedy", 1), of(second, "modest", 1)
    ended: list[Job[None]] = []
    for job in (one, two, other):
        job.add_done_callback(ended.append)     # type: ignore[arg-type]
    until(lambda: (one.place, other.place, two.place) == (1, 2, 3))
    assert running.cancel()
    assert one.result(60) is other.result(60) is two.result(60) is None and two.place is None
    until(lambda: len(ended) == 3)
    assert ended == [one, other, two]


def test_what_is_not_wanted_stops(servers: Servers) -> None:
    first, second = servers
    running, waiting = of(first, "a", 600), of(first, "b", 600)
    until(running.running, 60)
    behind = of(second, "c", 0)
    assert waiting.cancel() and waiting.cancelled()
    assert running.cancel()
    assert behind.result(30) is None
    with pytest.raises(CancelledError):
        running.result(30)
    assert running.cancelled() and first.length == second.length == 0
    with pytest.raises(TimingError, match=r"stopped after 0\.2 s"):
        of(first, "a", 600, most_s=0.2).result(60)


def test_a_server_that_goes_keeps_nobody_waiting(servers: Servers) -> None:
    first, second = servers
    long = of(first, "a", 600)
    until(long.running, 60)
    behind = of(second, "b", 0)
    first.kill_workers()
    assert behind.result(30) is None


def test_a_process_that_dies_and_a_host_that_dies_are_told(tmp_path: Path) -> None:
    address = tmp_path / "measuring"
    mortal = host(address)
    server = SharedProcess("cpu", str(address))
    pid = server.submit(os.getpid).result(60)
    for _ in range(2):
        job = of(server, "a", 600)
        until(job.running, 60)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(TimingError, match=r"died .* and is replaced: run again"):
            job.result(60)
        pid = server.submit(os.getpid).result(60)
    job = of(server, "a", 600)
    until(job.running)
    mortal.kill()
    mortal.wait(30)
    with pytest.raises(TimingError, match="died and is replaced: run again"):
        job.result(60)
    until(lambda: not psutil.pid_exists(pid))       # it sees that nobody is there any more
    again = host(address)
    try:
        assert server.submit(os.getpid).result(60) != pid
    finally:
        server.kill_workers()
        again.kill()
        again.wait(30)


def test_a_host_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.timing.sharing.PATIENCE_S", 0.2)
    server = SharedProcess("cpu", str(tmp_path / "nobody"))
    with pytest.raises(TimingError, match="does not answer: run again later"):
        server.submit(os.getpid).result(30)


def test_the_environment_says_who_measures(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, str(address))
    monkeypatch.setattr(timing_process, "_processes", {})
    shared = timing_process.measuring_process("cpu")
    assert isinstance(shared, SharedProcess)
    timing = submit(find_source("vgg11&input_size=32"), "cpu", 0.2).result(60)
    assert timing.median_s > 0 and timing.conditions.torch == torch.__version__
    shared.kill_workers()
