"""Inside the measuring process: calls in from its standard input, outcomes out, all pickled.

A message is bytes in a frame of their own, so that what cannot be read spoils no other message.
In come `Order`s; out go pairs of a word and a value: "ready" once, and for each call "progress",
then "result", "error", or "fatal", an error after which the process is of no more use.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, NamedTuple

import torch

from explorer.language import Text

NICE = 10
REPORT_EVERY_S = 0.1
"""Seldom enough that the reader, on another core, does not disturb what is measured."""


class Order(NamedTuple):
    """A call to make, or with `work` None the wish to stop the call of that number."""

    number: int
    work: bytes | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    phase: Text
    """What it does now, in words."""
    samples: int = 0
    """Timed passes so far."""
    share: float = 0.0
    """Of the budget that is spent, from 0 to 1."""
    points: tuple[Any, ...] = ()
    """Finished batch sizes; they stay where later reports name none."""


class Stopped(Exception):
    """Raised by `report` where nobody waits for the run any more."""


class _State:
    replies: IO[bytes] | None = None
    number = -1
    stopped = -1
    """The number of the last call that is not wanted any more."""
    last: Progress | None = None
    reported_s = 0.0


def report(progress: Progress) -> None:
    """Tell how far the run is, and stop it where that is wished: raises `Stopped`.

    Outside a measuring process it does nothing. To be called between passes, never during one.
    """
    if _State.replies is None:
        return
    if _State.stopped == _State.number:
        raise Stopped
    last, now = _State.last, time.monotonic()
    if last:
        progress = replace(progress, points=progress.points or last.points)
    if last is None \
            or (last.phase, len(last.points)) != (progress.phase, len(progress.points)) \
            or now > _State.reported_s + REPORT_EVERY_S:
        _State.last, _State.reported_s = progress, now
        send(_State.replies, pickle.dumps(("progress", progress)))


def work() -> None:
    """The measuring process itself: one call after the other, until its input ends."""
    _State.replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)    # what a library prints must not end up among the outcomes
    calls: SimpleQueue[Order] = SimpleQueue()

    def read() -> None:
        # In a thread, so that the end of the parent ends a run too. Blocked, it costs nothing.
        try:
            while True:
                order = Order(*pickle.loads(receive(sys.stdin.buffer)))
                if order.work is None:
                    _State.stopped = order.number
                else:
                    calls.put(order)
        finally:
            os._exit(0)

    Thread(target=read, daemon=True).start()
    send(_State.replies, pickle.dumps(("ready", None)))
    # Whoever turns a knob goes first; on a machine that is quiet this takes nothing away.
    with suppress(OSError, AttributeError):
        os.nice(NICE)
    # Through many layers without shortcuts the activations of an untrained network fade until they
    # are denormal, and a CPU takes several times as long. Those of a trained network do not fade.
    torch.set_flush_denormal(True)    # before PyTorch starts its threads, which inherit it
    while True:
        _State.number, pickled = calls.get()
        _State.last = None
        try:
            assert pickled is not None
            function, args, kwargs = pickle.loads(pickled)
            word = "result"
            reply = pickle.dumps((word, function(*args, **kwargs)))
        except Exception as error:     # the parent raises it
            word = "fatal" if _breaks_the_device(error) else "error"
            error.add_note("".join(traceback.format_exception(error)))
            reply = pickle.dumps((word, error))
        if torch.cuda.is_initialized() and word != "fatal":
            gc.collect()                # of a failed pass its frames hold tensors
            torch.cuda.empty_cache()    # an idle process leaves the memory to others
        send(_State.replies, reply)


def _breaks_the_device(error: BaseException | None) -> bool:
    """After an error of CUDA other than a lack of memory every later call fails too."""
    while error is not None:
        if not isinstance(error, torch.OutOfMemoryError) and (
                isinstance(error, torch.AcceleratorError)
                or (isinstance(error, RuntimeError) and "CUDA error" in str(error))):
            return True
        error = error.__cause__
    return False


def send(stream: IO[bytes], message: bytes) -> None:
    """Write one message; `receive` reads it."""
    pickle.dump(message, stream)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    message = pickle.load(stream)
    assert isinstance(message, bytes)
    return message
