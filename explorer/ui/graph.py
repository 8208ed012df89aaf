"""The graph on the page: an SVG to walk in, and what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, cast

import streamlit as st

from explorer.language import Text, say
from explorer.lessons import explaining
from explorer.pipeline import Explored
from explorer.ui import calls, derivation
from explorer.ui.bench import Bench
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import graph as graphs
from explorer.views.graph import Direction, Drawing, Level, Picture
from explorer.views.layout import LayoutError

COMPONENT = "graph"

LEVELS = {"stage": Text("Stages"), "block": Text("Blocks"), "layer": Text("Layers")}
DIRECTIONS = {"LR": Text("Side by side"), "TB": Text("Top down")}
SHOW = {"stage": Text("Show stages"), "block": Text("Show blocks"), "layer": Text("Show layers")}
SHOW_ALONE = {"stage": Text("Show stages alone"), "block": Text("Show blocks alone"),
              "layer": Text("Show layers alone")}
DEFAULTS = {"level": "block", "overlay": graphs.KIND, "direction": "LR"}

MOST_NODES = 3000
"""Of a graph that is shown."""

NAMED = 5
"""Of parts that are unknown, those that are named."""

TOGETHER_S = 0.1

canvas = st.components.v2.component("network_graph", html=graphs.HTML, css=graphs.STYLE,
                                    js=graphs.SCRIPT)


class View(NamedTuple):
    """What of the network the graph shows, and how."""

    level: Level
    toggled: tuple[str, ...]
    overlay: str
    direction: Direction


@dataclass
class Drawn:
    """What the session has asked to be drawn last."""

    svg: Future[str] = field(default_factory=Future)


def begin(panel: Panel, network: Explored, view: View, bench: Bench) -> Future[str] | None:
    """Have the graph laid out: the SVG that `section` shows. One that takes longer than
    `TOGETHER_S` is waited for there; all others come with the figures, and the browser draws both
    at once. None where it is too large to be shown."""
    if len(calls.drawing(network, view.level, view.toggled).nodes) > MOST_NODES:
        return None
    seconds = bench.layer_seconds if view.overlay == graphs.TIME else None
    svg, drawn = calls.graph_svg(network, *view, seconds), panel.own(Drawn)
    if drawn.svg is not svg:
        drawn.svg.cancel()      # what waits for its layout, and was for knobs that have turned
        drawn.svg = svg
    wait([svg], TOGETHER_S)
    return svg


def section(panel: Panel, network: Explored, view: View, svg: Future[str] | None,
            selected: Sequence[int], bench: Bench) -> None:
    """The graph of a network with its controls, and the chosen layers marked."""
    seconds = bench.layer_seconds
    _controls(panel, view)
    drawing = calls.drawing(network, view.level, view.toggled)
    if svg is None:
        _too_large(panel, len(drawing.nodes), view)
        return
    try:
        try:
            laid_out = svg.result()
        except CancelledError:      # by another session, which waits for it no longer
            laid_out = calls.graph_svg(
                network, *view, seconds if view.overlay == graphs.TIME else None).result()
    except LayoutError as error:
        st.warning(escape(str(error)))
        return
    canvas(key=panel.widget(COMPONENT),
           data=_data(panel, laid_out, network, drawing, view, selected, seconds),
           on_picked_change=partial(_picked, panel), on_level_change=partial(_level, panel),
           on_toggled_change=partial(_toggled, panel))
    if view.overlay == graphs.TIME and seconds is None and not bench.pending("layers"):
        st.button(say("Time the layers"), icon=":material/timer:", on_click=bench.start_layers,
                  key=panel.widget("graph-time"),
                  help=say("No layer has been timed with the knobs as they stand."))


def _too_large(panel: Panel, nodes: int, view: View) -> None:
    """How large a graph is, and the way to the same level without what is open in it, or to the
    level above."""
    st.warning(say("This graph has {nodes} nodes, and {most} can be shown.", nodes=f"{nodes:,}",
                   most=f"{MOST_NODES:,}"))
    place = graphs.LEVELS.index(view.level)
    if not view.toggled and place == 0:
        return
    level = view.level if view.toggled else graphs.LEVELS[place - 1]
    st.button(str((SHOW_ALONE if view.toggled else SHOW)[level]), on_click=_show,
              args=(panel, level), key=panel.widget("graph-above"))


def opened(panel: Panel, network: Explored) -> View:
    """What the page's parameters say; what cannot be is refused, and the page says so."""
    named, parts = _toggled_parts(panel), network.structure.parts
    toggled = tuple([id for id in named if id in parts and parts[id].parts
                     and not graphs.is_see_through(parts[id])])
    if len(toggled) < len(named):
        known = set(toggled)
        unknown = [id for id in named if id not in known]
        names, more = ", ".join(unknown[:NAMED]), len(unknown) - NAMED
        panel.refuse_parameter(
            "toggled",
            say("`toggled` names what is no part of this network, or cannot be opened: {names}."
                if more <= 0 else
                "`toggled` names what is no part of this network, or cannot be opened: {names} and "
                "{more} more.", names=names, more=f"{more:,}"),
            ",".join(toggled) or None)
    return View(level=cast(Level, _choice(panel, "level", LEVELS)), toggled=toggled,
                overlay=_choice(panel, "overlay", graphs.TITLES),
                direction=cast(Direction, _choice(panel, "direction", DIRECTIONS)))


