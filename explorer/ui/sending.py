"""The page is sent in pieces."""

from __future__ import annotations

import time


def wait_until_sent(pause_s: float = 0.02) -> None:
    """Let the server send what the page has so far, and the browser begin to draw it, before more
    is made.

    Making it keeps the interpreter busy for longer than it takes to send what is there.
    """
    time.sleep(pause_s)
