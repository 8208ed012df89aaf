"""A sweep: configs -> records as they come, over any `concurrent.futures.Executor`."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from threading import Lock, Thread
from typing import Any, TypeVar

from loky import ProcessPoolExecutor
from loky.process_executor import ShutdownExecutorError

from explorer.config import Knobs
from explorer.language import Text
from explorer.libraries import need
from explorer.sources import source_of
from explorer.sweeping.grids import Point
from explorer.sweeping.records import Record, WorkerError, count_all, in_each_language, version

T = TypeVar("T")

CHUNK = 8
"""Configs that travel together: sending them costs less than counting one."""
AHEAD = 64
"""Chunks that are handed out at once, so that a sweep of a million does not wait in the memory."""
TRIES = 3
"""Workers that may die of a config before it is told to be the cause."""
WARM_S = 300
"""For how long idle workers stay."""


def sweep(configs: Iterable[Knobs | Point | str], executor: Executor | None = None,
          workers: int | None = None, *, ahead: int = AHEAD,
          most_layers: float = math.inf) -> Iterator[Record]:
    """What each config costs, in order of completion: each once, and one that cannot run with the
    reason.

    Without an `executor` so many processes of this machine do it, one for each core where `workers`
    is None; they stay for a while, so that the next sweep begins at once. So many chunks of work
    are handed out `ahead`: where several sweeps share an executor, few let them take turns. A
    network of more than `most_layers` is one that cannot run. Raises `WorkerError` where a worker
    has another version of the program.

    >>> records = sweep(["resnet18", "resnet18&width=0.5"], workers=1)
    >>> sorted(record.totals.macs for record in records if record.totals)
    [483149824, 1814073344]
    """
    keys = map(_key, configs)
    chunks = iter(lambda: list(islice(keys, CHUNK)), [])
    under_way: dict[Future[list[Record]], list[str]] = {}
    suspects: list[str] = []

    def submit(chunk: list[str]) -> Future[list[Record]]:
        return (executor or processes(workers)).submit(count_all, version(), chunk,
                                                          most_layers)

    try:
        while True:
            if not suspects:
                under_way |= {submit(chunk): chunk
                              for chunk in islice(chunks, ahead - len(under_way))}
            elif not under_way:
                # One by one, so that what kills a worker does not take others with it.
                yield from [_alone(submit, suspects.pop()) for _ in range(len(suspects))]
                continue
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                chunk = under_way.pop(future)
                try:
                    yield from future.result()
                except WorkerError:
                    raise
                except Exception:       # whatever an executor raises where a worker has died
                    suspects += chunk
    finally:
        for future in under_way:
            future.cancel()


def _key(config: Knobs | Point | str) -> str:
    return config if isinstance(config, str) else \
        config.key if isinstance(config, Point) else source_of(config).key


def _alone(submit: Callable[[list[str]], Future[list[Record]]], key: str) -> Record:
    for _ in range(TRIES - 1):
        try:
            [record] = submit([key]).result()
            return record
        except WorkerError:
            raise
        except Exception as error:      # as above
            died = error
    return Record(key, why_not=in_each_language(Text(
        "Its worker died {tries} times: {error}.", tries=TRIES, error=type(died).__name__)))


class Processes(Executor):
    """Processes of this machine, begun with the first work; new ones where they have died."""

    def __init__(self, workers: int | None, nice: int) -> None:
        self._workers, self._nice = workers, nice
        self._pool: Executor | None = None
        self._lock = Lock()

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        with self._lock:
            if self._pool is not None:
                with suppress(BrokenExecutor, ShutdownExecutorError):
                    return self._pool.submit(function, *args, **kwargs)
            pool: Executor = ProcessPoolExecutor(self._workers, timeout=WARM_S, initializer=_follow,
                                                 initargs=(os.getpid(), self._nice))
            self._pool = pool
            return pool.submit(function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End them, whatever they do."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait, kill_workers=True)    # type: ignore[call-arg]  # loky's
                self._pool = None


@cache
def processes(workers: int | None = None, *, nice: int = 0) -> Processes:
    """So many processes of this machine, the same for all who ask, one for each core by default.
    `nice` ones leave the processor to others, up to 19."""
    return Processes(workers, nice)


def _follow(parent: int, nice: int) -> None:
    """A worker ends with its parent, also where that is killed, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if nice and hasattr(os, "nice"):        # not on Windows
        os.nice(nice)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    Thread(target=watch, daemon=True).start()


@contextmanager
def connect(address: str) -> Iterator[Executor]:
    """The workers of a Dask scheduler, as `tcp://host:port`.

    Raises `LibraryError` without the library, and `WorkerError` where the scheduler does not
    answer, has no workers, or has one with another version of this program.
    """
    distributed = need("distributed")
    try:
        client: Any = distributed.Client(address, timeout=5, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkerError(Text(
            "No Dask scheduler answers at {address} ({error}). Start one with `dask scheduler`, "
            "and write its address as tcp://host:port.", address=address,
            error=type(error).__name__)) from None
    with client:
        _check(client, address)
        yield client.get_executor(pure=False)


def _check(client: Any, address: str) -> None:
    try:
        versions: dict[str, str] = client.run(version)
    except Exception as error:      # of any kind: it is raised in a process of somebody else
        raise WorkerError(Text(
            "A worker of {address} cannot run this program ({error}). Start the workers where it "
            "is installed, with PYTHONPATH at its directory.", address=address,
            error=f"{type(error).__name__}: {error}")) from None
    if not versions:
        raise WorkerError(Text(
            "The scheduler at {address} has no workers. Start some with `dask worker {address}`.",
            address=address))
    for worker, own in versions.items():
        if own != version():
            raise WorkerError(Text(
                "The worker {worker} has another version of the program ({own}; here it is "
                "{expected}). Install the same one, and start it anew.", worker=worker, own=own,
                expected=version()))
