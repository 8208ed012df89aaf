"""The graph as DOT.

The DOT that the page shows has no colours: nodes, frames and edges carry a class, and whoever shows
the SVG styles it, so that one layout serves both themes and every overlay. An export is painted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from html import escape
from itertools import pairwise
from typing import Literal

import graphviz

from explorer import text
from explorer.structure import EdgeKind, Part
from explorer.tracing import NETWORK_INPUT, TraceError
from explorer.views.graph import recipe
from explorer.views.graph.drawing import Drawing, Edge, Origin
from explorer.views.graph.paint import Paint
from explorer.views.palette import FRAME, INK, PALE, PAPER, PLAIN

Direction = Literal["LR", "TB"]
DIRECTIONS: tuple[Direction, ...] = ("LR", "TB")

INPUT = "input"
FONT = "Arial"
LARGE = 400
"""Nodes of a graph in which dot straightens the edges less: that takes a third of its time."""
SIGNS = {"add": "+", "mul": "×", "sub": "−"}
POINT = dict(shape="point", width="0.01", height="0.01", style="invis", label="")
LINES: dict[EdgeKind, dict[str, str]] = {
    "shortcut": {"style": "dashed"}, "gate": {"style": "dotted", "penwidth": "1.6"},
    "auxiliary": {"style": "dashed", "arrowhead": "empty"}}


def to_dot(drawing: Drawing, *, direction: Direction = "LR", shapes: bool = True,
           changes: Mapping[str, str] | None = None, paint: Paint | None = None,
           title: str = "") -> str:
    """The drawing as DOT, with the part's id and a class on every node and frame.

    LR sets the stages side by side, each from top to bottom; TB sets everything one under the
    other. `shapes` labels the edges with the shape of what flows. `changes` has a line for each
    node that is not as in the preset. With `paint` the graph stands by itself, in colours, under a
    title and with its legend.
    """
    dot = graphviz.Digraph(
        "network", graph_attr=dict(
            rankdir="TB", newrank="true", ranksep="0.32", nodesep="0.14", fontname=FONT,
            fontsize="11", labeljust="l", style="rounded", bgcolor="transparent"),
        node_attr=dict(shape="box", style="rounded,filled", fontname=FONT, fontsize="10",
                       margin="0.1,0.08", height="0.3", width="0.4"),
        # A label stands right of where its edge begins, and takes no part in the layout.
        edge_attr=dict(fontname=FONT, fontsize="8", arrowsize="0.6", labelangle="75",
                       labeldistance="2.8", **{"class": "flow"}))
    if len(drawing.nodes) > LARGE:
        dot.attr(nslimit="1")
    if paint:
        dot.attr(bgcolor=PAPER, pad="0.2")
        dot.attr("node", fillcolor=PALE, color=PLAIN, fontcolor=INK)
        dot.attr("edge", color=PLAIN, fontcolor=PLAIN)
        dot.attr(color=FRAME, fontcolor=INK)
    trace = drawing.structure.summary.trace
    inputs = [-1 - number for number in range(len(trace.inputs))]
    for number in inputs:
        given = trace.given(number)
        dot.node(_tail(number), _label(f"Input {given.name}".strip(), (),
                                       text.shape(given.shape[1:])),
                 id=_tail(number), **{"class": "input"})
    if direction == "LR":
        for above, below in pairwise(inputs):
            dot.edge(_tail(above), _tail(below), style="invis")
    columns = _Columns(drawing, shapes) if direction == "LR" else None
    for number, stage in enumerate(drawing.structure.stages):
        with columns.frame(dot, number) if columns else nullcontext(dot) as place:
            _draw(place, stage, drawing, changes or {}, paint)
    labelled: set[Origin] = set()
    for edge in drawing.edges:
        if columns is None or not columns.between(edge):
            # What flows out of a node is written once.
            label = dict(taillabel=text.shape(edge.shape[1:])) \
                if shapes and edge.source not in labelled else {}
            labelled.add(edge.source)
            dot.edge(_tail(edge.source), name(edge.target), **_line(edge.kind), **label)
    for node in drawing.nodes:
        if (past := recipe.shortcut(node, drawing.wiring)) is not None:
            dot.edge(f"{name(node)}:ne", f"{name(node)}:se", label=graphviz.escape(past) or None,
                     **_line("shortcut"))
    if columns:
        columns.connect(dot)
    if paint:       # at the end, for frames inherit what stands before them
        dot.attr(labelloc="b", labeljust="c",
                 label=_caption(title, drawing.structure.failure, paint))
    return str(dot.source)


class _Columns:
    """The stages side by side: what flows from one to another goes through a gutter between them,
    past a label with its shape. Where it enters a column at several places, it forks there."""

    def __init__(self, drawing: Drawing, shapes: bool) -> None:
        self.drawing, self.shapes = drawing, shapes
        self.column = {node: number for number, nodes in enumerate(drawing.columns)
                       for node in nodes}
        self.trunks: dict[int, dict[Origin, list[Edge]]] = {
            number: {} for number in range(len(drawing.columns))}
        for edge in drawing.edges:
            if self.between(edge):
                self.trunks[self.column[edge.target]].setdefault(edge.source, []).append(edge)

    def between(self, edge: Edge) -> bool:
        return isinstance(edge.source, int) or self.column[edge.source] != self.column[edge.target]

    @contextmanager
    def frame(self, dot: graphviz.Digraph, number: int) -> Iterator[graphviz.Digraph]:
        """The frame of a column, in which its stage is to be drawn, behind its gutter."""
        with self._hidden(dot, f"gutter{number}") as gutter:
            for source, edges in self.trunks[number].items():
                self._enter(gutter, number, source, edges)
        with self._hidden(dot, f"column{number}") as column:
            for source, edges in self.trunks[number].items():
                if len(edges) > 1:
                    column.node(_via("fork", source, number), **POINT)
            yield column

    @contextmanager
    def _hidden(self, dot: graphviz.Digraph, name: str) -> Iterator[graphviz.Digraph]:
        """A frame that is not drawn, and keeps columns and gutters in their order."""
        with dot.subgraph(name=f"cluster_{name}") as frame:
            frame.attr(peripheries="0", margin="0")
            yield frame

    def _enter(self, gutter: graphviz.Digraph, number: int, source: Origin,
               edges: list[Edge]) -> None:
        """A label for what enters a column, and a corner below."""
        # In two lines, channels over sides: the width of the page is what is scarce.
        channels, _, sides = text.shape(edges[0].shape[1:]).partition("×")
        look = dict(shape="plain", fontsize="8", label=f"{channels}×\\n{sides}" if sides
                    else channels) if self.shapes else POINT
        gutter.node(_via("label", source, number), **look, **{"class": "shape"})
        if not self._leads(source):
            gutter.node(_via("corner", source, number), **POINT)

    def connect(self, dot: graphviz.Digraph) -> None:
        """The ways through the gutters, and the heads of all columns in one row."""
        heads = [INPUT]
        for number, nodes in enumerate(self.drawing.columns):
            trunks = self.trunks[number]
            heads += [_via("label", source, number) for source in trunks]
            heads += [_via("fork", source, number) for source, edges in trunks.items()
                      if len(edges) > 1] or [name(nodes[0])]
            for source, edges in trunks.items():
                self._trunk(dot, number, source, edges)
        _same_rank(dot, heads)
        for left, right in pairwise(heads):
            dot.edge(left, right, style="invis", weight="100")

    def _leads(self, node: Origin) -> bool:
        """Whether a node is the first input or the head of its column."""
        if isinstance(node, int):
            return node == NETWORK_INPUT
        return node is self.drawing.columns[self.column[node]][0]

    def _trunk(self, dot: graphviz.Digraph, number: int, source: Origin,
               edges: list[Edge]) -> None:
        label, kinds = _via("label", source, number), {edge.kind for edge in edges}
        line = _line(kinds.pop() if len(kinds) == 1 else "flow")
        plain = line | {"arrowhead": "none"}
        if self._leads(source):
            dot.edge(_tail(source), label, constraint="false", **plain)
        else:
            corner = _via("corner", source, number)
            _same_rank(dot, [_tail(source), corner])
            dot.edge(_tail(source), corner, tailport="e", **plain)
            dot.edge(label, corner, weight="50", **plain)   # ranks run down, data up
        if len(edges) == 1:
            dot.edge(label, name(edges[0].target), constraint="false", headport="w", **line)
            return
        fork = _via("fork", source, number)
        dot.edge(label, fork, constraint="false", **plain)
        for edge in edges:
            dot.edge(fork, name(edge.target), **_line(edge.kind))


def _via(what: str, source: Origin, number: int) -> str:
    return f"{what}_{_tail(source)}_to{number}"


def _same_rank(dot: graphviz.Digraph, names: list[str]) -> None:
    with dot.subgraph() as row:
        row.attr(rank="same")
        for member in names:
            row.node(member)


def _tail(source: Origin) -> str:
    if not isinstance(source, int):
        return name(source)
    return INPUT if source == NETWORK_INPUT else f"{INPUT}{-source}"


def _line(kind: EdgeKind) -> dict[str, str]:
    return {} if kind == "flow" else {"class": kind, **LINES[kind]}


def name(part: Part) -> str:
    """A part's name in DOT: its id can hold anything that a path can."""
    return f"{part.role}{part.layers[0].index}"


