"""The head of the page: the config in a line, and its figures against the preset's."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import text
from explorer.config import Config, Knobs
from explorer.language import Text, say
from explorer.pipeline import Explored
from explorer.sources.key import default_config
from explorer.ui import timing
from explorer.ui.bench import Bench
from explorer.ui.copy_link import copy_link
from explorer.ui.headings import actions, name_tab
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import fields, tables

PARAMETERS, MACS = Text("Parameters"), Text("Multiply-adds")
PEAK, FIELD = Text("Peak memory"), Text("Receptive field")

HELP = {
    PARAMETERS: Text("Weights that training learns; shared ones count once."),
    MACS: Text("MACs of convolutions and linear layers, without bias; FLOPs are twice as many."),
    PEAK: Text("The most activation memory that is alive at once in one forward pass, in float32, "
               "without the parameters."),
    FIELD: Text("How much of the image one position of the last feature map can see, before global "
                "pooling takes in the whole map."),
}


def title(panel: Panel, config: Knobs, sentence: str) -> DeltaGenerator:
    """The network in a sentence, also in the browser's tab, with reset and a link to it; gives the
    place beside them, for what else can be done with it."""
    name_tab(sentence)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(escape(sentence), anchor=False)
        with (place := actions()):
            st.button(say("Reset"), icon=":material/restart_alt:", on_click=panel.reset,
                      key=panel.widget("reset"),
                      disabled=config == default_config(config.network),
                      help=say("Put every knob back to the preset."))
            copy_link(panel)
    return place


def row(network: Explored, bench: Bench) -> None:
    """The header figures, each with its change against the preset."""
    now, then = network.summary.totals, (network.preset or network).summary.totals
    same = _as_in(network)
    with st.grid(5, min_column_width=150):
        figure(PARAMETERS, text.short(now.params), now.params, then.params,
               same or say("{size} in float32", size=text.short(now.param_bytes, "B")))
        figure(MACS, text.short(now.macs), now.macs, then.macs,
               same or f"{text.short(now.flops)} FLOPs")
        exact = say("{count} bytes", count=f"{now.peak_activation_bytes:,}")
        figure(PEAK, text.short(now.peak_activation_bytes, "B"), now.peak_activation_bytes,
               then.peak_activation_bytes, same or say("in float32"), exact)
        _field(network, same)
        timing.latency(bench)
    if network.summary.not_counted:
        st.warning(escape(
            say("Not counted, for want of a rule: {layers}. Of their costs the totals have the "
                "multiply-adds that PyTorch's own counter finds, and nothing else.",
                layers=tables.not_counted(network.summary))))


def _as_in(network: Explored) -> str:
    """What the figures are compared with, in words; "" where there is nothing."""
    config = network.source.config
    if config is None:
        return ""
    return say("as in the preset") if isinstance(config, Config) else \
        say("as in {library}", library=config.network.partition(":")[0])


def _field(network: Explored, same: str) -> None:
    """The receptive field, where windows slide over what the network is given."""
    now, then = network.summary, (network.preset or network).summary
    if (image := fields.image(now)) is None:
        st.metric(str(FIELD), "–", say("not known"), delta_color="off", delta_arrow="off",
                  border=True,
                  help=text.sentences([HELP[FIELD], say("Here it is not known of any layer.")]))
        return
    shown = f"{now.totals.receptive_field:,}{image.unit}"
    figure(FIELD, shown, now.totals.receptive_field, then.totals.receptive_field,
           str(fields.BEFORE_MIXING) if fields.mixes(now) else
           same or say("of {image}", image=image.words),
           say("{size}, of {image}", size=shown, image=image.words))


def figure(label: Text, shown: str, now: int, then: int, same: str, exact: str = "") -> None:
    """One figure, with its change, or with `same` where there is none; its tooltip has the `exact`
    value."""
    change = text.change(now, then)
    said = text.against_preset(now, then) if text.part(now, then) else change
    exact = exact or f"{now:,}"
    st.metric(
        str(label), shown, said or same, delta_color="off", border=True,
        delta_arrow="off" if change is None else "up" if now > then else "down",
        help=text.sentences([HELP[label], say(
            "Exactly {exact}; the preset has {preset}.", exact=exact, preset=f"{then:,}")
            if change else say("Exactly {exact}.", exact=exact)]))
