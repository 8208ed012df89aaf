"""Where the positions of a map are once its sides have moved: height and width of an image, counted
from the last side of the tensor."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from explorer.tracing.operators.operator import Axes, Call, axis_of


def unless(dims: int | Collection[int], axes: Axes, rank: int) -> Axes | None:
    """The same, unless what is mixed along `dims` are positions."""
    mixed = {dim % rank - rank for dim in ([dims] if isinstance(dims, int) else dims)}
    return None if mixed.intersection(axes) else axes


def along_last(call: Call, axes: Axes) -> Axes | None:
    """Of what mixes along the last side: the features of a linear layer."""
    return None if -1 in axes else axes


def along_dim(call: Call, axes: Axes) -> Axes | None:
    """Of what mixes along its argument `dim`."""
    dim = call.argument("dim")
    return None if dim is None else unless(dim, axes, len(call.input_shapes[0]))


def reduced(call: Call, axes: Axes) -> Axes | None:
    """Of what makes one number of each row: over all positions it has a window, and a place for it
    only where the sides stay as 1."""
    before, after = call.input_shapes[0], call.effect.shape
    gone = {axis - len(before) for axis in reduced_axes(call)}
    if gone.intersection(axes) and call.effect.window is None:
        return None
    return axes if len(before) == len(after) else without(gone, axes)


def reduced_axes(call: Call) -> set[int]:
    """The sides that a reduction goes over, which NumPy's name for them may give too."""
    return axes_of(len(call.input_shapes[0]), call.argument("dim"), call.argument("axis"))


def axes_of(rank: int, dim: Any, axis: Any = None) -> set[int]:
    """Sides by their number from the first one; all of them where none is named."""
    dims = axis if dim is None else dim
    if dims is None or isinstance(dims, bool) or dims in ((), []):
        return set(range(rank))
    return {axis_of(number, rank) for number in ([dims] if isinstance(dims, int) else dims)}


def without(gone: set[int], axes: Axes) -> Axes | None:
    """Once some sides are gone."""
    if gone.intersection(axes):
        return None
    return tuple([axis + sum(1 for side in gone if side > axis) for axis in axes])


def appended(call: Call, axes: Axes) -> Axes:
    """Of what puts a side behind the others."""
    return tuple([axis - 1 for axis in axes])


def reshaped(call: Call, axes: Axes) -> Axes | None:
    """Of the same numbers in another shape: a side stays where it has its size, and as many numbers
    stand behind it."""
    before, after = call.input_shapes[0], call.effect.shape
    result = []
    for axis in axes:
        behind = math.prod(before[axis + 1:]) if axis < -1 else 1
        place = next((place for place in range(-1, -len(after) - 1, -1)
                      if after[place] == before[axis]
                      and math.prod(after[place + 1:] if place < -1 else ()) == behind), None)
        if place is None:
            return None
        result.append(place)
    return tuple(result) if len(set(result)) == len(result) else None


def permuted(call: Call, axes: Axes) -> Axes | None:
    """`permute(x, 0, 2, 3, 1)`, or with the sides in one tuple."""
    rank = len(call.input_shapes[0])
    order = [dim % rank for dim in _numbers(call, "dims")]
    return tuple([order.index(axis % rank) - rank for axis in axes])


def transposed(call: Call, axes: Axes) -> Axes | None:
    """`transpose(x, 1, 2)`."""
    rank = len(call.input_shapes[0])
    given = [*call.args[1:], *[call.kwargs[name] for name in ("dim0", "dim1", "axis0", "axis1")
                               if name in call.kwargs]]
    one, other = [dim % rank - rank for dim in given] or (-2, -1)
    swap = {one: other, other: one}
    return tuple([swap.get(axis, axis) for axis in axes])


def whole(call: Call, axes: Axes) -> Axes | None:
    """Of parts of a tensor: those that are as long as they were along every side with positions."""
    before, after = call.input_shapes[0], call.effect.shape
    if len(before) != len(after):
        return None
    return axes if all(before[axis] == after[axis] for axis in axes) else None


def dropped(call: Call, axes: Axes) -> Axes | None:
    """Of one row along a side, which goes: `select(x, 1, 0)`."""
    rank = len(call.input_shapes[0])
    dim = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", 0)
    return without({dim % rank - rank}, axes)


def indexed(call: Call, axes: Axes) -> Axes | None:
    """`x[:, 0, None]`: a number takes a side away, None adds one, a slice may shorten it."""
    before, after, index = call.input_shapes[0], call.effect.shape, call.args[1]
    parts = list(index) if isinstance(index, tuple) else [index]
    if not all([part in (None, ...) or type(part) in (int, slice) for part in parts]):
        return None
    sides = len(before) - sum([part not in (None, ...) for part in parts])
    place = parts.index(...) if ... in parts else len(parts)
    parts[place:place + 1] = [slice(None)] * sides
    at: dict[int, int] = {}
    side = out = 0
    for part in parts:
        if isinstance(part, slice) and after[out] == before[side]:
            at[side - len(before)] = out - len(after)
        side += part is not None
        out += not isinstance(part, int)
    return tuple([at[axis] for axis in axes]) if at.keys() >= set(axes) else None


def as_long(call: Call, axes: Axes) -> Axes | None:
    """Of what is repeated: sides that are not, or that had one position for all."""
    before, after = call.input_shapes[0], call.effect.shape
    return axes if -min(axes) <= len(after) and all(
        before[axis] in (1, after[axis]) for axis in axes) else None


def moved(call: Call, axes: Axes) -> Axes | None:
    """`movedim(x, 1, -1)`, or with several sides in tuples."""
    rank = len(call.input_shapes[0])
    given = [*call.args[1:], *[call.kwargs[name] for name in ("source", "destination")
                               if name in call.kwargs]]
    sources, places = [[number % rank for number in ([part] if isinstance(part, int) else part)]
                       for part in given]
    rest = iter([axis for axis in range(rank) if axis not in sources])
    at = dict(zip(places, sources, strict=True))
    order = [at[place] if place in at else next(rest) for place in range(rank)]
    return tuple([order.index(axis % rank) - rank for axis in axes])


def turned(call: Call, axes: Axes) -> Axes | None:
    """`x.T`: all sides the other way round."""
    rank = len(call.input_shapes[0])
    return tuple([-rank - 1 - axis for axis in axes])


def _numbers(call: Call, name: str) -> Sequence[Any]:
    given = call.args[1:] or (call.kwargs[name],)
    return given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
