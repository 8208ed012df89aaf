"""The measuring process that several servers of a machine share, as one of them sees it.

Two that measured at once would disturb each other. `host` keeps the queue for all of them; what is
sent is pickled, over a socket in a folder that nobody else may enter.
"""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Client, Connection
from threading import RLock, Thread
from typing import Any, NamedTuple, ParamSpec, TypeVar

from explorer.language import Text
from explorer.timing.errors import TimingError
from explorer.timing.job import Job
from explorer.timing.worker import Progress

P = ParamSpec("P")
T = TypeVar("T")

ADDRESS = "EXPLORER_MEASURING"
"""The variable of the environment that names the socket."""
PATIENCE_S = 20.0
"""For how long a host that does not answer may be about to start."""


class Ask(NamedTuple):
    """A call to make, or with `work` None the wish to stop the one of that number."""

    number: int
    device: str = ""
    work: bytes | None = None
    owner: str = ""
    most_s: float = 0.0


class Told(NamedTuple):
    """How far a call is."""

    number: int
    place: int | None = None
    progress: Progress | None = None
    outcome: tuple[Any, BaseException | None] | None = None
    """What it has given, or raised; None while it is not done."""


class SharedProcess(Executor):
    """As a `MeasuringProcess`, but that others stand in its queue too."""

    def __init__(self, device: str, address: str) -> None:
        self._device, self._address = device, address
        self._jobs: dict[int, Job[Any]] = {}
        self._places: dict[int, int] = {}
        self._unsent: list[Ask] = []
        self._connection: Connection[Any, Any] | None = None
        self._connecting = False
        self._closed = False
        self._lock = RLock()
        self._numbers = count()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Job[T]:
        job: Job[T] = Job(self, next(self._numbers), pickle.dumps((fn, args, kwargs)))
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._jobs[job.number] = job
        self._ask(Ask(job.number, self._device, job.work, job.owner, job.most_s))
        return job

    @property
    def length(self) -> int:
        """Jobs of this server that wait or run."""
        with self._lock:
            return len(self._jobs)

    def place(self, job: Job[Any]) -> int | None:
        with self._lock:
            return self._places.get(job.number, 1) if job.number in self._jobs else None

    def forget(self, job: Job[Any]) -> None:
        self._drop(job)

    def stop(self, job: Job[Any]) -> bool:
        return self._drop(job, wait=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._closed = True
            jobs = list(self._jobs.values())
        if cancel_futures:
            for job in jobs:
                job.cancel()
        while wait and self.length:
            time.sleep(0.05)
        with self._lock:
            connection, self._connection = self._connection, None
        if connection:      # closed alone, it would stay open until the listener has read from it
            with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as same:
                same.shutdown(socket.SHUT_RDWR)

    def kill_workers(self) -> None:
        """Leave the process to the others: it stops what it does for this server."""
        self.shutdown(wait=False)

    def _drop(self, job: Job[Any], *, wait: bool = False) -> bool:
        """Tell that a job is not wanted any more; where it runs, to `wait` until it has stopped."""
        with self._lock:
            if job.number not in self._jobs:
                return False
            job.unwanted = True
            if not wait:
                del self._jobs[job.number]
        self._ask(Ask(job.number))
        return True

    def _ask(self, asked: Ask) -> None:
        with self._lock:
            if asked.work is not None and asked.number not in self._jobs:
                return      # the host has just died, and the job with it
            if self._connection:
                with suppress(OSError):     # the listener sees that it is gone, and tells the jobs
                    self._connection.send(asked)
                return
            self._unsent.append(asked)
            if not self._connecting:
                self._connecting = True
                Thread(target=self._listen, name="shared measuring", daemon=True).start()

    def _listen(self) -> None:
        """Connect, and take what is told until the host has gone."""
        connection = self._connect()
        if connection:
            with suppress(OSError, EOFError, pickle.UnpicklingError):
                while True:
                    self._take(connection.recv())
        with self._lock:
            self._connection, self._connecting = None, False
            self._unsent.clear()
            jobs, closed = list(self._jobs.values()), self._closed
            self._jobs.clear()
            self._places.clear()
        said = Text("The measuring process on {device} died and is replaced: run again."
                    if connection else
                    "The measuring process on {device} does not answer: run again later.",
                    device=self._device)
        for job in jobs:
            if job.running() or job.set_running_or_notify_cancel():
                job.set_exception(CancelledError() if closed else TimingError(said))

    def _connect(self) -> Connection[Any, Any] | None:
        end_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                connection = Client(self._address, "AF_UNIX")
                break
            except OSError:
                if self._closed or time.monotonic() > end_s:
                    return None
                time.sleep(0.2)
        with self._lock:
            with suppress(OSError):     # it has gone again, as is seen when it is listened to
                for asked in self._unsent:
                    connection.send(asked)
            self._unsent.clear()
            self._connection = connection
        return connection

    def _take(self, told: Told) -> None:
        with self._lock:
            job = self._jobs.get(told.number)
            if job is None:
                return
            if told.place is not None:
                self._places[told.number] = told.place
            job.progress = told.progress or job.progress
            if told.outcome:
                del self._jobs[told.number]
                self._places.pop(told.number, None)
            elif told.place != 0:
                return
        # Cancelled meanwhile, it is not ours any more.
        if not job.running() and not job.set_running_or_notify_cancel():
            return
        if told.outcome:
            value, error = told.outcome
            job.set_exception(error) if error else job.set_result(value)
