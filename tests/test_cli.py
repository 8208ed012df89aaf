"""The command line: what it prints, and that bad input ends in one line and exit code 2."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import count
from pathlib import Path

import pandas as pd
import PIL.Image
import pygraphviz
import pytest
import torchinfo

import explorer
from explorer.cli.networks import FORMATS
from explorer.sources import catalogue, find_source
from explorer.sources.library import LIBRARIES, find_model
from explorer.timing import Rates
from explorer.views import graph
from explorer.views.roofline import DISTURBED
from tests.disturbances import WARNING, runs_are


def test_list_names_every_preset_with_its_figures(command) -> None:
    code, out, _ = command("list")
    assert code == 0
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert set(explorer.presets()) < set(rows)
    assert "25,557,032" in rows["resnet50"] and "4,089,184,256" in rows["resnet50"]


def test_json_has_the_promised_shape(command) -> None:
    code, out, _ = command("summary", "resnet50", "--set", "input_size=288", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["network"] == "resnet50" and document["config"]["input_size"] == 288
    assert document["totals"]["params"] == 25_557_032
    assert document["totals"]["macs"] == 6_758_334_464
    assert {"params", "params_used", "trainable_params", "macs", "flops", "param_bytes",
            "activation_bytes", "peak_activation_bytes", "receptive_field",
            "layers"} <= document["totals"].keys()
    assert len(document["layers"]) == document["totals"]["layers"]
    first = document["layers"][0]
    assert first["type"] == "Conv2d" and first["input_shapes"] == [[1, 3, 288, 288]]
    assert first["output_shape"] == [1, 64, 144, 144] and first["params"] == 9408
    assert sum(layer["macs"] for layer in document["layers"]) == 6_758_334_464


def test_csv_and_json_have_the_same_columns_and_rows(command) -> None:
    settings = ("summary", "mobilenetv3_small", "--set", "width=0.5")
    layers = json.loads(command(*settings, "--format", "json")[1])["layers"]
    frame = pd.read_csv(io.StringIO(command(*settings, "--format", "csv")[1]))
    assert list(frame.columns) == list(layers[0])
    assert list(frame["macs"]) == [layer["macs"] for layer in layers]
    assert frame["params"].sum() == sum(layer["params"] for layer in layers)
    assert frame["output_shape"][0] == "x".join(map(str, layers[0]["output_shape"]))


def test_a_list_is_set_with_commas(command) -> None:
    out = command("summary", "resnet50", "--set", "blocks=3,4,23,3", "--format", "json")[1]
    resnet101 = explorer.summarise(explorer.configure("resnet101")).totals
    assert json.loads(out)["totals"]["macs"] == resnet101.macs


def test_torchinfo_prints_what_torchinfo_prints(command) -> None:
    config = explorer.configure("resnet18")
    expected = str(torchinfo.summary(explorer.build(config), input_size=config.input_shape,
                                     device="meta", verbose=0))
    assert command("summary", "resnet18", "--format", "torchinfo")[1].rstrip() == expected.rstrip()


@pytest.mark.parametrize("form", FORMATS)
def test_output_holds_what_the_screen_shows(command, tmp_path: Path, form: str) -> None:
    path = tmp_path / "summary.txt"
    shown = command("summary", "vgg11", "--format", form)[1]
    code, out, _ = command("summary", "vgg11", "--format", form, "--output", str(path))
    assert (code, out) == (0, "")
    assert path.read_text(encoding="utf-8").rstrip() == shown.rstrip()
    assert [entry.name for entry in tmp_path.iterdir()] == ["summary.txt"]


def test_markdown_is_a_table(command) -> None:
    lines = command("summary", "vgg11", "--format", "markdown")[1].splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert any("132,863,336" in row for row in rows)
    assert any("stage1.conv1.conv" in row for row in rows)


def test_explain_shows_the_sum_with_the_layer_s_numbers(command, tmp_path: Path) -> None:
    code, out, _ = command("explain", "resnet50", "0", "--set", "input_size=288")
    assert code == 0
    assert "Layer #0 of 0 to 174: stem.conv (Conv2d, convolution)" in out
    assert "floor((H_in + 2·p - d·(k - 1) - 1) / s) + 1" in out
    assert "floor((288 + 2·3 - 1·(7 - 1) - 1) / 2) + 1" in out
    assert "1·64·144·144·3·7·7" in out and "195,084,288" in out
    path = tmp_path / "stem.txt"
    assert command("explain", "resnet50", "0", "--set", "input_size=288",
                   "--output", str(path))[:2] == (0, "")
    assert path.read_text(encoding="utf-8") == out


NETWORK = """
import torch
from torch import nn

