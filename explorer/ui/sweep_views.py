"""What a sweep has found: curves, trade-off, heat map, table, and the question backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd
import streamlit as st

from explorer.config import ConfigError, Knobs
from explorer.networks.catalogue import presets
from explorer.sources.key import from_key, to_key, to_query
from explorer.sweeping import FIGURES, Fit, Grid, Limit, Point, Record, choose
from explorer.sweeping.fitting import holds, parse_amount
from explorer.timing import quiet
from explorer.ui import sweeps
from explorer.ui.copy_link import copy_link
from explorer.ui.messages import escape, standing
from explorer.ui.panel import Panel
from explorer.ui.sweep_form import SweepForm
from explorer.views import sweep as views
from explorer.views.charts import tick
from explorer.views.sweep import curves, heat, pareto
from explorer.views.sweep.quantities import (
    COUNTED,
    QUANTITIES,
    has_numbers,
    knob_of,
    quantity,
    title,
)

VIEWS = {"curves": "Curves", "pareto": "Trade-off", "heat": "Heat map", "table": "Table",
         "fit": "Fit"}
QUESTIONS = {
    "curves": "How does each figure grow with a knob, by which power, and which stages make it so?",
    "pareto": "Which configs are not beaten: more of one figure at no more of another?",
    "heat": "What do two knobs do together, and which of their values cost the same?",
    "table": "Every config with every figure, to sort, to filter and to take away.",
    "fit": "What is the largest config within a limit?"}

_frames: WeakKeyDictionary[sweeps.Sweep, tuple[int, Grid, pd.DataFrame]] = WeakKeyDictionary()


def frame(given: Grid, found: sweeps.Sweep) -> pd.DataFrame:
    """The configs that have been counted, made once for what is there."""
    kept = _frames.get(found)
    if kept is None or kept[:2] != (found.version, given):
        kept = _frames[found] = (found.version, given, views.frame(given, dict(found.records)))
    return kept[2]


def section(form: SweepForm, given: Grid, found: sweeps.Sweep) -> None:
    """The view that is chosen, with what there is so far; what is chosen in it stands in the
    address."""
    with standing("The sweep"):
        _section(form, given, found)
    form.write_address()


def _section(form: SweepForm, given: Grid, found: sweeps.Sweep) -> None:
    with st.container(horizontal=True, vertical_alignment="center",
                      horizontal_alignment="distribute"):
        view = form.option("view", list(VIEWS), "curves", lambda options, index, key:
                           st.segmented_control("View", options, default=options[index], key=key,
                                                required=True, format_func=VIEWS.__getitem__,
                                                label_visibility="collapsed"))
        copy_link(Panel("sweep"))
    st.caption(QUESTIONS[view])
    made = frame(given, found)
    if not len(made):
        st.skeleton(height=420)
        return
    failed = made["error"].notna().sum()
    if len(made) == failed:
        st.error(escape(f"None of the {failed:,} configs can run. {made['error'].iloc[0]}"))
        return
    if failed:
        st.caption(f"{failed:,} of {len(made):,} configs cannot run or be timed: the table says "
                   "why.")
    if made["disturbed"].any():
        count = int(made["disturbed"].sum())
        said = "1 latency was" if count == 1 else f"{count:,} latencies were"
        st.markdown(f":orange[:material/warning: {said} disturbed by something else on the "
                    "machine, twice.] They are rings in the charts, and nothing is concluded "
                    "from them.")
    {"curves": _curves, "pareto": _pareto, "heat": _heat, "table": _table, "fit": _fit}[view](
        form, given, found, made)


def _select(form: SweepForm, name: str, label: str, options: Sequence[str], default: str,
            words: Any, help: str | None = None, width: int = 160) -> str:
    return form.option(name, options, default, lambda options, index, key: st.selectbox(
        label, options, index, format_func=words, key=key, help=help, width=width))


def _figures(found: sweeps.Sweep) -> list[str]:
    return [name for name in FIGURES if name != "latency" or found.wish.timed]


# Curves

def _curves(form: SweepForm, given: Grid, found: sweeps.Sweep, made: pd.DataFrame) -> None:
    knobs = [axis.knob for axis in given.axes]
    if not knobs:
        st.info("Choose a knob on the left: a curve is over its values.")
        return
    numbers = [knob for knob in knobs if has_numbers(given, knob)] or knobs
    with st.container(horizontal=True, vertical_alignment="bottom"):
        over = _select(form, "along", "Over", numbers, numbers[0],
                       lambda name: knob_of(given, name).label) if len(numbers) > 1 else numbers[0]
        held = _held(form, "held", given, [knob for knob in knobs if knob != over],
                     curves.MOST_CURVES)
    records = dict(found.records)
    drawn = [curve for curve in curves.curves(given, records, over, held) if curve.points]
    marks = {config: record for config in given.networks
             if (record := records.get(to_key(config))) is not None}
    st.html(curves.legend(drawn))
    shown = [name for name in _figures(found) if name not in ("layers", "receptive_field")
             or curves.varies(drawn, name)]
    with st.grid(2, min_column_width=330):
        for name in shown:
            with st.container(border=True, gap="small", key=form.widget(f"curve-{name}")):
                grows = curves.growth_html(
                    curves.growths(drawn, name), over,
                    plural=name in COUNTED) if has_numbers(given, over) else ""
                st.html(f'<p class="curve"><b>{QUANTITIES[name].title}</b> {grows}</p>')
                st.plotly_chart(curves.chart(drawn, name, over, knob_of(given, over).label, marks),
                                key=form.widget(f"chart-{name}"), config=PLAIN_CHART)
    if steps := curves.steps_sentence(drawn, over):
        st.caption(steps)
    st.caption("A diamond is the network as it was chosen. The power p is that of figure = "
               "constant × knob to the power of p that fits best, in logarithms.")
    if has_numbers(given, over) and (table := curves.stage_table(drawn, over)):
        st.subheader("Which stage follows which power", anchor=False)
        if over in curves.NOTES:
            st.caption(curves.NOTES[over])
        st.html(table)


PLAIN_CHART = {"displayModeBar": False}


def _held(form: SweepForm, name: str, given: Grid, others: Sequence[str],
          most: int) -> dict[str, str]:
    """The values that other knobs are held at; one that is not held has a line for each value, as
    long as there are not too many."""
    said = dict(part.split("=", 1) for part in (form.choice(name) or "").split(",")
                if "=" in part)
    held, lines = dict[str, str](), len(given.networks)
    for axis in given.axes:
        if axis.knob not in others:
            continue
        lines *= len(axis.values)
        default = ALL if lines <= most else _nearest(given, axis.knob, axis.values)
        options = [*([ALL] if lines <= most else []), *axis.values]
        if default != ALL:
            lines //= len(axis.values)
        own = said.get(axis.knob)
        chosen = st.selectbox(knob_of(given, axis.knob).label, options,
                              options.index(own if own in options else default), width=150,
                              key=form.widget(f"{name}-{axis.knob}"))
        if chosen != ALL:
            held[axis.knob] = chosen
    form.choose(name, ",".join([f"{knob}={value}" for knob, value in held.items()]) or None)
    return held


ALL = "all values"


def _nearest(given: Grid, knob: str, values: Sequence[str]) -> str:
    """The value that is nearest to what the first network has."""
    own = getattr(given.networks[0], knob)
    if not has_numbers(given, knob):
        said = knob_of(given, knob).format(own)
        return said if said in values else values[0]
    return min(values, key=lambda value: abs(float(value) - own))


# Trade-off

LESS = {"less,less": "Less of both", "less,more": "Less across, more up",
        "more,less": "More across, less up", "more,more": "More of both"}
PRESETS = {"near": "Nearby", "all": "All", "none": "None"}
NO_COLUMN = "none"


def _pareto(form: SweepForm, given: Grid, found: sweeps.Sweep, made: pd.DataFrame) -> None:
    figures = _figures(found)
    knobs = [axis.knob for axis in given.axes]
    numbers = [*figures, *[knob for knob in knobs if has_numbers(given, knob)]]

    def words(name: str) -> str:
        return "One size" if name == NO_COLUMN else "Network" if name == "network" \
            else quantity(given, name).title

    with st.container(horizontal=True, vertical_alignment="bottom"):
        x = _select(form, "x", "Across", figures, "latency" if found.wish.timed else "macs", words)
        y = _select(form, "y", "Up", figures, "params", words)
        less = _select(form, "less", "What is better", list(LESS), "less,more", LESS.__getitem__,
                       "Which way is better for each figure. The front joins the configs that no "
                       "other beats.", 200)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colours = ["network", *knobs, *figures]
        colour = _select(form, "colour", "Colour", colours,
                         knobs[0] if knobs and len(given.networks) == 1 else "network", words)
        size = _select(form, "size", "Size", [NO_COLUMN, *numbers], NO_COLUMN, words)
        near = _select(form, "presets", "Presets", list(PRESETS), "near", PRESETS.__getitem__,
                       "Networks of the catalogue as their papers have them, as landmarks.", 110)
    way = less.split(",")
    wanted = (way[0] == "less", way[1] == "less")
    best = pareto.on_front(made, x, y, wanted)
    landmarks = _landmarks(found, made, x, y, near)
    chosen = form.choice("key") or ""
    chart = pareto.chart(given, made, best, landmarks, x=x, y=y, colour=colour,
                         size="" if size == NO_COLUMN else size, chosen=chosen)
    st.plotly_chart(chart, key=form.widget("pareto"), selection_mode="points",
                    on_select=partial(_picked, form),
                    # Of many points more than a pixel each would take long.
                    config={"displayModeBar": False, "scrollZoom": True, "plotGlPixelRatio": 1})
    st.caption(escape(pareto.sentence(given, x, y, wanted, len(best))) + " Click a point to see "
               "it below; drag to move, turn the wheel to zoom, double-click to see all.")
    _card(form, given, found, chosen)


def _landmarks(found: sweeps.Sweep, made: pd.DataFrame, x: str, y: str, near: str) -> pd.DataFrame:
    """The catalogue's presets, or those among the configs."""
    rows = [(preset.title, *[record.figure(name) for name in FIGURES], record.key)
            for name, preset in presets().items() if (record := found.records.get(name))]
    all_of_them = pd.DataFrame(rows, columns=["network", *FIGURES, "key"]).astype(
        dict.fromkeys(FIGURES, float)).dropna(subset=[x, y])
    if near == "all":
        return all_of_them
    if near == "none" or not len(made):
        return all_of_them.head(0)
    within = pd.Series(True, index=all_of_them.index)
    for name in (x, y):
        least, most = made[name].min(), made[name].max()
        within &= all_of_them[name].between(least / 1.5, most * 1.5)
    return all_of_them[within]


