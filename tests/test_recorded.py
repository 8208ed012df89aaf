"""What the catalogue keeps of its presets is what is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

import explorer
from explorer import recorded
from explorer.cli.main import cli
from explorer.networks.catalogue import presets

ANEW = "write it anew with `pytest tests/test_recorded.py --record`"


def test_every_preset_is_recorded_and_nothing_else(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("record"):
        recorded.FILE.write_text(recorded.text(), encoding="utf-8")
        recorded.known.cache_clear()
    assert [*recorded.known()] == [*presets()], ANEW


@pytest.mark.parametrize("name", presets())
def test_what_is_recorded_is_what_is_counted(request: pytest.FixtureRequest, name: str) -> None:
    if request.config.getoption("record"):
        pytest.skip("it is written by another test")
    preset = presets()[name]
    found = recorded.known()[name]
    assert recorded.entry(preset).totals is found.totals, ANEW
    assert recorded.entry(preset) == recorded.counted(preset), ANEW


def test_a_network_that_has_changed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = presets()["lenet5"]
    wrong = recorded.entry(preset)._replace(weighted_layers=99)
    found = recorded.Known("another", *wrong[2:])
    monkeypatch.setattr(recorded, "known", lambda: {"lenet5": found})
    assert recorded.entry(preset) == recorded.counted(preset) != wrong
    other = replace(preset, config=preset.config.replace(width=2))
    monkeypatch.undo()
    assert recorded.entry(other).totals.params == explorer.summarise(other.config).totals.params


def test_the_list_builds_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "counted", lambda preset: pytest.fail(f"{preset.title} is built"))
    printed = CliRunner().invoke(cli, ["list"]).output
    for name in presets():
        assert f"{name} " in printed
    assert f"{explorer.summarise('resnet50').totals.params:,}" in printed
