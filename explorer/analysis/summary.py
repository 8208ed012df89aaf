"""Trace -> Summary: what each layer costs, and the totals.

All figures are exact integers in the units that their names say. A cost that is not known (an
operator without a rule) is None in its layer, left out of the totals, and listed in
`Summary.not_counted`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from explorer.analysis.memory import alive_at, live_bytes, saved_bytes
from explorer.tracing import NETWORK_INPUT, Call, Trace
from explorer.tracing.operators import BINARY, POINTWISE, VIEWS, Pair, Shape

Kind = Literal["convolution", "depthwise convolution", "linear", "normalisation", "activation",
               "pooling", "merge", "reshape", "other"]

_KINDS: dict[str, Kind] = {
    "linear": "linear", "matmul": "linear", "batch_norm": "normalisation",
    "local_response_norm": "normalisation", "cat": "merge", "concat": "merge", "mean": "pooling",
    "pad": "reshape", "getitem": "reshape",
    **dict.fromkeys(("dropout", "dropout2d", "feature_dropout"), "activation"),
    **dict.fromkeys(VIEWS, "reshape"), **dict.fromkeys(BINARY, "merge"),
    **dict.fromkeys(POINTWISE, "activation"),
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
                    "pooling"),
}


class ReceptiveField(NamedTuple):
    """The part of the image that one position can see, in input pixels, by height and width."""

    size: Pair = (1, 1)
    stride: Pair = (1, 1)
    """Pixels between neighbouring positions."""
    start: Pair = (0, 0)
    """First pixel that position 0 sees; negative inside the padding."""

    def outgrows(self, input_shape: Shape) -> bool:
        """Whether it is higher or wider than the image."""
        return self.size[0] > input_shape[-2] or self.size[1] > input_shape[-1]


class Layer(NamedTuple):
    """One call of the forward pass, with its costs."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    path: str
    type: str
    kind: Kind
    stage: str
    block: str
    inputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    kernel: Pair | None
    stride: Pair | None
    padding: Pair | None
    dilation: Pair | None
    groups: int | None
    params: int
    """Parameters that no earlier call has used: the column adds up to `Totals.params_used`."""
    shared_with: int | None
    """The first call with the same parameters, where this is not the first."""
    macs: int | None
    elementwise_ops: int | None
    activation_bytes: int
    """Memory that the output takes; 0 for views and in-place operations."""
    live_bytes: int
    """Activations alive while this call runs, its output among them."""
    saved_bytes: int | None
    """Memory that this call is the first to keep for backward: the column adds up to
    `Totals.saved_bytes`. None in evaluation, which keeps nothing, and where there is no rule."""
    receptive_field: ReceptiveField | None
    """None past the point where positions are mixed (the classifier)."""


class Block(NamedTuple):
    """Consecutive layers of one block, the unit of the block graph."""

    stage: str
    path: str
    type: str
    layers: tuple[Layer, ...]

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        return sum(layer.activation_bytes for layer in self.layers)

    @property
    def output_shape(self) -> Shape:
        return self.layers[-1].output_shape


@dataclass(frozen=True, slots=True)
class Totals:
    params: int
    """Registered parameters, shared ones once."""
    params_used: int
    """Those that this forward pass reads."""
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
class Summary:
    """Everything that the views show of one network."""

    trace: Trace
    layers: tuple[Layer, ...]
    blocks: tuple[Block, ...]
    totals: Totals
    not_counted: tuple[Layer, ...]
    """Layers whose operator has no rule: their cost is in no total."""


def analyse(trace: Trace, *, element_bytes: int = 4) -> Summary:
    """Count what a trace costs; `element_bytes` is 4 for float32, 2 for half precision.

    >>> from torch import nn
    >>> from explorer.tracing import trace
    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False))
    >>> analyse(trace(network, (1, 3, 10, 10))).totals.macs      # 8 · 8 · 8 · 3 · 3 · 3
    13824
    """
    fields: list[ReceptiveField | None] = []
    first_use: dict[str, int] = {}
    live = live_bytes(trace, element_bytes)
    saved = saved_bytes(trace, element_bytes) if trace.training else [None] * len(live)
    layers = []
    for call, alive, kept in zip(trace.calls, live, saved, strict=True):
        effect, window = call.effect, call.effect.window
        field = _receptive_field(call, fields)
        fields.append(field)
        new = [name for name in call.parameters if first_use.setdefault(name, call.index)
               == call.index]
        shared = len(new) < len(call.parameters)
        layers.append(Layer(
            call.index, call.path, call.type, _kind(call), call.stage, call.block, call.inputs,
            call.input_shapes, call.output_shape,
            window and window.kernel, window and window.stride, window and window.padding,
            window and window.dilation, effect.groups if window else None,
            sum([trace.parameters[name].numel for name in new]),
            first_use[call.parameters[0]] if shared else None,
            effect.macs, effect.elementwise_ops,
            math.prod(effect.shape) * element_bytes if effect.allocates else 0,
            alive, kept, field))
    params = sum(parameter.numel for parameter in trace.parameters.values())
    macs = sum(layer.macs or 0 for layer in layers)
    totals = Totals(
        params=params,
        params_used=sum(layer.params for layer in layers),
        trainable_params=sum(parameter.numel for parameter in trace.parameters.values()
                             if parameter.trainable),
        macs=macs, flops=2 * macs,
        elementwise_ops=sum(layer.elementwise_ops or 0 for layer in layers),
        param_bytes=params * element_bytes,
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        peak_activation_bytes=max(live, default=0),
        saved_bytes=sum(layer.saved_bytes or 0 for layer in layers) if trace.training else None,
        receptive_field=max((max(field.size) for call, field in
                             zip(trace.calls, fields, strict=True)
                             if field and (window := call.effect.window) and not window.whole),
                            default=1),
        layers=len(layers))
    return Summary(trace, tuple(layers), _blocks(trace, layers), totals,
                   tuple(layer for layer in layers if layer.macs is None))