def _picked(form: SweepForm) -> None:
    points = form.value("pareto")["selection"]["points"]
    keys = [str(point["customdata"]) for point in points if point.get("customdata")]
    form.choose("key", keys[0] if keys else None)


def _card(form: SweepForm, given: Grid, found: sweeps.Sweep, key: str) -> None:
    """The config that is chosen, with its figures and the ways to it."""
    record = found.records.get(key)
    if record is None:
        return
    config = from_key(key) if record.totals else None
    with st.container(border=True, key=form.widget("card")):
        st.markdown(f"**{escape(title(config) if config else key)}**")
        if record.error:
            st.error(escape(record.error))
        with st.grid(6, min_column_width=110):
            for name in _figures(found):
                if (value := record.figure(name)) is not None:
                    st.metric(QUANTITIES[name].title, QUANTITIES[name].words(value))
        if config:
            _ways(given, config)


def _ways(given: Grid, config: Knobs) -> None:
    """Links to a config."""
    base = next((to_key(one) for one in given.networks if one.network == config.network),
                config.network)
    base = base if base != to_key(config) else to_key(given.networks[0])
    with st.container(horizontal=True):
        st.page_link("pages/explore.py", label="Open in Explore", icon=":material/tune:",
                     query_params=to_query(config))
        st.page_link("pages/compare.py", label="Compare", icon=":material/compare_arrows:",
                     query_params={"a": base, "b": to_key(config)},
                     help=f"Beside {escape(base)}.")


