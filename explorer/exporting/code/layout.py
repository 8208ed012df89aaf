"""A line of Python -> lines of at most 88 characters, broken as `ruff format` breaks them."""

from __future__ import annotations

import re

WIDTH = 88
OPENING, CLOSING = "([{", ")]}"
QUOTED = re.compile(r"""(['"])(?:\\.|(?!\1).)*\1""")
CLAUSE = re.compile(r" (?=for |if |else |and |or )")


def lay_out(line: str, indent: int = 0, comma: str = "") -> list[str]:
    """A statement, or what stands in brackets with the comma behind it.

    What is too long is broken at its last brackets: what they hold stands on a line of its own, or
    where that is too long, each element does.
    """
    whole = " " * indent + line + comma
    brackets = _last_brackets(line)
    if len(whole) <= WIDTH or brackets is None:
        return [whole]
    opened, closed = brackets
    head, held, tail = line[:opened + 1], line[opened + 1:closed], line[closed:]
    inner = indent + 4
    if len(held) + inner <= WIDTH:
        broken = [" " * inner + held]
    elif len(elements := split(held)) == 1:
        broken = _alone(held, inner)
    else:
        broken = [part for element in elements for part in lay_out(element, inner, ",")]
    return [" " * indent + head, *broken, " " * indent + tail + comma]


def split(held: str) -> list[str]:
    """The elements of what stands in brackets."""
    cuts = [place for place, depth, letter in _outside_quotes(held) if depth == 0 and letter == ","]
    return [element for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(held)],
                                          strict=True) if (element := held[start:end].strip())]


def _alone(held: str, indent: int) -> list[str]:
    """An element that stands alone: a generator is broken before its clauses."""
    outside = {place for place, depth, _ in _outside_quotes(held) if depth == 0}
    cuts = [found.start() for found in CLAUSE.finditer(held) if found.start() in outside]
    return [part for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(held)],
                                       strict=True) for part in lay_out(held[start:end], indent)]


def _last_brackets(line: str) -> tuple[int, int] | None:
    """Where the last brackets that are in no others open and close, with something in them."""
    closed = None
    for place, depth, letter in reversed(_outside_quotes(line)):
        if depth == 0 and letter in CLOSING and closed is None:
            closed = place
        elif depth == 0 and letter in OPENING and closed is not None:
            if line[place + 1:closed]:
                return place, closed
            closed = None
    return None


def _outside_quotes(text: str) -> list[tuple[int, int, str]]:
    """Every letter that is in no quotes: its place, the brackets around it, which do not count for
    themselves, and the letter."""
    quoted = {place for found in QUOTED.finditer(text) for place in range(*found.span())}
    result, depth = [], 0
    for place, letter in enumerate(text):
        if place in quoted:
            continue
        depth -= letter in CLOSING
        result.append((place, depth, letter))
        depth += letter in OPENING
    return result
