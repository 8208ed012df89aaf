"""Which layers are chosen, as text: single ones and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from explorer.config import ConfigError
from explorer.language import Text


def to_text(indices: Iterable[int]) -> str:
    """
    >>> to_text([3, 14, 12, 13])
    '3,12-14'
    """
    runs = groupby(enumerate(sorted(set(indices))), key=lambda pair: pair[1] - pair[0])
    parts = []
    for _, run in runs:
        members = [index for _, index in run]
        parts.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ",".join(parts)


def from_text(value: str, count: int) -> tuple[int, ...]:
    """The layers that a text names, of `count`; raises `ConfigError` where one is not there.

    >>> from_text("3,12-14", 20)
    (3, 12, 13, 14)
    """
    chosen: set[int] = set()
    for part in value.split(","):
        ends = part.split("-")
        if len(ends) > 2 or not all(end.isascii() and end.isdigit() and len(end) < 10
                                    for end in ends) \
                or not int(ends[0]) <= int(ends[-1]) < count:
            raise ConfigError(Text(
                "`layer` must name layers of this network, 0 to {last}, such as 3 or 12-14; got "
                "{value}.", last=count - 1, value=value))
        chosen.update(range(int(ends[0]), int(ends[-1]) + 1))
    return tuple(sorted(chosen))
