"""The README against the code: what it promises is there, and what is there it names."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import explorer
from explorer.cli.main import cli
from explorer.cli.networks import FORMATS
from explorer.config import knobs_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"\w+", README))
# In the order of the catalogue, the same in every process that collects the tests.
CONFIGS = list(dict.fromkeys(type(preset.config) for preset in explorer.presets().values()))


@pytest.mark.parametrize("name", explorer.presets())
def test_every_network_is_named(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_every_knob_and_choice_is_named(config: type[explorer.Config]) -> None:
    for name, knob in knobs_of(config).items():
        assert f"`{name}`" in README
        assert {str(option) for option in knob.options} <= WORDS, name


def test_every_knob_it_names_exists() -> None:
    tables = README.split("### Knobs of every network")[1].split("## Command line")[0]
    named = {name for row in re.findall(r"^\|([^|]+)\|([^|]+)\|", tables, re.M)
             for cell in row for name in re.findall(r"`(\w+)`", cell)}
    assert named == {name for config in CONFIGS for name in knobs_of(config)}


@pytest.mark.parametrize("command", cli.commands)
def test_every_command_and_option_is_named(command: str) -> None:
    assert f"python -m explorer {command}" in README
    for option in cli.commands[command].params:
        if isinstance(option, click.Option):
            assert option.opts[0] in README


def test_every_format_is_named() -> None:
    assert set(FORMATS) <= WORDS


@pytest.mark.parametrize("name", explorer.__all__)
def test_every_function_and_error_is_named(name: str) -> None:
    value = getattr(explorer, name)
    if not isinstance(value, type) or issubclass(value, Exception):
        assert f"explorer.{name}" in README


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.S)
    assert example
    exec(compile(example[1], "README.md", "exec"), {})
    assert "parameters" in capsys.readouterr().out


def test_the_commands_and_files_it_shows_exist() -> None:
    for module in re.findall(r"python -m (benchmarks\.\w+)", README):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file()
    assert "pip install -r requirements.txt && streamlit run app.py" in README.splitlines()
    assert "pip install -r requirements-dev.txt && pytest" in README.splitlines()
