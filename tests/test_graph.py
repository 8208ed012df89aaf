"""What the graph shows: its nodes and edges, ways, recipes, overlays and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import explorer
from explorer import text
from explorer.analysis import Layer, analyse
from explorer.networks.catalogue import family_of
from explorer.structure import occurrences
from explorer.structure.wiring import EdgeKind, Wiring
from explorer.tracing import NETWORK_INPUT, trace
from explorer.views import graph
from explorer.views.graph import LEVELS, Drawing, Part, Structure, recipe
from tests.graphs import ONE_OF_EACH, structure, structure_of, summary
from tests.kinds import KINDS

PRESETS = KINDS
RESNETS, MOBILENETS, INCEPTIONS, VGGS = (
    [preset.config.network for preset in family_of(name).presets]
    for name in ("resnet18", "mobilenetv3_large", "inception_v3", "vgg11"))


def indices(drawing: Drawing) -> list[int]:
    return [layer.index for node in drawing.nodes for layer in node.layers]


def stage_of(layer: Layer) -> str:
    """In the networks here the outermost module."""
    return layer.path.partition(".")[0]


def unfolded(found: Structure) -> Drawing:
    """Every layer, of all blocks that are alike too."""
    return Drawing(found, "layer", [part.id for part in found.parts.values()
                                    if part.role == "run"])


def node(drawing: Drawing, id: str) -> Part:
    return next(node for node in drawing.nodes if node.id == id)


# Nodes

@pytest.mark.parametrize("draw", [
    lambda found: Drawing(found, "stage"), lambda found: Drawing(found, "block"), unfolded])
@pytest.mark.parametrize("network", PRESETS)
def test_every_layer_is_in_one_node_and_the_nodes_add_up(
        network: str, draw: Callable[[Structure], Drawing]) -> None:
    found = structure(network)
    drawing, totals = draw(found), found.summary.totals
    assert indices(drawing) == list(range(len(found.layers)))
    own = [node for node in drawing.nodes if not node.auxiliary]
    assert sum(len(node.layers) for node in own) == totals.layers
    assert sum(node.params for node in own) == totals.params_used
    assert sum(node.macs for node in own) == totals.macs
    assert sum(node.activation_bytes for node in own) == totals.activation_bytes


@pytest.mark.parametrize("network", PRESETS)
def test_every_call_is_a_node_when_all_is_unfolded(network: str) -> None:
    found = structure(network)
    totals = found.summary.totals
    pass_shown = summary(network, training=totals.params_used < totals.params)
    assert len(unfolded(found).nodes) == pass_shown.totals.layers
    assert not any(node.parts for node in unfolded(found).nodes)


@pytest.mark.parametrize("network", PRESETS)
def test_at_layer_level_one_block_stands_for_all_that_are_like_it(network: str) -> None:
    found = structure(network)
    drawing = Drawing(found, "layer")
    shown, runs = indices(drawing), [part for part in found.parts.values() if part.role == "run"]
    hidden = {layer.index for run in runs for block in run.parts[1:] for layer in block.layers}
    assert sorted(shown) == [layer.index for layer in found.layers if layer.index not in hidden]
    assert drawing.behind.keys() == hidden and not drawing.behind.keys() & set(shown)
    growing = {layer.index for run in runs if run.grows for layer in run.layers}
    for index, other in drawing.behind.items():
        assert found.layers[index].type == found.layers[other].type
        assert index in growing or found.layers[index].params == found.layers[other].params
    assert [frame.part for frame in drawing.frames if frame.example] == runs


@pytest.mark.parametrize("network", PRESETS)
def test_stages_are_those_of_the_network_in_order(network: str) -> None:
    found = structure(network)
    stages = list(dict.fromkeys(stage_of(layer) for layer in found.layers))
    assert [stage_of(node.layers[0]) for node in Drawing(found, "stage").nodes] == stages


def test_a_folded_resnet152_fits_on_a_screen_and_opened_has_every_call() -> None:
    found = structure("resnet152")
    folded, opened = Drawing(found, "block"), unfolded(found)
    assert len(folded.nodes) == 10
    assert "Bottleneck ×35" in map(recipe.title, folded.nodes)
    assert len(opened.nodes) == len(found.summary.trace.calls) == 515
    layers = Drawing(found, "layer")
    assert len(layers.nodes) == len(Drawing(structure("resnet50"), "layer").nodes) == 95
    assert "Bottleneck ×35" in [recipe.title(frame.part) for frame in layers.frames]


def test_only_blocks_that_are_alike_fold() -> None:
    """What grows does so by equal steps, as in a dense block."""
    for network in PRESETS:
        for run in (part for part in structure(network).parts.values() if part.role == "run"):
            assert len({(part.name, len(part.layers), part.output_shape[2:])
                        for part in run.parts}) == 1
            steps = {(after.params - before.params, after.macs - before.macs)
                     for before, after in pairwise(run.parts)}
            assert len(steps) == 1 and (steps == {(0, 0)}) == (run.grows is None)


# Open and closed

def test_a_group_that_is_toggled_opens_alone() -> None:
    found = structure("resnet50")
    before, after = Drawing(found), Drawing(found, toggled=["run:stage3.1"])
    opened = {f"block:stage3.{number}" for number in range(1, 6)}
    assert {node.id for node in after.nodes} == \
        {node.id for node in before.nodes} - {"run:stage3.1"} | opened
    inside = Drawing(found, toggled=["run:stage3.1", "block:stage3.2"])
    assert {node.id for node in inside.nodes if node.role == "call"} == \
        {f"call:{layer.index}" for layer in found.layers if layer.path.startswith("stage3.2.")}


def test_a_call_cannot_open_and_a_stranger_changes_nothing() -> None:
    found = structure("resnet50")
    assert indices(Drawing(found, toggled=["call:9", "nobody"])) == indices(Drawing(found))
    assert Drawing(found, toggled=["call:9", "nobody"]).edges == Drawing(found).edges


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_toggling_what_a_level_opens_is_the_level_itself(network: str) -> None:
    found = structure(network)
    all_of = {role: {id for id, part in found.parts.items() if part.role == role}
              for role in ("stage", "run", "block")}
    assert Drawing(found, "stage", all_of["stage"]).edges == Drawing(found, "block").edges
    assert Drawing(found, "block", all_of["run"] | all_of["block"]).edges == unfolded(found).edges
    closed = {id for id in all_of["stage"] | all_of["block"]}
    assert Drawing(found, "layer", closed).edges == Drawing(found, "stage").edges


def test_a_module_inside_a_block_closes_and_opens_again() -> None:
    found = structure("mobilenetv3_small")
    gate = "module:stage1.0.branch.squeeze_excite"
    opened = Drawing(found, "block", ["block:stage1.0"])
    closed = Drawing(found, "block", ["block:stage1.0", gate])
    assert gate in {frame.part.id for frame in opened.frames}
    assert gate in {node.id for node in closed.nodes}
    assert indices(opened) == indices(closed)


@given(st.data())
def test_whatever_is_toggled_every_layer_is_in_one_node(data: st.DataObject) -> None:
    found = structure(data.draw(st.sampled_from(ONE_OF_EACH)))
    toggled = data.draw(st.sets(st.sampled_from(sorted(found.parts))))
    drawing = Drawing(found, data.draw(st.sampled_from(LEVELS)), toggled)
    assert sorted([*indices(drawing), *drawing.behind]) == list(range(len(found.layers)))
    nodes = set(drawing.nodes)
    assert not nodes & {frame.part for frame in drawing.frames}
    for edge in drawing.edges:
        assert edge.target in nodes and (isinstance(edge.source, int) or edge.source in nodes)
        assert edge.source is not edge.target


# Edges

def layer_edges(found: Structure) -> set[tuple[int, int]]:
    return {(edge.source if isinstance(edge.source, int) else edge.source.layers[0].index,
             edge.target.layers[0].index) for edge in unfolded(found).edges}


@pytest.mark.parametrize("network", PRESETS)
def test_edges_between_layers_are_what_the_trace_says(network: str) -> None:
    calls = summary(network).trace.calls
    drawn = {edge for edge in layer_edges(structure(network)) if edge[1] < len(calls)}
    assert drawn == {(producer, call.index) for call in calls for producer in call.inputs}


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_edges_between_blocks_are_those_of_their_layers(network: str) -> None:
    found = structure(network)
    for level in ("stage", "block"):
        home = {layer.index: node for node in Drawing(found, level).nodes for layer in node.layers}
        between = {(home.get(source), home[target]) for source, target in layer_edges(found)}
        drawing = Drawing(found, level)
        pairs = [(edge.source.id if isinstance(edge.source, Part) else None, edge.target.id)
                 for edge in drawing.edges]
        assert len(pairs) == len(set(pairs))
        assert set(pairs) == {(source and source.id, target.id) for source, target in between
                              if source is not target}


@pytest.mark.parametrize("network", PRESETS)
def test_an_edge_has_the_shape_of_what_its_source_makes(network: str) -> None:
    found = structure(network)
    for level in LEVELS:
        for edge in Drawing(found, level).edges:
            makes = {found.summary.trace.input_shape} if isinstance(edge.source, int) else \
                {layer.output_shape for layer in edge.source.layers}
            assert edge.shape in makes


# Shortcuts, gates, the auxiliary head

def marked(found: Structure, kind: EdgeKind) -> list[tuple[int, int]]:
    wiring = Wiring(found.layers)
    return [(producer, layer.index) for layer in found.layers for producer in layer.inputs
            if wiring.kind(producer, layer.index) == kind]


SHORTCUTS = [(name, {}) for name in RESNETS] + [
    ("resnet50", {"shortcut": "A"}), ("resnet34", {"shortcut": "C"}),
    *(("resnet34", {"activation_order": order}) for order in (
        "bn_after_addition", "relu_before_addition", "relu_preactivation", "full_preactivation"))]


PROJECTION = {"shortcut", "preactivation"}      # a pre-activation comes before the fork


@pytest.mark.parametrize(("network", "knobs"), SHORTCUTS, ids=str)
def test_every_addition_of_a_resnet_has_one_shortcut(network: str, knobs: dict) -> None:
    found = structure(network, **knobs)
    shortcuts = set(marked(found, "shortcut"))
    additions = [layer for layer in found.layers if layer.type == "add"]
    assert len(additions) == sum(explorer.configure(network, **knobs).scaled_blocks)
    for addition in additions:
        [producer] = [source for source in addition.inputs if (source, addition.index) in shortcuts]
        before = found.layers[producer]     # of the block before, where nothing is on the way
        assert found.place(before).block != found.place(addition).block \
            or PROJECTION & set(before.path.split("."))
    on_it = {index for _, index in shortcuts} - {addition.index for addition in additions}
    assert on_it == {layer.index for layer in found.layers if "shortcut" in layer.path.split(".")}


def test_a_plain_network_has_no_shortcut() -> None:
    assert not marked(structure("resnet34", shortcut="none"), "shortcut")
    assert not marked(structure("xception", residual=False), "shortcut")


@pytest.mark.parametrize("network", ["xception", "xception_tutorial"])
def test_xception_has_twelve_shortcuts_four_with_a_convolution(network: str) -> None:
    found = structure(network)
    shortcuts = marked(found, "shortcut")
    assert sum(found.layers[target].type == "add" for _, target in shortcuts) == 12
    assert sum(found.layers[target].kind == "convolution" for _, target in shortcuts) == 4


@pytest.mark.parametrize("network", [
    name for name in MOBILENETS if explorer.presets()[name].config.squeeze_excite])
def test_the_gates_of_mobilenet_are_squeeze_and_excitation(network: str) -> None:
    found = structure(network)
    inside = [layer for layer in found.layers if ".squeeze_excite." in layer.path]
    gates = [(source, target) for source, target in marked(found, "gate")
             if not found.layers[target].path.startswith("head")]     # Lite R-ASPP's
    expected = {layer.index for layer in inside if layer.type != "mul"}
    products = {layer.index for layer in inside if layer.type == "mul"}
    assert products and {target for _, target in gates} == expected | products
    for product in products:
        [gate] = [source for source, target in gates if target == product]
        assert gate in expected


def test_a_gate_is_one_where_the_map_has_one_pixel_too() -> None:
    small, large = structure("mobilenetv3_small", input_size=32), structure("mobilenetv3_small")
    assert marked(small, "gate") == marked(large, "gate")


def test_without_squeeze_and_excitation_there_are_no_gates() -> None:
    assert not marked(structure("mobilenetv3_small", squeeze_excite=False), "gate")


@pytest.mark.parametrize("network", [*INCEPTIONS, *VGGS])
def test_inception_and_vgg_have_neither(network: str) -> None:
    assert not marked(structure(network), "shortcut") and not marked(structure(network), "gate")


def test_the_auxiliary_head_is_that_of_a_training_pass() -> None:
    found, training = structure("inception_v3"), summary("inception_v3", training=True)
    [head] = [stage for stage in found.stages if stage.auxiliary]
    totals = found.summary.totals
    assert head.params == totals.params - totals.params_used > 0
    assert head.macs == training.totals.macs - totals.macs > 0
    assert {layer.path.partition(".")[0] for layer in head.layers} == {"aux"}
    path = {layer.index: layer.path for layer in found.layers}
    drawn = {(path[source], path[target]) for source, target in layer_edges(found)
             if path[target].startswith("aux.")}
    calls = training.trace.calls
    assert drawn == {(calls[producer].path, call.path) for call in calls
                     if call.path.startswith("aux.") for producer in call.inputs}


def test_edges_to_the_auxiliary_head_are_marked_and_no_others() -> None:
    for level in LEVELS:
        for edge in Drawing(structure("inception_v3"), level).edges:
            assert (edge.kind == "auxiliary") == edge.target.auxiliary
    without = structure("inception_v3", aux_head=False)
    assert not any(part.auxiliary for part in without.parts.values())


class Twice(nn.Module):
    """One ReLU for two places, as in torchvision's ResNet, and a sum of a tensor with itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))
        y = self.relu(self.conv2(x) + x)
        return y + y


