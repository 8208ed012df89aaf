"""Totals keep their conventions; receptive fields and memory are those of a real pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

import explorer
from explorer.analysis import ReceptiveField, Summary, analyse
from explorer.networks.build import build
from explorer.networks.catalogue import configure, families
from explorer.pipeline import explore, summarise
from explorer.tracing import TraceError, trace
from explorer.views import tables
from tests.kinds import KINDS

SIZE = 160
TOO_SMALL = {"vgg11": 32, "vgg19": 32, "xception": 7, "inception_v3": 75}


class Residual(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + x


class Side(nn.Module):
    """Two branches side by side, concatenated."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.other(x)], dim=1)


def analysed(network: nn.Module, shape: tuple[int, ...]) -> Summary:
    return analyse(trace(network, shape))


def same(kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(1, 1, kernel, stride, kernel // 2, bias=False)


# Totals.

def test_params_are_registered_and_params_used_are_read() -> None:
    found = summarise(configure("inception_v3")).totals
    assert (found.params, found.params_used) == (27_161_264, 23_834_568)
    training = configure("inception_v3")
    trained = analyse(trace(build(training), training.input_shape, training=True)).totals
    assert (trained.params, trained.params_used) == (27_161_264, 27_161_264)


@pytest.mark.parametrize("knobs, trains", [
    (dict(), True), (dict(aux_head=False), False),
    (dict(input_size=151), False),      # too small for the auxiliary head, which only training runs
])
def test_both_passes_of_one_network_are_those_of_two(knobs: dict[str, Any], trains: bool) -> None:
    config = configure("inception_v3", **knobs)
    explored = explore(config)
    assert explored.summary == summarise(config)
    assert explored.auxiliary == (summarise(config, training=True) if trains else None)


@pytest.mark.parametrize("name", KINDS)
def test_layers_and_blocks_add_up_to_the_totals(name: str) -> None:
    explored = explore(configure(name))
    summary, blocks = explored.summary, explored.structure.blocks
    totals = summary.totals
    assert totals.flops == 2 * totals.macs
    assert totals.layers == len(summary.layers)
    assert totals.param_bytes == 4 * totals.params
    assert totals.trainable_params == totals.params >= totals.params_used
    assert tuple(layer for block in blocks for layer in block.layers) == summary.layers
    for total, column in (("params_used", "params"), ("macs", "macs"),
                          ("activation_bytes", "activation_bytes")):
        assert getattr(totals, total) == sum(getattr(layer, column) for layer in summary.layers) \
            == sum(getattr(block, column) for block in blocks)
    assert totals.elementwise_ops == sum(layer.elementwise_ops or 0 for layer in summary.layers)
    assert totals.peak_activation_bytes == max(layer.live_bytes for layer in summary.layers)
    assert summary.not_counted == ()


@pytest.mark.parametrize("name", KINDS)
def test_costs_grow_with_the_batch_and_parameters_do_not(name: str) -> None:
    # Of a single image, matrices of several heads need no copy.
    two, six = (summarise(configure(name, batch_size=size)).totals for size in (2, 6))
    assert six.params == two.params
    for column in ("macs", "elementwise_ops", "activation_bytes", "peak_activation_bytes"):
        assert getattr(six, column) == 3 * getattr(two, column)


def test_half_precision_halves_every_byte() -> None:
    config = configure("mobilenetv3_small")     # without the int64 indices of max pooling
    traced = trace(build(config), config.input_shape)
    single, half = analyse(traced), analyse(traced, element_bytes=2)
    for column in ("param_bytes", "activation_bytes", "peak_activation_bytes"):
        assert getattr(single.totals, column) == 2 * getattr(half.totals, column)
    assert (single.totals.macs, single.totals.params) == (half.totals.macs, half.totals.params)


def test_shared_parameters_belong_to_the_first_call() -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1)
    summary = analysed(nn.Sequential(conv, nn.ReLU(), conv), (1, 4, 8, 8))
    assert [(layer.params, layer.shared_with) for layer in summary.layers] == [
        (148, None), (0, None), (0, 0)]
    assert summary.totals.params == summary.totals.params_used == 148
    assert summary.layers[0].macs == summary.layers[2].macs == 4 * 64 * 36


def test_frozen_parameters_are_not_trainable() -> None:
    network = nn.Linear(8, 2)
    network.bias.requires_grad_(False)
    totals = analysed(network, (1, 8)).totals
    assert (totals.params, totals.trainable_params) == (18, 16)


def test_what_is_unknown_is_none_and_listed() -> None:
    class Unknown(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.erfinv(x)

    summary = analysed(nn.Sequential(nn.Conv2d(4, 4, 1), Unknown()), (1, 4, 8, 8))
    conv, unknown = summary.layers
    assert (unknown.macs, unknown.elementwise_ops) == (None, None)
    assert summary.not_counted == (unknown,)
    assert summary.totals.macs == conv.macs == 4 * 64 * 4


def test_kinds_tell_operations_apart() -> None:
    network = Residual(nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4),
        nn.ReLU(), nn.MaxPool2d(3, 1, 1)))
    summary = analysed(nn.Sequential(network, nn.Flatten(), nn.Linear(256, 2)), (1, 4, 8, 8))
    assert [layer.kind for layer in summary.layers] == [
        "convolution", "depthwise convolution", "normalisation", "activation", "pooling", "merge",
        "reshape", "linear"]


