"""The optional libraries: there, not installed, or there and broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from explorer.libraries import LibraryError, load

ROOT = Path(__file__).parent.parent
NAMES = ["timm", "torchvision"]


def python(code: str, *, path: Path = ROOT) -> str:
    """What code prints in an interpreter of its own, whose first directory is `path`."""
    run = subprocess.run([sys.executable, "-Bc", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
                          f"sys.path.insert(0, {str(path)!r})\n{code}"],
                         capture_output=True, text=True, check=False, cwd=path)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_a_library_that_is_there(name: str) -> None:
    library = load(name)
    assert library.__name__ == name
    assert load(name) is library is sys.modules[name]


@pytest.mark.parametrize("name", NAMES)
def test_each_loads_first_in_a_program(name: str) -> None:
    assert python(f"from explorer.libraries import load; print(load({name!r}).__name__)") == name


def test_the_models_can_be_listed_and_built() -> None:
    assert "convnext_tiny" in load("timm").list_models()
    models = load("torchvision").models
    assert "fasterrcnn_resnet50_fpn" in models.list_models()
    assert models.get_model("resnet18").fc.out_features == 1000


def test_after_a_failed_import_of_somebody_else() -> None:
    """The import that fails leaves half of the modules behind."""
    assert python("""
try:
    import torchvision
except RuntimeError:
    pass
from explorer.libraries import load
import torch
timm, torchvision = load("timm"), load("torchvision")
model = timm.create_model("resnet18", num_classes=7).eval()
print(model(torch.zeros(1, 3, 32, 32)).shape[1], torchvision is sys.modules["torchvision"])
""") == "7 True"


def test_threads_get_one_library() -> None:
    assert python("""
from concurrent.futures import ThreadPoolExecutor
from explorer.libraries import load
with ThreadPoolExecutor(8) as threads:
    timms = set(threads.map(load, ["timm", "torchvision"] * 8))
print(sorted(library.__name__ for library in timms))
""") == "['timm', 'torchvision']"


@pytest.mark.parametrize("name", NAMES)
def test_a_library_that_is_not_installed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)    # what an import then finds is nothing
    with pytest.raises(LibraryError) as raised:
        load(name)
    assert str(raised.value) == \
        f"{name} is not installed. `pip install -r requirements-extra.txt` installs it."
    assert (ROOT / "requirements-extra.txt").read_text().count(f"\n{name}==") == 1


BROKEN = {
    "import no_such_module": "No module named 'no_such_module'",
    "raise RuntimeError('Built for another machine.\\nMore.')": "Built for another machine",
    "raise OSError": "OSError",
    "1 +": "invalid syntax (timm.py, line 1)",
    "raise RuntimeError('operator torchvision::nms does not exist')":
        "operator torchvision::nms does not exist",
}


def test_a_library_that_does_not_import(tmp_path: Path) -> None:
    """Asked twice, each says the same twice."""
    assert python(f"""
import importlib, pathlib
from explorer.libraries import LibraryError, load
for source in {list(BROKEN)}:
    pathlib.Path("timm.py").write_text(source)
    importlib.invalidate_caches()
    for _ in range(2):
        try:
            load("timm")
        except LibraryError as error:
            print(error)
""", path=tmp_path).splitlines() == [f"timm is installed but does not import: {reason}."
                                     for reason in BROKEN.values() for _ in range(2)]


def test_the_program_imports_no_optional_library() -> None:
    assert python(f"import explorer, explorer.cli.main\n"
                  f"print([name for name in {NAMES} if name in sys.modules])") == "[]"
