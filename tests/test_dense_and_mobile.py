"""DenseNet, MobileNet, MobileNetV2 and ShuffleNet V2: layer by layer the libraries' networks, and
what their papers say of the choices that are knobs here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from explorer import summarise
from explorer.analysis import Totals
from explorer.config import ConfigError
from explorer.networks.build import build
from explorer.networks.catalogue import configure, find_preset
from explorer.tracing import Call, trace

LIBRARIES = {
    **{f"densenet{layers}": f"torchvision:densenet{layers}" for layers in (121, 161, 169, 201)},
    "mobilenetv1": "timm:mobilenetv1_100",
    "mobilenetv2": "torchvision:mobilenet_v2",
    **{f"shufflenetv2_{size}": f"torchvision:shufflenet_v2_{size}"
       for size in ("x0_5", "x1_0", "x1_5", "x2_0")},
}

Weighted = tuple[str, tuple[int, ...], int]


def weighted(model: Any) -> list[Weighted]:
    """Operator, output shape and parameters of every layer that has parameters, in order."""
    return [(layer.call.operator, layer.output_shape, layer.params)
            for layer in summarise(model).layers if layer.params]


def totals(name: str, **knobs: Any) -> Totals:
    return summarise(configure(name, **knobs)).totals


def calls(name: str, **knobs: Any) -> tuple[Call, ...]:
    config = configure(name, **knobs)
    return tuple(trace(build(config), config.input_shape).calls)


def count(name: str, operator: str, **knobs: Any) -> int:
    return sum(call.operator == operator for call in calls(name, **knobs))


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_every_layer_is_the_librarys(name: str, library: str) -> None:
    theirs = weighted(library)
    assert weighted(configure(name)) == theirs
    assert sum(params for _, _, params in theirs) == find_preset(name).params
    assert summarise(library).totals.macs == find_preset(name).macs


# DenseNet

def outputs(name: str, *stages: str, **knobs: Any) -> list[int]:
    """Channels that come out of these stages."""
    made = calls(name, **knobs)
    return [[call for call in made if call.path.split(".")[0] == stage][-1].output_shape[1]
            for stage in stages]


BLOCKS = ("block1", "block2", "block3", "block4")
TRANSITIONS = ("transition1", "transition2", "transition3")


@pytest.mark.parametrize(("name", "blocks", "transitions"), [
    ("densenet121", [256, 512, 1024, 1024], [128, 256, 512]),
    ("densenet161", [384, 768, 2112, 2208], [192, 384, 1056])])
def test_each_dense_layer_adds_growth_rate_channels(
        name: str, blocks: list[int], transitions: list[int]) -> None:
    assert outputs(name, *BLOCKS) == blocks
    assert outputs(name, *TRANSITIONS) == transitions


def test_a_dense_layer_reads_all_before_it_in_its_block() -> None:
    """A block of L layers has L (L + 1) / 2 connections (the paper's introduction)."""
    made = [call for call in calls("densenet121")
            if call.operator == "cat" and call.path.startswith("block1.")]
    assert [len(call.input_shapes) for call in made][:6] == [1, 2, 3, 4, 5, 6]
    assert sum(len(call.input_shapes) for call in made[:6]) == 6 * 7 / 2


def test_without_compression_a_transition_keeps_its_channels() -> None:
    assert outputs("densenet121", *BLOCKS[:2], compression=1.0) == [256, 256 + 12 * 32]
    assert outputs("densenet121", *TRANSITIONS[:2], compression=1.0) == [256, 640]
    assert totals("densenet121", compression=1.0).params > totals("densenet121").params


def test_a_bottleneck_pays_where_more_than_7_times_k_channels_are_read() -> None:
    """3×3 from C channels to k: 9Ck. By way of 4k: 4Ck + 36k². Equal at C = 7.2k, 230 at k = 32."""
    def convolutions(**knobs: Any) -> int:
        return sum(weight.numel() for path, weight in
                   build(configure("densenet121", **knobs)).named_parameters()
                   if path.startswith("block4.") and "conv" in path)

    into, k = range(512, 1024, 32), 32
    assert convolutions() == sum(4 * channels * k + 36 * k * k for channels in into)
    assert convolutions(bottleneck=False) == sum(9 * channels * k for channels in into)
    assert convolutions() < convolutions(bottleneck=False)


def test_addition_keeps_the_channels_and_needs_more_parameters() -> None:
    """The layers are as wide as their input, so that they can be added to it."""
    assert outputs("densenet121", *BLOCKS, join="add") == [64, 128, 256, 512]
    assert outputs("densenet121", *TRANSITIONS, join="add") == [128, 256, 512]
    assert count("densenet121", "add", join="add") == 6 + 12 + 24 + 16
    assert count("densenet121", "cat", join="add") == 0
    assert totals("densenet121", join="add").params > 2 * totals("densenet121").params


def test_densenet_at_other_widths() -> None:
    # k = 32 · 0.3 = 9.6, in multiples of 8 is 8, but more than 10% below: 16; the stem 19.2: 24.
    assert outputs("densenet121", "stem", *BLOCKS[:1], width=0.3) == [24, 24 + 6 * 16]


# MobileNet

@pytest.mark.parametrize(("knobs", "params", "macs"), [
    ({}, 4.2, 569), ({"width": 0.75}, 2.6, 325), ({"width": 0.5}, 1.3, 149),
    ({"width": 0.25}, 0.5, 41),                                             # Table 6
    ({"input_size": 192}, 4.2, 418), ({"input_size": 160}, 4.2, 291),       # Table 7
    ({"input_size": 128}, 4.2, 186), ({"width": 0.5, "input_size": 160}, 1.3, 76),   # and 8
    ({"blocks": (1, 2, 2, 1, 2)}, 2.9, 307),                                # Table 5, shallow
    ({"separable": False}, 29.3, 4867)])                # Table 4, which cuts it off to 4866
def test_mobilenet_is_the_papers_tables(knobs: dict[str, Any], params: float, macs: int) -> None:
    found = totals("mobilenetv1", **knobs)
    assert round(found.params / 1e6, 1) == params
    assert found.macs / 1e6 == pytest.approx(macs, abs=1)


def test_a_separable_convolution_costs_a_share_of_a_full_one() -> None:
    """1/N + 1/9 of it, N being the output channels (the paper's section 3.1)."""
    def of_a_block(**knobs: Any) -> int:
        return sum(layer.macs or 0 for layer in summarise(configure("mobilenetv1", **knobs)).layers
                   if layer.path.startswith("stage4.1."))

    assert of_a_block() / of_a_block(separable=False) == pytest.approx(1 / 512 + 1 / 9)


# MobileNetV2

def test_the_bottlenecks_are_linear_without_relu6() -> None:
    """ReLU6 is PyTorch's hardtanh."""
    assert count("mobilenetv2", "hardtanh", linear_bottleneck=False) \
        == count("mobilenetv2", "hardtanh") + 17


@pytest.mark.parametrize(("shortcut", "channels"), [
    ("bottlenecks", [24, 32, 32, 64, 64, 64, 96, 96, 160, 160]),
    ("expansions", [144, 192, 192, 384, 384, 384, 576, 576, 960, 960]), ("none", [])])
def test_what_the_shortcuts_connect(shortcut: str, channels: list[int]) -> None:
    """Figure 3: the narrow ends or, six times as wide, the expansions."""
    assert [call.output_shape[1] for call in calls("mobilenetv2", shortcut=shortcut)
            if call.operator == "add"] == channels


@pytest.mark.parametrize("shortcut", ["expansions", "none"])
@pytest.mark.parametrize("expansion", [1, 6])
def test_the_shortcuts_leave_the_convolutions_alone(shortcut: str, expansion: int) -> None:
    assert weighted(configure("mobilenetv2", shortcut=shortcut, expansion=expansion)) \
        == weighted(configure("mobilenetv2", expansion=expansion))


def test_the_expansion_factor() -> None:
    """The depthwise convolutions of all stages but the first."""
    def depthwise(expansion: int) -> list[int]:
        return [layer.in_channels for path, layer in
                build(configure("mobilenetv2", expansion=expansion)).named_modules()
                if path.endswith("depthwise.conv")]

    into = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160]
    assert depthwise(6) == [32, *(6 * channels for channels in into)]
    assert depthwise(3) == [32, *(3 * channels for channels in into)]
    assert count("mobilenetv2", "conv2d", expansion=1) == 52 - 16


