"""The graph as a file that stands by itself: DOT, SVG or PNG, light, with title and legend."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from explorer.analysis import summarise
from explorer.catalogue import find_preset
from explorer.config import Config
from explorer.views import layout, text
from explorer.views.graph.changes import changes
from explorer.views.graph.dot import Direction, to_dot
from explorer.views.graph.drawing import Drawing
from explorer.views.graph.outline import Level, Outline
from explorer.views.graph.overlay import KIND
from explorer.views.graph.overlay import overlay as overlay_of
from explorer.views.graph.paint import paint

FileFormat = Literal["svg", "png", "dot"]
FORMATS: tuple[FileFormat, ...] = ("svg", "png", "dot")


def draw(config: Config, form: FileFormat = "svg", *, level: Level = "block",
         toggled: Collection[str] = (), overlay: str = KIND, direction: Direction = "LR",
         shapes: bool = True, outline: Outline | None = None,
         seconds: Sequence[float] | None = None) -> bytes:
    """The graph of a config as a file: SVG, PNG or DOT.

    `level` is stage, block or layer, and `toggled` are the ids of parts that are not as the level
    has them; `overlay` is what the colours stand for, one of `OVERLAYS`, and `seconds` the measured
    times of the layers; LR sets the stages side by side, TB one under the other; `shapes`
    labels the edges. `outline` is that of the config, where it is there already.

    A network whose forward pass fails is drawn as far as it got. Raises `LayoutError` where
    Graphviz cannot lay the graph out.

    >>> from explorer.catalogue import configure
    >>> draw(configure("vgg11"), "dot").splitlines()[0]
    b'digraph network {'
    """
    outline = outline or Outline.of(config)
    drawing = Drawing(outline, level, toggled)
    colours = None if overlay == KIND else overlay_of(overlay, drawing, seconds)
    dot = to_dot(drawing, direction=direction, shapes=shapes,
                 changes=changes(outline, summarise(find_preset(config.network).config)),
                 paint=paint(drawing, colours), title=text.sentence(config))
    if form == "dot":
        return dot.encode("utf-8")
    return layout.to_png(dot) if form == "png" else layout.to_svg(dot).encode("utf-8")
