"""Every page and every preset, without a browser."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NoReturn

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import SelectSlider

import explorer
from explorer import text
from explorer.config import knobs_of
from tests.kinds import KINDS

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("*.py"))


def open_app(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def knob_key(app: AppTest, name: str, position: int | None = None) -> str:
    place = "" if position is None else f"-{position}"
    return f"knob-{name}{place}-{app.session_state['panel']['renewed']}"


def figure(app: AppTest, label: str) -> str:
    return next(metric.value for metric in app.metric if metric.label == label)


def warnings(app: AppTest) -> str:
    return " ".join(warning.value for warning in app.warning)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str) -> None:
    app = open_app().switch_page(page).run()
    assert not app.exception and not app.error


@pytest.mark.parametrize("network", KINDS)
def test_every_kind_of_preset_shows_its_figures(network: str) -> None:
    app = open_app(network=network)
    assert not app.exception and not app.error and not app.warning
    totals = explorer.summarise(explorer.configure(network)).totals
    assert figure(app, "Parameters") == text.short(totals.params)
    assert figure(app, "Multiply-adds") == text.short(totals.macs)
    assert len(app.dataframe[0].value) == totals.layers
    assert app.query_params["network"] == network


@pytest.mark.parametrize("network", KINDS)
def test_every_knob_has_a_widget_with_its_help(network: str) -> None:
    app = open_app(network=network)
    config = explorer.configure(network)
    for name, knob in knobs_of(type(config)).items():
        if knob.kind == "counts":
            assert [app.get_by_key(knob_key(app, name, i)).value
                    for i in range(len(config.stages))] == list(config.blocks)
        else:
            widget = app.get_by_key(knob_key(app, name))
            assert widget.value == getattr(config, name)
            assert widget.help.startswith(knob.help)


@pytest.mark.parametrize("page", PAGES)
def test_widgets_start_at_their_value(page: str) -> None:
    """A value that the session writes is sent once, and a run that follows at once drops it: the
    browser would then show, and report, the first network and the lowest width."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in {"network": "vgg11", "width": "0.5", "blocks": "1-2-2-2-1", "table": "vgg19",
                        "level": "stage", "overlay": "params", "direction": "TB",
                        "shapes": "off"}.items():
        app.query_params[name] = value
    app.switch_page(page).run()
    widgets = [*app.selectbox, *app.select_slider, *app.number_input, *app.toggle,
               *app.button_group]
    assert not any(widget.proto.set_value for widget in widgets)
    for box in app.selectbox:
        assert box.options[box.proto.default] == box.proto.options[box.index]
    for widget in (*app.select_slider, *app.number_input):
        start = widget.proto.default
        if isinstance(widget, SelectSlider):        # a position
            start = float(widget.options[int(start[0])])
        assert start == widget.value


def test_a_knob_changes_every_figure_and_the_address() -> None:
    app = open_app()
    before = {label: figure(app, label) for label in ("Parameters", "Multiply-adds", "Peak memory")}
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    totals = explorer.summarise(explorer.configure("resnet50", width=0.5)).totals
    assert figure(app, "Parameters") == text.short(totals.params)
    assert all(figure(app, label) != value for label, value in before.items())
    assert dict(app.query_params) == {"network": "resnet50", "width": "0.5"}
    assert app.dataframe[0].value["params"].sum() == totals.params


def test_the_change_against_the_preset_stands_beside_the_figure() -> None:
    app = open_app(network="resnet50", width="0.5")
    metric = next(metric for metric in app.metric if metric.label == "Multiply-adds")
    assert metric.delta == text.change(
        explorer.summarise(explorer.configure("resnet50", width=0.5)).totals.macs, 4_089_184_256)


def test_a_link_opens_what_it_says() -> None:
    app = open_app(network="mobilenetv3_large", width="0.75", blocks="1-2-3-4-2-4",
                   se_reduction="8")
    config = explorer.configure("mobilenetv3_large", width=0.75, blocks=(1, 2, 3, 4, 2, 4),
                                se_reduction=8)
    assert not app.warning
    assert figure(app, "Parameters") == text.short(explorer.summarise(config).totals.params)


@pytest.mark.parametrize(("query", "said"), [
    ({"network": "resnet50", "width": "9"}, "between 0.125 and 4"),
    ({"network": "resnet50", "width": "wide"}, "`width`"),
    ({"network": "resnet50", "nonsense": "1"}, "nonsense"),
    ({"network": "resnet5"}, "resnet50"),
    ({"network": "resnet50", "blocks": "3-4"}, "`blocks`"),
    ({"network": "vgg16", "block": "basic"}, "block"),
    ({"network": "resnet50", "block": "basic", "groups": "4"}, "`groups`"),
])
def test_a_link_with_a_bad_value_opens_and_says_so(query: dict[str, str], said: str) -> None:
    app = open_app(**query)
    assert not app.exception and not app.error
    assert said in warnings(app).replace("\\", "")
    assert figure(app, "Parameters") != "–"


