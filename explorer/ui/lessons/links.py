"""Ways to the lessons from the words that they explain, and from them to the other pages."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.comparison import LETTERS
from explorer.language import say
from explorer.lessons import explaining
from explorer.sources.key import from_key, to_query


def lesson_on(word: str) -> str:
    """What stands behind a word that a lesson explains: a link to it; "" where none does."""
    lesson = explaining(word=word)
    return f" [→]({lesson.link['address']} \"{lesson.link['words']}\")" if lesson else ""


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
