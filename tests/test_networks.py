"""The networks are the published ones, and every knob gives a network that runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchinfo
from torch import Tensor, nn

from explorer import networks
from explorer.analysis import Totals
from explorer.config import Config, ConfigError, knobs_of
from explorer.networks.build import build
from explorer.networks.catalogue import configure, families, family_of, find_preset, presets
from explorer.networks.family import Family, Preset
from explorer.networks.resnet import ResNet, ResNetConfig
from explorer.networks.vgg import VGG, VGGConfig
from explorer.pipeline import summarise
from explorer.published import load, names
from explorer.tracing import Trace, leaves, trace
from tests.kinds import KINDS

# Small enough for a forward pass on a CPU; Inception v3 needs 75 pixels.
SMALL = {"width": 0.125, "input_size": 75, "num_classes": 7, "batch_size": 2}

PUBLISHED = {name: preset for name, preset in presets().items() if preset.figures}

# Multiply-adds that nobody published to the last digit; test_oracles.py holds such figures against
# PyTorch's counter.
OWN_MACS = {
    "xception": 8_357_403_496,
    "xception_tutorial": 4_552_879_072,
    "resnet50_tutorial": 64 * 3_857_973_248,
    "lenet5_1998": 327_256,
    "inception_v3_tutorial": 2 * 5_585_052_768,
    "mobilenetv3_large_tutorial": 210_566_464,
    "mobilenetv3_small_tutorial": 93_375_552,
}

# Variants that torchvision publishes too.
VARIANTS: list[tuple[str, dict[str, Any], int]] = [
    ("vgg11", {"batch_norm": True}, 132_868_840),
    ("vgg16", {"batch_norm": True}, 138_365_992),
    ("vgg19", {"batch_norm": True}, 143_678_248),
    ("vgg19", {"batch_norm": True, "conv_bias": False}, 143_672_744),
    ("resnet50", {"groups": 32, "width_per_group": 4}, 25_028_904),
    ("resnet101", {"groups": 32, "width_per_group": 8}, 88_791_336),
    ("resnet101", {"groups": 64, "width_per_group": 4}, 83_455_272),
    ("resnet50", {"width_per_group": 128}, 68_883_240),
    ("resnet101", {"width_per_group": 128}, 126_886_696),
    ("resnet34", {"blocks": (2, 2, 2, 2)}, 11_689_512),
    ("resnet34", {"block": "bottleneck"}, 25_557_032),
    ("inception_v3", {"aux_head": False}, 23_834_568),
    ("googlenet", {"aux_heads": False}, 6_624_904),
]

# Knobs that move work about and leave the parameters as they are.
SAME_PARAMETERS = [
    *(("resnet50", {"stride_on": choice}) for choice in ("1x1", "3x3")),
    *(("resnet50", {"output_stride": choice}) for choice in (32, 16, 8)),
    *(("inception_v3", {"grid_reduction": choice})
      for choice in ("parallel", "pool_first", "convolution_first")),
    *(("mobilenetv3_large", {"activation": choice}) for choice in ("paper", "relu", "swish")),
    *((name, {"output_stride": choice}) for choice in (32, 16, 8)
      for name in ("mobilenetv3_large", "lraspp_mobilenetv3_large", "ssdlite_mobilenetv3_large")),
    *(("xception", {"depthwise_activation": choice}) for choice in ("none", "relu", "elu")),
    *(("vgg11", {name: value}) for name, value in [
        ("local_response_norm", True), ("dropout", 0.1), ("input_size", 64), ("batch_size", 8)]),
]


def each_choice() -> list[Any]:
    """Every option of every knob that has options, for one preset a family."""
    return [pytest.param(name, {knob.name: option}, id=f"{name}-{knob.name}-{option}")
            for name in (family.presets[0].config.network for family in families())
            for knob in knobs_of(type(find_preset(name).config)).values()
            for option in knob.options or ((False, True) if knob.kind == "bool" else ())]


def small(name: str, **knobs: Any) -> Config:
    """A preset with narrow layers, one block a stage and a small image."""
    config = find_preset(name).config
    own = {"classifier_width": 16, "blocks": (1,) * len(config.stages)}
    small_ones = {name: value for name, value in {**SMALL, **own}.items()
                  if name in knobs_of(type(config))}
    return config.replace(**{**small_ones, **knobs})


def run(config: Config) -> Any:
    """In double precision: what an untrained EfficientNet leaves of an image is less than a single
    one keeps of it beside the last layer's bias."""
    with torch.inference_mode():
        return build(config, "cpu").double()(torch.randn(config.input_shape).double())