def test_a_module_that_is_called_twice_is_two_calls() -> None:
    found = structure_of(Twice(), 1, 3, 8, 8)
    assert [node.name for node in Drawing(found, "layer").nodes] == [
        "Conv2d", "ReLU", "Conv2d", "add", "ReLU", "add"]
    assert layer_edges(found) == {(-1, 0), (0, 1), (1, 2), (2, 3), (1, 3), (3, 4), (4, 5)}
    assert marked(found, "shortcut") == [(1, 3)]
    assert [occurrence for occurrence, layer in occurrences(found.layers)
            if layer.type == "ReLU"] == [("relu", 1), ("relu", 2)]


# Recipes

RECIPES = [
    ("vgg16", "block:stage1.conv1", "Conv 3×3", (), None),
    ("vgg16", "run:stage5.conv1", "Conv 3×3 ×3", (), None),
    ("vgg16", "block:head", "head", (("linear, 4096 ×2", "linear, 1000"),), None),
    ("resnet50", "block:stem", "stem", (("7×7 /2, 64", "max pool 3×3 /2"),), None),
    ("resnet50", "block:stage2.0", "Bottleneck", (("1×1, 128", "3×3 /2, 128", "1×1, 512"),),
     "1×1 /2"),
    ("resnet50", "run:stage2.1", "Bottleneck ×3", (("1×1, 128", "3×3, 128", "1×1, 512"),), ""),
    ("resnet18", "run:stage1.0", "BasicBlock ×2", (("3×3, 64 ×2",),), ""),
    ("inception_v3", "block:inception_a.0", "InceptionA",
     (("1×1",), ("1×1", "5×5"), ("1×1", "3×3 ×2"), ("avg pool 3×3", "1×1")), None),
    ("inception_v3", "block:inception_c.1", "InceptionC",
     (("1×1",), ("1×1", "1×3 | 3×1"), ("1×1", "3×3", "1×3 | 3×1"), ("avg pool 3×3", "1×1")),
     None),
    ("inception_v3", "block:aux", "AuxiliaryHead",
     (("avg pool 5×5 /3", "1×1, 128", "5×5, 768", "global pool", "linear, 1000"),), None),
    ("xception", "run:middle.0", "XceptionBlock ×8", (("separable 3×3, 728 ×3",),), ""),
    ("xception", "block:entry.0", "XceptionBlock",
     (("separable 3×3, 128 ×2", "max pool 3×3 /2"),), "1×1 /2"),
    ("mobilenetv3_small", "block:stage1.0", "stage1: InvertedResidual",
     (("dw 3×3 /2, 16", "squeeze-excite", "1×1, 16"),), None),
    ("mobilenetv3_small", "run:stage5.1", "InvertedResidual ×2",
     (("1×1, 576", "dw 5×5, 576", "squeeze-excite", "1×1, 96"),), ""),
    ("mobilenetv1", "block:stage1.0", "stage1: SeparableBlock",
     (("dw 3×3, 32", "1×1, 64"),), None),
    ("densenet121", "run:block1.0", "DenseLayer ×6, 64 → 256", (("1×1, 128", "3×3, 32"),), None),
    ("resnet20", "block:stage2.0", "BasicBlock", (("3×3 /2, 32", "3×3, 32"),), "padding"),
    ("lenet5_1998", "block:head.fc3", "RBF", (("sum",),), None),
    ("convnext_tiny", "run:stage1.block1", "ConvNeXtBlock ×3",
     (("dw 7×7, 96", "linear, 384", "linear, 96"),), ""),
]

