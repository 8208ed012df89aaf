"""A picture as SVG, with classes for whoever shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from explorer.language import say
from explorer.structure import Part
from explorer.views.graph.cards import BUTTON, RADIUS, STACK, Label, Rect
from explorer.views.graph.overlays import Overlay
from explorer.views.graph.picture import Line, Picture, PlacedCard, PlacedFrame, Point

CORNER = 6
"""Of lines."""
HEAD_LONG, HEAD_WIDE = 7.0, 3.4


def page_svg(picture: Picture, overlay: Overlay, changes: Mapping[str, str], *,
             buttons: bool = True) -> str:
    """The SVG that the page shows and styles."""
    nodes = picture.nodes
    shares = {node.id: overlay.share(node.id) for node in nodes} if overlay.colours else {}
    styles = {id: f"--share:{share:.3g}" for id, share in shares.items() if share is not None}
    inside = body(picture, classes=classes(nodes, changes), styles=styles, buttons=buttons)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(picture.width)} '
            f'{_n(picture.height)}">{inside}</svg>')


def body(picture: Picture, *, classes: Mapping[str, str], styles: Mapping[str, str],
         buttons: bool = True, tips: Mapping[str, str] | None = None) -> str:
    """The elements of the drawing; by the id of a node `classes` are its classes, `styles` say how
    strong its colour is, and `tips` what it tells when it is pointed at."""
    tips = tips or {}
    made = ['<g class="frames">']
    made += [_frame(placed, tips) for placed in picture.frames]
    made.append("</g>")
    for kind in ("flow", "shortcut", "gate", "auxiliary"):
        lines = [line for line in picture.lines if line.kind == kind]
        if lines:
            made.append(f'<g class="line {kind}"><path class="way" d="'
                        + "".join([way(line) for line in lines]) + '"/><path class="head" d="'
                        + "".join([_head(line) for line in lines if line.arrow]) + '"/></g>')
    if picture.dots:
        made.append('<g class="dots">' + "".join(
            [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.6"/>' for x, y in picture.dots]) + "</g>")
    made.append('<g class="labels">' + "".join(map(written, picture.labels)) + "</g>")
    made += [_card(placed, classes, styles, tips) for placed in picture.cards]
    made += [_whole(strips, classes, styles) for strips in _in_strips(picture.cards)]
    if buttons:
        made += [_button(placed.frame.part.id, placed.button, plus=placed.frame.example)
                 for placed in picture.frames]
        made += [_button(placed.card.id, placed.button, plus=True)
                 for placed in picture.cards if placed.button]
    return "".join(made)


def _frame(placed: PlacedFrame, tips: Mapping[str, str]) -> str:
    frame = placed.frame
    classes = f"frame {frame.part.role}" + " squeeze" * placed.gate
    behind = "".join([rect(offset, offset, placed.width, placed.height, 8, "behind")
                      for offset in (2 * STACK, STACK)]) if frame.example else ""
    return (f'<g class="{classes}" id="{escape(plain(frame.part.id))}" '
            f'transform="translate({_n(placed.x)},{_n(placed.y)})">'
            + _tip(frame.part.id, tips) + behind
            + rect(0, 0, placed.width, placed.height, 8) + "".join(map(written, placed.texts))
            + "</g>")


def _card(placed: PlacedCard, classes: Mapping[str, str],
          styles: Mapping[str, str], tips: Mapping[str, str]) -> str:
    x, y, card = placed
    wide, high = card.face
    style = f' style="{styles[card.id]}"' if card.id in styles else ""
    look = f"{card.shape} {classes.get(card.id, 'end')}" + " painted" * (card.id in styles)
    made = [f'<g class="node {look}" id="{escape(plain(card.id))}"{style} '
            f'transform="translate({_n(x)},{_n(y)})">{_tip(card.id, tips)}']
    if card.stacked:
        made += [rect(offset, offset, wide, high, 6, "behind") for offset in (2 * STACK, STACK)]
    if card.shape == "sign":
        made.append(f'<circle class="body" cx="{RADIUS}" cy="{RADIUS}" r="{RADIUS}"/>')
    else:
        made.append(rect(0, 0, wide, high, 0 if card.shape == "strip" else 6, "body"))
    made += [rect(*panel, 4, "panel") for panel in card.panels]
    made += [rect(*bar, 2, "joins") for bar in card.joins]
    made += map(_past, card.past)
    made += map(written, card.texts)
    made.append("</g>")
    return "".join(made)


def _in_strips(cards: Iterable[PlacedCard]) -> Iterable[list[PlacedCard]]:
    """The cards of strips, each from top to bottom."""
    strips: list[PlacedCard] = []
    for placed in cards:
        if strips and (placed.card.shape != "strip" or placed.x != strips[-1].x
                       or abs(placed.y - strips[-1].box[3]) > 0.1):
            yield strips
            strips = []
        if placed.card.shape == "strip":
            strips.append(placed)
    if strips:
        yield strips


def _whole(strips: list[PlacedCard], classes: Mapping[str, str],
           styles: Mapping[str, str]) -> str:
    """The border of a card of strips, of the first one's kind, and the lines between them."""
    (x, y, first), last = strips[0], strips[-1]
    between = "".join([f"M{_n(x)},{_n(placed.y)}h{_n(first.width)}" for placed in strips[1:]])
    look = classes.get(first.id, "end") + " painted" * (first.id in styles)
    return (f'<g class="whole {look}"><path class="parting" d="{between}"/>'
            + rect(x, y, first.width, last.box[3] - y, 3, "outline") + "</g>")


