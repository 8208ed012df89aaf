"""What one position of a feature map can see of the image, along the largest path."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from operator import add, sub
from typing import NamedTuple

from explorer.tracing import Call, Trace
from explorer.tracing.operators import Axes, Operator, Shape, Steps, Window


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
        given = [views[producer] if producer >= 0 else inputs[-1 - producer]
                 for producer in call.inputs]
        entry = call.entry
        # Most calls hand on what they are given: a normalisation, an activation.
        if entry and entry.positions == "kept" and len(given) == 1 and not call.effect.window:
            views.append(given[0])
        else:
            views.append(_view(call, entry, given))
    return [view.field for view in views]


def field_of_input(shape: Shape) -> ReceptiveField | None:
    """What a position of the network's input sees: itself."""
    axes = _TRAILING.get(len(shape) - 2)
    return ReceptiveField((1,) * len(axes), (1,) * len(axes), (0,) * len(axes)) if axes else None


def _view(call: Call, entry: Operator | None, given: list[_View]) -> _View:
    """The largest path: over the inputs the union, then the call's own window."""
    effect = call.effect
    if entry is None or entry.positions == "mixed":
        reads = entry is None or entry.reads
        return _MIXED if reads and any([not view.nothing for view in given]) else _NOTHING
    if len(given) == 1:
        view = given[0]
    else:
        seeing = [view for view in given if not view.nothing]
        if not seeing:
            return _NOTHING
        view = seeing[0]
        if any([other is not view for other in seeing]):
            if any([other.field is None or other.axes != view.axes for other in seeing]):
                return _MIXED
            view = _View(union(tuple([other.field for other in seeing if other.field])), view.axes)
    field, axes, _ = view
    if field is None:
        return view
    if entry.positions != "kept":
        out = entry.positions(call, axes)
        if out is None:
            return _MIXED
        if out != axes:
            view = _View(field, out)
    if -axes[0] > len(effect.shape):
        return _MIXED
    window = effect.window
    if window is None:
        return view
    sides = len(window.kernel)
    if axes != _TRAILING.get(sides):        # a window is along the last sides
        return _MIXED
    if window[:3] == _OWN_PLACE[sides]:
        return view
    return _View(through(field, window), view.axes)


_OWN_PLACE = {sides: ((1,) * sides, (1,) * sides, (0,) * sides) for sides in _TRAILING}
"""Kernel, stride and padding of a window that is one position, as of a 1×1 convolution."""


# The fields of a network are few, and come again at its next knob.
@lru_cache(maxsize=4096)
def through(field: ReceptiveField, window: Window) -> ReceptiveField:
    """What a window sees of what its input sees.

    With r the size, j the stride and s the start: r + (k - 1) · d · j, j · stride, s - padding · j.
    """
    sides = [(r + (k - 1) * d * j, j * step, s - padding * j) for r, j, s, k, step, padding, d in
             zip(*field, *window[:4])]      # noqa: B905  # all have as many
    if any([type(jump) is not int for _, jump, _ in sides]):    # a fraction, maybe a whole one
        sides = [tuple([value.numerator if value.denominator == 1 else value for value in side])
                 for side in sides]
    return ReceptiveField(*zip(*sides))     # noqa: B905


@lru_cache(maxsize=4096)
def union(fields: tuple[ReceptiveField, ...]) -> ReceptiveField:
    """What a merge of two or more sees: from the first start to the last end among its inputs."""
    sizes, strides, starts = zip(*fields, strict=True)
    start = tuple(map(min, *starts))
    end = map(max, *[map(add, one, size) for one, size in zip(starts, sizes, strict=True)])
    # A 1×1 input that is spread over an image has no positions of its own to step between.
    return ReceptiveField(tuple(map(sub, end, start)), tuple(map(min, *strides)), start)