SECTIONS: list[tuple[str, str, str, tuple[recipe.Section, ...]]] = [
    ("vit_b_16", "run:encoder.0", "EncoderBlock ×12", (
        recipe.Section(((("linear, 768", "attention", "linear, 768"),),), ""),
        recipe.Section(((("linear, 3072", "linear, 768"),),), ""))),
    ("shufflenetv2_x1_0", "run:stage2.1", "ShuffleUnit ×3", (
        recipe.Section((((), ("1×1", "dw 3×3", "1×1")), (("shuffle",),))),)),
    ("shufflenetv2_x1_0", "block:stage2.0", "DownsamplingUnit", (
        recipe.Section(((("dw 3×3 /2", "1×1"), ("1×1", "dw 3×3 /2", "1×1")), (("shuffle",),))),)),
    ("squeezenet1_0&bypass=complex", "block:stage1.fire1", "Fire", (
        recipe.Section(((("1×1, 16",),), (("1×1",), ("3×3",))), "1×1"),)),
    ("alexnet_2012", "block:stage1", "lrn, pool", (
        recipe.Section(((("LocalResponseNorm", "max pool 3×3 /2"),),)),)),
    ("mobilenetv2", "block:head", "pool to fc", (
        recipe.Section(((("global pool", "linear, 1000"),),)),)),
    ("mobilenetv2", "block:stem", "stem: Conv 3×3 /2", ()),
    ("vit_b_16", "block:patches", "Patches", (recipe.Section(((("16×16 /16, 768",),),)),)),
    ("googlenet", "block:inception_4a", "inception_4a: Inception", (
        recipe.Section(((("1×1",), ("1×1", "3×3"), ("1×1", "3×3"), ("max pool 3×3", "1×1")),)),)),
]


