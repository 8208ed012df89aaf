"""Source -> Explored: a network and all that is known of it, and the smallest input it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import nn

from explorer.analysis import Summary, analyse
from explorer.config import Config, knobs_of
from explorer.sources import Source, to_source
from explorer.structure import Structure
from explorer.tracing import TraceError, trace

LARGEST_INPUT = 4 * int(knobs_of(Config)["input_size"].high)
"""Where the search for the smallest input that works gives up."""


@dataclass(frozen=True)
class Explored:
    """A network and all that is known of it: what everything shown is made from."""

    source: Source
    summary: Summary
    """Of the pass that was asked for, as far as it got."""
    failure: TraceError | None = None
    """Why the pass ended before its time, where it did."""
    auxiliary: Summary | None = None
    """Of a training pass, where the evaluation leaves parameters unused, as those of an auxiliary
    head."""
    preset: Explored | None = None
    """The network that its changes are told against."""

    @property
    def key(self) -> str:
        return self.source.key

    @property
    def title(self) -> str:
        return self.source.title

    @cached_property
    def structure(self) -> Structure:
        """The parts of the network, with what only training runs."""
        return Structure(self.summary, failure=self.failure, training=self.auxiliary)

    @cached_property
    def training(self) -> Summary | TraceError:
        """The summary of a training pass, or the error that ends it: made when it is first read."""
        if self.summary.trace.training:
            return self.failure or self.summary
        if self.auxiliary is not None:
            return self.auxiliary
        trained = explore(self.source, training=True)
        return trained.failure or trained.summary


def explore(source: Source | Config | str, *, training: bool = False,
            preset: Explored | None = None) -> Explored:
    """Build, trace and analyse a network: a source, a config or a canonical string.

    A `training` pass runs what only training does (Inception's auxiliary head) and counts what it
    keeps for backward. `preset` is the network that changes are told against. A pass that cannot
    reach its end is a `failure`, and the rest is that of the pass up to it.

    >>> explore("resnet18").summary.totals.macs
    1814073344
    """
    source = to_source(source)
    network = source.build("meta")
    try:
        summary = _pass(network, source, training)
    except TraceError as error:
        failure = error.with_traceback(None)    # its frames would keep the network
        return Explored(source=source, summary=analyse(failure.trace), failure=failure,
                        preset=preset)
    auxiliary = None
    if not training and summary.totals.params_used < summary.totals.params:
        auxiliary = _training_pass(network, source)
    return Explored(source=source, summary=summary, auxiliary=auxiliary, preset=preset)


def summarise(source: Source | Config | str, *, training: bool = False) -> Summary:
    """The summary of a network alone: a source, a config or a canonical string.

    Raises `TraceError` where the forward pass cannot reach its end; where the input is too small,
    the message says from which size on it works.

    >>> summarise("resnet18").totals.macs
    1814073344
    """
    source = to_source(source)
    return _pass(source.build("meta"), source, training)


def _pass(network: nn.Module, source: Source, training: bool) -> Summary:
    """Its summary; a `TraceError` says from which input on it works."""
    try:
        return analyse(trace(network, source.input_shape, training=training))
    except TraceError as error:
        error.smallest_input = _smallest_input(network, source, training)
        raise


def _training_pass(network: nn.Module, source: Source) -> Summary | None:
    """None where only the training pass fails."""
    try:
        return analyse(trace(network, source.input_shape, training=True))
    except TraceError:
        return None


def _smallest_input(network: nn.Module, source: Source, training: bool) -> int | None:
    """The smallest side of a square image that passes, found by halving; None where size is not
    the cause."""
    def passes(size: int) -> bool:
        try:
            trace(network, (*source.input_shape[:2], size, size), training=training)
        except TraceError:
            return False
        return True

    low = high = source.input_shape[-1]
    while not passes(high):
        low, high = high, 2 * high
        if high > LARGEST_INPUT:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high
