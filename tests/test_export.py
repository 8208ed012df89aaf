"""What is taken away: every kind of file, by the command, from Python and from the menu."""

from __future__ import annotations

import io
import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pandas as pd
import PIL.Image
import pygraphviz
import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.config import ConfigError
from explorer.exporting import FORMATS, OPSET, OPSETS, Subject, content, find_format, formats_of
from explorer.libraries import INSTALL
from explorer.sweeping.records import count as count_key
from explorer.tracing import TraceError
from explorer.ui import exports
from explorer.ui.limits import Limits
from explorer.views.layout import LayoutError
from tests.test_pages import ROOT

QUICK = [ending for ending, form in FORMATS.items() if not form.needs]
"""Those that need no optional library: `test_onnx.py` has the others."""


@pytest.fixture(scope="module")
def network() -> explorer.Explored:
    return explorer.open("lenet5&width=2")


@pytest.fixture(scope="module")
def comparison() -> explorer.Comparison:
    return explorer.compare("lenet5", "lenet5_1998")


@pytest.fixture(scope="module")
def swept() -> explorer.Swept:
    given = explorer.grid(["lenet5"], ["width=1,2", "activation=tanh,relu"])
    return explorer.Swept(given, {point.key: count_key(point.key) for point in given})


@pytest.fixture(params=["network", "comparison", "swept"])
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.getfixturevalue(request.param)
    return made


def readable(ending: str, made: bytes) -> None:
    """Whether a program that knows this kind of file reads it."""
    match ending:
        case "py":
            compile(made, "network.py", "exec")
        case "ipynb":
            assert json.loads(made)["nbformat"] == 4
        case "html":
            assert made.startswith(b"<!doctype html>") and made.rstrip().endswith(b"</html>")
        case "csv":
            assert len(pd.read_csv(io.BytesIO(made))) > 1
        case "json":
            json.loads(made)
        case "md":
            assert "| --- |" in made.decode()
        case "svg":
            assert ElementTree.fromstring(made).tag.endswith("svg")
        case "png":
            PIL.Image.open(io.BytesIO(made)).verify()
        case "dot":
            assert pygraphviz.AGraph(string=made.decode()).nodes()


def test_every_kind_of_file_is_what_its_ending_says(subject: Subject, tmp_path: Path) -> None:
    """The same to the byte each time, and nothing stands beside it."""
    endings = [form.ending for form in formats_of(subject) if form.ending in QUICK]
    assert {"csv", "json", "md"} <= set(endings)
    for ending in endings:
        path = tmp_path / f"{ending}.{ending.upper()}"
        explorer.export(subject, path)
        made = path.read_bytes()
        readable(ending, made)
        assert made == content(subject, ending)
    assert len(list(tmp_path.iterdir())) == len(endings)


