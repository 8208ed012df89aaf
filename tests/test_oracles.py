"""Random configs of every family against PyTorch's own counters, at least 300 of them.

Shapes, call by call, are those of a real forward pass on meta; multiply-adds half of
`FlopCounterMode`'s; parameters the sum over `parameters()`. `HYPOTHESIS_PROFILE=long pytest
tests/test_oracles.py` draws thousands.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from explorer import text
from explorer.analysis import Summary, analyse
from explorer.networks.build import build
from explorer.networks.catalogue import configure, families
from explorer.networks.family import Family
from explorer.pipeline import explore, summarise
from explorer.sources import source_of
from explorer.tracing.operators import find_operator
from explorer.views import tables
from strategies import configs
from test_trace import assert_agrees_with_pytorch

EACH_FAMILY = -(-300 // len(families()))
if settings.default and settings.default.max_examples > 100:    # the long profile
    EACH_FAMILY = settings.default.max_examples


def test_there_are_at_least_300_configs() -> None:
    assert EACH_FAMILY * len(families()) >= 300


@pytest.mark.parametrize("family", families(), ids=lambda family: family.title)
def test_any_config_agrees_with_pytorchs_counters(family: Family) -> None:
    @settings(max_examples=EACH_FAMILY)
    @given(configs(family=family))
    def agrees(config: object) -> None:
        network, traced = assert_agrees_with_pytorch(config)
        assert_parameters_are_registered(network, analyse(traced))

    agrees()


def assert_parameters_are_registered(network: nn.Module, summary: Summary) -> None:
    totals = summary.totals
    assert totals.params == sum(weight.numel() for weight in network.parameters())
    assert totals.trainable_params == totals.params
    unused = totals.params - totals.params_used
    assert unused == sum(weight.numel() for name, head in network.named_children()
                         if name.startswith("aux") for weight in head.parameters())


@given(configs(family=next(family for family in families() if family.title == "Inception v3")),
       st.integers(299, 320))
@settings(max_examples=5)
def test_training_runs_what_evaluation_does_and_the_auxiliary_head(config, size: int) -> None:
    config = config.replace(input_size=size)
    evaluated, trained = (summarise(config, training=training) for training in (False, True))
    extra = [layer for layer in trained.layers if layer.path.startswith("aux.")]
    assert bool(extra) == config.aux_head
    assert trained.totals.params_used == trained.totals.params
    assert trained.totals.macs == evaluated.totals.macs + sum(layer.macs or 0 for layer in extra)
    assert [layer.path for layer in trained.layers if not layer.path.startswith("aux.")] \
        == [layer.path for layer in evaluated.layers]


# A rule that is missing.

class Planted(nn.Module):
    """An operation that the table of operators does not know."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.logcumsumexp(x, 1)


@pytest.mark.parametrize("training", [False, True])
def test_an_unknown_operation_says_not_counted_everywhere(training: bool) -> None:
    assert find_operator("logcumsumexp") is None
    config = configure("resnet18", input_size=64)
    network = build(config)
    network.stage2.append(Planted())
    source = replace(source_of(config), build=lambda device: network)
    explored = explore(source, training=training)
    summary = explored.summary
    unknown, = summary.not_counted
    assert unknown.path == "stage2.2" and unknown.type == "Planted"
    assert unknown.macs is unknown.elementwise_ops is unknown.saved_bytes is None
    # The others count as ever.
    plain = summarise(config, training=training).totals
    assert (summary.totals.macs, summary.totals.params) == (plain.macs, plain.params)

    lines = tables.to_text(explored).splitlines()
    row, = [line for line in lines if line.split()[:2] == [str(unknown.index), "stage2.2"]]
    assert text.NOT_COUNTED in row
    assert any(line.startswith(text.NOT_COUNTED) and line.endswith("layers: Planted")
               for line in lines)
    records = list(csv.DictReader(io.StringIO(tables.to_csv(explored))))
    record = records[unknown.index]
    assert record["path"] == "stage2.2"
    assert record["macs"] == record["elementwise_ops"] == text.NOT_COUNTED
    assert record["saved_bytes"] == (text.NOT_COUNTED if training else "")
    assert tables.totals_record(summary)["not_counted"] == 1
    assert text.NOT_COUNTED in tables.to_markdown(explored)
