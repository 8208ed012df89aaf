"""What a module has begun ends with it: with the interpreter, or when the module is replaced.

`streamlit run` imports every module of this package anew when a file of one has been saved. The
processes and threads that the old modules have begun would stay, and go on in old code.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from types import ModuleType

# Of no file, so that nobody replaces it.
_kept = sys.modules.setdefault("explorer_endings", ModuleType("explorer_endings"))
_endings: dict[str, Callable[[], object]] = _kept.__dict__.setdefault("endings", {})


def at_end(module: str, end: Callable[[], object]) -> None:
    """Have `end` called when the interpreter exits, or when the module of that name asks again,
    which it does when it is imported anew. One ending a module."""
    if before := _endings.get(module):
        atexit.unregister(before)
        before()
    _endings[module] = end
    atexit.register(end)
