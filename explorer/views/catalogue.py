"""The catalogue as people look through it: the families in the order of their years, with what was
new in each, and every network a link with its figures."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from typing import Any, NamedTuple

import plotly.graph_objects as go

from explorer import text
from explorer.analysis import Totals
from explorer.language import say
from explorer.networks.family import Family, Preset
from explorer.views.axes import axis
from explorer.views.fields import BEFORE_MIXING
from explorer.views.palette import SERIES


class CatalogueEntry(NamedTuple):
    """A preset with what the catalogue says of it."""

    family: Family
    preset: Preset
    totals: Totals
    """Of a forward pass in evaluation, with the `saved_bytes` of a training pass."""
    weighted_layers: int
    drawing: str
    """Its blocks as a small SVG."""
    mixes: bool
    """Whether most of the work comes after positions have been mixed, as in a transformer."""

    @property
    def title(self) -> str:
        return self.preset.title

    @property
    def of_tutorial(self) -> bool:
        return self.preset.config.network.endswith("_tutorial")


ORDERS: dict[str, Callable[[CatalogueEntry], tuple[Any, ...]]] = {
    "Family": lambda entry: (entry.family.year, entry.family.title, entry.of_tutorial,
                             entry.totals.params, entry.title),
    "Parameters": lambda entry: (entry.totals.params, entry.title),
    "Multiply-adds": lambda entry: (entry.totals.macs, entry.title),
    "Depth": lambda entry: (entry.weighted_layers, entry.title),
}

HEADS = ("Network", "Blocks", "Batch", "Input", "Depth", "Calls", "Parameters", "Multiply-adds",
         "Peak memory", "Receptive field")


def to_html(entries: Sequence[CatalogueEntry], order: str) -> str:
    """A table with a row for each network, in one of `ORDERS`; by family under the family's name,
    paper and idea."""
    ordered = sorted(entries, key=ORDERS[order])
    head = "".join([f'<th scope="col">{say(name)}</th>' for name in HEADS])
    rows = []
    for family, members in groupby(ordered, lambda entry: entry.family):
        if order == "Family":
            rows.append(f'<tr class="family"><th colspan="{len(HEADS)}" scope="rowgroup">'
                        f"{escape(family.title)} <span>{paper_html(family.paper)}</span>"
                        f"<p>{escape(say(family.idea))}</p></th></tr>")
        rows += [_row(entry, by_family=order == "Family") for entry in members]
    return (f'<div class="catalogue"><table><thead><tr>{head}</tr></thead>'
            f'<tbody>{"".join(rows)}</tbody></table></div>')


def timeline(entries: Sequence[CatalogueEntry], figure: str) -> go.Figure:
    """Parameters ("params") or multiply-adds ("macs") of all networks, a column for each family in
    the order of the years."""
    ordered = sorted(entries, key=ORDERS["Family"])
    columns = [f"{entry.family.title}, {entry.family.year}" for entry in ordered]
    values = [getattr(entry.totals, figure) / entry.preset.config.batch_size ** (figure == "macs")
              for entry in ordered]
    drawn = go.Figure(go.Scatter(
        x=columns, y=values,
        mode="markers", marker=dict(size=9, color=SERIES[0], opacity=0.75),
        customdata=[[entry.title, text.short(round(value))]
                    for entry, value in zip(ordered, values, strict=True)],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>"))
    drawn.update_layout(height=330, margin=dict(l=8, r=8, t=8, b=8), showlegend=False,
                        xaxis=dict(type="category", categoryarray=list(dict.fromkeys(columns)),
                                   tickfont=dict(size=12), tickangle=-60, showgrid=False),
                        yaxis=axis(values))
    return drawn


def _row(entry: CatalogueEntry, *, by_family: bool) -> str:
    config, totals, source = entry.preset.config, entry.totals, say(entry.preset.source)
    if not by_family:       # whose paper it is stands above no row
        source = say("{paper}. {source}", paper=entry.family.paper.partition(",")[0],
                     source=source)
    cells = [
        str(config.batch_size),
        text.shape((config.in_channels, config.input_size, config.input_size)),
        str(entry.weighted_layers),
        f"{totals.layers:,}",
        _short(totals.params),
        _short(totals.macs),
        _short(totals.peak_activation_bytes, "B"),
        f'<span title="{totals.receptive_field:,} px {BEFORE_MIXING}">–</span>'
        if entry.mixes else f"{totals.receptive_field:,} px",
    ]
    return (f'<tr><th scope="row"><a href="./?network={config.network}" target="_self">'
            f"{escape(entry.title)}</a><small>{escape(source)}</small></th>"
            f'<td class="drawing">{_image(entry.drawing)}</td>'
            f'{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')


def _image(svg: str) -> str:
    """As an image: what the page shows of a text has no SVG in it."""
    return f'<img alt="" src="data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"/>'


def _short(value: int, unit: str = "") -> str:
    return f'<span title="{value:,}{unit and " " + unit}">{text.short(value, unit)}</span>'


def paper_html(paper: str) -> str:
    """Authors and year, with a link where the paper stands on arXiv."""
    return re.sub(r"arXiv:(\d{4}\.\d{5}|\d{4}\.\d{4})",
                  r'<a href="https://arxiv.org/abs/\1" target="_blank" rel="noopener">\g<0></a>',
                  escape(paper))
