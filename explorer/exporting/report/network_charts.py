"""The charts of a network: where its costs sit, its memory, its receptive field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby

from explorer import text
from explorer.analysis import Layer, Summary
from explorer.exporting.report import charts
from explorer.exporting.report.charts import Bar, Chart, Mark, Span, Steps
from explorer.language import say
from explorer.pipeline import Explored
from explorer.structure import Structure
from explorer.tracing.operators import Kind
from explorer.views import fields
from explorer.views.charts import KEPT, LIVE
from explorer.views.graph.letters import fitted


def network_charts(explored: Explored, seconds: Sequence[float] | None) -> Iterator[Chart]:
    """Parameters, multiply-adds, memory and measured time of each block, what is alive over a pass
    of each sort, and how the receptive field grows."""
    summary, structure = explored.summary, explored.structure
    if not summary.layers:
        return
    blocks = [(structure.place(layer), layer) for layer in summary.layers]
    by_block: dict[str, list[Layer]] = {}
    for place, layer in blocks:
        by_block.setdefault(place.block, []).append(layer)
    stages = dict[str, dict[str, None]]()
    for place, _ in blocks:
        stages.setdefault(place.stage, {})[place.block] = None
    spans = [Span(_short(stage), len(own)) for stage, own in stages.items()]
    for name, title, unit in (("params", say("Parameters"), ""), ("macs", say("Multiply-adds"), ""),
                              ("activation_bytes", say("Output memory"), "B"),
                              ("seconds", say("Measured time"), "s")):
        if name == "seconds" and not seconds:
            continue
        shown = [_bar(block, by_block[block], name, unit, seconds)
                 for own in stages.values() for block in own]
        yield Chart(title, charts.bars(
            say("{figure} of each block, by kind of operation", figure=title), shown, spans, unit))
    if not summary.trace.training:
        yield _memory(say("Memory in evaluation"), summary, structure)
    if not explored.failure and isinstance(trained := explored.training, Summary):
        yield _memory(say("Memory in training, forward pass"), trained,
                      structure if trained is summary else Structure(trained))
    if image := fields.image(summary):
        yield _field(summary, structure, image)


def _bar(block: str, layers: Sequence[Layer], name: str, unit: str,
         seconds: Sequence[float] | None) -> Bar:
    costs = dict[Kind, float]()
    for layer in layers:
        cost = seconds[layer.index] if seconds and name == "seconds" else getattr(layer, name)
        if cost:
            costs[layer.kind] = costs.get(layer.kind, 0) + cost
    words = "; ".join([f"{say(kind)} {text.amount(cost, unit)}" for kind, cost in costs.items()])
    return Bar(costs, say("{what}: {path}", what=block, path=words or say("none")))


def _short(name: str) -> str:
    return fitted(name, charts.SIZE, 84)


def _stretches(summary: Summary, structure: Structure) -> list[Span]:
    return [Span(_short(stage), len(list(own))) for stage, own in groupby(
        [structure.place(layer).stage for layer in summary.layers])]


def _memory(title: str, summary: Summary, structure: Structure) -> Chart:
    layers = summary.layers
    peak = max(layers, key=lambda layer: layer.live_bytes)
    lines = [Steps([layer.live_bytes for layer in layers], say("alive"), LIVE, filled=True)]
    notes = say("Alive at each call; the most at {layer}.", layer=peak.path)
    if summary.trace.training:
        lines.append(Steps(list(accumulate([layer.saved_bytes or 0 for layer in layers])),
                           say("saved for backward"), KEPT))
        notes = say("Alive at each call (the area), and saved for backward so far (the line).")
    return Chart(title, charts.steps(
        title, lines, _stretches(summary, structure), "B",
        marks=[Mark(layers.index(peak), say(
            "peak {size}", size=text.short(peak.live_bytes, "B")))]), notes)


def _field(summary: Summary, structure: Structure, image: fields.Image) -> Chart:
    seeing = [layer for layer in summary.layers if layer.receptive_field]
    sizes = [layer.receptive_field.side for layer in seeing if layer.receptive_field]
    stages = [Span(_short(stage), len(list(own))) for stage, own in groupby(
        [structure.place(layer).stage for layer in seeing])]
    total = summary.totals.receptive_field
    place = next((at for at, size in enumerate(sizes) if size == total), len(sizes) - 1)
    side = max(image.sides)
    return Chart(say("Receptive field"), charts.steps(
        say("Receptive field of each call"), [Steps(sizes, say("receptive field"), LIVE)], stages,
        image.unit.strip(), marks=[Mark(place, f"{sizes[place]:,}{image.unit}")],
        level=(side, image.label)))
