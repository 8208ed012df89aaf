"""Two networks on one page, each with its own widgets, view, selection and measurements."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer import text

OPEN = ("other-tools", "memory", "field", "timing-why", "timing-batches", "export")
"""What is closed at first."""


def page() -> None:
    """Every section of two networks, as the Explore page has them for one."""
    import streamlit as st

    from explorer.networks.catalogue import configure
    from explorer.sources import source_of
    from explorer.ui import (
        calls,
        controls,
        derivation,
        exports,
        figures,
        graph,
        layers,
        memory,
        other_tools,
        receptive_field,
        timing,
        where_it_sits,
    )
    from explorer.ui.panel import Panel

    for name, preset in (("left", "resnet18"), ("right", "mobilenetv3_small")):
        panel = Panel(name)
        panel.start(configure(preset, input_size=64))
        panel.take_widgets()
        source = source_of(panel.config)
        timing.keep_up(panel, source)
        network = calls.explored(source)
        bench = timing.bench(panel, source)
        selected, view = derivation.opened(panel, network), graph.opened(panel, network)
        with st.container(key=name):
            svg = graph.begin(panel, network, view, bench)
            with figures.title(panel, panel.config, network.title):
                exports.of_network(panel, network, view, bench)
            figures.row(network, bench)
            graph.section(panel, network, view, svg, selected, bench)
            controls.sidebar(panel, panel.config)
            layers.table(panel, network, selected, bench.layer_times)
            derivation.section(panel, network, selected)
            other_tools.section(panel, network)
            memory.section(panel, network)
            receptive_field.section(panel, network)
            timing.section(bench)
            where_it_sits.charts(st.container(), panel, network, bench.layer_seconds)


def opened() -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    for name in ("left", "right"):
        for box in OPEN:
            app.session_state[f"{name}:{box}"] = True
    app.run()
    assert not app.exception
    return app


def seen(app: AppTest, name: str) -> dict[str, Any]:
    """What stands in a panel, but for what is measured."""
    place = app.container(key=name)
    return {
        "title": place.title[0].value,
        "figures": [(metric.label, metric.value, metric.delta) for metric in place.metric[:4]],
        "layers": place.dataframe[0].value.to_csv(),
        "derivation": [markdown.value for markdown in place.markdown
                       if markdown.value.startswith("####")],
        "graph": next(shown.proto.json for shown in place.get("bidi_component")
                      if shown.proto.component_name == "network_graph"),
        "widgets": {widget.key: widget.value
                    for widget in (*place.toggle, *place.selectbox, *place.text_input)},
        "page": dict(app.session_state[f"{name}:panel"]["page"]),
    }


def knob(app: AppTest, name: str, knob: str) -> str:
    return f"{name}:knob-{knob}-{app.session_state[f'{name}:panel']['renewed']}"


def test_two_networks_stand_on_one_page() -> None:
    app = opened()
    left, right = seen(app, "left"), seen(app, "right")
    assert (left["title"].split(" · ")[0], right["title"].split(" · ")[0]) == (
        "ResNet-18", "MobileNetV3-Small")
    for name, preset in (("left", "resnet18"), ("right", "mobilenetv3_small")):
        totals = explorer.summarise(explorer.configure(preset, input_size=64)).totals
        place = app.container(key=name)
        assert place.metric[1].value == text.short(totals.macs)
        assert len(place.dataframe[0].value) == totals.layers
    assert "BasicBlock" in left["graph"] and "InvertedResidual" in right["graph"]


def test_a_knob_of_one_leaves_the_other_as_it_was() -> None:
    app = opened()
    left, right = seen(app, "left"), seen(app, "right")
    app.select_slider(key=knob(app, "left", "width")).set_value(0.5).run()
    assert not app.exception
    totals = explorer.summarise(explorer.configure("resnet18", input_size=64, width=0.5)).totals
    assert app.container(key="left").metric[0].value == text.short(totals.params)
    assert seen(app, "left")["graph"] != left["graph"]
    assert seen(app, "right") == right
    app.button(key="left:reset").click().run()
    assert app.session_state["left:panel"]["config"] == {"network": "resnet18"}
    assert seen(app, "right") == right


def test_the_graph_and_the_selection_of_one_leave_the_other_as_they_were() -> None:
    app = opened()
    left, right = seen(app, "left"), seen(app, "right")
    level = f"right:graph-level-{app.session_state['right:panel']['opened']}-0"
    app.get_by_key(level).set_value("stage").run()
    assert seen(app, "right")["graph"] != right["graph"] and seen(app, "left") == left
    right = seen(app, "right")

    app.session_state["left:panel"]["page"] = {"layer": "3", "toggled": "stage:stage2"}
    app.run()
    assert seen(app, "left")["derivation"] == ["#### Layer 3: stem.pool"]
    assert seen(app, "left")["graph"] != left["graph"] and seen(app, "right") == right
    app.button(key="left:layer-next").click().run()
    assert app.session_state["left:panel"]["page"]["layer"] == "4"
    assert seen(app, "right") == right


@pytest.mark.usefixtures("live")
def test_each_measures_with_its_own_choices() -> None:
    app = opened()
    app.selectbox(key="left:timing-dtype").set_value("bfloat16").run()
    app.run()
    wishes = {name: app.session_state[f"{name}:wanted"].wishes["pass"]
              for name in ("left", "right")}
    assert wishes["left"].keys == ("resnet18&input_size=64",)
    assert wishes["right"].keys == ("mobilenetv3_small&input_size=64",)
    assert (wishes["left"].choices.dtype, wishes["right"].choices.dtype) == ("bfloat16", "float32")