@pytest.mark.parametrize(("width", "millions"), [
    (1.4, 582), (1.3, 509), (0.75, 209), (0.5, 97), (0.35, 59)])
def test_mobilenetv2_at_the_widths_that_the_authors_publish(width: float, millions: int) -> None:
    """Their table (tensorflow/models, slim/nets/mobilenet)."""
    assert round(totals("mobilenetv2", width=width).macs / 1e6) == millions


@pytest.mark.parametrize(("width", "library"), [
    (0.5, "timm:mobilenetv2_050"), (1.4, "timm:mobilenetv2_140")])
def test_mobilenetv2_at_other_widths_is_timms(width: float, library: str) -> None:
    assert weighted(configure("mobilenetv2", width=width)) == weighted(library)


def test_the_last_convolution_keeps_its_channels_below_width_1() -> None:
    def wide(**knobs: Any) -> tuple[int, ...]:
        return calls("mobilenetv2", **knobs)[-1].input_shapes[0]

    assert wide(width=0.5) == (1, 1280)
    assert wide(width=0.5, scale_head=True) == (1, 640)
    assert wide(width=1.5) == wide(width=1.5, scale_head=True) == (1, 1920)


# ShuffleNet V2

def first_halves(**knobs: Any) -> list[torch.Tensor]:
    """The first half of the channels after each block of stage 3."""
    torch.manual_seed(0)
    config = configure("shufflenetv2_x0_5", input_size=64, **knobs)
    network = build(config, "cpu")
    halves = []
    for block in network.stage3:
        block.register_forward_hook(lambda *call: halves.append(call[2].chunk(2, dim=1)[0]))
    with torch.inference_mode():
        network(torch.randn(config.input_shape))
    return halves


