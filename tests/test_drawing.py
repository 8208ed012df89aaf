"""The drawing's geometry: over the catalogue, at every level and in both directions, over random
configs, and over networks of others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import explorer
from explorer.analysis import analyse
from explorer.structure import Structure
from explorer.views import graph
from explorer.views.graph import DIRECTIONS, LEVELS, Direction, Drawing, Level, Picture
from explorer.views.graph.letters import fitted, width
from explorer.views.graph.picture import Line
from explorer.views.graph.series import Ways, in_series
from explorer.views.layout import LayoutError
from tests.geometry import Box, faults, inside, segments
from tests.graphs import ONE_OF_EACH, explored, structure, structure_of
from tests.strategies import configs

PRESETS = list(explorer.presets())


def drawn(found: Structure, level: Level = "block", toggled: Sequence[str] = (),
          direction: Direction = "LR", overlay: str = graph.KIND,
          preset: Structure | None = None) -> tuple[Picture, Drawing]:
    drawing = Drawing(found, level, toggled)
    return graph.lay_out(drawing, overlay=graph.overlay(overlay, drawing), direction=direction,
                         changes=graph.changes(found, preset)), drawing


def runs(found: Structure) -> list[str]:
    return [part.id for part in found.parts.values() if part.role == "run"]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", PRESETS)
def test_nothing_overlaps_and_every_line_arrives(network: str, level: Level,
                                                 direction: Direction) -> None:
    assert faults(*drawn(structure(network), level, direction=direction, overlay="macs")) == []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", [*ONE_OF_EACH, "densenet121"])
def test_a_line_leaves_everything_that_is_read(network: str, level: Level) -> None:
    picture, drawing = drawn(structure(network), level)
    read = {edge.source for edge in drawing.edges}
    starts = [line.points[0] for line in picture.lines]
    for placed in picture.cards:
        if placed.card.part in read and placed.card.shape != "strip":
            assert any(inside((x, y, x, y), placed.box) for x, y in starts)


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_nor_when_every_block_is_unfolded(network: str) -> None:
    found = structure(network)
    assert faults(*drawn(found, "layer", runs(found))) == []


@settings(max_examples=60)
@given(st.data())
def test_nor_in_any_config_with_any_parts_open(data: st.DataObject) -> None:
    config = data.draw(configs())
    try:
        found = explorer.open(config, preset=explored(config.network)).structure
    except explorer.ConfigError:
        return
    toggled = data.draw(st.lists(st.sampled_from(sorted(found.parts)), max_size=5))
    picture, drawing = drawn(
        found, data.draw(st.sampled_from(LEVELS)), toggled,
        data.draw(st.sampled_from(DIRECTIONS)), data.draw(st.sampled_from(("kind", "macs"))),
        structure(config.network))
    assert faults(picture, drawing) == []


STRANGERS = ["torchvision:vit_b_16", "torchvision:convnext_tiny", "torchvision:efficientnet_b0",
             "torchvision:densenet121", "torchvision:regnet_y_400mf", "torchvision:googlenet",
             "torchvision:squeezenet1_1", "torchvision:deeplabv3_mobilenet_v3_large"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", STRANGERS)
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_networks_of_others_are_drawn_as_well(network: str, level: Level) -> None:
    found = explorer.open(network).structure
    for direction in DIRECTIONS:
        assert faults(*drawn(found, level, direction=direction)) == []


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_the_drawing_of_a_config_is_always_the_same(network: str) -> None:
    def svg(found: Structure) -> str:
        picture, drawing = drawn(found, "layer")
        return graph.page_svg(picture, graph.overlay(graph.KIND, drawing), {})

    assert svg(structure(network)) == svg(explorer.open(network).structure)


# What was open keeps its place

def places(picture: Picture) -> dict[str, tuple[float, float]]:
    return {placed.card.id: (placed.x, placed.y) for placed in picture.cards}


@pytest.mark.parametrize("opened", ["block:stage2.0", "run:stage3.1", "block:stage4.0"])
def test_opening_a_part_moves_nothing_to_its_left_and_nothing_up_or_down(opened: str) -> None:
    """But for what stands below it in its own column."""
    found = structure("resnet50")
    before, after = drawn(found)[0], drawn(found, toggled=[opened])[0]
    old, new = places(before), places(after)
    stage = opened.partition(":")[2].partition(".")[0]
    for id in old.keys() & new.keys():
        column = id.partition(":")[2].partition(".")[0]
        if column < stage and column.startswith("stage"):
            assert new[id] == old[id]
        elif column != stage:
            assert new[id][1] == old[id][1]


# As the papers draw

def card(picture: Picture, id: str) -> tuple[float, float, float, float]:
    return next(placed.box for placed in picture.cards if placed.card.id == id)


def call(found: Structure, path: str) -> str:
    return next(f"call:{layer.index}" for layer in found.layers if layer.path == path)


def middle(box: tuple[float, float, float, float]) -> float:
    return (box[0] + box[2]) / 2


def test_the_trunk_of_a_bottleneck_is_straight_and_its_projection_beside_it() -> None:
    found = structure("resnet50")
    picture, _ = drawn(found, toggled=["block:stage2.0"])
    branch = [card(picture, call(found, f"stage2.0.branch.conv{number}")) for number in (1, 2, 3)]
    addition = card(picture, call(found, "stage2.0.add"))
    assert len({round(middle(box), 1) for box in [*branch, addition]}) == 1
    projection = card(picture, call(found, "stage2.0.shortcut.conv"))
    assert projection[0] > max(box[2] for box in branch)
    # It enters from the side.
    centre = addition[2], (addition[1] + addition[3]) / 2
    assert [line for line in picture.lines if line.kind == "shortcut"
            and line.points[-1] == pytest.approx(centre)]


def test_the_gate_is_a_loop_beside_a_straight_trunk_in_a_frame_of_its_own() -> None:
    found = structure("mobilenetv3_small")
    picture, _ = drawn(found, toggled=["block:stage1.0"])
    [frame] = [placed for placed in picture.frames if placed.gate]
    assert frame.texts[0].words == "squeeze-and-excitation"
    product = next(layer for layer in found.layers if layer.type == "mul")
    times = card(picture, f"call:{product.index}")
    depthwise = card(picture, call(found, "stage1.0.branch.depthwise.conv"))
    assert middle(times) == pytest.approx(middle(depthwise))
    for layer in found.layers:
        if ".squeeze_excite." in layer.path and layer.path.startswith("stage1.0") \
                and layer is not product:
            gate = card(picture, f"call:{layer.index}")
            assert gate[0] > times[2] and inside(gate, frame.box)


def test_the_branches_of_inception_stand_abreast_over_one_bar() -> None:
    found = structure("inception_v3")
    picture, _ = drawn(found, toggled=["block:inception_a.0"])
    ways = [card(picture, call(found, f"inception_a.0.{name}")) for name in (
        "branch1x1.conv", "branch5x5.0.conv", "branch3x3x2.0.conv", "branch_pool.0")]
    assert len({box[1] for box in ways}) == 1
    assert all(one[2] < other[0] for one, other in pairwise(ways))
    joined = next(layer for layer in found.layers if layer.path.startswith("inception_a.0.")
                  and layer.call.operator == "cat")
    bar = card(picture, f"call:{joined.index}")
    assert bar[0] < ways[0][2] and bar[2] > ways[-1][0]


def test_a_convolution_and_what_follows_it_are_one_card_of_strips() -> None:
    found = structure("vgg19", batch_norm=True)
    picture, _ = drawn(found, "layer")
    strips = [placed for placed in picture.cards if placed.card.shape == "strip"]
    assert {placed.card.part.layers[0].kind for placed in strips if placed.card.part} == {
        "convolution", "normalisation", "activation", "linear"}
    for one, other in pairwise(strips):
        if other.card.part and other.card.part.layers[0].kind == "normalisation":
            assert (other.x, other.y) == (one.x, one.y + one.card.height)
            assert other.card.width == one.card.width


def test_the_auxiliary_head_ends_in_an_output_of_its_own() -> None:
    picture, _ = drawn(structure("inception_v3"))
    assert [placed.card.texts[0].words for placed in picture.cards].count("Output") == 2
    assert any(line.kind == "auxiliary" for line in picture.lines)


class Up(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * channels, channels, 2, 2)
        self.conv = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv(torch.cat([self.up(x), skip], 1))


class Predict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mask, self.edge = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.mask(x), self.edge(x)


class UNet(nn.Module):
    """Two skips, of which one is around the other, and two outputs of the last part."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.mid, self.low = (
            nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(after, after, 3, padding=1), nn.ReLU())
            for before, after in ((3, 4), (4, 8), (8, 16)))
        self.pool, self.up1, self.up2 = nn.MaxPool2d(2), Up(8), Up(4)
        self.predict = Predict()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        wide = self.wide(x)
        mid = self.mid(self.pool(wide))
        return self.predict(self.up2(self.up1(self.low(self.pool(mid)), mid), wide))