# Heat map

def _heat(form: SweepForm, given: Grid, found: sweeps.Sweep, made: pd.DataFrame) -> None:
    knobs = [axis.knob for axis in given.axes]
    if len(knobs) < 2:
        st.info("Choose a second knob on the left: a heat map is over two.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = _select(form, "figure", "Figure", _figures(found), "macs",
                         lambda name: QUANTITIES[name].title)
        across = _select(form, "across", "Across", knobs, knobs[0],
                         lambda name: knob_of(given, name).label)
        rest = [knob for knob in knobs if knob != across]
        up = _select(form, "up", "Up", rest, rest[0], lambda name: knob_of(given, name).label) \
            if len(rest) > 1 else rest[0]
        held = _held(form, "at", given, [knob for knob in rest if knob != up], 1)
        names = list(dict.fromkeys(made["network"]))
        network = _select(form, "of", "Network", names, names[0], str) if len(names) > 1 else None
    if network:
        made = made[made["network"] == network]
    for knob, value in held.items():
        made = made[made[knob] == (float(value) if has_numbers(given, knob) else value)]
    labels = knob_of(given, across).label, knob_of(given, up).label
    chart = heat.chart(made, x=across, y=up, figure=figure, labels=labels)
    st.plotly_chart(chart, key=form.widget("heat"), config=PLAIN_CHART)
    if len(chart.data) > 1:
        st.caption("White lines join what costs the same. Point at a cell to see its figure.")


