"""The report: one HTML file that asks nobody, holds what is counted, and prints as a handout."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from torch import nn

import explorer
from explorer import Config
from explorer.exporting import content
from explorer.exporting.report import again, charts, comparison_report, drawn, report
from explorer.exporting.report.charts import Bar, Span, Steps
from explorer.exporting.report.planes import Scale
from explorer.language import spoken
from explorer.sources import source_of
from explorer.sources.key import from_query, to_key
from explorer.sweeping import Record
from explorer.sweeping.records import in_each_language
from explorer.timing import Conditions, LayerTimes, Timing
from explorer.views.axes import value_axis
from tests.disturbances import WARNING
from tests.graphs import explored
from tests.kinds import KINDS
from tests.reports import DAY, HOSTILE, hostile, made, of_sweep, stranger, swept
from tests.strategies import configs

ROOT = Path(__file__).parent.parent


class Element:
    """A tag with what stands in it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes, self.inside = tag, attributes, list[Element | str]()

    @property
    def words(self) -> str:
        return "".join([each if isinstance(each, str) else each.words for each in self.inside])

    def all(self, tag: str, kind: str = "") -> Iterator[Element]:
        for each in self.inside:
            if isinstance(each, Element):
                if each.tag == tag and kind in ("", *each.attributes.get("class", "").split()):
                    yield each
                yield from each.all(tag, kind)


ENDS = {"tr": ("td", "th"), "td": ("td", "th"), "th": ("td", "th")}
"""Tags that the beginning of another one ends."""
EMPTY = ("meta", "img", "input")


class Reader(HTMLParser):
    """What a browser makes of a page, as far as the report needs it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack = [Element("page", {})]
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.stack[-1].tag in ENDS.get(tag, ()):
            self.stack.pop()
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].inside.append(made)
        if tag not in EMPTY:
            self.stack.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].inside.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self.stack.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.stack[-1].inside.append(data)


def read(page: str) -> Element:
    return Reader(page).stack[0]


def cells(page: Element, kind: str) -> list[list[str]]:
    """The rows of a table's body."""
    [table] = page.all("table", kind)
    [body] = table.all("tbody")
    return [[cell.words.strip() for cell in row.inside
             if isinstance(cell, Element) and cell.tag in ("td", "th")] for row in body.all("tr")]


def data(page: Element) -> Any:
    [packed] = [one for one in page.all("script") if one.attributes["type"] == "text/plain"]
    return json.loads(zlib.decompress(b64decode(packed.words)))


def number(words: str) -> int:
    return int(words.replace(",", ""))


@pytest.mark.parametrize("network", KINDS)
def test_the_tables_add_up_to_the_totals(network: str) -> None:
    page, summary = read(made(network)), explored(network).summary
    layers = cells(page, "rows")
    assert [row[1] for row in layers] == [layer.path for layer in summary.layers]
    for column, whole in ((5, summary.totals.params_used), (6, summary.totals.macs),
                          (7, summary.totals.activation_bytes)):
        assert sum([number(row[column]) for row in layers]) == whole
    [figures] = page.all("ul", "figures")
    assert f"{summary.totals.params:,}" in figures.words
    assert f"{summary.totals.macs:,}" in figures.words
    stages = explored(network).structure.stages
    names = [row[0].split(" in training")[0].strip() for row in cells(page, "parts")]
    assert set(names) >= {stage.path for stage in stages}


@pytest.mark.parametrize("network", ["vgg11", "inception_v3"])
def test_every_layer_and_every_part_tells_how_its_figures_come_about(network: str) -> None:
    found, told = explored(network), data(read(made(network)))["told"]
    for layer in found.summary.layers:
        rows = {row["name"]: row for row in told[str(layer.index)]["rows"]}
        assert told[str(layer.index)]["path"] == layer.path
        assert rows["Parameters"]["value"] == f"{layer.params:,}"
        if layer.macs:
            assert rows["Multiply-adds"]["how"][-1].split(" = ")[-1].strip() == f"{layer.macs:,}"
            assert {name for name, *_ in told[str(layer.index)]["symbols"]} >= {"N"}
    block = next(block for block in found.structure.blocks if len(block.layers) > 1)
    rows = f"{block.layers[0].index}-{block.layers[-1].index}"
    assert told[rows]["rows"][0]["value"] == f"{block.params:,}"


