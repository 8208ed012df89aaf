"""Networks timed in turn, A B A B, so that what changes on the machine changes all of them alike.
This runs inside the measuring process.
"""

from __future__ import annotations

import math
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from explorer.pipeline import summarise
from explorer.sources import find_source
from explorer.timing.choices import Choices
from explorer.timing.conditions import Conditions, conditions
from explorer.timing.disturbance import wait_for_calm, warnings, watched
from explorer.timing.passes import Pass, prepared
from explorer.timing.protocol import WARM_UP_SHARE, guarded, spread, timed, warm_up
from explorer.timing.worker import Progress, report

TURN_S = 0.02
"""Least time of a network's turn: several passes where one is shorter."""
FEWEST_ROUNDS = 5
"""However long the passes take."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How long a network takes beside the first: of the rounds, each a pair of turns."""

    median: float
    p10: float
    p90: float


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """Networks timed in turn on one device, in seconds for one pass each."""

    keys: tuple[str, ...]
    device: str
    seconds: tuple[tuple[float, ...], ...]
    """Of each network, round by round."""
    warnings: tuple[str, ...]
    """What disturbed the run, in sentences; none where nothing did."""
    conditions: Conditions

    @property
    def medians(self) -> tuple[float, ...]:
        return tuple([statistics.median(times) for times in self.seconds])

    @property
    def rounds(self) -> int:
        return len(self.seconds[0])

    def ratio(self, other: int) -> Ratio:
        """Of a network to the first, pairs of the same round. Nothing may be concluded from it
        where there are `warnings`."""
        pairs = [two / one for one, two in zip(self.seconds[0], self.seconds[other], strict=True)]
        p10, p90 = spread(pairs)
        return Ratio(statistics.median(pairs), p10, p90)


def measure_turns(keys: tuple[str, ...], device: str, budget_s: float,
                  choices: Choices) -> TurnTimes:
    """Time the networks in turn for about `budget_s` seconds for each, after each is warm.

    Raises `TimingError` where the memory does not suffice for all of them at once.
    """
    with ExitStack() as stack:
        passes: list[Pass] = []
        for source in map(find_source, keys):
            summary = summarise(source, training=choices.training)
            stack.enter_context(guarded(source, summary, device, choices))
            passes.append(stack.enter_context(prepared(source, device, choices)))
        wait_for_calm(lambda: report(Progress("waiting for other programs")))
        with watched() as load:
            repeats = [max(1, math.ceil(TURN_S / _warm(each, budget_s))) for each in passes]
            seconds = _in_turn(passes, repeats, budget_s)
        threads = torch.get_num_threads() if device == "cpu" else 1
    told = [sentence for times in seconds for sentence in warnings(times, load, threads)]
    return TurnTimes(keys, device, tuple(map(tuple, seconds)), tuple(dict.fromkeys(told)),
                     conditions(device, choices))


def _warm(given: Pass, budget_s: float) -> float:
    """Seconds of a pass, once it is warm."""
    first_s = timed(given, "first pass")
    return warm_up(given, WARM_UP_SHARE * budget_s - first_s) or first_s


def _in_turn(passes: list[Pass], repeats: list[int], budget_s: float) -> list[list[float]]:
    seconds: list[list[float]] = [[] for _ in passes]
    start, whole_s = time.perf_counter(), budget_s * len(passes)
    while (spent := time.perf_counter() - start) < whole_s or len(seconds[0]) < FEWEST_ROUNDS:
        for given, count, times in zip(passes, repeats, seconds, strict=True):
            report(Progress("measuring in turn", len(times), min(1.0, spent / whole_s)))
            given.wait()
            began = time.perf_counter()
            for _ in range(count):
                given.run()
            given.wait()
            times.append((time.perf_counter() - began) / count)
    return seconds
