"""From a disturbed run nothing is concluded, whichever way the figures leave the program.

Every run is a real one; whether it was disturbed is said by the test, so that none depends on what
else the machine does.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from explorer.networks.catalogue import configure
from explorer.pipeline import explore, summarise
from explorer.timing import (
    BatchTimes,
    Choices,
    LayerTimes,
    Rates,
    Timing,
    place,
    prediction,
    quiet,
    roofline,
    submit,
    submit_batches,
    submit_layers,
)
from explorer.timing.disturbance import Gauge, Load
from explorer.ui import bench, runs
from explorer.views import charts, timings
from explorer.views import roofline as roofline_views
from tests.disturbances import judged, runs_are
from tests.test_timing_page import networks, wish

SMALL = configure("mobilenetv3_small", input_size=32, width=0.25)
ONE = Choices(threads=1)
RATES = Rates(device="cpu", dtype="float32", flops_per_s=1e12, bytes_per_s=1e12,
              launch_s={"convolution": 1e-6})


@pytest.fixture(scope="module")
def timing() -> Timing:
    return judged(submit(SMALL, "cpu", 0.05, ONE).result(), disturbed=False)


@pytest.fixture(scope="module")
def times() -> LayerTimes:
    return judged(submit_layers(SMALL, "cpu", 0.05, ONE).result(), disturbed=False)


@pytest.fixture(scope="module")
def batches() -> BatchTimes:
    return judged(submit_batches(SMALL, "cpu", 0.05, ONE, batches=[1, 2]).result(),
                  disturbed=False)


# The rule.

def test_figures_conclude_together_where_none_was_disturbed(
        timing: Timing, times: LayerTimes, batches: BatchTimes) -> None:
    assert quiet(timing, times, batches, RATES)
    for each in (timing, times, batches, RATES):
        assert not quiet(timing, judged(each, disturbed=True))
    one, two = batches.points
    assert not quiet(replace(batches, points=(one, replace(two, timing=judged(two.timing, True)))))


def test_a_gauge_counts_from_when_it_was_made() -> None:
    gauge = Gauge()
    time.sleep(0.05)
    load = gauge.load
    assert load.elapsed_s >= 0.05 and 0 <= load.cores <= (psutil.cpu_count() or 1) + 1


def test_a_run_has_less_than_it_needs_where_others_have_its_cores() -> None:
    cores = psutil.cpu_count() or 1
    assert Load(cores, elapsed_s=1).takes_from(1)
    assert not Load(cores - 1, elapsed_s=1).takes_from(1)
    assert Load(0.5 * cores, elapsed_s=1).takes_from(cores)
    assert not Load(0.1 * cores, elapsed_s=1).takes_from(cores)


# What is predicted.

@pytest.mark.parametrize("disturbed", [False, True])
def test_only_a_quiet_run_teaches_the_rate(
        monkeypatch: pytest.MonkeyPatch, disturbed: bool) -> None:
    monkeypatch.setattr(prediction, "_rates", {"cpu": 30e9, "cuda": 1e12})
    runs_are(monkeypatch, disturbed)
    submit(configure("resnet34", input_size=128), "cpu", budget_s=0.1)
    submit(SMALL, "cpu", 0.05).result()     # then the callbacks of the run before have been called
    assert (prediction._rates["cpu"] == 30e9) == disturbed


# The rates of the device.

def measured_rates(monkeypatch: pytest.MonkeyPatch, *rates: Rates) -> list[Rates]:
    """What is left of the rates that are measured one after the other."""
    left = list(rates)
    monkeypatch.setattr(roofline, "_kept", {})
    monkeypatch.setattr(roofline, "_rates", lambda *_: left.pop(0))
    return left


def test_disturbed_rates_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    disturbed = judged(RATES, disturbed=True)
    left = measured_rates(monkeypatch, disturbed, RATES)
    assert roofline.measure_rates("cpu", ONE) == disturbed
    assert roofline.measure_rates("cpu", ONE) == RATES == roofline.measure_rates("cpu", ONE)
    assert left == []


def test_rates_are_measured_again_once_and_the_best_counts(
        monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(RATES, flops_per_s=2e12, bytes_per_s=1e11, launch_s={"convolution": 5e-7})
    measured_rates(monkeypatch, RATES, judged(other, disturbed=True), other)
    roofline.measure_rates("cpu", ONE)
    assert not quiet(roofline.measure_rates("cpu", ONE, again=True))
    assert roofline.measure_rates("cpu", ONE) == RATES
    best = replace(RATES, flops_per_s=2e12, launch_s={"convolution": 5e-7}, measured=2)
    for again in (True, True, False):
        assert roofline.measure_rates("cpu", ONE, again=again) == best


def test_what_is_above_the_roof_is_told(times: LayerTimes) -> None:
    summary = summarise(SMALL)
    # A device so quick that no layer comes near, and one that all are above.
    quick, slow = (replace(RATES, flops_per_s=rate, bytes_per_s=rate) for rate in (1e14, 1.0))
    assert place(summary, times, quick, ONE).above == ()
    above = place(summary, times, slow, ONE)
    counted = [spot for spot in above.spots if spot.intensity]
    assert list(above.above) == counted
    once, twice = (" ".join(roofline_views.sentences(replace(above, rates=rates)))
                   for rates in (slow, replace(slow, measured=2)))
    told = f"{len(counted)} of {len(above.spots)} calls are above the roof"
    assert told in once and "only once" in once
    assert told in twice and "measured 2 times" in twice and "only once" not in twice
    assert "above the roof" not in " ".join(
        roofline_views.sentences(place(summary, times, quick, ONE)))


def test_a_little_above_the_roof_is_not_above(times: LayerTimes) -> None:
    roofs = place(summarise(SMALL), times, RATES, ONE)
    spot = next(spot for spot in roofs.spots if spot.flops and spot.bytes)
    at = [spot._replace(attainable=1.0, seconds=spot.flops / reached) for reached in (1.05, 1.2)]
    assert replace(roofs, spots=tuple(at)).above == (at[1],)


def test_no_sentence_comes_from_disturbed_times_or_rates(times: LayerTimes) -> None:
    summary = summarise(SMALL)
    assert len(roofline_views.sentences(place(summary, times, RATES, ONE))) > 1
    for made in (place(summary, judged(times, True), RATES, ONE),
                 place(summary, times, judged(RATES, True), ONE)):
        assert roofline_views.sentences(made) == [str(roofline_views.DISTURBED)]


# Tables, text and files.

def test_disturbed_layers_have_times_and_no_shares(times: LayerTimes) -> None:
    explored, disturbed = explore(SMALL), judged(times, disturbed=True)
    roofs = place(explored.summary, disturbed, RATES, ONE)
    frame = timings.layer_time_frame(explored, disturbed, roofs)
    assert list(frame["seconds"]) == list(times.seconds)
    assert frame["share"].isna().all() and "bound" not in frame
    blocks = timings.block_time_frame(explored, disturbed)
    assert blocks["seconds"].sum() == pytest.approx(times.sum_s)
    assert blocks["share"].isna().all()
    assert "%" in timings.layers_sentence(times)
    assert "%" not in timings.layers_sentence(disturbed)


def test_a_disturbed_batch_size_is_a_ring(batches: BatchTimes) -> None:
    one, two = batches.points
    frame = timings.batch_frame(
        replace(batches, points=(one, replace(two, timing=judged(two.timing, True)))))
    assert list(frame["disturbed"]) == [False, True]
    for trace in charts.batch_sweep(frame).data:
        assert trace.marker.symbol == ("circle", "circle-open")


# What sessions share.

def test_a_disturbed_run_is_seen_by_who_waited_for_it_and_by_nobody_else(
        monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, True, False)
    shared, small = runs.Runs(), wish()
    first = shared.want(small, networks(small), "one")
    assert not quiet(first.result(timeout=120))
    assert shared.find(small, "one") is first and shared.outcome(small, "one") is first.result()
    assert shared.find(small, "other") is shared.outcome(small) is None
    again = shared.want(small, networks(small), "other")
    assert again is not first and shared.find(small, "one") is again
    assert shared.outcome(small, "one") in (first.result(), again.result(timeout=120))
    for owner in ("one", "other", ""):
        assert shared.find(small, owner) is again
        assert shared.outcome(small, owner) is again.result()


def test_a_disturbed_run_that_is_dropped_or_of_another_file_is_gone(
        monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, True)
    shared, small = runs.Runs(), wish()
    for let_go in (lambda: shared.drop(small, "one"), shared.forget_all):
        shared.want(small, networks(small), "one").result(timeout=120)
        assert shared.find(small, "one")
        let_go()
        assert shared.find(small, "one") is shared.outcome(small, "one") is None


# When it is repeated.

class Clock:
    """A clock, and a machine that others keep `busy`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s, self.busy = 1000.0, False
        monkeypatch.setattr(bench, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        monkeypatch.setattr(bench, "Gauge", self.gauge)

    def gauge(self) -> object:
        start_s = self.now_s

        class FakeGauge:
            load = property(lambda _: Load(math.inf if self.busy else 0.0, self.now_s - start_s))
        return FakeGauge()

    def repeats(self) -> bench.Repeats:
        return bench.Repeats(Future(), first_s=self.now_s, since_s=self.now_s, gauge=self.gauge())

    def looks(self, repeats: bench.Repeats, seconds: float) -> list[float]:
        """After how many seconds it is repeated; each repeat is disturbed too, at once."""
        start_s, times = self.now_s, []
        while self.now_s < start_s + seconds:
            self.now_s += bench.POLL_S
            if repeats.due(repeats.run, threads=1):
                repeats.begun += 1
                times.append(self.now_s - start_s)
                repeats.due(Future(), threads=1)
        return times


def test_it_is_repeated_a_few_times_after_rests_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    repeats = clock.repeats()
    times = clock.looks(repeats, 2 * sum(bench.RESTS_S))
    rests = [after - before for before, after in zip([0.0, *times], times, strict=False)]
    assert rests == pytest.approx(bench.RESTS_S, abs=bench.POLL_S)
    assert len(rests) == len(bench.RESTS_S) and not repeats.left


def test_it_is_not_repeated_before_the_machine_is_quiet_and_not_for_ever(
        monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    repeats, never = clock.repeats(), clock.repeats()
    clock.busy = True
    assert clock.looks(repeats, 100) == []
    clock.busy = False
    assert clock.looks(repeats, 5)[:1] == [1]
    clock.busy = True
    clock.looks(never, bench.PATIENCE_S)
    clock.busy = False
    assert not never.left and clock.looks(never, 100) == []
