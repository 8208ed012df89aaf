"""The modules of this package are replaced when one of its files is saved under a running server.

Streamlit by itself would drop the modules once for every open page, also while another page imports
them anew, and it does not see files that are new. So it only draws the pages again, and the first
of them takes up what is saved. `.streamlit/config.toml` tells it so.
"""

from __future__ import annotations

import atexit
import builtins
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module, invalidate_caches
from pathlib import Path
from threading import RLock, Thread, current_thread
from types import SimpleNamespace
from typing import Any, cast

PACKAGE = Path(__file__).parent

PATIENCE_S = 20.0
"""For how long the runs of other pages may still be under way, before modules are replaced."""

# What outlives the modules. It is of no file, so that nobody replaces it.
_lasting: Any = sys.modules.setdefault("explorer_lasting", cast(Any, SimpleNamespace(
    lock=RLock(), endings={}, saved=None, runs=set())))


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


def take_up_saved_files(first: str = PACKAGE.name) -> None:
    """Import the package anew where its files are not as they were when this was last asked. To be
    called at the start of the run of a page.

    `first` is the module that every page imports before all others. It is there when this returns:
    where one run began with another module while the next begins with that one, each could wait for
    what the other has begun, and Python would give them half of it.
    """
    _lasting.runs.discard(current_thread())
    with _lasting.lock:
        saved = _saved()
        if _lasting.saved not in (None, saved):
            _wait_for_others()
            with _others_waiting_to_import():
                # The package itself last: who imports it meanwhile finds it whole, or not at all.
                for name in sorted(sys.modules, reverse=True):
                    if _is_ours(name):
                        del sys.modules[name]
                invalidate_caches()
                import_module(first)
        _lasting.saved = saved
        _lasting.runs.add(current_thread())


@contextmanager
def _others_waiting_to_import() -> Iterator[None]:
    """What a process sends is unpickled in a thread of its own whenever it comes, and that imports
    too. Of two threads that import modules which need each other, Python gives one half of them."""
    lock, ordinary = RLock(), builtins.__import__

    def in_turn(name: str, *rest: Any, **named: Any) -> Any:
        if _is_ours(name):
            with lock:
                pass
        return ordinary(name, *rest, **named)

    with lock:
        builtins.__import__ = in_turn
        try:
            yield
        finally:
            builtins.__import__ = ordinary


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE.name


def _wait_for_others() -> None:
    """Until no page is drawn: one that imports a module meanwhile would find it half made, or have
    it found so. They are told to begin again too, and then wait for the lock."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        _lasting.runs = {run for run in list(_lasting.runs) if run.is_alive()}
        if not _lasting.runs:
            return
        time.sleep(0.02)


def _saved() -> frozenset[tuple[str, int, int]]:
    """Name, time and size of every file that is no cache and no editor's own."""
    files = set()
    for path in PACKAGE.rglob("[!.]*.*[!~]"):
        if path.suffix != ".pyc":
            with suppress(OSError):     # gone again
                files.add((str(path), path.stat().st_mtime_ns, path.stat().st_size))
    return frozenset(files)
