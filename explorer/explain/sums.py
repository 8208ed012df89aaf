"""The figures of several layers together: which of them make up the sum."""

from __future__ import annotations

from collections.abc import Sequence

from explorer import text
from explorer.analysis import Layer, Summary
from explorer.explain.derivation import Step

SHOWN = 6


def sums(summary: Summary, selected: Sequence[int]) -> list[Step]:
    """Parameters, multiply-adds, memory, receptive field and output of consecutive layers."""
    layers = [summary.layers[index] for index in selected]
    steps = [_sum(title, unit, layers, [getattr(layer, name) for layer in layers])
             for title, name, unit in (("Parameters", "params", ""), ("Multiply-adds", "macs", ""),
                                       ("Output memory", "activation_bytes", "bytes"))]
    last = layers[-1]
    return [*steps, Step("Receptive field", last.receptive_field,
                         notes=(f"That of {last.path}, the last of these layers.",)),
            Step("Output", last.output_shape, notes=(f"That of {last.path}.",))]


def _sum(title: str, unit: str, layers: list[Layer], counts: list[int | None]) -> Step:
    """The largest terms by name, the others in one."""
    terms = sorted(((count, layer.path) for layer, count in zip(layers, counts, strict=True)
                    if count), key=lambda term: -term[0])
    parts = [f"{path} {count:,}" for count, path in terms[:SHOWN]]
    if rest := terms[SHOWN:]:
        parts.append(f"{len(rest)} others {sum(count for count, _ in rest):,}")
    notes = [" + ".join(parts)] if parts else ["None of these layers has any."]
    if missing := sum(count is None for count in counts):
        notes.append(f"{missing} of them {text.NOT_COUNTED}.")
    return Step(title, sum(count or 0 for count in counts), notes=tuple(notes), unit=unit)