print("imported")

class Net(nn.Module):
    def __init__(self, width=1):
        super().__init__()
        self.conv = nn.Conv2d(2, 8 * width, 3)

    def forward(self, x):
        print("runs")
        return self.conv(x)

class Ids(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.linear = nn.Linear(3, 4)

    def forward(self, x, ids):
        return self.linear(x) + self.embed(ids)

def raises():
    raise ValueError("no")

def leaves():
    raise SystemExit(3)

class Asks(Net):
    def forward(self, x):
        return self.conv(x) if x.sum() > 0 else x
"""


@pytest.fixture
def net(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("files") / "net.py"
    path.write_text(NETWORK)
    return str(path)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("settings", [
    ("timm:resnet18", "--set", "input_size=64", "--set", "num_classes=10"),
    ("torchvision:squeezenet1_1", "--input", "1x3x64x96"),
    ("NET:Net(width=2)", "--input", "1x2x32x32"),
    ("NET:Ids", "--input", "1x5x3", "--input", "ids:1x5:int64"),
], ids=lambda settings: settings[0])
def test_every_format_of_what_is_no_network_of_the_catalogue(
        command, net: str, settings: tuple[str, ...], form: str) -> None:
    named = settings[0].replace("NET", net)
    code, out, _ = command("summary", named, *settings[1:], "--format", form)
    assert code == 0
    assert "imported" not in out and "runs" not in out
    if form == "json":
        document = json.loads(out)
        assert explorer.open(document["key"]).key == document["key"]
        assert document["totals"]["params"] == sum(
            parameter.numel() for parameter in find_source(document["key"]).build("meta")
            .parameters())
    elif form == "csv":
        assert len(pd.read_csv(io.StringIO(out)))
    elif form == "torchinfo":
        assert "Total mult-adds" in out


def test_explain_graph_and_list(command, net: str, tmp_path: Path) -> None:
    code, out, _ = command("explain", f"{net}:Net", "0", "--input", "1x2x32x32")
    assert code == 0 and "1·8·30·30·2·3·3" in out
    dot = graph_file(command, tmp_path / "a.dot", "timm:resnet18", "--set", "num_classes=10")
    assert b"BasicBlock" in dot and b"1/100" in dot      # of the parameters of its last layer
    svg = graph_file(command, tmp_path / "vit.svg", "torchvision:vit_b_16", "--level", "block")
    assert "EncoderBlock ×12" in svg.decode()
    assert "3×3, 8" in graph_file(command, tmp_path / "b.dot", f"{net}:Net").decode()
    code, out, _ = command("list", "timm", "convnext_t*")
    assert code == 0 and "timm:convnext_tiny" in out.splitlines()
    assert all(line.startswith("timm:convnext_t") for line in out.splitlines())


def test_time_of_what_is_no_network_of_the_catalogue(command, net: str) -> None:
    quick = ("--device", "cpu", "--threads", "1", "--budget", "0.1", "--format", "json")
    code, out, _ = command("time", "timm:resnet18", "--set", "input_size=32", "--batches", "1,2",
                           *quick)
    assert code == 0
    assert [point["batch_size"] for point in json.loads(out)["batches"]] == [1, 2]
    # What the file prints in the measuring process does not come through here.
    code, out, _ = command("time", f"{net}:Net", "--input", "1x2x32x32", *quick)
    assert code == 0 and json.loads(out)["median_s"] > 0


STRANGE = [
    (("timm:nosuch",), ("'nosuch'", "Similar names: timm:")),
    (("timm:../../x",), ("'../../x'",)),
    (("foo:bar",), ("'foo'", "timm:NAME")),
    (("timm:resnet18", "--set", "widht=1"), ("no knob 'widht'",)),
    (("timm:resnet18", "--set", "input_size=9999"), ("`input_size`", "4,096", "9999")),
    (("timm:resnet18", "--input", "1x3"), ("conv1 (Conv2d)", "`--input 1x3x224x224`")),
    (("timm:resnet18", "--input", "3"), ("`--input 1x3x224x224`",)),
    (("timm:resnet18", "--input", "abc"), ("1x3x224x224", "'abc'")),
    (("timm:resnet18", "--input", "1x3x99999999x99999999"), ("1,048,576",)),
    (("resnet18", "--input", "1x3x64x64"), ("--set input_size=64",)),
    (("NET:Net", "--input", "1x3x32x32"), ("wants images of 2 channels", "1x2x224x224")),
    (("NET:Net", "--set", "width=2"), ("no knobs", "net.py:Net(width=2)")),
    (("NET:Net(1+1)",), ("literals",)),
    (("NET:Nett",), ("no class or function 'Nett'", "Did you mean Net")),
    (("NET:__import__",), ("no class or function '__import__'",)),
    (("NET:raises",), ("line 26 of net.py", "ValueError: no")),
    (("NET:leaves",), ("line 29 of net.py", "sys.exit")),
    (("NET:Ids",), ("takes x and ids", "--input")),
    (("NET:Asks",), ("values of a tensor, in line", "No other input helps")),
    (("none.py:make",), ("There is no file",)),
]


@pytest.mark.parametrize("name", ["summary", "explain", "time", "graph"])
@pytest.mark.parametrize(("arguments", "said"), STRANGE,
                         ids=[" ".join(case[0]) for case in STRANGE])
def test_bad_input_of_what_is_no_network_of_the_catalogue(
        command, net: str, tmp_path: Path, name: str, arguments: tuple[str, ...],
        said: tuple[str, ...]) -> None:
    path = tmp_path / ("out.svg" if name == "graph" else "out.txt")
    given = [argument.replace("NET", net) for argument in arguments]
    code, out, err = command(name, given[0], *["0"] * (name == "explain"), *given[1:],
                             "--output", str(path))
    printed = {"imported", "runs"}      # what the file itself prints
    assert code == 2
    assert out == ""
    [line] = [line for line in err.strip().splitlines() if line not in printed]
    assert all(part in line for part in said), line
    cut_short = name == "graph" and "forward pass ends" in line
    assert cut_short or not list(tmp_path.iterdir())


def test_a_library_that_is_not_there_is_told(command, monkeypatch: pytest.MonkeyPatch) -> None:
    LIBRARIES["timm"].names.cache_clear()
    find_model.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    for arguments in (("summary", "timm:resnet18"), ("list", "timm")):
        code, out, err = command(*arguments)
        assert (code, out) == (2, "") and len(err.strip().splitlines()) == 1
        assert "pip install -r requirements-extra.txt" in err


BAD = [
    (("summary", "resnet51"), ("Unknown network 'resnet51'", "resnet50")),
    (("summary", "resnet50", "--set", "width=9"), ("`width`", "0.125 and 4", "9")),
    (("summary", "resnet50", "--set", "widht=1"), ("'widht'", "Did you mean width")),
    (("summary", "resnet50", "--set", "width"), ("KNOB=VALUE",)),
    (("summary", "resnet50", "--set", "blocks=3,x"), ("`blocks`", "3,x")),
    (("summary", "resnet50", "--set", "blocks=3,4"), ("`blocks`", "got 2")),
    (("summary", "resnet18", "--set", "groups=2"), ("`groups`", "block=bottleneck")),
    (("summary", "resnet50", "--format", "xml"), ("xml", "torchinfo")),
    (("summary", "inception_v3", "--set", "input_size=40"),
     ("reduction_a.branch3x3.conv", "1×288×2×2", "75")),
    (("explain", "resnet18", "69"), ("between 0 and 68", "69")),
    (("explain", "resnet18", "-1"), ("between 0 and 68", "-1")),
    (("explain", "resnet18", "stem.conv"), ("between 0 and 68", "stem.conv")),
    (("explain", "resnet18", "0", "--set", "width=9"), ("`width`", "9")),
    (("explain", "resnet51", "0"), ("Unknown network 'resnet51'",)),
    (("explain", "resnet18"), ("INDEX",)),
    (("summary",), ("NETWORK",)),
    (("sumary", "resnet50"), ("sumary",)),
    (("graph", "resnet51"), ("Unknown network 'resnet51'", "resnet50")),
    (("graph", "resnet18", "--set", "width=9"), ("`width`", "0.125 and 4", "9")),
    (("graph", "resnet18", "--level", "room"), ("room", "stage", "block", "layer")),
    (("graph", "resnet18", "--overlay", "colour"), ("colour", "params", "macs")),
    (("graph", "resnet18", "--direction", "RL"), ("RL", "LR", "TB")),
    (("graph",), ("NETWORK",)),
    (("time", "resnet18", "--device", "tpu"), ("tpu", "cpu")),
    (("time", "resnet18", "--dtype", "float64"), ("`dtype`", "bfloat16", "float64")),
    (("time", "resnet18", "--threads", "100000"), ("`threads`", "cores", "100000")),
    (("time", "resnet18", "--threads", "0"), ("`threads`", "got 0")),
    (("time", "resnet18", "--device", "cpu", "--tf32"), ("`tf32`", "cpu")),
    (("time", "resnet18", "--device", "cpu", "--cuda-graph"), ("`cuda_graph`", "cpu")),
    (("time", "resnet18", "--budget", "0"), ("`budget_s`", "more than 0", "0")),
    (("time", "resnet18", "--batch-size", "0"), ("`batch_size`", "0")),
    (("time", "resnet18", "--batches", "1,x"), ("`batch_size`", "x")),
    (("time", "resnet18", "--batches", "1,5000"), ("`batch_size`", "5000")),
    (("time", "resnet18", "--batches", "1", "--per-layer", "--format", "csv"),
     ("one table", "--batches")),
    (("time", "vgg19", "--device", "cpu", "--batch-size", "4096", "--set", "input_size=2048"),
     ("GB are free", "batch_size")),
    (("time", "vgg19", "--set", "batch_size=4096", "--set", "input_size=2048"),
     ("GB", "batch_size")),
]


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_is_one_clear_line_and_nothing_is_written(
        command, tmp_path: Path, arguments: tuple[str, ...], said: tuple[str, ...]) -> None:
    path = tmp_path / ("out.svg" if arguments[0] == "graph" else "out.txt")
    code, out, err = command(*arguments, "--output", str(path))
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert all(part in err for part in said), err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written(command, tmp_path: Path) -> None:
    code, _, err = command("summary", "vgg11", "--output", str(tmp_path / "none" / "out.txt"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1 and "Cannot write" in err


def test_a_failed_run_leaves_an_older_file_as_it_was(command, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("older")
    assert command("summary", "resnet50", "--set", "width=9", "--output", str(path))[0] == 2
    assert path.read_text() == "older"


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "explorer", "summary", "resnet18"],
                          capture_output=True, text=True, check=True)
    assert "11,689,512" in done.stdout
    wrong = subprocess.run([sys.executable, "-m", "explorer", "summary", "nothing"],
                           capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and len(wrong.stderr.strip().splitlines()) == 1


TIME = ("time", "mobilenetv3_small", "--set", "input_size=32", "--set", "width=0.25",
        "--device", "cpu", "--threads", "1", "--budget", "0.2")


def graph_file(command, path: Path, *arguments: str) -> bytes:
    assert command("graph", *arguments, "--output", str(path))[:2] == (0, "")
    return path.read_bytes()


def test_graph_writes_svg_png_and_dot(command, tmp_path: Path) -> None:
    svg = ElementTree.fromstring(graph_file(command, tmp_path / "a.svg", "resnet18"))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert PIL.Image.open(io.BytesIO(graph_file(command, tmp_path / "a.PNG", "resnet18"))).width
    dot = graph_file(command, tmp_path / "a.dot", "resnet18").decode()
    assert "stage21" not in pygraphviz.AGraph(string=dot) and "BasicBlock ×2" in dot
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PNG", "a.dot", "a.svg"]


@pytest.mark.parametrize(("arguments", "there", "not_there"), [
    (("--level", "stage"), ['id="stage:stage4"'], ['id="run:', 'id="block:stage', "call:3"]),
    (("--level", "block"), ['id="run:stage1.0"'], ['id="block:stage1', "call:3"]),
    (("--level", "layer"), ['id="block:stage2.0"', 'id="run:stage1.0"', 'id="call:68"'],
     ['id="block:stage1.1"']),
    (("--overlay", "macs"), ["Multiply-adds: 0 to"], ["Parameters: 0 to"]),
    (("--overlay", "receptive_field"), ["435 px"], []),
    (("--direction", "TB"), ["rankdir=TB"], ["rankdir=LR"]),
    (("--direction", "LR"), ["rankdir=LR"], []),
    (("--set", "width=0.5"), ["32×56×56", "−75%"], ["512×7×7"]),
    (("--set", "blocks=1,1,1,1"), ["BasicBlock"], ["BasicBlock ×2"]),
], ids=" ".join)
def test_every_option_of_graph_does_what_it_says(
        command, tmp_path: Path, arguments: tuple[str, ...], there: list[str],
        not_there: list[str]) -> None:
    dot = graph_file(command, tmp_path / "graph.dot", "resnet18", *arguments).decode()
    pygraphviz.AGraph(string=dot)
    assert [words for words in there if words not in dot] == []
    assert [words for words in not_there if words in dot] == []


@pytest.mark.parametrize("overlay", [name for name in graph.OVERLAYS if name != graph.TIME])
def test_every_overlay_has_its_legend(command, tmp_path: Path, overlay: str) -> None:
    dot = graph_file(command, tmp_path / "graph.dot", "inception_v3", "--overlay", overlay).decode()
    assert overlay == graph.KIND or f"{graph.TITLES[overlay]}: 0" in dot


@pytest.mark.parametrize("name", ["graph.pdf", "graph", "graph.svg.txt"])
def test_a_graph_of_another_ending_is_refused(command, tmp_path: Path, name: str) -> None:
    code, out, err = command("graph", "resnet18", "--output", str(tmp_path / name))
    assert (code, out) == (2, "") and len(err.strip().splitlines()) == 1
    assert all(part in err for part in ("`--output`", ".svg, .png or .dot", name))
    assert not list(tmp_path.iterdir())


def test_a_graph_needs_an_output_that_can_be_written(command, tmp_path: Path) -> None:
    code, _, err = command("graph", "resnet18")
    assert code == 2 and len(err.strip().splitlines()) == 1 and "--output" in err
    for path in (tmp_path / "none" / "graph.svg", tmp_path):
        code, _, err = command("graph", "resnet18", "--output", str(path))
        assert code == 2 and len(err.strip().splitlines()) == 1
    (tmp_path / "directory.svg").mkdir()
    code, _, err = command("graph", "resnet18", "--output", str(tmp_path / "directory.svg"))
    assert code == 2 and len(err.strip().splitlines()) == 1 and "directory.svg" in err


@pytest.mark.parametrize("ending", graph.FORMATS)
def test_a_network_that_fails_is_drawn_as_far_as_it_gets(command, tmp_path: Path,
                                                         ending: str) -> None:
    path = tmp_path / f"graph.{ending}"
    code, out, err = command("graph", "inception_v3", "--set", "input_size=40", "--output",
                             str(path))
    assert (code, out) == (2, "") and len(err.strip().splitlines()) == 1
    assert "reduction_a.branch3x3.conv" in err and "75" in err
    if ending != "png":
        assert "Conv2d cannot run" in path.read_text(encoding="utf-8")
    assert path.stat().st_size > 1000


def test_time_prints_the_figure_and_its_conditions(command) -> None:
    code, out, _ = command(*TIME)
    assert code == 0
    assert all(word in out for word in ("median", "p10", "p90", "n ", "threads", "torch"))
    document = json.loads(command(*TIME, "--format", "json")[1])
    assert 0 < document["p10_s"] <= document["median_s"] <= document["p90_s"]
    assert document["n"] >= 1 and document["conditions"]["torch"]
    assert "layers" not in document and "batches" not in document
    row = pd.read_csv(io.StringIO(command(*TIME, "--format", "csv")[1]))
    assert len(row) == 1 and row["median_s"][0] > 0 and row["dtype"][0] == "float32"


def test_time_takes_the_choices(command) -> None:
    document = json.loads(command(*TIME, "--dtype", "bfloat16", "--channels-last", "--training",
                               "--set", "input_size=64", "--batch-size", "2",
                               "--format", "json")[1])
    conditions = document["conditions"]
    assert (conditions["dtype"], conditions["layout"]) == ("bfloat16", "channels last")
    assert conditions["training"] and conditions["threads"] == 1
    assert document["batch_size"] == 2


def test_time_per_layer_and_why(
        command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, False)
    path = tmp_path / "layers.csv"
    assert command(*TIME, "--roofline", "--format", "csv", "--output", str(path))[:2] == (0, "")
    frame = pd.read_csv(path)
    summary = explorer.summarise(explorer.configure("mobilenetv3_small", input_size=32, width=0.25))
    assert list(frame["path"]) == [layer.path for layer in summary.layers]
    assert (frame["seconds"] > 0).all() and frame["share"].sum() == pytest.approx(1)
    assert set(frame["bound"]) <= {"memory", "arithmetic", "launching"}
    code, out, _ = command(*TIME, "--roofline")
    assert code == 0
    assert "The calls add up to" in out and "bound by memory" in out
    document = json.loads(command(*TIME, "--per-layer", "--format", "json")[1])["layers"]
    assert document["sum_s"] == pytest.approx(sum(call["seconds"] for call in document["calls"]))
    assert document["difference_s"] == pytest.approx(document["sum_s"] - document["whole_s"])
    assert sum(block["calls"] for block in document["blocks"]) == len(document["calls"])


def test_the_command_marks_a_disturbed_figure_and_concludes_nothing(
        command, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_are(monkeypatch, True)
    out = command(*TIME, "--roofline", "--batches", "1,2")[1]
    assert out.count("s, disturbed") == 3 and out.count(f"Warning: {WARNING}") == 1
    assert str(DISTURBED) in out and "bound by" not in out and "%" not in out
    record = json.loads(command(*TIME, "--roofline", "--format", "json")[1])
    assert record["warnings"] == [WARNING]
    assert record["roofline"]["because"] == [str(DISTURBED)]
    assert {call["share"] for call in record["layers"]["calls"]} == {None}
    code, out, err = command(*TIME, "--roofline", "--format", "csv")
    frame = pd.read_csv(io.StringIO(out))
    assert code == 0 and err == f"Warning: {WARNING}\n"
    assert (frame["seconds"] > 0).all() and frame["share"].isna().all() and "bound" not in frame


def test_the_command_measures_the_rates_again_for_what_is_above_them(
        command, monkeypatch: pytest.MonkeyPatch) -> None:
    times = count(1)        # as on a quiet machine, where what was measured first is kept

    def slowed(measured: object) -> object:
        """Rates that every layer is above."""
        if not isinstance(measured, Rates):
            return measured
        return replace(measured, flops_per_s=1.0, bytes_per_s=1.0, measured=next(times))

    runs_are(monkeypatch, False, change=slowed)
    assert "after the rates of the device have been measured 2 times" in \
        command(*TIME, "--roofline")[1]


@pytest.mark.parametrize(("arguments", "others"), [
    (("summary", "inception_v3"), []),
    (("explain", "resnet18", "0"), []),
    (("graph", "resnet18"), []),
    (("graph", "mobilenetv3_small", "--set", "width=0.25", "--overlay", "time"),
     ["mobilenetv3_small"]),
    (("time", "mobilenetv3_small", "--set", "width=0.25", "--budget", "0.05", "--device", "cpu",
      "--roofline", "--batches", "1,2"), []),
], ids=lambda value: " ".join(value))
def test_a_command_builds_each_network_once(
        command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
        others: list[str]) -> None:
    built: list[str] = []
    build = catalogue.build
    monkeypatch.setattr(catalogue, "build", lambda config, device: built.append(
        explorer.to_key(config)) or build(config, device))
    path = tmp_path / "out.dot"
    assert command(*arguments, "--output", str(path))[:2] == (0, "")
    key = "&".join([arguments[1], *["width=0.25"] * ("width=0.25" in arguments)])
    assert sorted(built) == sorted([key, *others])


def test_time_over_batch_sizes(command) -> None:
    document = json.loads(command(*TIME, "--batches", "1,3", "--format", "json")[1])
    assert [point["batch_size"] for point in document["batches"]] == [1, 3]
    assert all(point["images_per_second"] > 0 and point["refused"] is None
               for point in document["batches"])
    frame = pd.read_csv(io.StringIO(command(*TIME, "--batches", "2", "--format", "csv")[1]))
    assert list(frame["batch_size"]) == [2] and frame["median_s"][0] > 0


READER = '''
from torch import nn

class Reader(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.words = nn.Embedding(50, width)
        self.layer = nn.TransformerEncoderLayer(width, 2, 16, batch_first=True)

    def forward(self, ids, mask):
        return self.layer(self.words(ids), src_key_padding_mask=~mask).topk(3)

class Nothing(nn.Module):
    def forward(self, x):
        return x * 2

class Huge(nn.Module):
    def __init__(self):
        super().__init__()
        self.large = nn.Linear(2 ** 20, 2 ** 20)

    def forward(self, x):
        return self.large(x)
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reader.py"
    path.write_text(READER)
    return path


def test_time_of_a_file_of_two_inputs(command, file: Path) -> None:
    network = ("time", f"{file}:Reader(width=16)", "--input", "mask:2x6:bool", "--input",
               "ids:2x6:int64", "--device", "cpu", "--budget", "0.1")
    code, out, err = command(*network, "--roofline")
    assert (code, err) == (0, "")
    assert "samples a second" in out and "images" not in out
    assert "The calls add up to" in out and "layer.self_attn.linear" in out
    document = json.loads(command(*network, "--training", "--per-layer", "--format", "json")[1])
    assert document["batch_size"] == 2 and document["conditions"]["training"]
    assert len(document["layers"]["calls"]) > 20


def test_time_of_a_library_s_model(command) -> None:
    code, out, err = command(
        "time", "timm:mobilenetv3_small_050", "--set", "input_size=32", "--batch-size", "2",
        "--device", "cpu", "--budget", "0.1", "--channels-last", "--per-layer", "--batches", "1,2")
    assert (code, err) == (0, "")
    assert "images a second" in out and "The calls add up to" in out


@pytest.mark.parametrize(("arguments", "why"), [
    (("Reader", "--input", "2x6:int64", "--input", "2x6:bool", "--channels-last"),
     "`channels_last` is a layout of images"),
    (("Reader", "--input", "2x6:int64", "--input", "2x6:bool", "--batches", "1,2"),
     "it has no knob `batch_size`"),
    (("Nothing", "--input", "1x3", "--training"), "no result of this network has one"),
    (("Huge", "--input", "1x1048576"), "Give it a smaller input."),
], ids=["layout", "batches", "no gradient", "memory"])
def test_what_cannot_be_timed(command, file: Path, arguments: tuple[str, ...], why: str) -> None:
    name, *options = arguments
    code, out, err = command("time", f"{file}:{name}", *options, "--device", "cpu")
    assert (code, out) == (2, "") and why in err and err.count("\n") == 1