@pytest.mark.parametrize(("network", "id", "title", "ways", "past"), RECIPES,
                         ids=[f"{case[0]} {case[1]}" for case in RECIPES])
def test_a_closed_block_says_what_is_inside(network: str, id: str, title: str,
                                            ways: tuple[recipe.Way, ...],
                                            past: str | None) -> None:
    drawing = Drawing(structure(network))
    block = node(drawing, id)
    assert recipe.title(block) == title
    assert recipe.sections(block, drawing.wiring) == \
        ((recipe.Section((ways,), past),) if ways else ())


@pytest.mark.parametrize(("network", "id", "title", "sections"), SECTIONS,
                         ids=[f"{case[0]} {case[1]}" for case in SECTIONS])
def test_a_closed_block_says_what_follows_what(network: str, id: str, title: str,
                                               sections: tuple[recipe.Section, ...]) -> None:
    drawing = Drawing(explorer.open(network).structure)
    block = node(drawing, id)
    assert recipe.title(block) == title
    assert recipe.sections(block, drawing.wiring) == sections


def test_a_block_of_many_shortcuts_is_told_in_one_row() -> None:
    class Many(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(8))

        def forward(self, x: Tensor) -> Tensor:
            for part in self.parts:
                x = x + part(x)
            return x * 2

    drawing = Drawing(structure_of(nn.Sequential(Many(), nn.Conv2d(4, 4, 1)), 1, 4, 8, 8))
    block = next(found for found in drawing.structure.parts.values() if found.name == "Many")
    assert recipe.sections(block, drawing.wiring) == (recipe.Section(((("3×3, 4 ×8",),),)),)


