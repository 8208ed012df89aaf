"""The graph on the page: an SVG to walk in, what it shows, and its export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, NamedTuple, cast

import streamlit as st

from explorer.ui import calls, runs, state, timing
from explorer.ui.messages import escape
from explorer.views import graph as graphs
from explorer.views import selection
from explorer.views.graph import Direction, Drawing, Level, Part
from explorer.views.layout import LayoutError
from explorer.views.palette import HEAT, KIND_COLOURS

KEY = "graph"
CHANGED = "graph-changed"
"""Where the session counts how often the graph itself has changed what its controls show."""

LEVELS = {"stage": "Stages", "block": "Blocks", "layer": "Layers"}
DIRECTIONS = {"LR": "Side by side", "TB": "Top down"}
SHAPES = {"on": True, "off": False}

TOGETHER_S = 0.1

_HERE = Path(__file__).parent
_kinds = "\n".join(f".kind-{kind.replace(' ', '-')} {{ --kind: {colour}; }}"
                   for kind, colour in KIND_COLOURS.items())

_component = st.components.v2.component(
    "network_graph",
    html=(_HERE / "graph.html").read_text(encoding="utf-8"),
    css=f".graph {{ --heat: {HEAT}; }}\n{_kinds}\n"
        + (_HERE / "graph.css").read_text(encoding="utf-8"),
    js=(_HERE / "graph.js").read_text(encoding="utf-8"))


class View(NamedTuple):
    """What of the network the graph shows, and how: part of the address."""

    level: Level
    toggled: tuple[str, ...]
    overlay: str
    direction: Direction
    shapes: bool


def begin(key: str, view: View) -> None:
    """Have the graph laid out. One that takes longer than `TOGETHER_S` is waited for further down,
    in `section`; all others come with the figures, and the browser draws both at once."""
    wait([_svg(key, view)], TOGETHER_S)


def _svg(key: str, view: View) -> Future[str]:
    return calls.graph_svg(key, view.level, view.toggled, view.direction, view.shapes)


def section(key: str, view: View, selected: Sequence[int] = (),
            seconds: tuple[float, ...] | None = None) -> None:
    """The graph of a config with its controls, and the chosen layers marked; `seconds` are the
    measured times of the layers."""
    outline = calls.structure(key)
    _controls(key, view, seconds)
    try:
        svg = _svg(key, view).result()
    except LayoutError as error:
        st.warning(escape(str(error)))
        return
    drawing = Drawing(outline, view.level, view.toggled)
    _component(key=KEY, data=_data(svg, drawing, view, selected, seconds),
               on_picked_change=_picked, on_toggled_change=_toggled, on_level_change=_level)
    if view.overlay == graphs.TIME and seconds is None and not runs.pending("layers"):
        st.button("Time the layers", icon=":material/timer:", on_click=timing.time_layers,
                  key="graph-time", help="No layer has been timed with the knobs as they stand.")


def opened(key: str) -> View:
    """What the address says; what cannot be is refused, and the page says so."""
    toggled = tuple([id for id in (state.page_parameter("toggled") or "").split(",") if id])
    if toggled and (unknown := [id for id in toggled if id not in calls.structure(key).parts]):
        toggled = tuple([id for id in toggled if id not in unknown])
        state.refuse_page_parameter(
            "toggled", f"`toggled` names what is no part of this network: {', '.join(unknown)}.",
            ",".join(toggled) or None)
    return View(cast(Level, _choice("level", LEVELS, "block")), toggled,
                _choice("overlay", graphs.TITLES, graphs.KIND),
                cast(Direction, _choice("direction", DIRECTIONS, "LR")),
                SHAPES[_choice("shapes", SHAPES, "on")])


def _choice(name: str, options: dict[str, Any], default: str) -> str:
    value = state.page_parameter(name)
    if value is None or value in options:
        return value or default
    state.refuse_page_parameter(
        name, f"`{name}` must be one of {', '.join(options)}; got {value}.")
    return default


def _controls(key: str, view: View, seconds: tuple[float, ...] | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _widget("level", lambda name, **how: st.segmented_control(
            "Show", list(LEVELS), default=view.level, format_func=LEVELS.__getitem__,
            required=True, key=name,
            help="How far the network is opened. Stages closes all, Layers opens all; in the "
                 "graph every part opens and closes by itself.", **how))
        _widget("overlay", lambda name, **how: st.selectbox(
            "Colour by", list(graphs.TITLES), list(graphs.TITLES).index(view.overlay), key=name,
            format_func=graphs.TITLES.__getitem__, width=210,
            help="What the colours of the nodes stand for. The layout stays.", **how))
        _widget("direction", lambda name, **how: st.segmented_control(
            "Layout", list(DIRECTIONS), default=view.direction, key=name, required=True,
            format_func=DIRECTIONS.__getitem__,
            help="Stages side by side, each from top to bottom, or one under the other.", **how))
        _widget("shapes", lambda name, **how: st.segmented_control(
            "Edge shapes", list(SHAPES), default="on" if view.shapes else "off", key=name,
            format_func=str.capitalize, required=True,
            help="The shape of what flows along each edge: channels × height × width.", **how))
        with st.popover("Export", icon=":material/image:", on_change="rerun",
                        key="graph-export") as box:
            if box.open:
                _export(key, view, seconds)


def _widget(name: str, make: Callable[..., Any]) -> None:
    """A widget of a page parameter: it starts at what the address says, and changes that.

    Where the graph or a link has changed it, the widget is a new one (see `state.renew_widgets`).
    """
    session = st.session_state
    widget = f"graph-{name}-{session.opened}-{session.get(CHANGED, 0)}"
    make(widget, on_change=_chosen, args=(name, widget))


def _chosen(name: str, widget: str) -> None:
    defaults = {"level": "block", "overlay": graphs.KIND, "direction": "LR", "shapes": "on"}
    value = st.session_state[widget]
    state.set_page_parameter(name, None if value == defaults[name] else value)
    if name == "level":
        state.set_page_parameter("toggled", None)


def _export(key: str, view: View, seconds: tuple[float, ...] | None) -> None:
    st.caption("What is shown, as a file that stands by itself: in light colours, with its legend.")
    for form, mime in (("svg", "image/svg+xml"), ("png", "image/png"), ("dot", "text/plain")):
        try:
            content = calls.graph_file(key, cast(graphs.FileFormat, form), *view, seconds)
        except LayoutError as error:
            st.warning(escape(str(error)))
            return
        st.download_button(form.upper(), content, f"{key}.{form}", mime, on_click="ignore",
                           icon=":material/download:", width="stretch", key=f"graph-{form}")


def _data(svg: str, drawing: Drawing, view: View, selected: Sequence[int],
          seconds: tuple[float, ...] | None) -> dict[str, Any]:
    """What the component needs beside the SVG: of each node what it holds and its colour."""
    overlay = None if view.overlay == graphs.KIND else \
        graphs.overlay(view.overlay, drawing, seconds)
    chosen, layers = set(selected), len(drawing.structure.summary.layers)

    def node(group: Part) -> dict[str, Any]:
        own = [layer.index for layer in group.layers if layer.index < layers]
        return {"rows": selection.to_text(own), "opens": bool(group.parts),
                "tip": graphs.tooltip(group),
                "find": " ".join([group.name, *(f"{layer.path} {layer.type}"
                                                for layer in group.layers)]).casefold(),
                "chosen": not chosen.isdisjoint(own),
                **({"share": overlay.share(group.id), "value": overlay.shown[group.id]}
                   if overlay else {})}

    kinds = {node.operation for node in drawing.nodes}
    legend = {"title": overlay.title, "largest": overlay.largest,
              "top": overlay.shown.get(overlay.largest or "", "–")} if overlay else \
             {"kinds": [kind for kind in KIND_COLOURS if kind in kinds]}
    return {"svg": svg, "nodes": {group.id: node(group) for group in drawing.nodes},
            "frames": [group.id for group in drawing.frames], "legend": legend}


def _picked() -> None:
    if (rows := st.session_state[KEY].picked) is not None:
        state.set_page_parameter("layer", rows or None)


def _toggled() -> None:
    if (id := st.session_state[KEY].toggled) is None:
        return
    toggled = [name for name in (state.page_parameter("toggled") or "").split(",") if name]
    toggled.remove(id) if id in toggled else toggled.append(id)
    state.set_page_parameter("toggled", ",".join(toggled) or None)


def _level() -> None:
    if (level := st.session_state[KEY].level) is not None:
        st.session_state[CHANGED] = st.session_state.get(CHANGED, 0) + 1
        state.set_page_parameter("level", None if level == "block" else level)
        state.set_page_parameter("toggled", None)
