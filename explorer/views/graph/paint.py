"""The colours of a graph that stands by itself: light, for print."""

from __future__ import annotations

from explorer.structure import Part
from explorer.views.graph.overlays import Overlay
from explorer.views.palette import FAILURE, HEAT, KIND_COLOURS, PAPER, PLAIN


def fill_of(node: Part, overlay: Overlay) -> str:
    """The ground of a node: of its kind, or as strong as its figure."""
    if node.failed:
        return mix(FAILURE, 0.16)
    if overlay.colours:
        share = overlay.share(node.id)
        return PAPER if share is None else mix(HEAT, share * 0.75)
    return PAPER if node.operation is None else mix(KIND_COLOURS[node.operation], 0.16)


def line_of(node: Part) -> str:
    """The border of a node."""
    if node.failed:
        return FAILURE
    return PLAIN if node.operation is None else mix(KIND_COLOURS[node.operation], 0.75)


def mix(colour: str, share: float) -> str:
    """A colour on white paper.

    >>> mix("#000000", 0.5)
    '#808080'
    """
    parts = [int(colour[place:place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (part - 255) * share + 0.001):02X}" for part in parts)