@pytest.mark.parametrize(("network", "stage", "rows"), [
    ("googlenet", "inception_4e", ("Inception", "max pool 2×2 /2")),
    ("densenet121", "block1", ("DenseLayer ×6, 64 → 256", "concatenate, 256")),
    ("mobilenetv3_large", "head", ("1×1, 960", "global pool", "linear, 1280", "linear, 1000")),
    ("lenet5_1998", "head", ("linear, 120", "linear, 84", "RBF")),
])
def test_a_closed_stage_names_blocks_that_have_a_name_and_says_what_all_else_does(
        network: str, stage: str, rows: recipe.Way) -> None:
    drawing = Drawing(structure(network))
    assert recipe.sections(drawing.structure.parts[f"stage:{stage}"], drawing.wiring) == (
        recipe.Section(((rows,),)),)


@pytest.mark.parametrize(("network", "words"), [("shufflenetv2_x1_0", "split"),
                                                ("resnet20", "slice")])
def test_what_python_calls_otherwise_is_said_as_people_say_it(network: str, words: str) -> None:
    said = [recipe.label(part) for part in Drawing(structure(network), "layer").nodes
            if not part.parts]
    assert words in said and not {"cat", "chunk", "getitem"} & {*said}


def test_knobs_show_in_the_recipe() -> None:
    def ways(network: str, id: str, **knobs: object) -> tuple[recipe.Way, ...]:
        drawing = Drawing(structure(network, **knobs))
        [section] = recipe.sections(drawing.structure.parts[id], drawing.wiring)
        return section.rungs[0]

    assert ways("resnet50", "block:stage1.0", groups=32, width_per_group=4) == (
        ("1×1, 128", "3×3, 128 (32 groups)", "1×1, 256"),)
    assert ways("resnet50", "run:stage4.1", output_stride=8)[0][1] == "3×3 dilated 4, 512"
    assert ways("xception", "run:middle.0", separable=False) == (("3×3, 728 ×3",),)
    assert ways("convnext_tiny", "run:stage1.block1", modernised="inverted") == (
        ("1×1, 384", "dw 3×3, 384", "1×1, 96"),)
    assert ways("mobilenetv3_small", "block:stage1.0", squeeze_excite=False) == (
        ("dw 3×3 /2, 16", "1×1, 16"),)