@pytest.mark.parametrize("network", ["resnet50", "mobilenetv3_small"])
def test_parts_open_and_close_in_drawings_that_are_there(network: str) -> None:
    drawings = data(read(made(network)))["drawings"]
    by_state = {(one["level"], tuple(one["toggled"])): one for one in drawings}
    assert len(by_state) == len(drawings)
    assert {("stage", ()), ("block", ()), ("layer", ())} <= by_state.keys()
    blocks = by_state["block", ()]
    closed = [id for id, node in blocks["nodes"].items() if node["opens"]]
    assert closed
    for id in closed:       # each opens, and what was closed is open then
        opened = by_state["block", (id,)]
        assert id not in opened["nodes"] and id in opened["frames"]
        assert len(opened["nodes"]) > len(blocks["nodes"])
    for one in drawings:
        ElementTree.fromstring(one["svg"])
        shown = {element.get("id") for element in ElementTree.fromstring(one["svg"]).iter()}
        assert {*one["nodes"], *one["frames"]} <= shown


def test_a_config_is_told_against_its_preset() -> None:
    page = read(report(explored("resnet50", width=0.5), date=DAY))
    [figures] = page.all("ul", "figures")
    assert "−73% against the preset" in figures.words
    [turned] = page.all("p", "turned")
    assert "Width 0.5 instead of 1" in " ".join(turned.words.split())
    changes = {row[0].split()[0]: " ".join(row[0].split()[1:]) for row in cells(page, "parts")}
    assert changes["head"] == "params −50%, macs −50%"


def test_it_is_the_same_to_the_byte_but_for_its_date() -> None:
    program = ("import explorer, sys\nfrom datetime import date\n"
               "from explorer.exporting.report import report\n"
               "sys.stdout.write(report(explorer.open('mobilenetv3_small&width=0.5'),"
               " date=date(2020, 2, 3)))")
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                           env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
                           check=True).stdout.decode()
    found = explorer.open("mobilenetv3_small&width=0.5")
    mine = report(found, date=DAY)
    assert mine == other
    other_day = report(found, date=date(2027, 1, 2))
    assert other_day != mine and other_day.replace("2027-01-02", "2020-02-03") == mine
    assert date.today().isoformat() in report(explored("lenet5"))


def test_it_is_in_the_language_of_whoever_asks_and_all_else_in_english() -> None:
    network = explored("lenet5")
    plain, told = [content(network, "html", language=code).decode() for code in ("en", "zh")]
    assert '<html lang="zh">' in told and "<b>参数量</b>" in told and ">参数量</span>" in told
    assert data(read(told))["words"]["Next"] == "下一层" and data(read(plain))["words"] == {}
    assert not re.search("[\u4e00-\u9fff]", plain)
    with spoken("zh"):
        assert content(network, "html", language="en", date=DAY) == content(
            network, "html", date=DAY)
    assert content(network, "json", language="zh") == content(network, "json")


def test_it_is_small_enough_to_be_mailed() -> None:
    assert len(made("resnet50").encode()) <= 700_000
    assert len(report(explored("resnet152")).encode()) <= 1_500_000


