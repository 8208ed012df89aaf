"""What the knobs have changed: the nodes that are not as in the preset."""

from __future__ import annotations

from collections.abc import Iterable

from explorer import text
from explorer.analysis import Layer, Summary
from explorer.structure.outline import Group, Outline, occurrences


def changes(outline: Outline, preset: Summary) -> dict[str, str]:
    """A line or two for each group that the preset does not have, or has with other figures.

    Layers are those of the preset that have the same path; to a stage belong also those that the
    preset has and this network has not.
    """
    before = dict(occurrences(preset.layers))
    layer_before = [before.get(occurrence) for occurrence, _ in occurrences(outline.layers)]
    same = [old is not None and _alike(layer, old)
            for layer, old in zip(outline.layers, layer_before, strict=True)]
    of_stage: dict[str, list[Layer]] = {}
    for layer in preset.layers:
        of_stage.setdefault(layer.stage, []).append(layer)
    lines = {}
    for group in outline.groups.values():
        if group.auxiliary or group.failed:
            continue
        old = [layer_before[layer.index] for layer in group.layers]
        there = of_stage.get(group.name, []) if group.kind == "stage" else \
            [layer for layer in old if layer is not None]
        if not there:
            lines[group.id] = "not in the preset"
        elif not all([same[layer.index] for layer in group.layers]) or len(there) != len(old):
            lines[group.id] = _line(group, there)
    return lines


def _alike(now: Layer, then: Layer) -> bool:
    return (now.type, now.input_shapes, now.output_shape, now.kernel, now.stride, now.dilation,
            now.groups, now.params, now.macs) == (
        then.type, then.input_shapes, then.output_shape, then.kernel, then.stride, then.dilation,
        then.groups, then.params, then.macs)


def _line(group: Group, then: Iterable[Layer]) -> str:
    """The change of parameters and multiply-adds in a line each."""
    old = list(then)
    parts = [f"{name} {change}" for name, now, before in (
        ("params", group.params, sum(layer.params for layer in old)),
        ("macs", group.macs, sum(layer.macs or 0 for layer in old)))
        if (change := text.change(now, before))]
    if not parts and old[-1].output_shape != group.output_shape:
        return f"was {text.shape(old[-1].output_shape[1:])}"
    if not parts and old[-1].type != group.layers[-1].type:
        return f"was {old[-1].type}"
    return "\n".join(parts) or "changed"
