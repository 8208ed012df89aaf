"""The graph as a file that stands by itself: DOT, SVG or PNG, light, with title and legend."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from explorer.config import Config
from explorer.views import layout, text
from explorer.views.graph.dot import Direction, to_dot
from explorer.views.graph.drawing import Drawing
from explorer.views.graph.outline import Level, Outline
from explorer.views.graph.overlay import KIND, overlay
from explorer.views.graph.paint import paint

FileFormat = Literal["svg", "png", "dot"]
FORMATS: tuple[FileFormat, ...] = ("svg", "png", "dot")


def export(config: Config, outline: Outline, form: FileFormat, *, level: Level = "block",
           toggled: Collection[str] = (), colours: str = KIND, direction: Direction = "LR",
           shapes: bool = True, changes: Mapping[str, str] | None = None,
           seconds: Mapping[int, float] | None = None) -> bytes:
    """The file. `colours` is one of `overlay.OVERLAYS`; the rest as in `to_dot`.

    Raises `LayoutError` where Graphviz cannot lay it out.
    """
    drawing = Drawing(outline, level, toggled)
    colouring = None if colours == KIND else overlay(colours, drawing, seconds)
    dot = to_dot(drawing, direction=direction, shapes=shapes, changes=changes,
                 paint=paint(drawing, colouring), title=text.sentence(config))
    if form == "dot":
        return dot.encode("utf-8")
    return layout.to_png(dot) if form == "png" else layout.to_svg(dot).encode("utf-8")
