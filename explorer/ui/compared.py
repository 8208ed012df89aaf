"""The sections of the Compare page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from explorer import text
from explorer.comparison import LETTERS, MOST, Comparison
from explorer.config import Knobs
from explorer.language import Text, say, spoken
from explorer.sources import Source
from explorer.structure.alignment import Level
from explorer.timing import TurnTimes
from explorer.ui import calls, choice, controls, graph, turns
from explorer.ui.bench import Bench, poll
from explorer.ui.compared_panels import ComparedPanels
from explorer.ui.language import one_of
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import comparison as views
from explorer.views import graph as graphs

_parts = st.components.v2.component("compared_parts", html=views.HTML, css=views.STYLE,
                                    js=views.SCRIPT)

ORDERS = {"flow": Text("In their order"), "difference": Text("Largest difference first")}


def sidebar(columns: ComparedPanels, configs: list[Knobs]) -> None:
    """A group of knobs for each network."""
    with st.sidebar:
        for place, (panel, config) in enumerate(zip(columns.panels, configs, strict=True)):
            with st.expander(f"{LETTERS[place].upper()} · {escape(choice.shown(config.network))}",
                             expanded=place == 1, key=panel.widget("group")):
                choice.network(panel, config)
                controls.knobs(panel, config)


def heads(columns: ComparedPanels, titles: Sequence[str]) -> None:
    """The networks with what can be done with each."""
    panels = columns.panels
    for place, (column, panel, title) in enumerate(zip(
            st.columns(len(panels)), panels, titles, strict=True)):
        letter = LETTERS[place].upper()
        with column.container(border=True, key=panel.widget("head"), height="stretch"):
            st.markdown(f"**{letter} · {escape(title)}**")
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _button(panel, "swap", ":material/swap_horiz:",
                        say("Swap {letter} with the one before it", letter=letter), columns.swap,
                        place, disabled=place == 0)
                _button(panel, "copy", ":material/content_copy:",
                        say("Add a copy of {letter}", letter=letter), columns.copy, place,
                        disabled=len(panels) == MOST)
                _button(panel, "remove", ":material/close:",
                        say("Remove {letter}", letter=letter), columns.remove, place,
                        disabled=len(panels) == 2)
                st.page_link("pages/explore.py", label=say("Explore"), icon=":material/tune:",
                             query_params=panel.query,
                             help=say("Open {letter} in Explore.", letter=letter))


def _button(panel: Panel, name: str, icon: str, help: str, act: Callable[[int], None], place: int,
            *, disabled: bool) -> None:
    st.button("", icon=icon, help=help, on_click=act, args=(place,), disabled=disabled,
              key=panel.widget(name), type="tertiary")


def sentences(comparison: Comparison) -> None:
    """What differs most, what ends early, and what is the same twice."""
    keys = [network.key for network in comparison.networks]
    for key in dict.fromkeys(keys):
        alike = [letter.upper() for letter, other in zip(LETTERS, keys, strict=False)
                 if other == key]
        if len(alike) > 1:
            st.info(say("{letters} are the same network: turn a knob of one, or choose another.",
                        letters=text.enumeration(alike)))
    for line in views.ends_early(comparison):
        st.warning(escape(line))
    said = [(line, made_of) for (line, made_of), key in zip(
        views.headlines(comparison), keys[1:], strict=True) if key != keys[0]]
    st.markdown("\n\n".join(f"**{escape(line)}** {escape(made_of)}" for line, made_of in said))
    for line in views.inputs(comparison):
        st.caption(escape(line))


def figures(comparison: Comparison, bench: Bench) -> None:
    """The figures side by side, with the times where they are asked for."""
    st.html(views.figures_html(comparison, turns.whole(bench)))
    turns.section(bench, comparison, "turns")
    if bench.waits and not bench.pending("turns"):
        poll(bench.keep_up)


LEVELS = {"block": Text("Blocks"), "stage": Text("Stages"), "layer": Text("Layers")}
ARRANGED = {"merged": Text("Merged"), "beside": Text("Side by side")}
DRAWING = "compare-drawing"


def drawing(columns: ComparedPanels, comparison: Comparison) -> dict[str, bool]:
    """The networks beside each other or merged, with what is told of the chosen row; gives what
    `draw_beside` is told to draw the same."""
    two = len(comparison.networks) == 2
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.segmented_control(say("Show"), ["block", "stage"], default="block",
                                     required=True, key="compare-level",
                                     format_func=lambda level: str(LEVELS[level]))
        arranged = st.segmented_control(
            say("Arrange"), list(ARRANGED), default="merged", required=True,
            key="compare-arranged", format_func=lambda way: str(ARRANGED[way]),
            help=say("Merged: what is the same stands once, in the middle.")) if two else "beside"
    shown = {"stages": level == "stage", "merged": arranged == "merged"}
    made = calls.beside(comparison, **shown)
    graph.canvas(key=DRAWING, data=_data(comparison, made, columns.row),
                 on_picked_change=partial(_picked, columns),
                 on_level_change=_nothing, on_toggled_change=_nothing)
    return shown


def _picked(columns: ComparedPanels) -> None:
    if (row := graph.reported(Panel().value(DRAWING), "picked")) is not None:
        columns.choose_row(row)


def _nothing() -> None:
    """Nothing opens in this drawing."""


def _data(comparison: Comparison, made: graphs.Beside, row: str) -> dict[str, Any]:
    """What the component needs. A row is known by what stands in it."""
    keys = [views.row_key(places) for places in made.places]
    chosen = made.places[keys.index(row)] if row in keys else ()
    return {**graphs.beside_data(made, keys, row if chosen else ""), "derivation": "",
            "details": views.row_details(comparison, chosen) if chosen else None}


def parts(comparison: Comparison, bench: Bench) -> None:
    """The tree of aligned parts, one figure at a time, and its files."""
    times = turns.layers(bench)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = one_of(say("Figure"), list(views.TITLES), "compare-figure",
                        lambda figure: str(views.TITLES[figure]))
        order = one_of(say("Order"), list(ORDERS), "compare-order",
                       lambda order: str(ORDERS[order]))
        _files(comparison, times)
    if figure == "seconds":
        turns.section(bench, comparison, "layers in turn")
    _parts(key="compare-parts", data=views.parts_data(comparison, calls.part_rows(
        comparison, figure, order == "difference", times if figure == "seconds" else None)))
    sums = views.adds_up(comparison)
    if figure == "seconds":
        sums = [views.times_add_up(comparison, times)] if times else []
    st.caption(text.sentences(map(escape, sums)))


def _files(comparison: Comparison, times: TurnTimes | None) -> None:
    sources = [network.source for network in comparison.networks]
    with st.popover(say("Download CSV"), icon=":material/download:", on_change="rerun",
                    key="compare-csv") as box:
        for level in views.LEVELS if box.open else ():
            st.download_button(
                str(LEVELS[level]), partial(_csv, sources, level, times),
                file_name=f"compared-{level}s.csv", mime="text/csv", on_click="ignore",
                key=f"compare-csv-{level}", width="stretch")


def _csv(sources: Sequence[Source], level: Level, times: TurnTimes | None) -> bytes:
    comparison = calls.comparison(*map(calls.explored, sources))
    with spoken("en"):
        return views.comparison_csv(comparison, level, times).encode("utf-8")
