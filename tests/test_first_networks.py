"""LeNet, AlexNet, SqueezeNet and GoogLeNet: row by row torchvision's, and what their papers say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

import explorer
from explorer.analysis import Summary
from explorer.networks.build import build
from explorer.networks.lenet import TABLE_1, TableConv
from explorer.pipeline import summarise

TORCHVISIONS = ("alexnet", "squeezenet1_0", "squeezenet1_1", "googlenet")


def of(name: str, **knobs: Any) -> Summary:
    return summarise(explorer.configure(name, **knobs))


def params(name: str, **knobs: Any) -> int:
    return of(name, **knobs).totals.params


def macs(name: str, **knobs: Any) -> int:
    return of(name, **knobs).totals.macs


def weighted(summary: Summary) -> list[tuple[str, tuple[int, ...], int]]:
    return [(layer.type, layer.output_shape, layer.params) for layer in summary.layers
            if layer.params]


def by_part(summary: Summary, figure: str) -> dict[str, int]:
    """A figure summed up over the layers of each part of a stage, such as "stage1.fire1"."""
    sums: dict[str, int] = {}
    for layer in summary.layers:
        part = ".".join(layer.path.split(".")[:2])
        sums[part] = sums.get(part, 0) + (getattr(layer, figure) or 0)
    return {part: count for part, count in sums.items() if count}


@pytest.mark.filterwarnings("ignore:The default weight initialization of GoogleNet")
@pytest.mark.parametrize(("name", "training"), [
    *((name, False) for name in TORCHVISIONS), ("googlenet", True)])
def test_every_row_with_weights_is_torchvisions(name: str, training: bool) -> None:
    ours = summarise(explorer.configure(name), training=training)
    theirs = summarise(f"torchvision:{name}", training=training)
    assert weighted(ours) == weighted(theirs)
    assert (ours.totals.params, ours.totals.macs) == (theirs.totals.params, theirs.totals.macs)


# LeNet

def test_lenet_by_hand() -> None:
    assert by_part(of("lenet5"), "params") == {
        "stage1.conv1": 6 * (25 + 1), "stage2.conv1": 16 * (6 * 25 + 1),
        "head.fc1": 120 * (400 + 1), "head.fc2": 84 * (120 + 1), "head.fc3": 10 * (84 + 1)}
    assert params("lenet5") == 61_706
    assert macs("lenet5") == (6 * 25 * 28**2 + 16 * 150 * 10**2
                              + 400 * 120 + 120 * 84 + 84 * 10)


def test_lenet_of_the_paper_has_the_parameters_of_section_2b() -> None:
    """Of each layer: C1, S2, C3, S4, C5, F6."""
    assert by_part(of("lenet5_1998"), "params") == {
        "stage1.conv1": 156, "stage1.pool": 12, "stage2.conv1": 1516, "stage2.pool": 32,
        "head.fc1": 48_120, "head.fc2": 10_164}
    assert params("lenet5_1998") == params("lenet5_1998", output="linear") - 850 == 60_000


def test_lenet_knobs_one_by_one() -> None:
    plain = params("lenet5")
    assert params("lenet5", connections="table_1") == plain - (96 - 60) * 25
    assert macs("lenet5", connections="table_1") == macs("lenet5") - (96 - 60) * 25 * 10**2
    assert params("lenet5", pooling="subsampling") == plain + 12 + 32
    assert params("lenet5", pooling="max") == params("lenet5", activation="relu") == plain
    assert params("lenet5", output="rbf") == plain - 850


def test_half_of_lenet_has_half_of_its_maps_and_units() -> None:
    assert [layer.output_shape[1] for layer in of("lenet5", width=0.5).layers
            if layer.params] == [3, 8, 60, 42, 10]
    for width in (0.125, 0.25, 0.5, 4.0):
        convolutions = [layer for layer in of("lenet5_1998", width=width).layers
                        if ".read" in layer.path and layer.params]
        assert all(layer.input_shapes[0][1] for layer in convolutions)


def test_lenets_table_reads_60_of_96_pairs_and_no_two_maps_alike() -> None:
    assert [len(column) for column in TABLE_1] == 6 * [3] + 9 * [4] + [6]
    assert len(set(TABLE_1)) == 16
    assert [sum(number in column for column in TABLE_1) for number in range(6)] == 6 * [10]


def test_lenets_table_is_a_convolution_with_weights_that_are_zero() -> None:
    """The same numbers as one 5×5 convolution of all maps, in the order of the table."""
    torch.manual_seed(0)
    layer, x = TableConv(6, 16), torch.randn(2, 6, 14, 14)
    whole, biases = torch.zeros(16, 6, 5, 5), []
    out = 0
    for branch in layer.children():
        for weight in branch.conv.weight:
            whole[out, list(TABLE_1[out])] = weight.detach()
            out += 1
        biases.append(branch.conv.bias.detach())
    torch.testing.assert_close(layer(x).detach(), F.conv2d(x, whole, torch.cat(biases)))


def test_the_rbf_output_is_a_squared_distance_to_a_code() -> None:
    torch.manual_seed(0)
    rbf = build(explorer.configure("lenet5_1998"), "cpu").head.fc3
    assert set(rbf.codes.unique().tolist()) == {-1, 1} and rbf.codes.shape == (10, 84)
    x = torch.randn(3, 84)
    torch.testing.assert_close(rbf(x), torch.cdist(x, rbf.codes) ** 2)
    assert rbf(rbf.codes).diagonal().tolist() == [0] * 10


@pytest.mark.parametrize("size", [16, 28, 32, 64])
def test_lenet_takes_any_size_from_16_on(size: int) -> None:
    assert of("lenet5", input_size=size).totals.params == 61_706
    with pytest.raises(explorer.TraceError):
        of("lenet5", input_size=15)


# AlexNet

def test_alexnet_of_2012_by_hand() -> None:
    """Two GPUs: conv2, conv4 and conv5 read half of the maps."""
    assert by_part(of("alexnet_2012"), "params") == {
        "stage1.conv1": 96 * (121 * 3 + 1), "stage2.conv1": 256 * (25 * 48 + 1),
        "stage3.conv1": 384 * (9 * 256 + 1), "stage3.conv2": 384 * (9 * 192 + 1),
        "stage3.conv3": 256 * (9 * 192 + 1),
        "head.fc1": 4096 * (256 * 36 + 1), "head.fc2": 4096 * (4096 + 1),
        "head.fc3": 1000 * (4096 + 1)}
    assert params("alexnet_2012") == 60_965_224       # "60 million parameters"
    assert macs("alexnet_2012") == (
        96 * 363 * 55**2 + 256 * 1200 * 27**2
        + (384 * 2304 + 384 * 1728 + 256 * 1728) * 13**2 + 9216 * 4096 + 4096**2 + 4096 * 1000)


@pytest.mark.parametrize("name", ["alexnet", "alexnet_2012"])
def test_alexnets_pooling_costs_the_same_with_and_without_overlap(name: str) -> None:
    """Section 3.4 compares with 2×2 windows, "which produces output of equivalent dimensions"."""
    whole, apart = of(name), of(name, overlapping_pooling=False)
    assert weighted(whole) == weighted(apart)
    assert whole.totals.macs == apart.totals.macs


def test_alexnet_knobs_one_by_one() -> None:
    plain = params("alexnet")
    # conv2 has 64·192 pairs of 5×5, conv4 384·256 and conv5 256·256 of 3×3.
    assert params("alexnet", groups=2) \
        == plain - (25 * 64 * 192 + 9 * 384 * 256 + 9 * 256 * 256) // 2
    for knobs in ({"local_response_norm": True}, {"activation": "tanh"}, {"dropout": 0}):
        assert params("alexnet", **knobs) == plain
    assert sum(layer.params for layer in of("alexnet").layers if layer.type == "Linear") \
        == 58_631_144
    assert params("alexnet", classifier_width=1024) < plain / 4


def test_alexnet_normalises_behind_the_first_two_activations() -> None:
    """Section 3.5: convolution, ReLU, normalisation, pooling."""
    types = [layer.type for layer in of("alexnet", local_response_norm=True).layers]
    assert types[:8] == ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"] * 2
    assert types.count("LocalResponseNorm") == 2


# SqueezeNet

# Table 1: parameters before pruning.
FIRES = (11_920, 12_432, 45_344, 49_440, 104_880, 111_024, 188_992, 197_184)


def test_squeezenet_has_the_parameters_of_table_1() -> None:
    assert list(by_part(of("squeezenet1_0"), "params").values()) == [14_208, *FIRES, 513_000]
    assert list(by_part(of("squeezenet1_1"), "params").values()) \
        == [64 * 28, FIRES[0] - 32 * 16, *FIRES[1:], 513_000]


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_squeezenets_bypasses_are_those_of_figure_2(name: str) -> None:
    """Simple around Fire 3, 5, 7 and 9; complex with a 1×1 around the others too."""
    def sums(bypass: str) -> list[str]:
        return [call.path for call in of(name, bypass=bypass).trace.calls
                if call.operator == "add"]

    assert [len(sums(bypass)) for bypass in ("none", "simple", "complex")] == [0, 4, 8]
    assert params(name, bypass="simple") == params(name)
    stem = 96 if name == "squeezenet1_0" else 64
    assert params(name, bypass="complex") == params(name) + sum(
        (before + 1) * after for before, after in
        [(stem, 128), (128, 256), (256, 384), (384, 512)])


def test_squeezenet_knobs_one_by_one() -> None:
    """Figure 3: the size of the model grows with either, by hand for Fire 2 of 96 channels."""
    def fire2(**knobs: Any) -> int:
        return by_part(of("squeezenet1_0", **knobs), "params")["stage1.fire1"]

    assert fire2(squeeze_ratio=0.75) == 96 * (96 + 1) + 64 * (96 + 1) + 64 * (9 * 96 + 1)
    assert fire2(share_3x3=0.25) == 16 * (96 + 1) + 96 * (16 + 1) + 32 * (9 * 16 + 1)
    assert fire2(share_3x3=0.99) == 16 * (96 + 1) + 1 * (16 + 1) + 127 * (9 * 16 + 1)


# GoogLeNet

PAPER: dict[str, Any] = {"third_branch": "5x5", "batch_norm": False}

# Table 1: multiply-adds in millions of each Inception module, and the channels that it gives. The
# table has 54 for (5a), which is more than the channels of its row come to.
OPS = (128, 304, 73, 88, 100, 119, 170, 51, 71)
CHANNELS = (256, 480, 512, 512, 512, 528, 832, 832, 1024)


def modules(summary: Summary) -> list[tuple[int, ...]]:
    """Multiply-adds of each Inception module, and the shape that it gives."""
    return [(sum(layer.macs or 0 for layer in summary.layers[run.start:run.stop]),
             *summary.layers[run.stop - 1].output_shape)
            for run in summary.trace.runs if run.type == "Inception"]


def test_googlenets_modules_are_those_of_table_1() -> None:
    found = modules(of("googlenet", **PAPER))
    assert [macs / 1e6 for macs, *_ in found] == pytest.approx(OPS, abs=1)
    assert [channels for _, _, channels, _, _ in found] == [*CHANNELS]
    assert [height for *_, height in found] == [28] * 2 + [14] * 5 + [7] * 2


def test_googlenets_third_branch_costs_more_with_5x5() -> None:
    widths = ((16, 32), (32, 96), (16, 48), (24, 64), (24, 64), (32, 64), (32, 128), (32, 128),
              (48, 128))
    assert params("googlenet", third_branch="5x5") - params("googlenet") \
        == sum(before * after for before, after in widths) * (25 - 9)


def test_googlenet_without_reductions_is_figure_2a() -> None:
    """The pooling adds all of a module's input to its output, "an inevitable increase"."""
    found = modules(of("googlenet", reductions=False, **PAPER))
    assert found[0] == (28**2 * 192 * (64 + 9 * 128 + 25 * 32), 1, 64 + 128 + 32 + 192, 28, 28)
    grown = [channels for _, _, channels, _, _ in found]
    assert grown == sorted(grown) and len(set(grown)) == 9
    assert macs("googlenet", reductions=False, **PAPER) > 5 * macs("googlenet", **PAPER)


