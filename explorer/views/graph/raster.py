"""An SVG as PNG."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from explorer.language import Text
from explorer.views.graph.sheet import Sheet
from explorer.views.layout import LayoutError

SCALE, LEAST_SCALE = 2.0, 0.5
"""Pixels a unit, and with how many letters can still be read."""
LONGEST = 16_000
"""Pixels of a side: more is too large for many viewers."""
TIMEOUT_S = 60

PROGRAM = Path(__file__).with_name("raster_program.py")


def png(sheet: Sheet) -> bytes:
    """Two pixels a unit, or as many as keep the longer side at `LONGEST`. Raises `LayoutError`
    where its text could not be read, or the machine has no font for it."""
    scale = min(SCALE, LONGEST / max(sheet.width, sheet.height))
    if scale < LEAST_SCALE:
        raise LayoutError(Text(
            "This graph is {width} × {height} units large, and a PNG has at most {most} pixels on "
            "a side: its text could not be read. Write an SVG, or show a level above.",
            width=f"{sheet.width:,.0f}", height=f"{sheet.height:,.0f}", most=f"{LONGEST:,}"))
    given = json.dumps([sheet.svg, int(sheet.width * scale)]).encode("ascii")
    try:
        drawn = subprocess.run([sys.executable, PROGRAM], input=given, capture_output=True,
                               timeout=TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        raise LayoutError(Text(
            "This graph could not be drawn as a PNG. Write an SVG.")) from None
    if not drawn.stdout:
        raise LayoutError(Text("A PNG needs a font on the machine that makes it, such as Arial or "
                               "Liberation Sans. An SVG needs none."))
    return drawn.stdout
