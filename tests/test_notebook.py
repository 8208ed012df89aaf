"""Values show themselves in Jupyter, and a network gives the notebook that makes it again."""

from __future__ import annotations

import ast
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.exporting.notebook import notebook
from explorer.pipeline import Explored
from explorer.shown import Shown, html
from explorer.sources import Source
from explorer.tracing import Input
from tests.graphs import explored
from tests.kinds import KINDS

HOSTILE = "<img src=x onerror=alert(1)>\"'`$x$"


def cells(found: Explored, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(notebook(found))["cells"]
            if cell["cell_type"] == kind]


def run(found: Explored) -> list[Any]:
    """What each cell of code shows: the value of its last line, in one namespace."""
    namespace: dict[str, Any] = {}
    shown = []
    for source in cells(found, "code"):
        lines = ast.parse(source.replace("budget_s=2", "budget_s=0.05"))
        last = lines.body.pop()
        assert isinstance(last, ast.Expr)
        exec(compile(lines, "cell", "exec"), namespace)
        shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), namespace))
    return shown


def test_its_cells_open_tabulate_draw_run_and_time_the_network(
        capsys: pytest.CaptureFixture[str]) -> None:
    network, largest, stages, drawing, shape, warnings = run(explored("lenet5"))
    totals = explored("lenet5").summary.totals
    assert network.key == "lenet5" and network.summary.totals == totals
    assert largest["macs"].iloc[0] == max(layer.macs or 0 for layer in network.summary.layers)
    assert stages["params"].sum() == totals.params
    assert drawing == explorer.draw(network) and "<img" in drawing._repr_html_()
    assert tuple(shape) == (1, 10) and isinstance(warnings, tuple)
    said = capsys.readouterr().out
    assert f"{totals.params:,} parameters" in said and " ms on " in said


TWO_INPUTS = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.words = nn.Conv2d(3, 4, 3), nn.Embedding(9, 4)
    def forward(self, image, ids):
        return self.image(image).mean((2, 3)) + self.words(ids).mean(1)
"""


def test_a_network_of_a_file_gets_its_inputs(tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(TWO_INPUTS)
    found = explorer.open(f"{file}:Two", inputs=[
        Input((1, 3, 8, 8)), Input((1, 5), torch.int64, "ids")])
    code = cells(found, "code")
    assert "torch.zeros((1, 5), dtype=torch.int64)" in code[-2] and "ids=x2" in code[-2]
    namespace: dict[str, Any] = {}
    exec("\n".join([code[0], code[-2]]), namespace)
    assert tuple(namespace["output"].shape) == (1, 4)


@pytest.mark.parametrize("network", KINDS)
def test_it_is_a_notebook(network: str) -> None:
    written = notebook(explored(network))
    assert written == notebook(explorer.open(network))
    made = json.loads(written)
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    for cell in made["cells"]:
        required = {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
        assert cell.keys() == required
    for source in cells(explored(network), "code"):
        ast.parse(source)


def test_it_holds_to_the_schema_of_nbformat() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(notebook(explored("lenet5")), as_version=4))


def test_a_pass_that_ends_early_is_opened_and_drawn_and_no_more() -> None:
    found = explorer.open("vgg16&input_size=16")
    code = "\n".join(cells(found, "code"))
    assert "draw" in code and "build" not in code and "time_forward" not in code
    assert "smallest" in cells(found, "markdown")[-1]
    network, _, _, drawing = run(found)
    assert str(network.failure) in network._repr_html_().replace("&#x27;", "'")
    assert b"cannot run" in drawing


class Hostile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module(HOSTILE, nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self._modules[HOSTILE](x)        # type: ignore[misc]


def hostile() -> Explored:
    return explorer.open(Source(key=HOSTILE, titled=lambda: HOSTILE, inputs=(Input((1, 4)),),
                                build=lambda device: Hostile().to(device)))


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("value", [
    lambda: hostile(), lambda: hostile().summary,
    lambda: explorer.Comparison((hostile(), explored("lenet5")))])
def test_no_name_breaks_out_of_what_is_shown(value: Any) -> None:
    for tag, attributes in Tags(value()._repr_html_()).found:
        assert tag in ("p", "b", "img", "table", "thead", "tbody", "tr", "th", "td", "div", "span",
                       "br", "small", "code")
        assert attributes.keys() <= {"style", "alt", "src"}
        assert (attributes.get("src") or "data:").startswith("data:")
    code = cells(hostile(), "code")
    assert ast.literal_eval(code[0].splitlines()[-2].removeprefix("network = explorer.open(")[:-1]
                            ) == HOSTILE


def test_what_is_shown_has_the_figures() -> None:
    shown = explored("resnet50").summary._repr_html_()
    assert shown and "25,557,032" in shown and shown.count("<tr") == 175 + 1 + 11
    assert "stage4.2.branch.conv3" in shown
    whole = explored("resnet50")._repr_html_()
    assert whole and "data:image/svg+xml;base64," in whole and "4,089,184,256" in whole
    both = explorer.compare("resnet34", "resnet50")._repr_html_()
    assert both and "21.8 M" in both and "1.17 times" in both
    long = explored("resnet1202").summary._repr_html_()
    assert long and "more; <code>explorer.layer_frame</code>" in long and len(long) < 300_000


def test_drawings_are_bytes_that_show_themselves() -> None:
    svg, png, dot = (explorer.draw(explored("lenet5"), form)
                     for form in ("svg", "png", "dot"))     # type: ignore[arg-type]
    assert isinstance(svg, bytes) and svg.startswith(b"<svg")
    assert "image/svg+xml" in (svg._repr_html_() or "")
    assert "image/png" in (png._repr_html_() or "")
    assert dot._repr_html_() is None
    merged = explorer.draw_beside(explorer.compare("vgg16", "vgg19"))
    assert "image/svg+xml" in (merged._repr_html_() or "")


def test_data_knows_no_html() -> None:
    class Unknown(Shown):
        pass

    assert html(object()) is None and Unknown()._repr_html_() is None
    assert explorer.Summary._repr_html_ is Shown._repr_html_
