"""The tree of parts knows no naming habit: strangers' modules, nested as others nest them."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import explorer
from explorer.analysis import analyse
from explorer.structure import Part, Structure
from explorer.tracing import trace

IMAGE = (1, 3, 32, 32)


class Residual(nn.Module):
    """A block of a stranger: two convolutions and an addition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.mlp = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1), nn.GELU(),
                                 nn.Conv2d(2 * channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.dwconv(x))


class Stage(nn.Module):
    """As timm's ConvNeXt has it: what halves the image, and blocks in a container."""

    def __init__(self, before: int, after: int, depth: int) -> None:
        super().__init__()
        self.downsample = nn.Sequential(nn.BatchNorm2d(before), nn.Conv2d(before, after, 2, 2))
        self.blocks = nn.Sequential(*(Residual(after) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class Nested(nn.Module):
    """`stages.0.blocks.0`"""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 2, 2), nn.BatchNorm2d(8))
        self.stages = nn.Sequential(Stage(8, 16, 3), Stage(16, 32, 5))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(self.stem(x)))


class Encoder(nn.Module):
    """`encoder.layers.0`, in a list that is no module of its own in the pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Residual(8) for _ in range(4))
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, 4)
        self.encoder = Encoder()

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(self.embed(x)).mean((2, 3))


class DenseLayer(nn.Module):
    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4 * growth, 1)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = self.conv1(F.relu(self.norm1(torch.cat(maps, 1))))
        return self.conv2(F.relu(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    """Its layers read all maps before them, and not only the last one."""

    def __init__(self, layers: int, channels: int, growth: int) -> None:
        super().__init__()
        for number in range(layers):
            self.add_module(f"denselayer{number + 1}", DenseLayer(
                channels + number * growth, growth))

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


class AddingDenseLayer(DenseLayer):
    """The other way to write it: each layer concatenates what it makes to what it was given."""

    def forward(self, x: Tensor) -> Tensor:     # type: ignore[override]
        return torch.cat([x, super().forward([x])], 1)


def structure_of(network: nn.Module, shape: tuple[int, ...] = IMAGE) -> Structure:
    return Structure(analyse(trace(network, shape)))


def outline(parts: tuple[Part, ...]) -> list[object]:
    """Role, path and number of parts, as deep as blocks."""
    return [(part.role, part.path, len(part.parts)) if part.role in ("block", "call", "run")
            else (part.role, part.path, outline(part.parts)) for part in parts]


def test_stages_inside_a_container_with_blocks_inside_another() -> None:
    structure = structure_of(Nested())
    assert outline(structure.stages) == [
        ("block", "stem", 2),
        ("stage", "stages.0",
         [("block", "stages.0.downsample", 2), ("run", "stages.0.blocks.0", 3)]),
        ("stage", "stages.1",
         [("block", "stages.1.downsample", 2), ("run", "stages.1.blocks.0", 5)]),
        ("block", "head", 3)]
    places = {layer.path: structure.place(layer) for layer in structure.layers}
    assert places["stages.1.blocks.3.mlp.0"] == ("stages.1", "stages.1.blocks.3")
    assert places["stages.0.downsample.1"] == ("stages.0", "stages.0.downsample")
    assert places["stem.0"] == ("stem", "stem")


def test_layers_of_a_list_in_an_encoder() -> None:
    structure = structure_of(Listed())
    assert outline(structure.stages) == [
        ("call", "embed", 0),
        ("stage", "encoder", [("run", "encoder.layers.0", 4), ("call", "encoder.norm", 0)]),
        ("call", "mean", 0)]


def test_a_flat_network_is_its_calls() -> None:
    structure = structure_of(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)))
    assert outline(structure.stages) == [("call", "0", 0), ("call", "1", 0), ("call", "2", 0)]


def test_a_module_that_hands_its_input_on_names_nothing() -> None:
    network = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 8, 3), drop=nn.Identity(),
                                        norm=nn.BatchNorm2d(8)))
    structure = structure_of(network)
    assert [structure.place(layer).stage for layer in structure.layers] == ["conv", "norm"]


def test_what_only_training_runs_may_begin_with_a_function() -> None:
    class WithAuxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.aux = nn.Conv2d(3, 8, 3), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            x = self.body(x)
            return (x, self.aux(x.mean((2, 3)))) if self.training else (x,)

    summaries = [analyse(trace(WithAuxiliary(), IMAGE, training=training))
                 for training in (False, True)]
    *_, auxiliary = Structure(summaries[0], training=summaries[1]).stages
    assert auxiliary.auxiliary and [part.path for part in auxiliary.parts] == ["mean", "aux"]


def test_a_network_that_only_wraps_another_is_that_one() -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = nn.Sequential(OrderedDict(features=nn.Sequential(
                nn.Conv2d(3, 8, 3), nn.ReLU()), pool=nn.MaxPool2d(2)))

        def forward(self, x: Tensor) -> Tensor:
            return self.model(x)

    assert outline(structure_of(Wrapper()).stages) == [
        ("block", "model.features", 2), ("call", "model.pool", 0)]


@pytest.mark.parametrize("dense", [
    DenseBlock(24, 256, 32),
    nn.Sequential(*(AddingDenseLayer(256 + number * 32, 32) for number in range(24)))],
    ids=["reads all before it", "adds to what it reads"])
def test_dense_layers_fold_although_their_channels_grow(dense: nn.Module) -> None:
    network = nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 256, 1), dense=dense,
                                        head=nn.Conv2d(1024, 10, 1)))
    _, stage, _ = structure_of(network).stages
    assert (stage.role, stage.path) == ("stage", "dense")
    run = stage.parts[0]
    assert (run.role, len(run.parts), run.grows) == ("run", 24, (256, 1024))
    assert len({part.params for part in run.parts}) == 24      # no two alike


def test_what_does_not_grow_by_equal_steps_does_not_fold() -> None:
    widths = (8, 16, 24, 40, 48)
    convolutions = [nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU())
                    for before, after in pairwise(widths)]
    network = nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 8, 1), stage=nn.Sequential(
        *convolutions), head=nn.Conv2d(48, 2, 1)))
    _, stage, _ = structure_of(network).stages
    assert [part.role for part in stage.parts] == ["block"] * 4


def test_the_modules_inside_a_block_are_there_at_any_depth() -> None:
    structure = explorer.open("mobilenetv3_small").structure
    gate = structure.parts["module:stage1.0.branch.squeeze_excite.gate"]
    assert [part.name for part in gate.parts] == [
        "AdaptiveAvgPool2d", "Conv2d", "ReLU", "Conv2d", "Hardsigmoid"]
    assert structure.parts["module:stage1.0.branch.squeeze_excite"].params == sum(
        layer.params for layer in structure.layers if "stage1.0.branch.squeeze" in layer.path)


@pytest.mark.parametrize("name", explorer.presets())
def test_every_part_is_the_sum_of_its_parts_and_every_layer_stands_once(name: str) -> None:
    structure = explorer.open(name).structure
    for part in structure.parts.values():
        if part.parts:
            assert [layer for inner in part.parts for layer in inner.layers] == [*part.layers]
            assert sum(inner.params for inner in part.parts) == part.params
    assert [layer for stage in structure.stages for layer in stage.layers] == [*structure.layers]
    assert tuple(layer for block in structure.blocks for layer in block.layers) \
        == structure.summary.layers
    assert len({part.id for part in structure.parts.values()}) == len(
        [part for stage in structure.stages for part in stage.walk()])