def test_a_page_forbids_itself_what_it_does_not_need() -> None:
    page = read(made("resnet50"))
    [policy] = [one.attributes["content"] for one in page.all("meta")
                if one.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert [one.attributes for tag in ("link", "iframe", "object", "base") for one in
            page.all(tag)] == []
    for image in page.all("img"):
        assert image.attributes["src"].startswith("data:image/svg+xml;base64,")
    assert re.findall(r"(?:url\(|@import|src=)\s*[\"']?\s*(https?:)?//", made("resnet50")) == []


ALLOWED = {"meta", "title", "style", "svg", "pattern", "path", "main", "header", "p", "h1", "ul",
           "li", "span", "b", "small", "section", "h2", "img", "div", "button", "template",
           "table", "thead", "tbody", "tr", "th", "td", "i", "input", "aside", "figure",
           "figcaption", "rect", "text", "circle", "dl", "dt", "dd", "code", "a", "script",
           "html", "head", "body"}


def tags(page: Element) -> Iterator[Element]:
    for each in page.inside:
        if isinstance(each, Element):
            yield each
            yield from tags(each)


@pytest.mark.parametrize("page", [
    lambda: report(hostile(), date=DAY, address=f"http://{HOSTILE}"),
    lambda: comparison_report(explorer.Comparison((hostile(), explored("lenet5")))),
    lambda: of_sweep(grid := explorer.grid(["lenet5"], ["num_classes=10,11"]),
                     [Record(point.key, why_not=in_each_language(HOSTILE))
                      for point in grid.points])])
def test_no_name_breaks_out(page: Callable[[], str]) -> None:
    written = page()
    packed, found = data(read(written)), list(tags(read(written)))
    for drawing in packed.get("drawings") or packed.get("beside") or ():
        ElementTree.fromstring(drawing["svg"])
    assert {one.tag for one in found} <= ALLOWED
    assert len([one for one in found if one.tag == "script"]) == 2
    assert not [name for one in found for name in one.attributes if name.startswith("on")]
    assert [one for one in found if one.attributes.get("src") == "x"] == []
    assert "onerror=alert(1)&gt;" in written     # it is told, as text
    for one in found:
        if one.tag == "a":
            assert one.attributes["href"].startswith("http")


@pytest.mark.parametrize("key", ["inception_v3&input_size=32", "vgg16&input_size=16"])
def test_a_pass_that_ends_early_is_told_up_to_there(key: str) -> None:
    found = explorer.open(key)
    assert found.failure
    page = read(report(found, date=DAY))
    [reason] = page.all("p", "failure")
    assert " ".join(str(found.failure).split()) in " ".join(reason.words.split())
    assert len(cells(page, "rows")) == len(found.summary.layers) > 5
    assert "cannot run" in data(page)["drawings"][0]["svg"]


def test_a_network_whose_first_call_fails_is_told_too() -> None:
    found = explorer.open(stranger(lambda: nn.Sequential(nn.Linear(4, 4)), 1, 3))
    page = read(report(found, date=DAY))
    assert found.failure and cells(page, "rows") == []
    assert list(page.all("p", "failure"))


def timing(*warnings: str) -> Timing:
    conditions = Conditions(
        device_name="A processor", torch="2.99", dtype="float32", layout="contiguous", threads=1,
        training=False, compiled=False, cuda_graph=False, flush_denormal=True, clock_mhz=None)
    return Timing(
        key="lenet5", device="cpu", batch_size=1, median_s=0.0123, p10_s=0.012, p90_s=0.013, n=9,
        passes_per_sample=2, first_s=0.1, compile_s=None, started_s=0, finished_s=1,
        predicted_bytes=1, measured_bytes=None, warnings=warnings, conditions=conditions)


def test_what_was_measured_stands_with_its_conditions() -> None:
    timed, found = timing(), explored("lenet5")
    times = LayerTimes(key="lenet5", device="cpu", whole_s=1.0, passes=3, started_s=0, warnings=(),
                       seconds=tuple([0.25] * len(found.summary.layers)), finished_s=1,
                       conditions=timed.conditions)
    page = read(report(found, date=DAY, timing=timed, times=times))
    words = " ".join(page.words.split())
    assert "12.3 ms" in words and "A processor" in words and "2.99" in words
    assert "disturbed" not in words.replace("A disturbed run", "")
    assert {row[-1] for row in cells(page, "rows")} == {"250.000"}
    page = read(report(found, date=DAY, timing=timing(WARNING)))
    [figures] = page.all("ul", "figures")
    assert "disturbed" in figures.words
    assert WARNING in page.words and "Nothing is concluded" in page.words
    page = read(report(found, date=DAY, times=replace(times, warnings=(WARNING,))))
    assert "its times are left out" in page.words and "250.000" not in page.words


@given(configs())
def test_the_command_and_the_link_make_the_same_config(config: Config) -> None:
    told = again.of_source(source_of(config), "http://host:1/")
    parts = urlsplit(told.link)
    assert (parts.netloc, parts.path) == ("host:1", "/")
    assert from_query(dict(parse_qsl(parts.query)), "lenet5") == (config, [])
    assert shlex.split(told.command)[:5] == ["python", "-m", "explorer", "export", to_key(config)]
    assert json.loads(told.python.removeprefix("explorer.open(")[:-1]) == to_key(config)


def test_a_comparison_adds_up_and_says_why() -> None:
    compared = explorer.compare("vgg16", "vgg19")
    page = read(comparison_report(compared, date=DAY))
    words = " ".join(page.words.split())
    assert "VGG-16 and VGG-19" in words
    assert "+5,309,696 parameters used and +4,161,798,144 multiply-adds" in words
    [figures] = page.all("table", "compared")
    assert "138 M" in figures.words and "144 M" in figures.words
    only = [row for row in cells(page, "parts") if len(row) > 2 and row[1] == "only B"]
    assert [row[0] for row in only] == ["stage3.conv4", "stage4.conv4", "stage5.conv4"]
    packed = data(page)
    assert {(one["level"], one["arranged"]) for one in packed["beside"]} == {
        (level, arranged) for level in ("block", "stage") for arranged in ("merged", "beside")}
    told = again.of_comparison(explorer.compare("lenet5", "lenet5&width=0.5"), "http://host")
    assert dict(parse_qsl(urlsplit(told.link).query)) == {"a": "lenet5", "b": "lenet5&width=0.5"}


def test_four_networks_beside_each_other() -> None:
    page = read(comparison_report(explorer.compare("lenet5", "lenet5_1998", "squeezenet1_0",
                                                   "squeezenet1_1"), date=DAY))
    assert len(cells(page, "compared")[0]) == 5
    assert {one["arranged"] for one in data(page)["beside"]} == {"beside"}


def test_a_sweep_has_a_row_for_each_config_and_says_what_cannot_run() -> None:
    given, records = swept()
    page = read(of_sweep(given, records))
    rows = cells(page, "rows")
    assert len(rows) == len(given) == 24
    totals = [record.totals for record in records if record.totals]
    assert sum([number(row[5]) for row in rows if row[5]]) == sum(
        [total.macs for total in totals])
    [refused] = page.all("p", "failure")
    assert "8 of 24 configs cannot run" in refused.words
    assert page.words.count("cannot run") == 9
    half = of_sweep(given, records[:5])
    assert "5 of 24 configs counted" in half
    assert of_sweep(given, records[::-1]) == of_sweep(given, records)
    told = again.of_sweep(given, "http://host")
    assert ("over", "width=0.5,1,1.5,2") in parse_qsl(urlsplit(told.link).query)


def test_a_sweep_of_which_nothing_is_there_is_a_page_too() -> None:
    assert "0 of 2 configs counted" in of_sweep(
        explorer.grid(["lenet5"], ["width=0.5,1"]), [])


# Charts

def heights(svg: str) -> list[float]:
    """How high each bar is, from the paths."""
    return [float(low) - float(high) for low, high in
            re.findall(r"M[\d.-]+,([\d.-]+)h[\d.-]+V([\d.-]+)", svg)]


def test_bars_are_as_high_as_their_figures() -> None:
    svg = charts.bars("", [Bar({"convolution": 4, "linear": 2}, "a"), Bar({"linear": 3}, "b")],
                      [Span("stem", 1), Span("head", 1)], "")
    convolution, first, second = heights(svg)
    lows = [float(low) for low in re.findall(r"M[\d.-]+,([\d.-]+)h", svg)]
    assert lows[0] - lows[1] == pytest.approx(convolution, abs=0.11)      # one on the other
    assert convolution == pytest.approx(2 * first, abs=0.11)
    assert second == pytest.approx(1.5 * first, abs=0.11)
    assert "stem" in svg and "head" in svg and "rotate" not in svg
    crowded = charts.bars("", [Bar({"linear": 1}, "")] * 60,
                          [Span(f"stage{n}", 1) for n in range(60)], "")
    assert "rotate" in crowded and crowded.count("rotate") < 60


def test_a_scale_holds_its_values_even_or_logarithmic() -> None:
    even, far = (Scale(value_axis(values), values) for values in ([1.0, 2.0], [1.0, 100.0]))
    assert even.place(1.5) == pytest.approx(0.5)
    assert far.place(10) == pytest.approx(0.5)
    names = Scale({}, ["off", "on"])
    assert 0 < names.place("off") < names.place("on") < 1
    assert [tick.name for tick in names.ticks] == ["off", "on"]
    assert 0 < Scale(value_axis([5.0]), [5.0]).place(5.0) < 1


def test_steps_are_as_high_as_their_values() -> None:
    svg = charts.steps("", [Steps([1, 3, 3, 2], "", "#000000")], [Span("", 4)], "B")
    path = re.search(r'd="(M[^"]*)" fill="none" stroke="#000000"', svg)
    assert path
    ups = [float(y) for y in re.findall(r"(?:M[\d.]+,|V)([\d.]+)", path[1])]
    zero = 196 - 22
    assert [round((zero - up) / (zero - ups[0]), 1) for up in ups] == [1, 3, 2]


@pytest.mark.parametrize("network", ["resnet50", "inception_v3", "mobilenetv3_large",
                                     "lraspp_mobilenetv3_large", "densenet121"])
def test_what_is_printed_can_be_read(network: str) -> None:
    printed = drawn.printed(drawn.sheets(explored(network), {}))
    assert printed
    width, height = drawn.TURNED if printed.turned else drawn.UPRIGHT
    letters = drawn.LETTER * min(width / printed.width, height / printed.height)
    assert letters >= drawn.READABLE_MM
    ElementTree.fromstring(b64decode(printed.source.partition(",")[2]))
