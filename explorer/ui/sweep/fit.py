"""The question backwards: the largest config within a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import inf
from typing import Any

import pandas as pd
import streamlit as st

from explorer import text
from explorer.config import ConfigError
from explorer.language import say
from explorer.sources import title
from explorer.sources.key import from_key
from explorer.sweeping import Fit, Grid, Limit, Point, Record, choose
from explorer.sweeping.fitting import holds, parse_amount
from explorer.timing import quiet
from explorer.ui.messages import escape
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import NONE, figures
from explorer.ui.sweep.form import SweepForm
from explorer.ui.sweep.parts import PLAIN_CHART, select, ways
from explorer.views.charts import tick
from explorer.views.sweep import heat
from explorer.views.sweep.quantities import COUNTED, QUANTITIES, has_numbers, knob_of, quantity


def show(form: SweepForm, given: Grid, found: Sweep, made: pd.DataFrame) -> None:
    counted, knobs = figures(found.wish.timed), [axis.knob for axis in given.axes]
    if not knobs:
        st.info(say("Choose a knob on the left: a fit finds one of its values."))
        return

    def words(name: str) -> str:
        return say("none") if name == NONE else quantity(given, name).title

    with st.container(horizontal=True, vertical_alignment="bottom"):
        limits = [_limit(form, made, place, counted, words) for place in (0, 1)]
        prefer = "" if len(knobs) == 1 and has_numbers(given, knobs[0]) else select(
            form, "prefer", say("As large as possible"), [*counted, *knobs], counted[1], words,
            say("Of all configs within the limits, the one with the most of this."))
    try:
        wanted = tuple([Limit(figure, parse_amount(figure, most)) for figure, most in limits
                        if most])
    except ConfigError as error:
        st.error(escape(str(error)))
        return
    if found.running or any(point.key not in found.records for point in given.points):
        st.info(say("A fit looks at every config: it comes when all are there."))
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
        limit = wanted[0]
        st.plotly_chart(heat.chart(made, x=knobs[0], y=knobs[1], figure=limit.figure,
                                   knobs=(knob_of(given, knobs[0]), knob_of(given, knobs[1])),
                                   limit=limit.most),
                        key=form.widget("fit-heat"), config=PLAIN_CHART)
        st.caption(say("The black line is the limit."))


def _limit(form: SweepForm, made: pd.DataFrame, place: int, counted: Sequence[str], words: Any
           ) -> tuple[str, str]:
    """A figure and the most that it may be as it was written; "" where there is none."""
    name = "limit" if place == 0 else "limit2"
    held, _, written = (form.choice(name) or "").partition("=")
    options = [*counted] if place == 0 else [NONE, *counted]
    default = "macs" if place == 0 else NONE
    figure = st.selectbox(say("Limit") if place == 0 else say("And"), options,
                          options.index(held if held in options else default), width=180,
                          format_func=words, key=form.widget(f"{name}-figure"))
    if figure == NONE:
        form.choose(name, None)
        return figure, ""
    usual = _usual(made[figure].dropna(), figure)
    amount = st.text_input(say("At most"), written if figure == held and written else usual,
                           width=120, key=form.widget(f"{name}-{figure}-{usual}"),
                           help=say("Such as 100M, 8MB or 5ms.")).replace(" ", "")
    form.choose(name, f"{figure}={amount}" if amount != usual or figure != default else None)
    return figure, amount


def _usual(known: pd.Series[float], figure: str) -> str:
    """A round number in the middle of what the configs have; "" where none is known."""
    if not len(known) or known.min() <= 0:
        return ""
    middle = float(f"{(known.min() * known.max()) ** 0.5:.0e}")
    return tick(middle, QUANTITIES[figure].unit).replace(" ", "").replace("µs", "us")


def _found(own: Grid, found: Sweep, records: Mapping[str, Record], fit: Fit,
           prefer: str) -> None:
    [config] = own.networks
    limits = reduce(lambda one, other: say("{one} and {other}", one=one, other=other), [
        say("{figure} of at most {amount}", figure=QUANTITIES[limit.figure].title.lower(),
            amount=QUANTITIES[limit.figure].words(limit.most)) for limit in fit.limits])
    given = dict(name=escape(title(config)), count=f"{fit.counted:,}", limits=escape(limits))
    if fit.best is None:
        st.warning(say("**{name}**: none of {count} configs has {limits}.", **given))
    else:
        within = sum(holds(records[point.key], fit.limits) for point in own.points)
        st.markdown(text.sentences([
            say("**{name}**: {within} of {count} configs have {limits}.", within=f"{within:,}",
                **given), _best_words(own, fit.best, prefer)]))
    shown = [(say("Holds"), fit.best), (say("Does not, the next"), fit.beyond),
             (say("Does not, though smaller"), fit.below)]
    if prefer:      # what comes next, since a figure is not all that counts
        shown += [(say("Also holds"), record) for record in _next_best(own, records, fit, prefer)]
        st.caption(say("How accurate a network is stands in no figure here: look at the next ones "
                       "too."))
    columns = {say("{verdict}: {knobs}", verdict=verdict, knobs=_turned(own, record)): record
               for verdict, record in shown if record is not None}
    if columns:
        st.table(pd.DataFrame({
            said: {QUANTITIES[figure].title: _amount(record, figure)
                   for figure in figures(found.wish.timed)} for said, record in columns.items()}))
    if fit.best and len(fit.axes) == 1 and not prefer and fit.beyond is None:
        st.caption(say("It is the largest value of this sweep: a larger one may hold too."))
    if fit.below:
        st.caption(say("Rounded channels need not rise evenly: a smaller value does not hold, "
                       "though this one does. Each value was looked at."))
    elif not fit.rising:
        st.caption(say("A larger value does not always cost more here. Each value was looked at."))
    if fit.best and fit.best.totals:
        ways(own, from_key(fit.best.key))


def _best_words(own: Grid, best: Record, prefer: str) -> str:
    """Which config the best one is."""
    knobs = escape(_turned(own, best))
    if not prefer:
        return say("The largest is **{knobs}**.", knobs=knobs)
    figure = escape(quantity(own, prefer).title.lower())
    return say("The one with the most {figure} is **{knobs}**." if prefer in COUNTED else
               "The one with the largest {figure} is **{knobs}**.", figure=figure, knobs=knobs)


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
    return text.listing([knob_of(own, axis.knob).words(knob_of(own, axis.knob).parse(value))
                         for axis, value in zip(own.axes, values, strict=True)])


def _amount(record: Record, figure: str) -> str:
    value = record.figure(figure)
    if value is None:
        return "–"
    # All digits: beside a limit the last ones may decide.
    said = QUANTITIES[figure].words(value) if figure == "latency" else \
        f"{value:,.0f} {QUANTITIES[figure].unit}"
    marked = figure == "latency" and record.timing and not quiet(record.timing)
    return say("{amount} (disturbed)", amount=said) if marked else said
