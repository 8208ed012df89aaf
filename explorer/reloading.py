"""The modules of this package are replaced when one of its files is saved under a running server.

Streamlit by itself would drop the modules once for every open page, also while another page imports
them anew, and it does not see files that are new. So it only draws the pages again, and the first
of them takes up what is saved. `.streamlit/config.toml` tells it so.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module, invalidate_caches
from pathlib import Path
from threading import RLock, Thread
from types import SimpleNamespace
from typing import Any, cast

PACKAGE = Path(__file__).parent

# What outlives the modules. It is of no file, so that nobody replaces it.
_lasting: Any = sys.modules.setdefault("explorer_lasting", cast(Any, SimpleNamespace(
    lock=RLock(), endings={}, saved=None)))


def at_end(module: str, end: Callable[[], object]) -> None:
    """Have `end` called when the interpreter exits, or when the module of that name asks again,
    which it does when it is imported anew: processes and threads that a module has begun would
    stay, and go on in old code. One ending a module."""
    if before := _lasting.endings.get(module):
        atexit.unregister(before)
        # Beside: what it waits for may itself wait for a module that is being imported.
        Thread(target=before, name=f"end of {module}").start()
    _lasting.endings[module] = end
    atexit.register(end)


def take_up_saved_files() -> None:
    """Import the package anew where its files are not as they were when this was last asked."""
    with _lasting.lock:
        saved = _saved()
        if _lasting.saved not in (None, saved):
            # The package itself last: who imports it meanwhile finds it whole, or not at all.
            for name in sorted(sys.modules, reverse=True):
                if name.partition(".")[0] == PACKAGE.name:
                    del sys.modules[name]
            invalidate_caches()
            import_module(PACKAGE.name)
        _lasting.saved = saved


def _saved() -> frozenset[tuple[str, int, int]]:
    """Name, time and size of every file that is no cache and no editor's own."""
    files = set()
    for path in PACKAGE.rglob("[!.]*.*[!~]"):
        if path.suffix != ".pyc":
            with suppress(OSError):     # gone again
                files.add((str(path), path.stat().st_mtime_ns, path.stat().st_size))
    return frozenset(files)