def forward(config: Config) -> Tensor:
    """The scores, of a detector those beside the boxes."""
    return scores_of(run(config))


def scores_of(result: Any) -> Tensor:
    return result["scores"] if isinstance(result, dict) else result


def totals(name: str, **knobs: Any) -> Totals:
    return summarise(configure(name, **knobs)).totals


def traced(config: Config) -> Trace:
    return trace(build(config), config.input_shape)


def last_map(config: Config, stage: str) -> tuple[int, ...]:
    return [call for call in traced(config).calls
            if call.path.startswith(f"{stage}.")][-1].output_shape


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name: str) -> None:
    preset, ours = PUBLISHED[name], totals(name)
    assert preset.params in (None, ours.params)
    assert preset.macs in (None, ours.macs)


@pytest.mark.parametrize(("name", "macs"), OWN_MACS.items())
def test_multiply_adds_that_nobody_published(name: str, macs: int) -> None:
    assert find_preset(name).macs is None
    assert totals(name).macs == macs


@pytest.mark.parametrize(("tutorial", "name"), [
    ("resnet18_tutorial", "resnet18"), ("resnet34_tutorial", "resnet34"),
    ("vgg19_tutorial", "vgg19")])
def test_tutorials_that_compute_what_the_paper_does(tutorial: str, name: str) -> None:
    images = find_preset(tutorial).config.batch_size
    assert totals(tutorial).macs == images * PUBLISHED[name].macs


def test_figures_are_those_that_the_published_tables_print() -> None:
    """Inception v3's apart, whose total counts shared weights twice."""
    printed = {load(name).network: load(name).totals["Total params"] for name in names()}
    assert {name: f"{preset.params:,}" for name, preset in PUBLISHED.items() if name in printed} \
        == {name: total for name, total in printed.items() if name != "inception_v3_tutorial"}


def test_the_auxiliary_head_of_the_inception_tutorial() -> None:
    found = totals("inception_v3_tutorial")
    assert found.params == 24_826_016      # the table's, each shared weight once
    assert found.params - found.params_used == 1_814_504
    assert totals("inception_v3_tutorial", aux_head=False).params == 23_011_512


def test_the_inception_tutorial_has_no_factorisation_to_turn() -> None:
    with pytest.raises(ConfigError, match="has no knob 'factor_size'"):
        configure("inception_v3_tutorial", factor_size=5)


def test_the_vgg_tutorial_pools_with_functions_and_ends_in_a_softmax() -> None:
    calls = traced(configure("vgg19_tutorial")).calls
    assert [call.type for call in calls if "pool" in call.operator] \
        == ["max_pool2d"] * 5 + ["adaptive_avg_pool2d"]
    assert calls[-1].operator == "softmax"


@pytest.mark.parametrize("name", ["mobilenetv3_large_tutorial", "mobilenetv3_small_tutorial"])
def test_the_mobilenet_tutorials_are_8_channels_wide(name: str) -> None:
    found = traced(configure(name))
    ends = [found.calls[run.stop - 1] for run in found.runs
            if run.type == "TutorialInvertedResidual"]
    assert {call.output_shape[1] for call in ends} == {8}
    assert found.calls[-1].input_shapes == ((1, 1280),)


def test_xception_at_224() -> None:
    assert totals("xception", input_size=224).macs == 4_552_879_072


@pytest.mark.parametrize(("name", "knobs", "params"), VARIANTS)
def test_published_variants(name: str, knobs: dict[str, Any], params: int) -> None:
    assert totals(name, **knobs).params == params


@pytest.mark.parametrize("name", [name for name, preset in PUBLISHED.items() if preset.macs])
def test_torchinfo_counts_the_same_parameters(name: str) -> None:
    assert torchinfo.summary(build(configure(name)), verbose=0).total_params \
        == PUBLISHED[name].params


