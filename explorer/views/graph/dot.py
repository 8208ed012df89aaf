"""The graph as DOT, for whoever goes on with it in Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import graphviz

from explorer import text
from explorer.structure import EdgeKind, Part
from explorer.tracing import NETWORK_INPUT
from explorer.views.graph import recipe
from explorer.views.graph.cards import SIGNS
from explorer.views.graph.drawing import Drawing, Frame, Item, Origin
from explorer.views.graph.overlays import Overlay
from explorer.views.graph.paint import fill_of, line_of
from explorer.views.graph.svg import plain
from explorer.views.palette import FRAME, INK, PALE, PLAIN

INPUT = "input"
LINES: dict[EdgeKind, dict[str, str]] = {
    "flow": {}, "shortcut": {"style": "dashed"}, "gate": {"style": "dotted", "penwidth": "1.6"},
    "auxiliary": {"style": "dashed", "arrowhead": "empty"}}


def to_dot(drawing: Drawing, *, overlay: Overlay, direction: str = "LR",
           changes: Mapping[str, str] | None = None, title: str = "", failure: str = "") -> str:
    """The drawing as DOT: every node and frame with its id, what is on it and its colour; below
    them the title, what the colours stand for, and the message of a pass that failed."""
    dot = graphviz.Digraph(
        "network",
        graph_attr=dict(rankdir=direction, ranksep="0.35", nodesep="0.2", fontname="Arial",
                        fontsize="11", labeljust="l", style="rounded", color=FRAME, fontcolor=INK),
        node_attr=dict(shape="box", style="rounded,filled", fontname="Arial", fontsize="10",
                       fillcolor=PALE, color=PLAIN, fontcolor=INK, height="0.3", width="0.4"),
        edge_attr=dict(fontname="Arial", fontsize="8", arrowsize="0.6", color=PLAIN))
    trace = drawing.structure.summary.trace
    for number, given in enumerate(trace.inputs):
        dot.node(_name(-1 - number), _label(f"Input {given.name}".strip(),
                                            text.shape(given.shape[1:])))
    for item in drawing.items:
        _draw(dot, item, drawing, overlay, changes or {})
    for edge in drawing.edges:
        dot.edge(_name(edge.source), _name(edge.target), **LINES[edge.kind])
    legend = f"{overlay.title}: 0 to {overlay.shown[overlay.largest]}" \
        if overlay.colours and overlay.largest else overlay.title
    below = [title, f"Colours: {legend}", *failure.splitlines()]
    dot.attr(labelloc="b", labeljust="c",
             label=graphviz.nohtml("\\n".join([_quoted(line) for line in below if line])))
    return str(dot.source)


def _draw(dot: graphviz.Digraph, item: Item, drawing: Drawing, overlay: Overlay,
          changes: Mapping[str, str]) -> None:
    if isinstance(item, Frame):
        with dot.subgraph(name=f"cluster_{_name(item.part)}") as frame:
            foot = _foot(item.part, overlay)
            frame.attr(label=_label(recipe.title(item.part), foot,
                                    *changes.get(item.part.id, "").splitlines()),
                       id=_quoted(item.part.id))
            for inner in item.items:
                _draw(frame, inner, drawing, overlay, changes)
        return
    dot.node(_name(item), id=_quoted(item.id), fillcolor=fill_of(item, overlay),
             color=line_of(item), **_look(item, drawing, overlay, changes.get(item.id, "")))


def _look(part: Part, drawing: Drawing, overlay: Overlay, change: str) -> dict[str, str]:
    """Shape and label of a node."""
    layer = part.layers[-1]
    if part.failed:
        given = text.shape(next(iter(layer.input_shapes), ()))
        return dict(shape="octagon", label=_label(f"{layer.type} cannot run", f"given {given}"))
    foot = _foot(part, overlay)
    if not part.parts and layer.call.operator in SIGNS:
        return dict(shape="circle", label=SIGNS[layer.call.operator], fixedsize="true", width="0.3")
    if not part.parts:
        name = str(recipe.SPOKEN["cat"]) if layer.call.operator == "cat" else recipe.label(part)
        return dict(label=_label(name, foot, *change.splitlines()))
    ways = [", ".join(way) for section in recipe.sections(part, drawing.wiring)
            for rung in section.rungs for way in rung]
    return dict(label=_label(recipe.title(part), *ways, foot, *change.splitlines()))


def _foot(part: Part, overlay: Overlay) -> str:
    """What a part gives, and its figure."""
    return " · ".join([words for words in (text.shape(part.output_shape[1:]),
                                           overlay.shown.get(part.id, "")) if words])


def _name(origin: Origin) -> str:
    """A name in DOT: an id can hold anything that a path can."""
    if isinstance(origin, int):
        return INPUT if origin == NETWORK_INPUT else f"{INPUT}{-origin}"
    return f"{origin.role}{origin.layers[0].index}"


def _label(title: str, *lines: str) -> str:
    """A label in Graphviz's own HTML, in which every text is escaped."""
    return f"<<B>{_safe(title)}</B>{''.join(f'<BR/>{_safe(line)}' for line in lines if line)}>"


def _safe(words: str) -> str:
    return escape(_plain(words)) or " "


def _quoted(words: str) -> str:
    """For what is no HTML: Graphviz reads entities there too."""
    # Left as the type that it is: of a plain "<b>" the library would make HTML again.
    escaped: str = graphviz.escape(_plain(words).replace("&", "&amp;"))
    return escaped


def _plain(words: str) -> str:
    """Not longer than Graphviz can read."""
    words = plain(words)
    return words if len(words) <= 200 else f"{words[:120]}…{words[-79:]}"
