"""Where parameters, multiply-adds and memory sit, and what grows along the pass, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import floor, log10
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer import text
from explorer.analysis import Layer, Summary
from explorer.language import Text, say
from explorer.pipeline import Explored
from explorer.tracing.operators import Kind
from explorer.views import fields
from explorer.views.palette import HATCHED, KIND_COLOURS, PLAIN

ROWS = (("params", Text("Parameters"), ""), ("macs", Text("Multiply-adds"), ""),
        ("activation_bytes", Text("Activation memory"), "B"),
        ("seconds", Text("Measured time"), "s"))

HATCH = dict(shape="/", size=6, solidity=0.25, fillmode="overlay",
             fgcolor=KIND_COLOURS["convolution"])


def where_it_sits(explored: Explored, seconds: Sequence[float] | None = None
                  ) -> tuple[go.Figure, ...]:
    """Parameters, multiply-adds and activation memory of each block, stacked by kind, and the time
    where the layers' `seconds` are measured.

    A figure each, to be shown one under the other: the names of the blocks stand under the last.
    """
    structure = explored.structure
    names = list(dict.fromkeys([structure.place(layer).block for layer in explored.summary.layers]))
    ends = {name: _end(name) for name in names}
    if len({*ends.values()}) < len(ends):
        ends = {name: name for name in names}
    rows = ROWS if seconds else ROWS[:-1]
    figures = []
    for quantity, title, unit in rows:
        costs: dict[Kind, dict[str, float]] = {
            kind: dict.fromkeys(names, 0) for kind in KIND_COLOURS}
        for layer in explored.summary.layers:
            costs[layer.kind][structure.place(layer).block] += seconds[layer.index] \
                if seconds and quantity == "seconds" else getattr(layer, quantity) or 0
        bars: list[dict[str, Any]] = []
        for kind, values in costs.items():
            # Without the blocks that have nothing of a kind: plotly draws bars of no height too.
            if there := {name: value for name, value in values.items() if value}:
                bars.append(dict(
                    type="bar", x=[ends[name] for name in there], y=list(there.values()),
                    name=say(kind),
                    marker=dict(color=KIND_COLOURS[kind], line=dict(width=0),
                                **({"pattern": HATCH} if kind in HATCHED else {})),
                    customdata=[text.seconds(value) if unit == "s" else f"{value:,} {unit}"
                                for value in there.values()],
                    hovertemplate=f"%{{x}}<br>{say(kind)}: %{{customdata}}<extra>{title}</extra>"))
        most = max([sum(each) for each in zip(*[values.values() for values in costs.values()],
                                              strict=True)])
        last = quantity == rows[-1][0]
        # Not checked property by property: that takes longer than all else.
        figures.append(go.Figure(_validate=False, data=dict(data=bars, layout=dict(
            barmode="stack", bargap=0.25, showlegend=False, height=230 if last else 150,
            # Fixed: to find room for labels plotly draws everything anew, which freezes the page.
            margin=dict(l=56, r=10, t=30, b=90 if last else 10, autoexpand=False),
            title=dict(text=str(title), x=0, xanchor="left", y=1, yanchor="top", pad=dict(t=6),
                       font=dict(size=13)),
            xaxis=dict(type="category", categoryarray=[*ends.values()],
                       range=[-0.5, len(names) - 0.5], tickangle=-45, tickfont=dict(size=11),
                       automargin=False, showticklabels=last),
            yaxis=dict(**even_ticks(most, unit), automargin=False)))))
    return tuple(figures)


def even_ticks(most: float, unit: str = "") -> dict[str, Any]:
    """An axis from 0 to `most`: three to six ticks, named as SI does.

    plotly's own names would say "500m" for a half.
    """
    decade = 10.0 ** floor(log10(most / 3)) if most > 0 else 1.0
    step = decade * next(digit for digit in (5, 2, 1) if digit * decade <= most / 3 or digit == 1)
    ticks = [step * number for number in range(int(most / step * (1 + 1e-9)) + 1)]
    return dict(tickvals=ticks, ticktext=[tick(value, unit) for value in ticks])


def tick(value: float, unit: str = "") -> str:
    """
    >>> tick(0.5), tick(2_500_000, "B"), tick(0.02, "s"), tick(0)
    ('0.5', '2.5 MB', '20 ms', '0')
    """
    prefixes = {1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1: "",
                **({1e-3: "m", 1e-6: "µ"} if unit == "s" else {})}
    for scale, prefix in prefixes.items():
        if value >= scale * (1 - 1e-9):
            return f"{value / scale:g} {prefix}{unit}".rstrip()
    return f"{value:g} {unit}".rstrip() if value else "0"


def _end(name: str) -> str:
    """A name as far as it fits under its bar; the blocks of a network differ at the end.

    >>> _end("encoder.layers.encoder_layer_0")
    '…encoder_layer_0'
    """
    return name if len(name) <= 16 else f"…{name[-15:]}"


def batch_sweep(frame: pd.DataFrame) -> go.Figure:
    """Latency and images a second over batch sizes; `frame` is `timings.batch_frame`'s. A
    disturbed point is a ring."""
    timed = frame.dropna(subset=["median_s"])
    symbols = ["circle-open" if disturbed else "circle" for disturbed in timed["disturbed"]]
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.12,
                           subplot_titles=[say("Latency of a pass"), say("Images a second")])
    for column, name, colour, unit in ((1, "median_s", LIVE, "s"),
                                       (2, "images_per_second", KEPT, "")):
        bars = dict(type="data", symmetric=False, array=timed["p90_s"] - timed["median_s"],
                    arrayminus=timed["median_s"] - timed["p10_s"]) if column == 1 else None
        figure.add_scatter(x=timed["batch_size"], y=timed[name], mode="lines+markers",
                           line=dict(color=colour, width=2), error_y=bars, row=1, col=column,
                            marker=dict(symbol=symbols, size=9),
                           customdata=[text.seconds(value) if unit else f"{value:,.4g}"
                                       for value in timed[name]],
                           hovertemplate=say("batch {size}: {value}", size="%{x}",
                                             value="%{customdata}") + "<extra></extra>")
    ticks = [digit * 10 ** decade for decade in range(-5, 4) for digit in (1, 2, 5)]
    figure.update_yaxes(type="log", tickvals=ticks, row=1, col=1, ticktext=[
        f"{tick:g} s" if tick >= 1 else f"{1e3 * tick:g} ms" for tick in ticks])
    figure.update_yaxes(**even_ticks(timed["images_per_second"].max()), rangemode="tozero", row=1,
                        col=2)
    figure.update_xaxes(type="log", title=say("batch size"), tickvals=timed["batch_size"])
    figure.update_layout(height=300, margin=dict(l=10, r=10, t=40, b=10), showlegend=False)
    return figure


LIVE, KEPT, MARK = (KIND_COLOURS[kind] for kind in ("convolution", "merge", "pooling"))


def live_memory(summary: Summary) -> go.Figure:
    """Activation bytes alive at each call of the pass, with the peak marked.

    Of a training pass also what it has kept for backward so far.
    """
    layers = summary.layers
    figure = _along_the_calls()
    _steps(figure, layers, [layer.live_bytes for layer in layers], say("alive"), LIVE)
    if summary.trace.training:
        kept = list(accumulate(layer.saved_bytes or 0 for layer in layers))
        _steps(figure, layers, kept, say("saved for backward"), KEPT)
    peak = max(layers, key=lambda layer: layer.live_bytes)
    _mark(figure, peak, peak.live_bytes,
          say("peak {size}", size=text.short(peak.live_bytes, "B")))
    figure.update_yaxes(**even_ticks(peak.live_bytes, "B"), rangemode="tozero")
    return figure


def field_over_depth(summary: Summary) -> go.Figure:
    """The receptive field of each call beside the longest side of the image, where a window
    slides over one. Marked are the call that outgrows the image, the one that reaches the total,
    and what rises past it: the pooling of the whole map."""
    seeing = [layer for layer in summary.layers if layer.receptive_field]
    sizes = [layer.receptive_field.side for layer in seeing if layer.receptive_field]
    image = fields.image(summary)
    assert image
    side, unit = max(image.sides), image.unit
    figure = _along_the_calls()
    _steps(figure, seeing, sizes, say("receptive field"), LIVE, unit=unit, fill=False)
    figure.add_hline(side, line=dict(color=PLAIN, dash="dash", width=1.5))
    # At the left end, where the curve is still far below.
    figure.add_annotation(text=image.label, x=0, xref="paper", y=side, xanchor="left",
                          yanchor="bottom", showarrow=False)
    total, last = summary.totals.receptive_field, sizes[-1]
    largest = next(place for place, size in enumerate(sizes)
                   if size == total and not _pools_all(seeing[place]))
    outgrown = next((place for place, size in enumerate(sizes) if size > side), largest)
    if outgrown < largest:
        _mark(figure, seeing[outgrown], sizes[outgrown],
              say("outgrown: {size}", size=f"{sizes[outgrown]:,}{unit}"), rising=True)
    _mark(figure, seeing[largest], total, f"{total:,}{unit}", rising=True)
    if last > total:
        pool = next(layer for layer, size in zip(seeing, sizes, strict=True) if size == last)
        _mark(figure, pool, last, say("{size}, global pooling of the whole map",
                                      size=f"{last:,}{unit}"))
    figure.update_yaxes(rangemode="tozero", tickformat=",", ticksuffix=unit, nticks=6)
    return figure


def _pools_all(layer: Layer) -> bool:
    return layer.window is not None and layer.window.whole


def _along_the_calls() -> go.Figure:
    figure = go.Figure()
    figure.update_layout(height=300, margin=dict(l=10, r=10, t=30, b=10), hovermode="x unified",
                         legend=dict(orientation="h", y=1.02, x=0, yanchor="bottom"))
    figure.update_xaxes(title=say("calls of the forward pass"), showgrid=False, tickformat="d")
    return figure


def _steps(figure: go.Figure, layers: Sequence[Layer], values: list[int], name: str, colour: str,
           *, unit: str = " B", fill: bool = True) -> None:
    figure.add_scatter(
        x=[layer.index for layer in layers], y=values, name=name, mode="lines",
        line=dict(shape="hvh", color=colour, width=2), fill="tozeroy" if fill else None,
        customdata=[[layer.path, text.shape(layer.output_shape)] for layer in layers],
        hovertemplate=f"%{{customdata[0]}} → %{{customdata[1]}}: %{{y:,}}{unit}")


def _mark(figure: go.Figure, layer: Layer, value: int, label: str, *,
          rising: bool = False) -> None:
    """A dot with a label on the roomier side; below it where the curve rises past it."""
    figure.add_scatter(x=[layer.index], y=[value], mode="markers", showlegend=False,
                       marker=dict(color=MARK, size=9), hoverinfo="skip")
    late = layer.index > figure.data[0].x[-1] / 2
    figure.add_annotation(x=layer.index, y=value, showarrow=False,
                          text=say("{figure} at {layer}", figure=label, layer=layer.path),
                          xanchor="right" if late else "left", xshift=-9 if late else 9,
                          yanchor="top" if rising and not late else "bottom",
                          yshift=-12 if rising and not late else 0)
