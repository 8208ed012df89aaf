"""Which neighbours are alike: repeats fold into one with ×N."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from explorer.analysis import Layer
from explorer.tracing.operators import Shape

FEWEST_GROWING = 3
"""Two that differ are a step; from three on there is a rule in it."""


def fold(members: Sequence[Sequence[Layer]]) -> list[list[int]]:
    """Runs of consecutive members that do the same: to the same shapes, or with channels that grow
    by the same steps, as in a dense block. Each run has the places of its members."""
    forms = [(_form(layers), _numbers(layers)) for layers in members]
    same = [list(run) for _, run in groupby(range(len(members)), key=lambda place: forms[place])]
    result: list[list[int]] = []
    place = 0
    while place < len(same):
        run = same[place]
        end = place + 1
        if len(run) == 1:
            end = _growing(same, place, forms)
        result.append([member for run in same[place:end] for member in run])
        place = end
    return result


def _growing(runs: list[list[int]], place: int,
             forms: list[tuple[tuple[object, ...], tuple[int, ...]]]) -> int:
    """The end of the run of single members from `place` on whose numbers differ by equal steps."""
    end = place + 1
    step: tuple[int, ...] | None = None
    while end < len(runs) and len(runs[end]) == 1:
        (before, old), (after, new) = forms[runs[end - 1][0]], forms[runs[end][0]]
        this = tuple([b - a for a, b in zip(old, new, strict=False)])
        if before != after or (step is not None and this != step):
            break
        step, end = this, end + 1
    return end if end - place >= FEWEST_GROWING else place + 1


def growth(members: Sequence[Sequence[Layer]]) -> tuple[int, int] | None:
    """Channels that the first member is given and that the last one leaves, where they grow."""
    given = [_channels(layers) for layers in members]
    if any(channels is None for channels in given):
        return None
    known = [channels for channels in given if channels is not None]
    steps = {after - before for before, after in pairwise(known)}
    if len(steps) != 1 or steps == {0}:
        return None
    return known[0], known[-1] + steps.pop()


def _channels(layers: Sequence[Layer]) -> int | None:
    """Channels that enter: of a concatenation at the start, what it makes of its inputs."""
    first = layers[0]
    shape = first.output_shape if first.call.operator == "cat" else _given(first)
    return shape[1] if len(shape) > 1 else None


def _given(layer: Layer) -> Shape:
    """The shape of its first input; of what reads parameters alone none."""
    return layer.input_shapes[0] if layer.input_shapes else ()


def _form(layers: Sequence[Layer]) -> tuple[object, ...]:
    """What is the same in all members of a run: all but channels."""
    return tuple([(layer.type, layer.window, len(layer.inputs) if layer.call.operator != "cat"
                   else 0, layer.output_shape[:1], layer.output_shape[2:],
                   _given(layer)[2:]) for layer in layers])


def _numbers(layers: Sequence[Layer]) -> tuple[int, ...]:
    """What may grow in a run by the same steps."""
    numbers: list[int] = []
    for layer in layers:
        given, made = _given(layer)[1:2], layer.output_shape[1:2]
        if layer.call.operator == "cat":
            given = made
        numbers += [*given, *made, layer.groups or 0, layer.params]
    return tuple(numbers)
