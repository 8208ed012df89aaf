"""The catalogue as people look through it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from base64 import b64decode

import pytest

import explorer
from explorer import text
from explorer.networks.catalogue import families, family_of
from explorer.recorded import catalogue
from explorer.views.catalogue import HEADS, ORDERS, timeline, to_html
from tests.graphs import ONE_OF_EACH
from tests.kinds import KINDS
from tests.test_pages import open_app

Row = dict[str, ElementTree.Element]
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def rows(order: str) -> list[Row]:
    """The networks in the order of the page, each with its cells by the heads of the columns."""
    table = ElementTree.fromstring(to_html(catalogue(), order))
    found = [dict(zip(HEADS, row, strict=True)) for row in table.iter("tr")
             if row.get("class") != "family"]
    return found[1:]        # without the heads


def names(order: str) -> list[str]:
    return [link(row).get("href", "").removeprefix("./?network=") for row in rows(order)]


def link(row: Row) -> ElementTree.Element:
    found = row["Network"].find("a")
    assert found is not None
    return found


def said(row: Row, head: str) -> str:
    return "".join(row[head].itertext())


@pytest.mark.parametrize("order", ORDERS)
def test_every_preset_is_there_once_and_its_name_is_the_link(order: str) -> None:
    assert sorted(names(order)) == sorted(explorer.presets())
    for row in rows(order):
        assert link(row).get("target") == "_self"
        name = link(row).get("href", "").removeprefix("./?network=")
        assert link(row).text == explorer.presets()[name].title


def test_no_receptive_field_is_said_of_a_network_that_mixes_positions() -> None:
    without = {name for name, row in zip(names("Family"), rows("Family"), strict=True)
               if said(row, "Receptive field") == "–"}
    assert without == {name for name in explorer.presets() if name.startswith("vit_")}


def test_each_network_has_a_drawing_of_its_own_form() -> None:
    drawings = {}
    for name, row in zip(names("Family"), rows("Family"), strict=True):
        kind, _, content = row["Blocks"][0].get("src", "").partition(";base64,")
        assert kind == "data:image/svg+xml"
        drawings[name] = ElementTree.fromstring(b64decode(content))
    for drawing in drawings.values():
        assert float(drawing.get("width", 0)) <= 150 and float(drawing.get("height", 0)) <= 56
    paths = {name: tuple(path.get("d") for path in drawing)
             for name, drawing in drawings.items() if name in ONE_OF_EACH}
    assert len(set(paths.values())) == len(paths) == len(ONE_OF_EACH)


def test_a_row_has_the_figures_of_its_network() -> None:
    shown = dict(zip(names("Family"), rows("Family"), strict=True))
    for name in KINDS:
        row, config = shown[name], explorer.configure(name)
        totals = explorer.summarise(config).totals
        assert said(row, "Batch") == str(config.batch_size)
        assert said(row, "Input") == f"{config.in_channels}×{config.input_size}×{config.input_size}"
        assert said(row, "Calls") == f"{totals.layers:,}"
        assert said(row, "Parameters") == text.short(totals.params)
        exact = row["Multiply-adds"].find("span")
        assert exact is not None and exact.get("title") == f"{totals.macs:,}"
    assert said(shown["resnet50"], "Depth") == "50"
    assert said(shown["vgg16"], "Depth") == "16"
    assert said(shown["resnet50_tutorial"], "Batch") == "64"


def test_families_follow_the_years_and_the_papers_networks_come_before_tutorials() -> None:
    table = ElementTree.fromstring(to_html(catalogue(), "Family"))
    heads = ["".join(row.itertext()) for row in table.iter("tr") if row.get("class") == "family"]
    told = sorted(families(), key=lambda family: (family.year, family.title))
    for head, family in zip(heads, told, strict=True):
        assert head.startswith(family.title) and str(family.year) in head
        assert head.endswith(family.idea)
    order = names("Family")
    assert order[0].startswith("lenet5") and order[-1] == "convnext_large"
    first = order.index("vgg11")
    assert order[first:first + 4] == ["vgg11", "vgg13", "vgg16", "vgg19"]
    resnets = [name for name in order if name in {*RESNETS}]
    assert resnets == [*RESNETS]
    of_family = [name.endswith("_tutorial") for name in order
                 if family_of(name).title == "ResNet"]
    assert of_family == sorted(of_family) and any(of_family)


@pytest.mark.parametrize("figure", ["params", "macs"])
def test_the_timeline_has_every_network_in_the_column_of_its_family(figure: str) -> None:
    [trace] = timeline(catalogue(), figure).data
    columns = list(dict.fromkeys(trace.x))
    assert [column.rpartition(", ")[2] for column in columns] == sorted(
        str(family.year) for family in families())
    shown = dict(zip([said for said, _ in trace.customdata],
                     zip(trace.x, trace.y, strict=True), strict=True))
    assert len(shown) == len(explorer.presets())
    for name in ("lenet5", "resnet50_tutorial", "vit_b_16"):
        preset = explorer.presets()[name]
        column, value = shown[preset.title]
        one = explorer.summarise(explorer.configure(name, batch_size=1)).totals
        assert column == f"{family_of(name).title}, {family_of(name).year}"
        assert value == getattr(one, figure)


@pytest.mark.parametrize("order", [order for order in ORDERS if order != "Family"])
def test_sorted_by_a_figure_it_ascends(order: str) -> None:
    figures = {"Parameters": "params", "Multiply-adds": "macs"}
    depth = {row_name: int(said(row, "Depth"))
             for row_name, row in zip(names(order), rows(order), strict=True)}
    shown = [getattr(explorer.summarise(name).totals, figures[order]) if order in figures
             else depth[name] for name in names(order)]
    assert shown == sorted(shown)


def test_the_years_of_the_families() -> None:
    assert {family.title: family.year for family in families()} == {
        "LeNet": 1998, "AlexNet": 2012, "VGG": 2015, "GoogLeNet": 2015, "ResNet": 2016,
        "Inception v3": 2016, "SqueezeNet": 2016, "DenseNet": 2017, "MobileNet": 2017,
        "Xception": 2017, "MobileNetV2": 2018, "ShuffleNet V2": 2018, "EfficientNet": 2019,
        "MobileNetV3": 2019, "ViT": 2021, "ConvNeXt": 2022}


def test_the_page_sorts() -> None:
    app = open_app().switch_page("pages/catalogue.py").run()
    before = app.get("html")[-1].proto.body
    app.button_group(key="catalogue-order-en").set_value("Depth").run()
    assert not app.exception and app.get("html")[-1].proto.body != before
