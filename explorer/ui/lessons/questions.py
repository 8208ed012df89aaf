"""A question on a page: guess first, then see which answer is right, and why."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer import text
from explorer.language import say
from explorer.lessons.questions import Question
from explorer.ui import derivation


def ask(question: Question, key: str, chosen: int | None,
        answer: Callable[[int], None]) -> None:
    """The question with its answers; once one is `chosen`, what is right. `answer` is told the
    place of the one that is clicked."""
    with st.container(border=True, key=key):
        st.markdown(question.ask)
        with st.container(gap="small"):
            for place, each in enumerate(question.answers):
                right = chosen is not None and place == question.right
                wrong = chosen == place and not right
                st.button(f"**{each.text}**" if right else each.text, key=f"{key}-{place}",
                          disabled=chosen is not None,
                          icon=":material/check_circle:" if right else
                          ":material/cancel:" if wrong else ":material/radio_button_unchecked:",
                          on_click=answer, args=(place,), width="stretch")
        if chosen is not None:
            _answered(question, chosen)


def _answered(question: Question, chosen: int) -> None:
    own, right = question.answers[chosen], question.answers[question.right]
    if chosen == question.right:
        st.success(f"**{say('Right.')}** {own.why}", icon=":material/check:")
    else:
        st.info(f"**{say('Not quite.')}** {own.why}", icon=":material/lightbulb:")
        st.markdown(text.sentences([
            say("The right answer: **{text}**.", text=right.text), right.why]))
    if question.step is not None:
        derivation.step(question.step)
