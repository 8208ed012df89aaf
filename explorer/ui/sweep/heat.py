"""A figure over two knobs, with lines of equal cost."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from explorer.language import say, spoken
from explorer.sweeping import Grid
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import figures
from explorer.ui.sweep.form import SweepForm
from explorer.ui.sweep.parts import PLAIN_CHART, held_values, select
from explorer.views.sweep import heat
from explorer.views.sweep.quantities import QUANTITIES, has_numbers, knob_of, titles


def show(form: SweepForm, given: Grid, found: Sweep, made: pd.DataFrame) -> None:
    knobs = [axis.knob for axis in given.axes]
    if len(knobs) < 2:
        st.info(say("Choose a second knob on the left: a heat map is over two."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = select(form, "figure", say("Figure"), figures(found.wish.timed), "macs",
                         lambda name: QUANTITIES[name].title)
        across = select(form, "across", say("Across"), knobs, knobs[0],
                         lambda name: knob_of(given, name).label)
        rest = [knob for knob in knobs if knob != across]
        up = select(form, "up", say("Up"), rest, rest[0],
                    lambda name: knob_of(given, name).label) if len(rest) > 1 else rest[0]
        held = held_values(form, "at", given, [knob for knob in rest if knob != up], 1)
        with spoken("en"):
            names = titles(given)       # as a link has them
        shown = {name: said for name, said in zip(names, titles(given), strict=True)
                 if (made["network"] == said).any()}
        network = select(form, "of", say("Network"), list(shown), next(iter(shown)),
                         shown.__getitem__) if len(shown) > 1 else None
    if network:
        made = made[made["network"] == shown[network]]
    for knob, value in held.items():
        made = made[made[knob] == (float(value) if has_numbers(given, knob) else value)]
    chart = heat.chart(made, x=across, y=up, figure=figure,
                       knobs=(knob_of(given, across), knob_of(given, up)))
    st.plotly_chart(chart, key=form.widget("heat"), config=PLAIN_CHART)
    if len(chart.data) > 1:
        st.caption(say("White lines join what costs the same. Point at a cell to see its figure."))