# Receptive fields.

@pytest.mark.parametrize(("name", "knobs", "size"), [
    ("vgg16", {}, 212), ("vgg19", {}, 268), ("resnet18", {}, 435), ("resnet50", {}, 427),
    ("resnet50", {"stride_on": "1x1"}, 483), ("resnet101", {"stride_on": "1x1"}, 1027),
    ("resnet152", {"stride_on": "1x1"}, 1507), ("inception_v3", {}, 1311)])
def test_published_receptive_fields(name: str, knobs: dict[str, Any], size: int) -> None:
    """Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks"."""
    assert summarise(configure(name, **knobs)).totals.receptive_field == size


def test_the_receptive_field_does_not_depend_on_the_input_size() -> None:
    for name in ("vgg16", "resnet50", "xception", "inception_v3"):
        assert len({summarise(configure(name, input_size=size)).totals.receptive_field
                    for size in (96, 224, 299)}) == 1


Extent = list[tuple[int, int]]
"""First and last pixel, by height and width."""


def middle_field(network: nn.Module) -> tuple[list[int], Extent]:
    """The middle position of the output, and what it sees of the input as the analysis has it."""
    last = analysed(network, (1, 1, SIZE, SIZE)).layers[-1]
    assert last.receptive_field is not None
    position = [size // 2 for size in last.output_shape[2:]]
    return position, [(start + at * stride, start + at * stride + size - 1) for at, size, stride,
                      start in zip(position, *last.receptive_field, strict=True)]


def seen_by_gradient(network: nn.Module, position: list[int]) -> Extent:
    """The pixels that one output position depends on."""
    for weight in network.parameters():
        nn.init.ones_(weight)
    image = torch.ones(1, 1, SIZE, SIZE, dtype=torch.double, requires_grad=True)
    network.double()(image)[0, :, *position].sum().backward()
    assert image.grad is not None
    seen = image.grad[0, 0] != 0
    pixels = [seen.any(axis).nonzero().flatten() for axis in (1, 0)]
    return [(int(along[0]), int(along[-1])) for along in pixels]


SIDES = st.integers(1, 4)
WINDOWS = st.fixed_dictionaries({
    "kernel_size": st.tuples(SIDES, SIDES), "dilation": st.tuples(SIDES, SIDES),
    "stride": st.tuples(st.integers(1, 2), st.integers(1, 3)),
    "padding": st.tuples(st.integers(0, 1), st.integers(0, 2))})
PARTS = st.one_of(
    WINDOWS.map(lambda window: nn.Conv2d(1, 1, bias=False, **window)),
    st.builds(lambda kernel, stride: nn.AvgPool2d(kernel, stride, kernel // 2),
              st.integers(1, 4), st.integers(1, 3)),
    st.sampled_from([1, 3, 5]).map(lambda kernel: Residual(same(kernel))),
    st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]), st.integers(1, 2)).map(
        lambda drawn: nn.Sequential(Side(same(drawn[0], drawn[2]), same(drawn[1], drawn[2])),
                                    nn.Conv2d(2, 1, 1, bias=False))))


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_a_receptive_field_is_the_extent_of_the_gradient(parts: list[nn.Module]) -> None:
    network = nn.Sequential(*parts)
    position, extent = middle_field(network)
    assume(all(first >= 0 and last < SIZE for first, last in extent))
    assert seen_by_gradient(network, position) == extent


