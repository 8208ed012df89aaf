"""One network with its knobs turned: figures, graph, layers, charts, memory, timing."""

import streamlit as st

from explorer.analysis import Summary
from explorer.ui import (
    controls,
    derivation,
    figures,
    layers,
    memory,
    other_tools,
    receptive_field,
    state,
    timing,
)
from explorer.ui.calls import block_graph, summary, where_it_sits
from explorer.ui.graph import graph
from explorer.ui.messages import cannot_run, cannot_take, set_aside
from explorer.views.layout import LayoutError

state.open_address()
controls.sidebar()
refused = state.take_widgets()
key = state.key()
found = summary(key)
layer = derivation.opened(found)
state.write_address()

figures.title()
set_aside(state.set_aside())
cannot_take(refused)

if not isinstance(found, Summary):
    cannot_run(found)
    st.stop()

figures.row(found)
figures.send()

st.subheader("Blocks", anchor="blocks")
try:
    graph(block_graph(key), f"Block graph of {key}", key="block-graph")
except LayoutError as error:
    st.warning(str(error))

st.subheader("Layers", anchor="layers")
layers.table(key, found, layer)
derivation.panel(found, layer)

other_tools.section(key, found)

st.subheader("Where it sits", anchor="charts")
st.plotly_chart(where_it_sits(key), key="where-it-sits", config={"displayModeBar": False})

st.subheader("Memory and receptive field", anchor="memory")
memory.section(key, found)
receptive_field.section(found)

st.subheader("Timed forward pass", anchor="timing")
timing.details(found)
