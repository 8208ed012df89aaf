"""What pages ask of the package, kept for every session under the config's canonical string.

The values are frozen, so that sessions share them and none is copied.
"""

from __future__ import annotations

import gc
from concurrent.futures import Future, ThreadPoolExecutor

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.analysis import Summary, passes, summarise
from explorer.catalogue import find_preset, presets
from explorer.key import from_key, to_key
from explorer.published import Comparison, compare
from explorer.trace import TraceError
from explorer.views import charts, graph, layout, tables
from explorer.views.graph import Direction, Drawing, FileFormat, Level, Outline

# What is loaded by now stays, and what is kept for a config is of some 4,000 objects without a
# cycle. A full collection of that, up to half a second, would come at every fourth turn of a knob;
# so it comes after hundreds of them.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 100)

ENTRIES = 64
"""Configs that are kept, each for some 2 MB."""

_beside = ThreadPoolExecutor(thread_name_prefix="layout")


def summary(key: str, *, training: bool = False) -> Summary | TraceError:
    """The summary of a config, or the error that says where its forward pass ends."""
    found, trained = _passes(key)
    return (trained or _training(key)) if training else found


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _passes(key: str) -> tuple[Summary | TraceError, Summary | None]:
    """The evaluation, and the training pass where the graph needs it."""
    try:
        return passes(from_key(key))
    except TraceError as error:
        return error.with_traceback(None), None     # its frames would keep the network


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _training(key: str) -> Summary | TraceError:
    try:
        return summarise(from_key(key), training=True)
    except TraceError as error:
        return error.with_traceback(None)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def layer_frame(key: str) -> pd.DataFrame:
    found = summary(key)
    assert isinstance(found, Summary)
    return tables.layer_frame(found)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def csv(key: str) -> bytes:
    """Made before it is asked for: a file made on a click can be gone with the next rerun."""
    found = summary(key)
    assert isinstance(found, Summary)
    return tables.to_csv(found).encode("utf-8")


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def outline(key: str) -> Outline:
    """The parts of a network that its graph can show."""
    return Outline(*_passes(key))


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def changes(key: str) -> dict[str, str]:
    """What of the outline is not as in the preset."""
    preset = summary(to_key(find_preset(from_key(key).network).config))
    assert isinstance(preset, Summary)
    return graph.changes(outline(key), preset)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False,
                   validate=lambda svg: not (svg.done() and svg.exception()))
def graph_svg(key: str, level: Level, toggled: tuple[str, ...], direction: Direction,
              shapes: bool) -> Future[str]:
    """The graph without colours as SVG, which is laid out while the page goes on; its result
    raises `LayoutError`."""
    return _beside.submit(layout.to_svg, graph.to_dot(
        Drawing(outline(key), level, toggled), direction=direction, shapes=shapes,
        changes=changes(key)))


@st.cache_resource(max_entries=16, show_spinner="Drawing the graph …")
def graph_file(key: str, form: FileFormat, level: Level, toggled: tuple[str, ...], overlay: str,
               direction: Direction, shapes: bool,
               seconds: tuple[float, ...] | None) -> bytes:
    """The graph as a file that stands by itself; raises `LayoutError`."""
    return graph.draw(from_key(key), form, outline=outline(key), level=level, toggled=toggled,
                      overlay=overlay, direction=direction, shapes=shapes,
                      seconds=seconds)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def where_it_sits(key: str, seconds: tuple[float, ...] | None) -> tuple[go.Figure, ...]:
    found = summary(key)
    assert isinstance(found, Summary)
    return charts.where_it_sits(found, seconds)


@st.cache_resource(max_entries=16, show_spinner=False)
def published(name: str) -> Comparison:
    """A published table beside ours; raises `PublishedError`."""
    return compare(name)


@st.cache_data(show_spinner=False)
def catalogue() -> pd.DataFrame:
    return tables.catalogue_frame(
        {name: summarise(preset.config) for name, preset in presets().items()})
