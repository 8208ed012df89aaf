"""A drawing so small that only its form is left: frames, nodes in their colours, and lines."""

from __future__ import annotations

from explorer.structure import Structure
from explorer.views.graph.arrange import lay_out
from explorer.views.graph.drawing import Drawing
from explorer.views.graph.overlays import KIND, overlay
from explorer.views.palette import KIND_COLOURS, PLAIN

WIDE, HIGH = 150, 56
"""Pixels that it takes at most."""


def thumbnail_of(structure: Structure) -> str:
    """The blocks of a network as an SVG without text, in colours for light and dark."""
    drawing = Drawing(structure)
    picture = lay_out(drawing, overlay=overlay(KIND, drawing))
    scale = min(WIDE / picture.width, HIGH / picture.height)
    frames = "".join([_outline(*placed.box) for placed in picture.frames])
    ways = "".join(["M" + "L".join([f"{x:.0f},{y:.0f}" for x, y in line.points])
                    for line in picture.lines])
    colours: dict[str, list[str]] = {}
    for placed in picture.cards:
        kind = placed.card.part.operation if placed.card.part else None
        colours.setdefault(KIND_COLOURS[kind] if kind else PLAIN, []).append(
            _outline(*placed.box))
    nodes = "".join([f'<path d="{"".join(outlines)}" fill="{colour}" '
                     f'fill-opacity="{0.6 if colour == PLAIN else 0.9}"/>'
                     for colour, outlines in colours.items()])
    return (f'<svg xmlns="http://www.w3.org/2000/svg" fill="none" '
            f'viewBox="0 0 {picture.width:.0f} {picture.height:.0f}" '
            f'width="{picture.width * scale:.0f}" height="{picture.height * scale:.0f}">'
            f'<path d="{frames}" fill="{PLAIN}" fill-opacity="0.16"/>'
            f'<path d="{ways}" stroke="{PLAIN}" stroke-opacity="0.8" stroke-width="5"/>'
            f"{nodes}</svg>")


def _outline(left: float, top: float, right: float, bottom: float) -> str:
    return f"M{left:.0f},{top:.0f}H{right:.0f}V{bottom:.0f}H{left:.0f}z"
