"""Where parameters, multiply-adds and memory sit, as plotly figures."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.analysis import Layer, Summary
from explorer.views.palette import KIND_COLOURS

ROWS = (("params", "Parameters", ""), ("macs", "Multiply-adds", ""),
        ("activation_bytes", "Activation memory", "B"))


def where_it_sits(summary: Summary) -> go.Figure:
    """Parameters, multiply-adds and activation memory of each block, stacked by kind."""
    names = [name for name in dict.fromkeys(block.path for block in summary.blocks)]
    figure = make_subplots(rows=len(ROWS), cols=1, shared_xaxes=True, vertical_spacing=0.07,
                           subplot_titles=[title for _, title, _ in ROWS])
    shown: set[str] = set()
    for row, (quantity, title, unit) in enumerate(ROWS, 1):
        for kind, colour in KIND_COLOURS.items():
            values = dict.fromkeys(names, 0)
            for layer in summary.layers:
                if layer.kind == kind:
                    values[layer.block] += _cost(layer, quantity)
            if not any(values.values()):
                continue
            figure.add_bar(
                x=names, y=list(values.values()), name=kind, marker_color=colour,
                marker_line_width=0, legendgroup=kind, showlegend=kind not in shown, row=row, col=1,
                hovertemplate=f"%{{x}}<br>{kind}: %{{y:,}} {unit}<extra>{title}</extra>")
            shown.add(kind)
        figure.update_yaxes(tickformat="~s", ticksuffix=unit, nticks=4, row=row, col=1)
    figure.update_layout(
        barmode="stack", bargap=0.25, height=560, margin=dict(l=10, r=10, t=60, b=10),
        legend=dict(orientation="h", y=1.06, x=0, yanchor="bottom", traceorder="normal"))
    figure.update_xaxes(tickangle=-45, tickfont_size=11)
    # Left-aligned titles, as the headings of the page are.
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    return figure


def _cost(layer: Layer, quantity: str) -> int:
    return getattr(layer, quantity) or 0
