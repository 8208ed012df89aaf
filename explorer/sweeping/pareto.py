"""The Pareto front: what nothing else beats in one figure without losing in another."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]], *, less: tuple[bool, bool] = (True, True)
          ) -> list[int]:
    """The places of the points (x, y) that no other beats: that is better in one and no worse in
    the other. `less` says of each figure whether less of it is better. In the order of x; of points
    that are equal all are there.

    >>> front([(1, 5), (2, 3), (3, 4), (4, 1)])
    [0, 1, 3]
    >>> front([(1, 5), (2, 3), (3, 6)], less=(True, False))
    [0, 2]
    """
    signed = [(x if less[0] else -x, y if less[1] else -y) for x, y in points]
    best, found = None, []
    for place in sorted(range(len(points)), key=signed.__getitem__):
        if best is None or signed[place][1] < best[1] or signed[place] == best:
            best = signed[place]
            found.append(place)
    return found
