"""What runs one after the other and what runs side by side: the ways through a frame, found from
who reads whom.

A network is mostly series-parallel: a sequence, in which between two items there may be ways side
by side, each a sequence again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Ways(Generic[T]):
    """Ways side by side, from the item before them to the one behind them. One without items hands
    on what it is given."""

    ways: tuple[Series[T], ...]
    crossing: bool = False
    """Whether they cross each other: then one of them has all things, in order, and a second one,
    without any, says whether a line goes straight past them all."""


Series: TypeAlias = "tuple[T | Ways[T], ...]"


def in_series(items: Sequence[T], links: Mapping[tuple[int, int], object]) -> Series[T]:
    """The ways through `items`, which are numbered in an order in which data flows; `links` are the
    pairs of those that read one another, with -1 for what the frame is given and `len(items)` for
    what it gives.

    >>> in_series("ab", {(-1, 0): 0, (0, 1): 0, (1, 2): 0})
    ('a', 'b')
    >>> in_series("ab", {(-1, 0): 0, (0, 1): 0, (-1, 1): 0, (1, 2): 0})[0].ways
    (('a',), ())
    """
    end = len(items)
    after: dict[int, set[int]] = {number: set() for number in range(-1, end)}
    for source, target in links:
        after[source].add(target)

    def series(members: list[int], start: int, stop: int, *, direct: bool = False) -> Series[T]:
        """The way from `start` to `stop` through `members`, in order; `direct` where the one from
        `start` straight to `stop` is a part of it."""
        result: list[T | Ways[T]] = []
        inside = {*members, stop}
        last = start
        between: list[int] = []
        reach = max(after[start] & (inside if direct else {*members}), default=start)
        for member in [*members, stop]:
            if reach <= member:     # nothing passes it by
                if between:
                    straight = member in after[last] and (
                        direct or (last, member) != (start, stop))
                    result.append(ways(between, last, member, straight))
                if member != stop:
                    result.append(items[member])
                last, between = member, []
            else:
                between.append(member)
            if member != stop:
                reach = max([reach, *after[member] & inside])
        return tuple(result)

    def ways(members: list[int], start: int, stop: int, straight: bool) -> Ways[T]:
        groups = _connected(members, after)
        crossing = len(groups) + straight == 1
        made = () if crossing else (*[series(group, start, stop) for group in groups],
                                    *[()] * straight)
        # Where one of them ends in many lines, they all go on to what is behind.
        if crossing or any(_crosses_last(way) for way in made):
            together = tuple([items[member] for member in members])
            return Ways((together, *[()] * straight), crossing=True)
        return Ways(made)

    return series(list(range(end)), -1, end, direct=True)


def _crosses_last(way: Series[T]) -> bool:
    return bool(way) and isinstance(way[-1], Ways) and way[-1].crossing


def _connected(members: list[int], after: Mapping[int, set[int]]) -> list[list[int]]:
    """Members that hang together, each group in order."""
    group = {member: member for member in members}

    def first(member: int) -> int:
        while group[member] != member:
            member = group[member]
        return member

    for member in members:
        for target in after[member]:
            if target in group:
                one, other = sorted((first(member), first(target)))
                group[other] = one
    groups: dict[int, list[int]] = {}
    for member in members:
        groups.setdefault(first(member), []).append(member)
    return list(groups.values())


def size(way: Series[T]) -> int:
    """How many things stand on a way."""
    return sum([sum(map(size, element.ways)) if isinstance(element, Ways) else 1
                for element in way])


def crosses(way: Series[T]) -> bool:
    """Whether ways cross somewhere on it."""
    return any(isinstance(element, Ways) and (element.crossing or any(map(crosses, element.ways)))
               for element in way)
