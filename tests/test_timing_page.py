"""The timed passes on the page: live, by layer, over batch sizes, shared and stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from explorer.networks.catalogue import configure
from explorer.pipeline import Explored, explore
from explorer.sources.key import to_key
from explorer.timing import BatchTimes, Choices, LayerTimes, Timing, TimingError, submit
from explorer.ui import runs
from explorer.ui.runs import What, Wish
from explorer.ui.timing import note
from tests.test_pages import figure, knob_key, open_app

SMALL = {"network": "mobilenetv3_small", "input_size": "32"}
KEY = to_key(configure("mobilenetv3_small", input_size=32))


def open_small(**query: str) -> AppTest:
    return rest(open_app(**SMALL, **query))


def rest(app: AppTest) -> AppTest:
    """A page that is drawn again for the same knobs: they rest, so that a pass is begun."""
    return app.run()


def press(app: AppTest, key: str) -> AppTest:
    return next(button for button in app.button if button.key == key).click().run()


def finished(app: AppTest, what: What) -> AppTest:
    """The page after the session's run is over."""
    wish = wishes(app)[what]
    run = runs.shared.find(wish)
    assert run
    wait([run], timeout=120)
    return app.run()


def wish(what: What = "pass", budget_s: float = 0.1, **knobs: object) -> Wish:
    config = configure("mobilenetv3_small", **{"input_size": 32, **knobs})
    return Wish(what, to_key(config), "cpu", Choices(), budget_s)


def wishes(app: AppTest) -> dict[What, Wish]:
    wanted: dict[What, Wish] = app.session_state["wanted"].wishes
    return wanted


def network(wish: Wish) -> Explored:
    return explore(wish.key)


def test_a_quick_pass_is_timed_by_itself_and_shown_with_its_conditions() -> None:
    app = finished(open_small(), "pass")
    assert not app.exception
    assert figure(app, "Latency") == figure(app, "Median") != "–"
    assert any("threads" in caption.value for caption in app.caption)


def test_a_disturbed_figure_says_so_beside_itself() -> None:
    measured = submit(configure("mobilenetv3_small", input_size=32), "cpu", 0.1).result()
    assert note(replace(measured, warnings=("Measure again.",))) == "disturbed, see below"


def test_a_figure_of_other_knobs_is_grey_and_said_not_to_be_there() -> None:
    app = finished(open_small(), "pass")
    before = figure(app, "Latency")
    app.number_input(key=knob_key(app, "input_size")).set_value(1024).run()
    app.number_input(key=knob_key(app, "batch_size")).set_value(64).run()     # waits for a click
    latency = next(metric for metric in app.metric if metric.label == "Latency")
    assert latency.value == f":gray[{before}]" and latency.delta == "not timed yet"
    assert not [metric for metric in app.metric if metric.label == "Median"]
    assert any(button.key == "time-pass" and "a pass" in button.label for button in app.button)


def test_choices_are_what_is_measured() -> None:
    app = open_small()
    app.selectbox(key="timing-dtype").set_value("bfloat16").run()
    app.toggle(key="timing-channels_last").set_value(True).run()
    app = finished(rest(app), "pass")
    timing = runs.shared.outcome(wishes(app)["pass"])
    assert isinstance(timing, Timing)
    assert (timing.conditions.dtype, timing.conditions.layout) == ("bfloat16", "channels last")


def test_timed_layers_are_in_the_table_until_a_knob_is_turned() -> None:
    app = open_small(overlay="time")
    app = finished(press(app, "graph-time"), "layers")
    assert not app.exception and not app.error
    times = runs.shared.outcome(wishes(app)["layers"])
    assert isinstance(times, LayerTimes)
    table = app.dataframe[0].value
    assert list(table["ms"]) == pytest.approx([1e3 * each for each in times.seconds])
    assert table["ms_share"].sum() == pytest.approx(1)
    assert "graph-time" not in {button.key for button in app.button}
    # Other knobs: nothing of it is left.
    app.select_slider(key=knob_key(app, "width")).set_value(0.5).run()
    assert "ms" not in app.dataframe[0].value


def test_why_it_takes_so_long_is_said_in_words() -> None:
    app = open_small()
    app.session_state["timing-why"] = True
    app = finished(app.run(), "layers")
    app = finished(app, "rates")
    said = " ".join(markdown.value for markdown in app.markdown)
    assert "bound by memory" in said and "depthwise convolutions" in said


def test_batch_sizes_are_timed_until_one_takes_too_long() -> None:
    app = open_small()
    app.session_state["timing-batches"] = True
    app.number_input(key="timing-budget").set_value(0.1).run()
    app = finished(press(app, "time-batches"), "batches")
    assert not app.exception and not app.error
    sweep = runs.shared.outcome(wishes(app)["batches"])
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
    run = shared.want(long, network(long), one)
    assert shared.want(long, network(long), other) is run
    shared.drop(long, one)
    time.sleep(0.5)
    assert not run.done() and shared.find(long) is run
    shared.drop(long, other)
    assert until(run.cancelled)
    assert shared.find(long) is None
    # The process is there for the next.
    assert isinstance(shared.want(wish(), network(wish()), one).result(timeout=120), Timing)


def test_a_turned_knob_stops_what_was_measured_before() -> None:
    app = open_small()
    rest(app.number_input(key="timing-budget").set_value(60.0).run())
    before = runs.shared.find(wishes(app)["pass"])
    assert before and not before.done()
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
    run = shared.want(huge, network(huge), "a")
    assert isinstance(runs.outcome(run), TimingError)
    assert shared.want(huge, network(huge), "a") is not run


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
