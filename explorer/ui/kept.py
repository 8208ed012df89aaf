"""Results that are kept for every session.

Not by Streamlit, whose caches outlive the modules: once a file had been saved, it would hand values
of the old classes to the new code. These go with the modules.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from explorer.pipeline import Explored

P = ParamSpec("P")
T = TypeVar("T")

_forget: list[Callable[[], None]] = []


def forget_all() -> None:
    """Make everything anew when it is next asked for."""
    for forget in _forget:
        forget()


def kept(entries: int, valid: Callable[[Any], bool] = lambda _: True
         ) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the latest `entries` results of a function, by its arguments; an `Explored` counts by
    its key.

    What several threads ask for at once is made once. What has raised an error, or is not `valid`
    any more, is made anew. The results are shared and must not be changed.
    """
    def keep(make: Callable[P, T]) -> Callable[P, T]:
        results: OrderedDict[Hashable, Future[T]] = OrderedDict()
        lock = Lock()

        def forget() -> None:
            with lock:
                results.clear()

        _forget.append(forget)

        @wraps(make)
        def result(*args: P.args, **kwargs: P.kwargs) -> T:
            asked = (*map(_name, args), *[(name, _name(kwargs[name])) for name in sorted(kwargs)])
            with lock:
                entry = results.get(asked)
                if new := entry is None or not _holds(entry, valid):
                    entry = results[asked] = Future()
                results.move_to_end(asked)
                while len(results) > entries:
                    results.popitem(last=False)
            if new:
                try:
                    entry.set_result(make(*args, **kwargs))
                except BaseException as error:
                    entry.set_exception(error)
            return entry.result()

        return result
    return keep


def _name(argument: object) -> object:
    return argument.key if isinstance(argument, Explored) else argument


def _holds(entry: Future[Any], valid: Callable[[Any], bool]) -> bool:
    """Whether an entry is under way, or is a result that can be used."""
    return not entry.done() or (entry.exception() is None and valid(entry.result()))
