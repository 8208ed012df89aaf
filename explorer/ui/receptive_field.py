"""How much of the image each call can see, over depth."""

from __future__ import annotations

import streamlit as st

from explorer import text
from explorer.language import say
from explorer.pipeline import Explored
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import charts, fields


def section(panel: Panel, network: Explored) -> None:
    """Closed until somebody opens it, and until then nothing of it is computed."""
    with st.expander(say("Receptive field over depth"), on_change="rerun",
                     key=panel.widget("field")) as box:
        if not box.open:
            return
        if fields.image(network.summary):
            st.plotly_chart(charts.field_over_depth(network.summary),
                            key=panel.widget("field-over-depth"),
                            config={"displayModeBar": False})
        st.caption(escape(text.sentences(fields.sentences(network.summary))))
