"""The canonical string of a config: exact, safe in a link, and forgiving to read."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from explorer.config import Config, ConfigError, knobs_of
from explorer.networks.catalogue import configure, find_preset, presets
from explorer.sources.key import (
    from_key,
    from_query,
    from_settings,
    split_setting,
    to_key,
    to_query,
)
from strategies import configs

SAFE = re.compile(r"[A-Za-z0-9._=&-]+")


@given(configs(small=False))
def test_round_trip(config: Config) -> None:
    assert from_key(to_key(config)) == config
    assert from_query(to_query(config), "vgg11") == (config, [])


@given(configs(small=False))
def test_a_key_needs_no_escapes(config: Config) -> None:
    key = to_key(config)
    assert SAFE.fullmatch(key)
    assert quote(key, safe="&=") == key
    assert parse_qsl(f"network={key}", strict_parsing=True) == list(to_query(config).items())


@given(configs(small=False), configs(small=False))
def test_keys_are_equal_where_configs_are(one: Config, other: Config) -> None:
    assert (to_key(one) == to_key(other)) == (one == other)


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_its_name(name: str) -> None:
    config = find_preset(name).config
    assert to_key(config) == name
    assert from_key(name) == config


@pytest.mark.parametrize("name", presets())
def test_every_turned_knob_is_in_the_key_in_declared_order(name: str) -> None:
    config = configure(name, num_classes=7, width=0.5, depth=2)
    assert to_key(config) == f"{name}&width=0.5&depth=2&num_classes=7"


def test_the_order_of_turning_does_not_matter() -> None:
    assert to_key(configure("resnet50", width=0.5).replace(depth=2)) \
        == to_key(configure("resnet50", depth=2).replace(width=0.5))


def test_turning_a_knob_back_leaves_the_key_of_the_preset() -> None:
    assert to_key(configure("resnet50", width=0.5).replace(width=1)) == "resnet50"


def test_both_zeros_have_one_key() -> None:
    assert configure("vgg16", dropout=-0.0) == configure("vgg16", dropout=0)
    assert to_key(configure("vgg16", dropout=-0.0)) == to_key(configure("vgg16", dropout=0))


@pytest.mark.parametrize("key", [
    "", "resnet51", "resnet50&", "resnet50&width", "resnet50&=1", "resnet50&speed=1",
    "resnet50&width=9", "resnet50&width=nan", "resnet50&blocks=3-4", "resnet50&network=vgg16",
    "resnet18&groups=2"])
def test_keys_that_stand_for_nothing(key: str) -> None:
    with pytest.raises(ConfigError):
        from_key(key)


def test_an_unknown_network_suggests_near_ones() -> None:
    with pytest.raises(ConfigError,
                       match=r"Unknown network 'resnet51'. Did you mean .*resnet50.*\?"):
        from_key("resnet51")
    with pytest.raises(ConfigError, match=r"There are \d+, of .*Inception v3.*VGG"):
        from_key("?")


@pytest.mark.parametrize("setting", ["width", "=0.5", ""])
def test_a_setting_needs_a_name_and_a_value(setting: str) -> None:
    with pytest.raises(ConfigError, match="write KNOB=VALUE"):
        split_setting(setting)


def test_a_setting_ends_at_the_first_equals_sign() -> None:
    assert split_setting("shortcut=a=b") == ("shortcut", "a=b")


def test_settings_are_judged_together() -> None:
    assert from_settings("resnet18", [("groups", "2"), ("block", "bottleneck")]) \
        == configure("resnet18", groups=2, block="bottleneck")


def test_a_link_keeps_what_is_right_and_says_what_is_not() -> None:
    config, sentences = from_query(
        {"network": "resnet50", "width": "0.5", "depth": "9", "shortcut": "Z", "speed": "1",
         "blocks": "3-4-23-3"}, "vgg16")
    assert config == configure("resnet50", width=0.5, blocks=(3, 4, 23, 3))
    assert len(sentences) == 3
    for sentence, name, value in zip(sentences, ("depth", "shortcut", "speed"), ("9", "'Z'", ""),
                                     strict=True):
        assert name in str(sentence)
        assert value in str(sentence)
        assert str(sentence)[-1] in ".?"


def test_a_link_with_one_bad_value_keeps_values_that_need_each_other() -> None:
    config, sentences = from_query(
        {"network": "resnet18", "groups": "2", "block": "bottleneck", "width": "9"}, "vgg16")
    assert config == configure("resnet18", block="bottleneck", groups=2)
    assert len(sentences) == 1


def test_a_link_without_a_network_opens_the_default() -> None:
    assert from_query({}, "vgg16") == (find_preset("vgg16").config, [])
    assert from_query({"width": "0.5"}, "vgg16") == (configure("vgg16", width=0.5), [])


def test_a_link_to_an_unknown_network_opens_the_default_and_suggests() -> None:
    config, sentences = from_query({"network": "resnet51", "width": "0.5"}, "vgg16")
    assert config == find_preset("vgg16").config
    assert len(sentences) == 1
    assert "Did you mean" in str(sentences[0])
    assert str(sentences[0]).endswith("Showing vgg16 instead.")


KNOB_NAMES = sorted({"network"}.union(*(knobs_of(type(preset.config))
                                       for preset in presets().values())))


@given(st.dictionaries(st.text(), st.text())
       | st.dictionaries(st.sampled_from(KNOB_NAMES), st.text()),
       st.sampled_from(sorted(presets())))
@example({"network": "vgg16", "width": "1e999", "blocks": "9" * 5000}, "vgg16")
def test_a_link_always_opens(query: dict[str, str], default: str) -> None:
    config, sentences = from_query(query, default)
    assert from_key(to_key(config)) == config
    kept = to_query(config).keys() - {"network"}
    assert kept <= query.keys()
    assert config.network == query.get("network", default) or sentences


@given(st.sampled_from(sorted(presets())),
       st.dictionaries(st.sampled_from(KNOB_NAMES).filter(lambda name: name != "network"),
                       st.from_regex(r"-?[0-9.,e-]{1,8}|on|off|[A-Ca-c]|1x1|basic",
                                     fullmatch=True)))
def test_every_value_of_a_link_is_kept_or_set_aside(network: str, query: dict[str, str]) -> None:
    config, told = from_query({"network": network, **query}, "vgg16")
    sentences = [*map(str, told)]
    preset = find_preset(network).config
    knobs = knobs_of(type(config))
    for name, text in query.items():
        if any(f"`{name}`" in sentence or f"'{name}'" in sentence for sentence in sentences):
            continue
        assert getattr(config, name) == knobs[name].parse(text)
    assert len(sentences) <= len(query)
    assert type(config) is type(preset)