def goes_below(line: Line, stages: Sequence[Box]) -> bool:
    """Whether a part of it runs below all stages that stand over it, and there are some."""
    for left, high, right, low in segments(line):
        over = [box for box in stages if left < box[0] and box[2] < right]
        if high == low and over and all(bottom < low for _, _, _, bottom in over):
            return True
    return False


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_read_further_on_goes_below_the_stages_between(level: Level) -> None:
    for found, skips in ((structure("lraspp_mobilenetv3_large"), 1),
                         (structure("ssdlite_mobilenetv3_large"), 5),
                         (structure_of(UNet(), 1, 3, 16, 16), 2)):
        picture, drawing = drawn(found, level)
        assert faults(picture, drawing) == []
        stages = [placed.box for placed in picture.frames if placed.frame.part in found.stages]
        stages += [placed.box for placed in picture.cards if placed.card.part in found.stages]
        assert len(stages) == len(found.stages) or level == "layer"     # some are strips there
        assert sum(goes_below(line, stages) for line in picture.lines) == skips


def test_outputs_of_one_part_stand_below_it() -> None:
    picture, drawing = drawn(structure_of(UNet(), 1, 3, 16, 16))
    outputs = [placed for placed in picture.cards if placed.card.id.startswith("output:")]
    last = next(placed for placed in picture.cards
                if placed.card.part is drawing.structure.stages[-1])
    assert len(outputs) == 2
    assert all(placed.y > last.box[3] for placed in outputs)
    assert len({placed.y for placed in outputs}) == 1
    assert not any(line.kind == "auxiliary" for line in picture.lines)


