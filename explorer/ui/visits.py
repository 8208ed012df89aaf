"""Who looks at the pages now. What a visitor has asked for ends soon after the browser has gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Timer

import streamlit as st

from explorer.ui import housekeeping, runs
from explorer.ui.limits import limits

GRACE_S = 3.0
"""For how long a browser may be gone, as when its network falters."""

EMPTY_S = 20.0
"""For how long nobody must be there before what has been worked out is let go."""

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
    """That of the session that asks."""
    # Streamlit keeps it when a file is saved, and these modules are new ones.
    own = _of_session()
    own.end = _gone
    with _lock:
        if own not in _present:
            _present.append(own)
    return own


def has_room() -> bool:
    """Whether the session is among as many as the host lets in: who has come first stays."""
    own = visit()
    with _lock:
        return _present.index(own) < limits().sessions


def _gone(visit: Visit) -> None:
    with _lock:
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
    if empty:
        timer = Timer(EMPTY_S, _tidy)
        timer.daemon = True
        timer.start()


def _tidy() -> None:
    with _lock:
        empty = not _present
    if empty:
        housekeeping.tidy()
