"""What the knobs have changed: the nodes that are not as in the preset."""

from __future__ import annotations

from collections.abc import Iterable

from explorer import text
from explorer.analysis import Layer
from explorer.structure import Part, Structure, occurrences


def changes(structure: Structure, preset: Structure | None) -> dict[str, str]:
    """A line or two for each part that the preset does not have, or has with other figures.

    Layers are those of the preset that have the same path; to a stage belong also those that the
    preset has and this network has not. Without a preset there are none.
    """
    if preset is None:
        return {}
    preset_layers = preset.summary.layers
    before = dict(occurrences(preset_layers))
    layer_before = [before.get(occurrence) for occurrence, _ in occurrences(structure.layers)]
    same = [old is not None and _alike(layer, old)
            for layer, old in zip(structure.layers, layer_before, strict=True)]
    of_stage: dict[str, list[Layer]] = {}
    for layer in preset_layers:
        of_stage.setdefault(preset.place(layer).stage, []).append(layer)
    lines = {}
    for part in structure.parts.values():
        if part.auxiliary or part.failed:
            continue
        old = [layer_before[layer.index] for layer in part.layers]
        there = of_stage.get(part.name, []) if part.role == "stage" else \
            [layer for layer in old if layer is not None]
        if not there:
            lines[part.id] = "not in the preset"
        elif not all([same[layer.index] for layer in part.layers]) or len(there) != len(old):
            lines[part.id] = _line(part, there)
    return lines


def _alike(now: Layer, then: Layer) -> bool:
    return (now.type, now.input_shapes, now.call.effect, now.params) == (
        then.type, then.input_shapes, then.call.effect, then.params)


def _line(part: Part, then: Iterable[Layer]) -> str:
    """The change of parameters and multiply-adds in a line each."""
    old = list(then)
    parts = [f"{name} {change}" for name, now, before in (
        ("params", part.params, sum(layer.params for layer in old)),
        ("macs", part.macs, sum(layer.macs or 0 for layer in old)))
        if (change := text.change(now, before))]
    if not parts and old[-1].output_shape != part.output_shape:
        return f"was {text.shape(old[-1].output_shape[1:])}"
    if not parts and old[-1].type != part.layers[-1].type:
        return f"was {old[-1].type}"
    return "\n".join(parts) or "changed"
