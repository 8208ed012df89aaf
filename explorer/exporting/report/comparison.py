"""The report of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date as Date
from typing import Any

from markupsafe import Markup

from explorer import text
from explorer.comparison import LETTERS, Comparison
from explorer.exporting.report import again, drawn
from explorer.exporting.report.page import ADDRESS, page
from explorer.garbage import without_collections
from explorer.language import Text
from explorer.timing import TurnTimes, quiet
from explorer.views import comparison as views
from explorer.views import graph
from explorer.views.graph.sheet import Sheet, sheet

FIGURES: tuple[views.Shown, ...] = ("macs", "params", "activation_bytes")
ARRANGED = {"merged": Text("Merged"), "beside": Text("Side by side")}
MOST_PRINTED = 40
"""Rows of parts up to which a handout has the blocks too, and of stages alone."""


@without_collections()
def comparison_report(comparison: Comparison, *, date: Date | None = None,
                      times: TurnTimes | None = None, address: str = ADDRESS) -> str:
    """Two to four networks beside each other as one HTML file: what differs most, the figures, the
    drawing, every part with its difference and the reason, and how to make it again.

    `times` is what was measured of them in turn; the rest as in `report`.

    >>> from explorer.comparison import compare
    >>> "VGG-16 and VGG-19" in comparison_report(compare("vgg16", "vgg19"))
    True
    """
    names, letters = comparison.names, [letter.upper() for letter in LETTERS]
    title = text.enumeration(names)
    two = len(names) == 2
    shown = {figure: views.part_rows(comparison, figure, by_difference=False,
                                     times=None) for figure in FIGURES}
    parts = _parts(shown, FIGURES[:2] if two else FIGURES[:1])
    return page(
        "comparison.html", title=title, name=title, date=date,
        failures=views.ends_early(comparison),
        networks=[(letter, network.title, network.key) for letter, network in
                  zip(letters, comparison.networks, strict=False)],
        letters=letters[:len(names)], names=names, headlines=[
            text.sentences(told) for told in views.headlines(comparison)],
        inputs=views.inputs(comparison), figures=views.figure_rows(comparison, times),
        printed=drawn.printed(_sheets(comparison, title)), arranged=ARRANGED if two else {},
        titles={figure: views.TITLES[figure] for figure in FIGURES},
        shown=[views.TITLES[figure] for figure in (FIGURES[:2] if two else FIGURES[:1])],
        parts=parts, many=len(parts) > MOST_PRINTED, sums=text.sentences(views.adds_up(comparison)),
        timed=views.times_lines(comparison, times) if times else [],
        disturbed=times is not None and not quiet(times),
        again=again.of_comparison(comparison, address),
        drawing=Markup(graph.HTML), look=Markup(graph.STYLE),
        tree=Markup(views.HTML), tree_look=Markup(views.STYLE),
        components={"showDrawing": graph.SCRIPT, "showParts": views.SCRIPT},
        data={"beside": _drawings(comparison),
              "parts": {figure: views.parts_data(comparison, rows)
                        for figure, rows in shown.items()}})


def _sheets(comparison: Comparison, title: str) -> Iterator[Sheet]:
    for stages in (False, True):
        picture = graph.beside(comparison, stages=stages).picture
        yield sheet(picture, graph.NO_OVERLAY, {}, title=title)


def _drawings(comparison: Comparison) -> list[dict[str, Any]]:
    """What the canvas turns to, with what is told of each row."""
    made = []
    for level in ("block", "stage"):
        for arranged in ARRANGED if len(comparison.networks) == 2 else ["beside"]:
            beside = graph.beside(comparison, stages=level == "stage",
                                  merged=arranged == "merged")
            keys = [views.row_key(places) for places in beside.places]
            told = {key: views.row_details(comparison, places)
                    for key, places in zip(keys, beside.places, strict=True) if places}
            made.append({"level": level, "arranged": arranged, "told": told,
                         **graph.beside_data(beside, keys)})
    return made


def _parts(shown: dict[views.Shown, list[dict[str, Any]]], figures: tuple[views.Shown, ...]
           ) -> list[dict[str, Any]]:
    """Stages and blocks as rows: the first figure's, with the amounts and changes of all."""
    rows = []
    for stage in zip(*[shown[figure] for figure in figures], strict=True):
        rows.append(_row(stage))
        if len(stage[0]["inside"]) > 1:
            rows += [_row(block) for block in zip(*[part["inside"] for part in stage],
                                                  strict=True)]
    return rows


def _row(same: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """One part, of which each has another figure."""
    return {**same[0], "inside": (), "amounts": [part["values"] for part in same],
            "differences": [part["changes"] for part in same]}