class Held(NamedTuple):
    """A tensor that is alive at the peak."""

    index: int      # type: ignore[assignment]  # in the place of tuple's own
    """The call that allocated it, or `NETWORK_INPUT`."""
    path: str
    shape: Shape
    bytes: int


def alive_at_peak(summary: Summary, *, element_bytes: int = 4) -> tuple[Held, ...]:
    """The tensors alive at the first call with the most memory, in the order of their making."""
    trace, layers = summary.trace, summary.layers
    if not layers:
        return ()
    peak = max(layers, key=lambda layer: layer.live_bytes)
    held = []
    for index, size in sorted(alive_at(trace, peak.index, element_bytes).items()):
        path, shape = ("input", trace.input_shape) if index == NETWORK_INPUT else \
            (layers[index].path, layers[index].output_shape)
        held.append(Held(index, path, shape, size))
    if rest := peak.live_bytes - sum(tensor.bytes for tensor in held):
        held.append(Held(peak.index, f"{peak.path} (while it runs)", peak.output_shape, rest))
    return tuple(held)


def _kind(call: Call) -> Kind:
    if call.operator == "conv2d":
        depthwise = call.effect.groups == call.input_shapes[0][1] > 1
        return "depthwise convolution" if depthwise else "convolution"
    return _KINDS.get(call.operator, "other")


def _receptive_field(call: Call, fields: list[ReceptiveField | None]) -> ReceptiveField | None:
    """The largest path: over the inputs the union, then the call's own window.

    With r the size, j the stride and s the start: r + (k - 1) · d · j, j · stride, s - padding · j.
    """
    if len(call.effect.shape) != 4:
        return None
    given = [ReceptiveField() if producer == NETWORK_INPUT else fields[producer]
             for producer in call.inputs]
    known = [field for field in given if field is not None]
    if not known:
        return None
    field = known[0] if len(known) == 1 else _union(known)
    if (window := call.effect.window) is None:
        return field
    (r_h, r_w), (j_h, j_w), (s_h, s_w) = field
    (k_h, k_w), (t_h, t_w), (p_h, p_w), (d_h, d_w), _ = window
    return ReceptiveField((r_h + (k_h - 1) * d_h * j_h, r_w + (k_w - 1) * d_w * j_w),
                          (j_h * t_h, j_w * t_w), (s_h - p_h * j_h, s_w - p_w * j_w))


def _union(fields: list[ReceptiveField]) -> ReceptiveField:
    """What a merge sees: from the first start to the last end among its inputs."""
    axes = []
    for axis in (0, 1):
        start = min(field.start[axis] for field in fields)
        end = max(field.start[axis] + field.size[axis] for field in fields)
        # A 1×1 input that is spread over an image has no positions of its own to step between.
        axes.append((end - start, min(field.stride[axis] for field in fields), start))
    (height, height_jump, top), (width, width_jump, left) = axes
    return ReceptiveField((height, width), (height_jump, width_jump), (top, left))


def _blocks(trace: Trace, layers: list[Layer]) -> tuple[Block, ...]:
    """Runs of consecutive layers that share a block."""
    types = {scope.path: scope.type for scope in trace.scopes}
    runs: list[list[Layer]] = []
    for layer in layers:
        if not runs or runs[-1][-1].block != layer.block:
            runs.append([])
        runs[-1].append(layer)
    return tuple(Block(run[0].stage, run[0].block,
                       run[0].type if len(run) == 1 else types.get(run[0].block, run[0].type),
                       tuple(run)) for run in runs)
