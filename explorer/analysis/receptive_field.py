"""What one position of a feature map can see of the image, along the largest path."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from explorer.text import Rational
from explorer.tracing import Call, Trace
from explorer.tracing.operators import Axes, Shape, Steps


class ReceptiveField(NamedTuple):
    """The part of the input that one position can see, in input pixels, along each of its sides
    (height and width, for an image). Behind what enlarges they may be fractions."""

    size: Steps = (1, 1)
    stride: Steps = (1, 1)
    """Pixels between neighbouring positions."""
    start: Steps = (0, 0)
    """First pixel that position 0 sees; negative inside the padding."""

    @property
    def side(self) -> int:
        """The larger side, in whole pixels."""
        return ceil(max(self.size))

    def outgrows(self, input_shape: Shape) -> bool:
        """Whether it is higher or wider than the image."""
        return any(seen > side for seen, side in
                   zip(self.size, input_shape[-len(self.size):], strict=True))


class _View(NamedTuple):
    """What a tensor sees of the network's input."""

    field: ReceptiveField | None
    """None where positions are mixed, or what mixes them is not known."""
    axes: Axes = ()
    """The sides of the tensor along which its positions lie."""
    nothing: bool = False
    """Whether it comes of no input at all, but of parameters and constants."""


_MIXED = _View(None)
_NOTHING = _View(None, nothing=True)
_TRAILING: dict[int, Axes] = {1: (-1,), 2: (-2, -1), 3: (-3, -2, -1)}
"""Where positions lie in an input, behind the batch and the channels."""


def receptive_fields(trace: Trace) -> list[ReceptiveField | None]:
    """Of every call; None where positions are mixed."""
    inputs = [_View(field_of_input(given.shape), _TRAILING.get(len(given.shape) - 2, ()))
              for given in trace.inputs]
    views: list[_View] = []
    for call in trace.calls:
        entry = call.entry
        reads = call.inputs if entry is None or entry.reads else ()
        views.append(_view(call, [views[producer] if producer >= 0 else inputs[-1 - producer]
                                  for producer in reads]))
    return [view.field for view in views]


def field_of_input(shape: Shape) -> ReceptiveField | None:
    """What a position of the network's input sees: itself."""
    axes = _TRAILING.get(len(shape) - 2)
    return ReceptiveField((1,) * len(axes), (1,) * len(axes), (0,) * len(axes)) if axes else None


def _view(call: Call, given: list[_View]) -> _View:
    """The largest path: over the inputs the union, then the call's own window.

    With r the size, j the stride and s the start: r + (k - 1) · d · j, j · stride, s - padding · j.
    """
    seeing = [view for view in given if not view.nothing]
    if not seeing:
        return _NOTHING
    entry, axes = call.entry, seeing[0].axes
    if entry is None or entry.positions == "mixed":
        return _MIXED
    fields = [view.field for view in seeing if view.field is not None and view.axes == axes]
    if len(fields) < len(seeing):
        return _MIXED
    out = axes if entry.positions == "kept" else entry.positions(call, axes)
    if out is None or -min(out) > len(call.effect.shape):
        return _MIXED
    field = fields[0] if len(fields) == 1 else union(fields)
    window = call.effect.window
    if window is None:
        return _View(field, out)
    if axes != _TRAILING.get(len(window.kernel)):     # a window is along the last sides
        return _MIXED
    sides = zip(*field, *window[:4], strict=True)
    size, stride, start = zip(*[
        (_plain(r + (k - 1) * d * j), _plain(j * step), _plain(a - padding * j))
        for r, j, a, k, step, padding, d in sides], strict=True)
    return _View(ReceptiveField(size, stride, start), out)


def _plain(value: Rational) -> Rational:
    """A fraction only where it is none of the whole numbers."""
    return value if value.denominator != 1 else value.numerator


def union(fields: list[ReceptiveField]) -> ReceptiveField:
    """What a merge sees: from the first start to the last end among its inputs."""
    sides = []
    for axis in range(len(fields[0].size)):
        start = min(field.start[axis] for field in fields)
        end = max(field.start[axis] + field.size[axis] for field in fields)
        # A 1×1 input that is spread over an image has no positions of its own to step between.
        sides.append((end - start, min(field.stride[axis] for field in fields), start))
    return ReceptiveField(*zip(*sides, strict=True))
