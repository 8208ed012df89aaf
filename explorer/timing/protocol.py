"""How a whole pass is timed. This runs inside the measuring process, alone on its device.

The first call is timed apart; passes follow until three in a row agree; then
`torch.utils.benchmark.Timer` takes samples, synchronised on both sides, with the threads set, until
the budget is spent. Where one pass is too short to be timed, a sample is the mean of several.
"""

from __future__ import annotations

import math
import re
import statistics
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from explorer import text
from explorer.analysis import Summary
from explorer.language import Text
from explorer.pipeline import summarise
from explorer.sources import Source, find_source
from explorer.timing.choices import Choices
from explorer.timing.conditions import Conditions, conditions
from explorer.timing.disturbance import WAITING, wait_for_calm, warnings, watched
from explorer.timing.errors import TimingError
from explorer.timing.passes import Pass, prepared
from explorer.timing.prediction import check_memory, out_of_memory, pass_bytes
from explorer.timing.worker import Progress, report

if TYPE_CHECKING:
    from torch.utils.benchmark import Timer

MOST_SAMPLES = 200
"""Enough for p10 and p90; a small network need not use up its budget."""
AGREEMENT = 0.05
"""Warm: three passes in a row within 5%."""
WARM_UP_SHARE = 0.3
"""Of the budget, for passes that never agree."""
FEWEST_LEFT = 4
"""Passes that still fit into the budget; below, those that the timer repeats are missed."""
TOO_FEW = re.compile(r"Expected more than 1 value per channel when training.*\[([\d, ]+)\]")
"""How PyTorch says that BatchNorm cannot take a mean."""
BLOCK_S = 0.01
"""Least time of a sample on a GPU, beside which waiting for it is nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The timed passes of one network on one device; figures in seconds, for one pass each."""

    key: str
    device: str
    batch_size: int
    median_s: float
    p10_s: float
    p90_s: float
    n: int
    """Samples that the three figures are taken from."""
    passes_per_sample: int
    first_s: float
    """The first pass of the network, in which kernels are chosen and memory is taken."""
    compile_s: float | None
    """Of a compiled network, the call before `first_s`: compilation and one pass."""
    started_s: float
    """When the run began, in seconds since 1970; `finished_s` is when it ended."""
    finished_s: float
    predicted_bytes: int
    """Peak memory by prediction: weights, activations, and in training gradients."""
    measured_bytes: int | None
    """Peak memory that PyTorch held on a CUDA device; None elsewhere."""
    warnings: tuple[Text, ...]
    """What disturbed the run, in sentences; none where nothing did."""
    conditions: Conditions

    @property
    def images_per_second(self) -> float:
        """Images, or whatever else the first side of the first input counts."""
        return self.batch_size / self.median_s


def measure(key: str, device: str, budget_s: float, choices: Choices) -> Timing:
    """Time the passes of the network `key` for about `budget_s` seconds.

    However long a pass takes, one is timed after the first; building the network and compiling it
    are not part of the budget. Raises `TimingError` where the memory does not suffice.
    """
    started_s = time.time()
    source = find_source(key)
    summary = summarise(source, training=choices.training)
    on_cuda = device.startswith("cuda")
    with guarded(source, summary, device, choices), prepared(source, device, choices) as given:
        if on_cuda:
            torch.cuda.reset_peak_memory_stats()
        compile_s = timed(given, Text("compiling")) if choices.compile else None
        wait_for_calm(lambda: report(Progress(WAITING)))
        # From the first pass on: beside busy programs it can take the whole budget, and one short
        # sample is too little to tell what they took.
        with watched() as load:
            first_s = timed(given, Text("first pass"))
            if choices.cuda_graph:
                report(Progress(Text("capturing the graph")))
                given.capture()
            timer = _timer(given)
            start = time.perf_counter() - first_s
            pass_s = warm_up(given, WARM_UP_SHARE * budget_s - first_s) or first_s
            per_sample, samples = _sample(given, timer, device, pass_s, start, budget_s)
        measured = torch.cuda.max_memory_allocated() if on_cuda else None
        threads = torch.get_num_threads() if device == "cpu" else 1    # the one that launches
    p10_s, p90_s = spread(samples)
    return Timing(
        key=key, device=device, batch_size=source.input_shape[0],
        median_s=statistics.median(samples), p10_s=p10_s, p90_s=p90_s, n=len(samples),
        passes_per_sample=per_sample, first_s=first_s, compile_s=compile_s, started_s=started_s,
        finished_s=time.time(), predicted_bytes=pass_bytes(summary, choices),
        measured_bytes=measured, warnings=warnings(samples, load, threads),
        conditions=conditions(device, choices))


