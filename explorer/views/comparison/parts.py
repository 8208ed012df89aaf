"""The tree of aligned parts: its page, its look and its script, for the app and for the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.comparison import LETTERS, Comparison
from explorer.views import scripts


def _file(ending: str) -> str:
    return Path(__file__).with_name(f"parts.{ending}").read_text(encoding="utf-8")


HTML, STYLE, SCRIPT = _file("html"), _file("css"), _file("js")
TEXTS = scripts.texts_of(HTML, SCRIPT)
"""What they say themselves."""


def parts_data(comparison: Comparison, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the script needs; the rows are those of `part_rows`."""
    letters = [letter.upper() for letter in LETTERS[:len(comparison.networks)]]
    return {"networks": dict(zip(letters, comparison.names, strict=True)), "parts": list(rows),
            "words": scripts.words_of(TEXTS),
            "changes": [f"{letter} − {letters[0]}" for letter in letters[1:]]}
