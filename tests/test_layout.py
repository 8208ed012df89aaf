"""The order in which modules know each other, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A module may import from the lines before its own, and within its own package.
ORDER = [
    ["config", "formula", "reloading", "text"], ["networks", "tracing"], ["analysis"],
    ["structure", "explain"], ["sources"], ["pipeline"], ["conventions"],
    ["timing", "sweep", "published"], ["views"], ["ui", "cli"], ["__init__"], ["__main__"],
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
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
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


@pytest.mark.parametrize("path", [*EXPLORER, *PAGES], ids=name_of)
def test_sections_of_a_page_read_no_session(path: Path) -> None:
    read = {node.attr for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)} & {"session_state", "query_params"}
    assert not read or name_of(path) in ("explorer/ui/panel.py", "explorer/ui/published.py")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_do_not_import_torch(path: Path) -> None:
    assert "torch" not in packages(path)


@pytest.mark.parametrize("path", [*EXPLORER, *PAGES], ids=name_of)
def test_no_bare_except(path: Path) -> None:
    handlers = [node for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ExceptHandler)]
    assert [handler.lineno for handler in handlers if handler.type is None] == []


def test_the_source_is_where_these_tests_look() -> None:
    found = {part_of(path) for path in EXPLORER}
    assert {"config", "networks", "tracing", "analysis"} <= found
    assert "torch" in packages(ROOT / "explorer" / "tracing" / "tracer.py")
    assert "explorer.config.Config" in imports(ROOT / "explorer" / "networks" / "key.py")
