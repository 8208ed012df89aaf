"""The program that makes a PNG of an SVG, in a process of its own.

It is run by its path, and imports nothing of this package. The renderer holds the interpreter for
as long as it draws, which for a large graph is seconds; here nobody waits for that.
"""

from __future__ import annotations

import json
import sys

import resvg_py

FAMILIES = ("Arial", "Liberation Sans", "Arimo", "Helvetica", "Nimbus Sans", "DejaVu Sans",
            "Noto Sans", "Segoe UI", "Roboto", "Ubuntu")
"""Fonts that a machine may have, first those with the widths that the drawing is made for."""


def family() -> str | None:
    """A font of this machine: what it does not have is drawn with serifs, or not at all. None where
    it has none."""
    unknown, blank = _letter("no such font"), _letter("")
    for name in FAMILIES:
        if _letter(name) not in (unknown, blank):
            return name
    return None if unknown == blank else "sans-serif"


def _letter(name: str) -> bytes:
    return bytes(resvg_py.svg_to_bytes(svg_string=(
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
        f'<text x="2" y="16" font-family="{name}">{name and "M"}</text></svg>')))


def main() -> None:
    """Read an SVG and the width in pixels as JSON, and write the PNG; nothing without a font."""
    svg, width = json.load(sys.stdin)
    if font := family():
        sys.stdout.buffer.write(resvg_py.svg_to_bytes(svg_string=svg, width=width,
                                                      sans_serif_family=font))


if __name__ == "__main__":
    main()
