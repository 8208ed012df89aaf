"""The headings of the pages: one for the page, one for each section with the question that it
answers."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.language import Text

APP = Text("Architecture explorer")


def name_tab(title: str) -> None:
    """What the browser's tab says."""
    st.set_page_config(page_title=f"{title} · {APP}")


def page(title: str, question: str) -> DeltaGenerator:
    """The heading of a page that stays as it is, and what the page is for; gives the place beside
    it, for what can be done with the whole page."""
    name_tab(title)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False)
        place = actions()
    st.caption(question)
    return place


def actions() -> DeltaGenerator:
    """The place beside a title, at the right."""
    return st.container(horizontal=True, horizontal_alignment="right", width="content")


def section(title: str, question: str, anchor: str) -> None:
    """The heading of a section, where a link with `#anchor` leads to."""
    st.header(title, anchor=anchor)
    st.caption(question)
