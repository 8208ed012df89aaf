"""EfficientNet against torchvision's, row by row, and its three ways of growing."""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import pytest
import torch

import explorer
from explorer.analysis import Totals
from explorer.networks.build import build
from explorer.networks.catalogue import configure, find_preset
from explorer.networks.efficientnet import COEFFICIENTS
from explorer.pipeline import summarise

Row = tuple[str, tuple[int, ...], int]

# Table 2: parameters in millions and multiply-adds in billions, as printed.
TABLE_2 = {"efficientnet_b0": (5.3, 0.39), "efficientnet_b1": (7.8, 0.70),
           "efficientnet_b2": (9.2, 1.0), "efficientnet_b3": (12, 1.8),
           "efficientnet_b4": (19, 4.2), "efficientnet_b5": (30, 9.9),
           "efficientnet_b6": (43, 19), "efficientnet_b7": (66, 37)}


def totals(name: str, **knobs: Any) -> Totals:
    return summarise(configure(name, **knobs)).totals


def weighted(summary: explorer.Summary) -> list[Row]:
    return [(layer.type, layer.output_shape, layer.params) for layer in summary.layers
            if layer.params]


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_every_weighted_layer_is_torchvisions(name: str) -> None:
    pytest.importorskip("torchvision")
    size = configure(name).input_size
    theirs = explorer.summarise(f"torchvision:{name}&input_size={size}")
    assert weighted(summarise(configure(name))) == weighted(theirs)


@pytest.mark.parametrize(("name", "printed"), TABLE_2.items())
def test_figures_are_near_those_of_the_paper(name: str, printed: tuple[float, float]) -> None:
    found = totals(name)
    assert found.params / 1e6 == pytest.approx(printed[0], rel=0.02)
    assert found.macs / 1e9 == pytest.approx(printed[1], rel=0.05)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_each_preset_is_the_first_one_scaled(name: str) -> None:
    """Three knobs of B0 make all of them."""
    of = COEFFICIENTS[name]
    scaled = totals("efficientnet_b0", width=of.width, depth=of.depth, input_size=of.resolution)
    assert (scaled.params, scaled.macs) == (find_preset(name).params, find_preset(name).macs)


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b4"])
def test_width_counts_on_top_of_the_presets_own(name: str) -> None:
    """And is rounded once: B4 at width 0.75 has 1.4 × 0.75 × 32 = 33.6, and so 32 channels."""
    own = COEFFICIENTS[name].width
    for width in (0.5, 0.75, 1.0, 1.4):
        stem = build(configure(name, width=width)).get_submodule("stem.conv")
        exact = own * width * 32
        assert stem.out_channels % 8 == 0 and abs(stem.out_channels - exact) <= 4


@pytest.mark.parametrize("phi", [0.0, 0.5, 1.0, 3.0, 7.0])
def test_the_compound_coefficient_turns_three_knobs(phi: float) -> None:
    """Equation 3: d = 1.2^φ, w = 1.1^φ, r = 1.15^φ."""
    compound = totals("efficientnet_b0", compound=phi)
    by_hand = totals("efficientnet_b0", depth=1.2 ** phi, width=1.1 ** phi,
                     input_size=round(224 * 1.15 ** phi))
    assert compound == by_hand
    assert configure("efficientnet_b0", compound=phi).input_shape[2:] \
        == (round(224 * 1.15 ** phi),) * 2


def test_compound_scaling_about_doubles_the_work() -> None:
    """α · β² · γ² = 1.92, and rounding up adds to it."""
    macs = [totals("efficientnet_b0", compound=phi).macs for phi in range(8)]
    assert log2(macs[7] / macs[0]) / 7 == pytest.approx(1, abs=0.05)


def test_depth_adds_work_as_it_is_and_width_and_resolution_squared() -> None:
    """Section 3.3."""
    plain = totals("efficientnet_b0").macs
    assert totals("efficientnet_b0", depth=2).macs / plain == pytest.approx(2, rel=0.05)
    assert totals("efficientnet_b0", width=2).macs / plain == pytest.approx(4, rel=0.08)
    assert totals("efficientnet_b0", input_size=448).macs / plain == pytest.approx(4, rel=0.01)
    assert totals("efficientnet_b0", input_size=448).params == totals("efficientnet_b0").params


def test_squeeze_and_excitation_costs_parameters_and_hardly_work() -> None:
    """Two layers a block, with a bias each: from the expanded channels to a quarter of the
    block's input and back, once an image."""
    stages = ((1, 16, 1), (6, 24, 2), (6, 40, 2), (6, 80, 3), (6, 112, 3), (6, 192, 4), (6, 320, 1))
    params = macs = 0
    channels = 32
    for expansion, out, layers in stages:
        for _ in range(layers):
            expanded, squeezed = expansion * channels, channels // 4
            macs += 2 * expanded * squeezed
            params += 2 * expanded * squeezed + expanded + squeezed
            channels = out
    plain, without = totals("efficientnet_b0"), totals("efficientnet_b0", squeeze_excite=False)
    assert plain.params - without.params == params == 636_540
    assert plain.macs - without.macs == macs
    assert macs / plain.macs < 0.002


def test_expansion_widens_the_depthwise_convolution() -> None:
    for expansion in (1, 3, 6, 12):
        network = build(configure("efficientnet_b0", expansion=expansion))
        assert network.get_submodule("stage3.1.branch.depthwise.conv").out_channels \
            == 24 * expansion
        assert network.get_submodule("stage2.0.branch.depthwise.conv").out_channels == 32
    assert "expand" not in dict(
        build(configure("efficientnet_b0", expansion=1)).get_submodule("stage3.1.branch")
        .named_children())


def test_the_activation_costs_no_parameters() -> None:
    plain, relu = totals("efficientnet_b0"), totals("efficientnet_b0", activation="relu")
    assert (plain.params, plain.macs) == (relu.params, relu.macs)
    network = build(configure("efficientnet_b0", activation="relu"))
    assert not any(isinstance(module, torch.nn.SiLU) for module in network.modules())


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_block_counts_are_rounded_up(name: str) -> None:
    depth = COEFFICIENTS[name].depth
    assert configure(name).blocks == tuple(ceil(depth * count) for count in (1, 2, 2, 3, 3, 4, 1))


def test_a_compound_network_runs() -> None:
    config = configure("efficientnet_b0", compound=1.0, input_size=64, width=0.25)
    with torch.inference_mode():
        assert build(config, "cpu")(torch.randn(config.input_shape)).shape == (1, 1000)
    assert config.input_shape == (1, 3, 74, 74)