def test_the_message_about_a_link_goes_when_a_knob_is_turned() -> None:
    app = open_app(network="resnet50", width="9")
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert not app.warning


def test_an_input_too_small_says_where_and_offers_the_smallest_that_works() -> None:
    app = open_app(network="inception_v3", input_size="20")
    assert not app.exception
    assert "75" in app.error[0].value and "pool2" in app.error[0].value
    app.button(key="way-out").click().run()
    assert not app.error
    assert app.query_params["input_size"] == "75"


def test_knobs_that_do_not_go_together_keep_the_network_before() -> None:
    app = open_app(network="resnet50", groups="32", width_per_group="4")
    before = figure(app, "Parameters")
    app.selectbox(key=knob_key(app, "block")).set_value("basic").run()
    assert "groups" in app.error[0].value
    assert figure(app, "Parameters") == before
    app.selectbox(key=knob_key(app, "block")).set_value("bottleneck").run()
    assert not app.error and figure(app, "Parameters") == before


def test_another_network_starts_from_its_preset() -> None:
    app = open_app(network="resnet50", width="0.5")
    app.selectbox(key=f"network-{app.session_state['panel']['opened']}").set_value("vgg11").run()
    assert figure(app, "Parameters") == "133 M"
    assert dict(app.query_params) == {"network": "vgg11"}


def test_reset_puts_every_knob_back() -> None:
    app = open_app(network="resnet50", width="0.5", blocks="1-1-1-1")
    next(button for button in app.button if button.label == "Reset").click().run()
    assert dict(app.query_params) == {"network": "resnet50"}
    assert figure(app, "Parameters") == "25.6 M"


def test_the_config_survives_a_look_at_another_page() -> None:
    app = open_app(network="resnet50", width="0.5")
    app.switch_page("pages/catalogue.py").run()
    app.query_params.clear()
    app.switch_page("pages/explore.py").run()
    assert not app.exception
    assert app.select_slider(key=knob_key(app, "width")).value == 0.5


def test_the_search_keeps_the_layers_that_match() -> None:
    app = open_app(network="resnet18")
    app.text_input(key="layer-search").set_value("stage3 conv2d").run()
    shown = app.dataframe[0].value
    assert len(shown) and set(shown["type"]) == {"Conv2d"}
    assert shown["path"].str.startswith("stage3").all()
    app.text_input(key="layer-search").set_value("no such layer (.*").run()
    assert not app.exception and app.dataframe[0].value.empty


def test_a_forward_pass_that_would_not_fit_is_refused_with_both_figures() -> None:
    app = open_app(network="vgg19", batch_size="4096", input_size="2048")
    assert not app.exception and not app.error
    next(button for button in app.button if button.label.startswith("Time it")).click().run()
    assert not app.exception
    assert app.error[0].value.count("GB") == 2 and "batch_size" in app.error[0].value


def test_a_long_forward_pass_waits_for_a_click() -> None:
    app = open_app(network="vgg19", batch_size="64", input_size="512")
    assert any(button.label.startswith("Time it: about") for button in app.button)


def opened_layer(app: AppTest) -> str | None:
    """The heading of the derivation that is open."""
    return next((markdown.value.replace("\\", "") for markdown in app.markdown
                 if markdown.value.startswith("#### Layer")), None)


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_a_link_opens_the_derivation_of_a_layer() -> None:
    app = open_app(network="resnet50", width="0.5", layer="3")
    assert not app.exception and not app.warning
    assert opened_layer(app) == "#### Layer 3: stem.pool"
    assert dict(app.query_params) == {"network": "resnet50", "width": "0.5", "layer": "3"}
    formulas = " ".join(markdown.value for markdown in app.markdown)
    assert r"\left\lfloor \frac{112 + 2 \cdot 1" in formulas
    assert "**Element-wise operations: 903,168**" in formulas


def test_without_a_layer_its_place_says_how_to_choose_one() -> None:
    app = open_app(network="resnet50")
    assert opened_layer(app) is None
    assert any("choose rows of the table" in caption.value for caption in app.caption)


@pytest.mark.parametrize("layer", ["175", "-1", "stem", "", "1.5"])
def test_a_link_with_a_layer_that_is_none_opens_and_says_so(layer: str) -> None:
    app = open_app(network="resnet50", width="0.5", layer=layer)
    assert not app.exception and not app.error
    assert "0 to 174" in warnings(app)
    assert opened_layer(app) is None
    assert dict(app.query_params) == {"network": "resnet50", "width": "0.5"}
    app.select_slider(key=knob_key(app, "width")).set_value(0.75).run()
    assert not app.warning


