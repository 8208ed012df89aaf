"""Why a pass takes as long as it does: a roofline (Williams, Waterman & Patterson 2009).

The device's own rates are measured, not taken from a data sheet: how fast it multiplies large
matrices, how fast it copies more memory than its caches hold, and what a call costs that has
nothing to do. Every layer is then placed by its intensity, operations for each byte that it has to
move, and by the rate that it reached.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.analysis import Layer, Summary, analyse
from explorer.analysis.memory import all_outputs, item_bytes
from explorer.language import Text
from explorer.timing.choices import DTYPES, Choices
from explorer.timing.disturbance import WAITING, quiet, wait_for_calm, warnings, watched
from explorer.timing.layers import LayerTimes, sample_calls
from explorer.timing.passes import Pass, settings, waiter
from explorer.timing.prediction import free_bytes
from explorer.timing.worker import Progress, report
from explorer.tracing import trace
from explorer.tracing.operators import Kind

Bound = Literal["memory", "arithmetic", "launching"]
BOUNDS: tuple[Bound, ...] = get_args(Bound)

LARGEST_SIDE = 8192
LONG_S = 0.05
"""A product that takes so long shows the rate of the device; smaller ones are quicker."""
BEST_OF = 5
COPY_BYTES = 1 << 29
"""Beyond the caches of every processor; less where memory is short."""
TOLERANCE = 1.1
"""A layer is above its roof from a tenth on: so far two measurements of a rate can differ."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a device can do in one number format."""

    device: str
    dtype: str
    flops_per_s: float
    """Of a large matrix product, 2 for each multiply-add."""
    bytes_per_s: float
    """Read and written, of a large copy."""
    launch_s: Mapping[Kind, float]
    """The time of a call on almost no data, by kind: what it costs to launch one."""
    warnings: tuple[Text, ...] = ()
    measured: int = 1
    """How many times; the figures are the best of all."""

    @property
    def ridge(self) -> float:
        """Operations a byte from which on arithmetic is the bound."""
        return self.flops_per_s / self.bytes_per_s


_kept: dict[tuple[str, Choices], Rates] = {}
"""Those that were measured undisturbed."""


def measure_rates(device: str, choices: Choices, again: bool = False) -> Rates:
    """The rates of a device; measured once for a number format and kept, in some seconds.

    With `again` they are measured a second time, where that has not been done. Those of a disturbed
    measurement are not kept.
    """
    choices = Choices(dtype=choices.dtype, tf32=choices.tf32, threads=choices.threads)
    kept = _kept.get((device, choices))
    if kept and (kept.measured > 1 or not again):
        return kept
    rates = _rates(device, choices)
    if kept:
        rates = _best_of(kept, rates)
    if quiet(rates):
        _kept[device, choices] = rates
    return rates


def _best_of(one: Rates, other: Rates) -> Rates:
    """The best of two measurements, as disturbed as the second: what holds a device up makes it
    slower, never quicker."""
    return Rates(
        device=one.device, dtype=one.dtype,
        flops_per_s=max(one.flops_per_s, other.flops_per_s),
        bytes_per_s=max(one.bytes_per_s, other.bytes_per_s),
        launch_s={kind: min(seconds, other.launch_s[kind])
                  for kind, seconds in one.launch_s.items()},
        warnings=other.warnings, measured=one.measured + other.measured)


def _rates(device: str, choices: Choices) -> Rates:
    dtype = DTYPES[choices.dtype]
    with settings(device, choices), torch.inference_mode():
        wait = waiter(device)
        wait_for_calm(lambda: report(Progress(WAITING)))
        with watched() as load:
            report(Progress(Text("matrix products")))
            flops_per_s = _matrix_rate(device, dtype, wait)
            report(Progress(Text("memory bandwidth")))
            bytes_per_s = _copy_rate(device, wait)
            report(Progress(Text("cost of a call")))
            launch_s = _launch_costs(device, dtype, wait)
        threads = torch.get_num_threads() if device == "cpu" else 1
        # No samples: each rate is the best of some, whatever the others took.
        return Rates(device=device, dtype=choices.dtype, flops_per_s=flops_per_s,
                     bytes_per_s=bytes_per_s, launch_s=launch_s,
                     warnings=warnings((), load, threads))


def _matrix_rate(device: str, dtype: torch.dtype, wait: Callable[[], None]) -> float:
    side = 512
    while True:
        a, b = torch.randn(2, side, side, device=device).to(dtype)
        seconds = _best(lambda a=a, b=b: torch.mm(a, b), wait)    # type: ignore[misc]
        if seconds >= LONG_S or side >= LARGEST_SIDE:
            return 2 * side ** 3 / seconds
        side *= 2


def _copy_rate(device: str, wait: Callable[[], None]) -> float:
    size = int(min(COPY_BYTES, free_bytes(device) / 4))
    source = torch.zeros(size // 4, device=device)
    target = torch.ones_like(source)    # written to, so that its pages are there
    return 2 * size / _best(lambda: target.copy_(source), wait)


def _best(run: Callable[[], object], wait: Callable[[], None]) -> float:
    """Seconds of the quickest of some runs, after one that does not count."""
    times = []
    for _ in range(1 + BEST_OF):
        report(Progress(Text("measuring the device")))
        wait()
        start = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - start)
    return min(times[1:])


