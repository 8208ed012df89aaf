"""ConvNeXt against torchvision's, row by row, and each step that leads there from ResNet."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import explorer
from explorer.analysis import Totals
from explorer.networks.build import build
from explorer.networks.catalogue import configure, find_preset
from explorer.networks.convnext import ROADMAP, STEPS, VARIANTS, LayerNorm2d
from explorer.pipeline import summarise

NORMS = (nn.BatchNorm2d, nn.LayerNorm)
ACTIVATIONS = (nn.ReLU, nn.GELU)

# GFLOPs in Tables 10 and 11 for each kernel size.
KERNELS = {3: (4.07, 14.63), 5: (4.10, 14.70), 7: (4.15, 14.81), 9: (4.21, 14.95),
           11: (4.29, 15.13)}


def totals(name: str, **knobs: Any) -> Totals:
    return summarise(configure(name, **knobs)).totals


def gflops(name: str, **knobs: Any) -> float:
    return round(totals(name, **knobs).macs / 1e9, 2)


def weighted(summary: explorer.Summary) -> list[tuple[str, tuple[int, ...], int]]:
    """Some of torchvision's LayerNorms are calls of the function."""
    return [(layer.type.replace("layer_norm", "LayerNorm"), layer.output_shape, layer.params)
            for layer in summary.layers if layer.params]


def counted(block: nn.Module, kinds: tuple[type[nn.Module], ...]) -> int:
    return sum(isinstance(module, kinds) for module in block.modules())


@pytest.mark.parametrize("name", VARIANTS)
def test_every_weighted_layer_is_torchvisions(name: str) -> None:
    pytest.importorskip("torchvision")
    assert weighted(summarise(configure(name))) \
        == weighted(explorer.summarise(f"torchvision:{name}"))


@pytest.mark.parametrize("step", STEPS)
def test_each_step_costs_what_the_paper_prints(step: str) -> None:
    tiny, base = ROADMAP[step]      # type: ignore[index]
    assert gflops("convnext_base", modernised=step) == base
    assert tiny in (None, gflops("convnext_tiny", modernised=step))


@pytest.mark.parametrize(("kernel", "printed"), KERNELS.items())
def test_each_kernel_costs_what_the_paper_prints(
        kernel: int, printed: tuple[float, float]) -> None:
    assert tuple(gflops(name, modernised="large_kernel", kernel_size=kernel)
                 for name in ("convnext_tiny", "convnext_base")) == printed


def test_the_way_begins_at_resnet_50() -> None:
    """ResNet-50 itself, and the work of ResNet-200 (Table 11: 15.01)."""
    ours = summarise(configure("convnext_tiny", modernised="resnet", blocks=(3, 4, 6, 3)))
    theirs = summarise(configure("resnet50"))
    assert (ours.totals.params, ours.totals.macs) == (25_557_032, 4_089_184_256)
    assert weighted(ours) == weighted(theirs)
    assert gflops("convnext_tiny", modernised="resnet", blocks=(3, 24, 36, 3)) == 15.01


def test_the_way_ends_at_convnext() -> None:
    assert STEPS[-1] == configure("convnext_tiny").modernised == "convnext"
    assert gflops("convnext_tiny") == 4.46


@pytest.mark.parametrize(("step", "channels"), [
    ("wider", [(96, 3, 96)]), ("inverted", [(384, 3, 384)]), ("depthwise_first", [(96, 3, 96)]),
    ("large_kernel", [(96, 7, 96)])])
def test_the_depthwise_convolution_of_figure_3(
        step: str, channels: list[tuple[int, int, int]]) -> None:
    block = build(configure("convnext_tiny", modernised=step)).get_submodule("stage1.block2")
    assert [(conv.out_channels, conv.kernel_size[0], conv.groups) for conv in block.modules()
            if isinstance(conv, nn.Conv2d) and conv.groups > 1] == channels


@pytest.mark.parametrize(("step", "norms", "activations"), [
    ("resnet", 3, 3), ("large_kernel", 3, 3), ("gelu", 3, 3), ("fewer_activations", 3, 1),
    ("fewer_norms", 1, 1), ("layer_norm", 1, 1), ("convnext", 1, 1)])
def test_norms_and_activations_of_a_block(step: str, norms: int, activations: int) -> None:
    """Section 2.6; a block that keeps its shape has no projection with a norm of its own."""
    block = build(configure("convnext_tiny", modernised=step)).get_submodule("stage2.block2")
    assert (counted(block, NORMS), counted(block, ACTIVATIONS)) == (norms, activations)


@pytest.mark.parametrize("step", STEPS)
def test_which_norm_and_which_activation(step: str) -> None:
    network = build(configure("convnext_tiny", modernised=step))
    index = STEPS.index(step)       # type: ignore[arg-type]
    assert (counted(network, (nn.BatchNorm2d,)) == 0) == (index >= STEPS.index("layer_norm"))
    assert (counted(network, (nn.ReLU,)) == 0) == (index >= STEPS.index("gelu"))


def test_layer_norms_stand_wherever_the_image_is_halved() -> None:
    """Section 2.6: before each downsampling layer, after the stem, after the last pooling."""
    network = build(configure("convnext_tiny"))
    assert [path for path, module in network.named_modules() if type(module) is LayerNorm2d] \
        == ["stem.norm", "stage2.downsample.norm", "stage3.downsample.norm",
            "stage4.downsample.norm", "head.norm"]


def test_layer_norm_reads_the_channels_of_each_position() -> None:
    norm = LayerNorm2d(5)
    x = torch.randn(2, 5, 3, 4)
    mean, variance = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(norm(x), (x - mean) / (variance + 1e-6).sqrt())


def test_layer_scale_has_a_factor_for_each_channel() -> None:
    factors = 3 * 96 + 3 * 192 + 9 * 384 + 3 * 768
    without = totals("convnext_tiny", layer_scale=False)
    assert totals("convnext_tiny").params - without.params == factors
    assert totals("convnext_tiny").macs == without.macs
    # Earlier on the way there is none.
    assert totals("convnext_tiny", modernised="layer_norm", layer_scale=False) \
        == totals("convnext_tiny", modernised="layer_norm")


def test_layer_scale_starts_as_next_to_nothing() -> None:
    scale = build(configure("convnext_tiny", width=0.125), "cpu").get_parameter(
        "stage1.block1.scale")
    assert scale.unique().tolist() == pytest.approx([1e-6])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ["convnext_base", "convnext_large"])
def test_every_step_of_the_larger_ones_runs(name: str, step: str) -> None:
    config = configure(name, modernised=step, width=0.125, blocks=(1, 2, 1, 1), input_size=64,
                       num_classes=7, batch_size=2)
    with torch.inference_mode():
        scores = build(config, "cpu")(torch.randn(config.input_shape))
    assert scores.shape == (2, 7) and scores.isfinite().all()


@pytest.mark.parametrize("name", VARIANTS)
def test_presets_are_those_of_section_3(name: str) -> None:
    assert find_preset(name).config.planes == [     # type: ignore[attr-defined]
        VARIANTS[name].channels * factor for factor in (1, 2, 4, 8)]
