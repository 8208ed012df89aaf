"""The graph as DOT, its layout by Graphviz, and its files."""

from __future__ import annotations

import io
import os
import random
import re
import signal
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import PIL.Image
import pygraphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import explorer
from explorer.views import graph, layout
from explorer.views.graph import DIRECTIONS, LEVELS, Direction, Drawing, Level, Part, to_dot
from explorer.views.graph.dot import name
from explorer.views.graph.paint import paint
from tests.graphs import ONE_OF_EACH, explored, structure, structure_of, summary

PRESETS = list(explorer.presets())
GOLDEN = Path(__file__).parent / "golden" / "graph"
SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str | bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str | bytes) -> list[str]:
    return ["".join(element.itertext()) for element in parse(svg).iter(f"{SVG}text")]


def ids(svg: str) -> set[str | None]:
    return {element.get("id") for element in parse(svg).iter(f"{SVG}g")}


def export(network: str, form: graph.FileFormat, **how: object) -> bytes:
    return explorer.draw(explored(network), form, **how)


# Golden files

@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_the_dot_is_as_recorded(request: pytest.FixtureRequest, network: str,
                                level: Level) -> None:
    path, dot = GOLDEN / f"{network}.{level}.dot", export(network, "dot", level=level)
    if request.config.getoption("record"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dot)
    assert dot.decode() == path.read_text(encoding="utf-8"), "record it anew with --record"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {
        f"{network}.{level}.dot" for network in ONE_OF_EACH for level in LEVELS}


# DOT

class Drawn(NamedTuple):
    """An edge of the DOT; the package writes one a line."""

    source: str
    target: str
    attributes: dict[str, str]


def edges_of(dot: str) -> list[Drawn]:
    found = re.findall(r"^\t(\w+)(?::\w+)? -> (\w+)(?::\w+)?(?: \[(.*)\])?$", dot, re.MULTILINE)
    assert len(found) == dot.count(" -> ")
    return [edge for source, target, rest in found if (edge := Drawn(source, target, dict(
        re.findall(r'(\w+)="?([^" ]*)', rest)))).attributes.get("style") != "invis"]


def flows(drawing: Drawing, dot: str) -> set[tuple[str, str]]:
    """From which node to which an edge is drawn; from column to column past a label in a gutter."""
    pygraphviz.AGraph(string=dot)
    real = {"input", *map(name, drawing.nodes)}
    found, trunks = set(), {}
    for source, target, _ in edges_of(dot):
        if source in real and target in real:
            found |= {(source, target)} if source != target else set()   # a shortcut past a block
            continue
        # "label_conv1_to3": what flows out of conv1 into column 3.
        _, begin, end = (source if source not in real else target).split("_")
        reached = trunks.setdefault((begin, end), set())
        if target in real:
            reached.add(target)
        else:
            assert source not in real or source == begin
    return found | {(begin, target) for (begin, _), reached in trunks.items() for target in reached}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_the_edges_of_the_dot_are_those_of_the_drawing(network: str, direction: Direction) -> None:
    for level in LEVELS:
        drawing = Drawing(structure(network), level)
        assert flows(drawing, to_dot(drawing, direction=direction)) == {
            ("input" if isinstance(edge.source, int) else name(edge.source), name(edge.target))
            for edge in drawing.edges}


@given(st.data())
def test_whatever_is_toggled_the_dot_has_every_node_and_edge(data: st.DataObject) -> None:
    found = structure(data.draw(st.sampled_from(("resnet50", "xception", "mobilenetv3_small"))))
    toggled = data.draw(st.sets(st.sampled_from(sorted(found.parts)), max_size=20))
    drawing = Drawing(found, data.draw(st.sampled_from(LEVELS)), toggled)
    dot = to_dot(drawing, direction=data.draw(st.sampled_from(DIRECTIONS)),
                 shapes=data.draw(st.booleans()))
    assert {*map(name, drawing.nodes)} <= {*map(str, pygraphviz.AGraph(string=dot).nodes())}
    assert len(flows(drawing, dot)) == len(drawing.edges)


@pytest.mark.parametrize("network", PRESETS)
def test_every_node_and_frame_is_in_the_svg_and_every_stage_is_named(network: str) -> None:
    for direction in DIRECTIONS:
        found = structure(network)
        drawing = Drawing(found)
        svg = layout.to_svg(to_dot(drawing, direction=direction))
        frames = {part.id for part in drawing.frames}
        assert {node.id for node in drawing.nodes} | frames | {"input"} <= ids(svg)
        shown = texts(svg)
        assert {part.name for part in found.parts.values() if part.role == "stage"} <= {*shown}
        assert shown.count("Input") == 1


