"""What only a browser shows: the real server, a knob turned, the new figures, the CSV."""

from __future__ import annotations

import io
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import pandas as pd
import PIL.Image
import pygraphviz
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import explorer
from explorer import text
from explorer.analysis import Totals
from tests.server import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    # Where the whole suite must run, a browser that is missing is a failure.
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                       reason="needs chromium: apt-get install chromium"),
]


ROW = 35
"""Height of a row of the layer table in pixels, and of its head."""


LEGEND = ".bar.legend"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield opened
    opened.close()


def figure(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).first.get_by_test_id(
        "stMetricValue")


def totals(network: str, **knobs: object) -> Totals:
    return explorer.summarise(explorer.configure(network, **knobs)).totals


def test_pick_a_network_turn_a_knob_read_the_figures_download_the_csv(
        page: Page, live_address: str) -> None:
    page.goto(live_address)
    expect(figure(page, "Parameters")).to_have_text(text.short(totals("resnet50").params))

    page.get_by_role("combobox", name="Network").fill("ResNet-18")      # the list is long
    page.get_by_role("option", name="ResNet-18", exact=True).click()
    expect(figure(page, "Parameters")).to_have_text(text.short(totals("resnet18").params))
    expect(figure(page, "Latency")).to_contain_text("s", use_inner_text=True)
    expect(figure(page, "Median")).to_contain_text("s", use_inner_text=True)     # by itself

    slider = page.get_by_role("slider", name="Width")
    slider.focus()
    for _ in range(4):              # four steps of an eighth
        page.keyboard.press("ArrowLeft")
    half = totals("resnet18", width=0.5)
    expect(figure(page, "Parameters")).to_have_text(text.short(half.params))
    expect(figure(page, "Multiply-adds")).to_have_text(text.short(half.macs))
    expect(figure(page, "Peak memory")).to_have_text(text.short(half.peak_activation_bytes, "B"))
    expect(page).to_have_url(f"{live_address}/?network=resnet18&width=0.5")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "resnet18&width=0.5.csv"
    frame = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    assert frame["params"].sum() == half.params and frame["macs"].sum() == half.macs


def test_no_page_asks_another_host(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    expect(page.locator(".canvas svg .node").first).to_be_visible()
    for name, heading in (("Catalogue", "Catalogue"), ("Published", "Published tables"),
                          ("How it counts", "How it counts")):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_a_link_opens_the_same_network_with_its_graph(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=resnet50&width=0.5")
    expect(figure(page, "Parameters")).to_have_text(
        text.short(totals("resnet50", width=0.5).params))
    nodes = page.locator(".canvas svg .node")
    expect(nodes.filter(has_text="Bottleneck ×5")).to_have_count(1)
    assert nodes.count() >= 10
    page.get_by_role("slider", name="Width").focus()
    before = page.locator(".canvas svg").inner_html()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".canvas svg .frame").filter(has_text="320×28×28").first).to_be_visible()
    assert page.locator(".canvas svg").inner_html() != before


