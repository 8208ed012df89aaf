"""Source -> Explored: a network and all that is known of it, and the smallest input it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import nn

from explorer.analysis import Summary, analyse
from explorer.config import Config, ConfigError, knobs_of
from explorer.garbage import without_collections
from explorer.language import Text
from explorer.shown import Shown
from explorer.sources import Named, Source, to_source
from explorer.sources.inputs import format_input, wanted
from explorer.structure import Structure
from explorer.tracing import Input, TraceError, trace
from explorer.tracing.operators import Shape

LARGEST_INPUT = 4 * int(knobs_of(Config)["input_size"].high)
"""Where the search for the smallest input that works gives up."""


@dataclass(frozen=True)
class Explored(Shown):
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


@without_collections()
def explore(named: Named, *, inputs: Shape | Sequence[Input] = (), training: bool = False,
            preset: Explored | None = None, auxiliary: bool = True,
            most_layers: float = math.inf) -> Explored:
    """Build, trace and analyse a network.

    It is named by a config, by a canonical string (`resnet50&width=0.5`, `timm:convnext_tiny`,
    `FILE.py:CALLABLE`) or by a source; `inputs` is a shape, or an `Input` for each, where it is
    given others than its own. A `training` pass runs what only training does (Inception's auxiliary
    head) and counts what it keeps for backward; without `auxiliary` an evaluation does not look for
    that. `preset` is the network that changes are told against. A pass that cannot reach its end is
    a `failure`, and the rest is that of the pass up to it. Raises `ConfigError` for what names no
    network and for one of more than `most_layers`, before it is followed, and `LibraryError` where
    it is of a library that is not there.

    >>> explore("resnet18").summary.totals.macs
    1814073344
    """
    source = to_source(named, inputs)
    network = _build(source, most_layers)
    try:
        summary = _pass(network, source, training)
    except TraceError as error:
        failure = error.with_traceback(None)    # its frames would keep the network, and those
        failure.__cause__ = failure.__context__ = None      # of what it comes from
        return Explored(source=source, summary=analyse(failure.trace), failure=failure,
                        preset=preset)
    trained = None
    if auxiliary and not training and summary.totals.params_used < summary.totals.params:
        trained = _training_pass(network, source)
    return Explored(source=source, summary=summary, auxiliary=trained, preset=preset)


@without_collections()
def summarise(named: Named, *, training: bool = False) -> Summary:
    """The summary of a network alone.

    Raises `TraceError` where the forward pass cannot reach its end; where the input is too small,
    the message says from which size on it works.

    >>> summarise("resnet18").totals.macs
    1814073344
    """
    source = to_source(named)
    return _pass(source.build("meta"), source, training)


@without_collections()
def summarise_both(named: Named, *, most_layers: float = math.inf
                   ) -> tuple[Summary, Summary | None]:
    """The summaries of a forward pass and of a training pass, of one network that is built once;
    None where the training pass alone fails. Raises what `summarise` raises, and `ConfigError` for
    a network of more than `most_layers`, before it is followed."""
    source = to_source(named)
    network = _build(source, most_layers)
    return _pass(network, source, training=False), _training_pass(network, source)


def _build(source: Source, most_layers: float) -> nn.Module:
    network = source.build("meta")
    layers = sum(not module._modules for module in network.modules())
    if layers > most_layers:
        raise ConfigError(Text(
            "{network} has {layers} layers, and networks of up to {most} are opened here. Fewer "
            "blocks or less depth make it smaller.", network=source.title, layers=f"{layers:,}",
            most=f"{most_layers:,.0f}"))
    return network


def _pass(network: nn.Module, source: Source, training: bool) -> Summary:
    """Its summary; a `TraceError` says what input works."""
    try:
        return analyse(trace(network, source.inputs, training=training))
    except TraceError as error:
        if error.way_out:       # the trace knows it
            raise
        smallest = _smallest_input(network, source, training)
        if source.config is not None:
            error.smallest_input = smallest
        elif smallest is not None:
            given = replace(source.inputs[0], shape=_square(source.inputs[0].shape, smallest))
            error.way_out = Text("It works from `--input {given}` on.", given=format_input(given))
        elif min(error.inputs, default=-1) < 0:     # what fails is given the input itself
            error.way_out = wanted(network, source.inputs)
        raise


def _training_pass(network: nn.Module, source: Source) -> Summary | None:
    """None where only the training pass fails."""
    try:
        return analyse(trace(network, source.inputs, training=True))
    except TraceError:
        return None


def _smallest_input(network: nn.Module, source: Source, training: bool) -> int | None:
    """The smallest side of a square image that passes, found by halving; None where size is not
    the cause, and where the input is none."""
    given, *others = source.inputs
    if others or len(given.shape) != 4 or given.shape[2] != given.shape[3]:
        return None

    def passes(size: int) -> bool:
        try:
            trace(network, [replace(given, shape=_square(given.shape, size))], training=training)
        except TraceError:
            return False
        return True

    low = high = given.shape[-1]
    while not passes(high):
        low, high = high, 2 * high
        if high > LARGEST_INPUT:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _square(image: Shape, size: int) -> Shape:
    return *image[:2], size, size
