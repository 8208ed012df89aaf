"""What must hold of every picture, seen from its geometry alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from explorer.views.graph import Drawing, Frame, Part, Picture
from explorer.views.graph.cards import BUTTON, SIZE, Label
from explorer.views.graph.letters import width
from explorer.views.graph.picture import Line

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""

CLOSE = 0.6
"""Units that two things may be apart, or over one another, by rounding."""


def overlap(one: Box, other: Box) -> bool:
    return min(one[2], other[2]) - max(one[0], other[0]) > CLOSE \
        and min(one[3], other[3]) - max(one[1], other[1]) > CLOSE


def inside(inner: Box, outer: Box) -> bool:
    return inner[0] >= outer[0] - CLOSE and inner[1] >= outer[1] - CLOSE \
        and inner[2] <= outer[2] + CLOSE and inner[3] <= outer[3] + CLOSE


HANGS = 0.25 * SIZE
"""What of a letter is below the line, as of a g."""


def text_box(given: Label, x: float = 0, y: float = 0) -> Box:
    """The letters of a text, without what hangs below the line."""
    wide = width(given.words, SIZE, bold=given.style == "title")
    left = x + given.x - {"start": 0.0, "middle": wide / 2, "end": wide}[given.anchor]
    return left, y + given.y - 0.75 * SIZE, left + wide, y + given.y


def around(x: float, y: float, reach: float) -> Box:
    return x - reach, y - reach, x + reach, y + reach


def buttons(picture: Picture) -> Iterator[tuple[str, Box]]:
    for frame in picture.frames:
        yield frame.frame.part.id, around(*frame.button, BUTTON)
    for card in picture.cards:
        if card.button:
            yield card.card.id, around(*card.button, BUTTON)


def labels(picture: Picture) -> Iterator[tuple[str, Box]]:
    """All that is written beside nodes: at lines, and in the heads of frames."""
    for label in picture.labels:
        yield label.words, text_box(label)
    for placed in picture.frames:
        for words in placed.texts:
            yield words.words, text_box(words, placed.x, placed.y)


def segments(line: Line) -> Iterator[Box]:
    for (x, y), (x2, y2) in pairwise(line.points):
        yield min(x, x2), min(y, y2), max(x, x2), max(y, y2)


def crosses(segment: Box, box: Box) -> bool:
    """Whether a segment runs through the inside of a box."""
    return segment[0] < box[2] - CLOSE and segment[2] > box[0] + CLOSE \
        and segment[1] < box[3] - CLOSE and segment[3] > box[1] + CLOSE


def on_border(x: float, y: float, box: Box) -> bool:
    left, top, right, bottom = box
    if not (left - CLOSE <= x <= right + CLOSE and top - CLOSE <= y <= bottom + CLOSE):
        return False
    return min(abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)) <= CLOSE


def faults(picture: Picture, drawing: Drawing) -> list[str]:
    """What is wrong with a picture, in words; nothing of a good one."""
    return [*faults_of_any(picture), *_frames(picture, drawing)]


def faults_of_any(picture: Picture) -> list[str]:
    """The same of a picture that is of no one network's drawing."""
    page = 0.0, 0.0, picture.width, picture.height
    outside = [f"{placed.box} lies outside of the page"
               for placed in (*picture.cards, *picture.frames) if not inside(placed.box, page)]
    return [*outside, *_overlaps(picture), *_crossings(picture), *_loose_ends(picture),
            *_texts(picture)]


def _overlaps(picture: Picture) -> Iterator[str]:
    cards = [(placed.card.id, placed.box) for placed in picture.cards]
    for (one, first), (other, second) in combinations(cards, 2):
        if overlap(first, second):
            yield f"{one} lies over {other}"
    written = list(labels(picture))
    pushed = list(buttons(picture))
    own = {id: box for id, box in cards}
    for words, (left, top, right, base) in written:
        for id, card in cards:
            if overlap((left, top, right, base + HANGS), card):
                yield f"the label {words!r} lies over {id}"
    for (one, first), (other, second) in combinations(written, 2):
        if overlap(first, second):
            yield f"the label {one!r} lies over {other!r}"
    for id, box in pushed:
        for words, label in written:
            if overlap(box, label):
                yield f"the button of {id} lies over {words!r}"
        for other, card in cards:
            if other != id and overlap(box, card):
                yield f"the button of {id} lies over {other}"
        if id in own and not inside(box, own[id]):
            yield f"the button of {id} is not on it"
    for (one, first), (other, second) in combinations(pushed, 2):
        if overlap(first, second):
            yield f"the button of {one} lies over that of {other}"