# Overlays

QUANTITIES = ("params", "macs", "activation_bytes", "receptive_field")


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.parametrize("network", PRESETS)
def test_shares_are_of_the_largest(network: str, name: str) -> None:
    for level in LEVELS:
        drawing = Drawing(structure(network), level)
        colours = graph.overlay(name, drawing)
        shares = [colours.share(node.id) for node in drawing.nodes]
        assert all(share is None or 0 <= share <= 1 for share in shares)
        known = [value for value in colours.values.values() if value]
        assert bool(known) == bool(colours.largest)     # no part of a ViT has a receptive field
        assert not colours.largest or colours.share(colours.largest) == 1
        parts = {*drawing.nodes, *(frame.part for frame in drawing.frames)}
        assert colours.values.keys() == colours.shown.keys() == {part.id for part in parts}


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_a_figure_says_its_share_of_the_network(network: str) -> None:
    found = structure(network)
    drawing = Drawing(found)
    told = graph.overlay("macs", drawing)
    whole = sum(layer.macs or 0 for layer in found.layers)
    for part in drawing.nodes:
        share = 100 * part.macs / whole
        words = told.shown[part.id]
        assert words.startswith(text.short(part.macs))
        shown = words.rpartition(" · ")[2]
        assert shown == "<1%" if 0 < share < 0.5 else \
            part.macs == 0 or abs(float(shown.removesuffix("%")) - share) <= 0.5