def test_shapes_on_edges_can_be_switched_off() -> None:
    drawing = Drawing(structure("resnet50"))
    for direction in DIRECTIONS:
        with_shapes, without = (texts(layout.to_svg(to_dot(drawing, direction=direction,
                                                           shapes=shapes)))
                                for shapes in (True, False))
        assert len(without) < len(with_shapes)
        assert "input" in ids(layout.to_svg(to_dot(drawing, direction=direction, shapes=False)))
    labels = [edge.attributes.get("taillabel")
              for edge in edges_of(to_dot(drawing, direction="TB"))]
    assert "3×224×224" in labels and "2048×7×7" in labels


def test_merges_have_forms_of_their_own() -> None:
    for network, kinds, form in (("mobilenetv3_small", {"add", "mul"}, "circle"),
                                 ("inception_v3", {"cat"}, "invtrapezium")):
        drawing = Drawing(structure(network), "layer")
        made = pygraphviz.AGraph(string=to_dot(drawing))
        merges = {name(node) for node in drawing.nodes if node.name in kinds}
        assert merges == {str(node) for node in made.nodes() if node.attr["shape"] == form}


def styles(network: str) -> dict[str, set[str]]:
    """The line styles of each class of edges, which is flow where nothing else is said."""
    found: dict[str, set[str]] = {}
    for edge in edges_of(to_dot(Drawing(structure(network), "layer"), direction="TB")):
        found.setdefault(edge.attributes.get("class", "flow"), set()).add(
            edge.attributes.get("style", "solid"))
    return found


def test_shortcuts_gates_and_the_auxiliary_head_have_lines_of_their_own() -> None:
    assert styles("resnet50") == {"flow": {"solid"}, "shortcut": {"dashed"}}
    assert styles("mobilenetv3_small") == {"flow": {"solid"}, "shortcut": {"dashed"},
                                           "gate": {"dotted"}}
    assert styles("inception_v3") == {"flow": {"solid"}, "auxiliary": {"dashed"}}
    assert styles("vgg16") == {"flow": {"solid"}}
    for level in LEVELS:
        drawing = Drawing(structure("inception_v3"), level)
        made = pygraphviz.AGraph(string=to_dot(drawing))
        for node in drawing.nodes:
            dashed = "dashed" in (made.get_node(name(node)).attr["style"] or "")
            assert dashed == node.auxiliary


# Names

HOSTILE = ['"><script>alert(1)</script>', "<b>x</b>", "&amp;<i>", "end\\", '\\N\\G\\"', "a\nb",
           "]]>", "{a|b}<f>", "é∑漢字", "\x01\x1b", "\ud800", "x" * 5000, "--", "#", "%s", " "]


def hostile(module_name: str) -> nn.Module:
    """A network whose stage, block and call have that name, and their types too."""
    def named(base: type[nn.Module], *given: object) -> nn.Module:
        kind = type(module_name.encode("utf-8", "replace").decode(), (base,), {})
        return kind(*given)

    def chain(*parts: tuple[str, nn.Module]) -> nn.Module:
        made = named(nn.Sequential)
        for part, module in parts:
            made.add_module(part, module)
        return made

    first = chain((module_name, named(nn.Conv2d, 3, 4, 1)), ("act", named(nn.ReLU)))
    second = chain((module_name, named(nn.Conv2d, 4, 4, 1)), ("act", nn.ReLU()))
    return chain((module_name, chain((module_name, first), ("next", second))),
                 ("head", nn.Conv2d(4, 2, 1)))


@pytest.mark.parametrize("module_name", HOSTILE, ids=lambda given: ascii(given)[:20])
def test_no_name_can_inject_markup(module_name: str) -> None:
    found, plain = (structure_of(hostile(given), 1, 3, 8, 8) for given in (module_name, "plain"))
    for level in LEVELS:
        drawing = Drawing(found, level)
        for direction in DIRECTIONS:
            dots = [to_dot(each, direction=direction, paint=paint(each), title=title,
                           changes={node.id: title for node in each.nodes})
                    for each, title in ((drawing, module_name), (Drawing(plain, level), "plain"))]
            svg, expected = map(layout.to_svg, dots)
            assert {node.id for node in drawing.nodes} <= ids(svg)
            assert markup(svg) == markup(expected)


def markup(svg: str) -> tuple[set[str], set[str]]:
    """Every tag and every name of an attribute."""
    elements = list(parse(svg).iter())
    return {element.tag for element in elements}, {key for element in elements
                                                   for key in element.attrib}


@pytest.mark.parametrize("module_name", ["<b>x</b>", "&amp;<i>", '"', "]]>", "{a|b}<f>"])
def test_a_name_is_shown_as_it_is(module_name: str) -> None:
    found = structure_of(hostile(module_name), 1, 3, 8, 8)
    drawing = Drawing(found)
    svg = layout.to_svg(to_dot(drawing, paint=paint(drawing)))
    assert module_name in texts(svg)
    tooltips = [element.get("{http://www.w3.org/1999/xlink}title", "")
                for element in parse(svg).iter(f"{SVG}a")]
    assert any(tip.startswith(f"{module_name}.{module_name}: 2 layers") for tip in tooltips)


