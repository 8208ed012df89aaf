"""The report of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date as Date
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from markupsafe import Markup

from explorer import text
from explorer.analysis import Layer, Summary
from explorer.config import Config, Knobs, find_knob
from explorer.exporting.report import again, charts, drawn
from explorer.exporting.report.charts import Bar, Mark, Span, Steps
from explorer.exporting.report.page import ADDRESS, KINDS, page
from explorer.garbage import without_collections
from explorer.networks.catalogue import family_of, find_preset
from explorer.pipeline import Explored
from explorer.sources.key import default_config
from explorer.structure import Part, Structure, Wiring, weighted_depth
from explorer.timing import LayerTimes, Timing, quiet
from explorer.tracing.operators import Kind
from explorer.views import fields, graph, tables, timings
from explorer.views.charts import KEPT, LIVE
from explorer.views.graph import recipe
from explorer.views.graph.letters import fitted

MOST_PRINTED = 34
"""Rows of the table of parts up to which a handout has the blocks too, and of stages alone."""


MOST_HELD = 160
"""Letters of what a part does."""


class Figure(NamedTuple):
    label: str
    value: str
    notes: tuple[str, ...]
    mark: str = ""
    """Why it is not to be relied on."""


@without_collections()
def report(explored: Explored, *, date: Date | None = None, timing: Timing | None = None,
           times: LayerTimes | None = None, address: str = ADDRESS) -> str:
    """A network as one HTML file: figures, drawing, parts, layers with their derivations, charts,
    and how to make it again.

    `date` is the day that stands on it, today where none is given; but for that it is the same to
    the byte for one config and one version. `timing` and `times` are what was measured of it, and
    `address` is where the app runs. A network whose pass ends early is told as far as it got.

    >>> from explorer.pipeline import explore
    >>> "132,863,336" in report(explore("vgg11"))
    True
    """
    summary, preset = explored.summary, explored.preset
    changed = graph.changes(explored.structure, preset.structure if preset else None)
    name, _, words = explored.title.partition(" · ")
    seconds = times.seconds if times and not explored.failure else None
    layers, parts = summary.layers, _parts(explored, changed, seconds)
    first = max(layers, key=lambda layer: (layer.macs or 0, layer.params), default=None)
    return page(
        "network.html", title=explored.title, date=date, name=name, words=words,
        kinds={layer.kind for layer in layers},
        about=_about(explored), failure=explored.failure and str(explored.failure),
        turned=_turned(explored), figures=_figures(explored, timing),
        printed=drawn.printed(drawn.sheets(explored, changed)),
        parts=parts, many=len(parts) > MOST_PRINTED, rows=_rows(explored, seconds), seconds=seconds,
        totals=tables.totals_lines(summary.totals), charts=list(_charts(explored, seconds)),
        not_counted=tables.not_counted(summary) if summary.not_counted else "",
        field=" ".join(fields.sentences(summary)) if layers else "",
        timing=timing, times=times, conditions=timings.conditions_lines(timing.conditions)
        if timing else [], measured=_measured(explored, timing, times),
        again=again.of_source(explored.source, address),
        drawing=Markup(graph.HTML), look=Markup(graph.STYLE),
        components={"showDrawing": graph.SCRIPT},
        data={"drawings": drawn.drawings(explored, changed), "first": str(first.index) if first
              else "", "told": graph.all_details(explored, changed),
              "names": [f"{layer.path} {layer.type} {layer.kind}".casefold() for layer in layers]})


def _about(explored: Explored) -> list[str]:
    """What is known of the network beside its figures."""
    config = explored.source.config
    if isinstance(config, Config):
        family = family_of(config.network)
        return [f"{family.title}: {family.idea}",
                f"{family.paper}. {find_preset(config.network).source}."]
    library = explored.key.partition(":")[0]
    return [f"A model of {library}, as the library makes it." if config and ":" in config.network
            and not explored.key.partition("(")[0].endswith(".py") else
            f"From {explored.key}."]


def _turned(explored: Explored) -> list[tuple[str, str, str]]:
    """The knobs that are not as the network has them: label, value, and what it has."""
    config = explored.source.config
    if config is None:
        return []
    default: Knobs = default_config(config.network)
    return [(knob.label, knob.value_words(getattr(config, name)),
             knob.value_words(getattr(default, name)))
            for name in config.turned_from(default) for knob in [find_knob(config, name)]]


def _figures(explored: Explored, timing: Timing | None) -> list[Figure]:
    now, then = explored.summary.totals, explored.preset and explored.preset.summary.totals

    def figure(label: str, name: str, unit: str = "", *notes: str) -> Figure:
        value: int = getattr(now, name)
        change = then and text.against_preset(value, getattr(then, name))
        return Figure(label, text.short(value, unit), (
            f"{value:,} {'bytes' if unit else ''}".rstrip() if value >= 1000 else "",
            (change or "").replace("-", "\N{MINUS SIGN}") or " ".join(notes)))

    shown = [figure("Parameters", "params", "", f"{text.short(now.param_bytes, 'B')} in float32"),
             figure("Multiply-adds", "macs", "", f"{text.short(now.flops)} FLOPs"),
             figure("Peak memory", "peak_activation_bytes", "B", "of activations, in float32")]
    if image := fields.image(explored.summary):
        value = f"{now.receptive_field:,}{image.unit}"
        shown.append(Figure("Receptive field", value, (f"of {image.words}",)))
    shown.append(Figure("Weighted layers", str(weighted_depth(explored.structure)),
                        (f"of {now.layers:,} calls",)))
    if timing:
        shown.append(Figure("Latency", text.seconds(timing.median_s), (
            f"p10 to p90: {text.seconds_between(timing.p10_s, timing.p90_s)}",
            timing.conditions.device_name), "" if quiet(timing) else "disturbed"))
    return shown


class PartRow(NamedTuple):
    """A stage, or a part of one."""

    name: str
    level: str
    holds: str
    """What it does, in the words of the drawing."""
    change: str
    output: str
    amounts: tuple[tuple[str, float], ...]
    """Each figure, and its share of the network's in percent."""


