"""What pages ask of the package, kept for every session under the config's canonical string.

The values are frozen, so that sessions share them and none is copied.
"""

from __future__ import annotations

import gc
from concurrent.futures import Future

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.analysis import Summary, summarise
from explorer.catalogue import presets
from explorer.key import from_key
from explorer.published import Comparison, compare
from explorer.timing import Timing, TimingError, submit
from explorer.trace import TraceError
from explorer.views import charts, graph, layout, tables

# What is loaded by now stays: a full collection then takes 20 ms in place of 150, and a knob that
# is turned does not have to wait for it.
gc.collect()
gc.freeze()

ENTRIES = 256
BUDGET_S = 1.0
"""What one timed forward pass may take: short, so that the figure follows the knobs."""


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def summary(key: str) -> Summary | TraceError:
    """The summary of a config, or the error that says where its forward pass ends."""
    try:
        return summarise(from_key(key))
    except TraceError as error:
        return error


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def training_summary(key: str) -> Summary | TraceError:
    """The same of a training pass."""
    try:
        return summarise(from_key(key), training=True)
    except TraceError as error:
        return error


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
def block_graph(key: str) -> str:
    """The block graph as SVG; raises `LayoutError`."""
    found = summary(key)
    assert isinstance(found, Summary)
    return layout.to_svg(graph.block_graph(found))


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def where_it_sits(key: str) -> go.Figure:
    found = summary(key)
    assert isinstance(found, Summary)
    return charts.where_it_sits(found)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def timing(key: str, device: str) -> Future[Timing]:
    """The timed forward pass of a config: under way, done or failed, one for all sessions."""
    found = summary(key)
    assert isinstance(found, Summary)
    try:
        return submit(from_key(key), device, BUDGET_S, totals=found.totals)
    except TimingError as error:    # refused before it began, for want of memory say
        refused: Future[Timing] = Future()
        refused.set_exception(error)
        return refused


@st.cache_resource(max_entries=16, show_spinner=False)
def published(name: str) -> Comparison:
    """A published table beside ours; raises `PublishedError`."""
    return compare(name)


@st.cache_data(show_spinner=False)
def catalogue() -> pd.DataFrame:
    return tables.catalogue_frame(
        {name: summarise(preset.config) for name, preset in presets().items()})
