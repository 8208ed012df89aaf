"""A figure over two knobs, with lines of equal cost."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from explorer.sweeping import Grid
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import figures
from explorer.ui.sweep.form import SweepForm
from explorer.ui.sweep.parts import PLAIN_CHART, held_values, select
from explorer.views.sweep import heat
from explorer.views.sweep.quantities import QUANTITIES, has_numbers, knob_of


def show(form: SweepForm, given: Grid, found: Sweep, made: pd.DataFrame) -> None:
    knobs = [axis.knob for axis in given.axes]
    if len(knobs) < 2:
        st.info("Choose a second knob on the left: a heat map is over two.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = select(form, "figure", "Figure", figures(found.wish.timed), "macs",
                         lambda name: QUANTITIES[name].title)
        across = select(form, "across", "Across", knobs, knobs[0],
                         lambda name: knob_of(given, name).label)
        rest = [knob for knob in knobs if knob != across]
        up = select(form, "up", "Up", rest, rest[0], lambda name: knob_of(given, name).label) \
            if len(rest) > 1 else rest[0]
        held = held_values(form, "at", given, [knob for knob in rest if knob != up], 1)
        names = list(dict.fromkeys(made["network"]))
        network = select(form, "of", "Network", names, names[0], str) if len(names) > 1 else None
    if network:
        made = made[made["network"] == network]
    for knob, value in held.items():
        made = made[made[knob] == (float(value) if has_numbers(given, knob) else value)]
    labels = knob_of(given, across).label, knob_of(given, up).label
    chart = heat.chart(made, x=across, y=up, figure=figure, labels=labels)
    st.plotly_chart(chart, key=form.widget("heat"), config=PLAIN_CHART)
    if len(chart.data) > 1:
        st.caption("White lines join what costs the same. Point at a cell to see its figure.")
