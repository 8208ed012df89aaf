"""The charts show what the layers cost, and every block in the order of the pass."""

from __future__ import annotations

import pandas as pd
import pytest

import explorer
from explorer.views import charts


@pytest.mark.parametrize("network", explorer.presets())
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
        shown = {(block, bar.name): height for bar in figure.data
                 for block, height in zip(bar.x, bar.y, strict=True)}
        assert shown == pytest.approx(expected[expected > 0].to_dict())


@pytest.mark.parametrize("network", explorer.presets())
def test_every_chart_has_the_blocks_in_the_order_of_the_pass(network: str) -> None:
    explored = explorer.open(network)
    figures = charts.where_it_sits(explored)
    for figure in figures:
        assert list(figure.layout.xaxis.categoryarray) == list(
            dict.fromkeys(explored.structure.place(layer).block
                          for layer in explored.summary.layers))
    assert [bool(figure.layout.xaxis.showticklabels) for figure in figures] == [False, False, True]