def _parts(explored: Explored, changed: dict[str, str], seconds: Sequence[float] | None
           ) -> list[PartRow]:
    structure = explored.structure
    whole = [sum([_cost(stage, name, seconds) for stage in structure.stages]) or 1
             for name, _ in _costs(seconds)]

    def row(part: Part, level: str) -> PartRow:
        amounts = [_cost(part, name, seconds) for name, _ in _costs(seconds)]
        holds = _holds(part, structure.wiring) if level == "block" or part.plain else ""
        title = recipe.title(part) if level == "block" else ""
        said = ", ".join([f"{line} the preset" if line.endswith(" of") else line
                          for line in changed.get(part.id, "").splitlines()]
                         ).replace("-", "\N{MINUS SIGN}")
        return PartRow(
            name=part.path, level=level,
            change=said or ("in training only" if part.auxiliary else ""),
            holds=": ".join(filter(None, [title, holds])),
            output=text.shape(part.output_shape[1:]), amounts=tuple([
                (text.amount(amount, unit) if amount else "", 100 * amount / total)
                for amount, total, (_, unit) in zip(amounts, whole, _costs(seconds), strict=True)]))

    rows = []
    for stage in structure.stages:
        rows.append(row(stage, "stage"))
        inner = [part for part in stage.parts if part.role in ("run", "block")]
        if len(inner) > 1 or any(part.role == "run" for part in inner):
            rows += [row(part, "block") for part in inner]
    return rows


def _holds(part: Part, wiring: Wiring) -> str:
    """What a part does in a line: its ways beside each other, and what is added to them."""
    ways = [" → ".join(way) or recipe.PASSES for way in recipe.ways(part, wiring)]
    past = recipe.shortcut(part, wiring)
    added = "" if past is None else f" + {past} of its input" if past else " + its input"
    held = (" | ".join(ways) + added).removeprefix(" + ")
    return held if len(held) <= MOST_HELD else f"{held[:MOST_HELD]}…"


def _costs(seconds: Sequence[float] | None) -> list[tuple[str, str]]:
    return [("params", ""), ("macs", ""), ("activation_bytes", "B"),
            *([("seconds", "s")] if seconds else [])]


def _cost(part: Part, name: str, seconds: Sequence[float] | None) -> float:
    if name != "seconds":
        amount: int = getattr(part, name)
        return amount
    assert seconds
    return sum([seconds[layer.index] for layer in part.layers if layer.index < len(seconds)])


