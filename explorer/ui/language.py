"""Which language the pages speak: what the address or the person has chosen, else the browser's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from explorer.language import LANGUAGES, language, speak
from explorer.ui import address
from explorer.ui.panel import Panel, renew_widgets

T = TypeVar("T", bound=str)

_PANEL = Panel("language")
CHOSEN = "chosen"


def begin() -> None:
    """Speak it in this run. `?lang=zh` of an address is taken, and goes from there."""
    asked = address.take("lang")
    if asked in LANGUAGES:
        _PANEL.set_value(CHOSEN, asked)
    speak(_PANEL.value(CHOSEN) or _of_browser())


def _of_browser() -> str:
    code = (st.context.locale or "").partition("-")[0].casefold()
    return code if code in LANGUAGES else "en"


def switch() -> None:
    """The choice, in sight."""
    st.segmented_control(
        "Language · 语言", list(LANGUAGES), default=language(), required=True,
        format_func=LANGUAGES.__getitem__, key=_PANEL.widget("switch"), on_change=_switched,
        label_visibility="collapsed")


def own_key(widget: str) -> str:
    """The key of a widget whose options are words: in another language it is another widget,
    because a browser tells of a choice by what it has shown."""
    return f"{widget}-{language()}"


def one_of(label: str, options: Sequence[T], widget: str, words: Callable[[T], str]) -> T:
    """The choice of one of them, the first at first; it stays when the language is switched."""
    held = _PANEL.value(widget)
    chosen: T = st.segmented_control(
        label, options, default=held if held in options else options[0], required=True,
        key=own_key(widget), format_func=words)
    _PANEL.set_value(widget, chosen)
    return chosen


def _switched() -> None:
    if (code := _PANEL.value("switch")) in LANGUAGES:
        _PANEL.set_value(CHOSEN, code)
        renew_widgets()
