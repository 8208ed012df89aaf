"""How much of the image each call can see, over depth."""

from __future__ import annotations

import streamlit as st

from explorer.pipeline import Explored
from explorer.ui.panel import Panel
from explorer.views import charts


def section(panel: Panel, network: Explored) -> None:
    """Closed until somebody opens it, and until then nothing of it is computed."""
    with st.expander("Receptive field over depth", on_change="rerun",
                     key=panel.widget("field")) as box:
        if not box.open:
            return
        shape, summary = network.source.input_shape, network.summary
        side = shape[-1]
        grown = next((layer for layer in summary.layers if layer.receptive_field and
                      layer.receptive_field.outgrows(shape)), None)
        st.plotly_chart(charts.field_over_depth(summary), key=panel.widget("field-over-depth"),
                        config={"displayModeBar": False})
        st.caption(
            "The pixels that one position of each output can see, along the largest path through "
            "branches and shortcuts. " +
            (f"From {grown.path} on it is larger than the image of {side:,} pixels: what it adds "
             "there is padding." if grown else
             f"It stays within the image of {side:,} pixels to the end."))
