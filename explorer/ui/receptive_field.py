"""How much of the image each call can see, over depth."""

from __future__ import annotations

import streamlit as st

from explorer.analysis import Summary
from explorer.views import charts


def section(found: Summary) -> None:
    """Closed until somebody opens it, and until then nothing of it is computed."""
    with st.expander("Receptive field over depth", on_change="rerun", key="field") as box:
        if not box.open:
            return
        side = found.trace.input_shape[-1]
        seeing = [layer for layer in found.layers if layer.receptive_field]
        grown = next((layer for layer in seeing if layer.receptive_field and
                      layer.receptive_field.outgrows(found.trace.input_shape)), None)
        st.plotly_chart(charts.field_over_depth(found), key="field-over-depth",
                        config={"displayModeBar": False})
        st.caption(
            "The pixels that one position of each output can see, along the largest path through "
            "branches and shortcuts. " +
            (f"From {grown.path} on it is larger than the image of {side:,} pixels: what it adds "
             "there is padding." if grown else
             f"It stays within the image of {side:,} pixels to the end."))
