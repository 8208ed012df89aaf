"""One network with its knobs turned: figures, graph, layers, charts, memory, timing."""

import streamlit as st

from explorer.analysis import Summary
from explorer.ui import (
    controls,
    derivation,
    figures,
    graph,
    layers,
    memory,
    other_tools,
    receptive_field,
    state,
    timing,
    where_it_sits,
)
from explorer.ui.calls import summary
from explorer.ui.messages import cannot_run, cannot_take, send, set_aside

state.open_address()
refused = state.take_widgets()
key = state.key()
timing.keep_up()
found = summary(key)
selected, view = derivation.opened(found), graph.opened(key)
graph.begin(key, view)
state.write_address()

# The page is sent in pieces, first what a knob changes and last what a browser takes longest to
# draw: what comes together it draws together, and nothing else moves until it has.
figures.title()
set_aside(state.set_aside())
cannot_take(refused)

if not isinstance(found, Summary):
    cannot_run(found)
    graph.section(key, view)
    controls.sidebar()
    st.stop()

figures.row(found)
seconds = timing.layer_seconds()

st.subheader("Graph", anchor="graph")
graph.section(key, view, selected, seconds)
send()
controls.sidebar()
send()

st.subheader("Layers", anchor="layers")
layers.table(key, found, selected, seconds)
derivation.panel(found, selected)
send()

other_tools.section(key, found)

st.subheader("Where it sits", anchor="charts")
charts = st.container(gap=None)

st.subheader("Memory and receptive field", anchor="memory")
memory.section(key, found)
receptive_field.section(found)

st.subheader("Timed passes", anchor="timing")
timing.section(found)

where_it_sits.charts(charts, key, seconds)
