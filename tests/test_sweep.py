"""Sweeps: grids, records as they come over processes and Dask, what stays, and fits."""

from __future__ import annotations

import csv
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer.cli.main import cli
from explorer.cli.rows import RowFile
from explorer.config import ConfigError, knobs_of
from explorer.language import Text, spoken
from explorer.networks.catalogue import presets
from explorer.sources.key import from_key, to_key
from explorer.sweeping import (
    FIGURES,
    Axis,
    Grid,
    Limit,
    Record,
    WorkerError,
    choose,
    connect,
    fit,
    grid,
    grids,
    parse_axis,
    parse_limit,
    processes,
    sweep,
)
from explorer.sweeping.grids import usual_axis
from explorer.sweeping.records import count, count_all, in_each_language, version
from tests.kinds import KINDS
from tests.server import ROOT, free_port

TOTALS = "params macs saved_bytes peak_activation_bytes"


# The grid

@pytest.mark.parametrize(("text", "values"), [
    ("width=0.25:1:0.25", ["0.25", "0.5", "0.75", "1"]),
    ("width=0.1:0.45:0.1", ["0.1", "0.2", "0.3", "0.4"]),
    ("input_size=128,160", ["128", "160"]),
    ("input_size=64,128:192:32", ["64", "128", "160", "192"]),
    ("blocks=2-2-2-2,3-4-6-3", ["2-2-2-2", "3-4-6-3"]), ("width=1:1:0.5", ["1"]),
])
def test_ranges_and_lists(text: str, values: list[str]) -> None:
    assert list(parse_axis(text).values) == values


