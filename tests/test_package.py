"""What `pip install .` installs, built without a network and run where nothing of the source is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import explorer

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def required(file: str) -> set[str]:
    """What a file of requirements asks for itself."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if re.match(r"[a-z]", line)}


def test_the_extras_are_the_optional_libraries() -> None:
    extras = PROJECT["optional-dependencies"]
    assert list(extras) == ["models", "cluster", "lessons", "export"]
    asked = [library for libraries in extras.values() for library in libraries]
    assert set(asked) == required("requirements-extra.txt") and len(set(asked)) == len(asked)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel of the source is installed in."""
    source, place = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("place")
    for name in ("explorer", "pyproject.toml", "README.md", "requirements.txt"):
        (source / name).symlink_to(ROOT / name)
    pip("wheel", ".", "--no-build-isolation", "--wheel-dir", str(place), cwd=source)
    [wheel] = place.glob("*.whl")
    pip("install", str(wheel), "--target", str(place / "site"), cwd=place)
    return place


def pip(*words: str, cwd: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words, "--no-deps", "--no-index"],
                          cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_wheel_has_every_file_of_the_package(installed: Path) -> None:
    [wheel] = installed.glob("*.whl")
    assert wheel.name == f"architecture_explorer-{explorer.__version__}-py3-none-any.whl"
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("explorer/")}
    own = {str(file.relative_to(ROOT)) for file in (ROOT / "explorer").rglob("*")
           if file.is_file() and "__pycache__" not in file.parts and file.name[0] != "."}
    assert held == own
    assert {Path(name).suffix for name in held} >= {".py", ".json", ".css", ".js", ".csv", ".svg"}


def test_it_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    command = installed / "site" / "bin" / "explorer"
    environment = {**os.environ, "PYTHONPATH": str(installed / "site")}
    done = subprocess.run([command, "list"], cwd=tmp_path, env=environment, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and "25,557,032" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())
