"""The charts show what the totals say, and every block in the order of the pass."""

from __future__ import annotations

import pytest

import explorer
from explorer.views import charts


@pytest.mark.parametrize("network", explorer.presets())
def test_the_bars_add_up_to_the_totals(network: str) -> None:
    summary = explorer.summarise(explorer.configure(network))
    figures = charts.where_it_sits(summary, [1e-3] * summary.totals.layers)
    assert all(all(bar.y) for figure in figures for bar in figure.data), "a bar has no height"
    totals = summary.totals
    assert [sum(sum(bar.y) for bar in figure.data) for figure in figures] == pytest.approx(
        [totals.params_used, totals.macs, totals.activation_bytes, totals.layers * 1e-3])


@pytest.mark.parametrize("network", explorer.presets())
def test_every_chart_has_all_blocks_in_order(network: str) -> None:
    summary = explorer.summarise(explorer.configure(network))
    blocks = list(dict.fromkeys(block.path for block in summary.blocks))
    for figure in charts.where_it_sits(summary):
        assert list(figure.layout.xaxis.categoryarray) == blocks
        assert {name for bar in figure.data for name in bar.x} <= set(blocks)