def assert_is_a_score_for_each_class(scores: Tensor, config: Config) -> None:
    """Of each image, or of each of its places."""
    assert scores.shape[:2] == (config.batch_size, config.num_classes)
    assert scores.isfinite().all()


@pytest.mark.parametrize("name", KINDS)
def test_a_forward_pass_gives_a_score_for_each_class(name: str) -> None:
    config = small(name)
    torch.manual_seed(0)        # a narrow network may be dead from the start
    scores = forward(config)
    assert_is_a_score_for_each_class(scores, config)
    assert not torch.equal(scores[0], scores[1])


@pytest.mark.parametrize(("name", "knobs"), each_choice())
def test_every_choice_runs(name: str, knobs: dict[str, Any]) -> None:
    config = small(name, **knobs)
    result = run(config)
    assert_is_a_score_for_each_class(scores_of(result), config)
    found = traced(config)
    assert [found.calls[index].output_shape for index in found.outputs] \
        == [output.shape for output in leaves([result], Tensor)]


@pytest.mark.parametrize(("name", "knobs"), SAME_PARAMETERS)
def test_knobs_that_leave_the_parameters_alone(name: str, knobs: dict[str, Any]) -> None:
    assert totals(name, **knobs).params == PUBLISHED[name].params


@pytest.mark.parametrize("name", KINDS)
def test_training_reaches_every_parameter(name: str) -> None:
    # At the preset's own size: what only training runs may need more of the image than the rest.
    config = small(name, input_size=find_preset(name).config.input_size)
    network = build(config, "cpu").train()
    result = network(torch.randn(config.input_shape))
    for score in result if isinstance(result, tuple) else (scores_of(result),):
        assert_is_a_score_for_each_class(score, config)
    outputs = leaves([result], Tensor)
    torch.stack([output.square().sum() for output in outputs]).sum().backward()
    assert [path for path, weight in network.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("name", presets())
def test_building_is_on_meta_and_in_evaluation(name: str) -> None:
    network = build(configure(name))
    assert all(weight.is_meta for weight in network.parameters())
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize("name", KINDS)
def test_blocks_and_depth_add_blocks(name: str) -> None:
    config = find_preset(name).config
    deeper = configure(name, blocks=tuple(count + 1 for count in config.blocks))
    assert build_size(deeper) > build_size(config)
    halved = configure(name, blocks=tuple((count + 1) // 2 for count in config.blocks))
    assert build_size(configure(name, depth=0.5)) == build_size(halved)


def build_size(config: Config) -> int:
    return sum(weight.numel() for weight in build(config).parameters())


def test_vgg_takes_any_input_size() -> None:
    assert {traced(small("vgg11", input_size=size)).calls[-1].output_shape
            for size in (32, 75, 224)} == {(2, 7)}


def test_vgg_local_response_norm_follows_the_first_convolution() -> None:
    network = build(configure("vgg16", local_response_norm=True))
    assert [path for path, module in network.named_modules()
            if isinstance(module, nn.LocalResponseNorm)] == ["stage1.lrn"]


@pytest.mark.parametrize(("output_stride", "size"), [(32, 7), (16, 14), (8, 28)])
def test_resnet_output_stride(output_stride: int, size: int) -> None:
    config = configure("resnet50", output_stride=output_stride)
    assert last_map(config, "stage4") == (1, 2048, size, size)


@pytest.mark.parametrize(("output_stride", "dilations"), [
    (32, [1, 1, 1]), (16, [1, 2, 2]), (8, [2, 4, 4])])
def test_resnet_dilation_grows_behind_the_first_block(
        output_stride: int, dilations: list[int]) -> None:
    """As torchvision's `replace_stride_with_dilation`."""
    network = build(configure("resnet50", output_stride=output_stride))
    assert [module.dilation[0] for path, module in network.named_modules()
            if isinstance(module, nn.Conv2d) and path.startswith("stage4")
            and module.kernel_size == (3, 3)] == dilations


def test_resnet_stride_on_the_1x1_saves_work() -> None:
    """A 1×1 convolution gives a quarter of the positions, once in three stages."""
    saved = (256 * 128 * (56**2 - 28**2) + 512 * 256 * (28**2 - 14**2)
             + 1024 * 512 * (14**2 - 7**2))
    assert totals("resnet50", stride_on="1x1").macs == totals("resnet50").macs - saved


@pytest.mark.parametrize(("shortcut", "additions", "projections"), [
    ("A", 16, 0), ("B", 16, 3), ("C", 16, 16), ("none", 0, 0)])
def test_resnet_shortcuts(shortcut: str, additions: int, projections: int) -> None:
    calls = traced(configure("resnet34", shortcut=shortcut)).calls
    assert sum(call.operator == "add" for call in calls) == additions
    assert sum(call.operator == "conv2d" for call in calls) == 33 + projections
    if shortcut in ("A", "none"):
        # Three projections with BatchNorm: 64·128 + 128·256 + 256·512 weights, 2·(128+256+512).
        assert totals("resnet34", shortcut=shortcut).params \
            == totals("resnet34").params - 173_824


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("order", ["original", "bn_after_addition", "relu_before_addition",
                                   "relu_preactivation", "full_preactivation"])
@pytest.mark.parametrize("shortcut", ["A", "B", "C", "none"])
def test_resnet_activation_orders_run(order: str, shortcut: str, block: str) -> None:
    config = small("resnet18", activation_order=order, shortcut=shortcut, block=block,
                   blocks=(1, 2, 1, 1), input_size=32)
    assert_is_a_score_for_each_class(forward(config), config)


@pytest.mark.parametrize(("order", "after_the_second_addition"), [
    ("original", ["relu"]), ("bn_after_addition", ["batch_norm", "relu"]),
    ("relu_before_addition", ["conv2d"]), ("relu_preactivation", ["relu", "conv2d"]),
    ("full_preactivation", ["batch_norm", "relu", "conv2d"])])
def test_resnet_activation_orders_are_those_of_the_figure(
        order: str, after_the_second_addition: list[str]) -> None:
    """He et al. 2016, "Identity Mappings in Deep Residual Networks", Figure 4."""
    operators = [call.operator for call in
                 traced(configure("resnet18", activation_order=order)).calls]
    first = operators.index("add")
    following = operators[operators.index("add", first + 1) + 1:]
    assert following[:len(after_the_second_addition)] == after_the_second_addition


@pytest.mark.parametrize("order", ["full_preactivation", "relu_preactivation"])
def test_a_preactivation_network_keeps_its_identity_path_clear(order: str) -> None:
    """Between two additions, the shortcut is the sum itself, not what ReLU made of it."""
    calls = traced(configure("resnet18", activation_order=order)).calls
    sums = [call for call in calls if call.operator == "add"]
    assert sums[0].index in sums[1].inputs


def test_xception_without_shortcuts_has_no_additions() -> None:
    calls = traced(configure("xception", residual=False)).calls
    assert not any(call.operator == "add" for call in calls)


def test_xception_separable_convolutions_save_work() -> None:
    assert totals("xception").macs < totals("xception", separable=False).macs / 5


def test_inception_factorisation_sees_the_same_and_costs_less() -> None:
    """Szegedy et al. 2016, sections 3.1 and 3.2: 18 weights for 25, 14 for 49."""
    whole = totals("inception_v3", factorise_5x5=False, factorise_nxn=False)
    split = totals("inception_v3")
    assert whole.receptive_field == split.receptive_field
    assert whole.macs > split.macs


def test_inception_runs_its_auxiliary_head_in_training_only() -> None:
    config = configure("inception_v3")
    evaluated, trained = (trace(build(config), config.input_shape, training=training)
                          for training in (False, True))
    assert not any(call.path.startswith("aux.") for call in evaluated.calls)
    assert [trained.calls[index].output_shape for index in trained.outputs] == [(1, 1000)] * 2


@pytest.mark.parametrize("name", ["mobilenetv3_large", "mobilenetv3_small"])
def test_mobilenetv3_knobs(name: str) -> None:
    plain = totals(name)
    assert totals(name, squeeze_excite=False).params < plain.params
    assert totals(name, se_reduction=8).params < plain.params
    assert totals(name, last_stage="original").macs > plain.macs
    assert totals(name, kernel_size="7x7").params > totals(name, kernel_size="5x5").params \
        > totals(name, kernel_size="3x3").params


@pytest.mark.parametrize(("knobs", "units"), [
    ({"width": 0.5}, 1280), ({"width": 0.5, "scale_head": True}, 640), ({"width": 1.25}, 1600),
    ({"scale_head": True}, 1280), ({"width": 0.5, "last_stage": "original"}, 1280)])
def test_mobilenetv3_leaves_its_last_layer_alone_below_width_1(
        knobs: dict[str, Any], units: int) -> None:
    assert traced(configure("mobilenetv3_large", **knobs)).calls[-1].input_shapes == ((1, units),)


# What a file in networks/ must have said, which is checked when it is imported.

def test_the_catalogue_finds_every_family_by_its_presets() -> None:
    for name in presets():
        family = family_of(name)
        assert name in {preset.config.network for preset in family.presets}
        assert type(build(small(name))) is (find_preset(name).network or family.network)
    with pytest.raises(ConfigError, match="Unknown network"):
        family_of("resnet19")


@pytest.mark.parametrize("name", presets())
def test_presets_cite_their_source(name: str) -> None:
    assert find_preset(name).title
    assert find_preset(name).source
    assert re.search(r"arXiv:\d|doi:\d", family_of(name).paper)


class Unannotated(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()


def tiny(name: str, **fields: Any) -> Preset:
    return Preset(**{"title": "Tiny", "config": VGGConfig(network=name, blocks=(1,) * 5),
                     "source": "Nowhere", **fields})


def family(*members: Preset, network: type[nn.Module] = VGG) -> Family:
    return Family(title="Tiny", paper="Nobody 2020", idea="None.", network=network, presets=members)


@pytest.mark.parametrize(("make", "said"), [
    (lambda: family(tiny("tiny"), network=ResNet),
     "The preset tiny has a VGGConfig, and its network ResNet takes a ResNetConfig. Write "
     "`config=ResNetConfig(network='tiny', ...)`."),
    (lambda: family(tiny("tiny", network=ResNet)), "its network ResNet takes a ResNetConfig"),
    (lambda: family(tiny("tiny"), network=Unannotated),
     "Unannotated must say which config it takes. Write `def __init__(self, config: ...)"),
    (lambda: family(tiny("tiny"), tiny("tiny", title="Other")),
     "2 presets are called tiny: Tiny, Other. Write `network=` with a name of its own"),
    (lambda: tiny("tiny", params=1), "The preset tiny has published figures without their source"),
    (lambda: tiny("tiny", figures="torchvision 0.28"), "or a source without figures"),
    (lambda: Family(title="Tiny", paper="Nobody, arXiv:1905.02244", idea="None.", network=VGG,
                    presets=()),
     "The paper of Tiny has no year."),
])
def test_what_a_family_must_have_said(make: Callable[[], object], said: str) -> None:
    with pytest.raises(TypeError) as caught:
        make()
    assert said in str(caught.value)


def test_a_preset_may_have_a_network_and_a_config_of_its_own() -> None:
    own = Preset(title="Other", config=ResNetConfig(network="other", blocks=(1,) * 4),
                 source="Nowhere", network=ResNet)
    assert family(tiny("tiny"), own).presets[1] is own


FAMILY_FILE = """
from explorer.networks.family import Family, Preset
from explorer.networks.vgg import VGG, VGGConfig

FAMILY = Family(title="Tiny", paper="Nobody 2020", idea="None.", network=VGG, presets=(Preset(
    title="Tiny", config=VGGConfig(network="{name}", blocks=(1,) * 5), source="Nowhere"),))
"""


@pytest.mark.parametrize(("text", "said"), [
    ("", "networks/tiny_family.py has no family, and every file there has one. Write `FAMILY = "),
    ("FAMILY = None", "networks/tiny_family.py has no family"),
    (FAMILY_FILE.format(name="vgg16"), "2 presets are called vgg16: "),
])
def test_what_a_file_in_networks_must_have(
        text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny_family.py").write_text(text)
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    with pytest.raises(TypeError) as caught:
        families.__wrapped__()
    del sys.modules["explorer.networks.tiny_family"]
    assert said in str(caught.value)
