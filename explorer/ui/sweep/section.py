"""What a sweep has found, in the view that is chosen."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import pandas as pd
import streamlit as st

from explorer import text
from explorer.language import Text, language, say
from explorer.networks.catalogue import presets
from explorer.sweeping import Grid
from explorer.ui.messages import escape, standing
from explorer.ui.sweep import curves, fit, heat, pareto, table
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import VIEWS
from explorer.ui.sweep.form import SweepForm
from explorer.views import sweep as views

SHOWN = {"curves": curves.show, "pareto": pareto.show, "heat": heat.show, "table": table.show,
         "fit": fit.show}
QUESTIONS = {
    "curves": Text(
        "How does each figure grow with a knob, by which power, and which stages make it so?"),
    "pareto": Text("Which configs are not beaten: more of one figure at no more of another?"),
    "heat": Text("What do two knobs do together, and which of their values cost the same?"),
    "table": Text("Every config with every figure, to sort, to filter and to take away."),
    "fit": Text("What is the largest config within a limit?")}

_frames: WeakKeyDictionary[Sweep, dict[str, tuple[int, Grid, pd.DataFrame]]] = WeakKeyDictionary()


def frame(given: Grid, found: Sweep) -> pd.DataFrame:
    """The configs that have been counted, made once in each language for what is there."""
    frames = _frames.setdefault(found, {})
    kept = frames.get(language())
    if kept is None or kept[:2] != (found.version, given):
        kept = frames[language()] = (found.version, given, views.frame(given, dict(found.records)))
    return kept[2]


def section(form: SweepForm, given: Grid, found: Sweep) -> None:
    """The view that is chosen, with what there is so far; what is chosen in it stands in the
    address."""
    with standing(say("The sweep")):
        _section(form, given, found)
    form.write_address()


def _section(form: SweepForm, given: Grid, found: Sweep) -> None:
    with st.container(horizontal=True, vertical_alignment="center",
                      horizontal_alignment="distribute"):
        view = form.option("view", list(VIEWS), "curves", lambda options, index, key:
                           st.segmented_control(
                               say("View"), options, default=options[index], key=key,
                               required=True, format_func=lambda name: str(VIEWS[name]),
                               label_visibility="collapsed"))
    st.caption(str(QUESTIONS[view]))
    made = frame(given, found)
    if not len(made):
        st.skeleton(height=420)
        return
    if not found.running and form.choice("key") not in {*made["key"], *presets()}:
        form.choose("key", None)    # it was of a sweep before this one
    failed = made["error"].notna().sum()
    if len(made) == failed:
        st.error(escape(text.sentences([
            say("None of the {count} configs can run.", count=f"{failed:,}"),
            made["error"].iloc[0]])))
        return
    if failed:
        st.caption(say(
            "{failed} of {count} configs cannot run or be timed: the table says why.",
            failed=f"{failed:,}", count=f"{len(made):,}"))
    if made["disturbed"].any():
        count = int(made["disturbed"].sum())
        disturbed = say("{count} latency was disturbed by something else on the machine, twice."
                        if count == 1 else "{count} latencies were disturbed by something else on "
                        "the machine, twice.", count=f"{count:,}")
        st.markdown(text.sentences([
            f":orange[:material/warning: {disturbed}]",
            say("They are rings in the charts, and nothing is concluded from them.")]))
    SHOWN[view](form, given, found, made)
