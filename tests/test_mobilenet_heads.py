"""MobileNetV3's heads and its minimalistic variants: row by row, and number by number with the same
weights, as torchvision and timm have them; and what the paper's sections 6.3 and 6.4 argue."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer import libraries
from explorer.analysis import Layer
from explorer.networks.build import build
from explorer.networks.catalogue import configure, find_preset
from explorer.pipeline import summarise
from explorer.structure import weighted_depth
from tests.test_graph import marked

models = libraries.load("torchvision").models
WITHOUT: dict[str, None] = {"weights": None, "weights_backbone": None}
HEADS = ["lraspp_mobilenetv3_large", "ssdlite_mobilenetv3_large"]

Row = tuple[str, tuple[int, ...], int]


class RawScores(nn.Module):
    """torchvision's detector without what it does to images and boxes."""

    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.backbone, self.head = detector.backbone, detector.head

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.head(list(self.backbone(x).values()))


def weighted(layers: tuple[Layer, ...]) -> list[Row]:
    return [(layer.type, layer.output_shape, layer.params) for layer in layers if layer.params]


def rows(network: nn.Module, size: int) -> list[Row]:
    return weighted(explorer.analyse(explorer.trace(network.eval(), (1, 3, size, size))).layers)


def detector() -> Any:
    return RawScores(models.detection.ssdlite320_mobilenet_v3_large(**WITHOUT))


def segmentation(backbone: nn.Module) -> Any:
    return models.segmentation.lraspp._lraspp_mobilenetv3(backbone, 21)


def test_lraspp_is_torchvisions_row_by_row() -> None:
    theirs = explorer.summarise("torchvision:lraspp_mobilenet_v3_large")
    ours = summarise(configure("lraspp_mobilenetv3_large"))
    assert weighted(ours.layers) == weighted(theirs.layers)
    for figure in ("macs", "elementwise_ops", "receptive_field", "peak_activation_bytes"):
        assert getattr(ours.totals, figure) == getattr(theirs.totals, figure)


def test_ssdlite_is_torchvisions_row_by_row() -> None:
    """Theirs predicts the boxes of every map first, and then the scores."""
    theirs = rows(detector(), 320)
    layers = summarise(configure("ssdlite_mobilenetv3_large")).layers
    heads = [[layer for layer in layers if layer.path.startswith("head.") and kind in layer.path]
             for kind in (".boxes.", ".scores.")]
    body = [layer for layer in layers if not layer.path.startswith("head.")]
    assert weighted((*body, *heads[0], *heads[1])) == theirs


@pytest.mark.parametrize(("name", "theirs"), [
    ("mobilenetv3_large_minimalistic", "timm:tf_mobilenetv3_large_minimal_100"),
    ("mobilenetv3_small_minimalistic", "timm:tf_mobilenetv3_small_minimal_100")])
def test_minimalistic_is_timms_row_by_row(name: str, theirs: str) -> None:
    """timm's classifier is a convolution on one position, and some of its layers are subclasses."""
    ours = summarise(configure(name)).layers
    others = explorer.summarise(theirs).layers

    def figures(layers: tuple[Layer, ...]) -> list[tuple[int, int]]:
        return [(layer.params, layer.macs or 0) for layer in layers if layer.params]

    assert figures(ours) == figures(others)


@pytest.mark.parametrize("size", ["large", "small"])
def test_minimalistic_is_three_knobs_of_the_paper_network(size: str) -> None:
    turned = configure(f"mobilenetv3_{size}", squeeze_excite=False, activation="relu",
                       kernel_size="3x3")
    assert summarise(turned).totals == summarise(configure(f"mobilenetv3_{size}_minimalistic")) \
        .totals
    types = {layer.type for layer in summarise(turned).layers}
    assert not types & {"Hardswish", "Hardsigmoid"}


# With the same weights.

