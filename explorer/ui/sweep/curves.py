"""Each figure over a knob, the power that fits, and which stage follows which power."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from explorer.language import say
from explorer.sources.key import to_key
from explorer.sweeping import Grid
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import figures
from explorer.ui.sweep.form import SweepForm
from explorer.ui.sweep.parts import PLAIN_CHART, held_values, select
from explorer.views.sweep import curves
from explorer.views.sweep.quantities import COUNTED, QUANTITIES, has_numbers, knob_of


def show(form: SweepForm, given: Grid, found: Sweep, made: pd.DataFrame) -> None:
    knobs = [axis.knob for axis in given.axes]
    if not knobs:
        st.info(say("Choose a knob on the left: a curve is over its values."))
        return
    numbers = [knob for knob in knobs if has_numbers(given, knob)] or knobs
    with st.container(horizontal=True, vertical_alignment="bottom"):
        over = select(form, "along", say("Over"), numbers, numbers[0],
                       lambda name: knob_of(given, name).label) if len(numbers) > 1 else numbers[0]
        held = held_values(form, "held", given, [knob for knob in knobs if knob != over],
                     curves.MOST_CURVES)
    records = dict(found.records)
    drawn = [curve for curve in curves.curves(given, records, over, held) if curve.points]
    marks = {config: record for config in given.networks
             if (record := records.get(to_key(config))) is not None}
    st.html(curves.legend(drawn))
    shown = [name for name in figures(found.wish.timed) if name not in ("layers", "receptive_field")
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
    st.caption(say(
        "A diamond is the network as it was chosen. The power p is that of figure = constant × "
        "knob to the power of p that fits best, in logarithms."))
    if has_numbers(given, over) and (table := curves.stage_table(drawn, over)):
        st.markdown(f"**{say('Which stage follows which power')}**")
        if over in curves.NOTES:
            st.caption(say(curves.NOTES[over]))
        st.html(table)