def test_a_row_of_the_table_opens_its_derivation(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=vgg11")
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    expect(page.get_by_text("choose rows of the table")).to_be_visible()
    table.scroll_into_view_if_needed()
    table.click(position={"x": 20, "y": 3.5 * ROW})
    expect(page.get_by_role("heading", name="Layer 2: stage1.pool")).to_be_visible()
    expect(page).to_have_url(f"{address}/?network=vgg11&layer=2")
    expect(page.locator(".katex").first).to_be_visible()
    assert page.locator(".katex-error").count() == 0

    page.get_by_placeholder("Name, type or kind").fill("linear")
    expect(page.get_by_text("3 of 30 layers")).to_be_visible()
    table.click(position={"x": 20, "y": 1.5 * ROW})
    expect(page.get_by_role("heading", name="Layer 23: head.fc1")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page).to_have_url(f"{address}/?network=vgg11&layer=24")


def node(page: Page, id: str) -> Locator:
    return page.locator(f'.canvas .node[id="{id}"]')


def frame(page: Page, id: str) -> Locator:
    return page.locator(f'.canvas .frame[id="{id}"]')


def button(page: Page, id: str) -> Locator:
    """What opens or closes a part."""
    return page.locator(f'.canvas .toggle[data-toggle="{id}"]')


def open_graph(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.locator(".canvas svg .node").first).to_be_visible()
    page.get_by_role("heading", name="Graph").scroll_into_view_if_needed()


def places(page: Page) -> dict[str, list[int]]:
    """Where the nodes stand on the screen, from the corner of the graph."""
    return page.locator(".canvas").evaluate("""canvas => {
      const corner = canvas.getBoundingClientRect();
      return Object.fromEntries([...canvas.querySelectorAll(".node")].map(node => {
        const box = node.querySelector(".body").getBoundingClientRect();
        return [node.id, [box.x - corner.x, box.y - corner.y, box.width].map(Math.round)];
      }));
    }""")


def inside(page: Page, id: str) -> bool:
    """Whether a node is wholly in the frame of the graph."""
    outer, box = page.locator(".canvas").bounding_box(), node(page, id).bounding_box()
    assert outer and box
    return all(outer[start] <= box[start] + 1 and
               box[start] + box[side] <= outer[start] + outer[side] + 1
               for start, side in (("x", "width"), ("y", "height")))


def choose(page: Page, group: str, option: str) -> None:
    page.get_by_role("radiogroup", name=group).get_by_role("radio", name=option).click()


def active(page: Page) -> str:
    """The id of what has the focus inside the graph; "" for the graph as a whole."""
    return page.locator(".canvas").evaluate("canvas => canvas.getRootNode().activeElement?.id")


def test_a_block_opens_and_closes_and_search_and_table_find_the_way(
        page: Page, address: str) -> None:
    open_graph(page, f"{address}/?network=resnet18")
    closed = page.locator(".canvas .toggle").count()
    button(page, "block:stage3.1").click()
    expect(frame(page, "block:stage3.1")).to_have_count(1)
    layers = explorer.summarise("resnet18").layers
    calls = [layer.index for layer in layers if layer.path.startswith("stage3.1.")]
    for index in calls:
        expect(node(page, f"call:{index}")).to_have_count(1)
    expect(page.locator('.canvas .node[id^="call:"]')).to_have_count(len(calls))
    expect(page).to_have_url(f"{address}/?network=resnet18&toggled=block%3Astage3.1")

    search = page.get_by_label("Find in the graph")
    search.fill("stage3.1 conv2d")
    expect(page.locator(".canvas .hit")).to_have_count(2)
    expect(page.locator(".hits")).to_have_text("2")
    search.press("Enter")
    expect(page.locator(".hits")).to_have_text("1 of 2")
    first, second = (f"call:{index}" for index in calls if layers[index].type == "Conv2d")
    assert inside(page, first)
    search.press("Enter")
    expect(page.locator(".hits")).to_have_text("2 of 2")
    assert inside(page, second)
    search.fill("no such layer")
    expect(page.locator(".hits")).to_have_text("none")
    search.press("Escape")
    expect(page.locator(".canvas .hit")).to_have_count(0)

    page.get_by_role("button", name="Fit").click()
    node(page, second).locator("text").first.click()
    index = int(second.removeprefix("call:"))
    expect(page.get_by_role("heading", name=f"Layer {index}: {layers[index].path}")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"&layer={index}(&|$)"))
    expect(node(page, second)).to_have_class(re.compile("chosen"))
    node(page, "block:stage2.0").locator("text").first.click()
    expect(page.get_by_role("heading", name="layers: stage2.0.branch.conv1 to")).to_be_visible()
    expect(page.locator(".canvas .chosen")).to_have_count(1)

    page.locator(".details").get_by_role("button", name="Close").click()
    expect(page.locator(".canvas .chosen")).to_have_count(0)
    expect(page.locator(".details")).to_be_hidden()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 20, "y": 1.5 * ROW})
    expect(page).to_have_url(re.compile("&layer=0(&|$)"))
    expect(node(page, "block:stem")).to_have_class(re.compile("chosen"))
    expect(page.locator(".canvas .chosen")).to_have_count(1)

    page.get_by_role("heading", name="Graph").scroll_into_view_if_needed()
    page.get_by_role("button", name="Fit").click()
    button(page, "block:stage3.1").click()
    expect(frame(page, "block:stage3.1")).to_have_count(0)
    assert page.locator(".canvas .toggle").count() == closed


