"""How wide text is in the drawing's letters: Arial, or what has its widths (Liberation Sans)."""

from __future__ import annotations

from functools import lru_cache

FONT = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"

# Widths as parts of the letters' size. What is not here is as wide as it is high.
_REGULAR = {
    0.191: "'", 0.222: "ijl", 0.26: "|", 0.278: " !,./:;I[\\]ft·", 0.333: "()-`r", 0.334: "{}",
    0.355: '"', 0.389: "*", 0.469: "^", 0.5: "Jcksvxyz", 0.556: "#$0123456789?L_abdeghnopqu–",
    0.584: "+<=>~×−", 0.611: "FTZ", 0.667: "&ABEKPSVXY", 0.722: "CDHNRUw", 0.778: "GOQ",
    0.833: "Mm", 0.889: "%", 0.944: "W"}
_BOLD = {
    0.238: "'", 0.278: " ,./I\\ijl·", 0.28: "|", 0.333: "!()-:;[]`ft", 0.389: "*r{}", 0.474: '"',
    0.5: "z", 0.556: "#$0123456789J_aceksvxy–", 0.584: "+<=>^~×−", 0.611: "?FLTZbdghnopqu",
    0.667: "EPSVXY", 0.722: "&ABCDHKNRU", 0.778: "GOQw", 0.833: "M", 0.889: "%m", 0.944: "W"}
_WIDTHS = {bold: {sign: width for width, signs in table.items() for sign in signs}
           for bold, table in ((False, _REGULAR), (True, _BOLD))}


@lru_cache(maxsize=8192)
def width(words: str, size: float, *, bold: bool = False) -> float:
    """Units that a line of text takes.

    >>> round(width("3×3, 64", 11), 1)
    37.0
    """
    widths = _WIDTHS[bold]
    return size * sum([widths.get(sign, 1.0) for sign in words])


def fitted(words: str, size: float, most: float, *, bold: bool = False) -> str:
    """The text, without its middle where it is wider than `most`: a path says most at its ends."""
    if width(words, size, bold=bold) <= most:
        return words
    kept = len(words) - 1
    while kept > 2 and width(_shortened(words, kept), size, bold=bold) > most:
        kept -= 1
    return _shortened(words, kept)


def _shortened(words: str, kept: int) -> str:
    end = kept // 2
    return f"{words[:kept - end]}…{words[len(words) - end:]}"
