"""The question backwards: the largest value of a knob at which a network stays within limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise

from explorer.config import ConfigError, Knobs, find_knob
from explorer.language import Text
from explorer.sources.key import from_key
from explorer.sweeping.grids import Axis, Grid, Point, parse_axis, usual_axis
from explorer.sweeping.records import FIGURES, Record, count
from explorer.sweeping.run import sweep
from explorer.timing import quiet, submit

UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

AFFINE = ("batch_size", "num_classes", "in_channels")
"""Knobs of every network in which each figure is a sum and a maximum of what grows evenly or stays,
so that it never falls: these have thousands of values, and are halved."""
BY_HAND = 512
"""Values up to which each of them is counted."""
TIMED_S = 1.0
"""For how long each config is timed."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a figure may be: a number, bytes or seconds."""

    figure: str
    most: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found."""

    axes: tuple[Axis, ...]
    limits: tuple[Limit, ...]
    best: Record | None
    """The largest that holds all limits; None where none does."""
    beyond: Record | None
    """The next value of the knob, which does not hold them; None where there is none, and for
    several knobs."""
    counted: int
    """Configs that were looked at."""
    rising: bool
    """Whether the knob's larger values never cost less, as far as they were looked at."""
    below: Record | None
    """A smaller value that does not hold, where rounding makes one."""


def parse_limit(text: str) -> Limit:
    """ "macs=100M", "peak_memory=8MB", "latency=5ms" as a limit.

    >>> parse_limit("macs=100M"), parse_limit("latency=5ms").most
    (Limit(figure='macs', most=100000000.0), 0.005)
    """
    figure, equals, written = text.partition("=")
    if not equals or figure not in FIGURES:
        raise ConfigError(Text(
            "{text} is no limit. Write FIGURE=NUMBER with one of {figures}, such as macs=100M or "
            "latency=5ms.", text=repr(text[:80]), figures=", ".join(FIGURES)))
    return Limit(figure, parse_amount(figure, written))


def parse_amount(figure: str, written: str) -> float:
    """ "100M", "8MB", "5ms" as a number of one of `FIGURES`.

    Raises `ConfigError` for what is none above 0.

    >>> parse_amount("peak_memory", "8MB")
    8000000.0
    """
    units = SECONDS if figure == "latency" else UNITS
    word = written.strip().removesuffix("B") if figure.endswith("memory") else written.strip()
    unit = next((unit for unit in sorted(units, key=len, reverse=True)
                 if unit and word.endswith(unit)), "")
    try:
        if not word.isascii() or "_" in word or (figure == "latency" and not unit):
            raise ValueError(word)
        most = float(word.removesuffix(unit)) * units[unit]
        if not 0 < most < math.inf:
            raise ValueError(word)
    except ValueError:
        example = Text("5ms or 0.2s") if figure == "latency" else \
            "8MB" if figure.endswith("memory") else Text("100M, 4.1G or 25000000")
        raise ConfigError(Text(
            "The limit of `{figure}` must be a number above 0 with its unit, such as {example}; "
            "got {written}.", figure=figure, example=example, written=repr(written[:40]))) from None
    return most


def fit(network: Knobs | str, over: Sequence[str | Axis], at_most: Sequence[Limit | str], *,
        prefer: str = "", executor: Executor | None = None, device: str = "auto") -> Fit:
    """The largest value of a knob at which a network holds all limits, and the next one, at which
    it does not; for several knobs the best of their grid.

    `over` names knobs, with their usual values, or has what `parse_axis` reads; `at_most` what
    `parse_limit` reads. Of several knobs the best is the
    config with the most of `prefer`, a figure or a knob; the first figure that is limited where
    none is given. Each value is counted, so that the answer is exact; the thousands of values of
    a batch, the classes and the input's channels are halved. Latency is measured, and halved too.

    Raises `ConfigError` for knobs that the network does not have, and where nothing is limited;
    `TimingError` where a latency cannot be measured.

    >>> fit("mobilenetv3_large", ["width"], ["macs=100M"]).best.key
    'mobilenetv3_large&width=0.55'
    """
    config = from_key(network) if isinstance(network, str) else network
    limits = tuple([each if isinstance(each, Limit) else parse_limit(each) for each in at_most])
    if not limits or not over:
        raise ConfigError(Text("A fit needs a knob to turn and a limit to hold."))
    axes = tuple([each if isinstance(each, Axis) else parse_axis(each) if "=" in each else
                  usual_axis(find_knob(config, each)) for each in over])
    given = Grid((config,), axes)
    timed = any(limit.figure == "latency" for limit in limits)
    if len(axes) > 1:
        if timed:
            raise ConfigError(Text(
                "A latency is fitted with one knob; this has {count}: {knobs}.", count=len(axes),
                knobs=", ".join(axis.knob for axis in axes)))
        _check_preference(given, prefer)
        return choose(given, _count(list(given), executor), limits, prefer)
    [axis] = axes
    if not _has_order(given):
        raise ConfigError(Text(
            "`{knob}` has no largest value: it must be a number, or one of several knobs.",
            knob=axis.knob), axis.knob)
    points = _in_order(given)

    def look(point: Point) -> Record:
        record = count(point.key)
        if timed and record.totals and holds(record, [limit for limit in limits
                                                       if limit.figure != "latency"]):
            timing = submit(point.key, device, TIMED_S).result()
            if not quiet(timing):       # once more; then it is marked
                timing = submit(point.key, device, TIMED_S).result()
            record = replace(record, timing=timing)
        return record

    if timed or (len(points) > BY_HAND and axis.knob in AFFINE):
        return _halved(points, look, axes, limits)
    return choose(given, _count(points, executor), limits)


