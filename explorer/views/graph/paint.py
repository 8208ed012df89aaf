"""Colours and a legend for a graph that stands by itself: light, for print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from explorer.views.graph.drawing import Drawing
from explorer.views.graph.overlays import Overlay
from explorer.views.palette import FAILURE, HEAT, KIND_COLOURS, PAPER, PLAIN


@dataclass(frozen=True)
class Paint:
    fills: Mapping[str, str]
    """Colours of the nodes, by id."""
    lines: Mapping[str, str]
    legend: str
    """Rows of a table in Graphviz's own HTML."""


def paint(drawing: Drawing, overlay: Overlay | None = None) -> Paint:
    """The colours of an overlay, or without one those of the kinds of operation."""
    fills, lines = {}, {}
    for node in drawing.nodes:
        colour = PLAIN if node.operation is None else KIND_COLOURS[node.operation]
        if node.failed:
            fills[node.id], lines[node.id] = mix(FAILURE, 0.16), FAILURE
        elif overlay:
            share = overlay.share(node.id)
            fills[node.id] = PAPER if share is None else mix(HEAT, share * 0.75)
            lines[node.id] = PLAIN
        else:
            fills[node.id], lines[node.id] = mix(colour, 0.16), mix(colour, 0.75)
    return Paint(fills, lines, _scale(overlay) if overlay else _kinds(drawing))


def mix(colour: str, share: float) -> str:
    """A colour on white paper.

    >>> mix("#000000", 0.5)
    '#808080'
    """
    parts = [int(colour[place:place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (part - 255) * share + 0.001):02X}" for part in parts)


def _kinds(drawing: Drawing) -> str:
    there = {node.operation for node in drawing.nodes if not node.failed}
    return "<TR>" + "".join(
        f'<TD BGCOLOR="{mix(colour, 0.5)}" WIDTH="12"> </TD><TD>{escape(kind)}  </TD>'
        for kind, colour in KIND_COLOURS.items() if kind in there) + "</TR>"


def _scale(overlay: Overlay) -> str:
    """Five steps from none to the most, and whose that is."""
    steps = "".join(f'<TD BGCOLOR="{mix(HEAT, share * 0.75)}" WIDTH="24"> </TD>'
                    for share in (0, 0.25, 0.5, 0.75, 1))
    top = overlay.shown[overlay.largest] if overlay.largest else "–"
    return f"<TR><TD>{escape(overlay.title)}: 0 </TD>{steps}<TD> {escape(top)}</TD></TR>"
