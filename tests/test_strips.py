"""A convolution and what follows it stand on one card with one border."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from explorer.views import graph
from explorer.views.graph import Drawing
from tests.graphs import ONE_OF_EACH, structure

Box = tuple[float, float, float, float]


def boxes(svg: ElementTree.Element, name: str, rect: str) -> list[tuple[str, Box]]:
    """The classes of the groups that have this one, and left, top, right, bottom of their rect."""
    found = []
    for group in svg.iter("{http://www.w3.org/2000/svg}g"):
        look = group.get("class", "")
        if name not in look.split():
            continue
        moved = group.get("transform", "translate(0,0)").removeprefix("translate(").rstrip(")")
        left, top = map(float, moved.split(","))
        for element in group:
            if element.get("class") == rect:
                x, y = left + float(element.get("x", 0)), top + float(element.get("y", 0))
                found.append((look, (x, y, x + float(element.get("width", 0)),
                                     y + float(element.get("height", 0)))))
    return found


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_a_border_around_each_card_of_strips(network: str) -> None:
    drawing = Drawing(structure(network), "layer")
    overlay = graph.overlay(graph.KIND, drawing)
    picture = graph.lay_out(drawing, overlay=overlay, direction="LR", changes={})
    svg = ElementTree.fromstring(graph.page_svg(picture, overlay, {}))
    strips, borders = boxes(svg, "strip", "body"), boxes(svg, "whole", "outline")
    assert strips and borders
    for look, (left, top, right, bottom) in borders:
        held = sorted([(box, kind) for kind, box in strips if box[0] >= left - 0.2
                       and box[2] <= right + 0.2 and box[1] >= top - 0.2
                       and box[3] <= bottom + 0.2], key=lambda one: one[0][1])
        assert len(held) > 1
        for (above, _), (below, _) in pairwise(held):
            assert above[3] == pytest.approx(below[1], abs=0.2)
        assert held[0][0][1] == pytest.approx(top, abs=0.2)
        assert held[-1][0][3] == pytest.approx(bottom, abs=0.2)
        [kind] = [name for name in look.split() if name.startswith("kind-")]
        assert kind in held[0][1].split()
        strips = [(kind, box) for kind, box in strips if box not in [box for box, _ in held]]
    assert not strips
