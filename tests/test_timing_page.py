"""The timed passes on the page: live, by layer, over batch sizes, shared, stopped and repeated.

The runs are real ones; whether they were disturbed is said by the test.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from explorer.networks.catalogue import configure
from explorer.pipeline import Explored, explore
from explorer.sources.key import to_key
from explorer.timing import (
    BatchTimes,
    Choices,
    LayerTimes,
    Rates,
    Timing,
    TimingError,
    disturbance,
    quiet,
)
from explorer.ui import bench, runs
from explorer.ui.runs import What, Wish
from tests.disturbances import WARNING, runs_are
from tests.test_pages import figure, knob_key, open_app

pytestmark = pytest.mark.usefixtures("live")

SMALL = {"network": "mobilenetv3_small", "input_size": "32"}
KEY = to_key(configure("mobilenetv3_small", input_size=32))


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what another one has measured."""
    fresh = runs.Runs()
    for module in (runs, bench):
        monkeypatch.setattr(module, "shared", fresh)


def open_small(**query: str) -> AppTest:
    return rest(open_app(**SMALL, **query))


def rest(app: AppTest) -> AppTest:
    """A page that is drawn again for the same knobs: they rest, so that a pass is begun."""
    return app.run()


def press(app: AppTest, key: str) -> AppTest:
    return next(button for button in app.button if button.key == key).click().run()


def finished(app: AppTest, what: What) -> AppTest:
    """The page after the session's run is over."""
    wait([run(app, what)], timeout=120)
    return app.run()


def run(app: AppTest, what: What = "pass") -> Future[Any]:
    wanted = app.session_state["wanted"]
    found = runs.shared.find(wanted.wishes[what], wanted.owner)
    assert found
    return found


def outcome(app: AppTest, what: What = "pass") -> Any:
    """What the session sees of a run."""
    wanted = app.session_state["wanted"]
    return runs.shared.outcome(wanted.wishes[what], wanted.owner)


def wish(what: What = "pass", budget_s: float = 0.1, **knobs: object) -> Wish:
    config = configure("mobilenetv3_small", **{"input_size": 32, **knobs})
    return Wish(what, (to_key(config),), "cpu", Choices(), budget_s)


def wishes(app: AppTest) -> dict[What, Wish]:
    wanted: dict[What, Wish] = app.session_state["wanted"].wishes
    return wanted


def networks(wish: Wish) -> list[Explored]:
    return [explore(key) for key in wish.keys]


def test_a_quick_pass_is_timed_by_itself_and_shown_with_its_conditions() -> None:
    app = finished(open_small(), "pass")
    assert not app.exception
    assert figure(app, "Latency") == figure(app, "Median") != "–"
    assert any("threads" in caption.value for caption in app.caption)


def latency(app: AppTest) -> tuple[str, str]:
    """The header figure, and what stands under it."""
    metric = next(metric for metric in app.metric if metric.label == "Latency")
    return metric.value, metric.delta


def said(app: AppTest) -> str:
    return " ".join(markdown.value for markdown in app.markdown)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


@pytest.mark.parametrize("disturbed", [False, True])
def test_no_figure_of_other_knobs_is_shown(
        monkeypatch: pytest.MonkeyPatch, disturbed: bool) -> None:
    runs_are(monkeypatch, disturbed)
    app = finished(open_small(), "pass")
    assert latency(app)[0] != "–"
    app.number_input(key=knob_key(app, "input_size")).set_value(1024)
    app.number_input(key=knob_key(app, "batch_size")).set_value(64).run()     # waits for a click
    assert latency(app) == ("–", "")
    assert not [metric for metric in app.metric if metric.label == "Median"]
    assert any(button.key == "time-pass" and "a pass" in button.label for button in app.button)


def test_the_button_stands_where_the_figure_will_be() -> None:
    app = open_app(network="resnet152", input_size="512", batch_size="8")
    assert latency(app) == ("–", "") and wishes(app) == {}
    card = app.container(key="latency")
    assert [button.key for button in card.button] == ["time-latency"]
    app = press(app, "time-latency")
    assert latency(app) == ("–", "measuring …") and "time-latency" not in keys(app)
    app = press(app, "cancel-pass")
    assert latency(app) == ("–", "") and "time-latency" in keys(app)


# A run that was disturbed.

