"""What the knobs have changed: the parts that are not as in the preset."""

from __future__ import annotations

from collections.abc import Sequence

from explorer import text
from explorer.structure import Part, Structure
from explorer.structure.alignment import Aligned, Figure, align

FIGURES: tuple[Figure, ...] = ("params", "macs")
NEW = "not in the preset"


def changes(structure: Structure, preset: Structure | None) -> dict[str, str]:
    """A line or two for each part that the preset does not have, or has with other figures: a part
    is compared with all that stands in its place. Without a preset there are none."""
    if preset is None:
        return {}
    lines: dict[str, str] = {}
    for stage in align(structure, preset).inside:
        if stage.groups[0]:
            lines |= _changes(stage)
    return lines


def _changes(stage: Aligned) -> dict[str, str]:
    layers = list(stage.at("layer"))
    place = {id(part): number for number, row in enumerate(layers) for part in row.groups[0]}

    def span(part: Part) -> slice:
        """From its first layer to its last, with what the preset has between them."""
        first, *_ = calls = [call for call in part.walk() if call.role == "call"]
        return slice(place[id(first)], place[id(calls[-1])] + 1)

    spans = {part.id: span(part) for whole in stage.groups[0] for part in whole.walk()}
    start = 0
    before: Part | None = None      # the block or the run of them that ends at `start`
    for block in stage.inside:
        ours, theirs = block.groups
        stop = start + len(block.inside)
        if len(ours) == 1:
            spans[ours[0].id] = slice(start, stop)
            before = ours[0]
        elif not ours and before and theirs[0].name == before.name:     # more of the same
            for run in (whole for part in stage.groups[0] for whole in part.walk()):
                if run.role == "run" and run.parts[-1] is before:
                    spans[run.id] = slice(spans[run.id].start, stop)
        start = stop
    if len(stage.groups[0]) == 1:
        spans[stage.groups[0][0].id] = slice(0, len(layers))
    return {id: line for id, where in spans.items() if (line := _line(layers[where]))}


def _line(layers: Sequence[Aligned]) -> str:
    """The change of parameters and multiply-adds in a line each; "" where all is the same."""
    now, then = [[layer for row in layers for part in row.groups[side] for layer in part.layers]
                 for side in (0, 1)]
    if not then:
        return NEW
    told = [f"{figure} {change}" for figure in FIGURES if (change := text.change(*[
        sum(amounts) for amounts in zip(*[row.figures(figure) for row in layers], strict=True)]))]
    if told:
        return "\n".join(told)
    if now[-1].output_shape != then[-1].output_shape:
        return f"was {text.shape(then[-1].output_shape[1:])}"
    if len(now) == len(then) == 1 and now[0].type != then[0].type:
        return f"was {then[0].type}"
    return "" if all(row.status == "same" for row in layers) else "changed"
