"""An SVG as PNG."""

from __future__ import annotations

from functools import cache

import resvg_py

from explorer.views.graph.sheet import Sheet
from explorer.views.layout import LayoutError

SCALE, LEAST_SCALE = 2.0, 0.5
"""Pixels a unit, and with how many letters can still be read."""
LONGEST = 16_000
"""Pixels of a side: more is too large for many viewers."""

FAMILIES = ("Arial", "Liberation Sans", "Arimo", "Helvetica", "Nimbus Sans", "DejaVu Sans",
            "Noto Sans", "Segoe UI", "Roboto", "Ubuntu")
"""Fonts that a machine may have, first those with the widths that the drawing is made for."""


def png(sheet: Sheet) -> bytes:
    """Two pixels a unit, or as many as keep the longer side at `LONGEST`. Raises `LayoutError`
    where its text could not be read, or the machine has no font for it."""
    scale = min(SCALE, LONGEST / max(sheet.width, sheet.height))
    if scale < LEAST_SCALE:
        raise LayoutError(
            f"This graph is {sheet.width:,.0f} × {sheet.height:,.0f} units large, and a PNG has at "
            f"most {LONGEST:,} pixels on a side: its text could not be read. Write an SVG, or show "
            "a level above.")
    return bytes(resvg_py.svg_to_bytes(
        svg_string=sheet.svg, width=int(sheet.width * scale), sans_serif_family=_family()))


@cache
def _family() -> str:
    """A font of this machine: what it does not have is drawn with serifs, or not at all."""
    unknown = _letter("no such font")
    for family in FAMILIES:
        if _letter(family) not in (unknown, _letter("")):
            return family
    if unknown == _letter(""):
        raise LayoutError(f"A PNG needs a font on the machine that makes it, such as "
                          f"{' or '.join(FAMILIES[:2])}. An SVG needs none.")
    return "sans-serif"


def _letter(family: str) -> bytes:
    return bytes(resvg_py.svg_to_bytes(svg_string=(
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
        f'<text x="2" y="16" font-family="{family}">{family and "M"}</text></svg>')))