def test_level_overlay_and_what_is_open_are_in_the_link_and_in_the_files(
        page: Page, address: str) -> None:
    open_graph(page, f"{address}/?network=mobilenetv3_small")
    expect(page.locator(LEGEND)).to_contain_text("linear")
    choose(page, "Show", "Stages")
    expect(node(page, "stage:stage5")).to_have_count(1)
    button(page, "stage:stage5").click()
    expect(node(page, "run:stage5.1")).to_have_count(1)
    before = places(page)

    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="Parameters").click()
    expect(page.locator(LEGEND)).to_contain_text("Parameters: 0")
    expect(page.locator(".canvas .painted")).to_have_count(
        len(before) - page.locator(".canvas .node.end").count())
    after = places(page)    # a figure with its share is a little wider than one without
    assert {id: top for id, (_, top, _) in after.items()} == \
        {id: top for id, (_, top, _) in before.items()}

    page.locator(f"{LEGEND} button").click()      # to the node with the most
    expect(page).to_have_url(re.compile(r"[?&]layer="))
    expect(node(page, "stage:head").or_(node(page, "block:head"))).to_have_class(
        re.compile("chosen"))

    link = page.url
    assert all(part in link for part in ("level=stage", "overlay=params", "toggled=stage"))
    open_graph(page, link)
    expect(node(page, "run:stage5.1")).to_have_count(1)
    expect(page.locator(LEGEND)).to_contain_text("Parameters: 0")
    expect(page.locator(".canvas .chosen")).to_have_count(1)
    assert page.url == link and set(places(page)) == set(before)

    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="DOT").wait_for()
    files = {}
    for form in ("SVG", "PNG", "DOT"):
        with page.expect_download() as download:
            page.get_by_role("button", name=form, exact=True).click()
        files[form] = download.value.path().read_bytes()
        assert download.value.suggested_filename == f"mobilenetv3_small.{form.lower()}"
    ids = {element.get("id") for element in ElementTree.fromstring(files["SVG"]).iter()}
    assert {"stage:stage2", "run:stage5.1"} <= ids
    assert "Parameters:" in files["SVG"].decode()
    assert PIL.Image.open(io.BytesIO(files["PNG"])).format == "PNG"
    parts = len(before) - page.locator(".canvas .node.end").count()
    assert len(pygraphviz.AGraph(string=files["DOT"].decode()).nodes()) >= parts


