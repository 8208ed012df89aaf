"""What keeps a server's memory small and its pauses short."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from functools import cache

from explorer.ui.kept import STORE
from explorer.ui.sweep import background

ARENA_MAX, ARENAS = -8, 2
"""Of glibc's `mallopt`: every run is a thread, and each would else keep free memory of its own."""


@cache
def prepare() -> None:
    """Once, when all is loaded: look seldom for garbage in cycles, and never among what is there.

    What is kept for a config is of some 4,000 objects without a cycle. A full collection of that,
    up to half a second, would come at every fourth turn of a knob; so it comes after hundreds.
    """
    with suppress(OSError, AttributeError):     # another system
        ctypes.CDLL("libc.so.6").mallopt(ARENA_MAX, ARENAS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def tidy() -> None:
    """When nobody is there: let go of what has been worked out, and give the memory back."""
    STORE.clear()
    background.shared.clear()
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
