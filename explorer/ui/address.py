"""The parameters of the address of a page that has no panel there: text that nobody has checked."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def parameters() -> dict[str, str]:
    """All of them."""
    return st.query_params.to_dict()


def write(named: Mapping[str, str]) -> None:
    """Make the address these parameters and no others."""
    if parameters() != dict(named):
        st.query_params.from_dict(dict(named))


def take(name: str) -> str | None:
    """One of them, which is taken out; None where it is not there."""
    value = st.query_params.get(name)
    if value is not None:
        del st.query_params[name]
    return value