def _toggled_parts(panel: Panel) -> list[str]:
    """Each once, in order."""
    return [id for id in dict.fromkeys((panel.parameter("toggled") or "").split(",")) if id]


def _choice(panel: Panel, name: str, options: dict[str, Any]) -> str:
    value = panel.parameter(name)
    if value is not None and value not in options:
        panel.refuse_parameter(
            name, say("`{name}` must be one of {options}; got {value}.", name=name,
                      options=", ".join(options), value=value))
        value = None
    return value or DEFAULTS[name]


def _controls(panel: Panel, view: View) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _widget(panel, "level", lambda name, **how: st.segmented_control(
            say("Show"), list(LEVELS), default=view.level, required=True, key=name,
            format_func=lambda level: str(LEVELS[level]),
            help=say("How far the network is opened. Stages closes all, Layers opens all; in the "
                     "graph every part opens and closes by itself."), **how))
        _widget(panel, "overlay", lambda name, **how: st.selectbox(
            say("Colour by"), list(graphs.TITLES), list(graphs.TITLES).index(view.overlay),
            key=name, format_func=lambda overlay: str(graphs.TITLES[overlay]), width=210,
            help=say("What the colours of the nodes stand for, and the figures on them."), **how))
        _widget(panel, "direction", lambda name, **how: st.segmented_control(
            say("Layout"), list(DIRECTIONS), default=view.direction, key=name, required=True,
            format_func=lambda direction: str(DIRECTIONS[direction]),
            help=say("Stages side by side, each from top to bottom, or one under the other."),
            **how))


def _widget(panel: Panel, name: str, make: Callable[..., Any]) -> None:
    """A widget of a page parameter: it starts at what that says, and changes it.

    Where the graph or a link has changed it, the widget is a new one.
    """
    make(panel.graph_widget(name), on_change=_chosen, args=(panel, name))


def _chosen(panel: Panel, name: str) -> None:
    value = panel.graph_value(name)
    panel.set_parameter(name, None if value == DEFAULTS[name] else value)
    if name == "level":
        panel.set_parameter("toggled", None)


def _data(panel: Panel, svg: str, network: Explored, drawing: Drawing, view: View,
          selected: Sequence[int], seconds: tuple[float, ...] | None) -> dict[str, Any]:
    """What the component needs, with where a link to the derivation leads to."""
    overlay = graphs.overlay(view.overlay, drawing, seconds)
    return {**graphs.canvas_data(drawing, overlay, svg, selected),
            # Streamlit makes a class of a container's key.
            "derivation": ".st-key-" + re.sub(r"[^\w-]", "-", panel.widget(derivation.PLACE)),
            "details": graphs.details_of(network, selected, calls.changes(network)),
            "lesson": lesson_link(network, selected)}


def lesson_link(network: Explored, selected: Sequence[int]) -> dict[str, str] | None:
    """The way to the lesson that explains the layer or the part that is chosen; None where none
    does."""
    if len(selected) == 1:
        layer = network.summary.layers[selected[0]]
        names = [layer.type, layer.kind]
    else:
        part = graphs.part_of(network, selected)
        names = [part.name] if part else []
    lessons = [lesson for name in names if (lesson := explaining(module=name))]
    return lessons[0].link if lessons else None


def small(panel: Panel, network: Explored, level: Level, direction: Direction,
          toggled: tuple[str, ...] = (), *, shapes: bool = False, at_end: bool = False) -> None:
    """A network drawn within a text."""
    try:
        picture = calls.picture(network, level, toggled, direction, shapes=shapes)
        upright = calls.picture(network, level, toggled, "TB", shapes=shapes)
    except LayoutError as error:
        st.warning(escape(str(error)))
        return
    within_text(panel, picture, upright, at_end=at_end)


def within_text(panel: Panel, picture: Picture, upright: Picture | None = None, *,
                at_end: bool = False) -> None:
    """A drawing to look at: without search, and nothing in it is chosen or opens. A column that is
    narrower shows it `upright`, where that is not too high."""
    data = graphs.still_data(picture) | {"derivation": "", "details": None, "small": True,
                                         "at_end": at_end}
    if upright and upright.width < picture.width:
        data["upright"] = {"svg": graphs.still_data(upright)["svg"], "high": upright.height,
                           "below": picture.width}
    canvas(key=panel.widget(COMPONENT), data=data,
           on_picked_change=_nothing, on_level_change=_nothing, on_toggled_change=_nothing)


def _nothing() -> None:
    """What a still drawing does."""


def reported(state: object, name: str) -> str | None:
    """What the drawing reports; None where it is no text, as in a message of no browser's."""
    value = getattr(state, name, None)
    return value if isinstance(value, str) else None


def _picked(panel: Panel) -> None:
    if (rows := reported(panel.value(COMPONENT), "picked")) is not None:
        panel.set_parameter("layer", rows or None)


def _toggled(panel: Panel) -> None:
    if (id := reported(panel.value(COMPONENT), "toggled")) is None:
        return
    toggled = _toggled_parts(panel)
    toggled.remove(id) if id in toggled else toggled.append(id)
    panel.set_parameter("toggled", ",".join(toggled) or None)


def _level(panel: Panel) -> None:
    if (level := reported(panel.value(COMPONENT), "level")) in LEVELS:
        _show(panel, cast(Level, level))


def _show(panel: Panel, level: Level) -> None:
    """A level with nothing toggled in it."""
    panel.renew_graph_widgets()
    panel.set_parameter("level", None if level == DEFAULTS["level"] else level)
    panel.set_parameter("toggled", None)
