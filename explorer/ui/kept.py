"""Results that are kept for every session, within so many bytes for all of them together.

Not by Streamlit, whose caches outlive the modules: once a file had been saved, it would hand values
of the old classes to the new code. These go with the modules.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from explorer.comparison import Comparison
from explorer.language import language
from explorer.pipeline import Explored
from explorer.ui.limits import limits

P = ParamSpec("P")
T = TypeVar("T")

OF_EXPLORED = 6200
"""Bytes for each layer of a network: its trace, its structure, and its training pass."""
OF_VIEW = 700
"""The same of a table, a drawing or a file."""
OF_TREE = 2500
"""The same of a tree that is shown line by line."""
FIXED = 60_000
"""Of any result."""


@dataclass
class KeptResult:
    """A result, or one that is being worked out."""

    result: Future[Any]
    weight: int = 0
    """About how many bytes it takes; 0 until it is there."""


class Store:
    """The latest results of many functions, up to so many bytes; the very latest one always."""

    def __init__(self, most_bytes: Callable[[], int]) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Hashable, KeptResult] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0

    def clear(self) -> None:
        """Make everything anew when it is next asked for."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def kept(self, per_layer: int = OF_VIEW, fixed: int = FIXED,
             valid: Callable[[Any], bool] = lambda _: True, *, speaks: bool = True,
             ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Keep the results of a function by its arguments; networks count by their keys. About
        `fixed` bytes each, and so many for each layer of what it is of.

        What `speaks` is made for each language; what does not has none in it but `Text`.

        What several threads ask for at once is made once. What has raised an error, or is not
        `valid` any more, is made anew. The results are shared and must not be changed.
        """
        def keep(make: Callable[P, T]) -> Callable[P, T]:
            @wraps(make)
            def result(*args: P.args, **kwargs: P.kwargs) -> T:
                asked = (make, language() if speaks else None, *map(_name, args),
                         *[(each, _name(kwargs[each])) for each in sorted(kwargs)])
                entry, new = self._entry(asked, valid)
                if new:
                    try:
                        made = make(*args, **kwargs)
                    except BaseException as error:
                        self._fail(asked, entry, error)
                        del entry       # else the error's frames would keep it, and it the error
                        raise
                    layers = _layers([*args, *kwargs.values(), made])
                    entry.result.set_result(made)
                    self._weigh(asked, entry, fixed + per_layer * layers)
                kept_result: T = entry.result.result()
                return kept_result

            return result
        return keep

    def _entry(self, asked: Hashable, valid: Callable[[Any], bool]) -> tuple[KeptResult, bool]:
        """The entry of what is asked for, and whether who asks has to fill it."""
        with self._lock:
            entry = self._entries.get(asked)
            if entry and (not entry.result.done() or valid(entry.result.result())):
                self._entries.move_to_end(asked)
                return entry, False
            if entry:
                self._remove(asked)
            self._entries[asked] = entry = KeptResult(Future())
            return entry, True

    def _fail(self, asked: Hashable, entry: KeptResult, error: BaseException) -> None:
        """Keep nothing, and tell the error to those who wait."""
        with self._lock:
            if self._entries.get(asked) is entry:
                self._remove(asked)
        entry.result.set_exception(error)

    def _weigh(self, asked: Hashable, entry: KeptResult, weight: int) -> None:
        """Note how large a result is, and let the oldest go where there is no room."""
        with self._lock:
            if self._entries.get(asked) is not entry:       # cleared meanwhile
                return
            entry.weight = weight
            self.bytes += weight
            most = self._most_bytes()
            if self.bytes <= most:
                return
            for oldest in list(self._entries):
                if self.bytes <= most or oldest == asked:
                    break
                if self._entries[oldest].result.done():
                    self._remove(oldest)

    def _remove(self, asked: Hashable) -> None:
        self.bytes -= self._entries.pop(asked).weight


def _name(argument: object) -> object:
    if isinstance(argument, Comparison):
        return tuple([network.key for network in argument.networks])
    return argument.key if isinstance(argument, Explored) else argument


def _layers(values: Iterable[object]) -> int:
    """Layers of the largest of the networks among them, all of a comparison's together."""
    return max([_of(value) for value in values], default=0)


def _of(value: object) -> int:
    if isinstance(value, Comparison):
        return sum(map(_of, value.networks))
    if not isinstance(value, Explored):
        return 0
    trained = value.auxiliary
    return len(value.summary.layers) + (len(trained.layers) if trained else 0)


STORE = Store(lambda: limits().cache_bytes)
kept = STORE.kept