@pytest.mark.parametrize("network", PRESETS)
def test_the_largest_layer_and_stage_are_the_largest(network: str) -> None:
    found = structure(network)
    for name in ("params", "macs", "activation_bytes"):
        most = max(found.layers, key=lambda layer: getattr(layer, name) or 0)
        assert graph.overlay(name, unfolded(found)).largest == f"call:{most.index}"
        sums: Counter[str] = Counter()
        for layer in found.layers:
            sums[stage_of(layer)] += getattr(layer, name) or 0
        drawing = Drawing(found, "stage")
        largest = graph.overlay(name, drawing).largest
        assert largest and stage_of(node(drawing, largest).layers[0]) == sums.most_common(1)[0][0]


def test_the_receptive_field_of_a_node_is_that_of_its_end() -> None:
    drawing = Drawing(structure("resnet50"), "stage")
    colours = graph.overlay("receptive_field", drawing)
    assert colours.shown["stage:stage4"] == "427 px"    # 483 in torchvision's tables: 1×1 first
    assert colours.values["block:head"] is None and colours.shown["block:head"] == "–"
    assert colours.largest == "stage:stage4"


def test_the_time_of_a_node_is_the_sum_of_its_layers_or_unknown() -> None:
    drawing = Drawing(structure("vgg16"))
    seconds = {layer.index: 0.001 for layer in drawing.structure.layers
               if stage_of(layer) != "head"}
    colours = graph.overlay(graph.TIME, drawing, seconds)
    assert colours.values["run:stage5.conv1"] == pytest.approx(
        0.001 * len(node(drawing, "run:stage5.conv1").layers))
    assert colours.values["block:head"] is None and colours.shown["block:head"] == "not timed"
    assert graph.overlay(graph.TIME, drawing).largest is None


# Changes

def changed(network: str, **knobs: object) -> dict[str, str]:
    return graph.changes(structure(network, **knobs), structure(network))


@pytest.mark.parametrize("network", PRESETS)
def test_a_preset_is_not_changed(network: str) -> None:
    assert changed(network) == {}


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_width_changes_every_convolution_and_every_stage(network: str) -> None:
    lines, found = changed(network, width=0.5), structure(network, width=0.5)
    assert {f"call:{layer.index}" for layer in found.summary.layers
            if "convolution" in layer.kind} <= lines.keys()
    assert {stage.id for stage in found.stages if not stage.auxiliary} <= lines.keys()