# Table

def _table(form: SweepForm, given: Grid, found: sweeps.Sweep, made: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where = st.text_input("Filter", form.choice("where") or "", key=form.widget("where"),
                              placeholder="macs<=100M, width>=0.5",
                              help="Conditions with commas between them, of knobs, figures, "
                              "network and error.")
        st.download_button("Download CSV", partial(_csv, given, found), "sweep.csv", "text/csv",
                           on_click="ignore", icon=":material/download:", key=form.widget("csv"),
                           help="Every config with every total, exact.")
    form.choose("where", where or None)
    try:
        shown = views.matching(made, where)
    except ConfigError as error:
        st.error(escape(str(error)))
        shown = made
    shown = shown.drop(columns=[name for name in ("latency", "disturbed")
                                if not found.wish.timed])
    if shown["error"].isna().all():
        shown = shown.drop(columns="error")
    keys = shown["key"].tolist()
    # Rows are chosen by their places: other rows are another table.
    table = f"table-{where}-{len(made)}"
    st.dataframe(shown.drop(columns="key"), hide_index=True, height=min(560, 38 + 35 * len(shown)),
                 selection_mode="single-row",
                 on_select=partial(_picked_row, form, keys, table),
                 key=form.widget(table), column_config=_columns(given), alt="The configs")
    st.caption(f"{len(shown):,} of {len(made):,} configs. Click a column's name to sort by it, and "
               "a row's first cell to choose it.")
    _card(form, given, found, form.choice("key") or "")


def _picked_row(form: SweepForm, keys: Sequence[str], table: str) -> None:
    rows = form.value(table)["selection"]["rows"]
    form.choose("key", keys[rows[0]] if rows and rows[0] < len(keys) else None)


def _columns(given: Grid) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "network": st.column_config.TextColumn("Network"),
        "disturbed": st.column_config.CheckboxColumn("Disturbed"),
        "error": st.column_config.TextColumn("Why not", width="large")}
    for axis in given.axes:
        columns[axis.knob] = st.column_config.Column(knob_of(given, axis.knob).label)
    for name, shown in QUANTITIES.items():
        unit = f", {'bytes' if shown.unit == 'B' else 's'}" if shown.unit else ""
        columns[name] = st.column_config.NumberColumn(
            f"{shown.title}{unit}", format="%.5f" if name == "latency" else "localized")
    return columns