def test_without_the_shuffle_half_of_the_channels_pass_a_whole_stage() -> None:
    shuffled, plain = first_halves(), first_halves(shuffle=False)
    assert len(plain) == len(shuffled) == 8
    assert all(torch.equal(plain[0], half) for half in plain)
    assert not torch.equal(shuffled[0], shuffled[1])


def test_a_block_shares_half_of_its_channels_with_the_next_and_a_quarter_with_the_one_after() \
        -> None:
    """Feature reuse decays by half with each block (the paper's section 3, r to the power)."""
    order = torch.arange(116.0).reshape(1, 116, 1, 1)
    kept = set(range(116))
    for left in (58, 29):
        passed, convolved = order.chunk(2, dim=1)
        kept &= {int(number) for number in passed.flatten()}
        order = nn.ChannelShuffle(2)(torch.cat([passed, convolved], dim=1))
        assert len(kept) == left


def test_without_the_split_all_channels_are_convolved_and_added() -> None:
    assert count("shufflenetv2_x1_0", "add") == 0
    assert count("shufflenetv2_x1_0", "add", split=False) == 3 + 7 + 3
    assert count("shufflenetv2_x1_0", "cat", split=False) == 3

    def pointwise(**knobs: Any) -> int:
        return sum(weight.numel() for path, weight in
                   build(configure("shufflenetv2_x1_0", **knobs)).named_parameters()
                   if path.startswith("stage3.1.branch.conv") and path.endswith("conv.weight"))

    assert pointwise() == 2 * 116 ** 2
    assert pointwise(split=False) == 2 * 232 ** 2


def test_equal_channels_need_the_fewest_memory_accesses() -> None:
    """Guideline G1: hw (c1 + c2) + c1 c2 numbers for hw c1 c2 multiply-adds."""
    plain, narrow = (
        [layer for layer in summarise(configure("shufflenetv2_x0_5", inner_width=inner)).layers
         if layer.path.startswith("stage2.1.branch.conv") and layer.macs]
        for inner in (1.0, 4.0))
    assert [(layer.input_shapes[0][1], layer.output_shape[1]) for layer in plain] \
        == [(24, 24), (24, 24)]
    assert [(layer.input_shapes[0][1], layer.output_shape[1]) for layer in narrow] \
        == [(24, 96), (96, 24)]


def test_groups_save_multiply_adds() -> None:
    one, two = (sum(layer.macs or 0 for layer in
                    summarise(configure("shufflenetv2_x1_0", groups=groups)).layers
                    if layer.path.startswith("stage3.1.branch.conv")) for groups in (1, 2))
    assert one == 2 * two


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`groups` must divide the 58 channels .*; got 4\. "
                                          r"Set groups=2, or another width than 1"):
        configure("shufflenetv2_x1_0", groups=4)
    assert configure("shufflenetv2_x1_0", groups=4, width=0.5).groups == 4