def _tip(id: str, tips: Mapping[str, str]) -> str:
    return f"<title>{escape(plain(tips[id]), quote=False)}</title>" if id in tips else "<title/>"


def _past(loop: Rect) -> str:
    """A shortcut inside a closed block, and the sign where it ends."""
    x, y, wide, high = loop
    right, centre = x + wide, y + high
    around = Line(((x, y - 5), (right, y - 5), (right, centre), (x + 8, centre)))
    return (f'<path class="past" d="{way(around)}"/>'
            f'<path class="tip" d="{_head(around)}"/>'
            f'<path class="stem" d="M{_n(x)},{_n(centre - 16)}V{_n(centre - 8)}"/>'
            f'<circle class="join" cx="{_n(x)}" cy="{_n(centre)}" r="8"/>'
            f'<text class="plus" x="{_n(x)}" y="{_n(centre + 4)}" text-anchor="middle">+</text>')


def _button(id: str, middle: Point, *, plus: bool) -> str:
    """A circle that opens or closes, in a larger one that is easy to hit."""
    x, y = middle
    return (f'<g class="toggle" data-toggle="{escape(id)}" '
            f'transform="translate({_n(x)},{_n(y)})"><circle class="target" r="12"/>'
            f'<circle class="button" r="{BUTTON}"/>'
            f'<path d="{"M-4,0H4M0,-4V4" if plus else "M-4,0H4"}"/></g>')


def rect(x: float, y: float, wide: float, high: float, corner: float, name: str = "body") -> str:
    rounded = f' rx="{_n(corner)}"' if corner else ""
    return (f'<rect class="{name}" x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" '
            f'height="{_n(high)}"{rounded}/>')


def written(given: Label) -> str:
    anchor = "" if given.anchor == "start" else f' text-anchor="{given.anchor}"'
    return (f'<text class="{given.style}" x="{_n(given.x)}" y="{_n(given.y)}"{anchor}>'
            f"{escape(plain(given.words), quote=False)}</text>")


def plain(words: str) -> str:
    """Without signs that no SVG can hold."""
    if words.isprintable():
        return words
    return "".join([sign if sign.isprintable() else "\ufffd" for sign in words])


def way(line: Line) -> str:
    """The path of a line, its corners round; a head hides its end."""
    points = list(line.points)
    if line.arrow:
        points[-1] = _before(points[-2], points[-1], HEAD_LONG - 1)
    made = [f"M{_n(points[0][0])},{_n(points[0][1])}"]
    for at in range(1, len(points) - 1):
        before, corner, after = points[at - 1], points[at], points[at + 1]
        reach = min(CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        start, end = _before(before, corner, reach), _before(after, corner, reach)
        made.append(f"L{_n(start[0])},{_n(start[1])}Q{_n(corner[0])},{_n(corner[1])} "
                    f"{_n(end[0])},{_n(end[1])}")
    made.append(f"L{_n(points[-1][0])},{_n(points[-1][1])}")
    return "".join(made)


def _head(line: Line) -> str:
    (x, y), before = line.points[-1], line.points[-2]
    length = _distance(before, (x, y)) or 1
    dx, dy = (x - before[0]) / length, (y - before[1]) / length
    back = x - HEAD_LONG * dx, y - HEAD_LONG * dy
    return (f"M{_n(x)},{_n(y)}L{_n(back[0] - HEAD_WIDE * dy)},{_n(back[1] + HEAD_WIDE * dx)}"
            f"L{_n(back[0] + HEAD_WIDE * dy)},{_n(back[1] - HEAD_WIDE * dx)}Z")


def _before(start: Point, end: Point, by: float) -> Point:
    """The point that lies `by` before the end of a segment."""
    length = _distance(start, end) or 1
    share = min(by / length, 1)
    return end[0] - (end[0] - start[0]) * share, end[1] - (end[1] - start[1]) * share


def _distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def node_class(part: Part) -> str:
    if part.failed:
        return "failed"
    kind = part.operation
    return f"kind-{kind.replace(' ', '-')}" if kind else part.role


def classes(parts: Iterable[Part], changes: Mapping[str, str]) -> dict[str, str]:
    return {part.id: node_class(part) + " changed" * (part.id in changes) for part in parts}


def tooltip(part: Part) -> str:
    if part.failed:
        return say("{path}: the forward pass ends here", path=part.layers[0].path)
    blocks = tuple(part.blocks())
    first, last = blocks[0], blocks[-1]
    where = first.path if first is last else \
        say("{first} to {last}", first=first.path, last=last.path)
    layers = len(part.layers)
    count = say("{n} layer" if layers == 1 else "{n} layers", n=layers)
    return say("{where}: {layers}, in training only, {params} parameters, {macs} multiply-adds"
               if part.auxiliary else
               "{where}: {layers}, {params} parameters, {macs} multiply-adds",
               where=where, layers=count, params=f"{part.params:,}", macs=f"{part.macs:,}")
