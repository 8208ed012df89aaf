"""The order in which modules know each other, read from the source."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import explorer

ROOT = Path(__file__).parent.parent

# A module may import from the lines before its own, and within its own package.
ORDER = [
    ["language"], ["files", "garbage", "libraries", "reloading", "shown"], ["text", "validation"],
    ["formula"], ["config"],
    ["networks", "tracing"], ["analysis"],
    ["structure", "explain"], ["sources"], ["pipeline"], ["conventions", "comparison"],
    ["timing", "published"], ["sweeping"], ["lessons"], ["views"], ["recorded"], ["exporting"],
    ["ui", "cli"],
    ["__init__"], ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}

EXPLORER = sorted((ROOT / "explorer").rglob("*.py"))
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), *ROOT.glob("app.py")]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def part_of(path: Path) -> str:
    """The module or package directly under explorer/ that a file belongs to."""
    return path.relative_to(ROOT / "explorer").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Full names of all that a file imports, in functions too."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: node.lineno):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", EXPLORER, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    own = part_of(path)
    assert own in RANK, f"give {own} a place in ORDER"
    for name in imports(path):
        package, _, rest = name.partition(".")
        assert package, f"{name} is relative"
        if package == "explorer":
            imported = rest.partition(".")[0]
            imported = imported if imported in RANK else "__init__"     # a public name
            assert imported == own or RANK[imported] < RANK[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", EXPLORER, ids=name_of)
def test_only_the_ui_imports_streamlit(path: Path) -> None:
    assert "streamlit" not in packages(path) or part_of(path) == "ui"


def test_timing_knows_sources_and_no_config() -> None:
    """So that what is no network of the catalogue can be timed too."""
    timing = [path for path in EXPLORER if part_of(path) == "timing"]
    assert "explorer.sources.find_source" in {name for path in timing for name in imports(path)}
    assert [name_of(path) for path in timing for name in imports(path)
            if name.startswith(("explorer.networks", "explorer.config"))] == []


@pytest.mark.parametrize("path", [*EXPLORER, *PAGES], ids=name_of)
def test_sections_of_a_page_read_no_session(path: Path) -> None:
    read = {node.attr for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)} & {"session_state", "query_params"}
    assert not read or name_of(path) in (
        "explorer/ui/address.py", "explorer/ui/panel.py", "explorer/ui/compared_panels.py",
        "explorer/ui/published.py", "explorer/ui/sweep/form.py")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_begin_with_the_module_that_imports_all_others(path: Path) -> None:
    """Or two that come first at once would wait for what the other has begun."""
    first, *_ = [name for name in imports(path) if name.startswith("explorer")]
    assert first.startswith("explorer.ui.start")


def test_pages_may_come_first_all_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE, *map(str, PAGES)], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    assert not done.returncode, done.stderr
    assert not done.stdout, done.stdout


AT_ONCE = """
import ast, sys, threading, traceback

sys.setswitchinterval(1e-5)
gate = threading.Barrier(len(sys.argv) - 1)

def begin(path):
    gate.wait()
    names = {}
    for node in ast.parse(open(path).read()).body:
        inner = node.body if isinstance(node, ast.With) else [node]
        if all(isinstance(each, (ast.Import, ast.ImportFrom)) for each in inner):
            try:
                exec(compile(ast.Module([node], []), path, "exec"), names)
            except BaseException:
                print(path, traceback.format_exc())

threads = [threading.Thread(target=begin, args=(path,)) for path in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_do_not_import_torch(path: Path) -> None:
    assert "torch" not in packages(path)


@pytest.mark.parametrize("path", [*EXPLORER, *PAGES], ids=name_of)
def test_no_bare_except(path: Path) -> None:
    handlers = [node for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ExceptHandler)]
    assert [handler.lineno for handler in handlers if handler.type is None] == []


def test_a_class_name_stands_for_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for path in EXPLORER:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name_of(path))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


PACKAGES = [explorer, *(importlib.import_module(module.name) for module in
                        pkgutil.walk_packages(explorer.__path__, "explorer.") if module.ispkg)]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_no_public_name_hides_a_module(package: ModuleType) -> None:
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != "__main__":
            importlib.import_module(f"{package.__name__}.{module.name}")
            assert isinstance(getattr(package, module.name), ModuleType), module.name


ENGINE = ("formula", "language", "shown", "text", "tracing", "analysis", "structure")


@pytest.mark.parametrize("path", [path for path in EXPLORER if part_of(path) in ENGINE],
                         ids=name_of)
def test_the_engine_knows_no_network(path: Path) -> None:
    """Any module can be traced, analysed and taken apart: nothing there knows a config."""
    known = {name.split(".")[1] for name in imports(path) if name.startswith("explorer.")}
    assert known <= set(ENGINE)


@pytest.mark.parametrize("path", [path for path in EXPLORER if part_of(path) == "views"],
                         ids=name_of)
def test_views_run_no_pipeline(path: Path) -> None:
    functions = {"explorer.pipeline.explore", "explorer.pipeline.summarise",
                 "explorer.networks.build.build", "explorer.tracing.trace",
                 "explorer.analysis.analyse"}
    assert functions.isdisjoint(imports(path))


def test_the_source_is_where_these_tests_look() -> None:
    found = {part_of(path) for path in EXPLORER}
    assert {"config", "networks", "tracing", "analysis"} <= found
    assert "torch" in packages(ROOT / "explorer" / "tracing" / "tracer.py")
    assert "explorer.config.Config" in imports(ROOT / "explorer" / "sources" / "find.py")
