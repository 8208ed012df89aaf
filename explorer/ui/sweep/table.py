"""Every config with every figure, to sort, to filter and to take away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from explorer.config import ConfigError
from explorer.language import say, spoken
from explorer.sweeping import Grid, Swept
from explorer.ui.messages import escape
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.form import SweepForm
from explorer.ui.sweep.parts import card
from explorer.views import sweep as views
from explorer.views.sweep.quantities import QUANTITIES, knob_of


def show(form: SweepForm, given: Grid, found: Sweep, made: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where = st.text_input(say("Filter"), form.choice("where") or "", key=form.widget("where"),
                              placeholder="macs<=100M, width>=0.5",
                              help=say("Conditions with commas between them, of knobs, figures, "
                                       "network and error."))
        st.download_button(say("Download CSV"), partial(to_csv, given, found), "sweep.csv",
                           "text/csv", on_click="ignore", icon=":material/download:",
                           key=form.widget("csv"),
                           help=say("Every config with every total, exact."))
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
                 key=form.widget(table), column_config=_columns(given), alt=say("The configs"))
    st.caption(say("{shown} of {count} configs. Click a column's name to sort by it, and a row's "
                   "first cell to choose it.", shown=f"{len(shown):,}", count=f"{len(made):,}"))
    card(form, given, found, form.choice("key") or "")


def _picked_row(form: SweepForm, keys: Sequence[str], table: str) -> None:
    rows = form.value(table)["selection"]["rows"]
    form.choose("key", keys[rows[0]] if rows and rows[0] < len(keys) else None)


def _columns(given: Grid) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "network": st.column_config.TextColumn(say("Network")),
        "disturbed": st.column_config.CheckboxColumn(say("Disturbed")),
        "error": st.column_config.TextColumn(say("Why not"), width="large")}
    for axis in given.axes:
        columns[axis.knob] = st.column_config.Column(knob_of(given, axis.knob).label)
    for name, shown in QUANTITIES.items():
        heading = say("{figure}, bytes", figure=shown.title) if shown.unit == "B" else \
            say("{figure}, s", figure=shown.title) if shown.unit else shown.title
        columns[name] = st.column_config.NumberColumn(
            heading, format="%.5f" if name == "latency" else "localized")
    return columns


def to_csv(given: Grid, found: Sweep) -> bytes:
    with spoken("en"):
        return views.to_csv(Swept(given, dict(found.records), found.wish.timed)).encode("utf-8")
