"""The charts show what the layers cost, and every block in the order of the pass."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

import explorer
from explorer.analysis import Summary
from explorer.views import charts
from tests.kinds import KINDS


def full_names(figure: go.Figure, place: Any, summary: Summary) -> dict[str, str]:
    """The blocks in the order of the pass by what stands under their bars: of a long name its end,
    where that tells it apart."""
    names = list(dict.fromkeys(place(layer).block for layer in summary.layers))
    shown = list(figure.layout.xaxis.categoryarray)
    assert len(names) == len(shown) == len({*shown})
    for name, short in zip(names, shown, strict=True):
        assert name == short or (short.startswith("…") and name.endswith(short[1:]))
    return dict(zip(shown, names, strict=True))


@pytest.mark.parametrize("network", KINDS)
def test_the_bars_of_a_block_add_up_to_its_layers(network: str) -> None:
    explored = explorer.open(network)
    summary, place = explored.summary, explored.structure.place
    layers = pd.DataFrame({
        "block": place(layer).block, "kind": layer.kind, "params": layer.params, "macs": layer.macs,
        "activation_bytes": layer.activation_bytes, "seconds": 1e-3 * (layer.index + 1),
    } for layer in summary.layers)
    figures = charts.where_it_sits(explored, list(layers["seconds"]))
    for figure, quantity in zip(figures, ("params", "macs", "activation_bytes", "seconds"),
                                strict=True):
        expected = layers.groupby(["block", "kind"])[quantity].sum()
        full = full_names(figure, place, summary)
        shown = {(full[block], bar.name): height for bar in figure.data
                 for block, height in zip(bar.x, bar.y, strict=True)}
        assert shown == pytest.approx(expected[expected > 0].to_dict())


@pytest.mark.parametrize("network", KINDS)
def test_every_chart_has_the_blocks_in_the_order_of_the_pass(network: str) -> None:
    explored = explorer.open(network)
    figures = charts.where_it_sits(explored)
    for figure in figures:
        assert full_names(figure, explored.structure.place, explored.summary)
    assert [bool(figure.layout.xaxis.showticklabels) for figure in figures] == [False, False, True]


@pytest.mark.parametrize("most", [0.6, 1, 7, 950, 1234, 6.02e6, 4.1e8, 2.9e11])
@pytest.mark.parametrize("unit", ["", "B", "s"])
def test_an_axis_has_few_ticks_with_the_names_of_si(most: float, unit: str) -> None:
    ticks = charts.even_ticks(most, unit)
    values, names = ticks["tickvals"], ticks["ticktext"]
    assert 4 <= len(values) == len(names) <= 8 and values[0] == 0 and names[0] == "0"
    assert values[-1] <= most * 1.000001
    scale = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3, "µ": 1e-6}
    for value, name in zip(values[1:], names[1:], strict=True):
        number, _, rest = name.partition(" ")
        assert rest.endswith(unit)
        prefix = rest.removesuffix(unit)
        assert float(number) * scale[prefix] == pytest.approx(value, rel=1e-5)
        assert unit == "s" or prefix not in ("m", "µ")      # never "500m" for a half


@pytest.mark.parametrize("network", [*KINDS, "torchvision:densenet121"])
def test_the_chart_of_the_field_marks_the_figure_and_names_the_last_rise(network: str) -> None:
    summary = explorer.open(network).summary
    total = summary.totals.receptive_field
    figure = charts.field_over_depth(summary)
    curve, marks = figure.data[0], {mark.y[0]: mark.x[0] for mark in figure.data[1:]}
    labels = {label.y: label.text for label in figure.layout.annotations}
    assert total in marks and labels[total].startswith(f"{total:,} px")
    assert curve.y[list(curve.x).index(marks[total])] == total
    if curve.y[-1] > total:
        assert "global pooling" in labels[curve.y[-1]] and f"{curve.y[-1]:,} px" in labels[
            curve.y[-1]]
        assert "Pool" in summary.layers[marks[curve.y[-1]]].type or \
            summary.layers[marks[curve.y[-1]]].window is not None
    else:
        assert not any("global pooling" in label for label in labels.values())