@pytest.mark.parametrize("ending", QUICK)
def test_the_command_writes_what_python_does(
        command, network: explorer.Explored, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"net.{ending}"
    assert command("export", "lenet5", "--set", "width=2", "--output", str(path)) == (0, "", "")
    wanted = explorer.open("lenet5&width=2").source
    told = explorer.pipeline.explore(wanted, preset=explorer.open("lenet5"))
    assert path.read_bytes() == content(told, ending)


def test_the_figures_are_those_of_the_network(network: explorer.Explored) -> None:
    made = explorer.build(explorer.configure("lenet5", width=2))
    params = sum(parameter.numel() for parameter in made.parameters())
    assert pd.read_csv(io.BytesIO(content(network, "csv")))["params"].sum() == params
    assert json.loads(content(network, "json"))["totals"]["params"] == params
    assert f"{params:,}" in content(network, "md").decode()


def test_the_command_compares_several_networks(command, tmp_path: Path) -> None:
    path = tmp_path / "both.json"
    assert command("export", "lenet5", "vgg11", "--set", "num_classes=7", "--output",
                   str(path)) == (0, "", "")
    assert [network["key"] for network in json.loads(path.read_bytes())["networks"]] == \
        ["lenet5&num_classes=7", "vgg11&num_classes=7"]


def test_the_command_sweeps_with_over(command, swept: explorer.Swept, tmp_path: Path) -> None:
    for ending in ("csv", "json", "md"):
        path = tmp_path / f"sweep.{ending}"
        assert command("export", "lenet5", "--over", "width=1,2", "--over", "activation=tanh,relu",
                       "--output", str(path))[:2] == (0, "")
        assert path.read_bytes() == content(swept, ending)
    rows = pd.read_csv(tmp_path / "sweep.csv")
    assert list(rows["key"]) == [point.key for point in swept.grid]
    lines = (tmp_path / "sweep.md").read_text().splitlines()
    assert len(lines) == 2 + len(swept.grid) and "61,706" in lines[2]


@pytest.mark.parametrize(("words", "said"), [
    (["lenet5", "--output", "net.zip"], f"must be one of .{', .'.join(FORMATS)}; got net.zip."),
    (["lenet5", "--output", "csv"], "must be one of"),
    (["no_such", "--output", "net.zip"], "must be one of"),     # told before anything is counted
    (["no_such", "--output", "net.csv"], "no_such"),
    (["lenet5", "--output", "nowhere/net.csv"], "Cannot write nowhere/net.csv: No such file"),
    (["lenet5", "vgg11", "--output", "net.dot"],
     "A .dot file is not made of a comparison. It can become .html, .csv"),
    (["lenet5", "--over", "width=1", "--output", "net.svg"], "is not made of a sweep"),
    (["lenet5", "--opset", "20", "--output", "net.csv"],
     "A .csv file of a network has no option 'opset'"),
    (["lenet5", "lenet5", "--output", "net.csv"], "is named twice"),
    (["lenet5", "vgg11", "--input", "1x3", "--output", "net.csv"], "Write it behind each"),
    (["lenet5", "--over", "width=1", "--input", "1x3", "--output", "net.csv"], "leave it out"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_cannot_be_written_is_one_line_and_no_file(
        command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str],
        said: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("export", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err and not list(tmp_path.iterdir())


def test_an_option_that_there_is_not_is_told_with_those_that_there_are(
        network: explorer.Explored) -> None:
    with pytest.raises(ConfigError, match="no option 'opset': it has direction, level, overlay"):
        content(network, "svg", opset=20)
    assert content(network, "svg", level="layer") != content(network, "svg")


ENDS_EARLY = """
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(5, 5))
"""


def test_of_a_network_that_ends_early_there_is_what_came_before(command, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(ENDS_EARLY)
    for ending, form in FORMATS.items():
        path = tmp_path / f"out.{ending}"
        code, out, err = command("export", f"{file}:net", "--output", str(path))
        assert (code, out) == (2, "") and "Linear" in err
        assert path.exists() == form.cut_short
        if form.cut_short:
            readable(ending, path.read_bytes())
    early = explorer.open(f"{file}:net")
    assert [form for form in formats_of(early) if not form.cut_short] == []
    with pytest.raises(TraceError):
        content(early, "csv")


def test_the_kinds_of_file_are_well_formed() -> None:
    for ending, form in FORMATS.items():
        assert find_format(f"a/b.c.{ending}") is form and form.ending == ending
        assert str(form.help).endswith(".") and form.group in exports.GROUPS
        assert form.network or form.comparison or form.sweep


# The menu

def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    for key in ("export", "compare:export", "sweep:export"):
        app.session_state[key] = True
    app.switch_page(page).run()
    assert not app.exception and not app.error
    return app


def offered(app: AppTest) -> list[str]:
    return [button.proto.label for button in app.get("download_button")
            if "export-" in button.proto.id]


def titles(subject: Subject) -> list[str]:
    return [str(form.title) for group in exports.GROUPS for form in formats_of(subject)
            if form.group == group]


def test_the_menu_offers_everything_and_makes_nothing(
        monkeypatch: pytest.MonkeyPatch, network: explorer.Explored,
        comparison: explorer.Comparison, swept: explorer.Swept) -> None:
    made = count()
    for name in ("content", "content_of_key"):
        monkeypatch.setattr(exports, name, lambda *_, **__: next(made))
    assert offered(opened("pages/explore.py", network="lenet5", width="2")) == titles(network)
    assert offered(opened("pages/compare.py", a="lenet5", b="lenet5_1998")) == titles(comparison)
    app = opened("pages/sweep.py", network="lenet5", over="width=1,2")
    assert offered(app) == titles(swept)
    assert next(made) == 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """With what each file of a menu would be made, by its ending."""
    given: dict[str, dict[str, Any]] = {}
    partial = exports.partial

    def noted(function: Callable[..., Any], *given_to: Any) -> Callable[..., Any]:
        if function is exports._made:
            given[given_to[1].ending] = given_to[3]
        return partial(function, *given_to)

    monkeypatch.setattr(exports, "partial", noted)
    return given


def test_the_drawing_is_the_one_that_is_shown(asked: dict[str, dict[str, Any]]) -> None:
    opened("pages/explore.py", network="lenet5", level="layer", overlay="macs", direction="TB")
    assert asked["svg"] == {"level": "layer", "toggled": (), "overlay": "macs", "direction": "TB",
                            "seconds": None}
    assert asked["csv"] == {"times": None} and asked["json"] == {}


def test_the_options_of_onnx_are_those_of_the_menu(
        monkeypatch: pytest.MonkeyPatch, asked: dict[str, dict[str, Any]]) -> None:
    monkeypatch.setattr(exports.libraries, "missing", lambda library: "")
    app = opened("pages/explore.py", network="lenet5")
    assert asked["onnx"] == {"opset": OPSET, "dynamic_batch": False}
    app.selectbox(key="export-opset").select(OPSETS[0])
    app.toggle(key="export-batch").set_value(True).run()
    assert asked["onnx"] == {"opset": OPSETS[0], "dynamic_batch": True}


def test_weights_that_are_too_many_for_the_page_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "limits", lambda: Limits(export_bytes=200_000))
    monkeypatch.setattr(exports.libraries, "missing", lambda library: "")
    app = opened("pages/explore.py", network="lenet5")
    [button] = [button for button in app.get("download_button") if button.proto.label == "ONNX"]
    assert button.proto.disabled
    assert "ONNX: Its weights have 247 kB, and this page makes files of up to 200 kB." in \
        " ".join([caption.value for caption in app.caption]).replace("\\", "")


def test_a_missing_library_is_told_with_the_command_that_installs_it(
        command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    app = opened("pages/explore.py", network="lenet5")
    said = " ".join([caption.value for caption in app.caption]).replace("\\", "")
    assert "onnx is not installed" in said and INSTALL in said
    code, out, err = command("export", "lenet5", "--output", str(tmp_path / "net.onnx"))
    assert (code, out) == (2, "") and err == f"Error: onnx is not installed. `{INSTALL}` " \
                                             "installs it.\n"
    assert not list(tmp_path.iterdir())


def test_who_would_wait_for_long_is_told(
        monkeypatch: pytest.MonkeyPatch, network: explorer.Explored) -> None:
    monkeypatch.setattr(exports, "_places", BoundedSemaphore(1))
    monkeypatch.setattr(exports, "processes", lambda *_, **__: Stuck())
    monkeypatch.setattr(exports, "LONGEST_S", 0.01)
    refusal = exports.Refusal()
    for said in ("too much time", "too much time", "Others are waiting"):
        if said.startswith("Others"):
            exports._places.acquire()
        with pytest.raises((TimeoutError, exports.ExportError)):
            exports._made(refusal, FORMATS["onnx"], lambda: network, {})
        assert said in str(refusal.why)
    assert Stuck.ended == 2


class Stuck:
    """A process that never answers."""

    ended = 0

    def submit(self, *_: object, **__: object) -> Future[bytes]:
        return Future()

    def shutdown(self, wait: bool) -> None:
        Stuck.ended += 1


@pytest.mark.parametrize(("error", "said"), [
    (LayoutError("Too large."), "Too large."),
    (TimeoutError(), "too much time or memory"),
    (KeyError("x"), "something in this program is wrong"),
])
def test_why_a_file_could_not_be_made_is_kept_for_the_menu(
        monkeypatch: pytest.MonkeyPatch, network: explorer.Explored, error: Exception,
        said: str) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise error

    refusal = exports.Refusal()
    make = exports.partial(exports._made, refusal, FORMATS["png"], lambda: network, {})
    with monkeypatch.context() as patched, pytest.raises(type(error)):
        patched.setattr(exports, "content", fail)
        make()
    assert said in str(refusal.why)
    assert make() == content(network, "png") and not refusal.why