def test_previous_next_and_close() -> None:
    app = open_app(network="vgg11", layer="0")
    assert next(button for button in app.button if button.label == "Previous").disabled
    assert opened_layer(press(app, "Next")) == "#### Layer 1: stage1.conv1.act"
    assert dict(app.query_params) == {"network": "vgg11", "layer": "1"}
    assert opened_layer(press(app, "Previous")) == "#### Layer 0: stage1.conv1.conv"
    assert opened_layer(press(app, "Close")) is None
    assert dict(app.query_params) == {"network": "vgg11"}


def test_a_knob_keeps_the_layer_while_there_is_one() -> None:
    app = open_app(network="resnet50", layer="170")
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert opened_layer(app) == "#### Layer 170: stage4.2.add"
    app.select_slider(key=knob_key(app, "depth")).set_value(0.5).run()
    assert opened_layer(app) is None and not app.warning
    assert "layer" not in app.query_params


def test_the_layer_is_no_part_of_the_config() -> None:
    app = open_app(network="resnet50", layer="3")
    assert next(button for button in app.button if button.label == "Reset").disabled
    assert app.session_state["panel"]["config"] == {"network": "resnet50"}


def test_the_layer_survives_a_look_at_another_page() -> None:
    app = open_app(network="resnet50", layer="3")
    app.switch_page("pages/catalogue.py").run()
    app.query_params.clear()
    app.switch_page("pages/explore.py").run()
    assert opened_layer(app) == "#### Layer 3: stem.pool"


def test_the_figures_of_other_tools_are_there_once_they_are_opened() -> None:
    app = open_app(network="mobilenetv3_small")
    assert "torchsummary" not in str([markdown.value for markdown in app.markdown])
    app.session_state["other-tools"] = True
    app.run()
    assert not app.exception
    said = " ".join(markdown.value for markdown in app.markdown)
    shown = next(frame.value for frame in app.dataframe if "Tool" in frame.value)
    for tool in ("torchinfo", "torchsummary", "thop", "fvcore", "ptflops"):
        assert f"**{tool}**" in said and tool in set(shown["Tool"])
    assert "4 for each output" in said and "4 × 1,412,768" in said


def test_a_graph_too_large_to_be_shown_says_so_and_offers_a_smaller_one() -> None:
    runs = ",".join(f"run:stage{number}.1" for number in range(1, 5))
    app = open_app(network="resnet152", depth="4", blocks="64-64-64-64", level="layer",
                   toggled=runs)
    nodes = explorer.summarise(explorer.configure(
        "resnet152", depth=4, blocks=(64, 64, 64, 64))).totals.layers
    assert f"This graph has {nodes:,} nodes" in app.warning[0].value
    [above] = [button for button in app.button if button.label == "Show layers alone"]
    above.click().run()
    assert not app.warning and not app.exception
    assert app.query_params["level"] in ("layer", ["layer"]) and "toggled" not in app.query_params


@pytest.mark.parametrize("part", [
    "figures.row", "graph.section", "layers.table", "derivation.section", "other_tools.section",
    "memory.section", "receptive_field.section", "timing.section", "where_it_sits.charts",
    "graph.begin", "calls.explored", "calls.source"])
def test_whatever_fails_the_knobs_and_the_way_back_stand(
        part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise StopIteration("something of ours")

    module, name = part.split(".")
    with monkeypatch.context() as broken:
        broken.setattr(importlib.import_module(f"explorer.ui.{module}"), name, fail)
        app = open_app(network="vgg11", width="0.5")
        assert not app.exception
        [error] = [one.value for one in app.error]
        assert "cannot be shown" in error and "something of ours" not in error
        assert "something of ours" in caplog.text
        assert app.sidebar.number_input and app.query_params == {
            "network": "vgg11", "width": "0.5"}
    app.button(key="reset").click().run()
    assert not app.exception and not app.error
    assert app.query_params == {"network": "vgg11"}


def test_a_network_beyond_all_prefixes_is_shown() -> None:
    app = open_app(network="vgg16", width="4", depth="4", input_size="4096", batch_size="4096")
    assert not app.exception and not app.error and app.sidebar.number_input
    app.button(key="reset").click().run()
    assert not app.exception and app.query_params == {"network": "vgg16"}


@pytest.mark.parametrize("count", [14_000, 40_000])
def test_unknown_parts_of_a_link_are_told_in_short(count: int) -> None:
    app = open_app(network="vgg11", toggled=",".join(f"x{one}" for one in range(count)))
    said = warnings(app)
    assert f"{count - 5:,} more" in said and len(said) < 2000


def test_a_link_of_many_unknown_parameters_is_told_in_short() -> None:
    said = warnings(open_app(network="vgg11", **{f"x{one}": "1" for one in range(900)}))
    assert "892 more are not shown." in said and len(said) < 4000
