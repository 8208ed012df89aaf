"""The page Learn: the lessons in their order, and one of them to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape as to_html

import streamlit as st

from explorer.language import say
from explorer.lessons import Lesson, LessonError, Passage, find_lesson, lessons, mistakes
from explorer.ui import address, calls
from explorer.ui.headings import name_tab, page
from explorer.ui.lessons.parts import LiveParts, answers, question_key
from explorer.ui.messages import escape, standing
from explorer.ui.panel import Panel
from explorer.views.catalogue import paper_html

WIDTH = 860
"""Pixels of a column that is read."""


@dataclass
class Read:
    """The lessons that the session has opened."""

    names: set[str] = field(default_factory=set)


def learn() -> None:
    """The lesson that the address names, or all of them."""
    asked = address.parameters().get("lesson")
    opened: Lesson | None = None
    if asked is not None:
        try:
            opened = find_lesson(asked)
        except LessonError as error:
            st.warning(escape(str(error)), icon=":material/link_off:")
    for mistake in mistakes():
        st.error(escape(mistake))
    _sidebar(opened)
    if opened is None:
        _overview()
    else:
        _reading(opened)


def _sidebar(opened: Lesson | None) -> None:
    with st.sidebar, st.container(key="lesson-links", gap="small"):
        st.page_link("pages/learn.py", label=_now(say("All lessons"), opened is None),
                     icon=":material/list:")
        for each in lessons():
            label = _now(f"{each.head.number}. {each.head.title}", each is opened)
            st.page_link("pages/learn.py", label=label, icon=_icon(each),
                         query_params={"lesson": each.name})


def _now(label: str, here: bool) -> str:
    """A link's words, marked where it leads to what is shown."""
    return f"**{label}**" if here else label


def _icon(each: Lesson) -> str:
    """What of it is done."""
    right, asked = _score(each)
    if asked and right == asked:
        return ":material/check_circle:"
    return ":material/radio_button_partial:" if each.name in _read().names else \
        ":material/radio_button_unchecked:"


def _read() -> Read:
    return Panel("learn").own(Read)


def _score(each: Lesson) -> tuple[int, int]:
    """Questions answered rightly at once, and all."""
    keys = {question_key(each, placed) for placed in each.asked}
    return len(keys & answers().right), len(keys)


def _overview() -> None:
    page(say("Learn"), say(
        "What did the papers find, and why does it work? Short lessons in which every claim can be "
        "tried, with questions that the engine answers."))
    with st.grid(2, min_column_width=300):
        for each in lessons():
            _card(each)
    st.page_link("pages/quiz.py", label=say("Questions without end: the quiz"),
                 icon=":material/quiz:")


def _card(each: Lesson) -> None:
    right, asked = _score(each)
    with st.container(border=True, key=f"lesson-card-{each.name}", gap="small", height="stretch"):
        st.page_link("pages/learn.py", label=f"**{each.head.number}. {each.head.title}**",
                     icon=_icon(each), query_params={"lesson": each.name})
        st.markdown(each.head.question)
        done = say("{right} of {asked} questions right", right=right, asked=asked) if right else \
            say("{asked} questions", asked=asked)
        st.caption(f"{say('{minutes} minutes', minutes=each.head.minutes)} · {done}")


def _reading(opened: Lesson) -> None:
    _read().names.add(opened.name)
    name_tab(opened.head.title)
    with st.container(width=WIDTH, key="lesson"):
        st.title(escape(opened.head.title), anchor=False)
        minutes = say("{minutes} minutes", minutes=opened.head.minutes)
        st.html(f'<p class="lesson-question">{to_html(opened.head.question)}</p>'
                f'<p class="lesson-paper">{minutes} · {paper_html(opened.head.paper)}</p>')
        live = LiveParts(opened)
        for item in opened.content:
            if isinstance(item, Passage):
                st.markdown(opened.filled(item, calls.explored))
            else:
                with standing(say("This part")):
                    live.show(item)
        _onwards(opened)


def _onwards(opened: Lesson) -> None:
    """The lessons before and behind."""
    every = lessons()
    place = every.index(opened)
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute" if place else "right",
                      key="lesson-neighbours"):
        for each, icon in ((every[place - 1] if place else None, ":material/arrow_back:"),
                           (every[place + 1] if place + 1 < len(every) else None,
                            ":material/arrow_forward:")):
            if each is not None:
                st.page_link("pages/learn.py", label=f"{each.head.number}. {each.head.title}",
                             icon=icon, query_params={"lesson": each.name})
