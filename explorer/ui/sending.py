"""The page is sent in pieces, and sessions make theirs in turn: the figures of one go before what
comes later on the page of another.

The interpreter runs one thread at a time anyway. Left to itself it would give every page a few
milliseconds in rotation, so that of fifty pages all are late.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, get_ident

PATIENCE_S = 1.5
"""What has waited for so long goes first, whatever it is."""
LONGEST_S = 0.4
"""Who makes a piece for longer, as of a very large network, holds nobody up any further."""


@dataclass(eq=False)
class Turn:
    """Of a thread that waits."""

    since_s: float = field(default_factory=time.monotonic)


class Baton:
    """What a thread holds while it makes a piece. Pieces that are urgent go first, and otherwise
    who has come first."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: tuple[deque[Turn], deque[Turn]] = deque(), deque()
        """The urgent ones, and all others."""
        self._holder: int | None = None
        self._since_s = 0.0

    def take(self, *, urgent: bool) -> None:
        """Wait for it, or until its holder has been too long."""
        own, queue = Turn(), self._waiting[not urgent]
        with self._changed:
            queue.append(own)
            while self._holder is not None or self._next() is not own:
                left = self._since_s + LONGEST_S - time.monotonic() if self._holder is not None \
                    else LONGEST_S
                if left <= 0:
                    self._holder = None     # it goes on beside
                    self._changed.notify_all()
                    continue
                self._changed.wait(left)
            queue.remove(own)
            self._holder, self._since_s = get_ident(), time.monotonic()

    def give(self) -> None:
        """Let the next one have it, where the thread still holds it."""
        with self._changed:
            if self._holder == get_ident():
                self._holder = None
                self._changed.notify_all()

    def _next(self) -> Turn:
        urgent, others = self._waiting
        waited = others and time.monotonic() > others[0].since_s + PATIENCE_S
        return others[0] if waited or not urgent else urgent[0]


_baton = Baton()


@contextmanager
def in_turn() -> Iterator[None]:
    """A run of a page: up to its first `wait_until_sent` it goes before the rest of others."""
    _baton.take(urgent=True)
    try:
        yield
    finally:
        _baton.give()


def wait_until_sent(pause_s: float = 0.02) -> None:
    """Let the server send what the page has so far, and the browser begin to draw it, before more
    is made."""
    _baton.give()
    time.sleep(pause_s)
    _baton.take(urgent=False)
