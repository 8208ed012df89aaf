"""The measuring process: one a device, one job at a time, a queue in front.

It is a fresh interpreter that is told only `sys.path`. `multiprocessing` would first run the main
script again, which under `streamlit run` is the app itself. `worker` is what it runs.
"""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from contextlib import suppress
from itertools import count
from threading import Condition, Lock, Thread, Timer
from typing import Any, ParamSpec, TypeVar

from explorer.language import Text
from explorer.reloading import at_end
from explorer.timing.errors import TimingError
from explorer.timing.job import Job
from explorer.timing.sharing import ADDRESS, SharedProcess
from explorer.timing.worker import Order, receive, send
from explorer.timing.worker import __name__ as worker_module

P = ParamSpec("P")
T = TypeVar("T")

GRACE_S = 1.0
"""A cancelled job stops between two passes; if it does not for so long, its process is killed."""


class MeasuringProcess(Executor):
    """One process that runs what it is given, one call after the other: the owners of the calls
    take turns.

    It starts with the first call. When it dies, the call that it was running raises `TimingError`
    and another process takes its place; calls that wait are not touched. Functions must be
    importable by name, and what they take and return must pickle.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._waiting: dict[str, deque[Job[Any]]] = {}
        """By owner: the next is the first of the first."""
        self._running: Job[Any] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._closed = False
        self._changed = Condition()
        self._writing = Lock()
        self._sent = -1
        self._numbers = count()
        # A daemon, so that a job that is under way does not delay the exit of the interpreter.
        self._thread = Thread(target=self._serve, name=f"measuring on {device}", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Job[T]:
        return self.submit_pickled(pickle.dumps((fn, args, kwargs)))

    def submit_pickled(self, work: bytes) -> Job[Any]:
        """The same for a call that another process has pickled: function, arguments, keywords."""
        job: Job[Any] = Job(self, next(self._numbers), work)
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.setdefault(job.owner, deque()).append(job)
            self._changed.notify()
        return job

    @property
    def length(self) -> int:
        """Jobs that wait, and the one that runs."""
        with self._changed:
            return sum(map(len, self._waiting.values())) + (self._running is not None)

    def place(self, job: Job[Any]) -> int | None:
        with self._changed:
            if job is self._running:
                return 0
            own = self._waiting.get(job.owner, ())
            if job not in own:
                return None
            before, owners = list(own).index(job), list(self._waiting)
            first = owners.index(job.owner)
            return 1 + before + sum([
                min(len(self._waiting[owner]), before + (place < first))
                for place, owner in enumerate(owners) if owner != job.owner])

    def forget(self, job: Job[Any]) -> None:
        with self._changed, suppress(KeyError, ValueError):
            self._waiting[job.owner].remove(job)
            if not self._waiting[job.owner]:
                del self._waiting[job.owner]

    def stop(self, job: Job[Any]) -> bool:
        """Ask the process to stop a job, and see that it does; False where it does not run."""
        with self._changed:
            if job is not self._running:
                return False
            if job.unwanted:
                return True
            job.unwanted = True
        self._ask_to_stop(job)
        self._kill_later(job)
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._changed:
            self._closed = True
            waiting = [job for jobs in self._waiting.values() for job in jobs] \
                if cancel_futures else []
            self._changed.notify()
        for job in waiting:
            job.cancel()
        if wait:
            self._thread.join()

    def kill_workers(self) -> None:
        """Shut down without waiting for the job that is under way, as Python 3.14's pools do."""
        self.shutdown(wait=False, cancel_futures=True)
        while self._thread.is_alive():
            if process := self._process:
                process.kill()
            self._thread.join(0.1)

    def _serve(self) -> None:
        while job := self._next():
            try:
                word, outcome = self._exchange(job)
            except Exception as error:     # the future raises it
                word, outcome = "error", error
            with self._changed:
                self._running = None       # from here on it cannot be stopped
            if job.overdue:
                job.set_exception(TimingError(Text(
                    "It was stopped after {seconds} s, which is the most that a measurement may "
                    "take here. A smaller network, input or batch takes less.",
                    seconds=f"{job.most_s:g}")))
            elif job.unwanted:
                job.set_exception(CancelledError())
            elif word == "result":
                job.set_result(outcome)
            else:
                job.set_exception(outcome)
            del job, outcome    # keep nothing alive while waiting
        self._stop()

    def _next(self) -> Job[Any] | None:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return None
                owner, jobs = next(iter(self._waiting.items()))
                del self._waiting[owner]
                job = jobs.popleft()
                if jobs:
                    self._waiting[owner] = jobs      # behind all others
                if job.set_running_or_notify_cancel():
                    self._running = job
                    return job

    def _exchange(self, job: Job[Any]) -> tuple[str, Any]:
        """Send a call and wait for its outcome."""
        if self._process is None or self._process.poll() is not None:
            self._restart()
        process = self._process
        assert process and process.stdin and process.stdout
        alarm = self._alarm(job) if self._ready else None
        try:
            with self._writing:
                send(process.stdin, pickle.dumps(Order(job.number, job.work)))
                self._sent = job.number
            if job.unwanted:
                self._ask_to_stop(job)
            while True:
                word, value = pickle.loads(receive(process.stdout))
                if word == "progress":
                    job.progress = value
                elif word == "ready":
                    self._ready = True
                    alarm = self._alarm(job)
                else:
                    break
        except (OSError, EOFError, pickle.UnpicklingError):
            process.kill()
            status = process.wait()
            if not self._closed:
                self._restart()     # ready for the next call
            raise TimingError(_died(self._device, status)) from None
        finally:
            if alarm:
                alarm.cancel()
        if word == "fatal":
            self._restart()
        return word, value

    def _alarm(self, job: Job[Any]) -> Timer | None:
        """What stops a job that takes too long; the start of the process does not count."""
        if job.most_s == math.inf:
            return None

        def stop() -> None:
            with self._changed:
                if job is not self._running:        # it has just ended
                    return
                job.overdue = True
            self.stop(job)

        timer = Timer(job.most_s, stop)
        timer.daemon = True
        timer.start()
        return timer

    def _ask_to_stop(self, job: Job[Any]) -> None:
        with self._writing, suppress(OSError):
            # A job that is yet to be sent is asked when it has been.
            if self._sent == job.number and self._process and self._process.stdin:
                send(self._process.stdin, pickle.dumps(Order(job.number, None)))

    def _kill_later(self, job: Job[Any]) -> None:
        timer = Timer(GRACE_S, self._kill_if_running, [job, self._ready])
        timer.daemon = True
        timer.start()

    def _kill_if_running(self, job: Job[Any], asked: bool) -> None:
        with self._changed:
            if job is not self._running:
                return
            if asked and self._process:
                self._process.kill()
                return
        self._kill_later(job)       # killed while it starts, it would have to start again

    def _restart(self) -> None:
        self._stop()
        self._ready = False
        self._process = _start()

    def _stop(self) -> None:
        if self._process:
            self._process.kill()
            with suppress(OSError), self._process:    # closes its pipes, broken ones too, and waits
                pass
            self._process = None


