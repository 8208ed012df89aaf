"""The graph's files: SVG, PNG and DOT that stand by themselves."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import PIL.Image
import pygraphviz
import pytest
from torch import nn

import explorer
from explorer.tracing.operators import Kind
from explorer.views import graph
from explorer.views.graph import (
    LEVELS,
    Drawing,
    Level,
    Part,
    Structure,
    raster,
    raster_program,
    to_dot,
)
from explorer.views.graph.sheet import Sheet, sheet
from explorer.views.layout import LayoutError
from explorer.views.palette import KIND_COLOURS
from tests.graphs import ONE_OF_EACH, explored, structure, structure_of
from tests.kinds import KINDS

PRESETS = KINDS
GOLDEN = Path(__file__).parent / "golden" / "graph"
SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str | bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str | bytes) -> list[str]:
    return ["".join(element.itertext()) for element in parse(svg).iter(f"{SVG}text")]


def groups(svg: str | bytes, name: str) -> dict[str, ElementTree.Element]:
    """The elements of nodes or frames, by their ids."""
    return {group.get("id", ""): group for group in parse(svg).iter(f"{SVG}g")
            if name in group.get("class", "").split() and group.get("id")}


def export(network: str, form: graph.FileFormat, **how: object) -> bytes:
    return explorer.draw(explored(network), form, **how)


def sheet_of(found: Structure, level: Level = "block", title: str = "") -> Sheet:
    drawing = Drawing(found, level)
    overlay = graph.overlay(graph.KIND, drawing)
    return sheet(graph.lay_out(drawing, overlay=overlay), overlay, {}, title=title)


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

def edges_of(dot: str) -> list[tuple[str, str, str]]:
    """Source, target and style of each edge; the package writes one a line."""
    found = re.findall(r"^\t(\w+) -> (\w+)(?: \[(.*)\])?$", dot, re.MULTILINE)
    assert len(found) == dot.count(" -> ")
    return [(source, target, "".join(re.findall(r"style=(\w+)", rest)))
            for source, target, rest in found]


def dot_of(drawing: Drawing, overlay: str = graph.KIND, **how: object) -> str:
    return to_dot(drawing, overlay=graph.overlay(overlay, drawing), **how)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", PRESETS)
def test_the_dot_has_every_node_frame_and_edge(network: str, level: Level) -> None:
    drawing = Drawing(structure(network), level)
    dot = dot_of(drawing)
    made = pygraphviz.AGraph(string=dot)
    ids = {node.attr["id"] for node in made.nodes() if node.attr["id"]}
    assert {node.id for node in drawing.nodes} == ids
    assert len(drawing.frames) == dot.count("subgraph cluster_")
    assert all(f'id="{frame.part.id}"' in dot or f"id={frame.part.id}" in dot
               for frame in drawing.frames)
    of_id = {node.attr["id"]: str(node) for node in made.nodes()}
    assert sorted((source, target) for source, target, _ in edges_of(dot)) == sorted(
        ("input" if isinstance(edge.source, int) else of_id[edge.source.id],
         of_id[edge.target.id]) for edge in drawing.edges)


def test_shortcuts_gates_and_the_auxiliary_head_have_lines_of_their_own() -> None:
    for network, expected in (("vgg16", {""}), ("resnet50", {"", "dashed"}),
                              ("mobilenetv3_small", {"", "dashed", "dotted"}),
                              ("inception_v3", {"", "dashed"})):
        dot = dot_of(Drawing(structure(network), "layer"))
        assert {style for _, _, style in edges_of(dot)} == expected


def test_what_crosses_is_dot_like_all_others() -> None:
    found = structure_of(Crossing(), 1, 3, 8, 8)
    assert graph.Arrangement(Drawing(found, "layer"), {}, {}).crosses
    laid_out(dot_of(Drawing(found, "layer")))


def laid_out(dot: str) -> set[str]:
    """The ids of nodes and frames that Graphviz draws."""
    svg = pygraphviz.AGraph(string=dot).draw(format="svg", prog="dot")
    return {group.get("id", "") for group in parse(svg).iter(f"{SVG}g")}


class Crossing(nn.Module):
    """Two ways that read each other's middle."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.across = (nn.Conv2d(3, 3, 1) for _ in range(3))

    def forward(self, x):
        left, right = self.left(x), self.right(x)
        return (left + self.across(right)) * left.relu() + right


# Names