def _csv(given: Grid, found: sweeps.Sweep) -> bytes:
    timed, records = found.wish.timed, dict(found.records)
    rows = [views.row(point, records[point.key], given, timed)
            for point in given.points if point.key in records]
    return views.to_csv(rows, given, timed).encode("utf-8")


# Fit

def _fit(form: SweepForm, given: Grid, found: sweeps.Sweep, made: pd.DataFrame) -> None:
    figures, knobs = _figures(found), [axis.knob for axis in given.axes]
    if not knobs:
        st.info("Choose a knob on the left: a fit finds one of its values.")
        return

    def words(name: str) -> str:
        return NO_COLUMN if name == NO_COLUMN else quantity(given, name).title

    with st.container(horizontal=True, vertical_alignment="bottom"):
        limits = [_limit(form, made, place, figures, words) for place in (0, 1)]
        prefer = "" if len(knobs) == 1 and has_numbers(given, knobs[0]) else _select(
            form, "prefer", "As large as possible", [*figures, *knobs], figures[1], words,
            "Of all configs within the limits, the one with the most of this.")
    wanted = tuple([limit for limit in limits if limit is not None])
    if found.running or any(point.key not in found.records for point in given.points):
        st.info("A fit looks at every config: it comes when all are there.")
        return
    if not wanted:
        return
    # From a disturbed latency nothing is concluded.
    records = {key: replace(record, timing=None) if record.timing and not quiet(record.timing)
               else record for key, record in found.records.items()}
    for config in given.networks:
        own = Grid((config,), given.axes)
        _found(own, found, records, choose(own, records, wanted, prefer), prefer)
    numbers = [knob for knob in knobs if has_numbers(given, knob)]
    if len(knobs) == 2 and len(numbers) == 2 and len(given.networks) == 1:
        labels = knob_of(given, knobs[0]).label, knob_of(given, knobs[1]).label
        limit = wanted[0]
        st.plotly_chart(heat.chart(made, x=knobs[0], y=knobs[1], figure=limit.figure,
                                   labels=labels, limit=limit.most),
                        key=form.widget("fit-heat"), config=PLAIN_CHART)
        st.caption("The black line is the limit.")


def _limit(form: SweepForm, made: pd.DataFrame, place: int, figures: Sequence[str], words: Any
           ) -> Limit | None:
    """A figure and the most that it may be; None where there is none, or a mistake."""
    name = "limit" if place == 0 else "limit2"
    held, _, written = (form.choice(name) or "").partition("=")
    options = [*figures] if place == 0 else [NO_COLUMN, *figures]
    default = "macs" if place == 0 else NO_COLUMN
    figure = st.selectbox("Limit" if place == 0 else "And", options,
                          options.index(held if held in options else default), width=180,
                          format_func=words, key=form.widget(f"{name}-figure"))
    if figure == NO_COLUMN:
        form.choose(name, None)
        return None
    usual = _usual(made[figure].dropna(), figure)
    amount = st.text_input("At most", written if figure == held and written else usual, width=120,
                           key=form.widget(f"{name}-{figure}-{usual}"),
                           help="Such as 100M, 8MB or 5ms.").replace(" ", "")
    form.choose(name, f"{figure}={amount}" if amount != usual or figure != default else None)
    if not amount:
        return None
    try:
        return Limit(figure, parse_amount(figure, amount))
    except ConfigError as error:
        st.error(escape(str(error)))
        return None


