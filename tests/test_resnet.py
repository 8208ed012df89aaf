"""ResNet's relatives: against torchvision's and timm's own, and what the papers print."""

from __future__ import annotations

import pytest
import torch

import explorer
from explorer.analysis import Layer
from explorer.networks.build import build
from explorer.networks.resnet import CIFAR
from explorer.structure import weighted_depth

pytest.importorskip("timm")
pytest.importorskip("torchvision")


def weighted(key: str) -> list[tuple[str, tuple[object, ...], int]]:
    """Kind, output shape and parameters of each layer that has some, in order."""
    def row(layer: Layer) -> tuple[str, tuple[object, ...], int]:
        return layer.kind, layer.output_shape, layer.params

    return [row(layer) for layer in explorer.summarise(key).layers if layer.params]


@pytest.mark.parametrize(("ours", "theirs"), [
    ("resnext50", "torchvision:resnext50_32x4d"),
    ("resnext101", "torchvision:resnext101_32x8d"),
    ("wide_resnet50", "torchvision:wide_resnet50_2"),
    ("seresnet50", "timm:seresnet50&input_size=224"),
    ("resnet50&stem=deep", "timm:resnet50c&input_size=224"),
    ("resnet50&stem=deep&downsample=average_pool", "timm:resnet50d&input_size=224")])
def test_every_weighted_layer_is_that_of_others(ours: str, theirs: str) -> None:
    # They compute a projection before or after the branch: the order within a block is their own.
    assert sorted(weighted(ours), key=str) == sorted(weighted(theirs), key=str)
    assert explorer.summarise(ours).totals.macs == explorer.summarise(theirs).totals.macs


# He et al. 2016, Table 6.
PRINTED = {20: "0.27", 32: "0.46", 44: "0.66", 56: "0.85", 110: "1.7", 1202: "19.4"}


@pytest.mark.parametrize("layers", CIFAR)
def test_parameters_of_the_networks_for_cifar_are_those_of_table_6(layers: int) -> None:
    network = explorer.open(f"resnet{layers}")
    printed = PRINTED[layers]
    digits = len(printed.partition(".")[2])
    assert f"{network.summary.totals.params / 1e6:.{digits}f}" == printed
    assert weighted_depth(network.structure) == layers


@pytest.mark.parametrize("layers", [20, 56])
def test_a_plain_network_has_as_many_parameters_and_adds_nothing(layers: int) -> None:
    plain, residual = (explorer.summarise(f"resnet{layers}{knob}")
                       for knob in ("&shortcut=none", ""))
    assert plain.totals.params == residual.totals.params     # shortcut A has none
    assert plain.totals.macs == residual.totals.macs
    assert not [layer for layer in plain.layers if layer.kind == "merge"]
    assert len([layer for layer in residual.layers if layer.type == "add"]) == (layers - 2) // 2


@pytest.mark.parametrize(("stem", "size"), [("7x7", 56), ("3x3", 224), ("deep", 56)])
def test_stems(stem: str, size: int) -> None:
    network = explorer.summarise(f"resnet18&stem={stem}")
    last = [layer for layer in network.layers if layer.path.startswith("stem.")][-1]
    assert last.output_shape == (1, 64, size, size)


@pytest.mark.parametrize("size", [65, 96])
def test_pooling_before_a_projection_gives_the_shape_of_its_stride(size: int) -> None:
    shapes = [explorer.summarise(f"resnet18&input_size={size}&downsample={how}").layers[-1]
              for how in ("convolution", "average_pool")]
    assert shapes[0].output_shape == shapes[1].output_shape
    config = explorer.configure("resnet18", input_size=size, downsample="average_pool")
    with torch.inference_mode():
        assert build(config, "cpu")(torch.randn(1, 3, size, size)).shape == (1, 1000)


def test_squeeze_and_excitation_adds_two_layers_a_block() -> None:
    """By hand: a block of C channels has C · C/16 weights twice, and C/16 + C biases."""
    added = sum(blocks * (2 * channels * (channels // 16) + channels // 16 + channels)
                for channels, blocks in zip((256, 512, 1024, 2048), (3, 4, 6, 3), strict=True))
    assert explorer.summarise("seresnet50").totals.params \
        == explorer.summarise("resnet50").totals.params + added
