"""What the knobs have changed: the parts that are not as in the preset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from explorer import text
from explorer.language import say
from explorer.structure import Part, Structure
from explorer.structure.alignment import Aligned, Figure, align

FIGURES: tuple[Figure, ...] = ("params", "macs")


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
    rows = _Rows(layers)
    return {id: line for id, where in spans.items() if (line := rows.line(where.start, where.stop))}


class _Rows:
    """The layers of a stage beside the preset's, with sums from the first one on: parts that hold
    each other are told of the same rows again and again."""

    def __init__(self, rows: Sequence[Aligned]) -> None:
        sides = (0, 1)
        self._layers = [[layer for row in rows for part in row.groups[side]
                         for layer in part.layers] for side in sides]
        self._counts = [_sums([sum([len(part.layers) for part in row.groups[side]])
                               for row in rows]) for side in sides]
        self._amounts = {figure: [_sums([row.figures(figure)[side] for row in rows])
                                  for side in sides] for figure in FIGURES}
        self._other = _sums([row.status != "same" for row in rows])

    def line(self, start: int, stop: int) -> str:
        """The change of parameters and multiply-adds in a line each; "" where all is the same."""
        if self._other[start] == self._other[stop]:
            return ""
        now, then = [layers[counts[start]:counts[stop]] for layers, counts in
                     zip(self._layers, self._counts, strict=True)]
        if not then:
            return say("not in the preset")
        told = [say("params {change}" if figure == "params" else "macs {change}", change=change)
                for figure in FIGURES if (change := text.change(*[
                    sums[stop] - sums[start] for sums in self._amounts[figure]]))]
        if told:
            return "\n".join(told)
        if now[-1].output_shape != then[-1].output_shape:
            return say("was {before}", before=text.shape(then[-1].output_shape[1:]))
        if len(now) == len(then) == 1 and now[0].type != then[0].type:
            return say("was {before}", before=then[0].type)
        return say("changed")


def _sums(amounts: Iterable[int]) -> list[int]:
    """Of the first none, the first, the first two, and so on."""
    return [0, *accumulate(amounts)]