def test_a_pass_that_ends_early_is_drawn_up_to_where_it_breaks() -> None:
    found = structure("inception_v3", input_size=64)
    picture, drawing = drawn(found)
    assert faults(picture, drawing) == []
    assert [placed.card.id for placed in picture.cards if placed.card.part
            and placed.card.part.failed] == ["failed"]
    assert not any(placed.card.texts[0].words == "Output" for placed in picture.cards)


class TwoTowers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(8, 4), nn.Linear(8, 4)
        self.table = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        both = self.one(x) + self.other(y)
        return both * self.table.softmax(0), both.mean()


def test_several_inputs_and_outputs_are_all_drawn() -> None:
    inputs = (explorer.Input((2, 8)), explorer.Input((2, 8), name="y"))
    found = Structure(analyse(explorer.trace(TwoTowers(), inputs)))
    for direction in DIRECTIONS:
        picture, drawing = drawn(found, "layer", direction=direction)
        assert faults(picture, drawing) == []
        words = [placed.card.texts[0].words for placed in picture.cards]
        assert words.count("Input") == 1 and words.count("Input y") == 1
        assert words.count("Output") == 2


class Crossing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a, b = x.relu(), x.sigmoid()
        c, d = a + b, a * b
        return c.tanh() + d.tanh()


def test_ways_that_cross_are_drawn_by_the_same_rules() -> None:
    found = structure_of(Crossing(), 1, 3, 8, 8)
    for direction in DIRECTIONS:
        picture, drawing = drawn(found, "layer", direction=direction)
        assert faults(picture, drawing) == []
        assert len(picture.cards) == len(drawing.nodes) + 2     # input and output


@pytest.mark.parametrize("network", ["torchvision:swin_t", "timm:res2net50_26w_4s", "timm:dla34",
                                     "timm:hrnet_w18_small", "timm:levit_128s"])
def test_networks_whose_ways_cross_too(network: str) -> None:
    assert faults(*drawn(explorer.open(network).structure, "layer")) == []


class Nested(nn.Module):
    """Each addition takes what came before all that stands in it."""

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for _ in range(400):
            kept.append(x)
            x = x.relu()
        for earlier in reversed(kept):
            x = (x + earlier).tanh()
        return x


def test_ways_too_deep_in_one_another_end_in_a_sentence() -> None:
    found = structure_of(Nested(), 1, 3, 8, 8)
    for direction in DIRECTIONS:
        with pytest.raises(LayoutError, match="too deep inside one another"):
            drawn(found, "layer", direction=direction)


# In series

def flat(way: object) -> list[object]:
    assert isinstance(way, tuple)
    return [[flat(inner) for inner in element.ways] if isinstance(element, Ways) else element
            for element in way]


@st.composite
def series_parallel(draw: st.DrawFn) -> tuple[int, set[tuple[int, int]], list[object]]:
    """A random network of ways, the pairs in it, and how it was made."""
    pairs: set[tuple[int, int]] = set()
    made = 0

    def series(depth: int, start: int) -> tuple[list[object], list[int]]:
        """Elements behind `start`, and what is open at the end."""
        nonlocal made
        elements: list[object] = []
        last = start
        for _ in range(draw(st.integers(1, 3))):
            if depth and draw(st.booleans()):
                ways, ends = [], []
                for _ in range(draw(st.integers(1, 3))):
                    way, end = series(depth - 1, last)
                    ways.append(way)
                    ends.append(end)
                if len(ways) == 1 or draw(st.booleans()):
                    ways.append([])
                    ends.append(last)
                pairs.update((end, made) for end in ends)
                elements.append(ways)
            else:
                pairs.add((last, made))
            elements.append(made)
            last, made = made, made + 1
        return elements, last

    elements, last = series(2, -1)
    pairs.add((last, made))
    return made, pairs, elements


@given(series_parallel())
def test_a_network_made_of_ways_is_taken_apart_into_them(
        given_: tuple[int, set[tuple[int, int]], list[object]]) -> None:
    count, pairs, elements = given_
    assert flat(in_series(range(count), dict.fromkeys(pairs))) == elements


# Letters

def test_a_long_name_keeps_its_ends() -> None:
    name = "features.denseblock4.denselayer16.conv_with_a_name_that_does_not_end"
    short = fitted(name, 11, 120)
    assert width(short, 11) <= 120 < width(name, 11)
    start, end = short.split("…")
    assert name.startswith(start) and name.endswith(end) and start and end
    assert fitted("ReLU", 11, 120) == "ReLU"
