"""What the knobs have changed: the parts that are not as in the preset."""

from __future__ import annotations

from explorer import text
from explorer.analysis import Layer
from explorer.structure import Part, Structure
from explorer.structure.difference import Difference, Figure, difference

FIGURES: tuple[tuple[str, Figure], ...] = (("params", "params"), ("macs", "macs"))
NEW = "not in the preset"


def changes(structure: Structure, preset: Structure | None) -> dict[str, str]:
    """A line or two for each part that the preset does not have, or has with other figures: a part
    is compared with the whole part that stands in its place. Without a preset there are none."""
    if preset is None:
        return {}
    lines: dict[str, str] = {}
    for found in difference(structure, preset).inside:
        _tell(found, lines)
    return lines


def _tell(found: Difference, lines: dict[str, str]) -> None:
    part = found.part
    if part is None:
        return
    if not found.others:
        lines.update({inner.id: NEW for inner in part.walk()})
        return
    for inner in found.inside:
        _tell(inner, lines)
    if line := _line(found, part, found.others):
        lines[part.id] = line


def _line(found: Difference, part: Part, others: tuple[Part, ...]) -> str:
    """The change of parameters and multiply-adds in a line each; "" where all is the same."""
    told = [f"{name} {change}" for name, figure in FIGURES
            if (change := text.change(*found.figures(figure)))]
    if told:
        return "\n".join(told)
    now, then = part.layers, tuple([layer for other in others for layer in other.layers])
    if now[-1].output_shape != then[-1].output_shape:
        return f"was {text.shape(then[-1].output_shape[1:])}"
    if len(now) == len(then) == 1 and now[0].type != then[0].type:
        return f"was {then[0].type}"
    same = len(now) == len(then) and all(map(_alike, now, then))
    return "" if same else "changed"


def _alike(now: Layer, then: Layer) -> bool:
    return (now.type, now.input_shapes, now.call.effect, now.params) == (
        then.type, then.input_shapes, then.call.effect, then.params)
