"""No text of the interface is outside of the catalogues, where it is written and on a page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from torch import nn

from explorer.config import ConfigError
from explorer.lessons import lessons
from explorer.libraries import LibraryError
from explorer.pipeline import explore
from explorer.published import compare
from explorer.published import names as tables
from tests.test_layout import PAGES, ROOT, name_of
from tests.untold import NAMES, WORD, marked, open_page, untold, untold_of

pytestmark = pytest.mark.xdist_group("untold")

ELEMENTS = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "expander", "header",
    "help", "info", "link_button", "markdown", "metric", "multiselect", "number_input",
    "page_link", "pills", "popover", "progress", "radio", "section", "segmented_control",
    "select_slider", "selectbox", "slider", "spinner", "standing", "status", "subheader",
    "success", "tabs", "text", "text_area", "text_input", "title", "toast", "toggle", "warning",
    "write",
}
"""What puts its first argument before people."""
SHOWN = {"help", "label", "placeholder", "title", "page_title", "caption"}
WRITTEN = [*sorted((ROOT / "explorer" / "ui").rglob("*.py")), *PAGES]


def literals(node: ast.expr) -> Iterator[str]:
    """Texts that an expression has in it and that nothing says."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.IfExp | ast.List | ast.Tuple):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                yield from literals(inner)


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_no_element_is_given_a_text_that_nothing_says(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else \
            node.func.id if isinstance(node.func, ast.Name) else ""
        given = [*node.args[:1]] if name in ELEMENTS else []
        given += [keyword.value for keyword in node.keywords if keyword.arg in SHOWN]
        found += [f"line {node.lineno}: {text}" for each in given for text in literals(each)
                  if untold(text, NAMES)]
    assert found == []


IDENTITIES = {"off", "stack", "stage", "same", "changed", "only", "st-key-derivation"}
"""Words that the program says to the browser, and nobody sees."""
OF_COLUMNS = {"right", "accounted", "unaccounted", "number", "type", "params", "status", "path",
              "calls", "reason", "shape"}
"""The same of the columns of a published table."""
OF_LESSONS = {"cat", "pad", "group", "last", "lrn", "mlp", "relu", "silu", "hardswish", "swish"}
"""Operators and paths of the networks in lessons."""


STATES: list[tuple[str, dict[str, str]]] = [
    ("explore", {"network": "resnet50", "width": "0.5", "layer": "stage1.0.branch.conv2"}),
    ("explore", {"network": "lraspp_mobilenetv3_large", "level": "block", "overlay": "params"}),
    ("explore", {"network": "inception_v3", "input_size": "32"}),
    ("explore", {"network": "vit_b_16", "overlay": "receptive_field", "level": "layer"}),
    ("explore", {"network": "nothing", "width": "wide", "level": "none", "begin": "x"}),
    ("explore", {"network": "vgg16", "blocks": "9-9", "layer": "none", "toggled": "x"}),
    ("compare", {"a": "resnet34", "b": "resnet50&width=0.5", "c": "googlenet"}),
    ("compare", {"a": "vit_b_16", "b": "vgg16&input_size=8", "z": "1"}),
    ("sweep", {"network": "mobilenetv2", "width": "0.5:1:0.25"}),
    ("sweep", {"network": "lenet5", "depth": "wide"}),
    ("catalogue", {}), ("conventions", {}), ("learn", {}),
    *[("published", {"table": name}) for name in tables()],
    *[("learn", {"lesson": lesson.name}) for lesson in lessons()],
    ("learn", {"lesson": "none"}),
    *[("quiz", {"seed": str(seed), "about": about})
      for seed, about in ((7, ""), (8, "VGG"), (9, "resnet50"))],
    ("quiz", {"seed": "x"}),
]


def words_of(query: dict[str, str]) -> set[str]:
    """Paths and types of the modules of the networks that an address names, and what a published
    table calls its totals."""
    found: set[str] = set()
    named = [value for name, value in query.items() if name in ("network", "a", "b", "c", "about")]
    for name in [*named, "resnet18", "resnet50"]:
        with suppress(ConfigError, LibraryError):
            network = explore(name)
            said = [f"{layer.path} {layer.type}" for layer in network.summary.layers]
            said += [part.name for part in network.structure.parts.values()]
            found.update(WORD.findall(" ".join(said)))
    if "lesson" in query:
        found.update({*dir(nn), *OF_LESSONS})
    if "table" in query:
        totals = " ".join(total.name for total in compare(query["table"]).totals)
        found.update({*WORD.findall(totals), *OF_COLUMNS})
    return found


@pytest.mark.parametrize(("page", "query"), STATES, ids=lambda value: str(value))
def test_a_page_says_nothing_that_is_in_no_catalogue(page: str, query: dict[str, str]) -> None:
    with marked():
        app = open_page(f"pages/{page}.py", **query)
        assert not app.exception
        assert untold_of(app, words_of(query) | IDENTITIES) == {}
