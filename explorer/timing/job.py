"""What is asked to be measured: whose it is, and the future of its outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar

from explorer.timing.worker import Progress

T = TypeVar("T")


class JobQueue(Protocol):
    """Where jobs wait for their turn."""

    def place(self, job: Job[Any]) -> int | None: ...

    def forget(self, job: Job[Any]) -> None:
        """Take a cancelled job out of the queue."""

    def stop(self, job: Job[Any]) -> bool:
        """Stop a job that runs; False where it does not."""


class Terms(NamedTuple):
    """What holds for jobs that are submitted."""

    owner: str = ""
    """Whose they are: owners take turns, however many jobs each has."""
    most_s: float = math.inf
    """After how long a job is stopped."""


_terms: ContextVar[Terms | None] = ContextVar("terms", default=None)


@contextmanager
def terms(owner: str, most_s: float) -> Iterator[None]:
    """Of what is submitted in the block."""
    token = _terms.set(Terms(owner, most_s))
    try:
        yield
    finally:
        _terms.reset(token)


class Job(Future[T]):
    """A call to the measuring process: a future that knows its place, and stops while it runs."""

    def __init__(self, queue: JobQueue, number: int, work: bytes) -> None:
        super().__init__()
        self._queue = queue
        self.number, self.work = number, work
        self.owner, self.most_s = _terms.get() or Terms()
        self.unwanted = self.overdue = False
        self.progress: Progress | None = None
        """The latest that it has told; None until it has begun."""

    @property
    def place(self) -> int | None:
        """0 while it runs, 1 where it is the next, and so on; None once it is done."""
        return self._queue.place(self)

    def cancel(self) -> bool:
        """Take it out of the queue, or stop it while it runs; False where it is done already.

        A job that is stopped is `cancelled()` a moment later.
        """
        if super().cancel():
            self._queue.forget(self)
            return True
        return self._queue.stop(self)

    def cancelled(self) -> bool:
        return super().cancelled() or (
            self.done() and isinstance(self.exception(), CancelledError))