def _rows(explored: Explored, seconds: Sequence[float] | None) -> Iterator[tuple[Any, ...]]:
    """A row for each layer: its number, path, type, class of its kind, kind, and its figures."""
    for layer in explored.summary.layers:
        window, field = layer.window, layer.receptive_field
        yield (layer.index, layer.path, layer.type, KINDS[layer.kind], layer.kind,
               text.shape(layer.output_shape), text.side(window.kernel) if window else "",
               [_exact(layer.params), _exact(layer.macs), _exact(layer.activation_bytes),
                f"{field.side:,}" if field else "",
                *([f"{1e3 * seconds[layer.index]:.3f}"] if seconds else [])])


def _exact(count: int | None) -> str:
    return text.NOT_COUNTED if count is None else f"{count:,}"


class Chart(NamedTuple):
    title: str
    svg: Markup
    notes: str | Markup = ""


def _charts(explored: Explored, seconds: Sequence[float] | None) -> Iterator[Chart]:
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
    for name, title, unit in (("params", "Parameters", ""), ("macs", "Multiply-adds", ""),
                              ("activation_bytes", "Output memory", "B"),
                              ("seconds", "Measured time", "s")):
        if name == "seconds" and not seconds:
            continue
        shown = [_bar(block, by_block[block], name, unit, seconds)
                 for own in stages.values() for block in own]
        yield Chart(title, charts.bars(f"{title} of each block, by kind of operation", shown,
                                       spans, unit))
    yield _memory("Memory in evaluation", summary, structure)
    if not explored.failure and isinstance(trained := explored.training, Summary):
        yield _memory("Memory in training, forward pass", trained,
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
    words = "; ".join([f"{kind} {text.amount(cost, unit)}" for kind, cost in costs.items()])
    return Bar(costs, f"{block}: {words or 'none'}")


def _short(name: str) -> str:
    return fitted(name, charts.SIZE, 84)


def _stretches(summary: Summary, structure: Structure) -> list[Span]:
    return [Span(_short(stage), len(list(own))) for stage, own in groupby(
        [structure.place(layer).stage for layer in summary.layers])]


def _memory(title: str, summary: Summary, structure: Structure) -> Chart:
    layers = summary.layers
    peak = max(layers, key=lambda layer: layer.live_bytes)
    lines = [Steps([layer.live_bytes for layer in layers], "alive", LIVE, filled=True)]
    notes = f"Alive at each call; the most at {peak.path}."
    if summary.trace.training:
        lines.append(Steps(list(accumulate([layer.saved_bytes or 0 for layer in layers])),
                           "saved for backward", KEPT))
        notes = "Alive at each call (the area), and saved for backward so far (the line)."
    return Chart(title, charts.steps(
        title, lines, _stretches(summary, structure), "B",
        marks=[Mark(layers.index(peak), f"peak {text.short(peak.live_bytes, 'B')}")]), notes)


def _field(summary: Summary, structure: Structure, image: fields.Image) -> Chart:
    seeing = [layer for layer in summary.layers if layer.receptive_field]
    sizes = [layer.receptive_field.side for layer in seeing if layer.receptive_field]
    stages = [Span(_short(stage), len(list(own))) for stage, own in groupby(
        [structure.place(layer).stage for layer in seeing])]
    total = summary.totals.receptive_field
    place = next((at for at, size in enumerate(sizes) if size == total), len(sizes) - 1)
    side = max(image.sides)
    return Chart("Receptive field", charts.steps(
        "Receptive field of each call", [Steps(sizes, "receptive field", LIVE)], stages,
        image.unit.strip(), marks=[Mark(place, f"{sizes[place]:,}{image.unit}")],
        level=(side, f"{image.noun} {side:,}{image.unit}")))


def _measured(explored: Explored, timing: Timing | None, times: LayerTimes | None
              ) -> list[tuple[str, str]]:
    """What was measured, a line each."""
    if timing is None:
        return []
    lines = [("Median", text.seconds(timing.median_s) + timings.mark(timing)),
             ("p10, p90", f"{text.seconds(timing.p10_s)}, {text.seconds(timing.p90_s)}"),
             ("Samples", f"{timing.n}, of {timing.passes_per_sample} passes each"),
             (f"{explored.source.samples.capitalize()} a second",
              text.short(timing.images_per_second)),
             ("Batch", f"{timing.batch_size:,}")]
    return lines