def test_the_line_of_a_stage_has_its_sums() -> None:
    for depth in (0.5, 2.0):
        before, after = summary("resnet50"), summary("resnet50", depth=depth)
        for stage in ("stage1", "stage3"):
            params, macs = [[sum(getattr(layer, name) for layer in found.layers
                                 if stage_of(layer) == stage) for found in (after, before)]
                            for name in ("params", "macs")]
            assert changed("resnet50", depth=depth)[f"stage:{stage}"] == \
                f"params {text.change(*params)}\nmacs {text.change(*macs)}"


def test_blocks_that_depth_adds_are_not_in_the_preset() -> None:
    lines = changed("resnet50", depth=2)
    added = {f"block:stage{stage}.{block}" for stage, (few, many) in enumerate(
        zip((3, 4, 6, 3), (6, 8, 12, 6), strict=True), 1) for block in range(few, many)}
    assert {id for id, line in lines.items()
            if id.startswith("block") and line == "not in the preset"} == added
    assert not {"block:stem", "block:stage1.0", "block:head"} & lines.keys()


def test_another_activation_says_what_it_was() -> None:
    lines = changed("mobilenetv3_small", activation="relu")
    layers = summary("mobilenetv3_small").layers
    assert {id: line for id, line in lines.items() if id.startswith("call")} == {
        f"call:{layer.index}": "was Hardswish" for layer in layers if layer.type == "Hardswish"}


def test_another_input_changes_no_parameters() -> None:
    lines = changed("resnet50", input_size=256)
    assert lines["call:0"] == "macs +31%"
    assert not any("params" in line for line in lines.values())


# Failure

def test_a_network_that_fails_is_drawn_as_far_as_it_got() -> None:
    found = structure("inception_v3", input_size=40)
    assert found.failure
    for level in LEVELS:
        drawing = Drawing(found, level)
        assert indices(drawing) == list(range(len(found.failure.trace.calls) + 1))
        *_, failed = drawing.nodes
        assert failed.failed and failed.layers[0].path == "reduction_a.branch3x3.conv"
        [edge] = [edge for edge in drawing.edges if edge.target is failed]
        assert isinstance(edge.source, Part)
        assert edge.source.layers[-1].index == found.failure.inputs[0]
        assert edge.shape == found.failure.input_shape == (1, 288, 2, 2)
    assert "failed" not in graph.changes(found, structure("inception_v3"))


def test_a_network_that_fails_at_once_is_its_input_and_the_failure() -> None:
    drawing = Drawing(structure_of(nn.Conv2d(4, 4, 3), 1, 3, 8, 8))
    [failed] = drawing.nodes
    [edge] = drawing.edges
    assert failed.failed and edge.source == NETWORK_INPUT and edge.target is failed


def test_operations_are_written_along_any_sides() -> None:
    class Attends(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(x, x, x)

    network = nn.Sequential(
        nn.Conv3d(1, 2, (1, 3, 3), stride=(1, 2, 2)), nn.Flatten(2), nn.Conv1d(2, 4, 3, dilation=2),
        nn.ConvTranspose1d(4, 4, 4, 2), nn.AdaptiveAvgPool1d(1), Attends(), nn.LSTM(1, 8))
    layers = analyse(trace(network, (1, 1, 3, 9, 9))).layers
    assert [recipe.operation(layer, channels=True) for layer in layers] == [
        "1×3×3 /1×2×2, 2", None, "3 dilated 2, 4", "2 up 2, 4", "global pool", "attention, 1",
        "lstm, 8"]


def test_a_convolution_says_the_shape_of_its_maps_where_it_is_new() -> None:
    said = graph.new_shapes(Drawing(structure("lenet5"), "layer"))
    assert sorted(said.values()) == ["16×10×10", "6×28×28"]
