"""Latency and images a second over batch sizes. This runs inside the measuring process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.config import Config, knobs_of
from explorer.networks.key import from_key, to_key
from explorer.timing.choices import Choices
from explorer.timing.errors import TimingError
from explorer.timing.protocol import Timing, measure
from explorer.timing.worker import Progress, report

LARGEST = knobs_of(Config)["batch_size"].high


@dataclass(frozen=True, slots=True)
class BatchPoint:
    """One batch size: timed, or refused with the reason."""

    batch_size: int
    timing: Timing | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """The points of one config in the order in which they were timed."""

    key: str
    device: str
    points: tuple[BatchPoint, ...]


def measure_batches(key: str, device: str, budget_s: float, choices: Choices,
                    batches: tuple[int, ...] | None) -> Sweep:
    """Time the config `key` at each batch size, for about `budget_s` seconds each.

    Where no sizes are given: 1, 2, 4, and so on, until one does not fit into the memory or a pass
    takes longer than its budget. A size that does not fit is refused in its point. The points so
    far are in the progress.
    """
    config = from_key(key)
    points: list[BatchPoint] = []
    for size in batches or _doubling(points, budget_s):
        try:
            points.append(BatchPoint(size, measure(to_key(config.replace(batch_size=size)), device,
                                                   budget_s, choices)))
        except TimingError as error:
            points.append(BatchPoint(size, None, str(error)))
        report(Progress(f"batch size {size} done", points=tuple(points)))
    return Sweep(key, device, tuple(points))


def _doubling(points: list[BatchPoint], budget_s: float) -> Iterator[int]:
    size = 1
    while size <= LARGEST:
        yield size
        timing = points[-1].timing
        if timing is None or timing.median_s > budget_s:
            return
        size *= 2
