"""MobileNetV3 at other widths: the authors' rule and torchvision's, each summed up by hand.

The rows are those of the authors' conv_defs (tensorflow/models, slim/nets/mobilenet), which have
the expansion factor, and of torchvision's bneck_conf, which has the expanded channels.
"""

from __future__ import annotations

from typing import Any, Literal

import pytest

from explorer.networks.build import build
from explorer.networks.catalogue import configure
from explorer.pipeline import summarise

Rule = Literal["authors", "torchvision"]

# Kernel, factor, expanded channels, channels, squeeze-and-excitation, stride.
Row = tuple[int, float, int, int, bool, int]
LARGE: tuple[Row, ...] = (
    (3, 1, 16, 16, False, 1), (3, 4, 64, 24, False, 2), (3, 3, 72, 24, False, 1),
    (5, 3, 72, 40, True, 2), (5, 3, 120, 40, True, 1), (5, 3, 120, 40, True, 1),
    (3, 6, 240, 80, False, 2), (3, 2.5, 200, 80, False, 1), (3, 184 / 80, 184, 80, False, 1),
    (3, 184 / 80, 184, 80, False, 1), (3, 6, 480, 112, True, 1), (3, 6, 672, 112, True, 1),
    (5, 6, 672, 160, True, 2), (5, 6, 960, 160, True, 1), (5, 6, 960, 160, True, 1))
SMALL: tuple[Row, ...] = (
    (3, 1, 16, 16, True, 2), (3, 72 / 16, 72, 24, False, 2), (3, 88 / 24, 88, 24, False, 1),
    (5, 4, 96, 40, True, 2), (5, 6, 240, 40, True, 1), (5, 6, 240, 40, True, 1),
    (5, 3, 120, 48, True, 1), (5, 3, 144, 48, True, 1), (5, 6, 288, 96, True, 2),
    (5, 6, 576, 96, True, 1), (5, 6, 576, 96, True, 1))
NETWORKS: dict[str, tuple[tuple[Row, ...], int, int]] = {
    "mobilenetv3_large": (LARGE, 960, 1280), "mobilenetv3_small": (SMALL, 576, 1024)}

WIDTHS = [0.125, 0.25, 0.3, 0.35, 0.5, 0.625, 0.75, 0.875, 1.0, 1.1, 1.25, 1.4, 1.5, 2.0, 3.0, 4.0]


def divisible(exact: float) -> int:
    """A multiple of 8, at least 8, at most 10% below the exact figure (both codes have it so)."""
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


def by_hand(network: str, width: float, rule: Rule, *, scale_head: bool) -> tuple[int, int]:
    """Parameters and multiply-adds on 224×224 pixels, layer by layer."""
    rows, last, hidden = NETWORKS[network]
    params = macs = 0

    def conv(into: int, out: int, kernel: int, size: int, groups: int = 1) -> None:
        nonlocal params, macs
        weights = into // groups * out * kernel ** 2
        params += weights + 2 * out         # and BatchNorm's two
        macs += weights * size ** 2

    def linear(into: int, out: int) -> None:
        nonlocal params, macs
        params += into * out + out
        macs += into * out

    size, channels = 112, divisible(16 * width)
    conv(3, channels, 3, size)
    for kernel, factor, exp, out, squeeze, stride in rows:
        expanded = divisible(factor * channels if rule == "authors" else exp * width)
        if expanded != channels:
            conv(channels, expanded, 1, size)
        size //= stride
        conv(expanded, expanded, kernel, size, groups=expanded)
        if squeeze:
            squeezed = divisible(expanded // 4)
            linear(expanded, squeezed)
            linear(squeezed, expanded)
        channels = divisible(out * width)
        conv(expanded, channels, 1, size)
    wide = divisible(last * width) if rule == "authors" else 6 * channels
    conv(channels, wide, 1, size)
    hidden = divisible(hidden * width) if scale_head else hidden
    linear(wide, hidden)
    linear(hidden, 1000)
    return params, macs


def figures(network: str, **knobs: Any) -> tuple[int, int]:
    totals = summarise(configure(network, **knobs)).totals
    return totals.params, totals.macs


@pytest.mark.parametrize(("network", "width", "params", "macs"), [
    ("mobilenetv3_large", 0.75, 3_993_528, 154_560_624),
    ("mobilenetv3_large", 1.0, 5_483_032, 216_589_760),
    ("mobilenetv3_small", 0.75, 2_041_872, 43_399_344),
    ("mobilenetv3_small", 1.0, 2_542_856, 56_510_400)])
def test_the_authors_rule_gives_what_the_authors_publish(
        network: str, width: float, params: int, macs: int) -> None:
    """Their table: Large at 0.75 has 155 M multiply-adds and 4.0 M parameters."""
    assert figures(network, width=width) == (params, macs)
    assert by_hand(network, width, "authors", scale_head=False) == (params, macs)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("width", WIDTHS)
def test_both_rules_are_those_of_the_codes(network: str, width: float) -> None:
    assert figures(network, width=width) \
        == by_hand(network, width, "authors", scale_head=width > 1)
    assert figures(network, width=width, expansion_rule="torchvision", scale_head=True) \
        == by_hand(network, width, "torchvision", scale_head=True)
    # One knob turns one thing.
    assert figures(network, width=width, expansion_rule="torchvision") \
        == by_hand(network, width, "torchvision", scale_head=width > 1)
    assert figures(network, width=width, scale_head=True) \
        == by_hand(network, width, "authors", scale_head=True)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_rules_agree_at_width_1_only(network: str) -> None:
    assert figures(network, expansion_rule="torchvision") == figures(network)
    assert figures(network, width=0.75, expansion_rule="torchvision") \
        != figures(network, width=0.75)


def expanded(network: str, **knobs: Any) -> list[int]:
    """Channels of the depthwise convolutions, the original last stage's apart."""
    return [layer.in_channels for path, layer in build(configure(network, **knobs)).named_modules()
            if path.startswith("stage") and path.endswith("depthwise.conv")]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("rule", ["authors", "torchvision"])
def test_a_row_past_the_end_of_a_stage_is_as_wide_as_the_last(network: str, rule: str) -> None:
    """It is given its own channels, as the last row of every stage is."""
    stages = configure(network).blocks
    longer = tuple(count + 2 for count in stages)
    for width in (0.5, 1.0):
        channels = iter(expanded(network, width=width, expansion_rule=rule))
        own = [[next(channels) for _ in range(count)] for count in stages]
        assert expanded(network, width=width, expansion_rule=rule, blocks=longer) \
            == [count for stage in own for count in (*stage, stage[-1], stage[-1])]


@pytest.mark.parametrize(("network", "width", "params", "macs"), [
    ("mobilenetv3_large_tutorial", 0.75, 2_967_320, 159_122_176),
    ("mobilenetv3_large_tutorial", 2.0, 13_880_360, 720_487_680),
    ("mobilenetv3_small_tutorial", 0.75, 1_863_256, 71_557_696),
    ("mobilenetv3_small_tutorial", 2.0, 6_365_128, 335_041_280)])
def test_the_tutorials_have_no_factor_to_turn(
        network: str, width: float, params: int, macs: int) -> None:
    """Width scales the channels of their table, as it did before there was a rule to choose."""
    assert figures(network, width=width) == (params, macs)
    assert not hasattr(configure(network), "expansion_rule")
