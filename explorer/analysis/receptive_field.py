"""What one position of a feature map can see of the image, along the largest path."""

from __future__ import annotations

from typing import NamedTuple

from explorer.tracing import NETWORK_INPUT, Call, Trace
from explorer.tracing.operators import Pair, Shape


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


def receptive_fields(trace: Trace) -> list[ReceptiveField | None]:
    """Of every call; None where positions are mixed."""
    fields: list[ReceptiveField | None] = []
    for call in trace.calls:
        fields.append(_receptive_field(call, fields))
    return fields


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
