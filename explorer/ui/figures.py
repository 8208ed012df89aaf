"""The head of the page: the config in a line, and its figures against the preset's."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import text
from explorer.config import Config, Knobs
from explorer.pipeline import Explored
from explorer.sources.key import default_config
from explorer.ui import timing
from explorer.ui.bench import Bench
from explorer.ui.copy_link import copy_link
from explorer.ui.headings import actions, name_tab
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import fields, tables

HELP = {
    "Parameters": "Weights that training learns; shared ones count once. ",
    "Multiply-adds": "MACs of convolutions and linear layers, without bias; FLOPs are twice as "
                     "many. ",
    "Peak memory": "The most activation memory that is alive at once in one forward pass, in "
                   "float32, without the parameters. ",
    "Receptive field": "How much of the image one position of the last feature map can see, "
                       "before global pooling takes in the whole map. ",
}


def title(panel: Panel, config: Knobs, sentence: str) -> DeltaGenerator:
    """The network in a sentence, also in the browser's tab, with reset and a link to it; gives the
    place beside them, for what else can be done with it."""
    name_tab(sentence)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(escape(sentence), anchor=False)
        with (place := actions()):
            st.button("Reset", icon=":material/restart_alt:", on_click=panel.reset,
                      key=panel.widget("reset"),
                      disabled=config == default_config(config.network),
                      help="Put every knob back to the preset.")
            copy_link(panel)
    return place


def row(network: Explored, bench: Bench) -> None:
    """The header figures, each with its change against the preset."""
    now, then = network.summary.totals, (network.preset or network).summary.totals
    same = _as_in(network)
    with st.grid(5, min_column_width=150):
        figure("Parameters", text.short(now.params), now.params, then.params,
               same or f"{text.short(now.param_bytes, 'B')} in float32")
        figure("Multiply-adds", text.short(now.macs), now.macs, then.macs,
               same or f"{text.short(now.flops)} FLOPs")
        figure("Peak memory", text.short(now.peak_activation_bytes, "B"),
               now.peak_activation_bytes, then.peak_activation_bytes, same or "in float32",
               " bytes")
        _field(network, same)
        timing.latency(bench)
    if network.summary.not_counted:
        st.warning(escape(
            f"Not counted, for want of a rule: {tables.not_counted(network.summary)}. Of their "
            "costs the totals have the multiply-adds that PyTorch's own counter finds, and nothing "
            "else."))


def _as_in(network: Explored) -> str:
    """What the figures are compared with, in words; "" where there is nothing."""
    config = network.source.config
    if config is None:
        return ""
    return "as in the preset" if isinstance(config, Config) else \
        f"as in {config.network.partition(':')[0]}"


def _field(network: Explored, same: str) -> None:
    """The receptive field, where windows slide over what the network is given."""
    now, then = network.summary, (network.preset or network).summary
    if (image := fields.image(now)) is None:
        st.metric("Receptive field", "–", "not known", delta_color="off", delta_arrow="off",
                  border=True, help=f"{HELP['Receptive field']}Here it is not known of any layer.")
        return
    figure("Receptive field", f"{now.totals.receptive_field:,}{image.unit}",
           now.totals.receptive_field, then.totals.receptive_field,
           "before positions mix" if fields.mixes(now) else same or f"of {image.words}",
           f"{image.unit}, of {image.words}")


def figure(label: str, shown: str, now: int, then: int, same: str, unit: str = "") -> None:
    """One figure, with its change, or with `same` where there is none; its tooltip has the exact
    value."""
    change = text.change(now, then)
    said = text.against_preset(now, then) if change and change.endswith(" of") else change
    st.metric(
        label, shown, said or same, delta_color="off", border=True,
        delta_arrow="off" if change is None else "up" if now > then else "down",
        help=f"{HELP[label]}Exactly {now:,}{unit}"
             + (f"; the preset has {then:,}." if change else "."))
