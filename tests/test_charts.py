"""The charts show what the totals say, and every block in the order of the pass."""

from __future__ import annotations

from collections import Counter

import pytest

import explorer
from explorer.views import charts


@pytest.mark.parametrize("network", explorer.presets())
def test_the_bars_add_up_to_the_totals(network: str) -> None:
    summary = explorer.summarise(explorer.configure(network))
    figure = charts.where_it_sits(summary, [1e-3] * summary.totals.layers)
    sums: Counter[str] = Counter()
    for bar in figure.data:
        assert all(bar.y), f"{bar.name} has bars of no height"
        sums[bar.yaxis] += sum(bar.y)
    totals = summary.totals
    assert sums == pytest.approx({
        "y": totals.params_used, "y2": totals.macs, "y3": totals.activation_bytes,
        "y4": totals.layers * 1e-3})


@pytest.mark.parametrize("network", explorer.presets())
def test_every_row_has_all_blocks_in_order(network: str) -> None:
    summary = explorer.summarise(explorer.configure(network))
    figure = charts.where_it_sits(summary)
    blocks = [block.path for block in summary.blocks]
    for axis in (figure.layout.xaxis, figure.layout.xaxis2, figure.layout.xaxis3):
        assert list(axis.categoryarray) == list(dict.fromkeys(blocks))
    assert {name for bar in figure.data for name in bar.x} <= set(blocks)
