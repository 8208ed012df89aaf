"""Trace -> Summary: what each layer costs, and the totals.

All figures are exact integers in the units that their names say. A cost that is not known is None
in its layer and left out of the totals; `Summary.not_counted` has the layers whose operator has no
rule.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple

from explorer.analysis.memory import alive_at, all_outputs, live_bytes, saved_bytes
from explorer.analysis.receptive_field import ReceptiveField, receptive_fields
from explorer.language import say
from explorer.shown import Shown
from explorer.tracing import Call, Trace
from explorer.tracing.operators import Kind, Shape, Window


class Layer(NamedTuple):
    """One call of the forward pass, with its costs."""

    call: Call
    params: int
    """Parameters that no earlier call has used and that reach a result: the column adds up to
    `Totals.params_used`."""
    shared_with: int | None
    """The first call with the same parameters, where this is not the first."""
    activation_bytes: int
    """Memory that the outputs take; 0 for views and in-place operations."""
    live_bytes: int
    """Activations alive while this call runs, its output among them."""
    saved_bytes: int | None
    """Memory that this call is the first to keep for backward: the column adds up to
    `Totals.saved_bytes`. None in evaluation, which keeps nothing, and where there is no rule."""
    receptive_field: ReceptiveField | None
    """None past the point where positions are mixed (the classifier)."""
    unused: bool = False
    """Whether no result of the pass depends on it: then its parameters are not counted as used."""

    # What the call says itself.

    @property
    def index(self) -> int:     # type: ignore[override]  # in the place of tuple's own
        return self.call.index

    @property
    def path(self) -> str:
        return self.call.path

    @property
    def type(self) -> str:
        return self.call.type

    @property
    def kind(self) -> Kind:
        return self.call.kind

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.call.inputs

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        return self.call.input_shapes

    @property
    def output_shape(self) -> Shape:
        return self.call.effect.shape

    @property
    def macs(self) -> int | None:
        return self.call.effect.macs

    @property
    def elementwise_ops(self) -> int | None:
        return self.call.effect.elementwise_ops

    @property
    def window(self) -> Window | None:
        """The neighbourhood that a position reads, of convolutions and poolings."""
        return self.call.effect.window

    @property
    def groups(self) -> int | None:
        """Of a convolution or a pooling."""
        return self.call.effect.groups if self.call.effect.window else None


@dataclass(frozen=True, slots=True)
class Totals:
    params: int
    """Registered parameters, shared ones once."""
    params_used: int
    """Those that reach a result of this forward pass."""
    trainable_params: int
    macs: int
    """Multiply-adds of convolutions and linear layers, without bias."""
    flops: int
    """2 · macs."""
    elementwise_ops: int
    param_bytes: int
    activation_bytes: int
    """Sum over the layers: what it would take to keep every output."""
    peak_activation_bytes: int
    """The most that is alive at once in the pass; in training with what is kept for backward."""
    saved_bytes: int | None
    """What training keeps for backward, parameters apart; None in evaluation."""
    receptive_field: int
    """The largest of a convolution or of a pooling with a fixed window, so not of the pooling
    that takes the whole map; the larger side, in pixels."""
    layers: int


@dataclass(frozen=True, slots=True)
class Summary(Shown):
    """Everything that the views show of one network."""

    trace: Trace
    layers: tuple[Layer, ...]
    totals: Totals
    element_bytes: int
    """Of a number: 4 for float32."""
    not_counted: tuple[Layer, ...]
    """Layers whose operator has no rule: their multiply-adds are those that PyTorch's own counter
    finds, their other costs are in no total."""


def analyse(trace: Trace, *, element_bytes: int = 4) -> Summary:
    """Count what a trace costs; `element_bytes` is 4 for float32, 2 for half precision.

    >>> from torch import nn
    >>> from explorer.tracing import trace
    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False))
    >>> analyse(trace(network, (1, 3, 10, 10))).totals.macs      # 8 · 8 · 8 · 3 · 3 · 3
    13824
    """
    fields = receptive_fields(trace)
    first_use: dict[str, int] = {}
    live = live_bytes(trace, element_bytes)
    saved = saved_bytes(trace, element_bytes) if trace.training else [None] * len(live)
    parameters, useful = trace.parameters, reaching(trace)
    layers = []
    for call, field, alive, kept in zip(trace.calls, fields, live, saved, strict=True):
        effect, params, shared = call.effect, 0, None
        for name in call.parameters if call.index in useful else ():
            first = first_use.setdefault(name, call.index)
            if first == call.index:
                params += parameters[name].numel
            else:
                shared = first_use[call.parameters[0]]
        layers.append(Layer(
            call=call, params=params, shared_with=shared,
            activation_bytes=all_outputs(call, element_bytes) if effect.allocates else 0,
            live_bytes=alive, saved_bytes=kept, receptive_field=field,
            unused=call.index not in useful))
    params = sum(parameter.numel for parameter in trace.parameters.values())
    macs = sum([call.effect.macs or 0 for call in trace.calls])
    totals = Totals(
        params=params,
        params_used=sum([layer.params for layer in layers]),
        trainable_params=sum(parameter.numel for parameter in trace.parameters.values()
                             if parameter.trainable),
        macs=macs, flops=2 * macs,
        elementwise_ops=sum([call.effect.elementwise_ops or 0 for call in trace.calls]),
        param_bytes=params * element_bytes,
        activation_bytes=sum([layer.activation_bytes for layer in layers]),
        peak_activation_bytes=max(live, default=0),
        saved_bytes=sum(layer.saved_bytes or 0 for layer in layers) if trace.training else None,
        receptive_field=max((field.side for call, field in
                             zip(trace.calls, fields, strict=True)
                             if field and (window := call.effect.window) and not window.whole),
                            default=1),
        layers=len(layers))
    return Summary(trace=trace, layers=tuple(layers), totals=totals,
                   element_bytes=element_bytes,
                   not_counted=tuple([layer for layer in layers if not layer.call.known]))


def reaching(trace: Trace) -> Container[int]:
    """The calls that a result depends on; all of them where the pass ended before it had one."""
    if not trace.outputs:
        return range(len(trace.calls))
    useful = {*trace.outputs}
    for call in reversed(trace.calls):
        if call.index in useful:
            useful.update(call.inputs)
    return useful


class AliveTensor(NamedTuple):
    """A tensor that is alive at the peak."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    """The call that allocated it, negative for an input of the network."""
    path: str
    shape: Shape
    bytes: int


def alive_at_peak(summary: Summary) -> tuple[AliveTensor, ...]:
    """The tensors alive at the first call with the most memory, in the order of their making."""
    trace, layers = summary.trace, summary.layers
    if not layers:
        return ()
    peak = max(layers, key=lambda layer: layer.live_bytes)
    held = []
    for index, size in sorted(alive_at(trace, peak.index, summary.element_bytes).items()):
        if index < 0:
            given = trace.given(index)
            # Named where there are several.
            path = given.name or say("input" if len(trace.inputs) == 1 else "input {number}",
                                     number=-index)
            held.append(AliveTensor(index, path, given.shape, size))
        else:
            layer = layers[index]
            held.append(AliveTensor(index, layer.path, layer.output_shape, size))
    if rest := peak.live_bytes - sum(tensor.bytes for tensor in held):
        held.append(AliveTensor(peak.index, say("{path} (while it runs)", path=peak.path),
                                peak.output_shape, rest))
    return tuple(held)