HOSTILE = ['"><script>alert(1)</script>', "<b>x</b>", "&amp;<i>", "end\\", '\\N\\G\\"', "a\nb",
           "]]>", "{a|b}<f>", "é∑漢字", "\x01\x1b", "\ud800", "x" * 10_000, "--", "#", "%s", " "]


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


def markup(svg: str) -> tuple[set[str], set[str]]:
    """Every tag and every name of an attribute."""
    elements = list(parse(svg).iter())
    return {element.tag for element in elements}, {key for element in elements
                                                   for key in element.attrib}


@pytest.mark.parametrize("module_name", HOSTILE, ids=lambda given: ascii(given)[:20])
def test_no_name_can_inject_markup(module_name: str) -> None:
    found, plain = (structure_of(hostile(given), 1, 3, 8, 8) for given in (module_name, "plain"))
    for level in LEVELS:
        drawing = Drawing(found, level)
        svg = sheet_of(found, level, module_name).svg.encode()
        assert markup(svg) == markup(sheet_of(plain, level, "plain").svg.encode())
        assert len(groups(svg, "node")) == len(drawing.nodes) + 2     # input and output
        dot = dot_of(drawing, title=module_name, failure=module_name,
                     changes={node.id: module_name for node in drawing.nodes})
        made = pygraphviz.AGraph(string=dot)
        assert len(made.nodes()) == len(drawing.nodes) + 1
        drawn = pygraphviz.AGraph(string=dot).draw(format="svg", prog="dot")
        assert not {"script", "b", "i"} & {element.tag.removeprefix(SVG)
                                           for element in parse(drawn).iter()}
        assert sum(group.get("class") == "node" for group in parse(drawn).iter(f"{SVG}g")) == \
            len(drawing.nodes) + 1


@pytest.mark.parametrize("module_name", ["<b>x</b>", "&amp;<i>", '"', "]]>", "{a|b}<f>"])
def test_a_name_is_shown_as_it_is(module_name: str) -> None:
    found = structure_of(hostile(module_name), 1, 3, 8, 8)
    svg = sheet_of(found, title=module_name).svg
    assert texts(svg).count(module_name) >= 2     # the title and a node
    tips = [tip.text or "" for tip in parse(svg).iter(f"{SVG}title")]
    assert any(tip.startswith(f"{module_name}.{module_name}: 2 layers") for tip in tips)


# SVG

@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", PRESETS)
def test_every_node_and_frame_is_in_the_svg_with_its_title_and_tip(network: str,
                                                                   level: Level) -> None:
    drawing = Drawing(structure(network), level)
    svg = export(network, "svg", level=level)
    nodes, frames = groups(svg, "node"), groups(svg, "frame")
    outputs = {f"output:{output}" for output in drawing.structure.summary.trace.outputs}
    assert {"input", *outputs, *[node.id for node in drawing.nodes]} <= nodes.keys()
    assert {frame.part.id for frame in drawing.frames} == frames.keys()
    for id, part in drawing.structure.parts.items():
        group = nodes.get(id, frames.get(id))
        if group is not None:
            shown = [words.text for words in group.findall(f"{SVG}text")]
            assert shown and shown[0]
            tip = group.find(f"{SVG}title")
            assert tip is not None and f"{part.params:,} parameters" in (tip.text or "")
    assert {part.name for part in drawing.structure.parts.values() if part.role == "stage"
            and part.id in frames} <= {*texts(svg)}


