"""Networks timed in turn, A B A B, so that what changes on the machine changes all of them alike.
This runs inside the measuring process.
"""

from __future__ import annotations

import math
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch

from explorer.language import Text
from explorer.pipeline import summarise
from explorer.sources import find_source
from explorer.timing.choices import Choices
from explorer.timing.conditions import Conditions, conditions
from explorer.timing.disturbance import WAITING, wait_for_calm, warnings, watched
from explorer.timing.layers import Attributes, attributes_of, time_calls
from explorer.timing.passes import Pass, prepared
from explorer.timing.protocol import WARM_UP_SHARE, guarded, spread, timed, warm_up
from explorer.timing.worker import Progress, report
from explorer.tracing import Trace

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
    warnings: tuple[Text, ...]
    """What disturbed the run, in sentences; none where nothing did."""
    conditions: Conditions
    layers: tuple[tuple[float, ...], ...] | None = None
    """Of each network the median seconds of every call, one for each of `Summary.layers`; None
    where that was not asked for."""

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


@dataclass
class _Turn:
    """One of the networks, ready to run."""

    given: Pass
    trace: Trace
    fresh: Attributes
    repeats: int = 1
    """Passes in a turn, where one is too short to be timed alone."""
    seconds: list[float] = field(default_factory=list)
    calls: list[list[float]] = field(default_factory=list)


def measure_turns(keys: tuple[str, ...], device: str, budget_s: float, choices: Choices, *,
                  layers: bool = False) -> TurnTimes:
    """Time the networks in turn for about `budget_s` seconds for each, after each is warm; with
    `layers` every call of them too, in a pass of its own after each turn.

    Raises `TimingError` where the memory does not suffice for all of them at once.
    """
    with ExitStack() as stack:
        turns: list[_Turn] = []
        for source in map(find_source, keys):
            summary = summarise(source, training=choices.training)
            stack.enter_context(guarded(source, summary, device, choices))
            given = stack.enter_context(prepared(source, device, choices))
            turns.append(_Turn(given, summary.trace, attributes_of(given.network)))
        wait_for_calm(lambda: report(Progress(WAITING)))
        with watched() as load:
            for turn in turns:
                turn.repeats = max(1, math.ceil(TURN_S / _warm(turn.given, budget_s)))
            _in_turn(turns, budget_s, layers=layers)
        threads = torch.get_num_threads() if device == "cpu" else 1
    told = [sentence for turn in turns for sentence in warnings(turn.seconds, load, threads)]
    return TurnTimes(
        keys, device, tuple([tuple(turn.seconds) for turn in turns]), tuple(dict.fromkeys(told)),
        conditions(device, choices), layers=tuple([
            tuple(map(statistics.median, zip(*turn.calls, strict=True))) for turn in turns])
        if layers else None)


def _warm(given: Pass, budget_s: float) -> float:
    """Seconds of a pass, once it is warm."""
    first_s = timed(given, Text("first pass"))
    return warm_up(given, WARM_UP_SHARE * budget_s - first_s) or first_s


def _in_turn(turns: list[_Turn], budget_s: float, *, layers: bool) -> None:
    start, whole_s, rounds = time.perf_counter(), budget_s * len(turns), 0
    while (spent := time.perf_counter() - start) < whole_s or rounds < FEWEST_ROUNDS:
        for turn in turns:
            report(Progress(Text("measuring in turn"), rounds, min(1.0, spent / whole_s)))
            turn.given.wait()
            began = time.perf_counter()
            for _ in range(turn.repeats):
                turn.given.run()
            turn.given.wait()
            turn.seconds.append((time.perf_counter() - began) / turn.repeats)
            if layers:
                turn.calls.append(time_calls(turn.given, turn.trace, turn.fresh))
        rounds += 1
