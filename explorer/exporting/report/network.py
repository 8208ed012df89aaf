"""The report of a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date as Date
from typing import Any, NamedTuple

from markupsafe import Markup

from explorer import text
from explorer.config import Config, Knobs, find_knob
from explorer.exporting.report import again, drawn
from explorer.exporting.report.network_charts import network_charts
from explorer.exporting.report.page import ADDRESS, KINDS, page
from explorer.garbage import without_collections
from explorer.language import say
from explorer.networks.catalogue import family_of, find_preset
from explorer.pipeline import Explored
from explorer.sources.key import default_config
from explorer.sources.library import LIBRARIES
from explorer.structure import Part, Wiring, weighted_depth
from explorer.timing import LayerTimes, Timing, quiet
from explorer.views import fields, graph, tables, timings
from explorer.views.graph import recipe

MOST_PRINTED = 34
"""Lines of the table of parts up to which a handout has the blocks too, and not stages alone."""
PRINTED_LETTERS = 66
"""Of what a part does in a line of a handout."""
MOST_HELD = 160
"""Letters of what a part does."""


class HeadFigure(NamedTuple):
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
    seconds = times.seconds if times and quiet(times) else None
    layers, parts = summary.layers, _parts(explored, changed, seconds)
    first = max(layers, key=lambda layer: (layer.macs or 0, layer.params), default=None)
    return page(
        "network.html", title=explored.title, date=date, name=name, words=words,
        kinds={layer.kind for layer in layers},
        about=_about(explored), failure=explored.failure and str(explored.failure),
        turned=_turned(explored), figures=_figures(explored, timing),
        printed=drawn.printed(drawn.sheets(explored, changed)),
        parts=parts, many=_lines(parts) > MOST_PRINTED, rows=_rows(explored, seconds),
        seconds=seconds,
        totals=tables.totals_lines(summary.totals), charts=list(network_charts(explored, seconds)),
        not_counted=tables.not_counted(summary) if summary.not_counted else "",
        field=text.sentences(fields.sentences(summary)) if layers else "",
        measured=_measured(explored, timing), said=_said(timing, times),
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
        return [say("{what}: {path}", what=family.title, path=say(family.idea)),
                say("{paper}. {place}.", paper=family.paper,
                    place=say(find_preset(config.network).source))]
    library = explored.key.partition(":")[0]
    return [say("A model of {library}, as the library makes it.", library=library)
            if library in LIBRARIES else say("From {file}.", file=explored.key)]


def _turned(explored: Explored) -> list[tuple[str, str, str]]:
    """The knobs that are not as the network has them: label, value, and what it has."""
    config = explored.source.config
    if config is None:
        return []
    default: Knobs = default_config(config.network)
    return [(knob.label, knob.value_words(getattr(config, name)),
             knob.value_words(getattr(default, name)))
            for name in config.turned_from(default) for knob in [find_knob(config, name)]]


def _figures(explored: Explored, timing: Timing | None) -> list[HeadFigure]:
    now, then = explored.summary.totals, explored.preset and explored.preset.summary.totals

    def figure(label: str, name: str, unit: str = "", *notes: str) -> HeadFigure:
        value: int = getattr(now, name)
        change = then and text.against_preset(value, getattr(then, name))
        return HeadFigure(label, text.short(value, unit), (
            "" if value < 1000 else say("{count} bytes", count=f"{value:,}") if unit
            else f"{value:,}",
            change or " ".join(notes)))

    shown = [figure(say("Parameters"), "params", "",
                    say("{size} in float32", size=text.short(now.param_bytes, "B"))),
             figure(say("Multiply-adds"), "macs", "", f"{text.short(now.flops)} FLOPs"),
             figure(say("Peak memory"), "peak_activation_bytes", "B",
                    say("of activations, in float32"))]
    if image := fields.image(explored.summary):
        value = f"{now.receptive_field:,}{image.unit}"
        shown.append(HeadFigure(say("Receptive field"), value, (
            str(fields.BEFORE_MIXING) if fields.mixes(explored.summary) else
            say("of {image}", image=image.words),)))
    shown.append(HeadFigure(say("Weighted layers"), str(weighted_depth(explored.structure)),
                            (say("of {count} calls", count=f"{now.layers:,}"),)))
    if timing:
        between = text.seconds_between(timing.p10_s, timing.p90_s)
        shown.append(HeadFigure(say("Latency"), text.seconds(timing.median_s), (
            say("p10 to p90: {between}", between=between), timing.conditions.device_name),
            "" if quiet(timing) else say("disturbed")))
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
        lines = changed.get(part.id, "").splitlines()
        said = text.listing(lines) if lines else ""
        return PartRow(
            name=part.path, level=level,
            change=said or (say("in training only") if part.auxiliary else ""),
            holds=say("{what}: {path}", what=title, path=holds) if title and holds
            else title or holds,
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


def _lines(rows: Sequence[PartRow]) -> int:
    return sum([max(1, math.ceil(len(row.holds) / PRINTED_LETTERS)) for row in rows])


def _holds(part: Part, wiring: Wiring) -> str:
    """What a part does in a line: its ways beside each other, and what is added to them; sections
    of their own one after the other."""
    held = "; ".join([_in_a_line(section) for section in recipe.sections(part, wiring)])
    return held if len(held) <= MOST_HELD else f"{held[:MOST_HELD]}…"


def _in_a_line(section: recipe.Section) -> str:
    ways = " → ".join([" | ".join([" → ".join(way) or str(recipe.PASSES) for way in rung])
                       for rung in section.rungs])
    past = section.past
    if past is None:
        return ways
    added = say("{layers} of its input", layers=past) if past else say("its input")
    return f"{ways} + {added}" if ways else added


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
    return say(text.NOT_COUNTED) if count is None else f"{count:,}"


def _measured(explored: Explored, timing: Timing | None) -> list[tuple[str, str]]:
    """What was measured of whole passes, and what it holds for, a line each."""
    if timing is None:
        return []
    return [(say("median"), text.seconds(timing.median_s) + timings.mark(timing)),
            (say("p10 and p90"), f"{text.seconds(timing.p10_s)}, {text.seconds(timing.p90_s)}"),
            (say("samples"), str(timing.n) if timing.passes_per_sample == 1 else
             say("{count}, of {passes} passes each", count=timing.n,
                 passes=timing.passes_per_sample)),
            (say("{samples} a second", samples=explored.source.samples),
             f"{timing.images_per_second:,.3g}"
             if timing.images_per_second < 100 else text.short(timing.images_per_second)),
            (say("batch size"), f"{timing.batch_size:,}"),
            *timings.conditions_lines(timing.conditions)]


def _said(timing: Timing | None, times: LayerTimes | None) -> list[str]:
    """What the times of the layers come to, and what disturbed the runs."""
    said = []
    if times:
        said.append(timings.layers_sentence(times) if quiet(times) else
                    say("Something disturbed the run that timed each layer: its times are left "
                        "out."))
    warnings = [warning for run in (timing, times) if run for warning in run.warnings]
    if warnings:
        said += [*map(str, dict.fromkeys(warnings)),
                 say("Nothing is concluded from a disturbed run.")]
    return said