def _crossings(picture: Picture) -> Iterator[str]:
    solid = [(placed.card.id, placed.box) for placed in picture.cards]
    solid += [(f"the label {words!r}", box) for words, box in labels(picture)]
    solid += [(f"the button of {id}", box) for id, box in buttons(picture)]
    for line in picture.lines:
        for segment in segments(line):
            if segment[2] - segment[0] > CLOSE and segment[3] - segment[1] > CLOSE:
                yield f"a line runs askew: {line.points}"
            for name, box in solid:
                if crosses(segment, box):
                    yield f"a line crosses {name}: {line.points}"


def _loose_ends(picture: Picture) -> Iterator[str]:
    """A line joins two borders, or goes on from another, or forks from one."""
    borders = [placed.box for placed in picture.cards] + [placed.box for placed in picture.frames]
    borders += [(placed.x, placed.y, placed.x + placed.card.face[0],
                 placed.y + placed.card.face[1]) for placed in picture.cards]
    for line in picture.lines:
        (x, y), (x2, y2) = line.points[0], line.points[-1]
        if not (any(on_border(x, y, box) for box in borders)
                or any(_touches(x, y, other) for other in picture.lines if other is not line)):
            yield f"a line begins nowhere: {line.points}"
        ends = any(on_border(x2, y2, box) for box in borders)
        if line.arrow and not ends:
            yield f"an arrow points at nothing: {line.points}"
        if not (ends or any(_touches(x2, y2, other) for other in picture.lines
                            if other is not line)):
            yield f"a line ends nowhere: {line.points}"


def _touches(x: float, y: float, line: Line) -> bool:
    return any(left - CLOSE <= x <= right + CLOSE and top - CLOSE <= y <= bottom + CLOSE
               for left, top, right, bottom in segments(line))


def _frames(picture: Picture, drawing: Drawing) -> Iterator[str]:
    where = {placed.card.id: placed.box for placed in picture.cards}
    where |= {placed.frame.part.id: placed.box for placed in picture.frames}
    page = 0.0, 0.0, picture.width, picture.height
    if missing := {node.id for node in drawing.nodes} - set(where):
        yield f"not drawn: {missing}"
    for id, box in where.items():
        if not inside(box, page):
            yield f"{id} lies outside of the page"
    for frame in drawing.frames:
        held = {item.part.id if isinstance(item, Frame) else item.id for item in frame.items}
        for id, box in where.items():
            within = inside(box, where[frame.part.id])
            if id in held and not within:
                yield f"{id} lies outside of its frame {frame.part.id}"
        for item in drawing.nodes:
            if not _holds(frame, item) and overlap(where[item.id], where[frame.part.id]):
                yield f"{item.id} lies over the frame {frame.part.id}"
    for words, box in labels(picture):
        if not inside(box, page):
            yield f"the label {words!r} lies outside of the page"
    for line in picture.lines:
        for segment in segments(line):
            if not inside(segment, page):
                yield f"a line leaves the page: {line.points}"


def _holds(frame: Frame, part: Part) -> bool:
    return any(_holds(item, part) if isinstance(item, Frame) else item is part
               for item in frame.items)


def _texts(picture: Picture) -> Iterator[str]:
    for placed in picture.cards:
        x, y, card = placed
        boxes = [(words.words, text_box(words, x, y)) for words in card.texts]
        for words, box in boxes:
            if not inside(box, placed.box):
                yield f"{words!r} is wider than {card.id}"
            if placed.button and overlap(box, around(*placed.button, BUTTON)):
                yield f"the button of {card.id} lies over {words!r}"
        for (one, first), (other, second) in combinations(boxes, 2):
            if overlap(first, second):
                yield f"on {card.id} {one!r} lies over {other!r}"