def _usual(known: pd.Series[float], figure: str) -> str:
    """A round number in the middle of what the configs have; "" where none is known."""
    if not len(known) or known.min() <= 0:
        return ""
    middle = float(f"{(known.min() * known.max()) ** 0.5:.0e}")
    return tick(middle, QUANTITIES[figure].unit).replace(" ", "").replace("µs", "us")


def _found(own: Grid, found: sweeps.Sweep, records: Mapping[str, Record], fit: Fit,
           prefer: str) -> None:
    [config] = own.networks
    said = " and ".join([f"{QUANTITIES[limit.figure].title.lower()} of at most "
                         f"{QUANTITIES[limit.figure].words(limit.most)}"
                         for limit in fit.limits])
    name = escape(title(config))
    if fit.best is None:
        st.warning(f"**{name}**: none of {fit.counted:,} configs has {escape(said)}.")
    else:
        within = sum(holds(records[point.key], fit.limits) for point in own.points)
        largest = "largest" if not prefer else \
            f"one with the largest {quantity(own, prefer).title.lower()}" if prefer not in COUNTED \
            else f"one with the most {quantity(own, prefer).title.lower()}"
        st.markdown(f"**{name}**: {within:,} of {fit.counted:,} configs have {escape(said)}. The "
                    f"{escape(largest)} is **{escape(_turned(own, fit.best))}**.")
    shown = [("Holds", fit.best), ("Does not, the next", fit.beyond),
             ("Does not, though smaller", fit.below)]
    columns = {f"{word}: {_turned(own, record)}": record for word, record in shown
               if record is not None}
    if prefer:      # what comes next, since a figure is not all that counts
        columns |= {f"Also holds: {_turned(own, record)}": record
                    for record in _next_best(own, records, fit, prefer)}
        st.caption("How accurate a network is stands in no figure here: look at the next ones too.")
    if columns:
        st.table(pd.DataFrame({
            said: {QUANTITIES[figure].title: _amount(record, figure)
                   for figure in _figures(found)} for said, record in columns.items()}))
    if fit.best and len(fit.axes) == 1 and not prefer and fit.beyond is None:
        st.caption("It is the largest value of this sweep: a larger one may hold too.")
    if fit.below:
        st.caption("Rounded channels need not rise evenly: a smaller value does not hold, though "
                   "this one does. Each value was looked at.")
    elif not fit.rising:
        st.caption("A larger value does not always cost more here. Each value was looked at.")
    if fit.best and fit.best.totals:
        _ways(own, from_key(fit.best.key))


def _next_best(own: Grid, records: Mapping[str, Record], fit: Fit, prefer: str) -> list[Record]:
    """Those that come after the best, by what is preferred."""
    knobs = [axis.knob for axis in own.axes]

    def worth(point: Point) -> float:
        if prefer in knobs:
            value = point.values[knobs.index(prefer)]
            return float(value) if has_numbers(own, prefer) else 0.0
        figure = records[point.key].figure(prefer)
        return -inf if figure is None else figure

    within = [point for point in own.points if holds(records[point.key], fit.limits)
              and (fit.best is None or point.key != fit.best.key)]
    return [records[point.key] for point in sorted(within, key=worth, reverse=True)[:3]]


def _turned(own: Grid, record: Record) -> str:
    """The knobs of a config of a grid."""
    values = next(point.values for point in own.points if point.key == record.key)
    return ", ".join([knob_of(own, axis.knob).words(knob_of(own, axis.knob).parse(value))
                      for axis, value in zip(own.axes, values, strict=True)])


def _amount(record: Record, figure: str) -> str:
    value = record.figure(figure)
    if value is None:
        return "–"
    # All digits: beside a limit the last ones may decide.
    said = QUANTITIES[figure].words(value) if figure == "latency" else \
        f"{value:,.0f} {QUANTITIES[figure].unit}"
    marked = figure == "latency" and record.timing and not quiet(record.timing)
    return f"{said} (disturbed)" if marked else said
