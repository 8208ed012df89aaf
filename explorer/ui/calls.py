"""What pages ask of the package, kept for every session under the config's canonical string.

The values are frozen, so that sessions share them and none is copied.
"""

from __future__ import annotations

import gc
from concurrent.futures import Future, ThreadPoolExecutor

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.analysis import Summary
from explorer.networks.catalogue import find_preset, presets
from explorer.networks.key import to_key
from explorer.pipeline import Explored, explore, summarise
from explorer.published import PublishedComparison, compare
from explorer.sources import find_source
from explorer.structure import Structure
from explorer.tracing import TraceError
from explorer.views import charts, graph, layout, tables
from explorer.views.graph import Direction, Drawing, FileFormat, Level

# What is loaded by now stays, and what is kept for a config is of some 4,000 objects without a
# cycle. A full collection of that, up to half a second, would come at every fourth turn of a knob;
# so it comes after hundreds of them.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 100)

ENTRIES = 64
"""Configs that are kept, each for some 2 MB."""

_beside = ThreadPoolExecutor(thread_name_prefix="layout")


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def explored(key: str) -> Explored:
    """A network and all that is known of it, by its canonical string."""
    source = find_source(key)
    assert source.config
    preset = to_key(find_preset(source.config.network).config)
    return explore(source, preset=None if preset == key else explored(preset))


def summary(key: str, *, training: bool = False) -> Summary | TraceError:
    """The summary of a config, or the error that says where its forward pass ends."""
    found = explored(key)
    return found.training if training else found.failure or found.summary


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def layer_frame(key: str) -> pd.DataFrame:
    return tables.layer_frame(explored(key))


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def csv(key: str) -> bytes:
    """Made before it is asked for: a file made on a click can be gone with the next rerun."""
    return tables.to_csv(explored(key)).encode("utf-8")


def structure(key: str) -> Structure:
    """The parts of a network that its graph can show."""
    return explored(key).structure


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def changes(key: str) -> dict[str, str]:
    """What of the outline is not as in the preset."""
    found = explored(key)
    return graph.changes(found.structure, found.preset.structure if found.preset else None)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False,
                   validate=lambda svg: not (svg.done() and svg.exception()))
def graph_svg(key: str, level: Level, toggled: tuple[str, ...], direction: Direction,
              shapes: bool) -> Future[str]:
    """The graph without colours as SVG, which is laid out while the page goes on; its result
    raises `LayoutError`."""
    return _beside.submit(layout.to_svg, graph.to_dot(
        Drawing(structure(key), level, toggled), direction=direction, shapes=shapes,
        changes=changes(key)))


@st.cache_resource(max_entries=16, show_spinner="Drawing the graph …")
def graph_file(key: str, form: FileFormat, level: Level, toggled: tuple[str, ...], overlay: str,
               direction: Direction, shapes: bool,
               seconds: tuple[float, ...] | None) -> bytes:
    """The graph as a file that stands by itself; raises `LayoutError`."""
    return graph.draw(explored(key), form, level=level, toggled=toggled,
                      overlay=overlay, direction=direction, shapes=shapes,
                      seconds=seconds)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def where_it_sits(key: str, seconds: tuple[float, ...] | None) -> tuple[go.Figure, ...]:
    return charts.where_it_sits(explored(key), seconds)


@st.cache_resource(max_entries=16, show_spinner=False)
def published(name: str) -> PublishedComparison:
    """A published table beside ours; raises `PublishedError`."""
    return compare(name)


@st.cache_data(show_spinner=False)
def catalogue() -> pd.DataFrame:
    return tables.catalogue_frame(
        [(preset, summarise(preset.config)) for preset in presets().values()])