@pytest.mark.parametrize(("text", "said"), [
    ("width=1:0.5:0.1", "runs backwards: from 1 to 0.5"), ("width=0.5:1:0", "above 0; got 0"),
    ("width=0.5:1:-1", "above 0; got -1"), ("width=0.5:1", "FROM:TO:STEP"),
    ("width=a:b:c", "FROM:TO:STEP"), ("width=0:inf:1", "FROM:TO:STEP"), ("width=nan:1:1", "FROM"),
    ("width=", "lacks a value"), ("width", "is not a setting"),
    ("batch_size=1:1e9:1", "more than 1,000,000 values"),
    ("width=0:1:1e-300", "more than 1,000,000"),
])
def test_what_is_no_range_is_told(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        parse_axis(text)


def test_a_range_is_refused_before_its_values_are_written_down(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "_text", lambda *_: pytest.fail("a value was read"))
    with pytest.raises(ConfigError, match="has more than 100 values"):
        grid(["resnet18"], ["input_size=1:4000:1"], most=100)
    with pytest.raises(ConfigError, match="50 of input_size × 3 of width are 150 configs"):
        grid(["resnet18"], ["input_size=1:50:1", "width=1,2,3"], most=100)


@pytest.mark.parametrize(("networks", "over", "said"), [
    (["resnet18"], ["size=1,2"], "resnet18 has no knob 'size'"),
    (["resnet18", "vgg16"], ["shortcut=A,B"], "vgg16 has no knob 'shortcut'"),
    (["resnet18"], ["width=3:5:1"], "`width` must be between 0.125 and 4; got 5"),
    (["resnet18"], ["width=1,x"], "`width` must be between 0.125 and 4; got 'x'"),
    (["resnet18"], ["width=1,2", "width=3"], "The knob width is given twice"),
    (["resnet18", "resnet18"], ["width=1"], "The network resnet18 is given twice"),
    (["resnet18"], ["batch_size=1:1000:1", "num_classes=1:10000:1"],
     "1 network × 1,000 of batch_size × 10,000 of num_classes are 10,000,000 configs"),
    (["net.py:Net"], ["width=1"], "net.py:Net has no knobs: a sweep is of networks of"),
    (["nothing"], ["width=1"], "Unknown network 'nothing'"),
    (["resnet18", "resnet18&width=0.5"], ["width=0.5,1"],
     "resnet18 and resnet18&width=0.5 differ in nothing that is not swept"),
])
def test_a_grid_that_cannot_be_is_told(networks: list[str], over: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        grid(networks, [parse_axis(each) for each in over])


names = st.sampled_from(sorted(presets()))


@settings(max_examples=30, deadline=None)
@given(st.lists(names, min_size=1, max_size=3, unique=True),
       st.lists(st.sampled_from([0.125, 0.3, 0.5, 1.0, 4.0]), min_size=1, max_size=3, unique=True),
       st.lists(st.integers(1, 4096), min_size=1, max_size=3, unique=True))
def test_every_combination_is_there_once(
        networks: list[str], widths: list[float], sizes: list[int]) -> None:
    made = grid(networks, [Axis("width", tuple(f"{width:g}" for width in widths)),
                           Axis("input_size", tuple(map(str, sizes)))])
    found = {(config.network, config.width, config.input_size)  # type: ignore[attr-defined]
             for config in (from_key(point.key) for point in made)}
    assert found == {(network, width, size) for network in networks for width in widths
                     for size in sizes}
    assert len({point.key for point in made}) == len(list(made)) == len(made)


def test_the_usual_values_of_a_knob_have_both_ends_and_every_step() -> None:
    # Many networks have the same knobs.
    for knob in {knob for preset in presets().values()
                 for knob in knobs_of(type(preset.config)).values()}:
        if knob.kind in ("int", "float"):
            values = [float(value) for value in usual_axis(knob).values]
            assert (values[0], values[-1]) == (knob.low, knob.high)
            assert values == sorted(set(values))
            assert max(b - a for a, b in pairwise(values)) < knob.step * 1.001


# The records

def expected(key: str) -> tuple[int | None, ...]:
    """By the summaries, one after the other, in this process."""
    explored = explorer.open(key)
    totals, training = explored.summary.totals, explored.training
    assert isinstance(training, explorer.Summary)
    return (totals.params, totals.macs, training.totals.saved_bytes, totals.peak_activation_bytes)


def figures(record: Record) -> tuple[int | None, ...]:
    assert record.totals, record.error
    return tuple(getattr(record.totals, name) for name in TOTALS.split())


KEYS = ["resnet18", "resnet18&width=0.5", "mobilenetv3_small&input_size=96", "vgg11",
        "torchvision:vgg11", "inception_v3&batch_size=4"]
BAD = "vgg16&input_size=8"


def test_records_are_those_of_the_summaries() -> None:
    found = {record.key: record for record in sweep([*KEYS, BAD, "resnet18&width=9"], workers=2)}
    assert {key: figures(found[key]) for key in KEYS} == {key: expected(key) for key in KEYS}
    assert found[BAD].totals is None
    assert "smallest `input_size` that works is 32" in (found[BAD].error or "")
    assert "`width` must be between" in (found["resnet18&width=9"].error or "")
    assert len(found) == len(KEYS) + 2


def test_any_executor_will_do() -> None:
    with ThreadPoolExecutor(2) as executor:
        found = {record.key: figures(record) for record in sweep(KEYS, executor)}
    assert found == {key: expected(key) for key in KEYS}


def test_a_killed_worker_costs_nothing() -> None:
    keys = [f"resnet18&num_classes={number}" for number in range(1, 161)]
    found = []
    for record in sweep(keys, workers=2):
        found.append(record.key)
        if len(found) == 20:
            worker, *_ = processes(2)._pool._processes      # type: ignore[union-attr]
            os.kill(worker, signal.SIGKILL)
    assert sorted(found) == sorted(keys)


class Dying(Executor):
    """Whose workers die of some configs."""

    def __init__(self, deadly: set[str]) -> None:
        self.deadly = deadly

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.deadly & set(args[1]):
            future.set_exception(OSError("the worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_config_that_kills_its_worker_is_told_and_costs_no_other() -> None:
    keys = [f"vgg11&num_classes={number}" for number in range(1, 21)]
    records = list(sweep(keys, Dying({keys[3], keys[11]})))
    assert sorted(record.key for record in records) == sorted(keys)
    assert {record.key for record in records if record.error} == {keys[3], keys[11]}


def test_a_worker_of_another_version_ends_it() -> None:
    with pytest.raises(WorkerError, match="another version"):
        count_all("of long ago", ["vgg11"])
    assert re.fullmatch("[0-9a-f]{12}", version())


# Dask

@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A real scheduler and two real workers."""
    pytest.importorskip("distributed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    address = f"tcp://127.0.0.1:{free_port()}"

    def start(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "dask", *words], env=environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    started = [start("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2],
                     "--no-dashboard")]
    try:
        with pytest.raises(WorkerError, match=r"no workers|No Dask scheduler"), connect(address):
            pass
        started += [start("worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
                    for _ in range(2)]
        end = time.monotonic() + 60
        while True:
            try:
                with connect(address) as executor:
                    if len(executor._client.scheduler_info()["workers"]) == 2:  # type: ignore[attr-defined]
                        break
            except WorkerError:
                pass
            assert time.monotonic() < end
            time.sleep(0.3)
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.xdist_group("dask")
def test_over_dask_every_result_is_there_once_though_a_worker_is_killed(
        cluster: tuple[str, list[subprocess.Popen[bytes]]]) -> None:
    address, workers = cluster
    keys = [*KEYS, BAD, *[f"resnet18&num_classes={number}" for number in range(1, 121)]]
    found = []
    with connect(address) as executor:
        for record in sweep(keys, executor):
            found.append(record)
            if len(found) == 30:
                workers[0].kill()
    assert sorted(record.key for record in found) == sorted(keys)
    by_key = {record.key: record for record in found}
    assert {key: figures(by_key[key]) for key in KEYS} == {key: expected(key) for key in KEYS}
    assert [record.key for record in found if record.error] == [BAD]


@pytest.mark.xdist_group("dask")
def test_a_worker_with_another_source_is_told_before_anything_starts(
        cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "explorer", tmp_path / "explorer",
                    ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "explorer" / "text.py").open("a") as file:
        file.write("# Another version.\n")
    other = subprocess.Popen(
        [sys.executable, "-m", "dask", "worker", cluster[0], "--no-dashboard", "--no-nanny"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end, said = time.monotonic() + 30, ""
        while "has another version of the program" not in said:
            assert time.monotonic() < end and other.poll() is None
            try:
                with connect(cluster[0]):
                    time.sleep(0.2)
            except WorkerError as error:
                said = str(error)
    finally:
        other.kill()
        other.wait()


@pytest.mark.xdist_group("dask")
def test_a_scheduler_that_does_not_answer_is_told_at_once() -> None:
    pytest.importorskip("distributed")
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x"):
        done = CliRunner().invoke(cli, ["sweep", "vgg11", "--over", "width=1", "--scheduler",
                                        address])
        assert isinstance(done.exception, WorkerError)
        assert f"No Dask scheduler answers at {address}" in str(done.exception)


# The command, and what stays

def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "explorer", *words]


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


SWEEP = ["sweep", "resnet18", "vgg11", "--over", "width=0.25:1.5:0.25", "--over",
         "input_size=32:352:32", "--set", "num_classes=10", "--workers", "2"]


def test_a_row_a_config_in_the_order_of_the_grid(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    done = CliRunner().invoke(cli, ["sweep", "vgg11", "resnet18", "--over", "width=0.5,1", "--over",
                                    "input_size=8,64", "--output", str(file)])
    assert done.exit_code == 0, done.output
    found = rows_of(file)
    assert [(row["network"], row["width"], row["input_size"]) for row in found] == [
        (network, width, size) for network in ("vgg11", "resnet18") for width in ("0.5", "1")
        for size in ("8", "64")]
    for row in found:
        if row["network"] == "vgg11" and row["input_size"] == "8":
            assert "that works is 32" in row["error"] and not row["macs"]
        else:
            assert (int(row["params"]), int(row["macs"]), int(row["saved_bytes"]),
                    int(row["peak_activation_bytes"])) == expected(row["key"]) and not row["error"]


def test_what_is_killed_is_resumed_to_the_same_file(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    done = CliRunner().invoke(cli, [*SWEEP, "--output", str(whole)])
    assert done.exit_code == 0, done.output
    pick = random.Random(3)
    for ending in (signal.SIGKILL, signal.SIGINT):
        resume = ["--resume"] if parts.exists() else []
        running = subprocess.Popen(command(*SWEEP, "--output", str(parts), *resume), cwd=ROOT,
                                   stderr=subprocess.PIPE, start_new_session=True)
        before = parts.read_bytes().count(b"\n") if parts.exists() else 0
        more, end = pick.randint(5, 40), time.monotonic() + 60
        while running.poll() is None and time.monotonic() < end and not (
                parts.exists() and parts.read_bytes().count(b"\n") >= before + more):
            time.sleep(0.01)
        running.send_signal(ending)
        _, said = running.communicate(timeout=60)
        if ending == signal.SIGINT:
            assert running.returncode in (130, 0) and b"Traceback" not in said
        # A line may be torn by a kill.
        with parts.open("a") as file:
            file.write("resnet18,0.2" if ending == signal.SIGKILL else "")
    last = CliRunner().invoke(cli, [*SWEEP, "--output", str(parts), "--resume"])
    assert last.exit_code == 0, last.output
    assert parts.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(("words", "said"), [
    (["sweep", "vgg11", "--over", "width=1:0.5:0.1"], "runs backwards"),
    (["sweep", "vgg11", "--over", "batch_size=1:4096:1", "--over", "num_classes=1:100000:1"],
     "4,096 of batch_size × 100,000 of num_classes are 409,600,000 configs"),
    (["sweep", "vgg11", "--over", "width=1", "--resume"], "--resume goes on with"),
    (["sweep", "vgg11", "--over", "width=1", "--output", "x.csv", "--format", "json"], "is CSV"),
    (["sweep", "vgg11", "--over", "width=1", "--output", "/nowhere/x.csv"], "Cannot write"),
    (["sweep", "vgg11", "--over", "width=1", "--output", "/dev/full"], "no ordinary file"),
    (["fit", "vgg11", "--knob", "nothing", "--at-most", "macs=1G"], "has no knob 'nothing'"),
    (["fit", "vgg11", "--knob", "width", "--at-most", "speed=1"], "'speed=1' is no limit"),
    (["fit", "vgg11", "--knob", "width", "--at-most", "macs=lots"], "number above 0"),
    (["fit", "vgg11", "--knob", "width", "--at-most", "latency=5"], "5ms or 0.2s"),
    (["fit", "vgg11", "--knob", "blocks", "--at-most", "macs=1G"], "`blocks` has no order"),
    (["fit", "vgg11", "--knob", "batch_norm", "--at-most", "macs=1G"], "has no largest value"),
])
def test_mistakes_end_in_one_line(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code and said in done.output + str(done.exception)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\n", b"\x89PNG\r\n\x1a\n\xff\x00\n"])
def test_a_file_of_another_sweep_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    for resume, said in ((["--resume"], "of another sweep"), ([], "is there already")):
        done = CliRunner().invoke(cli, ["sweep", "vgg11", "--over", "width=1", "--output",
                                        str(file), *resume])
        assert done.exit_code and said in done.output + str(done.exception)
        assert file.read_bytes() == content


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_on_a_full_disk_what_was_written_stays_whole(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = RowFile(tmp_path / "rows.csv", ["a", "key"], resume=False)
    rows.add("one", [1, "one"])
    with open("/dev/full", "r+b", buffering=0) as full:
        wrote = rows._file.write

        def half(text: bytes) -> int:
            wrote(text[:len(text) // 2])
            rows._file.flush()
            return full.write(text)

        monkeypatch.setattr(rows, "_file", _With(rows._file, half))
        with pytest.raises(Exception, match=r"No space left on device\. What was written is whole"):
            rows.add("two", [2, "two"])
    assert (tmp_path / "rows.csv").read_text() == "a,key\n1,one\n"


class _With:
    """A file with another `write`."""

    def __init__(self, file: Any, write: Callable[[bytes], int]) -> None:
        self._file, self.write = file, write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_times_are_of_the_measuring_process(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    done = CliRunner().invoke(cli, [
        "sweep", "mobilenetv3_small", "--over", "input_size=32,64", "--time", "--budget", "0.1",
        "--device", "cpu", "--output", str(file)])
    assert done.exit_code == 0, done.output
    for row in rows_of(file):
        assert 0 < float(row["p10_s"]) <= float(row["median_s"]) <= float(row["p90_s"])
        assert row["disturbed"] in ("True", "False")


# Laws that are known by hand

def totals(key: str) -> Any:
    record = count(key)
    assert record.totals, record.error
    return record.totals


def test_the_convolutions_of_vgg_grow_by_the_square() -> None:
    """Of the width but for the first one, and of the input size in all."""
    def convolutions(key: str) -> tuple[int, int]:
        layers = [layer for layer in explorer.open(key).summary.layers if layer.type == "Conv2d"]
        return layers[0].macs or 0, sum(layer.macs or 0 for layer in layers[1:])

    one, double = convolutions("vgg16"), convolutions("vgg16&width=2")
    assert double == (2 * one[0], 4 * one[1])
    assert convolutions("vgg16&input_size=448") == (4 * one[0], 4 * one[1])


# The question backwards

LIMITED = [name for name in FIGURES if name != "latency"]


@pytest.mark.parametrize("network", KINDS)
def test_a_fit_is_what_a_search_of_all_values_finds(
        network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    axis = Axis("input_size", tuple([f"{64 + 64 * number}" for number in range(5)]))
    records = {point.key: count(point.key) for point in Grid((from_key(network),), (axis,))}
    monkeypatch.setattr("explorer.sweeping.fitting.count", records.__getitem__)
    in_order = list(records.values())
    for figure in LIMITED:
        figures = [record.totals and getattr(record.totals, FIGURES[figure])
                   for record in in_order]
        for most in {value for value in figures if value}:
            held = [place for place, value in enumerate(figures) if value and value <= most]
            found = fit(network, [axis], [Limit(figure, most)])
            assert found.best == in_order[held[-1]]
            assert found.beyond == next(iter(in_order[held[-1] + 1:]), None)
        assert fit(network, [axis], [Limit(figure, 0.5)]).best is None


@pytest.mark.parametrize("knob", ["batch_size", "num_classes", "in_channels"])
@pytest.mark.parametrize(("network", "figure"), [
    ("resnet18", "macs"), ("mobilenetv3_small", "peak_memory"), ("vgg11", "saved_memory"),
    ("vgg16", "params")])
def test_halving_finds_what_looking_at_all_finds(network: str, knob: str, figure: str) -> None:
    limit = Limit(figure, 1.35 * getattr(totals(network), FIGURES[figure]))
    found = fit(network, [knob], [limit])
    assert found.best and found.rising and found.counted < 25
    at = int(getattr(from_key(found.best.key), knob))
    config = from_key(network)
    for value in {max(1, at + step) for step in (-40, -3, -2, -1, 0, 1, 2, 3, 40)}:
        if value <= knobs_of(type(config))[knob].high:
            figure_there = getattr(totals(to_key(config.replace(**{knob: value}))), FIGURES[figure])
            assert (figure_there <= limit.most) == (value <= at)


def test_the_best_of_a_grid_is_that_of_all_of_them() -> None:
    axes = [parse_axis("width=0.25:1:0.25"), parse_axis("input_size=96,128,160,192")]
    limit = parse_limit("macs=60M")
    for prefer in ("", "params", "input_size"):
        found = fit("mobilenetv3_large", axes, [limit], prefer=prefer)
        holding = [record for point in Grid((from_key("mobilenetv3_large"),), tuple(axes))
                   if (record := count(point.key)).totals and record.totals.macs <= limit.most]
        assert found.best in holding
        if prefer == "input_size":
            sizes = [getattr(from_key(record.key), prefer) for record in holding]
            assert found.best and getattr(from_key(found.best.key), prefer) == max(sizes)
        else:
            name = prefer or "macs"
            assert found.best and getattr(found.best.totals, name) == max(
                getattr(record.totals, name) for record in holding)


def test_what_is_not_known_is_not_preferred() -> None:
    own = grid(["resnet18"], ["width=0.5,1", "input_size=64,96"])
    records = {point.key: count(point.key) for point in own}
    first = own.points[0].key
    assert records[first].totals
    records[first] = replace(records[first], totals=replace(records[first].totals,
                                                            saved_bytes=None))
    limits = (Limit("macs", 1e12),)
    assert choose(own, records, limits, "saved_memory").best == records[own.points[-1].key]


def test_what_rounding_makes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that falls on the way: the largest that holds, and the smaller that does not."""
    real = count

    def falling(key: str) -> Record:
        record = real(key)
        assert record.totals
        macs = {96: 5, 128: 20, 160: 10, 192: 30}[from_key(key).input_size]
        return replace(record, totals=replace(record.totals, macs=macs))

    monkeypatch.setattr("explorer.sweeping.fitting.count", falling)
    found = fit("vgg11", [parse_axis("input_size=96:192:32")], [Limit("macs", 10)])
    assert found.best and found.best.key == "vgg11&input_size=160" and not found.rising
    assert found.below and found.below.key == "vgg11&input_size=128"
    assert found.beyond and found.beyond.key == "vgg11&input_size=192"


def test_a_latency_is_measured() -> None:
    found = fit("mobilenetv3_small", [parse_axis("input_size=32,224,448")],
                [parse_limit("latency=100s")], device="cpu")
    assert found.best and found.best.timing and found.best.key.endswith("input_size=448")


def test_a_record_says_in_each_language_why_it_cannot_run() -> None:
    record = Record("one", why_not=in_each_language(Text("{count} networks", count="2")))
    assert record.error == "2 networks"
    with spoken("zh"):
        assert record.error == "2 个网络"
    assert Record("one").error is None
