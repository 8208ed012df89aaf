"""Ways to the lessons from the words that they explain."""

from __future__ import annotations

import re

from explorer.lessons import explaining

_WORD = re.compile(r"^\| \*\*(.+?)\*\*", re.MULTILINE)


def with_lessons(text: str) -> str:
    """Markdown with tables of words: behind each word that a lesson explains a link to it."""
    def linked(found: re.Match[str]) -> str:
        lesson = explaining(word=found[1])
        return found[0] if lesson is None else \
            f"{found[0]} [→]({lesson.link['address']} \"{lesson.link['words']}\")"

    return _WORD.sub(linked, text)
