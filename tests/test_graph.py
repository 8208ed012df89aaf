"""The block graph and its layout."""

from __future__ import annotations

import os
import re
import signal
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from torch import Tensor, nn

import explorer
from explorer.analysis import analyse
from explorer.trace import trace
from explorer.views import layout
from explorer.views.graph import block_graph, fold

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("network", explorer.presets())
def test_every_layer_is_in_one_node_and_every_stage_is_named(network: str) -> None:
    summary = explorer.summarise(explorer.configure(network))
    nodes = fold(summary.blocks)
    indices = [layer.index for node in nodes for block in node.blocks for layer in block.layers]
    assert indices == list(range(summary.totals.layers))
    assert sum(node.params for node in nodes) == summary.totals.params_used
    assert sum(node.macs for node in nodes) == summary.totals.macs
    shown = texts(layout.to_svg(block_graph(summary)))
    assert {layer.stage for layer in summary.layers} <= set(shown)
    assert shown.count("Input") == 1


def test_a_folded_resnet152_fits_on_a_screen() -> None:
    summary = explorer.summarise(explorer.configure("resnet152"))
    shown = texts(layout.to_svg(block_graph(summary)))
    assert "Bottleneck ×35" in shown
    assert len(fold(summary.blocks)) <= 12


def test_edges_follow_the_data() -> None:
    summary = explorer.summarise(explorer.configure("resnet18"))
    nodes = fold(summary.blocks)
    drawn = re.findall(r'(\S+) -> (\S+)(.*)', block_graph(summary))
    edges = {(b, a) if "back" in rest else (a, b) for a, b, rest in drawn if "invis" not in rest}
    ids = ["input", *(node.id for node in nodes)]
    assert {(a.strip('"'), b.strip('"')) for a, b in edges} == set(pairwise(ids))


class Hostile(nn.Module):
    """Names that would be markup if they were not escaped."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module('<b>"x"</b>\\N', nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()))

    def forward(self, x: Tensor) -> Tensor:
        return next(self.children())(x)


def test_no_name_can_inject_markup() -> None:
    summary = analyse(trace(Hostile(), (1, 3, 8, 8)))
    svg = layout.to_svg(block_graph(summary))
    ElementTree.fromstring(svg)
    assert "<b>" not in svg
    assert '<b>"x"</b>\\N' in texts(svg)


def test_a_graph_that_is_none_is_an_error_and_the_next_one_works() -> None:
    with pytest.raises(layout.LayoutError):
        layout.to_svg("digraph { a -> ")
    assert "<svg" in layout.to_svg("digraph { a -> b }")


def test_a_layout_process_that_dies_is_replaced() -> None:
    layout.to_svg("digraph { a }")
    process = layout._server.process
    assert process
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert "<svg" in layout.to_svg("digraph { b }")


def test_threads_get_their_own_pictures() -> None:
    def named(number: int) -> bool:
        return f"node{number}x" in texts(layout.to_svg(f"digraph {{ node{number}x }}"))

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(named, range(200)))
