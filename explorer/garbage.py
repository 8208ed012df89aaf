"""Python's search for garbage in cycles, which takes longer than to trace a large network: each
call of a pass is kept, and all that is kept is searched again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """No search meanwhile, also in other threads. Little garbage comes of a pass."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
