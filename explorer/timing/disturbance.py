"""Whether something else had the machine while a pass was timed, in plain sentences.

A disturbed run concludes nothing: `quiet` is what everything asks that draws a ratio, a share, a
reason or a prediction from a time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import psutil

from explorer.language import Text

CORES_TAKEN = 0.25
"""Share of the cores of a run that others may have. With a busy process on every core they have a
half or more."""
SPREAD = 2.0
"""p90 by p10 that is let pass. Alone on the machine it was 1.05 to 1.6, as clocks change."""
FEWEST = 10
"""Samples from which on the spread tells something."""
SHORTEST_S = 0.1
"""The system counts processor time in hundredths of a second."""

WAITING = Text("waiting for other programs")

CALM_S = 1.5
"""How long to wait at most for others to be quiet."""
WINDOW_S = 0.15
"""For how long they must be."""
CALM_CORES = 0.2
"""Cores that they may have meanwhile."""


class Measured(Protocol):
    """What a run has measured."""

    @property
    def warnings(self) -> tuple[Text, ...]:
        """What disturbed the run, in sentences; none where nothing did."""


def quiet(*measured: Measured) -> bool:
    """Whether anything may be concluded from these figures together: none was disturbed."""
    return not any(each.warnings for each in measured)


@dataclass
class Load:
    """Processor time that others had during a block."""

    cores: float = 0.0
    """Cores that other processes kept busy, on the average."""
    elapsed_s: float = 0.0

    def takes_from(self, threads: int) -> bool:
        """Whether a run of so many threads had less than it needs."""
        # Others may have the cores that the run leaves free.
        taken = self.cores - max(0, (psutil.cpu_count() or 1) - threads)
        return self.elapsed_s >= SHORTEST_S and taken > CORES_TAKEN * threads


class Gauge:
    """Processor time that others have had since it was made."""

    def __init__(self) -> None:
        self._start, self._busy_s, self._own_s = time.monotonic(), _busy_s(), time.process_time()

    @property
    def load(self) -> Load:
        elapsed_s = time.monotonic() - self._start
        others = _busy_s() - self._busy_s - (time.process_time() - self._own_s)
        return Load(max(0.0, others / elapsed_s) if elapsed_s else 0.0, elapsed_s)


@contextmanager
def watched() -> Iterator[Load]:
    """A `Load` that is filled in at the end of the block."""
    load, gauge = Load(), Gauge()
    yield load
    read = gauge.load
    load.cores, load.elapsed_s = read.cores, read.elapsed_s


def wait_for_calm(tell: Callable[[], None]) -> None:
    """Wait until others leave the cores alone, but no longer than `CALM_S`; `tell` is called now
    and then.

    A page that is being drawn beside takes a core for a moment, and one of two threads that waits
    for it slows every layer.
    """
    end = time.monotonic() + CALM_S
    while time.monotonic() < end:
        tell()
        with watched() as load:
            time.sleep(WINDOW_S)
        if load.cores < CALM_CORES:
            return


def _busy_s() -> float:
    """Seconds for which the cores of this machine have worked, or were lent to another one."""
    times = psutil.cpu_times()._asdict()
    # `user` and `nice` have the time of guests in them already.
    idle = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(seconds for name, seconds in times.items() if name not in idle))


def warnings(samples: Sequence[float], load: Load, threads: int) -> tuple[Text, ...]:
    """What a person should know before trusting the samples; nothing where all is well."""
    sentences = []
    if load.takes_from(threads):
        sentences.append(Text(
            "Other programs kept {busy} of the {cores} cores busy during the measurement. Close "
            "them and measure again.", busy=f"{load.cores:.1f}", cores=psutil.cpu_count() or 1))
    if len(samples) >= FEWEST:
        deciles = statistics.quantiles(samples, n=10, method="inclusive")
        if deciles[-1] > SPREAD * deciles[0]:
            sentences.append(Text(
                "The passes differ: one in ten took {ratio} times as long as the quickest tenth or "
                "longer. Something disturbed them; measure again.",
                ratio=f"{deciles[-1] / deciles[0]:.1f}"))
    return tuple(sentences)