def choose(given: Grid, records: Mapping[str, Record], limits: tuple[Limit, ...],
           prefer: str = "") -> Fit:
    """What `fit` finds, where each config of a grid of one network has its record. One knob that
    has no order is like several: the config with the most of `prefer`."""
    return _largest(given, records, limits) if _has_order(given) else \
        _best_of_grid(given, records, limits, prefer)


def _has_order(given: Grid) -> bool:
    [config], axes = given.networks, given.axes
    return len(axes) == 1 and find_knob(config, axes[0].knob).kind in ("int", "float")


def _in_order(given: Grid) -> list[Point]:
    return sorted(given, key=lambda point: float(point.values[0]))


def _largest(given: Grid, found: Mapping[str, Record], limits: tuple[Limit, ...]) -> Fit:
    """By looking at every value."""
    records = [found[point.key] for point in _in_order(given)]
    held = [holds(record, limits) for record in records]
    last = max((place for place, within in enumerate(held) if within), default=None)
    rising = all(_rises([record for record in records if record.totals], limit)
                 for limit in limits)
    beyond = 0 if last is None else last + 1
    return Fit(axes=given.axes, limits=limits, best=None if last is None else records[last],
               beyond=records[beyond] if beyond < len(records) else None, counted=len(records),
               rising=rising, below=next(
                   (record for record, within in zip(records[:last or 0], held, strict=False)
                    if not within and record.totals), None))


def _count(points: Sequence[Point], executor: Executor | None) -> dict[str, Record]:
    """Their records by their keys; a few are counted here, where a pool would have to start."""
    keys = [point.key for point in points]
    here = executor is None and len(keys) <= BY_HAND
    return {record.key: record for record in (map(count, keys) if here else sweep(keys, executor))}


def _halved(points: Sequence[Point], look: Callable[[Point], Record], axes: tuple[Axis, ...],
            limits: tuple[Limit, ...]) -> Fit:
    """By halving: for what never falls."""
    looked: dict[int, Record] = {}

    def within(place: int) -> bool:
        if place not in looked:
            looked[place] = look(points[place])
        return holds(looked[place], limits)

    low, high = -1, len(points)         # low holds, high does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if within(middle) else (low, middle)
    in_order = [looked[place] for place in sorted(looked) if looked[place].totals]
    rising = all(_rises(in_order, limit) for limit in limits if limit.figure != "latency")
    return Fit(axes=axes, limits=limits, best=looked.get(low), beyond=looked.get(high),
               counted=len(looked), rising=rising, below=None)


def _check_preference(given: Grid, prefer: str) -> None:
    knobs = [axis.knob for axis in given.axes]
    if prefer and prefer not in knobs and prefer not in FIGURES:
        raise ConfigError(Text(
            "What is preferred must be a knob that is turned or a figure: one of {names}; got "
            "{prefer}.", names=", ".join([*knobs, *FIGURES]), prefer=repr(prefer[:40])))


def _best_of_grid(given: Grid, records: Mapping[str, Record], limits: tuple[Limit, ...],
                  prefer: str) -> Fit:
    knobs, prefer = [axis.knob for axis in given.axes], prefer or limits[0].figure
    points = {point.key: point for point in given}
    holding = [records[key] for key in points if holds(records[key], limits)]

    def worth(record: Record) -> tuple[float, ...]:
        turned = [float(value) if value.replace(".", "").isdigit() else 0.0
                  for value in points[record.key].values]
        figure = record.figure(prefer) if prefer in FIGURES else None
        first = turned[knobs.index(prefer)] if prefer in knobs else \
            -math.inf if figure is None else figure
        return first, _value(record, limits[0]), *turned

    return Fit(axes=given.axes, limits=limits, best=max(holding, key=worth, default=None),
               beyond=None, counted=len(points), rising=True, below=None)


def _rises(records: Sequence[Record], limit: Limit) -> bool:
    """Whether the figure never falls, where it is known."""
    known = [value for record in records if (value := _value(record, limit)) < math.inf]
    return all(one <= other for one, other in pairwise(known))


def holds(record: Record, limits: Sequence[Limit]) -> bool:
    """Whether a config can run and keeps all limits."""
    return record.totals is not None and all(
        _value(record, limit) <= limit.most for limit in limits)


def _value(record: Record, limit: Limit) -> float:
    """Of the figure that is limited; endless where it is not known."""
    value = record.figure(limit.figure)
    return math.inf if value is None else value
