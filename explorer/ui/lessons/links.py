"""Ways to the lessons from the words that they explain, and from them to the other pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from explorer.comparison import LETTERS
from explorer.language import say
from explorer.lessons import explaining
from explorer.sources.key import from_key, to_query

_WORD = re.compile(r"^\| \*\*(.+?)\*\*", re.MULTILINE)


def with_lessons(text: str) -> str:
    """Markdown with tables of words: behind each word that a lesson explains a link to it."""
    def linked(found: re.Match[str]) -> str:
        lesson = explaining(word=found[1])
        return found[0] if lesson is None else \
            f"{found[0]} [→]({lesson.link['address']} \"{lesson.link['words']}\")"

    return _WORD.sub(linked, text)


def open_in(keys: Sequence[str], **parameters: str) -> None:
    """The way to networks as they stand: to one in Explore, with parameters of that page, or to
    several in Compare."""
    keys = list(dict.fromkeys(keys))
    if len(keys) > 1:
        st.page_link("pages/compare.py", label=say("Open in Compare"),
                     icon=":material/compare_arrows:",
                     query_params=dict(zip(LETTERS, keys, strict=False)))
    elif keys:
        st.page_link("pages/explore.py", label=say("Open in Explore"), icon=":material/tune:",
                     query_params={**to_query(from_key(keys[0])), **parameters})
