"""The head of the page: the config in a line, and its figures against the preset's."""

from __future__ import annotations

import streamlit as st

from explorer import text
from explorer.analysis import Summary
from explorer.networks.catalogue import find_preset
from explorer.networks.key import to_key
from explorer.sources import sentence
from explorer.ui import calls, state, timing
from explorer.ui.copy_link import copy_link

HELP = {
    "Parameters": "Weights that training learns; shared ones count once. ",
    "Multiply-adds": "MACs of convolutions and linear layers, without bias; FLOPs are twice as "
                     "many. ",
    "Peak memory": "The most activation memory that is alive at once in one forward pass, in "
                   "float32, without the parameters. ",
    "Receptive field": "How much of the image one position of the last feature map can see, "
                       "before global pooling. ",
}


def title() -> None:
    """The config as a sentence, with reset and a link to it."""
    config = state.config()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(sentence(config), anchor=False)
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            st.button("Reset", icon=":material/restart_alt:", on_click=state.reset,
                      disabled=config == find_preset(config.network).config,
                      help="Put every knob back to the preset.")
            copy_link()


def row(found: Summary) -> None:
    """The header figures, each with its change against the preset."""
    preset = calls.summary(to_key(find_preset(state.config().network).config))
    assert isinstance(preset, Summary)
    now, then = found.totals, preset.totals
    side = state.config().input_size
    with st.grid(5, min_column_width=150):
        figure("Parameters", text.short(now.params), now.params, then.params)
        figure("Multiply-adds", text.short(now.macs), now.macs, then.macs)
        figure("Peak memory", text.short(now.peak_activation_bytes, "B"),
               now.peak_activation_bytes, then.peak_activation_bytes, " bytes")
        figure("Receptive field", f"{now.receptive_field:,} px", now.receptive_field,
               then.receptive_field, f" pixels; the image has {side:,}")
        timing.latency(found)
    if found.not_counted:
        st.warning("Not counted, for want of a rule: " + ", ".join(
            f"{layer.path} ({layer.type})" for layer in found.not_counted))


def figure(label: str, shown: str, now: int, then: int, unit: str = "") -> None:
    """One figure; its tooltip has the exact value."""
    change = text.change(now, then)
    st.metric(
        label, shown, change or "as in the preset", delta_color="off", border=True,
        delta_arrow="off" if change is None else "up" if now > then else "down",
        help=f"{HELP[label]}Exactly {now:,}{unit}"
             + (f"; the preset has {then:,}." if change else "."))
