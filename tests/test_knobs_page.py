"""The widgets of the knobs: what a link may hold they show, and can be set to, by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from explorer.config import Config, Knobs, knobs_of
from explorer.networks.catalogue import configure, find_preset, presets
from explorer.sources.key import default_config, to_query
from explorer.ui.panel import FIELD
from strategies import configs


def page() -> None:
    """A panel with its address and its sidebar alone, which is quick."""
    from explorer.ui import controls, messages
    from explorer.ui.panel import Panel

    panel = Panel()
    panel.open_address()
    messages.cannot_take(panel.take_widgets())
    panel.write_address()
    controls.sidebar(panel, panel.config)


def open_link(query: dict[str, str]) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def key(app: AppTest, name: str, part: int | str | None = None) -> str:
    """The key of a widget as it is on the page now."""
    place = name if part is None else f"{name}-{part}"
    held = app.session_state["panel"]
    return f"knob-{place}-{held['renewed'] + held['followed'].get(place, 0)}"


def parts(config: Knobs, name: str) -> list[int | str | None]:
    """The widgets of a knob that take every value that it allows."""
    match knobs_of(type(config))[name].kind:
        case "counts":
            return list(range(len(getattr(config, name))))
        case "float":
            return [FIELD]
        case _:
            return [None]


def shown(app: AppTest, config: Knobs) -> Knobs:
    """The config that the widgets show."""
    values: dict[str, Any] = {}
    for name, knob in knobs_of(type(config)).items():
        each = [app.get_by_key(key(app, name, part)).value for part in parts(config, name)]
        values[name] = tuple(each) if knob.kind == "counts" else each[0]
        if knob.kind == "float":
            assert app.select_slider(key=key(app, name)).value == values[name]
    return default_config(config.network).replace(**values)


@settings(max_examples=25)
@given(configs(small=False))
@example(configure("vgg11", width=math.nextafter(1, 2), depth=0.12500000000000003, dropout=1e-9))
def test_the_widgets_show_what_a_link_holds(config: Config) -> None:
    app = open_link(to_query(config))
    assert shown(app, config) == config
    assert shown(app.run(), config) == config
    assert dict(app.query_params) == to_query(config)


@settings(max_examples=25)
@given(configs(small=False))
def test_the_widgets_can_be_set_to_what_a_link_may_hold(config: Config) -> None:
    app = open_link({"network": config.network})
    for name, knob in knobs_of(type(config)).items():
        value = getattr(config, name)
        for part in parts(config, name):
            app.get_by_key(key(app, name, part)).set_value(
                value[part] if knob.kind == "counts" else value)
    app.run()
    assert not app.exception and not app.error
    assert dict(app.query_params) == to_query(config)
    assert shown(app, config) == config


STEP = st.tuples(st.just(FIELD), st.floats(0.125, 4)) | st.tuples(
    st.none(), st.sampled_from(knobs_of(Config)["width"].positions))


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(["width", "depth"]), STEP), min_size=1, max_size=5))
def test_slider_and_field_show_what_either_was_turned_to(
        steps: list[tuple[str, tuple[str | None, float]]]) -> None:
    app, config = open_link({"network": "resnet18"}), find_preset("resnet18").config
    for name, (part, value) in steps:
        turned = app.get_by_key(key(app, name, part))
        turned.set_value(value).run()
        config = config.replace(**{name: value})
        assert shown(app, config) == config
        assert dict(app.query_params) == to_query(config)
        # What was turned stays the same widget: the keyboard stays in it.
        assert app.get_by_key(key(app, name, part)).id == turned.id


def test_a_slider_follows_its_field_where_the_value_is_refused() -> None:
    app = open_link({"network": "resnet50", "groups": "32", "width_per_group": "4"})
    app.selectbox(key=key(app, "block")).set_value("basic").run()
    for part, value in ((None, 0.5), (FIELD, 0.7), (None, 2.0), (FIELD, 1.3)):
        app.get_by_key(key(app, "width", part)).set_value(value).run()
        assert "groups" in app.error[0].value
        assert app.select_slider(key=key(app, "width")).value == value
        assert app.number_input(key=key(app, "width", FIELD)).value == value
    app.selectbox(key=key(app, "block")).set_value("bottleneck").run()
    assert not app.error
    assert shown(app, config := configure("resnet50", groups=32, width_per_group=4, width=1.3)) \
        == config


def test_reset_reaches_both_widgets() -> None:
    def with_reset() -> None:
        import streamlit as st

        from explorer.ui import controls
        from explorer.ui.panel import Panel

        panel = Panel()
        panel.open_address()
        panel.take_widgets()
        controls.sidebar(panel, panel.config)
        st.button("Reset", on_click=panel.reset)

    app = AppTest.from_function(with_reset, default_timeout=60).run()
    preset = find_preset("resnet50").config
    for part, value in ((FIELD, 0.7), (None, 0.5)):
        app.get_by_key(key(app, "width", part)).set_value(value).run()
        assert shown(app, preset) == preset.replace(width=value)
        app.button[0].click().run()
        assert shown(app, preset) == preset


@pytest.mark.parametrize("name", ["width", "depth"])
def test_a_position_of_a_multiplier_is_worth_about_the_same_everywhere(name: str) -> None:
    positions = knobs_of(Config)[name].positions
    assert positions[0] == 0.125 and positions[-1] == 4
    assert positions.index(1) == (len(positions) - 1) / 2        # half of the track
    grown = [math.log(after / before) for before, after in pairwise(positions)]
    assert max(grown) < 4 * min(grown)
    assert max(grown) < math.log(1.26)


LABELS = {(name, declared.label) for preset in presets().values()
          for name, declared in knobs_of(type(preset.config)).items()}


@pytest.mark.parametrize(("name", "label"), sorted(LABELS))
def test_labels_are_words(name: str, label: str) -> None:
    assert not {*label.casefold().replace("-", " ").split()} & {
        "num", "in", "aux", "conv", "excite", "norm", "nxn", "lrn", "5x5"}
    assert len([one for one, _ in LABELS if one == name]) == 1 or name == "blocks"