def _draw(dot: graphviz.Digraph, part: Part, drawing: Drawing, changes: Mapping[str, str],
          paint: Paint | None) -> None:
    if part.role == "module" and part.parts:
        for inner in part.parts:
            _draw(dot, inner, drawing, changes, paint)
        return
    if drawing.is_open(part):
        with dot.subgraph(name=f"cluster_{name(part)}") as frame:
            frame.attr(label=_quoted(recipe.title(part)), peripheries="1", margin="6",
                       id=part.id, **{"class": part.role})
            for inner in part.parts:
                _draw(frame, inner, drawing, changes, paint)
        return
    # On the page the component has colours and tooltips; without them the SVG is a third smaller.
    colours = dict(fillcolor=paint.fills[part.id], color=paint.lines[part.id],
                   tooltip=_quoted(tooltip(part))) if paint else {}
    classes = node_class(part) + " changed" * (part.id in changes)
    dot.node(name(part), id=part.id, **{"class": classes}, **colours,
             **_look(part, drawing, changes.get(part.id)))


def _look(part: Part, drawing: Drawing, change: str | None) -> dict[str, str]:
    """Shape and label of a closed part."""
    layer, shape = part.layers[-1], text.shape(part.output_shape[1:])
    if part.failed:
        given = text.shape(next(iter(layer.input_shapes), ()))
        return dict(shape="octagon", style="filled", label=_label(
            f"{layer.type} cannot run", (), f"given {given}"))
    if part.role == "call" and layer.call.operator in SIGNS:
        return dict(shape="circle", label=SIGNS[layer.call.operator], fixedsize="true", width="0.3",
                    fontsize="13", style="filled")
    if part.role == "call" and layer.call.operator == "cat":
        return dict(shape="invtrapezium", label=_label("concat", (), shape, change),
                    style="filled", margin="0,0")
    unknown = any(not layer.call.known for layer in part.layers)
    params = f" · {text.short(part.params)}" if part.params else ""
    foot = f"{shape}{params}{f' · {text.NOT_COUNTED}' if unknown else ''}"
    own = {"style": "rounded,filled,dashed"} if part.auxiliary else {}
    if ways := recipe.ways(part, drawing.wiring):
        own["margin"] = "0.08,0.05"
    return dict(label=_label(recipe.title(part), ways, foot, change), **own)


