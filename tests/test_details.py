"""What is told of a chosen part beside the graph."""

from __future__ import annotations

import json

import pytest

from explorer.views import graph
from tests.graphs import explored


def figures(network: str, *selected: int) -> dict[str, dict[str, str]]:
    told = graph.details_of(explored(network), selected, {})
    assert told and json.loads(json.dumps(told)) == told
    return {row["name"]: row for row in told["rows"]}


def test_nothing_is_told_where_nothing_is_chosen() -> None:
    assert graph.details_of(explored("vgg11"), [], {}) is None


@pytest.mark.parametrize("network", ["vgg11", "mobilenetv3_large", "inception_v3"])
def test_the_figures_of_a_layer_and_their_formulas(network: str) -> None:
    layers = explored(network).summary.layers
    layer = max(layers, key=lambda one: one.macs or 0)
    told = figures(network, layer.index)
    assert told["Parameters"]["value"] == f"{layer.params:,}"
    assert told["Multiply-adds"]["value"] == f"{layer.macs:,}"
    assert told["Multiply-adds"]["how"][-1].split("= ")[-1] == f"{layer.macs:,}"
    share = (layer.macs or 0) / sum(one.macs or 0 for one in layers)
    assert told["Multiply-adds"]["share"] == f"{100 * share:.1f}% of the network"
    about = graph.details_of(explored(network), [layer.index], {})
    assert about and about["path"] == layer.path and layer.kind in about["about"]


def test_what_has_none_has_no_share_and_what_has_little_says_so() -> None:
    layers = explored("vgg11").summary.layers
    act = next(layer for layer in layers if layer.kind == "activation")
    assert figures("vgg11", act.index)["Parameters"]["share"] == ""
    first = layers[0]       # 3·64·9 + 64 of 133 million parameters
    assert figures("vgg11", first.index)["Parameters"]["share"] == "less than 0.1% of the network"
    assert figures("vgg11", *range(len(layers)))["Parameters"]["share"] == "100.0% of the network"


def test_a_block_is_named_with_its_sums_and_its_change() -> None:
    found = explored("resnet50")
    block = next(part for stage in found.structure.stages for part in stage.walk()
                 if part.role == "block" and part.path == "stage2.0")
    rows = [layer.index for layer in block.layers]
    told = graph.details_of(found, rows, {block.id: "+1%"})
    assert told and (told["title"], told["path"], told["change"]) == (
        "Bottleneck", "stage2.0", "+1%")
    sums = {row["name"]: row["value"] for row in told["rows"]}
    assert sums["Parameters"] == f"{sum(layer.params for layer in block.layers):,}"
