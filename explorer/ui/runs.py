"""What the sessions measure. Who wants the same shares a run, and one that nobody wants any more is
stopped: a knob that turns does not have to wait for the figures of where it was."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Any, Literal, NamedTuple
from uuid import uuid4

import streamlit as st

from explorer.analysis import Summary
from explorer.networks.key import from_key
from explorer.timing import (
    Choices,
    Job,
    Progress,
    TimingError,
    submit,
    submit_batches,
    submit_layers,
    submit_rates,
)
from explorer.tracing import TraceError
from explorer.ui import calls

What = Literal["pass", "layers", "rates", "batches"]

KEPT = 256
POLL_S = 1.0


class Wish(NamedTuple):
    """What is to be measured, and how."""

    what: What
    key: str
    device: str
    choices: Choices
    budget_s: float


class _Runs:
    """The runs of all sessions, and who wants them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: OrderedDict[Wish, Future[Any]] = OrderedDict()
        self._wanted: dict[Wish, set[str]] = {}

    def want(self, wish: Wish, session: str) -> Future[Any]:
        """The run of a wish, begun with the first who asks; a failed one is begun again."""
        with self._lock:
            run = self._runs.get(wish)
            if run is None or run.cancelled() or (run.done() and run.exception()):
                run = self._runs[wish] = _submit(wish)
            self._wanted.setdefault(wish, set()).add(session)
            self._runs.move_to_end(wish)
            if len(self._runs) > KEPT:
                self._wanted.pop(self._runs.popitem(last=False)[0], None)
            return run

    def find(self, wish: Wish) -> Future[Any] | None:
        with self._lock:
            return self._runs.get(wish)

    def drop(self, wish: Wish, session: str) -> None:
        """The session does not want it any more; the last one stops it."""
        with self._lock:
            wanted, run = self._wanted.get(wish, set()), self._runs.get(wish)
            wanted.discard(session)
            if run is not None and not wanted and not run.done():
                run.cancel()
                del self._runs[wish]

    def forget(self, wish: Wish) -> None:
        """Make the next who asks begin it again."""
        with self._lock:
            self._runs.pop(wish, None)


_runs = _Runs()


def _submit(wish: Wish) -> Future[Any]:
    config = from_key(wish.key)
    try:
        match wish.what:
            case "pass":
                found = calls.summary(wish.key, training=wish.choices.training)
                return submit(config, wish.device, wish.budget_s, wish.choices,
                              summary=found if isinstance(found, Summary) else None)
            case "layers":
                return submit_layers(config, wish.device, wish.budget_s, wish.choices)
            case "rates":
                return submit_rates(wish.device, wish.choices)
            case "batches":
                return submit_batches(config, wish.device, wish.budget_s, wish.choices)
    except (TimingError, TraceError) as error:    # refused before it began, for want of memory say
        refused: Future[Any] = Future()
        refused.set_exception(error)
        return refused


def start(wish: Wish) -> Future[Any]:
    """Begin to want something; what the session wanted of that sort before is dropped."""
    stop(wish.what, unless=wish)
    _wishes()[wish.what] = wish
    return _runs.want(wish, _session())


def again(wish: Wish) -> None:
    _runs.forget(wish)
    _shown().discard(wish)
    start(wish)


def stop(what: What, unless: Wish | None = None) -> None:
    """Want something no longer."""
    before = _wishes().get(what)
    if before is not None and before != unless:
        del _wishes()[what]
        _runs.drop(before, _session())


def cancel(what: What) -> None:
    """Stop a run at the person's wish: it does not begin again by itself."""
    if (wish := _wishes().get(what)) is not None:
        st.session_state["cancelled"] = wish
        stop(what)


def begin(wish: Wish) -> None:
    """Start by itself what has not been cancelled."""
    if of(wish.what) is None and not declined(wish):
        start(wish)


def declined(wish: Wish) -> bool:
    """Whether the person has cancelled just that."""
    return bool(st.session_state.get("cancelled") == wish)


def keep_only(key: str, device: str, choices: Choices, budget_s: float) -> None:
    """Drop what is not about the network and the choices as they stand."""
    for what, wish in list(_wishes().items()):
        if wish != Wish(what, key, device, choices, budget_s):
            stop(what)


def of(what: What) -> Future[Any] | None:
    """The session's run, under way or done; None where it wants none."""
    wish = _wishes().get(what)
    return None if wish is None else _runs.find(wish)


def outcome(what: What) -> Any:
    """What the session's run has found, or the `TimingError` that says why not; None before."""
    run = of(what)
    return None if run is None else result(run)


def result(run: Future[Any]) -> Any:
    if not run.done() or run.cancelled():
        return None
    try:
        return run.result(timeout=0)
    except (TimingError, TraceError) as error:
        return error
    except CancelledError:
        return None


def known(wish: Wish) -> Any:
    """What has been found of a wish, by whichever session."""
    run = _runs.find(wish)
    return None if run is None else result(run)


def pending(what: What) -> bool:
    run = of(what)
    return run is not None and not run.done()


def follow(what: What, draw: Callable[[Progress | None], None] | None = None) -> None:
    """Show how far a run is, and draw the page again when it is done."""
    def fragment() -> None:
        redraw(what)
        if (run := of(what)) is None or run.done():
            return
        progress = run.progress if isinstance(run, Job) else None
        _progress(what, run, progress)
        if draw:
            draw(progress)

    if pending(what):
        st.fragment(fragment, run_every=POLL_S)()


def redraw(what: What) -> None:
    """In a fragment: draw the page once a run is done, which ends the fragment's turns too."""
    wish = _wishes().get(what)
    if wish is not None and not pending(what) and wish not in _shown():
        _shown().add(wish)
        st.rerun(scope="app")


def _progress(what: What, run: Future[Any], progress: Progress | None) -> None:
    place = run.place if isinstance(run, Job) else 0
    with st.container(horizontal=True, vertical_alignment="center"):
        if place:
            st.progress(0.0, f"Waiting: {place} in the queue")
        elif progress is None:
            st.progress(0.0, "Starting")
        else:
            samples = f", {progress.samples} samples" if progress.samples else ""
            st.progress(progress.share, f"{progress.phase.capitalize()}{samples}")
        st.button("Cancel", key=f"cancel-{what}", on_click=cancel, args=(what,),
                  icon=":material/stop:")


def see(what: What) -> None:
    """What is done when the page is drawn needs no further drawing."""
    wish = _wishes().get(what)
    if wish is not None and not pending(what):
        _shown().add(wish)


def _wishes() -> dict[What, Wish]:
    wishes: dict[What, Wish] = st.session_state.setdefault("wishes", {})
    return wishes


def _shown() -> set[Wish]:
    shown: set[Wish] = st.session_state.setdefault("shown", set())
    return shown


def _session() -> str:
    name: str = st.session_state.setdefault("session", uuid4().hex)
    return name
