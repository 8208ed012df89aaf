"""The block graph as DOT.

Colours are not in the DOT: nodes carry a class, and whoever shows the SVG styles it, so that one
layout serves both themes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import graphviz

from explorer.analysis import Block, Kind, Layer, Summary
from explorer.trace import NETWORK_INPUT
from explorer.views import text

PLAIN = {"Sequential", "ConvNormAct"}


@dataclass(frozen=True, eq=False)
class Node:
    """Consecutive blocks that are alike, drawn as one."""

    blocks: tuple[Block, ...]

    @property
    def id(self) -> str:
        return f"block-{self.blocks[0].layers[0].index}"

    @property
    def kind(self) -> Kind | None:
        """The kind of a plain sequence's dearest operation, so that it looks like one."""
        block = self.blocks[0]
        if len(block.layers) > 1 and block.type not in PLAIN:
            return None
        return max(block.layers, key=lambda layer: (layer.params, layer.macs or 0)).kind

    @property
    def params(self) -> int:
        return sum(block.params for block in self.blocks)

    @property
    def macs(self) -> int:
        return sum(block.macs for block in self.blocks)


def fold(blocks: Iterable[Block]) -> list[Node]:
    """Runs of consecutive blocks that do the same to the same shapes, as one node each."""
    runs: list[list[Block]] = []
    for block in blocks:
        if not runs or _signature(runs[-1][-1]) != _signature(block):
            runs.append([])
        runs[-1].append(block)
    return [Node(tuple(run)) for run in runs]


def _signature(block: Block) -> tuple[object, ...]:
    return block.stage, block.type, tuple(
        (layer.type, layer.input_shapes, layer.output_shape, layer.kernel, layer.stride,
         layer.dilation, layer.groups, layer.params) for layer in block.layers)


def block_graph(summary: Summary) -> str:
    """The network as DOT at block level: a column for each stage, in the order of execution."""
    nodes = fold(summary.blocks)
    dot = graphviz.Digraph(
        "network", graph_attr=dict(rankdir="LR", ranksep="0.55", nodesep="0.28", newrank="true",
                                   fontname="Helvetica", fontsize="12", bgcolor="transparent"),
        node_attr=dict(shape="box", style="rounded,filled", fontname="Helvetica", fontsize="12",
                       margin="0.14,0.08", height="0.5"),
        edge_attr=dict(fontname="Helvetica", fontsize="10", arrowsize="0.6"))
    dot.node("input", _label("Input", text.shape(summary.trace.input_shape[1:])),
             **{"class": "input", "id": "input"})
    for number, stage in enumerate(dict.fromkeys(node.blocks[0].stage for node in nodes)):
        members = [node for node in nodes if node.blocks[0].stage == stage]
        with dot.subgraph(name=f"cluster_{number}") as cluster:
            cluster.attr(label=graphviz.escape(stage), labeljust="l", style="rounded", margin="12",
                         **{"class": "stage"})
            cluster.attr(rank="same")
            for node in members:
                cluster.node(node.id, _node_label(node), tooltip=_tooltip(node), id=node.id,
                             **{"class": f"kind-{node.kind.replace(' ', '-')}" if node.kind
                                else "block"})
    for source, node in _edges(nodes):
        if source is not None and source.blocks[0].stage == node.blocks[0].stage:
            # Down the column: dot orders a column from its foot, so the edge is turned round.
            dot.edge(node.id, source.id, dir="back")
        else:
            dot.edge(source.id if source else "input", node.id, constraint="false")
    # The heads of the columns in one line.
    heads = [node.id for node, before in zip(nodes, [None, *nodes], strict=False)
             if before is None or before.blocks[0].stage != node.blocks[0].stage]
    for left, right in zip(["input", *heads], heads, strict=False):
        dot.edge(left, right, style="invis", weight="100")
    return str(dot.source)


def _edges(nodes: list[Node]) -> list[tuple[Node | None, Node]]:
    """From which node to which data flows, once each; None stands for the network's input."""
    node_of = {layer.index: node for node in nodes for block in node.blocks
               for layer in block.layers}
    return list(dict.fromkeys(
        (source, node) for node in nodes for block in node.blocks for layer in block.layers
        for producer in layer.inputs
        if (source := None if producer == NETWORK_INPUT else node_of[producer]) is not node))


def _node_label(node: Node) -> str:
    lines = [_title(node), text.shape(node.blocks[-1].output_shape[1:])]
    if node.params:
        lines.append(f"{text.short(node.params)} params")
    return _label(*lines)


def _title(node: Node) -> str:
    block, count = node.blocks[0], len(node.blocks)
    title = block.type
    if block.type in PLAIN and len(block.layers) > 1:
        # What a plain sequence does says more than what it is called.
        parts = [_operation(layer) for layer in block.layers
                 if layer.kind in ("convolution", "depthwise convolution", "pooling", "linear")]
        runs = [(name, len(list(run))) for name, run in groupby(parts)]
        title = ", ".join(name if times == 1 else f"{name} ×{times}" for name, times in runs)
    return f"{title} ×{count}" if count > 1 else title


def _operation(layer: Layer) -> str:
    if layer.kernel and "convolution" in layer.kind:
        side = f"{layer.kernel[0]}×{layer.kernel[1]}"
        return f"{'Depthwise' if layer.kind.startswith('depthwise') else 'Conv'} {side}"
    return "Pool" if layer.kind == "pooling" else "Linear"


def _label(*lines: str) -> str:
    """Lines under each other; the first is set as a title by whoever shows the SVG.

    No name can break out of the label: backslashes are escaped, and it is never read as HTML.
    """
    label: str = graphviz.nohtml(r"\n".join(graphviz.escape(line) for line in lines))
    return label


def _tooltip(node: Node) -> str:
    first, last = node.blocks[0], node.blocks[-1]
    where = first.path if first is last else f"{first.path} to {last.path}"
    return (f"{where}: {sum(len(block.layers) for block in node.blocks)} layers, "
            f"{node.params:,} parameters, {node.macs:,} multiply-adds")
