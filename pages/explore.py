"""One network with its knobs turned: figures, graph, layers, charts, memory, timing."""

from explorer.ui.start import within_app  # isort: split

import streamlit as st

from explorer.language import say
from explorer.ui import (
    calls,
    choice,
    controls,
    derivation,
    exports,
    figures,
    graph,
    layers,
    memory,
    messages,
    other_tools,
    receptive_field,
    timing,
    welcome,
    where_it_sits,
)
from explorer.ui.headings import section
from explorer.ui.messages import standing
from explorer.ui.panel import Panel
from explorer.ui.sending import wait_until_sent

within_app()
panel = Panel()
welcome.app_name(panel)
with st.spinner(say("Opening the network …")):     # shown where that takes longer than a moment
    panel.open_address()
    refused, config = panel.take_widgets(), panel.config
    try:
        source = calls.source(config)
        timing.keep_up(panel, source)
        network = calls.explored(source)
        bench = timing.bench(panel, source)
        selected, view = derivation.opened(panel, network), graph.opened(panel, network)
        svg, said = graph.begin(panel, network, view, bench), welcome.opened(panel, network)
    except Exception as error:      # whatever it is, the knobs and the way back stand
        panel.write_address()
        figures.title(panel, config, choice.shown(config.network))
        messages.set_aside(panel.set_aside)
        messages.cannot_open(error)
        controls.sidebar(panel, config)
        st.stop()
panel.write_address()

# The page is sent in pieces, first what a knob changes and last what a browser takes longest to
# draw: what comes together it draws together, and nothing else moves until it has.
with figures.title(panel, config, network.title), standing(say("The export")):
    exports.of_network(panel, network, view, bench)
messages.set_aside(panel.set_aside)
messages.cannot_take(refused)

if network.failure:
    messages.cannot_run(network.failure)
    controls.way_out(panel, network.failure)
    with standing(say("The graph")):
        graph.section(panel, network, view, svg, selected, bench)
    controls.sidebar(panel, config)
    st.stop()

with standing(say("The head of the page")):
    welcome.begin(panel, said)
    figures.row(network, bench)

section(say("Graph"),
        say("What is it built of, in which order, and where do its ways part and meet?"), "graph")
with standing(say("The graph")):
    graph.section(panel, network, view, svg, selected, bench)
wait_until_sent()
controls.sidebar(panel, config, network)
wait_until_sent()

section(say("Layers"),
        say("What does each operation give out, and what does it cost? Choose a row to see how "
            "its figures come about."), "layers")
with standing(say("The table of layers")):
    layers.table(panel, network, selected, bench.layer_times)
with standing(say("The derivation")):
    derivation.section(panel, network, selected)
wait_until_sent()
with standing(say("The comparison with other tools")):
    other_tools.section(panel, network)

section(say("Where it sits"),
        say("Which blocks hold the parameters, do the multiply-adds and fill the memory, and with "
            "which kind of operation?"), "charts")
charts = st.container(gap=None)

section(say("Memory and receptive field"),
        say("How much memory does a pass need at each moment, and how much of the image does a "
            "position see?"), "memory")
with standing(say("Memory and receptive field")):
    memory.section(panel, network)
    receptive_field.section(panel, network)

section(say("Timed passes"),
        say("How long does a forward pass really take on this machine, and why?"), "timing")
with standing(say("The timed passes")):
    timing.section(bench)

with standing(say("The charts")):
    where_it_sits.charts(charts, panel, network, bench.layer_seconds)
