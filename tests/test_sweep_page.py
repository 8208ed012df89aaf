"""The Sweep page: its link, its form, what is counted in the background, what it shows."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import explorer
from explorer.cli.main import cli
from explorer.config import ConfigError, find_knob
from explorer.sources.key import from_key, to_key
from explorer.sweeping import FIGURES, Grid, grid, suggested, sweep
from explorer.timing import Timing, quiet, time_forward
from explorer.ui.limits import Limits
from explorer.ui.sweep import background, progress, table
from explorer.ui.sweep.background import Sweep, Sweeps, SweepWish
from explorer.ui.sweep.form import common_knobs
from explorer.views import sweep as views
from explorer.views.sweep import curves, heat, pareto
from tests.disturbances import WARNING
from tests.test_pages import ROOT, warnings

pytestmark = pytest.mark.xdist_group("sweep page")      # who counts stays warm

PAGE = "pages/sweep.py"
SMALL = ["mobilenetv3_small&input_size=64"]


def open_page(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def counted(app: AppTest) -> AppTest:
    """The page once all is counted; it is drawn once on the way."""
    end, on_the_way = time.monotonic() + 120, time.monotonic() + 0.2
    while any("Cancel" in button.label for button in app.button) and time.monotonic() < end:
        while any(found.running and found.owners for found in [*background.shared._sweeps.values()]
                  ) and time.monotonic() < on_the_way:
            time.sleep(0.02)
        on_the_way = end
        app.run()
    assert not app.exception and not [error for error in app.error if "wrong" in error.value]
    return app


def address(app: AppTest) -> dict[str, list[str]]:
    return {name: app.query_params[name] if isinstance(app.query_params[name], list)
            else [app.query_params[name]] for name in app.query_params}


def said(app: AppTest) -> str:
    """All that the page says."""
    return " ".join([one.value for kind in (app.markdown, app.caption, app.info, app.error)
                     for one in kind] + [one.proto.body for one in app.get("html")])


def key(app: AppTest, name: str) -> str:
    return f"sweep-{name}-{app.session_state['sweep']['opened']}"


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def numbers(sent: Any) -> list[float]:
    """What plotly sends as a list, or as bytes."""
    if isinstance(sent, list):
        return sent
    return [float(each) for each in np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"])]


# The link and the form.

def test_without_a_link_a_sweep_stands_there_and_counts_by_itself() -> None:
    app = counted(open_page())
    assert address(app) == {"network": ["mobilenetv3_large"], "over": ["width=0.25:1.5:0.125"]}
    assert "11 configs" in said(app) and "Parameters" in said(app)
    assert len(charts(app)) == 4


@pytest.mark.parametrize("query", [
    {"network": ["resnet18", "resnet34&shortcut=A"], "over": ["width=0.5:1:0.25", "depth=1,2"]},
    {"network": ["timm:resnet10t"], "over": ["input_size=64,96"], "view": ["table"]},
    {"network": SMALL, "over": ["squeeze_excite=off,on", "width=0.5,1"], "view": ["pareto"],
     "x": ["params"], "y": ["saved_memory"], "less": ["less,less"], "colour": ["macs"],
     "size": ["width"]},
    {"network": SMALL, "over": ["width=0.5:1:0.25"], "view": ["fit"], "limit": ["params=2M"]},
])
def test_the_link_is_what_it_shows(query: dict[str, list[str]]) -> None:
    app = counted(open_page(**query))
    assert not app.warning and not app.error
    assert address(app) == query
    assert address(open_page(**address(app))) == query


@pytest.mark.parametrize(("query", "left", "why"), [
    ({"network": ["resnet5", "resnet18"], "over": ["width=0.5,1"]},
     (["resnet18"], ["width=0.5,1"]), "Unknown network 'resnet5'"),
    ({"network": ["resnet18"], "over": ["width=1:0.5:0.1", "depth=1,2"]},
     (["resnet18"], ["depth=1,2"]), "runs backwards"),
    ({"network": ["resnet18"], "over": ["depth=1,2", "aux_head=on,off"]},
     (["resnet18"], ["depth=1,2"]), "aux_head"),
    ({"network": ["resnet18"], "over": ["width=0:1:0"]}, (["resnet18"], None), "step of `width`"),
    ({"network": ["/etc/passwd.py:Net"]}, (["mobilenetv3_large"], None), "has no knobs"),
    ({"network": ["resnet18"], "over": ["width=1"], "nonsense": ["1"]},
     (["resnet18"], ["width=1"]), "`nonsense` is no part of a sweep"),
    ({"network": ["resnet18"], "over": ["width=1", "depth=1", "batch_size=1", "num_classes=10"]},
     (["resnet18"], ["width=1", "depth=1", "batch_size=1"]), "3 knobs"),
    ({"network": ["timm:nothing_like_it", "resnet18"], "over": ["width=1"]},
     (["resnet18"], ["width=1"]), "nothing_like_it"),
    ({"network": ["resnet18"], "over": ["width=1", "width=0.5"]}, (["resnet18"], ["width=1"]),
     "The knob width is given twice: 0.5 is left"),
    ({"network": ["resnet18"], "over": ["width=1"], "view": ["cake"]}, (["resnet18"], ["width=1"]),
     "`view` cannot be 'cake' in this sweep; it is one of curves, pareto"),
    ({"network": ["resnet18"], "over": ["width=1"], "x": ["latency"]}, (["resnet18"], ["width=1"]),
     "`x` cannot be 'latency'"),
    ({"network": ["resnet18"], "over": ["width=1"], "along": ["depth"]},
     (["resnet18"], ["width=1"]), "`along` cannot be 'depth' in this sweep; it is one of width"),
    ({"network": ["resnet18"], "over": ["batch_size=1:999999:1"]}, (["resnet18"], None),
     "more than 20,000 values"),
])
def test_a_broken_part_of_a_link_costs_itself_alone(
        query: dict[str, list[str]], left: tuple[list[str], list[str] | None], why: str) -> None:
    app = open_page(**query)
    networks, over = left
    assert address(app)["network"] == networks
    assert over is None or address(app)["over"] == over
    assert why in warnings(app).replace("\\", "")


OPENED = """
from explorer.ui.sweep.form import SweepForm

