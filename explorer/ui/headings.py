"""The headings of the pages: one for the page, one for each section with the question that it
answers."""

from __future__ import annotations

import streamlit as st

APP = "Architecture explorer"


def name_tab(title: str) -> None:
    """What the browser's tab says."""
    st.set_page_config(page_title=f"{title} · {APP}")


def page(title: str, question: str) -> None:
    """The heading of a page that stays as it is, and what the page is for."""
    name_tab(title)
    st.title(title, anchor=False)
    st.caption(question)


def section(title: str, question: str, anchor: str) -> None:
    """The heading of a section, where a link with `#anchor` leads to."""
    st.header(title, anchor=anchor)
    st.caption(question)
