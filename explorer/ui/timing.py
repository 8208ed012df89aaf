"""The timed forward pass: live where it is quick, asked for where it is not.

It runs in a process of its own, and the page looks now and then whether it is done. A figure that
belongs to other knobs is shown in grey, and never as the current one.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future

import streamlit as st

from explorer.analysis import Summary
from explorer.timing import Timing, TimingError, available, predict_seconds, resolve
from explorer.ui import calls, state
from explorer.ui.messages import escape
from explorer.views import text, timings

POLL_S = 0.3
LIVE_S = 1.0
"""A forward pass that is predicted to take longer waits for a click."""

HELP = ("Median of a timed forward pass on this machine, in a process of its own; how it was "
        "measured stands at the foot of the page.")


def latency(found: Summary) -> None:
    """The header figure; starts the measurement for the knobs as they stand."""
    pending = _pending(found)
    st.fragment(_figure, run_every=POLL_S if pending else None)()


def _figure() -> None:
    future = _future()
    if future is None:
        _metric(_grey_old(), "not timed yet")
    elif not future.done():
        _metric(_grey_old(), "measuring …")
    elif st.session_state.get("timing-shown") != state.key():
        # Done since the page was drawn: draw all of it, with the figure and without the polling.
        st.session_state["timing-shown"] = state.key()
        st.rerun(scope="app")
    elif (outcome := _outcome(future)) and isinstance(outcome, Timing):
        _metric(text.seconds(outcome.median_s),
                f"on {outcome.device}, batch {outcome.batch_size}")
    else:
        _metric("–", "could not be timed")


def _metric(value: str, note: str) -> None:
    st.metric("Latency", value, note, delta_color="off", delta_arrow="off", border=True, help=HELP)


def _grey_old() -> str:
    last: Timing | None = st.session_state.get("timing-last")
    return f":gray[{text.seconds(last.median_s)}]" if last else "–"


def _pending(found: Summary) -> bool:
    """Start what may start by itself, and drop what nobody waits for any more."""
    session, key, device = st.session_state, state.key(), _device()
    before: Future[Timing] | None = session.get("timing-future")
    if session.get("timing-wanted") != (key, device):
        if before is not None and not before.running():
            before.cancel()         # another session may wait for one that runs
        session["timing-wanted"], session["timing-future"] = (key, device), None
        session["timing-shown"] = None
        if predict_seconds(found, device) <= LIVE_S:
            start()
    future = _future()
    if future is not None and future.done() and session["timing-shown"] is None:
        session["timing-shown"] = key
    return future is not None and not future.done()


def start() -> None:
    """Time the network as it stands; the callback of the button, too."""
    key, device = st.session_state["timing-wanted"]
    future = calls.timing(key, device)
    if future.done() and (future.cancelled() or future.exception()):
        calls.timing.clear(key, device)
        future = calls.timing(key, device)
    st.session_state["timing-future"] = future


def again() -> None:
    """Time the same network once more."""
    calls.timing.clear(*st.session_state["timing-wanted"])
    start()
    st.session_state["timing-shown"] = None


def details(found: Summary) -> None:
    """Device, the figures with their spread, and the conditions they hold for."""
    devices = available()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(devices) > 1:
            st.segmented_control("Device", devices, default=resolve("auto"), key="timing-device",
                                 required=True, help="Where the forward pass runs.")
        future, device = _future(), _device()
        if future is None:
            st.button(f"Time it: about {text.seconds(predict_seconds(found, device))} a pass",
                      icon=":material/timer:", on_click=start)
        else:
            st.button("Time it again", icon=":material/timer:", on_click=again,
                      disabled=not future.done())
    if future is None:
        st.caption("A pass this long waits for a click.")
        return
    if not future.done():
        st.caption("Measuring …")
        return
    outcome = _outcome(future)
    if isinstance(outcome, TimingError):
        st.error(escape(str(outcome)))
    elif outcome is not None:
        st.session_state["timing-last"] = outcome
        _show(outcome)


def _show(timing: Timing) -> None:
    figures = (
        ("Median", text.seconds(timing.median_s), "Half of the passes took longer."),
        ("p10 to p90", f"{text.seconds(timing.p10_s)} to {text.seconds(timing.p90_s)}",
         "Eight passes in ten lie between these."),
        ("Samples", str(timing.n), "Timed passes, after a warm-up."),
        ("Images a second", text.short(timing.images_per_second), "Batch size by the median."),
        ("First pass", text.seconds(timing.first_s),
         "The first pass also allocates memory and chooses algorithms; it is not among the "
         "samples."))
    with st.grid(5, min_column_width=150):
        for label, value, help in figures:
            st.metric(label, value, help=help)
    st.caption(" · ".join(f"{name} {escape(value)}" for name, value in
                          timings.conditions_lines(timing.conditions)))


def _outcome(future: Future[Timing]) -> Timing | TimingError | None:
    try:
        return future.result(timeout=0)
    except TimingError as error:
        return error
    except CancelledError:
        return None


def _future() -> Future[Timing] | None:
    future: Future[Timing] | None = st.session_state.get("timing-future")
    return future


def _device() -> str:
    chosen: str = st.session_state.get("timing-device") or resolve("auto")
    return chosen