_processes: dict[str, MeasuringProcess | SharedProcess] = {}
_lock = Lock()


def measuring_process(device: str) -> MeasuringProcess | SharedProcess:
    """The measuring process of a device, kept for as long as this process runs: one of its own, or
    the one that all servers of the machine share, where the environment names it."""
    with _lock:
        if device not in _processes:
            shared = os.environ.get(ADDRESS)
            _processes[device] = SharedProcess(device, shared) if shared else \
                MeasuringProcess(device)
        return _processes[device]


def queue_length(device: str) -> int:
    """Jobs that wait or run on a device, as `resolve` returns it."""
    with _lock:
        queue = _processes.get(device)
    return queue.length if queue else 0


def _kill_all() -> None:
    for process in list(_processes.values()):
        process.kill_workers()


at_end(__name__, _kill_all)


def _start() -> subprocess.Popen[bytes]:
    code = f"import sys; sys.path[:] = sys.argv[1:]; from {worker_module} import work; work()"
    # In a session of its own Ctrl-C in a terminal is not sent to it.
    bytecode = ["-B"] if sys.dont_write_bytecode else []
    return subprocess.Popen([sys.executable, "-P", *bytecode, "-c", code, *sys.path],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


def _died(device: str, status: int) -> Text:
    if status == -9:
        return Text("The measuring process on {device} died (killed, as happens when memory runs "
                    "out) and is replaced: run again.", device=device)
    return Text("The measuring process on {device} died (exit status {status}) and is replaced: "
                "run again.", device=device, status=status)
