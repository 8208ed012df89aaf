"""The measuring process: one a device, one run at a time, a queue in front.

It is a fresh interpreter that is told only `sys.path`. `multiprocessing` would first run the main
script again, which under `streamlit run` is the app itself. Calls go to its standard input and
outcomes come back from its standard output, pickled; when its input ends, it ends.
"""

from __future__ import annotations

import atexit
import math
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import IO, Any, ParamSpec, TypeVar

import torch

from explorer.analysis import Totals, summarise
from explorer.config import Config
from explorer.key import to_key
from explorer.timing.devices import resolve
from explorer.timing.errors import TimingError
from explorer.timing.prediction import check_memory, learn_rate
from explorer.timing.protocol import Timing, measure

P = ParamSpec("P")
T = TypeVar("T")


def submit(config: Config, device: str = "auto", budget_s: float = 2.0, *,
           totals: Totals | None = None) -> Future[Timing]:
    """Queue a timed forward pass of about `budget_s` seconds; until it begins it can be cancelled.

    `totals` are those of the config, where they are known already.

    Raises `TimingError` for a device that is not there, a budget of nothing and a pass that does
    not fit into memory, and `TraceError` for a pass that cannot reach its end. The future raises
    `TimingError` where the run fails or its process dies.
    """
    device = resolve(device)
    if not 0 < budget_s < math.inf:
        raise TimingError(f"`budget_s` must be more than 0 seconds; got {budget_s:g}.")
    key, totals = to_key(config), totals or summarise(config).totals
    if not device.startswith("cuda"):    # there, asking would create a context in this process
        check_memory(key, totals, device)

    def learn(future: Future[Timing]) -> None:
        if not future.cancelled() and not future.exception():
            learn_rate(totals, device, future.result().median_s)

    future = measuring_process(device).submit(measure, key, device, budget_s)
    future.add_done_callback(learn)
    return future


def time_forward(config: Config, device: str = "auto", budget_s: float = 2.0) -> Timing:
    """Time the forward pass of a config on this machine, in about `budget_s` seconds.

    Waits for its turn where other runs are queued on the device. Raises as `submit` does.

    >>> from explorer.catalogue import configure
    >>> timing = time_forward(configure("mobilenetv3_small", input_size=32), "cpu", budget_s=0.1)
    >>> timing.p10_s <= timing.median_s <= timing.p90_s
    True
    """
    return submit(config, device, budget_s).result()


_processes: dict[str, MeasuringProcess] = {}
_lock = Lock()


def measuring_process(device: str) -> MeasuringProcess:
    """The measuring process of a device, kept for as long as this process runs."""
    with _lock:
        if device not in _processes:
            _processes[device] = MeasuringProcess(device)
        return _processes[device]


class MeasuringProcess(Executor):
    """One process that runs what it is given, one call after the other.

    It starts with the first call. When it dies, the call that it was running raises `TimingError`
    and the next one starts another process; calls that wait are not touched. Functions must be
    importable by name, and what they take and return must pickle.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._calls: SimpleQueue[tuple[Future[Any], bytes] | None] = SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = Lock()
        # A daemon, so that a run that is under way does not delay the exit of the interpreter.
        self._thread = Thread(target=self._serve, name=f"measuring on {device}", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        call = future, pickle.dumps((fn, args, kwargs))
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._calls.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._closed = True
        if cancel_futures:
            with suppress(Empty):
                while True:
                    if call := self._calls.get_nowait():
                        call[0].cancel()
        self._calls.put(None)
        if wait:
            self._thread.join()

    def kill_workers(self) -> None:
        """Shut down without waiting for the run that is under way, as Python 3.14's pools do."""
        self.shutdown(wait=False, cancel_futures=True)
        while self._thread.is_alive():
            if process := self._process:
                process.kill()
            self._thread.join(0.1)

    def _serve(self) -> None:
        while call := self._calls.get():
            future, work = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                succeeded, outcome = pickle.loads(self._exchange(work))
            except Exception as error:     # the future raises it
                succeeded, outcome = False, error
            if succeeded:
                future.set_result(outcome)
            else:
                future.set_exception(outcome)
            del call, future, outcome    # keep nothing alive while waiting
        self._stop()

    def _exchange(self, work: bytes) -> bytes:
        """Send a call and wait for its outcome."""
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = _start()
        process = self._process
        assert process.stdin and process.stdout
        try:
            _send(process.stdin, work)
            return _receive(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            process.kill()
            raise TimingError(
                f"The measuring process on {self._device} died ({_ending(process.wait())}) "
                "and is replaced: run again.") from None

    def _stop(self) -> None:
        if self._process:
            self._process.kill()
            with suppress(OSError), self._process:    # closes its pipes, broken ones too, and waits
                pass
            self._process = None


@atexit.register
def _kill_all() -> None:
    for process in list(_processes.values()):
        process.kill_workers()


def _start() -> subprocess.Popen[bytes]:
    code = f"import sys; sys.path[:] = sys.argv[1:]; from {__name__} import work; work()"
    # In a session of its own Ctrl-C in a terminal is not sent to it.
    return subprocess.Popen([sys.executable, "-P", "-c", code, *sys.path], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, start_new_session=True)


def _ending(status: int) -> str:
    return "killed, as happens when memory runs out" if status == -9 else f"exit status {status}"


def _send(stream: IO[bytes], message: bytes) -> None:
    pickle.dump(message, stream)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    message = pickle.load(stream)
    assert isinstance(message, bytes)
    return message


def work() -> None:
    """The measuring process itself: calls in, outcomes out, until its input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)    # what a library prints must not end up among the outcomes
    calls: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        # In a thread, so that the end of the parent ends a run too. Blocked, it costs nothing.
        try:
            while True:
                calls.put(_receive(sys.stdin.buffer))
        finally:
            os._exit(0)

    Thread(target=read, daemon=True).start()
    # Through many layers without shortcuts the activations of an untrained network fade until they
    # are denormal, and a CPU takes several times as long. Those of a trained network do not fade.
    torch.set_flush_denormal(True)    # before PyTorch starts its threads, which inherit it
    while True:
        try:
            function, args, kwargs = pickle.loads(calls.get())
            reply = pickle.dumps((True, function(*args, **kwargs)))
        except Exception as error:     # the parent raises it
            error.add_note("".join(traceback.format_exception(error)))
            reply = pickle.dumps((False, error))
        _send(replies, reply)
