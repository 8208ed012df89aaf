"""What several views of a sweep have: choices, values that are held, the config that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer import recorded
from explorer.config import Knobs
from explorer.language import say
from explorer.networks.catalogue import presets
from explorer.sources import title
from explorer.sources.key import from_key, to_key, to_query
from explorer.sweeping import Grid, Record
from explorer.ui.messages import escape
from explorer.ui.sweep.background import Sweep
from explorer.ui.sweep.choices import ALL, figures
from explorer.ui.sweep.form import SweepForm
from explorer.views.sweep.quantities import QUANTITIES, has_numbers, knob_of

PLAIN_CHART = {"displayModeBar": False}


def select(form: SweepForm, name: str, label: str, options: Sequence[str], default: str,
           words: Any, help: str | None = None, width: int = 160) -> str:
    """A box with one of some options, whose choice stands in the address."""
    return form.option(name, options, default, lambda options, index, key: st.selectbox(
        label, options, index, format_func=words, key=key, help=help, width=width))


def held_values(form: SweepForm, name: str, given: Grid, others: Sequence[str],
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
                              format_func=lambda value: say("all values") if value == ALL
                              else str(value),
                              key=form.widget(f"{name}-{axis.knob}"))
        if chosen != ALL:
            held[axis.knob] = chosen
    form.choose(name, ",".join([f"{knob}={value}" for knob, value in held.items()]) or None)
    return held


def _nearest(given: Grid, knob: str, values: Sequence[str]) -> str:
    """The value that is nearest to what the first network has."""
    own = getattr(given.networks[0], knob)
    if not has_numbers(given, knob):
        said = knob_of(given, knob).format(own)
        return said if said in values else values[0]
    return min(values, key=lambda value: abs(float(value) - own))


def record_of(found: Sweep, key: str) -> Record | None:
    """What a config costs: as the sweep has counted it, or as is recorded of a preset."""
    if key in found.records or key not in presets():
        return found.records.get(key)
    return Record(key, recorded.entry(presets()[key]).totals)


def card(form: SweepForm, given: Grid, found: Sweep, key: str) -> None:
    """The config that is chosen, with its figures and the ways to it."""
    record = record_of(found, key)
    if record is None:
        return
    config = from_key(key) if record.totals else None
    with st.container(border=True, key=form.widget("card")):
        st.markdown(f"**{escape(title(config) if config else key)}**")
        if record.error:
            st.error(escape(record.error))
        with st.grid(6, min_column_width=110):
            for name in figures(found.wish.timed):
                if (value := record.figure(name)) is not None:
                    st.metric(QUANTITIES[name].title, QUANTITIES[name].words(value))
        if config:
            ways(given, config)


def ways(given: Grid, config: Knobs) -> None:
    """Links to a config."""
    base = next((to_key(one) for one in given.networks if one.network == config.network),
                config.network)
    base = base if base != to_key(config) else to_key(given.networks[0])
    with st.container(horizontal=True):
        st.page_link("pages/explore.py", label=say("Open in Explore"), icon=":material/tune:",
                     query_params=to_query(config))
        st.page_link("pages/compare.py", label=say("Compare"), icon=":material/compare_arrows:",
                     query_params={"a": base, "b": to_key(config)},
                     help=say("Beside {key}.", key=escape(base)))
