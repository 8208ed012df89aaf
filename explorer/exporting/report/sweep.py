"""The report of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date as Date
from itertools import combinations
from typing import NamedTuple

from markupsafe import Markup

from explorer import text
from explorer.exporting.report import again, planes
from explorer.exporting.report.charts import Chart
from explorer.exporting.report.page import ADDRESS, page
from explorer.exporting.report.planes import Dot, DrawnCurve, Scale
from explorer.garbage import without_collections
from explorer.language import say
from explorer.sources import title
from explorer.sources.key import to_key
from explorer.sweeping import FIGURES, Grid, Record, Swept, front
from explorer.timing import quiet
from explorer.views.axes import axis, value_axis
from explorer.views.palette import PLAIN, SERIES
from explorer.views.sweep import curves, pareto
from explorer.views.sweep.quantities import COUNTED, QUANTITIES, has_numbers, knob_of

MOST_ROWS = 2000
"""Of the table."""
MOST_CELLS = 600
"""Of a heat map."""
MOST_DOTS = 1500
"""Of a trade-off."""


class Along(NamedTuple):
    """Every figure over one knob."""

    knob: str
    held: str
    """What else is turned, and stays here, in words."""
    legend: Markup
    charts: Sequence[Chart]
    notes: Sequence[str]
    stages: Markup


@without_collections()
def sweep_report(swept: Swept, *, date: Date | None = None, address: str = ADDRESS) -> str:
    """A sweep as one HTML file: each figure over each knob with the power that fits, the trade-off,
    two knobs together, and a row for each config.

    It has the records as far as they have come; the rest as in `report`.

    >>> from explorer.sweeping import grid, sweep
    >>> given = grid(["resnet18"], ["width=0.5:1:0.25"])
    >>> records = {record.key: record for record in sweep(given, workers=1)}
    >>> "3 configs" in sweep_report(Swept(given, records))
    True
    """
    grid, by_key = swept.grid, swept.records
    known = {point.key: by_key[point.key] for point in grid.points if point.key in by_key}
    names = [title(config) for config in grid.networks]
    knobs = [each.knob for each in grid.axes]
    shown = [name for name in FIGURES if name != "latency" or
             any(record.timing for record in known.values())]
    head = text.enumeration(names)
    if knobs:
        head = say("{networks} over {knobs}", networks=head,
                   knobs=text.enumeration([_spoken(grid, knob) for knob in knobs]))
    return page(
        "sweep.html", title=head, name=head, date=date, words=_counted(grid, known),
        axes=[(knob_of(grid, each.knob).label, ", ".join(each.values)) for each in grid.axes],
        names=names, refused=_refused(known), along=[
            one for knob in knobs if has_numbers(grid, knob)
            and (one := _along(grid, known, knob, shown)) is not None],
        trade=_trade_off(grid, known, shown), heats=list(_heats(grid, known)),
        columns=[say("Network"), *[knob_of(grid, knob).label for knob in knobs]],
        figures=[say("Latency, ms") if name == "latency" else str(QUANTITIES[name].title)
                 for name in shown], timed="latency" in shown,
        rows=_rows(grid, known, names, shown), left=max(0, len(known) - MOST_ROWS),
        again=again.of_sweep(grid, address), components={}, data={"sweep": True})


def _counted(grid: Grid, known: Mapping[str, Record]) -> str:
    whole = len({point.key for point in grid.points})
    if len(known) == whole:
        return say("{count} config" if whole == 1 else "{count} configs", count=f"{whole:,}")
    return say("{done} of {count} config counted" if whole == 1 else
               "{done} of {count} configs counted", done=f"{len(known):,}", count=f"{whole:,}")


def _refused(known: Mapping[str, Record]) -> str:
    """How many configs cannot run, and why one of them; "" where all can."""
    refused = [record for record in known.values() if record.error and not record.totals]
    if not refused:
        return ""
    return say("1 config cannot run, such as {key}: {why}" if len(refused) == 1 else
               "{count} of {all} configs cannot run, such as {key}: {why}",
               count=f"{len(refused):,}", all=f"{len(known):,}", key=refused[0].key,
               why=refused[0].error)


def _spoken(grid: Grid, knob: str) -> str:
    """The name of a knob within a sentence."""
    first, *rest = knob_of(grid, knob).label.split()
    return " ".join([first.lower() if first == first.capitalize() else first, *rest])


def _held(grid: Grid, over: str) -> dict[str, str]:
    """The values at which other knobs stay where each would have a line and those were too many:
    the middle ones."""
    held, lines = dict[str, str](), len(grid.networks)
    for each in grid.axes:
        if each.knob != over and (lines := lines * len(each.values)) > curves.MOST_CURVES:
            held[each.knob] = each.values[len(each.values) // 2]
            lines //= len(each.values)
    return held


def _held_words(grid: Grid, held: Mapping[str, str]) -> str:
    words = [f"{_spoken(grid, knob)} {value}" for knob, value in held.items()]
    return text.listing(words) if words else ""


def _along(grid: Grid, known: Mapping[str, Record], over: str, shown: Sequence[str]
           ) -> Along | None:
    """None where no two values of the knob have figures."""
    held, label = _held(grid, over), knob_of(grid, over).label
    drawn = [curve for curve in curves.curves(grid, known, over, held)
             if any(record.totals for _, record in curve.points)]
    if len({x for curve in drawn for x, record in curve.points if record.totals}) < 2:
        return None
    made = []
    for name in shown:
        if name in ("layers", "receptive_field") and not curves.varies(drawn, name):
            continue
        if (chart := _curves(drawn, name, over, label)) is not None:
            grows = curves.growth_html(curves.growths(drawn, name), over, plural=name in COUNTED)
            made.append(Chart(QUANTITIES[name].title, chart, Markup(grows)))
    notes = [curves.steps_sentence(drawn, over),
             say(curves.NOTES[over]) if over in curves.NOTES else ""]
    return Along(_spoken(grid, over), _held_words(grid, held),
                 Markup(curves.legend(drawn)), made, [note for note in notes if note],
                 Markup(curves.stage_table(drawn, over)))


def _curves(drawn: Sequence[curves.Curve], name: str, over: str, label: str) -> Markup | None:
    quantity = QUANTITIES[name]
    lines, dots, diamonds = list[DrawnCurve](), list[Dot](), list[Dot]()
    looks = zip(drawn, curves.colours(drawn), curves.dashes(drawn), strict=True)
    for curve, colour, dash in looks:
        points = [(x, value) for x, record in curve.points
                  if (value := record.figure(name)) is not None]
        lines.append(DrawnCurve(points, colour, dash, curves.stepped(points)))
        own = getattr(curve.network, over)
        for x, record in curve.points:
            if (value := record.figure(name)) is None:
                continue
            words = say("{network}, {knob} {x}: {value}", network=curve.name,
                        knob=over.replace("_", " "), x=_value(x), value=quantity.words(value))
            dot = Dot(x, value, words, colour, ring=_disturbed(record, name))
            (diamonds if x == own and record.key == to_key(curve.network) else dots).append(dot)
    if not dots and not diamonds:
        return None
    every = [*dots, *diamonds]
    ups, along = [dot.y for dot in every], [dot.x for dot in every]
    numbers = [x for x in along if isinstance(x, float)]
    upwards = axis(ups, quantity.unit)
    if quantity.exact:
        upwards["ticktext"] = [f"{value:,.0f}" for value in upwards["tickvals"]]
    return planes.plane(
        say("{figure} over {knobs}", figure=quantity.title, knobs=label),
        Scale(value_axis(numbers), numbers), Scale(upwards, ups, from_zero=True), label,
        lines=lines, diamonds=diamonds,
        dots=dots if len(every) <= curves.MOST_DOTS * len(drawn) else [])


def _value(x: float | str) -> str:
    return f"{x:g}" if isinstance(x, float) else x


def _disturbed(record: Record, name: str) -> bool:
    return name == "latency" and record.timing is not None and not quiet(record.timing)


def _trade_off(grid: Grid, known: Mapping[str, Record], shown: Sequence[str]
               ) -> tuple[Chart, Markup] | None:
    """One figure over another, where more than one thing is turned; with its legend."""
    if len(grid.axes) + (len(grid.networks) > 1) < 2:
        return None
    x, y, less = ("latency" if "latency" in shown else "macs"), "params", (True, False)
    size = len(grid) // len(grid.networks)
    points = [(SERIES[place // size % len(SERIES)], record, (a, b))
              for place, point in enumerate(grid.points)
              if (record := known.get(point.key)) is not None
              and (a := record.figure(x)) is not None and (b := record.figure(y)) is not None]
    if not points:
        return None
    sound = [(record, at) for _, record, at in points if not _disturbed(record, x)]
    best = [sound[place] for place in front([at for _, at in sound], less=less)]
    dots = [Dot(a, b, say("{config}: {one}, {other}", config=record.key,
                          one=QUANTITIES[x].words(a), other=QUANTITIES[y].words(b)), colour,
                ring=_disturbed(record, x)) for colour, record, (a, b) in points[:MOST_DOTS]]
    across, up = [a for _, _, (a, _) in points], [b for _, _, (_, b) in points]
    name = say("{figure} over {knobs}", figure=QUANTITIES[y].title,
               knobs=str(QUANTITIES[x].title).lower())
    svg = planes.plane(
        name,
        Scale(axis(across, QUANTITIES[x].unit), across, from_zero=True),
        Scale(axis(up, QUANTITIES[y].unit), up, from_zero=True), QUANTITIES[x].title,
        lines=[DrawnCurve([at for _, at in best], PLAIN)], dots=dots)
    names = Markup("").join([
        Markup('<span><i style="border-top: 3px solid {}"></i>{}</span>').format(
            SERIES[place % len(SERIES)], title(config))
        for place, config in enumerate(grid.networks)])
    return Chart(name, svg, pareto.sentence(grid, x, y, less, len(best))), \
        Markup('<div class="lines">{}</div>').format(names)


def _heats(grid: Grid, known: Mapping[str, Record]) -> Iterator[Chart]:
    """The multiply-adds of one network over each two of its knobs; the others stay."""
    if len(grid.networks) > 1:
        return
    for across, up in combinations(grid.axes, 2):
        if len(across.values) * len(up.values) > MOST_CELLS or \
                min(len(across.values), len(up.values)) < 2:
            continue
        held = {each.knob: each.values[len(each.values) // 2] for each in grid.axes
                if each not in (across, up)}
        knobs = [each.knob for each in grid.axes]
        cells: dict[tuple[str, str], float | None] = {}
        for point in grid.points:
            values = dict(zip(knobs, point.values, strict=True))
            record = known.get(point.key)
            if all(values[knob] == value for knob, value in held.items()) and record:
                cells[values[across.knob], values[up.knob]] = record.figure("macs")
        labels = knob_of(grid, across.knob).label, knob_of(grid, up.knob).label
        rows = [[cells.get((column, row)) for column in across.values] for row in up.values]
        name = say("{figure} over {knobs}", figure=say("Multiply-adds"), knobs=text.enumeration(
            [_spoken(grid, each.knob) for each in (across, up)]))
        yield Chart(name, planes.heat(
            name, rows, across.values, up.values, labels, QUANTITIES["macs"].words),
            say("With {held}.", held=_held_words(grid, held)) if held else "")


def _rows(grid: Grid, known: Mapping[str, Record], names: Sequence[str], shown: Sequence[str]
          ) -> Iterator[tuple[str, Sequence[str], Sequence[str], str, str]]:
    """Network, values, figures, what is said of it, and why."""
    size, count = len(grid) // len(names), 0
    for place, point in enumerate(grid.points):
        if (record := known.get(point.key)) is None or count == MOST_ROWS:
            continue
        count += 1
        figures = [record.figure(name) for name in shown]
        yield (names[place // size], point.values,
               ["" if value is None else f"{1e3 * value:.3f}" if name == "latency"
                else f"{value:,.0f}" for name, value in zip(shown, figures, strict=True)],
               say("cannot run") if record.totals is None else
               say("disturbed") if _disturbed(record, "latency") else "", record.error or "")
