"""One line of Python -> lines of at most 88 characters, broken as `ruff format` breaks them."""

from __future__ import annotations

import re

WIDTH = 88
OPENING, CLOSING = "([{", ")]}"
QUOTED = re.compile(r"""(['"])(?:\\.|(?!\1).)*\1""")
WORDS = re.compile(r" (?=for |if |and |or |else |\+ |\* )")


def lay_out(line: str, indent: int = 0, *, comma: str = "") -> list[str]:
    """A statement, or an element of brackets with the comma behind it."""
    start = " " * indent
    if len(start + line + comma) <= WIDTH:
        return [start + line + comma]
    opened = _last_brackets(line)
    if opened is None:
        return [start + line + comma]
    head, body, tail = line[:opened[0] + 1], line[opened[0] + 1:opened[1]], line[opened[1]:]
    if not body.strip():
        return [start + line + comma]
    inner = indent + 4
    elements = split(body, ",")
    one_line = " " * inner + body
    if len(one_line) <= WIDTH:
        middle = [one_line]
    elif len(elements) == 1 and not body.endswith(","):
        middle = _broken(body, inner)
    else:
        middle = [laid for element in elements
                  for laid in lay_out(element.strip(), inner, comma=_comma(element))]
    return [start + head, *middle, start + tail + comma]


def split(body: str, mark: str) -> list[str]:
    """The parts of what stands in brackets, between marks that are in no brackets of their own."""
    cuts = [position for position, depth, letter in _outside_quotes(body)
            if depth == 0 and letter == mark]
    starts = [0, *(cut + 1 for cut in cuts)]
    return [part for begin, end in zip(starts, [*cuts, len(body)], strict=True)
            if (part := body[begin:end].strip())]


def _comma(element: str) -> str:
    """Behind the last element, too; a generator alone has none."""
    return ","


def _broken(body: str, indent: int) -> list[str]:
    """An element that stands alone: a generator before its `for`, anything else in its own
    brackets."""
    depths = {position: depth for position, depth, _ in _outside_quotes(body)}
    cuts = [found.start() for found in WORDS.finditer(body) if depths.get(found.start()) == 0]
    if not cuts or _last_brackets(body) == (0, len(body) - 1):
        trailing = "" if body.startswith("*") else ","
        laid = lay_out(body, indent)
        return laid if len(laid) == 1 or not trailing else laid
    starts = [0, *(cut + 1 for cut in cuts)]
    return [laid for begin, end in zip(starts, [*cuts, len(body)], strict=True)
            for laid in lay_out(body[begin:end], indent)]


def _outside_quotes(text: str) -> list[tuple[int, int, str]]:
    """Every letter that is in no quotes, with its position and the brackets around it; a bracket
    counts as outside of itself."""
    quoted = {position for found in QUOTED.finditer(text) for position in range(*found.span())}
    result, depth = [], 0
    for position, letter in enumerate(text):
        if position in quoted:
            continue
        if letter in CLOSING:
            depth -= 1
        result.append((position, depth, letter))
        if letter in OPENING:
            depth += 1
    return result


def _last_brackets(line: str) -> tuple[int, int] | None:
    """Where the last brackets that are in no others open and close."""
    closed = opened = None
    for position, depth, letter in reversed(_outside_quotes(line)):
        if depth == 0 and letter in CLOSING and closed is None:
            closed = position
        elif depth == 0 and letter in OPENING and closed is not None:
            opened = position
            break
    return None if closed is None or opened is None else (opened, closed)