@pytest.mark.parametrize("network", ONE_OF_EACH)
@pytest.mark.parametrize("overlay", ["kind", "macs"])
def test_an_svg_stands_by_itself(network: str, overlay: str) -> None:
    svg = export(network, "svg", level="layer", overlay=overlay).decode()
    assert not re.findall(r"(?:href|src)=|url\(|@import|var\(|color-mix|<(?:image|script|use)\b",
                          svg)
    assert re.findall(r"https?:[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert explored(network).title in texts(svg)
    assert "toggle" not in svg     # a file has no buttons
    root = parse(svg)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert "Arial" in root.get("font-family", "") and "sans-serif" in root.get("font-family", "")
    style = root.findtext(f"{SVG}style") or ""
    drawn = {name for element in root.iter(f"{SVG}g") for name in element.get("class", "").split()
             if name.startswith("kind-")}
    assert all(f".{name}{{fill:#" in style for name in drawn)


@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_the_legend_has_the_kinds_and_lines_that_are_drawn(network: str) -> None:
    drawing = Drawing(structure(network), "layer")
    shown = {*texts(export(network, "svg", level="layer"))}
    kinds: set[Kind] = {node.operation for node in drawing.nodes if node.operation}
    assert kinds == shown & KIND_COLOURS.keys()
    lines = {edge.kind for edge in drawing.edges}
    for kind, words in (("shortcut", "shortcut"), ("gate", "gate"),
                        ("auxiliary", "in training only")):
        assert (words in shown) == (kind in lines), kind


@pytest.mark.parametrize("overlay", [name for name in graph.OVERLAYS
                                     if name not in (graph.KIND, graph.TIME)])
def test_the_scale_has_title_unit_and_the_largest(overlay: str) -> None:
    told = graph.overlay(overlay, Drawing(structure("vgg16")))
    svg = export("vgg16", "svg", overlay=overlay)
    shown = texts(svg)
    assert told.largest and told.shown[told.largest] in shown
    assert any(words.startswith(f"{told.title}:") for words in shown)
    strong = groups(svg, "node")[told.largest].get("style")
    fills = {group.get("style") for group in groups(svg, "node").values()}
    assert strong and len(fills) > 2 and KIND_COLOURS.keys().isdisjoint(shown)


def test_a_failure_is_wrapped_into_the_picture_and_marked() -> None:
    found = explored("inception_v3", input_size=40)
    svg = explorer.draw(found, "svg")
    message = " ".join(words.text or "" for words in parse(svg).iter(f"{SVG}text")
                       if words.get("class") == "failure")
    assert message == " ".join(str(found.failure).split())
    [failed] = groups(svg, "failed").values()
    assert [words.text for words in failed.iter(f"{SVG}text")] == [
        "Conv2d cannot run", "given 1×288×2×2"]
    assert "reduction_a.branch3x3.conv" in explorer.draw(found, "dot").decode()


# PNG

@pytest.mark.parametrize("network", ONE_OF_EACH)
def test_a_png_has_two_pixels_a_unit_and_is_on_paper(network: str) -> None:
    root = parse(export(network, "svg"))
    picture = PIL.Image.open(io.BytesIO(export(network, "png")))
    assert picture.format == "PNG"
    assert picture.size == pytest.approx((2 * float(root.get("width", 0)),
                                          2 * float(root.get("height", 0))), abs=2)
    assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def rendered(words: str) -> bytes:
    svg = parse(sheet_of(structure("vgg16"), title=words).svg)
    for group in svg.findall(f"{SVG}g"):
        svg.remove(group)
    return raster.png(Sheet(ElementTree.tostring(svg, "unicode"), 520, 60))


def test_the_text_of_a_png_is_drawn() -> None:
    assert rendered("VGG") != rendered("ResNet") != rendered(" ")


def test_a_machine_without_fonts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert raster_program.family() in (*raster_program.FAMILIES, "sans-serif")
    monkeypatch.setattr(raster_program, "resvg_py", SimpleNamespace(svg_to_bytes=partial(
        raster_program.resvg_py.svg_to_bytes, skip_system_fonts=True)))
    assert raster_program.family() is None


@pytest.mark.parametrize(("program", "message"), [("", "needs a font"), ("1 / 0", "Write an SVG")])
def test_a_png_that_cannot_be_made_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                           program: str, message: str) -> None:
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(raster, "PROGRAM", tmp_path / "program.py")
    with pytest.raises(LayoutError, match=message):
        export("vgg11", "png")
    assert export("vgg11", "svg")


def test_a_png_is_within_what_viewers_can_show_or_says_how_large_it_is() -> None:
    blank = ('<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}">'
             '<rect width="9" height="9"/></svg>')
    png = raster.png(Sheet(blank.format(200, 20_000), 200, 20_000))
    assert PIL.Image.open(io.BytesIO(png)).size == (160, 16_000)
    with pytest.raises(LayoutError, match=r"200 × 40,000 units.*level above"):
        raster.png(Sheet(blank.format(200, 40_000), 200, 40_000))


def test_a_part_of_a_run_can_be_opened_in_a_file() -> None:
    run = next(part for part in structure("resnet50").parts.values() if part.role == "run")
    assert isinstance(run, Part)
    svg = export("resnet50", "svg", toggled=(run.id,))
    assert run.id in groups(svg, "frame") and run.id not in groups(svg, "node")
