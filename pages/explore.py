"""One network with its knobs turned: figures, graph, layers, charts, memory, timing."""

import streamlit as st

from explorer.config import ConfigError
from explorer.ui import (
    calls,
    choice,
    controls,
    derivation,
    figures,
    graph,
    layers,
    memory,
    messages,
    other_tools,
    receptive_field,
    timing,
    where_it_sits,
)
from explorer.ui.panel import Panel
from explorer.ui.sending import wait_until_sent

panel = Panel()
with st.spinner("Opening the network …"):      # shown where that takes longer than a moment
    panel.open_address()
    refused, config = panel.take_widgets(), panel.config
    try:
        source = calls.source(config)
        timing.keep_up(panel, source)
        network = calls.explored(source)
    except ConfigError as error:
        panel.write_address()
        figures.title(panel, config, choice.shown(config.network))
        messages.set_aside(panel.set_aside)
        messages.cannot_open(error)
        controls.sidebar(panel, config)
        st.stop()
bench = timing.bench(panel, network)
selected, view = derivation.opened(panel, network), graph.opened(panel, network)
svg = graph.begin(network, view, bench)
panel.write_address()

# The page is sent in pieces, first what a knob changes and last what a browser takes longest to
# draw: what comes together it draws together, and nothing else moves until it has.
figures.title(panel, config, network.title)
messages.set_aside(panel.set_aside)
messages.cannot_take(refused)

if network.failure:
    messages.cannot_run(network.failure)
    controls.way_out(panel, network.failure)
    graph.section(panel, network, view, svg, selected, bench)
    controls.sidebar(panel, config)
    st.stop()

figures.row(network, bench)

st.subheader("Graph", anchor="graph")
graph.section(panel, network, view, svg, selected, bench)
wait_until_sent()
controls.sidebar(panel, config)
wait_until_sent()

st.subheader("Layers", anchor="layers")
layers.table(panel, network, selected, bench.layer_times)
derivation.section(panel, network, selected)
wait_until_sent()

other_tools.section(panel, network)

st.subheader("Where it sits", anchor="charts")
charts = st.container(gap=None)

st.subheader("Memory and receptive field", anchor="memory")
memory.section(panel, network)
receptive_field.section(panel, network)

st.subheader("Timed passes", anchor="timing")
timing.section(bench)

where_it_sits.charts(charts, panel, network, bench.layer_seconds)
