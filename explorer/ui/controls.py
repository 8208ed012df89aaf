"""The sidebar: the network and its knobs. Widgets are made from the knobs themselves."""

from __future__ import annotations

import streamlit as st

from explorer.config import Config, Knob, Knobs, knobs_of
from explorer.networks.catalogue import family_of
from explorer.tracing import TraceError
from explorer.ui import choice
from explorer.ui.panel import Panel

# The knobs that people turn most stay open; the others of every network are a group.
SHAPE_OF_DATA = ("batch_size", "num_classes", "in_channels")


def sidebar(panel: Panel, config: Knobs) -> None:
    """The network, the common knobs, and the family's own in a group."""
    knobs = knobs_of(type(config))
    with st.sidebar:
        choice.network(panel, config)
        for name, knob in knobs.items():
            if knob.common and name not in SHAPE_OF_DATA:
                widget(panel, knob, config)
        if isinstance(config, Config):
            st.markdown(f"**{family_of(config.network).title}**")
        for knob in knobs.values():
            if not knob.common:
                widget(panel, knob, config)
        if knobs:
            st.markdown("**Data**")
        for name in SHAPE_OF_DATA:
            if name in knobs:
                widget(panel, knobs[name], config)


def widget(panel: Panel, knob: Knob, config: Knobs) -> None:
    """The widget that fits a knob's kind. It starts at what the config says."""
    key, value = panel.knob_widget(knob.name), getattr(config, knob.name)
    match knob.kind:
        case "bool":
            st.toggle(knob.label, value, key=key, help=knob.help)
        case "choice":
            st.selectbox(knob.label, knob.options, knob.options.index(value), key=key,
                         help=knob.help,
                         format_func=lambda option: str(option).replace("_", " "))
        case "float":
            st.slider(knob.label, float(knob.low), float(knob.high), value, float(knob.step),
                      key=key, format="%.4g", help=knob.help)
        case "int":
            st.number_input(knob.label, int(knob.low), int(knob.high), value, int(knob.step),
                            key=key, help=knob.help)
        case "counts":
            assert isinstance(config, Config)
            counts(panel, knob, config)


def counts(panel: Panel, knob: Knob, config: Config) -> None:
    """One number for each stage, in a row."""
    st.markdown(knob.label, help=knob.help)
    names, values = config.stages, getattr(config, knob.name)
    in_a_row = 2 if len(names) == 4 else min(3, len(names))
    for first in range(0, len(names), in_a_row):
        for column, position in zip(st.columns(in_a_row), range(first, len(names)), strict=False):
            column.number_input(names[position].capitalize(), int(knob.low), int(knob.high),
                                values[position], step=1,
                                key=panel.knob_widget(knob.name, position))


def way_out(panel: Panel, failure: TraceError) -> None:
    """The button that makes the image large enough for the pass, where that helps."""
    if failure.smallest_input is not None:
        st.button(f"Set the input size to {failure.smallest_input}", type="primary",
                  key=panel.widget("way-out"), on_click=panel.set_knob,
                  args=("input_size", failure.smallest_input))
