"""Any figure against any other, with the front and the catalogue's presets as landmarks."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from explorer import text
from explorer.language import say
from explorer.networks.catalogue import presets
from explorer.sweeping import FIGURES, Grid
from explorer.ui.messages import escape
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import LESS, NONE, PRESETS, figures
from explorer.ui.sweep.form import SweepForm
from explorer.ui.sweep.parts import card, record_of, select
from explorer.views.sweep import pareto
from explorer.views.sweep.quantities import has_numbers, quantity


def show(form: SweepForm, given: Grid, found: Sweep, made: pd.DataFrame) -> None:
    counted = figures(found.wish.timed)
    knobs = [axis.knob for axis in given.axes]
    numbers = [*counted, *[knob for knob in knobs if has_numbers(given, knob)]]

    def words(name: str) -> str:
        return say("One size") if name == NONE else say("Network") if name == "network" \
            else quantity(given, name).title

    with st.container(horizontal=True, vertical_alignment="bottom"):
        x = select(form, "x", say("Across"), counted,
                   "latency" if found.wish.timed else "macs", words)
        y = select(form, "y", say("Up"), counted, "params", words)
        less = select(form, "less", say("What is better"), list(LESS), "less,more",
                      lambda name: str(LESS[name]),
                      say("Which way is better for each figure. The front joins the configs that "
                          "no other beats."), 200)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colours = ["network", *knobs, *counted]
        colour = select(form, "colour", say("Colour"), colours,
                        knobs[0] if knobs and len(given.networks) == 1 else "network", words)
        size = select(form, "size", say("Size"), [NONE, *numbers], NONE, words)
        near = select(form, "presets", say("Presets"), list(PRESETS), "near",
                      lambda name: str(PRESETS[name]),
                      say("Networks of the catalogue as their papers have them, as landmarks."),
                      110)
    way = less.split(",")
    wanted = (way[0] == "less", way[1] == "less")
    best = pareto.on_front(made, x, y, wanted)
    landmarks = _landmarks(found, made, x, y, near)
    chosen = form.choice("key") or ""
    chart = pareto.chart(given, made, best, landmarks, x=x, y=y, colour=colour,
                         size="" if size == NONE else size, chosen=chosen)
    st.plotly_chart(chart, key=form.widget("pareto"), selection_mode="points",
                    on_select=partial(_picked, form),
                    # Of many points more than a pixel each would take long.
                    config={"displayModeBar": False, "scrollZoom": True, "plotGlPixelRatio": 1})
    st.caption(text.sentences([
        escape(pareto.sentence(given, x, y, wanted, len(best))),
        say("Click a point to see it below; drag to move, turn the wheel to zoom, double-click to "
            "see all.")]))
    card(form, given, found, chosen)


def _landmarks(found: Sweep, made: pd.DataFrame, x: str, y: str, near: str) -> pd.DataFrame:
    """The catalogue's presets, or those among the configs."""
    rows = [(preset.title, *[record.figure(figure) for figure in FIGURES], record.key)
            for name, preset in presets().items() if (record := record_of(found, name))]
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
