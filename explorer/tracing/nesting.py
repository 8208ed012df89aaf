"""What stands inside of results and arguments: tuples, dicts, dataclasses, nested as they like."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def leaves(values: Iterable[Any], kind: type[T]) -> list[T]:
    """Every object of a kind among values, and inside of them, in order."""
    result: list[T] = []
    for value in values:
        if isinstance(value, kind):
            result.append(value)
        elif isinstance(value, (tuple, list)):
            result += leaves(value, kind)
        elif isinstance(value, Mapping):
            result += leaves(value.values(), kind)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            result += leaves(vars(value).values(), kind)
    return result


def replaced(value: Any, make: Callable[[Any], Any], kind: type) -> Any:
    """The same structure with `make(leaf)` in the place of every object of a kind."""
    if isinstance(value, kind):
        return make(value)
    if isinstance(value, (tuple, list)):
        parts = [replaced(part, make, kind) for part in value]
        if hasattr(value, "_fields"):       # a named tuple
            return type(value)(*parts)
        return type(value)(parts)
    if isinstance(value, Mapping):
        return {name: replaced(part, make, kind) for name, part in value.items()}
    return value


def forget(container: Any, kind: type) -> None:
    """Take out of a list, a set or a dict what is, or has inside, an object of a kind."""
    if isinstance(container, dict):
        for name in [name for name, value in container.items() if leaves((value,), kind)]:
            del container[name]
    elif isinstance(container, (list, set)):
        for value in [value for value in container if leaves((value,), kind)]:
            container.remove(value)
