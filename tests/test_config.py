"""Configs check themselves: bounds, names, counts, and the text of every value."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from pydantic.errors import PydanticUserError

from explorer.config import (
    BlockCount,
    Config,
    ConfigError,
    Knob,
    find_knob,
    knob,
    knobs_of,
    redeclare,
    scale_channels,
)
from explorer.networks.catalogue import configure, find_preset, presets
from explorer.networks.resnet import ResNetConfig
from strategies import values

# A preset for each class of configs, the last of it.
NETWORKS = tuple({type(preset.config): name for name, preset in presets().items()}.values())
KNOBS = [pytest.param(network, knob, id=f"{network}-{name}") for network in NETWORKS
         for name, knob in knobs_of(type(find_preset(network).config)).items()]
NUMBERS = [param for param in KNOBS if param.values[1].kind in ("int", "float")]
CLOSED = [param for param in KNOBS if param.values[1].kind in ("bool", "choice")]


def turned(network: str, name: str, value: Any) -> Config:
    """One knob turned, at the first preset of the network's class that allows it, or with another
    choice beside it: basic blocks allow no groups."""
    of_class = [preset.config for preset in presets().values()
                if type(preset.config) is type(find_preset(network).config)]
    choices = [{knob.name: option} for knob in knobs_of(type(of_class[0])).values()
               for option in knob.options if knob.kind == "choice" and knob.name != name]
    for config in of_class:
        for beside in [{}, *choices]:
            with suppress(ConfigError):
                return config.replace(**beside, **{name: value})
    return of_class[0].replace(**{name: value})


@pytest.mark.parametrize(("network", "knob"), NUMBERS)
@pytest.mark.parametrize("end", ["low", "high"])
def test_bounds_are_allowed(network: str, knob: Knob, end: str) -> None:
    value = getattr(knob, end)
    assert knob.low < knob.high
    assert getattr(turned(network, knob.name, value), knob.name) == value


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
        assert getattr(turned(network, knob.name, option), knob.name) == option
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


@pytest.mark.parametrize("knob", ["network", "patch_size"])
def test_knobs_of_other_families_are_unknown(knob: str) -> None:
    with pytest.raises(ConfigError, match="has no knob"):
        find_preset("resnet50").config.replace(**{knob: "vgg16"})


@pytest.mark.parametrize("network", NETWORKS)
def test_a_config_takes_no_fields_it_does_not_declare(network: str) -> None:
    config = find_preset(network).config
    with pytest.raises(ConfigError, match=rf"^{network} has no knob 'speed'\. ") as caught:
        type(config)(**config.model_dump(), speed=3)
    assert caught.value.knob == "speed"


@pytest.mark.parametrize("knobs", [
    {"width": 9}, {"blocks": (3, 4, 6)}, {"blocks": (3, 4, 6, 65)}, {"shortcut": "D"},
    {"block": "basic", "groups": 2}, {"speed": 3}], ids=str)
def test_a_config_of_ones_own_is_told_in_the_same_sentence(knobs: dict[str, Any]) -> None:
    values = {"network": "resnet50", "blocks": (3, 4, 6, 3), **knobs}
    with pytest.raises(ConfigError) as replaced:
        find_preset("resnet50").config.replace(**knobs)
    with pytest.raises(ConfigError) as made:
        ResNetConfig(**values)
    assert str(made.value) == str(replaced.value)
    assert made.value.knob == replaced.value.knob
    assert made.value.__cause__ is None and made.value.__suppress_context__


@pytest.mark.parametrize(("values", "said"), [
    ({"network": "resnet50"}, "`blocks` must be whole numbers from 1 to 64, one for each stage, "
                              "such as 3,4,6,3; got nothing."),
    ({"blocks": (3, 4, 6, 3)}, "`network` must be the name of a preset; got nothing."),
    ({"network": 50, "blocks": (3, 4, 6, 3)}, "`network` must be the name of a preset; got 50."),
])
def test_a_config_of_ones_own_that_lacks_something(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ResNetConfig(**values)
    assert str(caught.value) == said


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
    ("width", "half"), ("width", "١"), ("width", "0.2_5"), ("input_size", "1_000"),
    ("input_size", "٣٢"), ("input_size", "2e2"),
    ("input_size", "9" * 5000), ("blocks", "3,,6,3"), ("blocks", ""), ("shortcut", "D")])
def test_text_that_stands_for_no_value(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"`{name}` must be "):
        find_knob(find_preset("resnet50").config, name).parse(text)


@pytest.mark.parametrize(("network", "name", "words"), [
    ("lenet5", "output", "linear, RBF"),
    ("convnext_tiny", "modernised", "ResNet, patchify, depthwise"),
    ("mobilenetv3_large", "head", "classification, Lite R-ASPP, SSDLite"),
    ("vit_b_16", "positions", "learned 1D, learned 2D, none")])
def test_choices_are_said_as_people_write_them(network: str, name: str, words: str) -> None:
    knob = knobs_of(type(configure(network)))[name]
    assert ", ".join(map(knob.value_words, knob.options)).startswith(words)


@pytest.mark.parametrize(("network", "knob"), KNOBS)
def test_every_knob_explains_itself(network: str, knob: Knob) -> None:
    assert len(knob.help) > 20
    assert knob.help.endswith(".")
    assert knob.label
    assert knob.common == (knob.name in Config.model_fields)


# What a class of configs must have said of its knobs, which is checked when it is made.

class TwoStages(Config):
    @property
    def stages(self) -> tuple[str, ...]:
        return ("stage 1", "stage 2")


UNSOUND = [
    (int, 32, "is a field without a knob, and every field of a config is one. Write "
              '`growth: int = knob(default, "What it does.")`.'),
    (int, Field(32, ge=1, le=64), "is a field without a knob"),
    (int, knob(32, "It grows."), "is a number and must have both bounds; it has ge=None and "
                                 'le=None. Write `knob(32, "What it does.", ge=..., le=...)`.'),
    (int, knob(32, "It grows.", ge=1), "must have both bounds; it has ge=1 and le=None"),
    (int, knob(32, "It grows.", le=64), "must have both bounds; it has ge=None and le=64"),
    (float, knob(0.5, "It grows.", step=0.1), "is a number and must have both bounds"),
    (float, knob(0.5, "It grows.", ge=0, le=1), "is a fraction and must say by how much its slider "
     'moves. Write `knob(0.5, "What it does.", ge=0, le=1, step=...)`.'),
    (float, knob(0.5, "It grows.", ge=0, le=1, step=0.1, positions=(0, 0.5)),
     "has positions, and they must be those of a fraction, rising from its lower bound to its "
     "upper one. Write positions from 0 to 1, or none."),
    (float, knob(0.5, "It grows.", ge=0, le=1, step=0.1, positions=(0, 0.5, 0.5, 1)),
     "has positions"),
    (int, knob(1, "It grows.", ge=0, le=2, positions=(0, 2)), "has positions"),
    (str, knob("a", "It grows."), "has the type str, for which there is no widget. "
                                  "Write bool, int, float, a Literal of its options, or "
                                  "tuple[BlockCount, ...]."),
    (int | None, knob(1, "It grows.", ge=1, le=2), "has the type int | None"),
    (tuple[int, int], knob((1, 2), "It grows."), "has the type tuple[int, int]"),
    (tuple[int, ...], knob((1, 2), "It grows."), "is a tuple, and its entries must be whole "
     "numbers with bounds. Write `tuple[Annotated[int, Field(ge=1, le=64)], ...]`."),
    (tuple, knob((1, 2), "It grows."), "is a tuple, and its entries must be whole numbers"),
    (tuple[Annotated[int, Field(ge=1)], ...], knob((1, 2), "It grows."), "is a tuple, and its"),
    (tuple[Annotated[float, Field(ge=1, le=2)], ...], knob((1, 2), "It grows."), "is a tuple, and"),
    (int, knob(32, ge=1, le=64), 'must say what it does, in a sentence with a full stop. Write '
                                 '`knob(32, "What it does.")`.'),
    (bool, knob(True, "grows"), "must say what it does"),
    (int, knob(65, "It grows.", ge=1, le=64), "starts at 65, and must be a whole number from 1 to "
                                              "64. Write a default that can be, or other bounds."),
    (int, knob(0.5, "It grows.", ge=0, le=1), "starts at 0.5, and must be a whole number"),
    (float, knob(2, "It grows.", ge=0, le=1, step=1), "starts at 2, and must be between 0 and 1"),
    (bool, knob(2, "It grows."), "starts at 2, and must be on or off"),
    (Literal["a", "b"], knob("c", "It grows."), "starts at 'c', and must be one of a, b"),
    (tuple[BlockCount, ...], knob((0, 1), "It grows."), "starts at (0, 1), and must be whole"),
]


@pytest.mark.parametrize(("type_", "field", "said"), UNSOUND, ids=[case[2] for case in UNSOUND])
def test_a_knob_that_lacks_something_is_told_when_its_class_is_made(
        type_: Any, field: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        type("GrowingConfig", (TwoStages,),
             {"growth": field, "__annotations__": {"growth": type_}, "__module__": __name__})
    assert str(caught.value).startswith("GrowingConfig.growth ")
    assert said in str(caught.value)


def test_a_knob_without_a_type_is_told_when_its_class_is_made() -> None:
    with pytest.raises(PydanticUserError, match="'growth' requires a type annotation"):
        type("GrowingConfig", (TwoStages,),
             {"growth": knob(1, "It grows.", ge=1, le=2), "__module__": __name__})


def test_a_sound_knob_is_all_that_it_says() -> None:
    class SoundConfig(TwoStages):
        growth: int = knob(32, "It grows.", ge=1, le=64, label="Growth rate")
        share: float = knob(1, "It shares.", ge=0, le=1, step=0.25)
        kind: Literal["a", 2] = knob(2, "It is of a kind.")
        sizes: tuple[BlockCount, ...] = knob((1, 2), "It has sizes.")

    own = [one for one in knobs_of(SoundConfig).values() if not one.common]
    assert own == [
        Knob(name="growth", kind="int", english_help="It grows.", english_label="Growth rate",
             low=1, high=64),
        Knob(name="share", kind="float", english_help="It shares.", english_label="Share",
             low=0, high=1, step=0.25, positions=(0, 0.25, 0.5, 0.75, 1)),
        Knob(name="kind", kind="choice", english_help="It is of a kind.", english_label="Kind",
             options=("a", 2)),
        Knob(name="sizes", kind="counts", english_help="It has sizes.", english_label="Sizes",
             low=1, high=64)]
    # Every tuple has one widget for each stage.
    with pytest.raises(ConfigError, match="`sizes` has one count for each stage"):
        SoundConfig(network="sound", blocks=(1, 1), sizes=(1, 2, 3))


def test_a_common_knob_with_another_default_keeps_its_bounds() -> None:
    class LargeConfig(TwoStages):
        input_size: int = redeclare("input_size", 299, "Larger.", label="Side")
        num_classes: int = redeclare("num_classes", 10)

    common, own = knobs_of(TwoStages), knobs_of(LargeConfig)
    assert own["input_size"] == replace(
        common["input_size"], english_help="Larger.", english_label="Side")
    assert own["num_classes"] == common["num_classes"]
    config = LargeConfig(network="large", blocks=(1, 1))
    assert (config.input_size, config.num_classes) == (299, 10)
    assert list(own) == list(common)


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
