"""The drawing on a sheet of its own: in light colours, with its title and its legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import NamedTuple

from explorer.views.graph.cards import Label
from explorer.views.graph.letters import FONT, fitted, width
from explorer.views.graph.overlays import Overlay
from explorer.views.graph.paint import STYLE, fill_of, heat
from explorer.views.graph.picture import MARGIN, Line, Picture
from explorer.views.graph.svg import body, classes, node_class, plain, rect, tooltip, way, written
from explorer.views.palette import KIND_COLOURS

LEAST_WIDTH = 520
TITLE, SIZE, LINE = 15, 11, 18
SWATCH, SAMPLE = 12, 26
STEPS = 12
"""Of a scale."""

LINES = {"flow": "data", "shortcut": "shortcut", "gate": "gate", "auxiliary": "in training only"}


class Sheet(NamedTuple):
    svg: str
    width: float
    height: float


class Entry(NamedTuple):
    """What the legend explains: a sample, how wide that is, and what it stands for."""

    sample: str
    width: float
    means: str


def sheet(picture: Picture, overlay: Overlay, changes: Mapping[str, str], *,
          title: str, failure: str = "") -> Sheet:
    """The drawing as an SVG that needs nothing else, below its title and the message of a pass that
    failed, above its legend."""
    wide = max(picture.width, LEAST_WIDTH)
    room = wide - 2 * MARGIN
    heading = fitted(title, TITLE, room, bold=True)
    made = [written(Label(MARGIN, MARGIN + TITLE, heading, "heading"))]
    y = MARGIN + TITLE + 8.0
    for row in wrapped(failure, room):
        y += LINE - 2
        made.append(written(Label(MARGIN, y, row, "failure")))
    nodes = picture.nodes
    styles = {node.id: f"fill:{fill_of(node, overlay)}" for node in nodes
              if overlay.share(node.id) is not None} if overlay.colours else {}
    parts = [*nodes, *(placed.frame.part for placed in picture.frames)]
    made.append(f'<g transform="translate({(wide - picture.width) / 2:.1f},{y:.1f})">'
                + body(picture, classes=classes(nodes, changes), styles=styles,
                       buttons=False, tips={part.id: tooltip(part) for part in parts}) + "</g>")
    y += picture.height
    x = float(MARGIN)
    for sample, long, means in _legend(picture, overlay, changes):
        needs = long + 6 + width(means, SIZE)
        if x > MARGIN and x + needs > wide - MARGIN:
            x, y = float(MARGIN), y + LINE
        made.append(f'<g class="entry" transform="translate({x:.1f},{y:.1f})">{sample}'
                    + written(Label(long + 6, 10, means, "means")) + "</g>")
        x += needs + 18
    high = y + LINE + MARGIN - 4
    return Sheet(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.1f}" height="{high:.1f}" '
        f'viewBox="0 0 {wide:.1f} {high:.1f}" font-family="{escape(FONT)}">'
        f"<title>{escape(plain(title))}</title><style>{STYLE}</style>"
        f'<rect class="paper" width="100%" height="100%"/>{"".join(made)}</svg>', wide, high)


def _legend(picture: Picture, overlay: Overlay,
            changes: Mapping[str, str]) -> Iterable[Entry]:
    nodes = picture.nodes
    if overlay.colours:
        yield Entry("", -6, f"{overlay.title}:  0")
        steps = "".join([f'<rect x="{10 * step}" width="10.5" height="{SWATCH}" '
                         f'fill="{heat(step / (STEPS - 1))}"/>' for step in range(STEPS)])
        top = overlay.shown[overlay.largest] if overlay.largest else "–"
        yield Entry(f'<g class="scale">{steps}</g>', 10 * STEPS, top)
    else:
        used = {node.operation for node in nodes if not node.failed}
        for kind in KIND_COLOURS:
            if kind in used:
                yield Entry(_swatch(f"kind-{kind.replace(' ', '-')}"), SWATCH, kind)
        if block := next((node for node in nodes
                          if node.operation is None and not node.failed), None):
            yield Entry(_swatch(node_class(block)), SWATCH, "several operations")
    if any(node.failed for node in nodes):
        yield Entry(_swatch("failed"), SWATCH, "cannot run")
    drawn = {line.kind for line in picture.lines} | \
        {"shortcut" for placed in picture.cards if placed.card.past}
    for line, means in LINES.items():
        if line in drawn:
            yield Entry(f'<g class="line {line}"><path class="way" '
                        f'd="{way(Line(((0, 6), (SAMPLE, 6)), arrow=False))}"/></g>', SAMPLE, means)
    if any(placed.card.stacked for placed in picture.cards) or \
            any(placed.frame.example for placed in picture.frames):
        yield Entry('<g class="node end">' + rect(4, 4, SWATCH - 2, SWATCH - 4, 2, "behind")
                    + rect(0, 0, SWATCH - 2, SWATCH - 4, 2) + "</g>", SWATCH + 2,
                    "×N: N alike, one after the other")
    if not overlay.colours:
        yield Entry("", -6, "figures: parameters")
    if not changes.keys().isdisjoint([part.id for part in (
            *nodes, *(placed.frame.part for placed in picture.frames))]):
        yield Entry(written(Label(0, 10, "+1%", "change")), 26, "change against the preset")


def _swatch(name: str) -> str:
    return f'<g class="node {name}">{rect(0, 0, SWATCH, SWATCH, 3)}</g>'


def wrapped(message: str, room: float) -> list[str]:
    """The lines of a message, none wider than `room`.

    >>> wrapped("one two", 30)
    ['one', 'two']
    """
    rows: list[str] = []
    for line in message.splitlines():
        row = ""
        for word in line.split():
            longer = f"{row} {word}".strip()
            if row and width(longer, SIZE) > room:
                rows.append(row)
                longer = word
            row = longer
        rows.append(row)
    return [fitted(row, SIZE, room) for row in rows]
