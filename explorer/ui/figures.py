"""The head of the page: the config in a line, and its figures against the preset's."""

from __future__ import annotations

import streamlit as st

from explorer import text
from explorer.networks.catalogue import find_preset
from explorer.pipeline import Explored
from explorer.ui import timing
from explorer.ui.bench import Bench
from explorer.ui.copy_link import copy_link
from explorer.ui.panel import Panel

HELP = {
    "Parameters": "Weights that training learns; shared ones count once. ",
    "Multiply-adds": "MACs of convolutions and linear layers, without bias; FLOPs are twice as "
                     "many. ",
    "Peak memory": "The most activation memory that is alive at once in one forward pass, in "
                   "float32, without the parameters. ",
    "Receptive field": "How much of the image one position of the last feature map can see, "
                       "before global pooling. ",
}


def title(panel: Panel, network: Explored) -> None:
    """The network in a sentence, with reset and a link to it."""
    config = network.source.config
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(network.title, anchor=False)
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            st.button("Reset", icon=":material/restart_alt:", on_click=panel.reset,
                      key=panel.widget("reset"),
                      disabled=config is None or config == find_preset(config.network).config,
                      help="Put every knob back to the preset.")
            copy_link(panel)


def row(network: Explored, bench: Bench) -> None:
    """The header figures, each with its change against the preset."""
    now, then = network.summary.totals, (network.preset or network).summary.totals
    side = network.source.input_shape[-1]
    with st.grid(5, min_column_width=150):
        figure("Parameters", text.short(now.params), now.params, then.params)
        figure("Multiply-adds", text.short(now.macs), now.macs, then.macs)
        figure("Peak memory", text.short(now.peak_activation_bytes, "B"),
               now.peak_activation_bytes, then.peak_activation_bytes, " bytes")
        figure("Receptive field", f"{now.receptive_field:,} px", now.receptive_field,
               then.receptive_field, f" pixels; the image has {side:,}")
        timing.latency(bench)
    if network.summary.not_counted:
        st.warning("Operations not counted, for want of a rule: " + ", ".join(
            f"{layer.path} ({layer.type})" for layer in network.summary.not_counted))


def figure(label: str, shown: str, now: int, then: int, unit: str = "") -> None:
    """One figure; its tooltip has the exact value."""
    change = text.change(now, then)
    st.metric(
        label, shown, change or "as in the preset", delta_color="off", border=True,
        delta_arrow="off" if change is None else "up" if now > then else "down",
        help=f"{HELP[label]}Exactly {now:,}{unit}"
             + (f"; the preset has {then:,}." if change else "."))
