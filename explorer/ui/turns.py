"""Networks of a comparison, timed in turn when that is asked for.

A ratio is only drawn where nothing disturbed the run; what was disturbed is repeated by itself.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st

from explorer import text
from explorer.comparison import Comparison
from explorer.language import say
from explorer.timing import TurnTimes, predict_seconds, quiet
from explorer.ui.bench import Bench
from explorer.ui.messages import escape
from explorer.views import comparison as views

What = Literal["turns", "layers in turn"]


def whole(bench: Bench) -> TurnTimes | None:
    """The latest times of the whole passes."""
    outcomes = bench.outcome("turns"), bench.outcome("layers in turn")
    times = [outcome for outcome in outcomes if isinstance(outcome, TurnTimes)]
    return max(times, key=quiet, default=None)


def layers(bench: Bench) -> TurnTimes | None:
    """The times of every layer, where nothing disturbed them."""
    times = bench.outcome("layers in turn")
    return times if isinstance(times, TurnTimes) and quiet(times) else None


def section(bench: Bench, comparison: Comparison, what: What) -> None:
    """The button that asks for it, how far it is, and what came of it."""
    early = [name for name, network in zip(comparison.names, comparison.networks, strict=True)
             if network.failure]
    if early:
        st.caption(say("Not timed: {networks} ends early." if len(early) == 1 else
                       "Not timed: {networks} end early.",
                       networks=escape(text.enumeration(early))))
        return
    label = say("Time in turn" if what == "turns" else "Time every layer in turn")
    run = bench.run(what)
    act = partial(bench.start if run is None else bench.again, what)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(label if run is None else say("{label} again", label=label),
                  icon=":material/timer:", on_click=act, help=_help(bench),
                  disabled=run is not None and not run.done(),
                  key=bench.panel.widget(f"time {what}"))
        _said(bench, comparison, what)
    bench.follow(what)


def _help(bench: Bench) -> str:
    passes = [predict_seconds(network.summary, bench.device, bench.choices)
              for network in bench.networks]
    pass_s = text.enumeration([text.seconds(each) for each in passes])
    return say(
        "One pass of each after the other, again and again, for about {seconds} s: what changes on "
        "the machine changes all of them alike. A pass is predicted to take {passes}.",
        seconds=f"{bench.budget_s * len(passes):g}", passes=pass_s)


def _said(bench: Bench, comparison: Comparison, what: What) -> None:
    outcome = bench.outcome(what)
    if isinstance(outcome, Exception):
        st.error(escape(str(outcome)))
    if not isinstance(outcome, TurnTimes):
        return
    lines = views.times_lines(comparison, outcome)
    if not quiet(outcome) and (bench.pending(what) or bench.will_repeat(what)):
        lines.append(say("It is measured again by itself when the machine is quiet."))
    st.caption(escape(text.sentences(lines)))
