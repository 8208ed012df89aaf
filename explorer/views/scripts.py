"""The texts of what a script shows: they stand in it in English, and it is given those of another
language with its data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from explorer.language import say

SAID = re.compile(r'\bsay\("([^"]+)"')
READ = re.compile(r'(?:title|aria-label|placeholder)="([^"]*[A-Za-z][^"]*)"|'
                  r">([^<>]*[A-Za-z][^<>]*)<")


def texts_of(html: str, script: str) -> tuple[str, ...]:
    """What people read of a page, and what its script says, each once.

    >>> texts_of('<b title="Close: Escape">×</b><i>All</i>', 'say("Go to {id}", { id })')
    ('Close: Escape', 'All', 'Go to {id}')
    """
    read = [title or words for title, words in READ.findall(html)]
    return tuple(dict.fromkeys([*read, *SAID.findall(script)]))


def words_of(texts: Iterable[str]) -> dict[str, str]:
    """Those that are others in the language that is spoken."""
    return {text: told for text in texts if (told := say(text)) != text}
