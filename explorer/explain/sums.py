"""The figures of several layers together: which of them make up the sum."""

from __future__ import annotations

from collections.abc import Sequence

from explorer import text
from explorer.analysis import Layer, Summary
from explorer.explain.derivation import Step, StepName
from explorer.language import say

SHOWN = 6

COUNTS: tuple[tuple[StepName, str], ...] = (
    ("Parameters", "params"), ("Multiply-adds", "macs"), ("Output memory", "activation_bytes"))


def sums(summary: Summary, selected: Sequence[int]) -> list[Step]:
    """Parameters, multiply-adds, memory, receptive field and output of consecutive layers."""
    layers = [summary.layers[index] for index in selected]
    steps = [_sum(name, layers, [getattr(layer, figure) for layer in layers])
             for name, figure in COUNTS]
    last = layers[-1]
    return [*steps, Step("Receptive field", last.receptive_field,
                         notes=(say("That of {layer}, the last of these layers.",
                                    layer=last.path),)),
            Step("Output", last.output_shape, notes=(say("That of {layer}.", layer=last.path),))]


def _sum(name: StepName, layers: list[Layer], counts: list[int | None]) -> Step:
    """The largest terms by name, the others in one."""
    terms = sorted(((count, layer.path) for layer, count in zip(layers, counts, strict=True)
                    if count), key=lambda term: -term[0])
    parts = [f"{path} {count:,}" for count, path in terms[:SHOWN]]
    if rest := terms[SHOWN:]:
        parts.append(say("{count} others {sum}", count=len(rest),
                         sum=text.number(sum(count for count, _ in rest))))
    notes = [" + ".join(parts)] if parts else [say("None of these layers has any.")]
    if missing := sum(count is None for count in counts):
        notes.append(say("{count} of them not counted.", count=missing))
    return Step(name, sum(count or 0 for count in counts), notes=tuple(notes),
                in_bytes=name == "Output memory")
