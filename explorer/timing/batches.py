"""Latency and images a second over batch sizes. This runs inside the measuring process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.language import Text
from explorer.sources import LARGEST_BATCH, Source, find_source, source_of
from explorer.timing.choices import Choices
from explorer.timing.errors import TimingError
from explorer.timing.protocol import Timing, measure
from explorer.timing.worker import Progress, report


@dataclass(frozen=True, slots=True)
class BatchPoint:
    """One batch size: timed, or refused with the reason."""

    batch_size: int
    timing: Timing | None
    refused: Text | str | None = None


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """The points of one network in the order in which they were timed."""

    key: str
    device: str
    points: tuple[BatchPoint, ...]

    @property
    def warnings(self) -> tuple[Text, ...]:
        """What disturbed any of the points, each sentence once."""
        return tuple(dict.fromkeys(warning for point in self.points if point.timing
                                   for warning in point.timing.warnings))


def measure_batches(key: str, device: str, budget_s: float, choices: Choices,
                    batches: tuple[int, ...] | None,
                    largest: int = LARGEST_BATCH) -> BatchTimes:
    """Time the network `key` at each batch size, for about `budget_s` seconds each.

    Where no sizes are given: 1, 2, 4, and so on up to the `largest`, until one does not fit into
    the memory or a pass takes longer than its budget. A size that does not fit is refused in its
    point. The points so far are in the progress.
    """
    source = find_source(key)
    points: list[BatchPoint] = []
    for size in batches or _doubling(points, budget_s, largest):
        try:
            timing = measure(with_batch(source, size).key, device, budget_s, choices)
            points.append(BatchPoint(size, timing))
        except TimingError as error:
            points.append(BatchPoint(size, None, error.message))
        report(Progress(Text("batch size {size} done", size=size), points=tuple(points)))
    return BatchTimes(key, device, tuple(points))


def with_batch(source: Source, size: int) -> Source:
    """The same network with another number of images in a pass.

    Raises `ConfigError` for a size that cannot be, `TimingError` where the size is fixed.
    """
    if source.config is None:
        raise TimingError(Text("The batch size of {network} cannot be set to {size}: it has no "
                               "knob `batch_size`. Time it as it is, without other batch sizes.",
                               network=source.key, size=size))
    return source_of(source.config.replace(batch_size=size))


def _doubling(points: list[BatchPoint], budget_s: float, largest: int) -> Iterator[int]:
    size = 1
    while size <= largest:
        yield size
        timing = points[-1].timing
        if timing is None or timing.median_s > budget_s:
            return
        size *= 2
