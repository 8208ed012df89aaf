"""Every preset with its figures."""

import streamlit as st

from explorer.ui.calls import catalogue

st.subheader("Catalogue", anchor=False)
st.caption("Every network as its paper, or torchvision, has it, at its own input size. Open one to "
           "turn its knobs.")
frame = catalogue().assign(open=lambda frame: "./?network=" + frame["network"])
st.dataframe(
    frame, hide_index=True, height="content", alt="Presets with their figures",
    column_order=["title", "open", "params", "macs", "peak_activation_bytes", "receptive_field",
                  "layers", "input_size", "source"],
    column_config={
        "title": st.column_config.TextColumn("Network", pinned=True),
        "open": st.column_config.LinkColumn("Open", display_text="Open"),
        "params": st.column_config.NumberColumn("Parameters", format="localized"),
        "macs": st.column_config.NumberColumn("Multiply-adds", format="localized"),
        "peak_activation_bytes": st.column_config.NumberColumn("Peak memory, bytes",
                                                               format="localized"),
        "receptive_field": st.column_config.NumberColumn("Receptive field, px",
                                                         format="localized"),
        "layers": st.column_config.NumberColumn("Layers"),
        "input_size": st.column_config.NumberColumn("Input, px"),
        "source": st.column_config.TextColumn("Source", width="large"),
    })