@contextmanager
def guarded(source: Source, summary: Summary, device: str, choices: Choices) -> Iterator[None]:
    """Refuse what does not fit, and put what fails all the same in a sentence of ours."""
    report(Progress(Text("building the network")))
    free = check_memory(source, summary, device, choices)
    try:
        yield
    except (RuntimeError, ValueError, MemoryError) as error:
        if isinstance(error, TimingError):
            raise
        if isinstance(error, MemoryError) or re.search("out of memory|allocate memory", str(error)):
            raise out_of_memory(source, summary, device, choices, free) from error
        reason: str | Text = (str(error).splitlines() or [type(error).__name__])[0]
        if too_few := TOO_FEW.match(str(reason)):
            reason = Text("In training BatchNorm needs more than one number of each channel, and "
                          "here its input is {shape}. Set batch_size to 2 or more.",
                          shape=text.shape(tuple(map(int, too_few[1].split(",")))))
        raise TimingError(Text(
            "The {what} of {network} failed on {device}: {reason}", what=choices.pass_name,
            network=source.key, device=device, reason=reason)) from error


def timed(given: Pass, phase: Text | None = None) -> float:
    """Seconds of one pass; a `phase` is reported before it begins."""
    if phase:
        report(Progress(phase))
    given.wait()
    start = time.perf_counter()
    given.run()
    given.wait()
    return time.perf_counter() - start


def warm_up(given: Pass, budget_s: float) -> float | None:
    """Run passes until three in a row agree; seconds of the quickest of the last, or None."""
    start = time.perf_counter()
    recent: deque[float] = deque(maxlen=3)
    while time.perf_counter() < start + budget_s:
        report(Progress(Text("warming up")))
        recent.append(timed(given))
        if len(recent) == 3 and max(recent) <= (1 + AGREEMENT) * min(recent):
            break
    return min(recent, default=None)


def _timer(given: Pass) -> Timer:
    # Imported here: it takes 80 ms, and who only asks for a measurement does not need it.
    from torch.utils.benchmark import Timer

    def clock() -> float:
        given.wait()
        return time.perf_counter()

    return Timer("run()", timer=clock, globals={"run": given.run},
                 num_threads=torch.get_num_threads())     # 1 by default


def _sample(given: Pass, timer: Timer, device: str, pass_s: float, start: float,
            budget_s: float) -> tuple[int, list[float]]:
    """Passes in a sample, and the seconds for one pass of each sample."""
    end = start + budget_s
    samples: list[float] = []

    def note(number: int, seconds: float) -> None:
        samples.append(seconds / number)
        now = time.perf_counter()
        report(Progress(Text("measuring"), len(samples), min(1.0, (now - start) / budget_s)))
        if len(samples) >= MOST_SAMPLES or now >= end:
            raise _Enough(number)

    try:
        left = end - time.perf_counter()
        while left < FEWEST_LEFT * pass_s:
            note(1, timed(given))
        if device == "cpu":
            return timer.blocked_autorange(note,     # type: ignore[arg-type]
                                           min_run_time=left).number_per_run, samples
        # Waiting for a GPU takes some microseconds, for which `blocked_autorange` makes blocks so
        # long that few fit into the budget; `timeit` repeats two passes before each block.
        number = max(1, math.ceil(BLOCK_S / pass_s))
        while True:
            note(number, timer.timeit(number).raw_times[0])
    except _Enough as enough:
        return enough.number, samples


class _Enough(Exception):
    """Ends the sampling from within the callback of the timer."""

    def __init__(self, number: int) -> None:
        self.number = number


def spread(samples: list[float]) -> tuple[float, float]:
    """p10 and p90."""
    if len(samples) == 1:
        return samples[0], samples[0]
    deciles = statistics.quantiles(samples, n=10, method="inclusive")
    return deciles[0], deciles[-1]