def test_the_graph_by_keyboard_after_a_link_that_cannot_be(page: Page, address: str) -> None:
    open_graph(page, f"{address}/?network=vgg11&level=room&overlay=taste&toggled=stage:stage2,x")
    alert = page.get_by_test_id("stAlert").first
    for words in ("level must be one of stage, block, layer; got room",
                  "overlay must be one of kind", "no part of this network, or cannot be opened: x"):
        expect(alert).to_contain_text(words)
    expect(page).to_have_url(f"{address}/?network=vgg11&toggled=stage%3Astage2")
    expect(node(page, "stage:stage2")).to_have_count(1)     # closed among open ones
    expect(node(page, "block:stage1.conv1")).to_have_count(1)

    page.get_by_role("button", name="Full screen").focus()
    page.keyboard.press("Tab")
    assert active(page) == "" and page.locator(".canvas").evaluate(
        "canvas => canvas.getRootNode().activeElement === canvas")
    page.keyboard.press("ArrowRight")
    assert active(page) == "block:stage1.conv1" and inside(page, "block:stage1.conv1")
    assert ring(page, "block:stage1.conv1") >= 2 > ring(page, "stage:stage2")
    expect(page.locator(".keys")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert active(page) == "stage:stage2" and inside(page, "stage:stage2")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Layer 2: stage1.pool")).to_be_visible()
    assert active(page).startswith("call:")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.keyboard.press("ArrowRight")
    assert active(page) == "stage:stage2"
    page.keyboard.press("o")
    expect(node(page, "stage:stage2")).to_have_count(0)
    expect(node(page, "block:stage2.conv1")).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert active(page) == "call:5"
    page.keyboard.press("c")
    expect(node(page, "stage:stage2")).to_have_attribute("aria-expanded", "false")


def ring(page: Page, id: str) -> float:
    """How thick the border of a node is, in pixels."""
    return float(node(page, id).locator(".body").evaluate("""body =>
      parseFloat(getComputedStyle(body).strokeWidth) * body.getScreenCTM().a"""))


def pixels(page: Page, letters: str) -> float:
    """How high the letters of a text are on the screen: their size, not their box.

    Two frames later: a window that has just changed has not yet fitted the drawing into it."""
    return float(page.locator(letters).first.evaluate("""async text => {
      const frame = () => new Promise(requestAnimationFrame);
      await frame();
      await frame();
      const scale = text.ownerSVGElement.getScreenCTM().a;
      return parseFloat(getComputedStyle(text).fontSize) * scale;
    }"""))


@pytest.mark.parametrize("network", ["vgg19", "resnet50", "xception", "inception_v3",
                                     "mobilenetv3_large"])
def test_the_blocks_of_a_network_start_in_letters_that_can_be_read(
        page: Page, address: str, network: str) -> None:
    open_graph(page, f"{address}/?network={network}")
    assert pixels(page, ".canvas .node text.title") >= 11
    canvas = page.locator(".canvas").bounding_box()
    assert canvas and 320 <= canvas["height"] <= 701     # of 1000
    shown, whole = ([float(number) for number in svg.split()] for svg in (
        page.locator(shown).get_attribute("viewBox") or "" for shown in
        (".canvas > svg", ".minimap")))
    expect(page.locator(".minimap")).to_be_visible(
        visible=whole[2] > shown[2] + 1 or whole[3] > shown[3] + 1)


def test_what_is_chosen_is_told_beside_the_graph_without_scrolling(
        page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    open_graph(page, f"{address}/?network=mobilenetv3_large&level=layer")
    call = next(layer for layer in explorer.summarise("mobilenetv3_large").layers
                if layer.type == "Conv2d")
    before = page.evaluate("scrollY")
    node(page, f"call:{call.index}").locator("text").first.click()
    details = page.locator(".details")
    expect(details).to_contain_text(f"{call.macs:,}")
    expect(details).to_contain_text(call.path)
    expect(details).to_contain_text("macs = N·C_out·H_out·W_out")
    assert page.evaluate("scrollY") == before
    box, canvas = details.bounding_box(), page.locator(".canvas").bounding_box()
    assert box and canvas and box["y"] >= canvas["y"] - 1 and box["x"] > canvas["x"]
    node(page, f"call:{call.index}").locator("text").first.click()
    expect(details).to_be_hidden()


def covers(page: Page, one: str, other: str) -> bool:
    """Whether one element stands over another."""
    boxes = page.locator(one).bounding_box(), page.locator(other).bounding_box()
    if not boxes[0] or not boxes[1]:
        return False
    return all(boxes[0][start] < boxes[1][start] + boxes[1][side]
               and boxes[1][start] < boxes[0][start] + boxes[0][side]
               for start, side in (("x", "width"), ("y", "height")))


def test_the_chosen_stays_in_sight_beside_what_is_told_of_it(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    open_graph(page, f"{address}/?network=resnet50")
    before = pixels(page, ".canvas .node text.title")
    last = node(page, "block:head")
    last.locator("text").first.click()
    details = page.locator(".details")
    expect(details).to_contain_text("2,049,000")
    expect(details).to_contain_text("8.0% of the network")
    assert inside(page, "block:head")
    for cover in (".details", ".minimap"):
        assert not covers(page, cover, '.canvas [id="block:head"]')
    assert pixels(page, ".canvas .node text.title") >= min(before, 11)

    page.set_viewport_size({"width": 1100, "height": 900})
    expect(page.locator(".minimap")).to_be_visible()
    assert pixels(page, ".canvas .node text.title") >= 11

    details.get_by_text("How its figures come about").click()
    expect(page.get_by_role("heading", name="layers: head.pool to")).to_be_in_viewport()
    details.get_by_text("Row in the table").click()
    expect(page.get_by_role("heading", name="Layers", exact=True)).to_be_in_viewport()
    assert "#" not in page.url


def test_the_graph_follows_what_is_chosen_elsewhere(page: Page, address: str) -> None:
    open_graph(page, f"{address}/?network=vgg11&level=layer")
    details = page.locator(".details")
    first, second = (layer.path for layer in explorer.summarise("vgg11").layers[:2])
    node(page, "call:0").locator("text").first.click()
    expect(details.locator(".path")).to_have_text(first)
    page.get_by_role("button", name="Next", exact=True).click()
    expect(details.locator(".path")).to_have_text(second)
    expect(page.locator(".canvas .node.chosen")).to_have_attribute("id", "call:1")
    node(page, "call:0").locator("text").first.click()      # chosen again, not closed
    expect(details.locator(".path")).to_have_text(first)
    page.get_by_test_id("stButton").get_by_role("button", name="Close").click()
    expect(details).to_be_hidden()
    expect(page.locator(".canvas .chosen")).to_have_count(0)


def test_the_map_moves_what_is_seen_and_can_be_put_away(page: Page, address: str) -> None:
    open_graph(page, f"{address}/?network=resnet50&level=layer")
    minimap, switch = page.locator(".minimap"), page.get_by_role("button", name="Map")
    output = page.locator('.canvas .node.end[id^="output"]').get_attribute("id") or ""
    assert inside(page, "input") and not inside(page, output)
    page.locator(".canvas").evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
    box = minimap.bounding_box()
    assert box
    right, middle = box["x"] + box["width"] - 4, box["y"] + 30
    page.mouse.click(right, middle)
    assert inside(page, output) and not inside(page, "input")
    page.mouse.move(right, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 4, box["y"] + 4, steps=4)
    page.mouse.up()
    assert inside(page, "input")
    switch.click()
    expect(minimap).to_be_hidden()
    switch.click()
    expect(minimap).to_be_visible()

    open_graph(page, f"{address}/?network=vgg11&level=stage")      # all in sight
    expect(minimap).to_be_hidden()
    expect(switch).to_be_hidden()


@pytest.mark.parametrize(("network", "level", "drawn", "absent"), [
    ("resnet50", "block", {"shortcut", "merge", "several operations", "×N"}, {"gate", "training"}),
    ("mobilenetv3_large", "layer", {"shortcut", "gate", "depthwise"}, {"training", "several"}),
    ("inception_v3", "block", {"in training only", "merge"}, {"gate", "shortcut"}),
    ("vgg11", "layer", {"convolution"}, {"shortcut", "gate", "training", "merge", "several"}),
])
def test_the_legend_has_what_is_drawn(page: Page, address: str, network: str, level: str,
                                      drawn: set[str], absent: set[str]) -> None:
    open_graph(page, f"{address}/?network={network}&level={level}")
    words = page.locator(LEGEND).inner_text()
    assert all(word in words for word in drawn | {"data"}), words
    assert not any(word in words for word in absent), words


LETTERS = """canvas => {
  const paint = document.createElement("canvas").getContext(
    "2d", {willReadFrequently: true});
  // Colours as red, green, blue of 255, laid one over the other.
  const over = (...colours) => {
    for (const colour of colours) { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const paper = getComputedStyle(canvas.closest(".graph")).backgroundColor;
  const fill = element => getComputedStyle(element).fill;
  return [...canvas.querySelectorAll(".node text")].map(text => {
    const node = text.closest(".node"), panel = node.querySelector(".panel");
    const row = text.matches(".row") && panel ? [fill(panel)] : [];
    const ground = [paper, fill(node.querySelector(".body")), ...row];
    return [text.textContent, over(fill(text)), over(...ground)];
  });
}"""
"""The text of each node with its colour and that of its ground."""


@pytest.mark.parametrize("view", ["network=mobilenetv3_large&level=layer",
                                  "network=resnet50&width=0.5", "network=resnet50&overlay=macs",
                                  "network=inception_v3&overlay=params&level=layer"])
def test_letters_stand_out_from_their_ground(page: Page, address: str, view: str) -> None:
    open_graph(page, f"{address}/?{view}")
    in_the_dark(page, False)
    for dark in (False, True):
        in_the_dark(page, dark)
        letters = page.locator(".canvas").evaluate(LETTERS)
        assert len(letters) > 20
        low = [(words, contrast(ink, ground)) for words, ink, ground in letters
               if contrast(ink, ground) < 4.5]
        assert not low


def in_the_dark(page: Page, dark: bool) -> None:
    """Change the colours of the machine, and wait until the page follows."""
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.wait_for_function("""dark => {
      const paper = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
      return (paper.match(/[0-9.]+/g).map(Number)[0] < 128) === dark;
    }""", arg=dark)


def contrast(one: list[int], other: list[int]) -> float:
    """Between two colours, as WCAG has it: 1 to 21."""
    def light(colour: list[int]) -> float:
        linear = [part / 255 / 12.92 if part / 255 <= 0.04045
                  else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_full_screen_is_entered_and_left(page: Page, address: str) -> None:
    open_graph(page, f"{address}/?network=resnet18")
    high = page.locator(".canvas").bounding_box()
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator(".canvas")).to_have_class(re.compile("alone"))
    filled = page.locator(".canvas").bounding_box()
    assert high and filled and filled["height"] > high["height"] and filled["width"] > 1400
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator(".canvas")).not_to_have_class(re.compile("alone"))


def test_one_finger_scrolls_the_page_and_two_zoom_the_graph(
        browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        open_graph(page, f"{address}/?network=resnet50")
        canvas, session = page.locator(".canvas"), context.new_cdp_session(page)
        canvas.evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
        box = canvas.bounding_box()
        assert box
        shown = "svg => svg.getAttribute('viewBox').split(' ').map(Number)"
        drawing = page.locator(".canvas > svg")

        def touch(kind: str, *points: tuple[float, float]) -> None:
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
                {"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]})

        before = drawing.evaluate(shown)
        x, y = box["x"] + 180, box["y"] + 150
        touch("touchStart", (x, y))
        for by in range(10, 120, 10):
            touch("touchMove", (x, y - by))
        touch("touchEnd")
        assert drawing.evaluate(shown) == before

        canvas.evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
        box = canvas.bounding_box()
        assert box
        x, y = box["x"] + 180, box["y"] + 150
        touch("touchStart", (x - 30, y), (x + 30, y))
        for by in range(5, 60, 5):
            touch("touchMove", (x - 30 - by, y), (x + 30 + by, y))
        touch("touchEnd")
        assert drawing.evaluate(shown)[2] < before[2]
    finally:
        context.close()


def test_back_returns_to_the_config_before(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=vgg11")
    expect(figure(page, "Parameters")).to_have_text("133 M")
    page.get_by_role("slider", name="Width").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(f"{address}/?network=vgg11&width=0.875")
    expect(figure(page, "Parameters")).to_have_text(text.short(totals("vgg11", width=0.875).params))
    page.go_back()
    expect(figure(page, "Parameters")).to_have_text("133 M")


def test_the_measured_time_belongs_to_the_knobs_as_they_stand(
        page: Page, live_address: str) -> None:
    page.goto(f"{live_address}/?network=mobilenetv3_small&width=0.25&input_size=64")
    latency = page.get_by_test_id("stMetric").filter(has_text="Latency")
    measured = re.compile(r"\d [mµ]?s.*(batch 1|against the preset|disturbed)", re.DOTALL)
    expect(latency).to_contain_text(measured)
    page.get_by_role("slider", name="Width").focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(f"{live_address}/?network=mobilenetv3_small&width=0.3&input_size=64")
    expect(latency).to_contain_text(measured)


def test_nothing_is_cut_off(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=mobilenetv3_large&width=0.75&blocks=1-2-3-4-2-4")
    values = page.get_by_test_id("stMetricValue")
    expect(values.first).to_be_visible()
    expect(page.locator(".canvas svg .node").first).to_be_visible()
    for width in (1440, 1000):
        page.set_viewport_size({"width": width, "height": 1000})
        for dark in (False, True):
            in_the_dark(page, dark)
            cut = values.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth + 1)"
                                      ".map(e => e.innerText)")
            assert cut == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


COLUMNS_IN_SIGHT = ["Layer", "Output", "Parameters", "Multiply-adds", "Share"]


def test_the_figures_of_a_layer_are_in_sight_at_1000_pixels(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 1000})
    try:
        page.goto(f"{address}/?network=vgg19&batch_size=64")
        table = page.get_by_test_id("stDataFrame").first
        expect(table.locator("canvas").first).to_be_visible(timeout=60_000)
        heads = table.locator("th[role=columnheader]")
        expect(heads.filter(has_text="Share").first).to_be_attached(timeout=60_000)
        # The grid keeps a head for each column that is in sight, wholly or in part: the column
        # behind those that must be is cut, they are not.
        shown = [name for name in heads.all_inner_texts() if name]
        assert shown[:5] == COLUMNS_IN_SIGHT and len(shown) > 5
        outer = table.bounding_box()
        assert outer and outer["x"] + outer["width"] <= 1000
    finally:
        page.close()


def test_pages_have_one_title_and_name_their_tabs(page: Page, address: str) -> None:
    page.goto(f"{address}/?network=vgg16&width=0.5")
    expect(figure(page, "Parameters")).not_to_have_text("")
    expect(page).to_have_title(re.compile(r"^VGG-16 · width 0\.5.* · Architecture explorer$"))
    for name in ("Catalogue", "Published", "How it counts"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_title(re.compile(f"^{name}.* · Architecture explorer$"))
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        levels = page.get_by_role("main").or_(page.get_by_test_id("stMain")).first.locator(
            "h1, h2, h3, h4").evaluate_all("all => all.map(head => head.tagName)")
        assert levels[0] == "H1" and set(levels[1:]) <= {"H2"}


def test_a_way_to_begin_opens_in_place_and_leads_to_its_section(page: Page, address: str) -> None:
    page.goto(address)
    expect(figure(page, "Parameters")).to_have_text("25.6 M")
    way = page.get_by_role("button", name="What width does to ResNet-50")
    expect(way).to_be_in_viewport()
    way.click()
    expect(page).to_have_url(re.compile(r"network=resnet50&width=0\.5&begin=width"))
    expect(figure(page, "Parameters")).to_have_text(
        text.short(totals("resnet50", width=0.5).params))
    page.get_by_role("link", name="where they sit").click()
    expect(page.get_by_role("heading", name="Where it sits")).to_be_in_viewport()
    assert len(page.context.pages) == 1


@pytest.mark.parametrize("width", [1440, 1000])
def test_nothing_moves_when_the_first_knob_is_turned(browser: Browser, address: str,
                                                     width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 1000})
    try:
        page.goto(address)
        expect(page.locator(".canvas svg .node").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Three ways to begin")).to_be_visible()
        tops = [page.get_by_test_id("stMetric").first, page.get_by_role("heading", name="Graph")]
        before = [place.bounding_box() for place in tops]
        page.get_by_role("slider", name="Width").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_text("Three ways to begin")).to_have_count(0, timeout=60_000)
        expect(figure(page, "Parameters")).to_have_text(
            text.short(totals("resnet50", width=0.875).params), timeout=60_000)
        after = [place.bounding_box() for place in tops]
        assert [box and box["y"] for box in after] == pytest.approx(
            [box and box["y"] for box in before], abs=1)
    finally:
        page.close()


def test_the_catalogue_opens_a_network_in_the_same_tab(page: Page, address: str) -> None:
    page.goto(f"{address}/catalogue")
    page.get_by_role("link", name="ResNet-18", exact=True).click()
    expect(page).to_have_url(f"{address}/?network=resnet18")
    expect(figure(page, "Parameters")).to_have_text("11.7 M")
    assert len(page.context.pages) == 1


def test_an_experiment_that_was_cancelled_can_be_begun_again(
        page: Page, live_address: str) -> None:
    page.goto(f"{live_address}/learn?lesson=residual_block")
    begin, cancel = (page.get_by_role("button", name=name, exact=True)
                     for name in ("Train them", "Cancel"))
    for _ in range(2):
        expect(begin).to_be_enabled()
        begin.click()
        cancel.click()
        expect(cancel).to_have_count(0)
    expect(begin).to_be_enabled()


# Cards in sight from left to right, of those that stand in the selected area; and all of these.
CARDS = """(canvas, area) => {
  const box = (element) => element.getBoundingClientRect();
  const within = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
  const around = area ? box(canvas.querySelector(area)) : null;
  const cards = [...canvas.querySelectorAll(".node")].map(box)
    .filter((card) => !around || within(card, around));
  return [cards.filter((card) => within(card, box(canvas))).length, cards.length];
}"""


@pytest.mark.parametrize(("lesson", "area"), [
    ("inception", ""), ("published_tables", ""), ("masks_and_boxes", ".frame")])
def test_on_a_phone_a_drawing_of_a_lesson_is_seen_in_its_whole_width(
        page: Page, address: str, lesson: str, area: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/learn?lesson={lesson}")
    canvas = page.locator(".canvas").first
    canvas.scroll_into_view_if_needed()
    expect(canvas.locator(".node").first).to_be_visible()
    assert pixels(page, ".canvas .node text") >= 5.9
    shown, cards = canvas.evaluate(CARDS, area)
    assert shown == cards > 4


def test_a_drawing_of_a_lesson_that_is_smaller_can_fill_the_screen(
        page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/learn?lesson=inception")
    fill = page.get_by_role("button", name="Full screen").first
    fill.click()
    assert page.evaluate("document.fullscreenElement !== null")
    before = pixels(page, ".canvas .node text")
    larger = page.get_by_role("button", name="Larger", exact=True)
    larger.click()
    assert pixels(page, ".canvas .node text") > before
    fill.click()
    page.wait_for_function("document.fullscreenElement === null")
    expect(larger).to_have_count(0)


def test_a_drawing_of_a_lesson_in_its_own_size_has_no_buttons(page: Page, address: str) -> None:
    page.goto(f"{address}/learn?lesson=inception")
    expect(page.locator(".canvas .node").first).to_be_visible()
    expect(page.locator(".tools button:visible")).to_have_count(0)


@pytest.mark.parametrize(("locale", "query", "heading"), [
    ("zh-CN", "", "计数方法"), ("en-US", "?lang=zh", "计数方法"),
    ("zh-CN", "?lang=en", "How it counts"),
    ("de-DE", "?lang=<script>alert(1)</script>", "How it counts")])
def test_the_link_chooses_the_language_or_else_the_browser(
        browser: Browser, address: str, locale: str, query: str, heading: str) -> None:
    page = browser.new_page(locale=locale)
    try:
        page.goto(f"{address}/conventions{query}")
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=60_000)
        expect(page).to_have_url(f"{address}/conventions")
    finally:
        page.close()