def test_googlenets_auxiliary_heads() -> None:
    """Section 5: on (4a) and (4d), in training only."""
    config = explorer.configure("googlenet")
    evaluated, trained = (summarise(config, training=training) for training in (False, True))
    heads = [layer for layer in trained.layers if layer.path.startswith("aux")]
    assert not any(layer.path.startswith("aux") for layer in evaluated.layers)
    assert [layer.input_shapes[0] for layer in heads if layer.path.endswith("pool")] \
        == [(1, 512, 14, 14), (1, 528, 14, 14)]
    assert [trained.layers[index].output_shape for index in trained.trace.outputs] \
        == [(1, 1000)] * 3
    # Of each head a 1×1 convolution with BatchNorm, and two linear layers.
    by_hand = [(channels + 2) * 128 + 2049 * 1024 + 1025 * 1000 for channels in (512, 528)]
    assert sum(layer.params for layer in heads) == sum(by_hand)
    assert params("googlenet", aux_heads=False) == params("googlenet") - sum(by_hand) == 6_624_904


def test_googlenet_without_batch_norm_has_biases() -> None:
    found = of("googlenet", batch_norm=False)
    assert not any(layer.type == "BatchNorm2d" for layer in found.layers)
    outputs = sum(layer.output_shape[1] for layer in of("googlenet").layers
                  if layer.type == "Conv2d") + 2 * 128
    assert found.totals.params == params("googlenet") - outputs
