"""The layer table: every call, with search, sorting and shares of the total."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from explorer import text
from explorer.language import say
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
        wanted = st.text_input(say("Search"), key=panel.widget("layer-search"), type="search",
                               live=True, placeholder=say("Name, type or kind: conv, stage3, "
                                                          "BatchNorm2d, …"),
                               label_visibility="collapsed")
        st.download_button(say("Download CSV"), icon=":material/download:", mime="text/csv",
                           file_name=f"{Path(network.key).name}.csv", on_click="ignore",
                           data=partial(calls.csv, network.source, times),
                           key=panel.widget("layer-csv"),
                           help=say("Every layer with every column, exact."))
        only = st.toggle(say("Chosen only"), key=panel.widget("layer-chosen"),
                         disabled=not selected,
                         help=say("Only the layers that are chosen here or in the graph."))
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
                 column_config=_columns(), alt=say("Layers of the network"),
                 placeholder=say(text.NOT_COUNTED) if network.summary.not_counted else "")
    total, count = len(network.summary.layers), len(frame)
    if count == total:
        st.caption(say("{count} layers", count=f"{total:,}"))
        return
    st.caption(say("{count} of {total} layers: {params} parameters, {macs} multiply-adds",
                   count=f"{count:,}", total=f"{total:,}", params=f"{frame['params'].sum():,}",
                   macs=f"{frame['macs'].sum():,}"))


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


def _columns() -> dict[str, Any]:
    """How the columns are headed, and what is told of each."""
    sides = say("Of images batch × channels × height × width")
    return {
        "index": _whole("#", 44, say("Order of execution")),
        "path": _words(say("Layer"), 246, say("Where it stands in the network")),
        "type": _words(say("Type"), 120, say("Class of the module, or name of the operation")),
        "kind": st.column_config.MultiselectColumn(
            say("Kind"), options=list(map(say, KIND_COLOURS)), color=list(KIND_COLOURS.values()),
            width=165),
        "input_shapes": _words(say("Input"), 130, sides),
        "output_shape": _words(say("Output"), 104, sides),
        "kernel": _words(say("Kernel"), 65),
        "stride": _words(say("Stride"), 65),
        "groups": _whole(say("Groups"), 65,
                         say("1: every input channel reaches every output channel. As many as "
                             "channels: a depthwise convolution.")),
        "params": _number(say("Parameters"), 98, say("Those that no earlier layer has used")),
        "params_share": _share(say("Parameters’ share"), 128, say("Of all parameters")),
        "macs": _number(say("Multiply-adds"), 112,
                        say("Of convolutions and linear layers, without bias")),
        "macs_share": _share(say("Share"), 64, say("Of all multiply-adds")),
        "activation_bytes": _number(say("Output bytes"), 110,
                                    say("Memory of the output in float32; 0 where it shares its "
                                        "input's")),
        "activation_bytes_share": _share(say("Bytes’ share"), 96,
                                         say("Of the bytes of all outputs")),
        "ms": st.column_config.NumberColumn(
            say("Time, ms"), format="%.3f", width=85,
            help=say("Median of the layer in a run in which every layer was timed")),
        "ms_share": _share(say("Time’s share"), 96, say("Of the sum of the times of all layers")),
        "receptive_field": _whole(say("Field"), 65, say("Receptive field: pixels of the image that "
                                                        "one position can see")),
    }


def _words(label: str, width: int, help: str | None = None) -> Any:
    return st.column_config.TextColumn(label, help=help, width=width)


def _whole(label: str, width: int, help: str) -> Any:
    return st.column_config.NumberColumn(label, help=help, width=width)


def _share(label: str, width: int, help: str) -> Any:
    return st.column_config.NumberColumn(label, format="percent", help=help, width=width)


def _number(label: str, width: int, help: str) -> Any:
    return st.column_config.NumberColumn(label, format="localized", help=help, width=width)
