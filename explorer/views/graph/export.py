"""The graph as a file that stands by itself: DOT, SVG or PNG, light, with title and legend."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import Literal

from explorer.comparison import Comparison
from explorer.pipeline import Explored
from explorer.views.graph.against_preset import changes
from explorer.views.graph.arrange import Direction, lay_out
from explorer.views.graph.dot import to_dot
from explorer.views.graph.drawing import Drawing, Level
from explorer.views.graph.lanes import beside
from explorer.views.graph.overlays import KIND, NO_OVERLAY
from explorer.views.graph.overlays import overlay as overlay_of
from explorer.views.graph.raster import png
from explorer.views.graph.sheet import sheet

FileFormat = Literal["svg", "png", "dot"]
FORMATS: tuple[FileFormat, ...] = ("svg", "png", "dot")
SheetFormat = Literal["svg", "png"]
SHEETS: tuple[SheetFormat, ...] = ("svg", "png")
"""Of networks beside each other, which is no graph for Graphviz."""


class PictureFile(bytes):
    """The content of a file. A notebook shows what is a picture."""

    def _repr_html_(self) -> str | None:
        kind = "svg+xml" if self.startswith(b"<svg") else \
            "png" if self.startswith(b"\x89PNG") else None
        if kind is None:
            return None
        return (f'<img alt="Drawing" style="max-width: 100%; background: #FFFFFF" '
                f'src="data:image/{kind};base64,{b64encode(self).decode()}">')


def draw(explored: Explored, form: FileFormat = "svg", *, level: Level = "block",
         toggled: Collection[str] = (), overlay: str = KIND, direction: Direction = "LR",
         seconds: Sequence[float] | None = None) -> PictureFile:
    """The graph of a network as a file: the bytes of an SVG, a PNG or a DOT file, of which a
    notebook shows the picture.

    `level` is stage, block or layer, and `toggled` are the ids of parts that are not as the level
    has them; `overlay` is what the colours stand for, one of `OVERLAYS`, and `seconds` the measured
    times of the layers; LR sets the stages side by side, TB one under the other.

    A network whose forward pass fails is drawn as far as it got. Raises `LayoutError` where its
    ways cross and Graphviz cannot lay them out, and where a PNG would be too large to be read.

    >>> from explorer.pipeline import explore
    >>> draw(explore("vgg11"), "dot").splitlines()[0]
    b'digraph network {'
    """
    drawing = Drawing(explored.structure, level, toggled)
    told = overlay_of(overlay, drawing, seconds)
    changed = changes(explored.structure, explored.preset.structure if explored.preset else None)
    failure = str(explored.failure or "")
    if form == "dot":
        return PictureFile(to_dot(drawing, overlay=told, direction=direction, changes=changed,
                                  title=explored.title, failure=failure).encode("utf-8"))
    picture = lay_out(drawing, overlay=told, direction=direction, changes=changed)
    made = sheet(picture, told, changed, title=explored.title, failure=failure)
    return PictureFile(png(made) if form == "png" else made.svg.encode("utf-8"))


def draw_beside(comparison: Comparison, form: SheetFormat = "svg", *, stages: bool = False,
                merged: bool = True) -> PictureFile:
    """Networks beside each other as an SVG or a PNG: their blocks, or with `stages` their stages;
    `merged` draws what two have in common once.

    >>> from explorer.comparison import compare
    >>> draw_beside(compare("vgg16", "vgg19"))[:4]
    b'<svg'
    """
    picture = beside(comparison, stages=stages, merged=merged).picture
    made = sheet(picture, NO_OVERLAY, {}, title=" and ".join(comparison.names),
                 failure="\n".join([str(network.failure) for network in comparison.networks
                                    if network.failure]))
    return PictureFile(png(made) if form == "png" else made.svg.encode("utf-8"))
