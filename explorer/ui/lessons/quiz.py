"""The page Quiz: questions without end, from a seed that a group can share."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import SystemRandom

import streamlit as st

from explorer.config import ConfigError
from explorer.language import say
from explorer.lessons.questions import Question
from explorer.lessons.quiz import LARGEST_SEED, LEVELS, about, make
from explorer.networks.catalogue import families
from explorer.ui import address, calls, choice
from explorer.ui.headings import page
from explorer.ui.language import own_key
from explorer.ui.lessons import questions
from explorer.ui.lessons.links import open_in
from explorer.ui.messages import escape, set_aside
from explorer.ui.panel import Panel

LEVEL_UP = 3
"""Right answers in a row after which questions become harder."""


@dataclass
class Score:
    """How the session stands in one set of questions."""

    seed: int
    chosen: str
    """What the questions are about; "" for all networks."""
    number: int = 0
    """Of the question that stands on the page."""
    level: int = 1
    answer: int | None = None
    right: int = 0
    streak: int = 0
    longest: int = 0
    history: list[bool] = field(default_factory=list)

    @property
    def address(self) -> dict[str, str]:
        """The parameters of a link to the set."""
        return {"seed": str(self.seed), **({"about": self.chosen} if self.chosen else {})}

    def take(self, place: int, question: Question) -> None:
        """The answer to the question: for callbacks."""
        if self.answer is not None:
            return
        self.answer = place
        right = place == question.right
        self.history.append(right)
        self.right += right
        self.streak = self.streak + 1 if right else 0
        self.longest = max(self.longest, self.streak)

    def go_on(self) -> None:
        """To the next question, harder after some right answers in a row, and easier after a wrong
        one: for callbacks."""
        if self.history and self.history[-1]:
            harder = self.streak % LEVEL_UP == 0
            self.level = min(self.level + harder, LEVELS[-1])
        else:
            self.level = max(self.level - 1, LEVELS[0])
        self.number += 1
        self.answer = None


_PANEL = Panel("quiz")
SCORE = "score"


def quiz() -> None:
    """The question that is next, and how it stands."""
    page(say("Quiz"), say(
        "What does a layer give out, what does it cost, and what does a knob change? Guess first; "
        "then the engine answers with the sum."))
    notes: list[str] = []
    score = _score(notes)
    set_aside(notes)
    _sidebar(score)
    address.write(score.address)
    with st.container(width=860, key="quiz"):
        _standing(score)
        try:
            question = make(score.seed, score.number, score.chosen, score.level, calls.explored)
        except ConfigError as error:    # of a network that is larger than the host allows, say
            st.error(escape(str(error)))
            return
        questions.ask(question, f"quiz-{score.seed}-{score.number}", score.answer,
                      lambda place: score.take(place, question))
        if score.answer is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(say("Next question"), type="primary", icon=":material/arrow_forward:",
                          on_click=score.go_on)
                open_in(question.networks,
                        **({} if question.layer is None else {"layer": str(question.layer)}))


def _score(notes: list[str]) -> Score:
    """That of the set which the address names: a new one where it is another."""
    held: Score | None = _PANEL.value(SCORE)
    given = address.parameters()
    if held is not None and (not given or (given.get("seed") == str(held.seed)
                                           and given.get("about", "") == held.chosen)):
        return held
    seed, chosen = _seed(given.get("seed"), notes), given.get("about", "")
    try:
        about(chosen)
    except ConfigError as error:
        notes.append(str(error))
        chosen = ""
    notes += [say("`{name}` is no part of a quiz.", name=name[:40]) for name in given
              if name not in ("seed", "about")]
    return _begin(seed, chosen)


def _seed(text: str | None, notes: list[str]) -> int:
    if text is not None:
        if text.isascii() and text.isdigit() and len(text) <= 9:
            return int(text)
        notes.append(say("`seed` must be a whole number from 0 to {most}; got {text}.",
                         most=f"{LARGEST_SEED:,}", text=text[:40]))
    return SystemRandom().randrange(1000, 10_000)


def _begin(seed: int, chosen: str) -> Score:
    score = Score(seed, chosen)
    _PANEL.set_value(SCORE, score)
    return score


def _sidebar(score: Score) -> None:
    with st.sidebar:
        open_key = Panel().query_key
        titles = [family.title for family in sorted(families(), key=lambda each: each.year)]
        own = [key for key in dict.fromkeys([score.chosen, open_key or ""])
               if key and key not in titles]
        options = ["", *own, *titles]
        name = own_key(f"about-{score.seed}-{score.chosen}")
        st.selectbox(
            say("About"), options, options.index(score.chosen), key=_PANEL.widget(name),
            format_func=_name, on_change=_about, args=(score, name),
            help=say("All networks, one family, or the network that is open in Explore."))
        st.button(say("New questions"), icon=":material/casino:", width="stretch",
                  on_click=_new, args=(score.chosen,))
        st.caption(say("The address of this page is a link to these questions: a group that opens "
                       "it is asked the same ones."))


def _name(chosen: str) -> str:
    if not chosen:
        return say("All networks")
    return chosen if chosen in {family.title for family in families()} else \
        choice.shown(chosen.partition("&")[0]) + (
            say(", as it is open") if "&" in chosen else "")


def _about(score: Score, widget: str) -> None:
    chosen = _PANEL.value(widget) or ""
    address.write(_begin(score.seed, str(chosen)).address)


def _new(chosen: str) -> None:
    address.write(_begin(SystemRandom().randrange(1000, 10_000), chosen).address)


def _standing(score: Score) -> None:
    answered = len(score.history)
    with st.grid(4, min_column_width=120):
        st.metric(say("Right"), f"{score.right} / {answered}", border=True)
        st.metric(say("In a row"), score.streak, border=True,
                  help=say("At most {longest} so far.", longest=score.longest))
        st.metric(say("Level"), f"{score.level} / {LEVELS[-1]}", border=True, help=say(
            "After {count} right answers in a row the questions become harder, after a wrong one "
            "easier.", count=LEVEL_UP))
        st.metric(say("Question"), score.number + 1, border=True)
