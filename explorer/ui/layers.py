"""The layer table: every call, with search, sorting and shares of the total."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from explorer import text
from explorer.pipeline import Explored
from explorer.timing import LayerTimes
from explorer.ui import calls
from explorer.ui.panel import Panel
from explorer.views import selection
from explorer.views.palette import KIND_COLOURS

HEIGHT = 420
TABLE = "layer-table"


def table(panel: Panel, network: Explored, selected: Sequence[int],
          times: LayerTimes | None) -> None:
    """The layers, those that match the search, and their CSV; `selected` are those chosen, and
    `times` is what was measured of them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Search", key=panel.widget("layer-search"), type="search", live=True,
                               placeholder="Name, type or kind: conv, stage3, BatchNorm2d, …",
                               label_visibility="collapsed")
        st.download_button("Download CSV", icon=":material/download:", mime="text/csv",
                           file_name=f"{Path(network.key).name}.csv", on_click="ignore",
                           data=partial(calls.csv, network.source, times),
                           key=panel.widget("layer-csv"),
                           help="Every layer with every column, exact.")
        only = st.toggle("Chosen only", key=panel.widget("layer-chosen"), disabled=not selected,
                         help="Only the layers that are chosen here or in the graph.")
    frame = calls.layer_rows(network)
    if times:
        frame = frame.assign(ms=[1e3 * each for each in times.seconds], ms_share=times.shares)
    frame = matching(frame, wanted)
    if only and selected:
        frame = frame[frame["index"].isin(selected)]
    rows, chosen = frame["index"].tolist(), set(selected)
    # Written, not only read: buttons and links choose layers too.
    panel.set_value(TABLE, {"selection": {
        "rows": [row for row, index in enumerate(rows) if index in chosen],
        "columns": [], "cells": []}})
    st.dataframe(frame, key=panel.widget(TABLE), hide_index=True, height=HEIGHT,
                 on_select=partial(_choose, panel, rows), selection_mode="multi-row",
                 column_config=COLUMNS, alt="Layers of the network",
                 placeholder=text.NOT_COUNTED if network.summary.not_counted else "")
    total, count = len(network.summary.layers), len(frame)
    st.caption(f"{total:,} layers" if count == total else
               f"{count:,} of {total:,} layers: {frame['params'].sum():,} parameters, "
               f"{frame['macs'].sum():,} multiply-adds")


def _choose(panel: Panel, shown: Sequence[int]) -> None:
    panel.set_parameter("layer", selection.to_text(chosen_layers(
        shown, panel.value(TABLE)["selection"]["rows"])) or None)


def chosen_layers(shown: Sequence[int], rows: Sequence[int]) -> list[int]:
    """The layers in the chosen rows, where `shown` are the layers in the rows of the table.

    >>> chosen_layers([4, 7, 12], [1, 2]), chosen_layers([4, 7, 12], []), chosen_layers([], [3])
    ([7, 12], [], [])
    """
    return [shown[row] for row in rows if row < len(shown)]


def matching(frame: pd.DataFrame, wanted: str) -> pd.DataFrame:
    """The rows whose path, type or kind holds the text."""
    if not (words := wanted.casefold().split()):
        return frame
    names = (frame["path"] + " " + frame["type"] + " " + frame["kind"].str[0]).str.casefold()
    hits = pd.Series(True, index=frame.index)
    for word in words:
        hits &= names.str.contains(word, regex=False)
    return frame[hits]


def _share(label: str, width: int, help: str) -> Any:
    return st.column_config.NumberColumn(label, format="percent", help=help, width=width)


def _number(label: str, width: int, help: str) -> Any:
    return st.column_config.NumberColumn(label, format="localized", help=help, width=width)


SIDES = "Of images batch × channels × height × width"

COLUMNS = {
    "index": st.column_config.NumberColumn("#", width=44,
                                           help="Order of execution"),
    "path": st.column_config.TextColumn("Layer", width=246,
                                        help="Where it stands in the network"),
    "type": st.column_config.TextColumn("Type", width=120,
                                        help="Class of the module, or name of the operation"),
    "kind": st.column_config.MultiselectColumn(
        "Kind", options=list(KIND_COLOURS), color=list(KIND_COLOURS.values()), width=165),
    "input_shapes": st.column_config.TextColumn(
        "Input", width=130, help=SIDES),
    "output_shape": st.column_config.TextColumn(
        "Output", width=104, help=SIDES),
    "kernel": st.column_config.TextColumn("Kernel", width=65),
    "stride": st.column_config.TextColumn("Stride", width=65),
    "groups": st.column_config.NumberColumn(
        "Groups", width=65, help="1: every input channel reaches every output channel. As many as "
        "channels: a depthwise convolution."),
    "params": _number("Parameters", 98, "Those that no earlier layer has used"),
    "params_share": _share("Parameters’ share", 128, "Of all parameters"),
    "macs": _number("Multiply-adds", 112, "Of convolutions and linear layers, without bias"),
    "macs_share": _share("Share", 64, "Of all multiply-adds"),
    "activation_bytes": _number("Output bytes", 110, "Memory of the output in float32; 0 where it "
                                "shares its input's"),
    "activation_bytes_share": _share("Bytes’ share", 96, "Of the bytes of all outputs"),
    "ms": st.column_config.NumberColumn("Time, ms", format="%.3f", width=85,
                                        help="Median of the layer in a run in which every layer "
                                             "was timed"),
    "ms_share": _share("Time’s share", 96, "Of the sum of the times of all layers"),
    "receptive_field": st.column_config.NumberColumn(
        "Field", width=65, help="Receptive field: pixels of the image that one position can see"),
}
