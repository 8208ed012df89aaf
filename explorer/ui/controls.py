"""The sidebar: the network and its knobs. Widgets are made from the knobs themselves."""

from __future__ import annotations

from math import isclose

import streamlit as st

from explorer.config import Config, Knob, Knobs, knobs_of
from explorer.language import say
from explorer.lessons import explaining
from explorer.networks.catalogue import family_of, presets
from explorer.pipeline import Explored
from explorer.tracing import TraceError
from explorer.ui import choice
from explorer.ui.panel import FIELD, Panel
from explorer.ui.sweep.form import link_to

# The knobs that people turn most stay open; the others of every network are a group.
SHAPE_OF_DATA = ("batch_size", "num_classes", "in_channels")


def sidebar(panel: Panel, config: Knobs, network: Explored | None = None) -> None:
    """The network with the way to Compare, where it is there, and its knobs."""
    with st.sidebar:
        choice.network(panel, config)
        if network is not None:
            _compare_with(panel, network)
            _sweep(network)
        knobs(panel, config)


def _compare_with(panel: Panel, network: Explored) -> None:
    """The ways to the Compare page with the network as it stands: beside its preset, or another of
    its family."""
    with st.popover(say("Compare with …"), icon=":material/compare_arrows:", on_change="rerun",
                    width="stretch",
                    key=panel.widget("compare-with")) as box:
        for key in beside(network) if box.open else ():
            st.page_link("pages/compare.py", label=choice.shown(key),
                         query_params={"a": network.key, "b": key})


def _sweep(network: Explored) -> None:
    """The way to the Sweep page with the network as it stands."""
    config = network.source.config
    if config is not None and (parameters := link_to(config)):
        st.page_link("pages/sweep.py", label=say("Sweep a knob"), icon=":material/monitoring:",
                     query_params=parameters, help=say("What a knob does to every figure."))


def beside(network: Explored) -> list[str]:
    """What it is compared with: its preset where it is none itself, then the others of the family,
    and those of the catalogue for a network of elsewhere."""
    config = network.source.config
    if not isinstance(config, Config):
        return list(presets())
    own = config.network
    family = family_of(own)
    names = [name for name in presets() if name != own and family_of(name) == family]
    return [*([own] if network.key != own else []), *names]


def knobs(panel: Panel, config: Knobs) -> None:
    """The common knobs, and the family's own in a group."""
    own = knobs_of(type(config))
    for name, knob in own.items():
        if knob.common and name not in SHAPE_OF_DATA:
            widget(panel, knob, config)
    if isinstance(config, Config):
        st.markdown(f"**{family_of(config.network).title}**")
    for knob in own.values():
        if not knob.common:
            widget(panel, knob, config)
    if own:
        st.markdown(f"**{say('Data')}**")
    for name in SHAPE_OF_DATA:
        if name in own:
            widget(panel, own[name], config)


def widget(panel: Panel, knob: Knob, config: Knobs) -> None:
    """The widget that fits a knob's kind. It starts at what the config says."""
    if knob.kind == "float":
        fraction(panel, knob, config)
        return
    key, value = panel.knob_widget(knob.name), getattr(config, knob.name)
    match knob.kind:
        case "bool":
            st.toggle(knob.label, value, key=key, help=help_of(knob))
        case "choice":
            st.selectbox(knob.label, knob.options, knob.options.index(value), key=key,
                         help=help_of(knob), format_func=knob.value_words)
        case "int":
            st.number_input(knob.label, int(knob.low), int(knob.high), value, int(knob.step),
                            key=key, help=help_of(knob))
        case "counts":
            assert isinstance(config, Config)
            counts(panel, knob, config)


def help_of(knob: Knob) -> str:
    """What a knob does, with the lesson that explains it."""
    lesson = explaining(knob=knob.name)
    return knob.help if lesson is None else \
        f"{knob.help}\n\n[{lesson.link['words']}]({lesson.link['address']})"


def fraction(panel: Panel, knob: Knob, config: Knobs) -> None:
    """A slider over round values, and beside it a field for any value between the bounds. Both
    show the same: a value between two positions is a position of its own."""
    value = panel.fraction(config, knob.name)
    # Streamlit takes floats for equal that are nearly so: a position must not hide the value.
    positions = [one for one in knob.positions if not isclose(one, value, abs_tol=1e-3)]
    slider, field = st.columns((5, 3), vertical_alignment="bottom")
    slider.select_slider(knob.label, sorted([*positions, value]), value, knob.format,
                         key=panel.knob_widget(knob.name), help=help_of(knob))
    field.number_input(say("{knob}, any value", knob=knob.label), float(knob.low),
                       float(knob.high), value, float(knob.step), format="%g",
                       key=panel.knob_widget(knob.name, FIELD), label_visibility="collapsed")


def counts(panel: Panel, knob: Knob, config: Config) -> None:
    """One number for each stage, in a row."""
    st.markdown(knob.label, help=help_of(knob))
    names, values = config.stages, getattr(config, knob.name)
    in_a_row = 2 if len(names) == 4 else min(3, len(names))
    for first in range(0, len(names), in_a_row):
        for column, position in zip(st.columns(in_a_row), range(first, len(names)), strict=False):
            column.number_input(say(names[position]).capitalize(), int(knob.low), int(knob.high),
                                values[position], step=1,
                                key=panel.knob_widget(knob.name, position))


def way_out(panel: Panel, failure: TraceError) -> None:
    """The button that makes the image large enough for the pass, where that helps."""
    if failure.smallest_input is not None:
        st.button(say("Set the input size to {size}", size=failure.smallest_input), type="primary",
                  key=panel.widget("way-out"), on_click=panel.set_knob,
                  args=("input_size", failure.smallest_input))
