"""The graph of a network: what it shows, where all of it stands, its colours and its files."""

from explorer.structure import Part, Structure
from explorer.views.graph.against_preset import changes
from explorer.views.graph.arrange import DIRECTIONS, Arrangement, Direction, lay_out
from explorer.views.graph.canvas import HTML, SCRIPT, STYLE, beside_data, canvas_data, still_data
from explorer.views.graph.details import all_details, details_of, part_of
from explorer.views.graph.dot import to_dot
from explorer.views.graph.drawing import LEVELS, Drawing, Frame, Level, is_see_through
from explorer.views.graph.export import FORMATS, SHEETS, FileFormat, SheetFormat, draw, draw_beside
from explorer.views.graph.lanes import Beside, beside
from explorer.views.graph.overlays import (
    KIND,
    NO_OVERLAY,
    OVERLAYS,
    TIME,
    TITLES,
    Overlay,
    new_shapes,
    overlay,
)
from explorer.views.graph.picture import Picture
from explorer.views.graph.svg import page_svg, tooltip
from explorer.views.graph.thumbnail import thumbnail_of

__all__ = ["DIRECTIONS", "FORMATS", "HTML", "KIND", "LEVELS", "NO_OVERLAY", "OVERLAYS", "SCRIPT",
           "SHEETS", "STYLE", "TIME", "TITLES", "Arrangement", "Beside", "Direction", "Drawing",
           "FileFormat", "Frame", "Level", "Overlay", "Part", "Picture", "SheetFormat", "Structure",
           "all_details", "beside", "beside_data", "canvas_data", "changes", "details_of", "draw",
           "draw_beside", "is_see_through", "lay_out", "new_shapes", "overlay", "page_svg",
           "part_of", "still_data", "thumbnail_of", "to_dot", "tooltip"]
