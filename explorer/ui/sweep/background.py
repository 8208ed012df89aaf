"""The sweeps of all sessions, in the background: who wants the same shares one, and one that nobody
wants any more is stopped.

Configs are counted by processes that leave the processor to the pages; latencies are measured
afterwards, one by one, by the measuring process.
"""

from __future__ import annotations

import logging
import random
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from threading import Lock, Thread
from typing import NamedTuple

from explorer.language import Text
from explorer.pipeline import summarise
from explorer.reloading import at_end
from explorer.sources import find_source
from explorer.sweeping import Record, WorkerError, processes, sweep
from explorer.sweeping.records import in_each_language
from explorer.timing import Choices, Timing, TimingError, cores, quiet, resolve, submit
from explorer.timing.job import Job, terms
from explorer.tracing import TraceError
from explorer.ui.limits import limits
from explorer.ui.runs import check_allowed

NICE = 19
BUDGET_S = 0.3
"""For how long each config is timed."""
KEPT_RECORDS = 20_000
"""Of all sweeps together, for those that count some of the same."""
KEPT_SWEEPS = 8
SECONDS_A_LAYER = 120e-6
"""What counting takes of one core, until there are figures of this machine."""
TIMED_S = 0.8
"""About what timing one config takes beyond its budget: it is built, and its passes settle."""


class SweepWish(NamedTuple):
    """What is to be counted."""

    keys: tuple[str, ...]
    """Of the grid, then those of landmarks."""
    timed: bool
    own: int
    """How many of them are the grid's."""


@dataclass(eq=False)
class Sweep:
    """One sweep: what it has found so far."""

    wish: SweepWish
    records: dict[str, Record] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    begun_s: float = field(default_factory=time.monotonic)
    phase: str = "counting"
    """Then "timing", and "done", "stopped" or "failed"."""
    timed: int = 0
    """Configs that have been timed."""
    failure: str | Text = ""
    known: int = 0
    """Records that were there before it began."""
    version: int = 0
    """Grows with each record: whether there is anything new to be drawn."""
    job: Job[Timing] | None = None
    unwanted: bool = False

    @property
    def counted(self) -> int:
        """Configs of the grid that have been counted."""
        if self.phase != "counting" and not self.unwanted:
            return self.wish.own
        return sum(key in self.records for key in self.wish.keys[:self.wish.own])

    @property
    def running(self) -> bool:
        return self.phase in ("counting", "timing")

    @property
    def share(self) -> float:
        """How far it is, from 0 to 1."""
        steps = len(self.wish.keys) * (2 if self.wish.timed else 1)
        return min(1.0, (len(self.records) + self.timed) / max(1, steps))

    @property
    def left_s(self) -> float | None:
        """About how long it takes on; None where there is nothing to tell it by."""
        done = len(self.records) - self.known if self.phase == "counting" else self.timed
        left = len(self.wish.keys) - (len(self.records) if self.phase == "counting" else self.timed)
        elapsed = time.monotonic() - self.begun_s
        return elapsed / done * left if done >= 8 and elapsed > 1 else None