@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disturbed run is repeated as soon as the page looks and the machine is quiet."""
    monkeypatch.setattr(bench, "RESTS_S", (0.0, 0.0))
    monkeypatch.setattr(bench, "WINDOW_S", 0.0)


def machine_is(monkeypatch: pytest.MonkeyPatch, *, busy: bool) -> None:
    monkeypatch.setattr(disturbance.Load, "takes_from", lambda *_: busy)


def test_a_disturbed_figure_is_marked_and_compared_with_nothing(
        monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, False, True, False)
    machine_is(monkeypatch, busy=True)
    app = finished(rest(open_app(network="mobilenetv3_small")), "pass")
    assert latency(app)[1] == "on cpu, batch 1"
    app = finished(rest(app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()), "pass")
    median = next(metric for metric in app.metric if metric.label == "Median")
    assert latency(app) == (median.value, "disturbed, waiting") and median.delta == "disturbed"
    assert WARNING in said(app) and "Beside the preset" not in said(app)
    app = finished(press(app, "again-pass"), "pass")
    assert "disturbed" not in latency(app)[1] and WARNING not in said(app)
    assert "Beside the preset" in said(app)


def test_a_disturbed_run_is_repeated_when_the_machine_is_quiet(
        monkeypatch: pytest.MonkeyPatch, no_rest: None) -> None:
    runs_are(monkeypatch, True, False)
    machine_is(monkeypatch, busy=True)
    app = finished(open_small(), "pass")
    first = run(app)
    for _ in range(3):
        value, note = latency(app.run())
        assert run(app) is first and note == "disturbed, waiting"
    machine_is(monkeypatch, busy=False)
    app.run()
    assert run(app) is not first
    if not run(app).done():     # what was measured stays while it is measured again
        assert latency(app)[0] == value
    app = finished(app, "pass")
    assert quiet(outcome(app)) and outcome(app) is run(app).result()
    assert latency(app)[1] == "on cpu, batch 1"
    after = run(app)
    assert run(app.run()) is after


def test_it_is_repeated_a_few_times_only(monkeypatch: pytest.MonkeyPatch, no_rest: None) -> None:
    runs_are(monkeypatch, True)
    machine_is(monkeypatch, busy=False)
    begun: list[Wish] = []
    submit = runs._submit
    monkeypatch.setattr(runs, "_submit",
                        lambda wish, network: begun.append(wish) or submit(wish, network))
    app = open_small()
    for _ in range(2 * len(bench.RESTS_S) + 2):
        app = finished(app, "pass")
    assert len(begun) == 1 + len(bench.RESTS_S)
    assert latency(app)[1] == "disturbed" and "again-pass" in keys(app)


def test_one_session_s_disturbed_run_is_not_another_s_figure(
        monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, True, False)
    machine_is(monkeypatch, busy=True)
    one = finished(open_small(), "pass")
    other = open_small()
    assert run(other) is not run(one) or quiet(run(other).result())
    other = finished(other, "pass")
    assert latency(other)[1] == "on cpu, batch 1"
    assert latency(one.run()) == latency(other)


def test_disturbed_layers_colour_nothing_and_say_why_of_nothing(
        monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, True)
    machine_is(monkeypatch, busy=True)
    app = open_small(overlay="time")
    app.session_state["timing-why"] = True
    app = finished(finished(press(app, "graph-time"), "layers"), "rates")
    assert not app.exception and not app.error
    assert isinstance(outcome(app, "layers"), LayerTimes)
    assert "ms" not in app.dataframe[0].value
    assert "graph-time" in keys(app)
    assert WARNING in said(app) and "bound by memory" not in said(app)
    charts = len(app.get("plotly_chart"))
    blocks = next(frame for frame in app.dataframe if "ms" in frame.value)
    assert blocks.value["ms"].sum() > 0 and blocks.value["share"].isna().all()
    runs_are(monkeypatch, False)
    app = finished(finished(press(app, "graph-time"), "layers"), "rates")
    assert "bound by memory" in said(app) and "ms" in app.dataframe[0].value
    assert len(app.get("plotly_chart")) == charts + 2       # the roofline, and where the time sits


def test_rates_that_layers_are_above_are_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(measured: Any) -> Any:
        """Rates that every layer is above, the first time and the second."""
        return replace(measured, flops_per_s=1.0, bytes_per_s=1.0, measured=1 + (
            "ceiling" in wishes(app))) if isinstance(measured, Rates) else measured

    runs_are(monkeypatch, False, change=slow)
    app = open_small()
    app.session_state["timing-why"] = True
    app = finished(finished(app.run(), "layers"), "rates")
    assert "are above the roof" in said(app)
    app = finished(app, "ceiling")
    assert "have been measured 2 times" in said(app) and "only once" not in said(app)


def test_choices_are_what_is_measured() -> None:
    app = open_small()
    app.selectbox(key="timing-dtype").set_value("bfloat16").run()
    app.toggle(key="timing-channels_last").set_value(True).run()
    app = finished(rest(app), "pass")
    timing = outcome(app)
    assert isinstance(timing, Timing)
    assert (timing.conditions.dtype, timing.conditions.layout) == ("bfloat16", "channels last")


def test_timed_layers_are_in_the_table_until_a_knob_is_turned(
        monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, False)
    app = open_small(overlay="time")
    app = finished(press(app, "graph-time"), "layers")
    assert not app.exception and not app.error
    times = outcome(app, "layers")
    assert isinstance(times, LayerTimes)
    table = app.dataframe[0].value
    assert list(table["ms"]) == pytest.approx([1e3 * each for each in times.seconds])
    assert table["ms_share"].sum() == pytest.approx(1)
    assert "graph-time" not in keys(app)
    # Other knobs: nothing of it is left.
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert "ms" not in app.dataframe[0].value


def test_why_it_takes_so_long_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, False)
    app = open_small()
    app.session_state["timing-why"] = True
    app = finished(app.run(), "layers")
    app = finished(app, "rates")
    assert "bound by memory" in said(app) and "depthwise convolutions" in said(app)


def test_batch_sizes_are_timed_until_one_takes_too_long() -> None:
    app = open_small()
    app.session_state["timing-batches"] = True
    app.number_input(key="timing-budget").set_value(0.1).run()
    app = finished(press(app, "time-batches"), "batches")
    assert not app.exception and not app.error
    sweep = outcome(app, "batches")
    assert isinstance(sweep, BatchTimes)
    sizes = [point.batch_size for point in sweep.points]
    assert sizes == [2 ** power for power in range(len(sizes))]
    last = sweep.points[-1].timing
    assert last is None or last.median_s > 0.1


def test_a_pass_that_does_not_fit_is_refused_in_a_sentence() -> None:
    app = open_app(network="vgg16", batch_size="4096", input_size="1024")
    app = press(app, "time-pass")
    assert not app.exception
    assert any("needs about" in error.value and "are free" in error.value for error in app.error)


def test_a_run_that_another_session_wants_goes_on_and_one_that_nobody_wants_is_stopped() -> None:
    shared, long = runs.Runs(), wish(budget_s=60, input_size=224)
    one, other = uuid4().hex, uuid4().hex
    run = shared.want(long, networks(long), one)
    assert shared.want(long, networks(long), other) is run
    shared.drop(long, one)
    time.sleep(0.5)
    assert not run.done() and shared.find(long, other) is run
    shared.drop(long, other)
    assert until(run.cancelled)
    assert shared.find(long, other) is None
    # The process is there for the next.
    assert isinstance(shared.want(wish(), networks(wish()), one).result(timeout=120), Timing)


def test_a_turned_knob_stops_what_was_measured_before() -> None:
    app = open_small()
    rest(app.number_input(key="timing-budget").set_value(60.0).run())
    before = run(app)
    assert not before.done()
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert until(before.cancelled)


def test_a_cancelled_run_does_not_begin_again_by_itself() -> None:
    app = open_small()
    rest(app.number_input(key="timing-budget").set_value(60.0).run())
    app = press(app, "cancel-pass")
    assert wishes(app) == {} and wishes(app.run()) == {}
    assert "pass" in wishes(press(app, "time-pass"))
    assert wishes(press(app, "cancel-pass")) == {}
    app = rest(app.select_slider(key=knob_key(app, "width")).set_value(0.5).run())
    assert "pass" in wishes(app)


def test_a_refused_run_is_an_outcome_and_is_tried_again_when_asked_for_again() -> None:
    shared = runs.Runs()
    huge = wish(batch_size=4096, input_size=1024, width=4.0)
    run = shared.want(huge, networks(huge), "a")
    assert isinstance(runs.outcome(run), TimingError)
    assert shared.want(huge, networks(huge), "a") is not run


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