def test_a_strided_slice_moves_the_receptive_field() -> None:
    class Slice(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 1::2, 3::3]

    network = nn.Sequential(same(3), Slice(), same(5))
    position, extent = middle_field(network)
    assert seen_by_gradient(network, position) == extent
    assert [last - first + 1 for first, last in extent] == [3 + 4 * 2, 3 + 4 * 3]


def test_receptive_fields_by_hand() -> None:
    summary = analysed(nn.Sequential(
        nn.Conv2d(1, 1, 7, 2, 3), nn.MaxPool2d(3, 2, 1), nn.Conv2d(1, 1, 3, 1, 2, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten()), (1, 1, 64, 64))
    assert [layer.receptive_field for layer in summary.layers[:3]] == [
        ReceptiveField((7, 7), (2, 2), (-3, -3)),
        ReceptiveField((11, 11), (4, 4), (-5, -5)),
        ReceptiveField((27, 27), (4, 4), (-13, -13))]
    assert summary.layers[-1].receptive_field is None
    assert summary.totals.receptive_field == 27


# Inputs that are too small.

@pytest.mark.parametrize(("name", "smallest"), TOO_SMALL.items())
@pytest.mark.parametrize("share", [0, 0.6, 1])
def test_too_small_an_input_names_the_layer_and_the_way_out(
        name: str, smallest: int, share: float) -> None:
    size = max(1, int(share * (smallest - 1)))
    config = configure(name, input_size=size)
    with pytest.raises(TraceError) as caught:
        summarise(config)
    error = caught.value
    modules = dict(build(config).named_modules())
    assert type(modules[error.path]).__name__ == error.type
    shape = "×".join(map(str, error.input_shape))
    assert f"{error.path} ({error.type}), whose input is {shape}" in str(error)
    assert f"smallest `input_size` that works is {smallest}" in str(error)


@pytest.mark.parametrize(("name", "smallest"), TOO_SMALL.items())
def test_the_smallest_input_works_and_one_less_does_not(name: str, smallest: int) -> None:
    config = configure(name, input_size=smallest)
    assert summarise(config).layers[-1].output_shape == (1, 1000)
    network, image = build(config), torch.empty(config.input_shape, device="meta")
    network(image)
    with pytest.raises(RuntimeError):
        network(image[:, :, 1:, 1:])
    with pytest.raises(TraceError):
        summarise(configure(name, input_size=smallest - 1))


# Every convolution and pooling is padded, and no preset has a network of its own.
PADDED = [preset.config.network for family in families()
          if family.title in ("ResNet", "MobileNetV3")
          for preset in family.presets if preset.network is None and preset.config.batch_size == 1]


@pytest.mark.parametrize("name", PADDED)
def test_padded_networks_take_a_single_pixel(name: str) -> None:
    config = configure(name, input_size=1)
    assert summarise(config).layers[-1].output_shape[1] == config.num_classes


@pytest.mark.parametrize("key", [*KINDS, "inception_v3&input_size=80", "timm:resnet18"])
def test_the_page_shows_the_columns_of_the_files(key: str) -> None:
    """The page's table, which is made by columns, beside the one that is made of records."""
    network = explorer.open(key)
    shown, exact = tables.page_frame(network), tables.layer_frame(network)
    for name in ("index", "path", "type", "groups", "params", "macs", "activation_bytes",
                 "receptive_field"):
        assert shown[name].tolist() == exact[name].tolist(), name
    assert [kind for [kind] in shown["kind"]] == exact["kind"].tolist()
    for name in ("input_shapes", "output_shape", "kernel", "stride"):
        assert shown[name].tolist() == exact[name].str.replace("x", "×").tolist(), name
    for name in ("params", "macs", "activation_bytes"):
        assert shown[f"{name}_share"].tolist() == pytest.approx(
            (exact[name] / (exact[name].sum() or 1)).tolist()), name