class Sweeps:
    """Those of all sessions."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sweeps: OrderedDict[SweepWish, Sweep] = OrderedDict()
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._pace = SECONDS_A_LAYER

    def find(self, wish: SweepWish) -> Sweep | None:
        """The sweep of a wish, under way or done."""
        with self._lock:
            return self._sweeps.get(wish)

    def known(self, keys: Iterable[str]) -> int:
        """How many of these have been counted already."""
        with self._lock:
            return sum(key in self._records for key in keys)

    def want(self, wish: SweepWish, owner: str) -> Sweep:
        """Begin it, or share the one that is there; what else the owner wanted is dropped. One that
        was stopped or has failed is begun anew, with what it has counted."""
        with self._lock:
            found = self._sweeps.get(wish)
            if found is None or found.unwanted or found.phase == "failed":
                found = self._sweeps[wish] = Sweep(wish)
                for key in wish.keys:
                    if (record := self._records.get(key)) is not None:
                        found.records[key] = record if wish.timed else replace(record, timing=None)
                found.known = found.version = len(found.records)
                Thread(target=self._run, args=(found,), daemon=True, name="sweep").start()
            found.owners.add(owner)
            self._sweeps.move_to_end(wish)
            left = [one.wish for one in self._sweeps.values() if not one.owners]
            for old in left[:-KEPT_SWEEPS]:
                del self._sweeps[old]
        self.leave(owner, unless=wish)
        return found

    def stop(self, wish: SweepWish, owner: str) -> None:
        """The owner does not want it any more; the last one stops it."""
        with self._lock:
            if (found := self._sweeps.get(wish)) is not None:
                self._drop(found, owner)

    def leave(self, owner: str, unless: SweepWish | None = None) -> None:
        """The owner has gone, and wants nothing any more, but for one wish."""
        with self._lock:
            for found in self._sweeps.values():
                if owner in found.owners and found.wish != unless:
                    self._drop(found, owner)

    def clear(self) -> None:
        """Let go of what nobody waits for."""
        with self._lock:
            self._records.clear()
            for wish in [wish for wish, found in self._sweeps.items() if not found.running]:
                del self._sweeps[wish]

    def end(self) -> None:
        """Stop all of them."""
        with self._lock:
            for found in self._sweeps.values():
                found.owners.clear()
                self._drop(found, "")

    def predict_s(self, layers: float, timed: int) -> float:
        """About how long it takes to count networks of so many layers together, and to time so
        many configs."""
        return self._pace * layers / workers() + timed * (BUDGET_S + TIMED_S)

    def learn(self, layers: float, seconds: float) -> None:
        """Bring the pace half-way to that of a sweep of so many layers."""
        if layers > 0:
            self._pace = (self._pace + seconds * workers() / layers) / 2

    def _drop(self, found: Sweep, owner: str) -> None:
        found.owners.discard(owner)
        if not found.owners and found.running:
            found.unwanted = True
            if found.job is not None:
                found.job.cancel()

    def _keep(self, record: Record) -> None:
        """For sweeps that count it too."""
        with self._lock:
            self._records[record.key] = record
            while len(self._records) > KEPT_RECORDS:
                self._records.popitem(last=False)

    def _run(self, found: Sweep) -> None:
        try:
            self._count(found)
            if found.wish.timed and not found.unwanted:
                self._time(found)
            found.phase = "stopped" if found.unwanted else "done"
        except WorkerError as error:
            found.failure, found.phase = error.args[0], "failed"
        except Exception as error:      # of ours: it ends this sweep, is told, and is in the log
            logging.getLogger("explorer").exception("a sweep has failed")
            found.failure, found.phase = f"{type(error).__name__}: {error}", "failed"

    def _count(self, found: Sweep) -> None:
        missing = [key for key in found.wish.keys if key not in found.records]
        start, layers = 0.0, 0
        for record in _counted(missing):
            start = start or time.monotonic()       # the processes have begun
            self._keep(record)
            found.records[record.key] = record
            found.version += 1
            layers += record.totals.layers if record.totals else 0
            if found.unwanted:
                return
        if len(missing) > 4 * workers():
            self.learn(layers, time.monotonic() - start)

    def _time(self, found: Sweep) -> None:
        found.phase, found.begun_s = "timing", time.monotonic()
        keys, own = found.wish.keys, found.wish.own
        parts = [list(keys[:own]), list(keys[own:])]        # landmarks last
        for part in parts:
            random.Random(0).shuffle(part)      # so that drift spreads
        for key in [key for part in parts for key in part]:
            if found.unwanted:
                return
            record = found.records[key]
            if record.totals is not None and record.timing is None:
                record = found.records[key] = self._timed(found, record)
                if record.timing and quiet(record.timing):
                    self._keep(record)
            found.timed += 1
            found.version += 1

    def _timed(self, found: Sweep, record: Record) -> Record:
        device = resolve("auto")
        try:
            source = find_source(record.key)
            summary = summarise(source)
            check_allowed(source.title, summary, summary, device, Choices())
            owner = next(iter(found.owners), "")
            with terms(owner, limits().run_seconds):
                found.job = submit(source, device, BUDGET_S, summary=summary)
                timing = found.job.result()
                if not quiet(timing):       # once more; then it is marked
                    found.job = submit(source, device, BUDGET_S, summary=summary)
                    timing = found.job.result()
            return replace(record, timing=timing)
        except (TimingError, TraceError) as error:
            return replace(record, why_not=in_each_language(error))
        except Exception as error:      # of a stranger's network, which ends this config alone
            if found.unwanted:      # it was cancelled
                return record
            return replace(record,
                           why_not=in_each_language(f"{type(error).__name__}: {error}"))
        finally:
            found.job = None


def _counted(keys: list[str]) -> Iterator[Record]:
    if keys:
        yield from sweep(keys, _pool(), ahead=2 * workers(), most_layers=limits().layers)


def workers() -> int:
    """Processes that count."""
    return limits().sweep_workers or cores()


def _pool() -> Executor:
    return processes(workers(), nice=NICE)


shared = Sweeps()


def _end() -> None:
    """Let the processes go: they have the code that was there when they began."""
    shared.end()
    _pool().shutdown(wait=False)


at_end(__name__, _end)
