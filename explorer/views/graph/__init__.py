"""The graph of a network: what it shows, how it is coloured, and its DOT."""

from explorer.structure import Part, Structure
from explorer.views.graph.against_preset import changes
from explorer.views.graph.dot import DIRECTIONS, Direction, to_dot, tooltip
from explorer.views.graph.drawing import LEVELS, Drawing, Level
from explorer.views.graph.export import FORMATS, FileFormat, draw
from explorer.views.graph.overlays import KIND, OVERLAYS, TIME, TITLES, Overlay, overlay

__all__ = ["DIRECTIONS", "FORMATS", "KIND", "LEVELS", "OVERLAYS", "TIME", "TITLES", "Direction",
           "Drawing", "FileFormat", "Level", "Overlay", "Part", "Structure", "changes", "draw",
           "overlay", "to_dot", "tooltip"]
