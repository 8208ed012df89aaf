"""What a host lets visitors do, whose turn it is, and what ends when they have gone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import explorer
from explorer import libraries
from explorer.analysis import Summary
from explorer.config import ConfigError
from explorer.pipeline import Explored, explore
from explorer.sources import Source
from explorer.timing import Choices, TimingError
from explorer.timing.job import Job, terms
from explorer.timing.prediction import pass_bytes
from explorer.timing.process import MeasuringProcess
from explorer.ui import calls, runs, visits
from explorer.ui import limits as host
from explorer.ui.kept import STORE
from explorer.ui.limits import Limits, read
from explorer.ui.runs import Wish
from tests.server import CHROMIUM, ROOT
from tests.test_pages import open_app, warnings

SMALL = "mobilenetv3_small&input_size=32"


# Limits.

def test_limits_come_from_a_file_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text("live = false\nrun_seconds = 20\n")
    assert read({}) == Limits()
    assert read({"EXPLORER_LIMITS": str(path)}) == Limits(live=False, run_seconds=20)
    assert read({"EXPLORER_LIMITS": str(path), "EXPLORER_RUN_SECONDS": "30"}) == Limits(
        live=False, run_seconds=30)


@pytest.mark.parametrize(("environment", "said"), [
    ({"EXPLORER_RUN_SECONDS": "-1"}, "`run_seconds` (EXPLORER_RUN_SECONDS) cannot be '-1'"),
    ({"EXPLORER_PASS_SECONDS": "nan"}, "`pass_seconds`"),
    ({"EXPLORER_LIVE": "perhaps"}, "`live`"), ({"EXPLORER_SESSIONS": "0"}, "`sessions`"),
    ({"EXPLORER_LIMITS": "/nowhere.toml"}, "/nowhere.toml cannot be read")])
def test_a_limit_that_cannot_be_is_told(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(environment)
    assert said in str(error.value)


@pytest.mark.parametrize(("text", "said"), [
    ("sesions = 3", "no limit 'sesions'"), ("live =", "cannot be read"),
    ("\xff", "cannot be read")])
def test_a_file_of_limits_that_cannot_be_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_bytes(text.encode("latin-1"))
    done = subprocess.run([sys.executable, "-m", "explorer.ui.limits"], text=True, check=False,
                          capture_output=True, env={**os.environ, "EXPLORER_LIMITS": str(path)})
    assert done.returncode == 2 and said in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not done.stdout


def test_the_readme_names_every_limit() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, field in Limits.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) \
            else f"{field.default:,g}" if field.default < 1e6 else f"{field.default:,}"
        assert f"| `{name}` | {default} | {field.description} |" in readme


def limited(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    allowed = Limits(**values)
    for module in (host, runs, visits, calls):
        monkeypatch.setattr(module, "limits", lambda: allowed)


@pytest.mark.parametrize(("values", "said"), [
    ({"pass_seconds": 0.001}, "this server times passes of up to 0.001 s"),
    ({"pass_bytes": 1_000_000}, "this server times passes of up to 0.0 GB")])
def test_a_pass_beyond_the_limits_is_refused_before_it_begins(
        monkeypatch: pytest.MonkeyPatch, values: dict[str, float], said: str) -> None:
    limited(monkeypatch, **values)
    shared = runs.Runs()
    for what in ("pass", "layers", "batches", "turns"):
        run = shared.want(wish(SMALL, what), [explore(SMALL)] * 2, "one")
        with pytest.raises(TimingError, match=said):
            run.result(timeout=1)
    assert not isinstance(shared.want(wish(SMALL, "rates"), [explore(SMALL)], "one").exception(
        timeout=60), TimingError)


def test_the_limit_of_bytes_counts_what_training_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    network = explore(SMALL)
    step = Choices(threads=1, training=True)
    trained = network.training
    assert isinstance(trained, Summary)
    needed = pass_bytes(network.summary, Choices()), pass_bytes(trained, step)
    limited(monkeypatch, pass_bytes=sum(needed) / 2)
    asked = wish(SMALL)._replace(choices=step)
    with pytest.raises(TimingError, match="this server times passes of up to"):
        runs.Runs().want(asked, [network], "one").result(timeout=1)


def test_no_batch_size_is_timed_beyond_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    network = explore(SMALL)
    one = pass_bytes(network.summary, Choices())
    limited(monkeypatch, pass_bytes=5 * one)
    times = runs.Runs().want(wish(SMALL, "batches"), [network], "one").result(timeout=60)
    assert [point.batch_size for point in times.points] == [1, 2, 4]


def test_a_network_of_too_many_layers_is_refused_and_the_knobs_stand(
        monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, layers=100)
    app = open_app(network="resnet18", depth="4", width="0.125")
    assert "and networks of up to 100 are opened here" in app.error[0].value
    assert not app.metric and not app.exception
    app = next(each for each in app.button if each.label == "Reset").click().run()
    assert app.metric and not app.error


def test_a_server_without_libraries_opens_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "_forbidden", False)
    libraries.forbid()
    app = open_app(network="torchvision:resnet18")
    assert "This server opens no models of torchvision" in warnings(app) and not app.exception


def test_who_comes_when_all_places_are_taken_is_told_to_wait(
        monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, sessions=1)
    before, own = visits.Visit(), visits.Visit()
    monkeypatch.setattr(visits, "_present", [before, own])
    monkeypatch.setattr(visits, "_of_session", lambda: own)
    app = open_app(network="vgg11")
    assert not app.metric and "Too many people" in app.info[0].value
    visits._gone(before)
    assert app.run().metric and not app.info


# Turns.

def wish(key: str, what: str = "pass", budget_s: float = 0.1) -> Wish:
    return Wish(what, (key,), "cpu", Choices(threads=1), budget_s)   # type: ignore[arg-type]


@pytest.fixture
def process() -> MeasuringProcess:
    process = MeasuringProcess("cpu")
    yield process
    process.kill_workers()


def test_owners_take_turns_and_know_their_place(process: MeasuringProcess) -> None:
    ended: list[str] = []

    def submit(name: str) -> Job[None]:
        with terms(name[0], 60):
            job = process.submit(time.sleep, 0.1)
        job.add_done_callback(lambda _: ended.append(name))
        return job

    first = submit("x0")
    while first.place != 0:
        time.sleep(0.01)
    names = ["a1", "a2", "a3", "b1", "c1", "c2"]
    jobs = {name: submit(name) for name in names}
    places = {name: job.place for name, job in jobs.items()}
    for job in jobs.values():
        job.result(timeout=60)
    assert ended == ["x0", "a1", "b1", "c1", "a2", "c2", "a3"]
    assert [name for name, _ in sorted(places.items(), key=lambda pair: pair[1] or 0)] == ended[1:]
    assert sorted(place or 0 for place in places.values()) == list(range(1, 7))


def test_a_job_that_takes_too_long_is_stopped_and_the_next_runs(
        process: MeasuringProcess) -> None:
    process.submit(time.sleep, 0).result(timeout=60)
    with terms("one", 0.3):
        long = process.submit(time.sleep, 600)      # as a pass that nothing interrupts
    after = process.submit(time.sleep, 0)
    start = time.monotonic()
    with pytest.raises(TimingError, match=r"stopped after 0\.3 s"):
        long.result(timeout=60)
    assert time.monotonic() - start < 10
    after.result(timeout=60)


# Who has gone.

def long_run(shared: runs.Runs, owner: str) -> Future[object]:
    key = "vgg11&input_size=64"
    return shared.want(wish(key, budget_s=600), [explore(key)], owner)


def test_what_a_visitor_wanted_ends_when_the_browser_has_gone(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "GRACE_S", 0.2)
    shared = runs.Runs()
    monkeypatch.setattr(runs, "shared", shared)
    gone, back = visits.Visit({"gone"}), visits.Visit({"back"})
    visits._present.extend([gone, back])
    run = long_run(shared, "gone")
    long_run(shared, "back")
    visits._gone(gone)
    time.sleep(1)
    assert not run.done()       # the other one waits for the same
    visits._gone(back)
    again = visits.Visit({"back"})      # its network has only faltered
    visits._present.append(again)
    time.sleep(1)
    assert not run.done()
    visits._gone(again)
    with pytest.raises(CancelledError):
        run.result(timeout=30)
    assert not shared._wanted and not shared._runs


def test_who_goes_while_the_page_opens_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "_present", [])
    opening = calls.explored

    def slowly(source: Source) -> Explored:
        # The browser goes: Streamlit forgets the session's visit, and ends it.
        for gone in list(visits._present):
            visits._gone(gone)
        visits._of_session.clear()
        return opening(source)

    monkeypatch.setattr(calls, "explored", slowly)
    open_app(network="vgg11", input_size="64")
    assert visits._present == []


def test_an_empty_server_gives_its_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "GRACE_S", 0.01)
    monkeypatch.setattr(visits, "EMPTY_S", 0.01)
    monkeypatch.setattr(visits, "_present", [])
    one, other = visits.Visit(), visits.Visit()
    visits._present.extend([one, other])
    calls.explored(calls.source(explorer.configure("vgg11", input_size=64)))
    visits._gone(one)
    time.sleep(0.5)
    assert STORE.bytes
    visits._gone(other)
    for _ in range(100):
        if not STORE.bytes:
            break
        time.sleep(0.1)
    assert STORE.bytes == 0


def test_nothing_is_kept_of_what_nobody_wants() -> None:
    shared = runs.Runs()
    for width in range(20):
        key = f"{SMALL}&num_classes={width + 1}"
        shared.want(wish(key), [explore(key)], "one")
        shared.drop(wish(key), "one")
    assert not shared._wanted and len(shared._runs) <= 1


def test_many_threads_want_and_leave() -> None:
    shared, failed = runs.Runs(), []

    def visitor(name: str) -> None:
        try:
            for number in range(20):
                key = f"{SMALL}&num_classes={number + 1}"
                shared.want(wish(key), [network], name)
                shared.leave(name)
        except Exception as error:
            failed.append(error)

    network = explorer.open(SMALL)
    threads = [threading.Thread(target=visitor, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and not shared._wanted


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                    reason="needs chromium: apt-get install chromium")
def test_a_closed_tab_keeps_nobody_waiting(live_address: str, browser: Browser) -> None:
    address = live_address
    first = browser.new_context().new_page()
    first.goto(f"{address}/?network=vgg19&input_size=1024")
    first.get_by_role("button", name="Time it").first.click(timeout=60_000)
    expect(first.get_by_test_id("stMetric").filter(has_text="Latency")).to_contain_text(
        "measuring", timeout=60_000)
    # It is in a pass of many seconds, which nothing stops.
    expect(first.get_by_text(re.compile("First pass|Warming up|Measuring:?$")).first
           ).to_be_visible(timeout=60_000)
    first.context.close()
    start = time.monotonic()
    other = browser.new_page()
    other.goto(f"{address}/?network=mobilenetv3_small&input_size=32")
    expect(other.get_by_test_id("stMetric").filter(has_text="Latency")).to_contain_text(
        re.compile(r"[\d.]+ [mµ]?s"), timeout=60_000)
    assert time.monotonic() - start < 40
