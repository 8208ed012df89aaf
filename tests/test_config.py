"""Configs check themselves: bounds, names, counts, and the text of every value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from explorer.config import Config, ConfigError, Knob, find_knob, knobs_of, scale_channels
from explorer.networks.catalogue import configure, find_preset, presets
from strategies import values

# One preset a family; the first ResNet has basic blocks, which allow no groups.
NETWORKS = ("vgg16", "resnet50", "xception", "inception_v3", "inception_v3_tutorial",
            "mobilenetv3_large", "mobilenetv3_large_tutorial")
KNOBS = [pytest.param(network, knob, id=f"{network}-{name}") for network in NETWORKS
         for name, knob in knobs_of(type(find_preset(network).config)).items()]
NUMBERS = [param for param in KNOBS if param.values[1].kind in ("int", "float")]
CLOSED = [param for param in KNOBS if param.values[1].kind in ("bool", "choice")]


def test_the_networks_above_stand_for_every_family() -> None:
    assert {type(find_preset(name).config) for name in NETWORKS} \
        == {type(preset.config) for preset in presets().values()}


@pytest.mark.parametrize(("network", "knob"), NUMBERS)
@pytest.mark.parametrize("end", ["low", "high"])
def test_bounds_are_allowed(network: str, knob: Knob, end: str) -> None:
    value = getattr(knob, end)
    assert knob.low < knob.high
    assert getattr(configure(network, **{knob.name: value}), knob.name) == value


@pytest.mark.parametrize(("network", "knob"), NUMBERS)
@pytest.mark.parametrize(("end", "away"), [("low", -1), ("high", 1)])
def test_past_the_bounds_is_refused(network: str, knob: Knob, end: str, away: int) -> None:
    step = away if knob.kind == "int" else away / 1024
    value = getattr(knob, end) + step
    with pytest.raises(ConfigError) as caught:
        configure(network, **{knob.name: value})
    message = str(caught.value)
    assert f"`{knob.name}` must be {knob.rule}" in message
    assert message.endswith(f"got {value!r}.")
    assert caught.value.knob == knob.name


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "wide", None, 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"`width` must be between 0\.125 and 4; got"):
        configure("resnet50", width=value)


@pytest.mark.parametrize(("network", "knob"), CLOSED)
def test_choices_take_their_options_and_nothing_else(network: str, knob: Knob) -> None:
    for option in knob.options or (True, False):
        assert getattr(configure(network, **{knob.name: option}), knob.name) == option
    with pytest.raises(ConfigError) as caught:
        configure(network, **{knob.name: "sideways"})
    assert str(caught.value) == f"`{knob.name}` must be {knob.rule}; got 'sideways'."


def test_messages_say_name_rule_and_value() -> None:
    with pytest.raises(ConfigError) as caught:
        configure("resnet50", width=9)
    assert str(caught.value) == "`width` must be between 0.125 and 4; got 9."
    with pytest.raises(ConfigError) as caught:
        configure("resnet50", blocks=(3, 4, 6, 65))
    assert str(caught.value) == ("`blocks` must be whole numbers from 1 to 64, one for each stage, "
                                 "such as 3,4,6,3; got 65.")


@pytest.mark.parametrize("name", presets())
def test_a_config_is_frozen(name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        find_preset(name).config.width = 0.5
    assert find_preset(name).config.width == 1


@pytest.mark.parametrize(("knob", "near"), [
    ("widht", "width"), ("input", "input_size"), ("group", "groups"), ("shortcuts", "shortcut")])
def test_an_unknown_knob_suggests_near_ones(knob: str, near: str) -> None:
    with pytest.raises(ConfigError, match=rf"resnet50 has no knob '{knob}'. Did you mean .*{near}"):
        configure("resnet50", **{knob: 1})


def test_an_unknown_knob_far_from_all_lists_them_all() -> None:
    with pytest.raises(ConfigError) as caught:
        configure("xception", qqqq=1)
    assert all(name in str(caught.value) for name in knobs_of(type(find_preset("xception").config)))


@pytest.mark.parametrize("knob", ["network", "squeeze_excite"])
def test_knobs_of_other_families_are_unknown(knob: str) -> None:
    with pytest.raises(ConfigError, match="has no knob"):
        find_preset("resnet50").config.replace(**{knob: "vgg16"})


@pytest.mark.parametrize("network", NETWORKS)
def test_a_config_takes_no_fields_it_does_not_declare(network: str) -> None:
    config = find_preset(network).config
    with pytest.raises(ValidationError, match="speed"):
        type(config)(**config.model_dump(), speed=3)


@pytest.mark.parametrize("name", presets())
def test_blocks_has_one_count_a_stage(name: str) -> None:
    config = find_preset(name).config
    assert len(config.blocks) == len(config.stages) == len(set(config.stages))
    for wrong in ((*config.blocks, 1), config.blocks[1:]):
        with pytest.raises(ConfigError, match="`blocks` has one count for each stage") as caught:
            configure(name, blocks=wrong)
        assert f"got {len(wrong)} for the {len(config.stages)} of {name}" in str(caught.value)


@pytest.mark.parametrize("blocks", [(3, 0, 6, 3), (3, 4, 6, 65), (3, 4, 6, 2.5), "3,4,6,3", 3])
def test_bad_counts_are_refused(blocks: Any) -> None:
    with pytest.raises(ConfigError, match="`blocks` must be whole numbers from 1 to 64"):
        configure("resnet50", blocks=blocks)


@pytest.mark.parametrize(("depth", "expected"), [
    (1, (3, 4, 6, 3)), (0.5, (2, 2, 3, 2)), (0.125, (1, 1, 1, 1)), (1.5, (5, 6, 9, 5)),
    (4, (12, 16, 24, 12))])
def test_depth_rounds_up(depth: float, expected: tuple[int, ...]) -> None:
    assert configure("resnet50", depth=depth).scaled_blocks == expected


@pytest.mark.parametrize("knob", ["groups", "width_per_group"])
def test_basic_blocks_have_no_groups(knob: str) -> None:
    with pytest.raises(ConfigError, match=f"`{knob}` must be .* where `block` is basic; got 2"):
        configure("resnet18", **{knob: 2})
    assert getattr(configure("resnet18", block="bottleneck", **{knob: 2}), knob) == 2


@pytest.mark.parametrize(("network", "knob"), KNOBS)
@given(data=st.data())
def test_every_value_survives_its_text(network: str, knob: Knob, data: st.DataObject) -> None:
    value = data.draw(values(knob))
    assert knob.parse(knob.format(value)) == value


@pytest.mark.parametrize(("network", "knob"), KNOBS)
@given(text=st.text())
def test_any_text_is_a_value_or_a_config_error(network: str, knob: Knob, text: str) -> None:
    try:
        configure(network, **{knob.name: knob.parse(text)})
    except ConfigError as error:
        assert knob.name in str(error)


@pytest.mark.parametrize(("network", "name", "text", "value"), [
    ("vgg16", "batch_norm", " On ", True), ("vgg16", "batch_norm", "false", False),
    ("vgg16", "width", "0.5", 0.5), ("resnet50", "blocks", "3,4,23,3", (3, 4, 23, 3)),
    ("resnet50", "blocks", "3-4-23-3", (3, 4, 23, 3)), ("resnet50", "output_stride", "8", 8),
    ("resnet50", "shortcut", "a", "A"), ("resnet50", "input_size", "96", 96)])
def test_text_as_people_write_it(network: str, name: str, text: str, value: Any) -> None:
    assert find_knob(find_preset(network).config, name).parse(text) == value


@pytest.mark.parametrize(("name", "text"), [
    ("width", "half"), ("input_size", "1_000"), ("input_size", "٣٢"), ("input_size", "2e2"),
    ("input_size", "9" * 5000), ("blocks", "3,,6,3"), ("blocks", ""), ("shortcut", "D")])
def test_text_that_stands_for_no_value(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"`{name}` must be "):
        find_knob(find_preset("resnet50").config, name).parse(text)


@pytest.mark.parametrize(("network", "knob"), KNOBS)
def test_every_knob_explains_itself(network: str, knob: Knob) -> None:
    assert len(knob.help) > 20
    assert knob.help.endswith(".")
    assert knob.label
    assert knob.common == (knob.name in Config.model_fields)


@given(st.integers(1, 4096))
def test_width_1_changes_no_channels(count: int) -> None:
    assert scale_channels(count, 1.0) == count


@given(st.integers(1, 4096), st.floats(0.125, 4).filter(lambda width: width != 1))
def test_other_widths_give_multiples_of_8_close_to_the_exact(count: int, width: float) -> None:
    scaled, exact = scale_channels(count, width), count * width
    assert scaled % 8 == 0
    assert scaled >= 0.9 * exact
    assert scaled == 8 or scaled - exact <= 8


@pytest.mark.parametrize(("count", "width", "scaled"), [
    (64, 0.5, 32), (16, 0.35, 8), (24, 0.75, 24), (32, 0.35, 16), (728, 0.5, 368), (80, 0.25, 24)])
def test_channels_as_mobilenet_rounds_them(count: int, width: float, scaled: int) -> None:
    assert scale_channels(count, width) == scaled