def test_a_failure_is_marked_with_its_message_and_the_way_to_it() -> None:
    found = structure("inception_v3", input_size=40)
    for direction in DIRECTIONS:
        drawing = Drawing(found)
        dot = to_dot(drawing, direction=direction, paint=paint(drawing), title="Inception")
        made = pygraphviz.AGraph(string=dot)
        failed = made.get_node(name(drawing.nodes[-1]))
        assert failed.attr["shape"] == "octagon" and failed.attr["class"] == "failed"
        [edge] = [edge for edge in drawing.edges if edge.target is drawing.nodes[-1]]
        assert isinstance(edge.source, Part) and (name(edge.source), failed) in flows(drawing, dot)
        shown = " ".join(texts(layout.to_svg(dot)))
        assert "Conv2d cannot run" in shown and "reduction_a.branch3x3.conv" in shown
        assert "smallest `input_size` that works is 75" in shown


# Colours

def places(svg: bytes) -> dict[tuple[str, int, str], float]:
    """Where the texts of every node stand from the input: a legend that is wider than the graph
    moves it as a whole."""
    nodes = {part.get("id", ""): list(part.iter(f"{SVG}text"))
             for part in parse(svg).iter(f"{SVG}g") if part.get("class", "").startswith("node")}
    origin = nodes["input"][0]
    return {(id, number, axis): float(words.get(axis, 0)) - float(origin.get(axis, 0))
            for id, found in nodes.items() for number, words in enumerate(found) for axis in "xy"}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_colours_do_not_move_a_node(network: str, direction: Direction) -> None:
    svgs = [export(network, "svg", overlay=colours, direction=direction)
            for colours in ("params", "macs", "receptive_field")]
    assert len({*svgs}) == 3
    first, *others = map(places, svgs)
    assert len(first) > 40 and all(other == pytest.approx(first, abs=0.1) for other in others)


def test_the_legend_says_what_the_colours_mean() -> None:
    assert {"convolution", "pooling"} <= {shown.strip() for shown in texts(export("vgg16", "svg"))}
    shown = " ".join(texts(export("vgg16", "svg", overlay="params")))
    assert "Parameters: 0" in shown and "124 M" in shown      # the head


# Files

@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_an_svg_stands_by_itself(network: str, level: Level) -> None:
    svg = export(network, "svg", level=level)
    head, _, body = svg.decode().partition("<svg ")
    assert head.count("http") == 1 and "-//W3C//DTD SVG 1.1//EN" in head
    assert not re.findall(r"(?:href|src)=|url\(|@import|<(?:image|script|style|use)\b", body)
    assert set(re.findall(r'(\S+)="https?:', body)) == {"xmlns", "xmlns:xlink"}
    assert {"Input"} < {*texts(svg)}


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_a_png_is_a_picture_on_paper(network: str) -> None:
    picture = PIL.Image.open(io.BytesIO(export(network, "png")))
    assert picture.format == "PNG" and picture.width > 500 and picture.height > 300
    assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_the_largest_png_is_within_what_viewers_can_show() -> None:
    png = export("resnet152", "png", level="layer", direction="TB")
    assert PIL.Image.open(io.BytesIO(png)).height in range(10_000, 16_001)


@pytest.mark.parametrize("network", PRESETS)
def test_dot_is_dot(network: str) -> None:
    made = pygraphviz.AGraph(string=export(network, "dot", level="layer").decode())
    assert made.directed and len(made.nodes()) > len(summary(network).layers)


# The process that lays out

def test_a_graph_that_is_none_is_an_error_and_the_next_one_works() -> None:
    with pytest.raises(layout.LayoutError):
        layout.to_svg("digraph { a -> ")
    assert "<svg" in layout.to_svg("digraph { a -> b }")


def test_a_layout_process_that_dies_is_replaced() -> None:
    layout.to_svg("digraph { a }")
    process = layout._server.process
    assert process
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert "<svg" in layout.to_svg("digraph { b }")


def test_twenty_threads_get_their_own_pictures(request: pytest.FixtureRequest) -> None:
    dots = [to_dot(Drawing(structure(network), level), direction=direction) for network in PRESETS
            for level in ("stage", "block") for direction in DIRECTIONS]
    alone = {dot: layout.to_svg(dot) for dot in dots}
    process = layout._server.process
    end = time.monotonic() + request.config.getoption("soak")

    def draw(seed: int) -> int:
        chosen, right = random.Random(seed), 0
        while time.monotonic() < end:
            dot = chosen.choice(dots)
            assert layout.to_svg(dot) == alone[dot]
            right += 1
        return right

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(draw, range(20)))
    assert layout._server.process is process      # which has not died