def filled(network: nn.Module) -> nn.Module:
    """Without statistics of their own, a BatchNorm in the wrong place would not be seen."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
            nn.init.uniform_(module.weight, 0.8, 1.2)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network.eval()


def copied(ours: nn.Module, theirs: list[Tensor]) -> nn.Module:
    """With the tensors of another network, in order."""
    own = ours.state_dict()
    assert [tensor.shape for tensor in own.values()] == [tensor.shape for tensor in theirs]
    ours.load_state_dict(dict(zip(own, theirs, strict=True)))
    return ours


@pytest.mark.parametrize(("name", "make", "knobs"), [
    ("lraspp_mobilenetv3_large", models.mobilenet_v3_large, {"output_stride": 16}),
    ("mobilenetv3_small", models.mobilenet_v3_small,
     {"head": "lraspp", "output_stride": 16, "num_classes": 21}),
    ("lraspp_mobilenetv3_large", models.mobilenet_v3_large,
     {"output_stride": 16, "reduced_last_block": True})])
def test_lraspp_computes_what_torchvisions_does(name: str, make: Any,
                                                knobs: dict[str, Any]) -> None:
    theirs = filled(segmentation(make(
        weights=None, dilated=True, reduced_tail=knobs.get("reduced_last_block", False))))
    config = configure(name, input_size=75, **knobs)
    ours = copied(build(config, "cpu"), list(theirs.state_dict().values()))
    image = torch.randn(2, 3, 75, 75)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image)["out"])


def test_ssdlite_computes_what_torchvisions_does() -> None:
    theirs = filled(detector())
    config = configure("ssdlite_mobilenetv3_large", input_size=96)
    state = theirs.state_dict()
    body = [tensor for name, tensor in state.items() if name.startswith("backbone.")]
    heads = [tensor for number in range(6) for kind in ("regression", "classification")
             for name, tensor in state.items()
             if name.startswith(f"head.{kind}_head.module_list.{number}.")]
    ours = copied(build(config, "cpu"), [*body, *heads])
    image = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        found, expected = ours(image), theirs(image)
    torch.testing.assert_close(found["boxes"].mT, expected["bbox_regression"])
    torch.testing.assert_close(found["scores"].mT, expected["cls_logits"])


@pytest.mark.parametrize("size", ["large", "small"])
def test_a_reduced_classifier_is_torchvisions_reduced_tail(size: str) -> None:
    theirs = getattr(models, f"mobilenet_v3_{size}")(weights=None, reduced_tail=True)
    ours = build(configure(f"mobilenetv3_{size}", reduced_last_block=True))
    assert [weight.shape for weight in ours.parameters()] \
        == [weight.shape for weight in theirs.parameters()]


# What the paper argues.

def outputs(name: str, **knobs: Any) -> list[tuple[int, ...]]:
    found = summarise(configure(name, **knobs)).trace
    return [found.calls[index].output_shape for index in found.outputs]


@pytest.mark.parametrize("head", ["lraspp", "ssdlite"])
@pytest.mark.parametrize("name", ["mobilenetv3_large", "mobilenetv3_small"])
@pytest.mark.parametrize("output_stride", [32, 16, 8])
def test_every_output_follows(name: str, head: str, output_stride: int) -> None:
    shapes = outputs(name, head=head, output_stride=output_stride, num_classes=9, input_size=256,
                     batch_size=2)
    if head == "lraspp":
        assert shapes == [(2, 9, 256, 256)]
        return
    # C4 before the stride to 32, C5 behind it, and four more, each half as large.
    last = 256 // output_stride
    sides = [256 // min(output_stride, 16), *[last // 2 ** number for number in range(5)]]
    sides = [max(1, side) for side in sides]
    places = 6 * sum(side ** 2 for side in sides)
    assert shapes == [(2, 4, places), (2, 9, places)]


def test_places_of_ssdlite_at_320() -> None:
    places = 6 * (20 ** 2 + 10 ** 2 + 5 ** 2 + 3 ** 2 + 2 ** 2 + 1)
    assert places == 3234
    assert outputs("ssdlite_mobilenetv3_large") == [(1, 4, 3234), (1, 91, 3234)]


@pytest.mark.parametrize(("output_stride", "dilations", "side"), [
    (32, [1, 1, 1], 16), (16, [1, 1, 2], 32), (8, [2, 2, 4], 64)])
def test_dilations_stand_for_strides(output_stride: int, dilations: list[int], side: int) -> None:
    """In stages 4, 5 and 6, as in torchvision, whose first dilated block is dilated already."""
    config = configure("lraspp_mobilenetv3_large", output_stride=output_stride, input_size=512)
    network = build(config)
    found = [{module.dilation[0] for path, module in stage.named_modules()
              if path.endswith("depthwise.conv")} for stage in network.stages[4:]]
    assert found == [{dilation} for dilation in dilations]
    last, = [layer for layer in summarise(config).layers if layer.path == "last.conv.conv"]
    assert last.output_shape == (1, 960, side, side)


def test_the_head_by_hand() -> None:
    """960 channels and 40 of the skip, 128 filters and 21 classes, on 33×33 and 65×65 places."""
    found = summarise(configure("lraspp_mobilenetv3_large"))
    head = [layer for layer in found.layers if layer.path.startswith("head")]
    assert sum(layer.params for layer in head) \
        == 2 * 960 * 128 + 2 * 128 + (128 + 1) * 21 + (40 + 1) * 21
    assert sum(layer.macs or 0 for layer in head) \
        == 960 * 128 * (33 ** 2 + 1) + (128 + 40) * 21 * 65 ** 2


def test_more_filters_in_the_head() -> None:
    one, two = (summarise(configure("lraspp_mobilenetv3_large", head_filters=filters)).totals
                for filters in (128, 256))
    assert two.params - one.params == 128 * (2 * 960 + 2 + 21)
    assert two.macs - one.macs == 128 * (960 * (33 ** 2 + 1) + 21 * 65 ** 2)


def test_the_reduced_last_block_halves_what_follows_it() -> None:
    for config in (configure("lraspp_mobilenetv3_large"), configure("mobilenetv3_small")):
        for reduced in (False, True):
            channels = config.architecture.rows[-1].out // (1 + reduced)
            network = build(config.replace(reduced_last_block=reduced))
            assert {block.branch.project.conv.out_channels
                    for block in network.stages[-1]} == {channels}
    whole, reduced = (summarise(configure("lraspp_mobilenetv3_large", reduced_last_block=choice))
                      .totals for choice in (False, True))
    assert round(reduced.macs / whole.macs, 2) == 0.63
    assert round(reduced.params / whole.params, 2) == 0.54


def test_c4_is_the_expansion_of_the_block_that_goes_to_32() -> None:
    """Section 6.3: of the 13th block in Large, and of the 9th in Small."""
    for name, channels in (("mobilenetv3_large", 672), ("mobilenetv3_small", 288)):
        network = build(configure(name, head="ssdlite"))
        assert network.tapped == [network.stages[-2]]
        assert network.tapped_channels == [channels]
        assert sum(len(stage) for stage in network.stages[:-2]) + 1 == \
            {672: 13, 288: 9}[channels]
        assert not hasattr(network.stages[-1][0].branch, "expand")


def test_positions_are_as_far_apart_as_the_resizing_has_them() -> None:
    """At 512 pixels: 32×32 places 16 pixels apart, then 64×64, then one for each pixel."""
    layers = summarise(configure("lraspp_mobilenetv3_large", input_size=512)).layers
    resized = [layer.receptive_field.stride for layer in layers if layer.type == "interpolate"]
    assert resized == [(8, 8), (1, 1)]


@pytest.mark.parametrize("name", HEADS)
def test_a_comparison_with_the_classifier_aligns_the_stages(name: str) -> None:
    comparison = explorer.compare("mobilenetv3_large", f"{name}&input_size=224")
    parts = comparison.parts("stage")
    both = [part for part in parts if all(part.groups[:2])]
    assert len(both) >= 7       # the stem and six stages
    assert sum(part.figures("params")[1] for part in parts) == find_preset(name).params


def test_lraspp_has_a_gate_and_a_skip() -> None:
    found = explorer.open("lraspp_mobilenetv3_large").structure
    edges = {kind: [target for _, target in marked(found, kind)] for kind in ("gate", "shortcut")}
    in_head = {kind: [found.layers[target].type for target in targets
                      if found.layers[target].path.startswith("head")]
               for kind, targets in edges.items()}
    assert in_head["gate"].count("mul") == 1 and in_head["shortcut"].count("add") == 1


def test_the_deepest_way_goes_through_the_head() -> None:
    """Gates do not count: 1 + 2 + 14 × 3 layers to the last block, the last convolution, two."""
    assert weighted_depth(explorer.open("lraspp_mobilenetv3_large").structure) == 48


def test_the_tutorials_have_no_head_to_choose() -> None:
    with pytest.raises(explorer.ConfigError, match="has no knob 'head'"):
        configure("mobilenetv3_large_tutorial", head="lraspp")