def _label(title: str, ways: tuple[recipe.Way, ...], foot: str, change: str | None = None) -> str:
    """A label: title, the ways side by side, output shape and parameters, change.

    It is Graphviz's own HTML, in which every text is escaped; a table only where there are ways.
    """
    head, rest = f"<B>{_safe(title)}</B>", [f'<FONT POINT-SIZE="9">{_safe(foot)}</FONT>']
    if change:
        rest.append(f'<FONT POINT-SIZE="9"><I>{_lines(change.splitlines())}</I></FONT>')
    if not ways:
        return f"<{'<BR/>'.join([head, *rest])}>"
    beside = "".join(f'<TD BORDER="1" STYLE="ROUNDED" CELLPADDING="3">{_lines(way) or "–"}</TD>'
                     for way in ways)
    above, *below = (f'<TR><TD COLSPAN="{len(ways)}">{line}</TD></TR>' for line in (head, *rest))
    return ('<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0">'
            f'{above}<TR>{beside}</TR>{"".join(below)}</TABLE>>')


def _lines(lines: Iterable[str]) -> str:
    return "<BR/>".join(map(_safe, lines))


def _safe(words: str) -> str:
    return escape(_plain(words)) or " "


def _quoted(words: str) -> str:
    """For what is no HTML: Graphviz reads entities there too."""
    # Left as the type that it is: of a plain "<b>" the library would make HTML again.
    escaped: str = graphviz.escape(_plain(words).replace("&", "&amp;"))
    return escaped


def _plain(words: str) -> str:
    """Without signs that no SVG can hold, and not longer than Graphviz can read."""
    if not words.isprintable():
        words = "".join([sign if sign.isprintable() else "\ufffd" for sign in words])
    return words if len(words) <= 200 else f"{words[:120]}…{words[-79:]}"


def _caption(title: str, failure: TraceError | None, paint: Paint) -> str:
    lines = [f"<B>{_safe(title)}</B>"]
    if failure:
        lines += map(_safe, textwrap.wrap(str(failure), 90))
    return ('<<TABLE BORDER="0" CELLBORDER="0">'
            + "".join(f"<TR><TD>{line}</TD></TR>" for line in lines)
            + '<TR><TD><TABLE BORDER="0" CELLBORDER="0" FIXEDSIZE="FALSE"><TR><TD>'
            + f'<TABLE BORDER="0" CELLBORDER="0">{paint.legend}</TABLE></TD></TR></TABLE>'
            + "</TD></TR></TABLE>>")


def node_class(part: Part) -> str:
    if part.failed:
        return "failed"
    kind = part.operation
    return f"kind-{kind.replace(' ', '-')}" if kind else part.role


def tooltip(part: Part) -> str:
    if part.failed:
        return f"{part.layers[0].path}: the forward pass ends here"
    blocks = tuple(part.blocks())
    first, last = blocks[0], blocks[-1]
    where = first.path if first is last else f"{first.path} to {last.path}"
    only = ", in training only" if part.auxiliary else ""
    layers = "1 layer" if len(part.layers) == 1 else f"{len(part.layers)} layers"
    return (f"{where}: {layers}{only}, {part.params:,} parameters, "
            f"{part.macs:,} multiply-adds")
