"""Who looks at the pages now. What a visitor has asked for ends soon after the browser has gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Timer

import streamlit as st

from explorer.ui import housekeeping, runs
from explorer.ui.limits import limits
from explorer.ui.panel import Panel
from explorer.ui.sweep import background

GRACE_S = 3.0
"""For how long a browser may be gone, as when its network falters."""

EMPTY_S = 20.0
"""For how long nobody must be there before what has been worked out is let go."""

_SESSION = Panel("app")

_lock = Lock()
_present: list[Visit] = []


@dataclass(eq=False)
class Visit:
    """A browser that is connected."""

    owners: set[str] = field(default_factory=set)
    """Those of its panels that want something to be measured."""
    end: Callable[[Visit], None] = lambda _: None
    """What is done when it has gone."""


@st.cache_resource(scope="session", on_release=lambda visit: visit.end(visit), show_spinner=False)
def _of_session() -> Visit:
    return Visit()


def visit() -> Visit:
    """That of the session that asks, as it was when its run began: a browser that has gone since
    does not come back by what is left of the run."""
    held: Visit | None = _SESSION.value("visit")
    return held or _arrive()


def has_room() -> bool:
    """Whether the session is among as many as the host lets in: who has come first stays. To be
    asked when a run begins."""
    own = _arrive()
    with _lock:
        return own not in _present or _present.index(own) < limits().sessions


def _arrive() -> Visit:
    # Streamlit keeps it when a file is saved, and these modules are new ones.
    own = _of_session()
    own.end = _gone
    with _lock:
        if own not in _present:
            _present.append(own)
    _SESSION.set_value("visit", own)
    return own


def _gone(visit: Visit) -> None:
    with _lock:
        if visit in _present:
            _present.remove(visit)
    timer = Timer(GRACE_S, _let_go, [visit])
    timer.daemon = True
    timer.start()


def _let_go(visit: Visit) -> None:
    with _lock:
        here = set().union(*[other.owners for other in _present])
        empty = not _present
    for owner in visit.owners - here:
        runs.shared.leave(owner)
        background.shared.leave(owner)
    if empty:
        timer = Timer(EMPTY_S, _tidy)
        timer.daemon = True
        timer.start()


def _tidy() -> None:
    with _lock:
        empty = not _present
    if empty:
        housekeeping.tidy()
