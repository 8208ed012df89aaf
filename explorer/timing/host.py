"""The one measuring process of a machine, for all of its servers.

    python -m explorer.timing.host SOCKET

Servers find it by the variable `EXPLORER_MEASURING`. Owners take turns whichever server they are
on, and what a server has asked for ends when the server does.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import CancelledError
from contextlib import suppress
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from explorer.timing.job import Job, terms
from explorer.timing.process import MeasuringProcess, measuring_process
from explorer.timing.sharing import ADDRESS, Ask, Told

TELL_EVERY_S = 0.2


class Server:
    """What one server has asked for."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._jobs: dict[int, Job[Any]] = {}
        self._done: SimpleQueue[int] = SimpleQueue()
        self._gone = False

    def take(self) -> None:
        """Take what it asks for, until it has gone."""
        Thread(target=self._tell, daemon=True).start()
        try:
            while True:
                asked: Ask = self._connection.recv()
                if asked.work is not None:
                    self._begin(asked, asked.work)
                elif asked.number in self._jobs:
                    self._jobs[asked.number].cancel()
        except (OSError, EOFError):
            pass
        finally:
            self._gone = True
            for job in list(self._jobs.values()):
                job.cancel()

    def _begin(self, asked: Ask, work: bytes) -> None:
        process = measuring_process(asked.device)
        assert isinstance(process, MeasuringProcess)
        with terms(asked.owner, asked.most_s):
            job = self._jobs[asked.number] = process.submit_pickled(work)
        job.add_done_callback(lambda _: self._done.put(asked.number))

    def _tell(self) -> None:
        """Tell what is done at once, and now and then how far the others are. A thread of its own:
        a server that does not listen holds no other up."""
        last: dict[int, Told] = {}
        with suppress(OSError):
            while not self._gone:
                try:
                    number = self._done.get(timeout=TELL_EVERY_S)
                except Empty:
                    for number, job in list(self._jobs.items()):
                        told = Told(number, job.place, job.progress)
                        if last.get(number) != told:
                            last[number] = told
                            self._connection.send(told)
                    continue
                job = self._jobs.pop(number)
                last.pop(number, None)
                self._connection.send(Told(number, None, job.progress, _outcome(job)))


def _outcome(job: Job[Any]) -> tuple[Any, BaseException | None]:
    if job.cancelled():
        return None, CancelledError()
    error = job.exception()
    return (None, error) if error else (job.result(), None)


def serve(address: str) -> None:
    """Be there for every server that connects. What was left at the address is replaced."""
    Path(address).unlink(missing_ok=True)
    with Listener(address, "AF_UNIX") as listener:
        while True:
            Thread(target=Server(listener.accept()).take, daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("Usage: python -m explorer.timing.host SOCKET", file=sys.stderr)
        sys.exit(2)
    os.environ.pop(ADDRESS, None)
    with suppress(KeyboardInterrupt):
        serve(sys.argv[1])
