"""The drawings of a report: one to be printed, and those that its canvas turns to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from explorer.exporting.report.page import image
from explorer.pipeline import Explored
from explorer.structure import Part, Structure
from explorer.views import graph
from explorer.views.graph import Arrangement, Direction, Drawing, Level, Picture
from explorer.views.graph.sheet import Sheet, sheet
from explorer.views.layout import LayoutError

UPRIGHT, TURNED = (184.0, 215.0), (264.0, 160.0)
"""Width and height in mm that a drawing has on a page of A4 or Letter, upright and on its side."""
PIXEL_MM = 25.4 / 96
READABLE_MM = 1.65
"""The least size of letters in print: 4.7 points."""
LETTER = 11
"""Their size in the units of a drawing."""
TRIED: tuple[tuple[Level, Direction], ...] = (
    ("block", "LR"), ("block", "TB"), ("stage", "LR"), ("stage", "TB"))
MOST_NODES, MOST_OPENED = 300, 80
"""Nodes of a drawing with something opened, and how many of them there are."""


class Printed(NamedTuple):
    """A drawing as an image."""

    source: str
    width: float
    height: float
    turned: bool
    """Whether it takes a page that lies on its side."""

    @property
    def apart(self) -> bool:
        """Whether it takes most of a page."""
        high = self.height * min(PIXEL_MM, UPRIGHT[0] / self.width)
        return self.turned or high > 0.6 * UPRIGHT[1]


def printed(sheets: Iterator[Sheet]) -> Printed | None:
    """The first sheet whose letters can be read in print, else the one with the largest; None where
    there is none."""
    best: tuple[float, Sheet, bool] | None = None
    for made in sheets:
        for turned, (width, height) in ((False, UPRIGHT), (True, TURNED)):
            letters = LETTER * min(width / made.width, height / made.height)
            if best is None or letters > best[0]:
                best = letters, made, turned
            if letters >= READABLE_MM:
                return Printed(image(made.svg), made.width, made.height, turned)
    return best and Printed(image(best[1].svg), best[1].width, best[1].height, best[2])


def sheets(explored: Explored, changed: Mapping[str, str]) -> Iterator[Sheet]:
    """Blocks or stages, side by side or one under the other."""
    for level, direction in TRIED:
        drawing = Drawing(explored.structure, level)
        overlay = graph.overlay(graph.KIND, drawing)
        try:
            picture = graph.lay_out(drawing, overlay=overlay, direction=direction, changes=changed)
        except LayoutError:
            continue
        yield sheet(picture, overlay, changed, title=explored.title)


def drawings(explored: Explored, changed: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the canvas turns to: the levels, and each with one part opened or closed in it."""
    structure = explored.structure
    made = [_drawing(structure, level, (), changed) for level in graph.LEVELS]
    for level, toggled in list(_toggles(structure))[:MOST_OPENED]:
        made.append(_drawing(structure, level, toggled, changed, easy=True))
    return [each for each in made if each]


def _toggles(structure: Structure) -> Iterator[tuple[Level, tuple[str, ...]]]:
    """Stages open at their level and close at that of blocks, where blocks open. Of a run the
    first block opens too: the others are like it."""
    for stage in structure.stages:
        if not _opens(stage):
            continue
        yield "stage", (stage.id,)
        yield "block", (stage.id,)
        for part in stage.parts:
            if _opens(part):
                yield "block", (part.id,)
            if part.role == "run" and _opens(part.parts[0]):
                yield "block", (part.id, part.parts[0].id)


def _opens(part: Part) -> bool:
    return bool(part.parts) and not graph.is_see_through(part)


def _drawing(structure: Structure, level: Level, toggled: tuple[str, ...],
             changed: Mapping[str, str], *, easy: bool = False) -> dict[str, Any] | None:
    """None where it cannot be laid out, or is to be `easy` and takes long."""
    drawing = Drawing(structure, level, toggled)
    overlay = graph.overlay(graph.KIND, drawing)
    if easy and len(drawing.nodes) > MOST_NODES:
        return None
    arrangement = Arrangement(drawing, overlay.shown, changed)
    if easy and arrangement.crosses:
        return None
    try:
        picture: Picture = arrangement.picture("LR")
    except LayoutError:
        return None
    return {"level": level, "toggled": toggled,
            "behind": {str(hidden): shown for hidden, shown in drawing.behind.items()},
            **graph.canvas_data(drawing, overlay, graph.page_svg(picture, overlay, changed))}
