"""Networks timed in turn: what is measured, and what is said of it."""

from __future__ import annotations

import io
import json
import statistics
from dataclasses import replace

import pandas as pd
import pytest

import explorer
from explorer.comparison import compare
from explorer.structure.alignment import Level
from explorer.timing import Choices, TimingError, TurnTimes, submit_turns
from explorer.views import comparison as views
from tests.disturbances import WARNING, judged, runs_are

pytestmark = pytest.mark.xdist_group("turns")       # they share what is timed once

SMALL, LARGE = "mobilenetv3_small&width=0.25&input_size=32", "resnet18&input_size=96"
ONE = Choices(threads=1)


@pytest.fixture(scope="module")
def times() -> TurnTimes:
    return submit_turns([SMALL, LARGE, SMALL], "cpu", 0.1, ONE).result()


def test_each_round_has_a_turn_of_each(times: TurnTimes) -> None:
    assert times.keys == (SMALL, LARGE, SMALL)
    assert times.rounds >= 5
    assert {len(each) for each in times.seconds} == {times.rounds}
    assert all(second > 0 for each in times.seconds for second in each)
    assert times.medians == tuple(map(statistics.median, times.seconds))


def test_the_ratio_is_that_of_the_rounds(times: TurnTimes) -> None:
    pairs = [two / one for one, two in zip(times.seconds[0], times.seconds[1], strict=True)]
    ratio = times.ratio(1)
    assert ratio.median == statistics.median(pairs)
    assert ratio.p10 <= ratio.median <= ratio.p90
    # 300 times as many multiply-adds: whatever the machine does, it is the slower one.
    assert ratio.median > 2
    assert 0.2 < times.ratio(2).median < 5


@pytest.fixture(scope="module")
def layer_times() -> TurnTimes:
    return submit_turns([SMALL, LARGE], "cpu", 0.01, ONE, layers=True).result()


def test_every_layer_has_its_time_in_the_parts(layer_times: TurnTimes) -> None:
    comparison = compare(SMALL, LARGE)
    assert layer_times.layers is not None
    for network, seconds in zip(comparison.networks, layer_times.layers, strict=True):
        assert len(seconds) == len(network.summary.layers) and min(seconds) > 0
    levels: tuple[Level, ...] = ("stage", "block", "layer")
    for level in levels:
        parts = [views.part_seconds(part, layer_times) for part in comparison.parts(level)]
        assert [sum(column) for column in zip(*parts, strict=True)] == pytest.approx(
            [sum(seconds) for seconds in layer_times.layers])
    # The largest layer of the large network is where most of the time is, whatever else runs.
    assert sum(layer_times.layers[1]) > sum(layer_times.layers[0])


@pytest.mark.parametrize("disturbed", [False, True])
def test_times_of_parts_are_in_every_table(layer_times: TurnTimes, disturbed: bool) -> None:
    comparison, times = compare(SMALL, LARGE), judged(layer_times, disturbed)
    frame = views.comparison_frame(comparison, "layer", times)
    assert frame["seconds_b"].sum() == pytest.approx(sum(layer_times.layers[1]))
    assert ("seconds_difference_b" in frame) is not disturbed
    document = json.loads(views.comparison_json(comparison, "stage", times))
    assert [part["seconds"] for part in document["parts"]] == [
        list(views.part_seconds(part, times)) for part in comparison.parts("stage")]
    for said in (views.comparison_text(comparison, "stage", times),
                 views.comparison_markdown(comparison, "stage", times)):
        assert "ms b" in said and "The times of the parts add up to" in said
        assert "Latency" in said and ("disturbed" in said) is disturbed


def test_the_tree_sorts_by_time(layer_times: TurnTimes) -> None:
    comparison = compare(SMALL, LARGE)
    rows = views.part_rows(comparison, "seconds", by_difference=True, times=layer_times)
    in_order = views.part_rows(comparison, "seconds", by_difference=False, times=layer_times)
    apart = {tuple(row["paths"]): abs(two - one)
             for row, part in zip(in_order, comparison.parts("stage"), strict=True)
             for one, two in [views.part_seconds(part, layer_times)]}
    assert len(apart) == len(rows) > 3
    assert [apart[tuple(row["paths"])] for row in rows] == sorted(apart.values(), reverse=True)
    unmeasured = views.part_rows(comparison, "seconds", by_difference=True)
    assert {value for row in unmeasured for value in row["values"]} == {"–"}


def test_a_slow_spell_of_the_machine_changes_no_ratio(times: TurnTimes) -> None:
    slowed = replace(times, seconds=tuple(
        tuple(second * (3 if place % 2 else 1) for place, second in enumerate(each))
        for each in times.seconds))
    assert slowed.ratio(1).median == pytest.approx(times.ratio(1).median)


def test_nothing_is_concluded_from_a_disturbed_run(times: TurnTimes) -> None:
    comparison = compare(SMALL, LARGE)
    pair = replace(times, keys=times.keys[:2], seconds=times.seconds[:2])
    quiet_lines = views.times_lines(comparison, judged(pair, disturbed=False))
    assert any("times as long as" in line for line in quiet_lines)
    assert views.times_record(judged(pair, disturbed=False))["ratios"]
    disturbed = judged(pair, disturbed=True)
    lines = views.times_lines(comparison, disturbed)
    assert WARNING in lines and not any("times as long" in line for line in lines)
    assert views.times_record(disturbed)["ratios"] is None


@pytest.mark.parametrize("disturbed", [False, True])
def test_the_command_times_them(command, monkeypatch: pytest.MonkeyPatch,
                                disturbed: bool) -> None:
    runs_are(monkeypatch, disturbed)
    arguments = ("compare", SMALL, LARGE, "--time", "--device", "cpu", "--budget", "0.05")
    code, out, _ = command(*arguments)
    assert code == 0 and "Timed in turn on" in out
    assert ("times as long as" in out) is not disturbed and (WARNING in out) is disturbed
    told = json.loads(command(*arguments, "--format", "json")[1])["times"]
    assert len(told["median_s"]) == 2 and bool(told["ratios"]) is not disturbed


def test_the_command_times_every_layer_for_the_parts(
        command, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, True)
    code, out, err = command("compare", SMALL, LARGE, "--per-layer", "--device", "cpu", "--budget",
                             "0.05", "--level", "layer", "--format", "csv")
    assert code == 0 and f"Warning: {WARNING}" in err
    frame = pd.read_csv(io.StringIO(out))
    assert (frame["seconds_a"] + frame["seconds_b"] > 0).all()


@pytest.mark.parametrize(("arguments", "said"), [
    (("--device", "tpu"), "tpu"), (("--device", "tpu", "--per-layer"), "tpu"),
    (("--budget", "0"), "`budget_s`"),
    (("--format", "csv"), "A CSV file holds the parts alone")])
def test_what_cannot_be_timed_ends_in_a_sentence(command, arguments: tuple[str, ...],
                                                 said: str) -> None:
    code, out, err = command("compare", SMALL, LARGE, "--time", *arguments)
    assert code == 2 and said in err and not out


def test_what_does_not_run_layer_by_layer_is_refused() -> None:
    with pytest.raises(TimingError, match="as they stand"):
        submit_turns([SMALL, LARGE], "cpu", 0.1, Choices(compile=True))
    with pytest.raises(explorer.TraceError):
        submit_turns([SMALL, "inception_v3&input_size=32"], "cpu", 0.1)
    with pytest.raises(TimingError, match="memory"):
        submit_turns([SMALL, "vgg19&width=4&input_size=1024&batch_size=1024"], "cpu", 0.1)