form = SweepForm()
form.open_address()
form.write_address()
form.grid()
"""

texts = st.text(max_size=30) | st.sampled_from([
    "resnet18", "resnet18&width=9", "width=0.5:1:0.1", "width=::", "=", "&", "blocks=1-1-1-1",
    "width=nan", "width=1e999", "input_size=1:4096:1", "input_size=٣", "net.py:Net"])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["network", "over", "view", "x", "held", "where", "odd"]),
                       st.lists(texts, min_size=1, max_size=4), max_size=5))
def test_any_link_opens(query: dict[str, list[str]]) -> None:
    app = AppTest.from_string(OPENED)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, (query, app.exception)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(["view", "x", "y", "less", "colour", "size", "presets",
                                        "held", "limit", "limit2", "prefer", "where", "key",
                                        "along", "figure", "time"]),
                       st.text(max_size=20) | st.sampled_from(
                           ["pareto", "heat", "table", "fit", "macs", "width", "latency=5ms",
                            "macs=1e999", "width=0.5", "resnet18", "macs<=1M"]), max_size=6))
def test_any_choice_of_a_link_is_shown_or_left(choices: dict[str, str]) -> None:
    choices = {**choices, "time": "off"}
    app = counted(open_page(network=SMALL, over=["width=0.5,1", "input_size=64,96"], **choices))
    assert not app.exception and "cannot be shown" not in said(app)


def test_a_knob_is_chosen_and_its_range_turned() -> None:
    app = counted(open_page(network=SMALL, over=["width=0.5:1:0.25"]))
    app.number_input(key=key(app, "values-0-width") + "-Step").set_value(0.125).run()
    assert address(app)["over"] == ["width=0.5:1:0.125"] and "5 configs" in said(app)
    app.selectbox(key=key(app, "knob-1")).select("squeeze_excite").run()
    assert address(app)["over"] == ["width=0.5:1:0.125", "squeeze_excite=off,on"]
    assert "10 configs" in said(counted(app))
    app.selectbox(key=key(app, "knob-0")).select("input_size").run()
    assert address(app)["over"][0] == f"input_size={suggested(from_key(SMALL[0]), 'input_size')}"
    app.selectbox(key=key(app, "knob-1")).select("").run()
    assert len(address(app)["over"]) == 1


@pytest.mark.parametrize(("part", "value", "why"), [
    ("From", 2.0, "runs backwards"), ("Step", 0.0, "must be above 0")])
def test_a_mistake_in_a_range_is_told_and_nothing_starts(
        part: str, value: float, why: str) -> None:
    app = counted(open_page(network=SMALL, over=["width=0.5:1:0.25"]))
    app.number_input(key=key(app, "values-0-width") + f"-{part}").set_value(value).run()
    assert why in app.error[0].value.replace("\\", "") and not charts(app)
    assert not app.exception


def test_a_sweep_is_of_a_network_at_least() -> None:
    app = open_page(network=SMALL, over=["width=0.5,1"])
    app.multiselect(key=key(app, "networks")).set_value([*SMALL, "resnet18"]).run()
    assert address(app)["network"] == [*SMALL, "resnet18"]
    app.multiselect(key=key(app, "networks")).set_value([]).run()
    assert "Choose a network" in app.error[0].value and not app.exception


def test_a_sweep_beyond_the_limit_is_told_with_its_numbers() -> None:
    app = open_page(network=SMALL, over=["width=0.125:4:0.001", "input_size=1:4096:1"])
    assert "may have at most 20,000" in app.error[0].value and not charts(app)
    app = open_page(network=SMALL, over=["width=0.25:4:0.01", "input_size=64:320:1"])
    assert "1 network × 376 of width × 257 of input_size are 96,632 configs" in \
        app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("network", explorer.presets())
def test_every_knob_has_values_to_begin_with(network: str) -> None:
    for knob in common_knobs([network]):
        values = len(grid([network], [f"{knob}={suggested(from_key(network), knob)}"]))
        assert 2 <= values <= 40, knob


# In the background.

@pytest.fixture
def own() -> Iterator[Sweeps]:
    made = Sweeps()
    yield made
    made.end()


def wish(*keys: str, timed: bool = False) -> SweepWish:
    return SweepWish(keys, timed, len(keys))


def many(network: str = "resnet50", count: int = 400) -> SweepWish:
    return wish(*[f"{network}&input_size={size}" for size in range(100, 100 + count)])


def wait(found: Sweep, met: Callable[[Sweep], bool] = lambda one: not one.running,
         limit_s: float = 120) -> None:
    end = time.monotonic() + limit_s
    while not met(found) and time.monotonic() < end:
        time.sleep(0.02)
    assert met(found), found.phase


def test_what_is_found_is_what_a_sweep_finds(own: Sweeps) -> None:
    keys = ["resnet18", "resnet18&width=0.5", "vgg11&input_size=1"]
    found = own.want(wish(*keys), "somebody")
    wait(found)
    assert found.phase == "done" and found.records == {
        record.key: record for record in sweep(keys, workers=1)}


def test_two_who_want_the_same_share_it_and_the_last_stops_it(own: Sweeps) -> None:
    asked = many()
    found = own.want(asked, "one")
    assert own.want(asked, "other") is found
    wait(found, lambda sweep: len(sweep.records) > 0)
    own.leave("one")
    assert not found.unwanted
    own.leave("other")
    wait(found)
    assert found.phase == "stopped" and 0 < len(found.records) < len(asked.keys)
    again = own.want(asked, "one")
    assert again is not found and again.known >= len(found.records)


def test_another_sweep_drops_the_one_before(own: Sweeps) -> None:
    found = own.want(many(), "somebody")
    other = own.want(wish("resnet18"), "somebody")
    wait(found)
    wait(other)
    assert found.phase == "stopped" and other.phase == "done"


def test_what_was_counted_once_is_not_counted_again(own: Sweeps) -> None:
    wait(own.want(wish("resnet18", "vgg11"), "somebody"))
    assert own.known(["resnet18", "vgg11", "vgg13"]) == 2
    found = own.want(wish("vgg11", "vgg13"), "somebody")
    assert found.known == 1
    wait(found)
    assert len(found.records) == 2
    own.clear()
    assert own.known(["resnet18"]) == 0


def test_killed_processes_cost_nothing(own: Sweeps) -> None:
    asked = many("resnet18", 160)
    found = own.want(asked, "somebody")
    wait(found, lambda sweep: len(sweep.records) > 0)
    for process in psutil.Process().children(recursive=True):
        if "popen_loky" in " ".join(process.cmdline()):
            process.kill()
    wait(found)
    assert found.phase == "done" and set(found.records) == set(asked.keys)
    assert all(record.totals for record in found.records.values())


def test_the_processes_leave_the_processor_to_others(own: Sweeps) -> None:
    wait(own.want(wish("resnet18"), "somebody"))
    nice = [process.nice() for process in psutil.Process().children(recursive=True)
            if "popen_loky" in " ".join(process.cmdline())]
    assert nice.count(background.NICE) >= 1


def test_a_host_s_limit_of_layers_holds(own: Sweeps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "limits", lambda: Limits(layers=50))
    found = own.want(wish("vgg11", "resnet50"), "somebody")
    wait(found)
    assert found.records["vgg11"].totals and "up to 50 are opened here" in (
        found.records["resnet50"].error or "")


def test_latencies_come_after_all_is_counted_and_within_the_limits(
        own: Sweeps, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"mobilenetv3_small&input_size={size}" for size in (32, 64)] + ["vgg19"]
    monkeypatch.setattr(background, "BUDGET_S", 0.05)
    found = own.want(wish(*keys, "vgg11&input_size=1", timed=True), "somebody")
    wait(found)
    assert found.phase == "done" and found.share == 1
    assert found.records[keys[0]].timing and found.records[keys[1]].timing
    assert found.records["vgg11&input_size=1"].error
    monkeypatch.setattr("explorer.ui.runs.limits", lambda: Limits(pass_seconds=1e-6))
    other = "mobilenetv3_small&input_size=40"
    refused = own.want(wish(keys[0], other, timed=True), "other")
    wait(refused)
    assert "this server times passes of up to" in (refused.records[other].error or "")
    assert refused.records[other].totals
    if quiet(found.records[keys[0]].timing):        # what was timed once is not timed again
        assert refused.records[keys[0]].timing == found.records[keys[0]].timing
    assert own.want(wish(keys[0]), "third").records[keys[0]].timing is None


def test_a_failed_sweep_is_told_and_does_not_begin_again_by_itself(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise explorer.sweeping.WorkerError("A worker has another version of the program.")

    monkeypatch.setattr(background, "shared", Sweeps())
    monkeypatch.setattr(background, "sweep", fails)
    app = counted(open_page(network=SMALL, over=["width=0.5,1"]))
    app.run()
    assert "another version" in app.error[0].value
    assert any(button.label.startswith("Count 2 configs") for button in app.button)


def test_a_large_sweep_waits_for_a_click_and_can_be_cancelled(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "BY_ITSELF_S", 0.0)
    monkeypatch.setattr(background, "shared", Sweeps())
    app = open_page(network=["resnet50"], over=["input_size=100:499:1"])
    assert not charts(app)
    start = next(button for button in app.button if button.label == "Count 400 configs")
    assert re.search(r"400 of input size, about \d+ (s|min)", said(app))
    start.click().run()
    next(button for button in app.button if button.label == "Cancel").click().run()
    assert any(button.label == "Count 400 configs" for button in app.button)
    app.run()
    assert not any(button.label == "Cancel" for button in app.button)


def test_a_small_sweep_that_was_dropped_begins_again_by_itself(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "shared", Sweeps())
    app = open_page(network=SMALL, over=["width=0.25:1:0.01"])
    [dropped] = background.shared._sweeps.values()
    for owner in list(dropped.owners):
        background.shared.leave(owner)
    assert dropped.unwanted or dropped.phase == "done"
    app = counted(open_page(network=SMALL, over=["width=0.25:1:0.01"]))
    assert charts(app) and not any("Count" in button.label for button in app.button)


# What it shows.

SWEPT = {
    "a range": (SMALL, ["width=0.25:1:0.125"]),
    "a choice": (SMALL, ["squeeze_excite=off,on"]),
    "blocks": (["resnet18&input_size=64"], ["blocks=1-1-1-1,2-2-2-2"]),
    "two": (SMALL, ["width=0.5,1", "input_size=64:128:32"]),
    "a choice and a number": (SMALL, ["kernel_size=3x3,5x5", "width=0.5,1"]),
    "three of two networks": (["vgg11&input_size=32", "vgg13&input_size=32"],
                              ["width=0.25,0.5", "batch_norm=off,on", "num_classes=10,100"]),
    "some that cannot run": (["vgg11"], ["input_size=16:64:16"]),
    "none that can": (["vgg11"], ["input_size=1,2,3"]),
    "a library's": (["timm:resnet10t"], ["input_size=64,96"]),
}


@pytest.fixture(scope="module")
def found_by_name() -> dict[str, tuple[Grid, dict[str, explorer.sweeping.Record]]]:
    made = {}
    for name, (networks, over) in SWEPT.items():
        own = grid(networks, over)
        made[name] = own, {record.key: record for record in sweep(own, workers=1)}
    return made


@pytest.mark.parametrize("view", ["curves", "pareto", "heat", "table", "fit"])
@pytest.mark.parametrize("name", SWEPT)
def test_every_view_of_every_sort_of_sweep(name: str, view: str) -> None:
    networks, over = SWEPT[name]
    app = counted(open_page(network=networks, over=over, view=view))
    assert not app.exception and "cannot be shown" not in said(app)
    if name == "none that can":
        assert "None of the 3 configs can run" in app.error[0].value


@pytest.mark.parametrize("name", SWEPT)
def test_the_table_has_what_the_summaries_say(name: str, found_by_name: Any) -> None:
    own, records = found_by_name[name]
    frame = views.frame(own, records)
    assert len(frame) == len(own)
    for _, row in frame.iterrows():
        record = records[row["key"]]
        for figure in FIGURES:
            assert row[figure] == record.figure(figure) or (
                pd.isna(row[figure]) and record.figure(figure) is None)


def test_curves_are_of_one_network_each_and_in_order(found_by_name: Any) -> None:
    own, records = found_by_name["three of two networks"]
    drawn = curves.curves(own, records, "width", {"num_classes": "10"})
    assert [curve.others for curve in drawn] == [
        "BatchNorm off, classes 10", "BatchNorm on, classes 10"] * 2
    for curve in drawn:
        assert [x for x, _ in curve.points] == [0.25, 0.5]
        for _, record in curve.points:
            assert record.totals == records[record.key].totals
    assert len(curves.curves(own, records, "width", {})) == 8


def test_a_chart_has_the_figures_of_its_configs() -> None:
    app = counted(open_page(network=["resnet18"], over=["input_size=64,128,256"]))
    macs = charts(app)[1]["data"][0]
    assert [explorer.summarise(f"resnet18&input_size={size}").totals.macs
            for size in (64, 128, 256)] == macs["y"]
    assert "input size<sup>2</sup>" in said(app) and "do not depend on input size" in said(app)


def test_what_is_rounded_is_drawn_as_steps() -> None:
    app = counted(open_page(network=["mobilenetv3_small"], over=["width=0.5:0.6:0.01"]))
    assert charts(app)[1]["data"][0]["line"]["shape"] == "hv"
    assert "rounded to a multiple of 8" in said(app)


def test_the_front_on_the_page_is_that_of_the_figures(found_by_name: Any) -> None:
    own, records = found_by_name["two"]
    frame = views.frame(own, records)
    best = pareto.on_front(frame, "macs", "params", (True, False))
    for _, row in best.iterrows():
        beaten = frame[(frame["macs"] <= row["macs"]) & (frame["params"] >= row["params"])
                       & ((frame["macs"] < row["macs"]) | (frame["params"] > row["params"]))]
        assert beaten.empty
    app = counted(open_page(network=SWEPT["two"][0], over=SWEPT["two"][1], view="pareto"))
    front = next(trace for trace in charts(app)[0]["data"] if trace.get("name") == "front")
    assert numbers(front["x"]) == best["macs"].tolist()
    assert numbers(front["y"]) == best["params"].tolist()


def test_from_a_disturbed_latency_nothing_is_concluded() -> None:
    own = grid(["resnet18"], ["width=0.5,1,2"])
    records = {record.key: replace(record, timing=timing(seconds, warnings)) for record, seconds,
               warnings in zip(sorted(sweep(own, workers=1), key=lambda one: one.totals.macs),
                               (0.01, 0.001, 0.04), ((), (WARNING,), ()), strict=True)}
    frame = views.frame(own, records)
    assert frame["disturbed"].tolist() == [False, True, False]
    best = pareto.on_front(frame, "latency", "params", (True, False))
    assert best["width"].tolist() == [0.5, 2]
    assert len(pareto.on_front(frame, "macs", "params", (True, False))) == 3
    drawn = curves.curves(own, records, "width", {})
    [growth] = curves.growths(drawn, "latency")
    assert growth.law and growth.law.exponent == 1      # 4 times from a half to 2
    chart = curves.chart(drawn, "latency", "width", "Width", {})
    assert list(chart.data[0].marker.symbol) == ["circle", "circle-open", "circle"]


def timing(seconds: float, warnings: tuple[str, ...]) -> Timing:
    measured = time_forward("mobilenetv3_small&input_size=32", "cpu", budget_s=0.05)
    return replace(measured, median_s=seconds, warnings=warnings)


def test_presets_are_landmarks() -> None:
    app = counted(open_page(network=["resnet50"], over=["width=0.5,1"], view="pareto",
                            presets="all"))
    marks = next(trace for trace in charts(app)[0]["data"] if trace.get("name") == "presets")
    assert set(marks["customdata"]) == set(explorer.presets())
    assert numbers(marks["x"])[marks["customdata"].index("vgg16")] == \
        explorer.summarise("vgg16").totals.macs


def test_names_of_landmarks_cover_no_point() -> None:
    own = grid(["resnet18"], ["width=0.5:1:0.025", "input_size=128:256:32"])
    shown = views.frame(own, {record.key: record for record in sweep(own, workers=1)})
    marks = shown.iloc[::10].reset_index(drop=True).assign(network="A network of this name")
    drawn = pareto.chart(own, shown, shown.head(1), marks, x="macs", y="params", colour="",
                         size="").data[-1]
    sides = {"left": -1, "right": 1, "center": 0, "top": 1, "bottom": -1, "middle": 0}
    named = [place for place, name in enumerate(drawn.text) if name]
    assert 1 <= len(named) < len(marks)
    places = np.column_stack([(np.log(shown[name]) - np.log(shown[name]).min())
                              / np.ptp(np.log(shown[name])) for name in ("macs", "params")])
    for place in named:
        up, across = (sides[word] for word in drawn.textposition[place].split())
        middle = places[10 * place] + [across * (0.01 + 0.004 * 22), up * 0.04]
        inside = np.abs(places - middle) < [0.004 * 22, 0.025]
        assert not inside.all(axis=1).any()


def test_an_axis_of_values_names_what_was_chosen() -> None:
    own = grid(["resnet18&input_size=161"], ["input_size=32:512:1"])
    [record] = sweep(["resnet18"], workers=1)
    drawn = curves.curves(own, {point.key: record for point in own}, "input_size", {})
    axis = curves.chart(drawn, "macs", "input_size", "", {}).layout.xaxis
    assert {161, 32, 512} <= {*axis.tickvals} and len(axis.tickvals) <= 10


def test_many_points_are_drawn_in_few_colours() -> None:
    own = grid(["resnet18"], ["width=0.25:1:0.01", "input_size=64:256:8"])
    [record] = sweep(["resnet18"], workers=1)
    frame = views.frame(own, {point.key: record for point in own})
    frame["macs"] = range(1, len(frame) + 1)
    chart = pareto.chart(own, frame, frame.head(1), frame.head(0), x="macs", y="params",
                         colour="width", size="")
    shown = sum(len(trace.x) for trace in chart.data if trace.type == "scattergl")
    assert shown == len(frame) > pareto.MANY
    assert len([trace for trace in chart.data if trace.type == "scattergl"]) == pareto.STEPS + 1


def test_a_colour_that_is_not_there_yet_is_plain() -> None:
    own = grid(["resnet18"], ["width=0.25:1:0.01", "input_size=64:256:8"])
    [record] = sweep(["resnet18"], workers=1)
    frame = views.frame(own, {point.key: record for point in own})
    chart = pareto.chart(own, frame, frame.head(1), frame.head(0), x="macs", y="params",
                         colour="latency", size="")
    assert len(chart.data[0].x) == len(own)


def test_networks_of_two_libraries_have_two_names() -> None:
    app = open_page(network=["timm:vgg11", "torchvision:vgg11"], over=["input_size=64,96"])
    assert address(app)["network"] == ["timm:vgg11", "torchvision:vgg11"]
    assert app.multiselect(key=key(app, "networks")).value == ["timm:vgg11", "torchvision:vgg11"]


def test_a_heat_map_has_each_config_at_its_place(found_by_name: Any) -> None:
    own, records = found_by_name["two"]
    frame = views.frame(own, records)
    chart = heat.chart(frame, x="width", y="input_size", figure="macs",
                       limit=5e6,
                       knobs=(find_knob(own.networks[0], "width"),
                              find_knob(own.networks[0], "input_size")))
    cells = {text: said for row in chart.data[0].customdata for said in row
             for text in [said.rpartition(": ")[0]]}
    assert set(cells) == {f"Width {width}, Input size {size}" for width in ("0.5", "1")
                          for size in (64, 96, 128)}
    for point in own:
        words = explorer.text.short(records[point.key].totals.macs)
        assert cells[f"Width {point.values[0]}, Input size {point.values[1]}"].endswith(words)


def test_lines_of_equal_cost_are_where_the_cost_is() -> None:
    # Over two figures of which the cost is the product: 100 along x · y = 100.
    frame = pd.DataFrame([(x, y, x * y) for x in (1.0, 10.0, 100.0) for y in (1.0, 10.0, 100.0)],
                         columns=["a", "b", "macs"])
    knob = find_knob(explorer.configure("vgg11"), "width")
    chart = heat.chart(frame, x="a", y="b", figure="macs", knobs=(knob, knob))
    line = next(trace for trace in chart.data if trace.name == "100")
    assert line.contours.value == 2 and [list(row) for row in line.z] == [
        [0, 1, 2], [1, 2, 3], [2, 3, 4]]


@pytest.mark.parametrize(("conditions", "left"), [
    ("", 6), ("width=0.5", 3), ("macs<=3M", None), ("width>0.5, input_size<128", 2),
    ("network=small", 6), ("network=resnet", 0)])
def test_a_filter_leaves_what_meets_its_conditions(
        conditions: str, left: int | None, found_by_name: Any) -> None:
    frame = views.frame(*found_by_name["two"])
    shown = views.matching(frame, conditions)
    assert len(shown) == ((frame["macs"] <= 3e6).sum() if left is None else left)


@pytest.mark.parametrize("conditions", ["macs", "macs<=", "macs<=fast", "nonsense=1", "width=wide",
                                        "network<5", "width==1", "__class__=1", "macs<=1M,,;"])
def test_what_is_no_condition_is_told(conditions: str, found_by_name: Any) -> None:
    with pytest.raises(ConfigError):
        views.matching(views.frame(*found_by_name["two"]), conditions)


def test_the_csv_is_that_of_the_command_line() -> None:
    networks, over = SWEPT["three of two networks"]
    app = counted(open_page(network=networks, over=over, view="table"))
    words = ["sweep", *networks, *[word for axis in over for word in ("--over", axis)],
             "--format", "csv", "--workers", "1"]
    printed = CliRunner().invoke(cli, words).output
    own = grid(networks, over)
    found = background.shared.want(progress.wish(own, Form()), "test")
    wait(found)
    assert table.to_csv(own, found).decode() == printed
    assert len(app.dataframe[0].value) == len(pd.read_csv(io.StringIO(printed)))


class Form:
    """As much of a form as a wish needs."""

    def choice(self, name: str) -> None:
        return None


@pytest.mark.parametrize(("networks", "over", "limits", "prefer"), [
    (["mobilenetv3_large"], ["width=0.25:1.5:0.05"], ["macs=100M"], ""),
    (["mobilenetv3_large"], ["width=0.25:1:0.25", "input_size=128:224:32"], ["macs=60M"], "width"),
    (["resnet18"], ["width=0.25:1:0.25"], ["params=3M", "peak_memory=2MB"], ""),
    (["resnet18"], ["width=0.25:1:0.25"], ["params=1k"], "")])
def test_a_fit_on_the_page_is_that_of_the_program(
        networks: list[str], over: list[str], limits: list[str], prefer: str) -> None:
    choices = dict(zip(("limit", "limit2"), limits, strict=False))
    app = counted(open_page(network=networks, over=over, view="fit", prefer=prefer, **choices))
    best = explorer.fit(networks[0], over, limits, prefer=prefer).best
    if best is None:
        assert "none of 4 configs" in " ".join(one.value for one in app.warning)
        return
    assert best.totals and f"{best.totals.macs:,}" in app.table[0].value.to_string()
    assert "Holds" in app.table[0].value.columns[0]


def test_a_mistake_in_a_limit_is_told() -> None:
    app = counted(open_page(network=SMALL, over=["width=0.5,1"], view="fit"))
    limit = next(one for one in app.text_input if one.label == "At most")
    limit.set_value("much").run()
    assert "must be a number above 0" in app.error[0].value and not app.exception
    assert not app.table


def test_a_config_of_a_sweep_before_is_not_chosen_any_more() -> None:
    app = counted(open_page(network=SMALL, over=["width=0.5,1"], view="table",
                            key=to_key(from_key(f"{SMALL[0]}&width=0.5"))))
    assert "key" in address(app) and app.metric
    app.selectbox(key=key(app, "knob-0")).select("depth").run()
    app = counted(app)
    assert "key" not in address(app) and not app.metric
