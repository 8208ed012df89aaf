"""How values show themselves in Jupyter: in its own colours, with rules that hold for nothing
else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from explorer import text
from explorer.analysis import Summary
from explorer.comparison import Comparison
from explorer.pipeline import Explored
from explorer.shown import html
from explorer.views import comparison as comparisons
from explorer.views import tables
from explorer.views.graph.export import PictureFile, draw, draw_beside
from explorer.views.layout import LayoutError
from explorer.views.palette import FAILURE, KIND_COLOURS

MOST_ROWS = 400
"""Layers of a table; a DataFrame has the others."""


@html.register
def summary_html(summary: Summary) -> str:
    """The totals, and every layer in a table that scrolls."""
    return _totals(summary) + _layers(summary)


@html.register
def explored_html(explored: Explored) -> str:
    """The config in a line, the drawing, the totals."""
    return (f"<p><b>{escape(explored.title)}</b></p>" + _failures(explored)
            + _drawn(lambda: draw(explored)) + _totals(explored.summary))


@html.register
def comparison_html(comparison: Comparison) -> str:
    """What differs most, the figures, the drawing."""
    heads = ["", *map(escape, comparison.names)]
    rows = [[f"<b>{escape(label)}</b>", *[
        escape(cell.value) + (f"<br><small>{escape(cell.change)}</small>" if cell.change else "")
        for cell in cells]] for label, cells in comparisons.figure_rows(comparison)]
    said = "".join([f"<p>{escape(line)}</p>" for line in comparisons.sentences(comparison)])
    return (f"<p><b>{escape(text.enumeration(comparison.names))}</b></p>{said}"
            + _table(heads, rows, left=1) + _drawn(lambda: draw_beside(comparison)))


def _failures(explored: Explored) -> str:
    return f'<p style="color: {FAILURE}">{escape(str(explored.failure))}</p>' \
        if explored.failure else ""


def _drawn(picture: Callable[[], PictureFile]) -> str:
    try:
        return picture()._repr_html_() or ""
    except LayoutError as error:
        return f"<p>{escape(str(error))}</p>"


def _totals(summary: Summary) -> str:
    return _table([], [[escape(name), escape(value)]
                       for name, value in tables.totals_lines(summary.totals)], left=1)


def _layers(summary: Summary) -> str:
    rows = [[str(layer.index), escape(layer.path),
             f'<span style="color: {KIND_COLOURS[layer.kind]}">■</span> {escape(layer.type)}',
             text.shape(layer.output_shape), f"{layer.params:,}",
             text.NOT_COUNTED if layer.macs is None else f"{layer.macs:,}"]
            for layer in summary.layers[:MOST_ROWS]]
    left = len(summary.layers) - len(rows)
    more = f"<p>{left:,} more; <code>explorer.layer_frame</code> has all.</p>" if left else ""
    return ('<div style="max-height: 28em; overflow: auto; margin-top: 0.8em">'
            + _table(["#", "layer", "type", "output", "params", "macs"], rows, left=4)
            + f"</div>{more}")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int) -> str:
    """A table of cells that are HTML; the first `left` columns are text."""
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join([
            f'<{tag} style="text-align: {"left" if place < left else "right"}">{cell}</{tag}>'
            for place, cell in enumerate(cells)]) + "</tr>"

    head = f"<thead>{line(heads, 'th')}</thead>" if heads else ""
    return f"<table>{head}<tbody>{''.join([line(row, 'td') for row in rows])}</tbody></table>"
