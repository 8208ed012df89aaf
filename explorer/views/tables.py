"""Summaries as records, DataFrames, CSV, JSON and Markdown: one set of columns everywhere."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import pandas as pd

from explorer import text
from explorer.analysis import Layer, Summary, Totals, alive_at_peak
from explorer.language import say
from explorer.networks.family import Preset
from explorer.pipeline import Explored
from explorer.structure import Place
from explorer.text import Rational
from explorer.tracing import Input
from explorer.views import fields


def layer_records(explored: Explored) -> list[dict[str, Any]]:
    """One plain record a call: shapes as lists, counts as exact integers, None for not counted."""
    structure, inputs = explored.structure, explored.summary.trace.inputs
    return [_record(layer, structure.place(layer), inputs)
            for layer in explored.summary.layers]


def _number(value: Rational) -> Any:
    """As files hold it: JSON and CSV have no fractions."""
    return float(value) if isinstance(value, Fraction) else value


def _record(layer: Layer, place: Place, inputs: Sequence[Input]) -> dict[str, Any]:
    field, window = layer.receptive_field, layer.window
    return {
        "index": layer.index,
        "path": layer.path,
        "type": layer.type,
        "kind": layer.kind,
        "stage": place.stage,
        "block": place.block,
        "input_shapes": [list(shape) for shape in layer.input_shapes],
        "output_shape": list(layer.output_shape),
        "kernel": window and list(window.kernel),
        "stride": window and list(map(_number, window.stride)),
        "padding": window and list(map(_number, window.padding)),
        "dilation": window and list(window.dilation),
        "groups": layer.groups,
        "params": layer.params,
        "shared_with": layer.shared_with,
        "macs": layer.macs,
        "elementwise_ops": layer.elementwise_ops,
        "activation_bytes": layer.activation_bytes,
        "live_bytes": layer.live_bytes,
        "saved_bytes": layer.saved_bytes,
        "receptive_field": field.side if field else None,
        "receptive_field_stride": _number(max(field.stride)) if field else None,
        "receptive_field_start": _number(min(field.start)) if field else None,
        "outgrown": fields.outgrown(field, inputs) if field else None,
    }


def layer_frame(explored: Explored) -> pd.DataFrame:
    """The layers as a DataFrame: whole numbers as nullable integers, fractional strides as nullable
    floats, shapes as text.

    A cost that is not counted is missing (NA), never zero.

    >>> from explorer.pipeline import explore
    >>> layer_frame(explore("vgg11")).nlargest(1, "params").iloc[0]["path"]
    'head.fc1'
    """
    frame = pd.DataFrame(layer_records(explored))
    for name in ("input_shapes", "output_shape", "kernel", "stride", "padding", "dilation"):
        frame[name] = [_shape_text(value) for value in frame[name]]
    for name in ("groups", "shared_with", "macs", "elementwise_ops", "saved_bytes",
                 "receptive_field"):
        frame[name] = frame[name].astype("Int64")
    for name in ("receptive_field_stride", "receptive_field_start"):
        # Fractions behind what enlarges.
        whole = (frame[name].dropna() % 1 == 0).all()
        frame[name] = frame[name].astype("Int64" if whole else "Float64")
    frame["outgrown"] = frame["outgrown"].astype("boolean")
    return frame


PAGE_COLUMNS = ("path", "output_shape", "params", "macs", "macs_share", "params_share", "index",
                "kind", "type", "kernel", "stride", "activation_bytes", "activation_bytes_share",
                "receptive_field", "input_shapes", "groups")
"""What most people look for stands first: it is in sight without scrolling sideways."""


def page_frame(explored: Explored) -> pd.DataFrame:
    """The columns that the page shows, with each layer's share of the totals.

    Made by columns: a page makes it at every turn of a knob.
    """
    layers = explored.summary.layers
    windows = [layer.window for layer in layers]
    fields_ = [layer.receptive_field for layer in layers]
    whole: dict[str, list[Any]] = {
        "index": [layer.index for layer in layers],
        "groups": [layer.groups for layer in layers],
        "params": [layer.params for layer in layers],
        "macs": [layer.macs for layer in layers],
        "activation_bytes": [layer.activation_bytes for layer in layers],
        "receptive_field": [field.side if field else None for field in fields_]}
    columns: dict[str, Any] = {
        "path": [layer.path for layer in layers], "type": [layer.type for layer in layers],
        "kind": [[say(layer.kind)] for layer in layers],
        "input_shapes": [" ".join(map(text.shape, layer.input_shapes)) for layer in layers],
        "output_shape": [text.shape(layer.output_shape) for layer in layers],
        "kernel": [text.shape(window.kernel) if window else "" for window in windows],
        "stride": [text.shape(tuple(map(_number, window.stride))) if window else ""
                   for window in windows],
        **{name: pd.array(values, dtype="Int64") for name, values in whole.items()}}
    for name in ("params", "macs", "activation_bytes"):
        total = sum(value or 0 for value in whole[name]) or 1
        columns[f"{name}_share"] = [math.nan if value is None else value / total
                                    for value in whole[name]]
    return pd.DataFrame({name: columns[name] for name in PAGE_COLUMNS})


def _shape_text(value: list[Any] | None) -> str:
    """1x64x56x56; several shapes apart by a space; "" for none. ASCII, for spreadsheets."""
    if not value:
        return ""
    if isinstance(value[0], list):
        return " ".join(map(_shape_text, value))
    return "x".join(map(str, value))


def to_csv(explored: Explored) -> str:
    """The layers as CSV with a header, one row a call; "not counted" where a cost is unknown."""
    frame = layer_frame(explored)
    # In evaluation nothing is kept for backward, which is not the same as not counted.
    unknown = ["macs", "elementwise_ops", *["saved_bytes"] * explored.summary.trace.training]
    for name in unknown:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), text.NOT_COUNTED)
    return frame.to_csv(index=False, lineterminator="\n")


def to_json(explored: Explored) -> str:
    """Network, config, totals and layers as a JSON document."""
    config, summary = explored.source.config, explored.summary
    knobs = config and config.model_dump(exclude={"network"})
    return json.dumps({"network": config and config.network, "key": explored.key, "config": knobs,
                       "training": summary.trace.training, "totals": totals_record(summary),
                       "layers": layer_records(explored)})


def totals_record(summary: Summary) -> dict[str, Any]:
    """The totals, and how many layers are in none of them."""
    return {**asdict(summary.totals), "not_counted": len(summary.not_counted)}


def totals_lines(totals: Totals) -> list[tuple[str, str]]:
    """The totals with their units, exact and short."""
    def both(value: int, unit: str = "") -> str:
        exact = f"{value:,}{' ' + unit if unit else ''}"
        return f"{exact}  ({text.short(value, unit)})" if value >= 1000 else exact

    kept = [] if totals.saved_bytes is None else [
        (say("saved for backward"), both(totals.saved_bytes, "B"))]
    return [(say("parameters"), both(totals.params)),
            (say("of them used"), both(totals.params_used)),
            (say("trainable"), both(totals.trainable_params)),
            (say("multiply-adds"), both(totals.macs)),
            (say("flops (2 × macs)"), both(totals.flops)),
            (say("element-wise operations"), both(totals.elementwise_ops)),
            (say("parameter memory"), both(totals.param_bytes, "B")),
            (say("sum of activations"), both(totals.activation_bytes, "B")),
            (say("peak activations"), both(totals.peak_activation_bytes, "B")),
            *kept,
            (say("receptive field"), f"{totals.receptive_field:,} px"),
            (say("layers"), f"{totals.layers:,}")]


def held_frame(summary: Summary) -> pd.DataFrame:
    """The tensors alive at the peak, the largest first."""
    held = sorted(alive_at_peak(summary), key=lambda tensor: -tensor.bytes)
    return pd.DataFrame([{"index": None if tensor.index < 0 else tensor.index,
                          "path": tensor.path, "shape": text.shape(tensor.shape),
                          "bytes": tensor.bytes} for tensor in held]).astype({"index": "Int64"})


SHORT_COLUMNS = {"index": "#", "path": "layer", "type": "type", "output_shape": "output",
                 "kernel": "kernel", "stride": "stride", "params": "params", "macs": "macs",
                 "receptive_field": "field"}


def short_frame(explored: Explored) -> pd.DataFrame:
    """The columns that fit a terminal, as text."""
    frame = layer_frame(explored)[list(SHORT_COLUMNS)].rename(columns=SHORT_COLUMNS)
    for name in ("params", "macs"):
        frame[name] = [text.NOT_COUNTED if value is pd.NA else f"{value:,}"
                       for value in frame[name]]
    frame["field"] = ["" if value is pd.NA else str(value) for value in frame["field"]]
    return frame.astype(str)


def to_text(explored: Explored) -> str:
    """The layers and the totals as a table for a terminal."""
    summary = explored.summary
    lines = [explored.title, "", aligned(short_frame(explored)), ""]
    lines += [f"{name:24} {value}" for name, value in totals_lines(summary.totals)]
    if summary.not_counted:
        lines.append(f"{text.NOT_COUNTED:24} {not_counted(summary)}")
    return "\n".join(lines)


def not_counted(summary: Summary) -> str:
    """The layers whose operator has no rule: how many, and the operators that there are most of."""
    of_type = Counter(layer.type for layer in summary.not_counted)
    shown = [f"{name} ×{count}" if count > 1 else name for name, count in of_type.most_common(4)]
    if (rest := len(of_type) - len(shown)) > 0:
        shown.append(say("{n} other operation" if rest == 1 else "{n} other operations", n=rest))
    return say("{count} of {total} layers: {operations}", count=f"{len(summary.not_counted):,}",
               total=f"{len(summary.layers):,}", operations=text.enumeration(shown))


def to_markdown(explored: Explored) -> str:
    """The layers and the totals as Markdown tables."""
    frame = short_frame(explored)
    totals = pd.DataFrame(totals_lines(explored.summary.totals), columns=["total", "value"])
    return f"# {explored.title}\n\n{markdown(totals)}\n\n{markdown(frame)}"


def aligned(frame: pd.DataFrame) -> str:
    """A table for a terminal: text to the left, figures to the right."""
    left = {"layer", "type", "output", "network", "source", "status", "ours", "our type", "reason",
            "figure", "part a", "part b", "part c", "part d"}
    columns = []
    for name in frame:
        cells = [str(name), *frame[name]]
        width = max(map(len, cells))
        columns.append([f"{cell:<{width}}" if name in left else f"{cell:>{width}}"
                        for cell in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def markdown(frame: pd.DataFrame) -> str:
    """A table in Markdown."""
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns),
            *(list(map(str, row)) for row in frame.itertuples(index=False))]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
                     for row in rows)


def catalogue_text(presets: Iterable[tuple[Preset, Totals]]) -> str:
    """The catalogue as a table for a terminal."""
    return aligned(pd.DataFrame([
        {"network": preset.config.network, "params": f"{totals.params:,}",
         "macs": f"{totals.macs:,}",
         "input": f"{preset.config.input_size}×{preset.config.input_size}",
         "source": preset.source}
        for preset, totals in presets]))