class _Tiny(nn.Module):
    """One call of every kind, on almost no data."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(8, 8, 1, bias=False)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.normalisation = nn.BatchNorm2d(8)
        self.activation = nn.ReLU()
        self.pooling = nn.MaxPool2d(2)
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        x = self.normalisation(self.depthwise(x))
        x = self.activation(x) + x
        x = torch.cat([F.pad(self.pooling(x), (0, 1, 0, 1))])
        return self.linear(x.mean((2, 3)).flatten(1))   # type: ignore[no-any-return]


def _launch_costs(device: str, dtype: torch.dtype, wait: Callable[[], None]) -> dict[Kind, float]:
    shape = (1, 8, 2, 2)
    followed = trace(_Tiny().to("meta"), shape)
    network = _Tiny().eval().to(device, dtype)
    images = torch.randn(shape, device=device).to(dtype)
    given = Pass(network, (images,), {}, lambda: network(images), wait)
    _, calls = sample_calls(given, followed, budget_s=0.3)
    costs: dict[Kind, list[float]] = {}
    for layer, seconds in zip(analyse(followed).layers, zip(*calls, strict=True), strict=True):
        costs.setdefault(layer.kind, []).append(statistics.median(seconds))
    return {kind: statistics.median(seconds) for kind, seconds in costs.items()}


class Spot(NamedTuple):
    """A layer on the roofline. Rates are operations a second."""

    layer: Layer
    seconds: float
    flops: int | None
    """2 for each multiply-add, and the element-wise operations; None where not counted."""
    bytes: int
    """Inputs, weights and outputs, each once; 0 for what only looks at memory in another way."""
    bound: Bound | None
    """None where it is not known what the layer does."""
    attainable: float | None
    """What the device could reach at this intensity."""

    @property
    def intensity(self) -> float | None:
        """Operations a byte."""
        return self.flops / self.bytes if self.flops and self.bytes else None

    @property
    def measured(self) -> float | None:
        return self.flops / self.seconds if self.flops and self.seconds else None

    @property
    def reached(self) -> float | None:
        """Of what is attainable; more than 1 above the roof."""
        return self.measured / self.attainable if self.measured and self.attainable else None


@dataclass(frozen=True, slots=True)
class Roofline:
    """The layers of one network under the roofs of one device."""

    rates: Rates
    spots: tuple[Spot, ...]
    warnings: tuple[Text, ...]
    """What disturbed the times or the rates."""

    @property
    def above(self) -> tuple[Spot, ...]:
        """The layers that were quicker than the roofs allow."""
        return tuple(spot for spot in self.spots if (spot.reached or 0) > TOLERANCE)

    def share(self, bound: Bound) -> float:
        """Of the time of all calls, what those take that are so bound."""
        whole = sum(spot.seconds for spot in self.spots)
        return sum(spot.seconds for spot in self.spots if spot.bound == bound) / whole


def place(summary: Summary, times: LayerTimes, rates: Rates, choices: Choices) -> Roofline:
    """Put every layer under the roofs: `times` are those of the network of `summary`.

    A layer is bound by whichever takes the device longest: to move its bytes, to do its
    operations, or to launch a call of its kind.
    """
    spots = tuple([_spot(summary, layer, seconds, rates, choices)
                   for layer, seconds in zip(summary.layers, times.seconds, strict=True)])
    return Roofline(rates, spots, tuple(dict.fromkeys((*times.warnings, *rates.warnings))))


def _spot(summary: Summary, layer: Layer, seconds: float, rates: Rates,
          choices: Choices) -> Spot:
    looks = not layer.call.effect.allocates and layer.elementwise_ops == 0
    size = 0 if looks else _moved(summary, layer, choices.element_bytes)
    if layer.macs is None or layer.elementwise_ops is None:
        return Spot(layer=layer, seconds=seconds, flops=None, bytes=size, bound=None,
                    attainable=None)
    flops = 2 * layer.macs + layer.elementwise_ops
    memory_s, arithmetic_s = size / rates.bytes_per_s, flops / rates.flops_per_s
    launch_s = rates.launch_s.get(layer.kind, statistics.median(rates.launch_s.values()))
    costs: dict[Bound, float] = {"launching": launch_s, "memory": memory_s,
                                 "arithmetic": arithmetic_s}
    bound = max(costs, key=lambda name: costs[name])
    attainable = flops / max(memory_s, arithmetic_s) if flops and size else None
    return Spot(layer=layer, seconds=seconds, flops=flops, bytes=size, bound=bound,
                attainable=attainable)


def _moved(summary: Summary, layer: Layer, element_bytes: int) -> int:
    """Bytes that a layer reads and writes at least."""
    trace = summary.trace
    read = sum([math.prod(shape) * item_bytes(
        trace.given(producer).dtype if producer < 0 else trace.calls[producer].effect.dtype,
        element_bytes) for producer, shape in zip(layer.inputs, layer.input_shapes, strict=True)])
    weights = sum([trace.parameters[name].numel for name in layer.call.parameters])
    return read + weights * element_bytes + all_outputs(layer.call, element_bytes)
