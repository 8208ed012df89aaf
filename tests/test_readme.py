"""The README against the code: what it promises is there, and what is there it names."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import click
import pytest
from pydantic import create_model
from torch import nn

import explorer
from explorer.analysis import analyse
from explorer.cli.main import cli
from explorer.cli.networks import FORMATS
from explorer.config import BlockCount, knob, knobs_of, redeclare
from explorer.config.knobs import Kind
from explorer.explain.derivation import NO_FORMULA, derive, to_text
from explorer.networks.family import Family, Preset
from explorer.tracing import trace
from explorer.tracing.operators import find_operator
from explorer.tracing.operators.operator import forget, operator
from tests import operator_rows
from tests.readme_tables import common_knobs, family_knobs, figures, networks, with_tables

ROOT = Path(__file__).parent.parent
FILE = ROOT / "README.md"
README = FILE.read_text(encoding="utf-8")
WORDS = set(re.findall(r"\w+", README))
OPERATORS = README.partition("### Adding an operator\n")[2].partition("\n### ")[0]
CONTRIBUTORS = README.partition("### Adding a family\n")[2].partition("\n### ")[0]


# The tables that are made from the catalogue

def test_the_tables_are_as_recorded(request: pytest.FixtureRequest) -> None:
    text = FILE.read_text(encoding="utf-8")
    made = with_tables(text)
    if request.config.getoption("record"):
        FILE.write_text(made, encoding="utf-8")
        return
    assert text == made, "write the tables anew with `pytest tests/test_readme.py --record`"


@pytest.mark.parametrize("family", explorer.families(), ids=lambda family: family.title)
def test_the_tables_have_every_network_knob_and_choice(family: Family) -> None:
    """Once each: a knob of one family stands under its title, the others with all networks'."""
    in_common, in_families = (rows(made()) for made in (common_knobs, family_knobs))
    title, own = "", []
    for cells in in_families:
        title = cells[0] or title
        if title == family.title:
            own.append(cells[1:])
    assert [cells[1:] for cells in rows(networks()) if cells[0] == family.title] \
        == [[" ".join(f"`{preset.config.network}`" for preset in family.presets), family.paper]]
    for preset in family.presets:
        for name, declared in knobs_of(type(preset.config)).items():
            one_s = [cells for table in (own, in_common) for cells in table
                     if cells[0] == f"`{name}`" and cells[2].startswith(declared.help)]
            assert one_s and all(f"`{option}`" in one_s[0][1] for option in declared.options)
    assert len({(knob, said) for knob, _, said in own}) == len(own)


def rows(table: str) -> list[list[str]]:
    """The cells of a table's rows, without its header."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in table.splitlines()[2:]]


def test_the_published_figures_are_those_of_the_presets() -> None:
    shown = {cells[0]: cells[2:] for cells in rows(figures())}
    assert shown["`resnet50`"] == ["25,557,032", "4,089,184,256", "torchvision 0.28"]
    assert shown["`xception`"] == ["22,855,952", "", "Table 3 of the paper"]
    assert "`inception_v3_tutorial`" not in shown
    assert len(shown) == sum(bool(preset.figures) for preset in explorer.presets().values())


# Adding a family

EXAMPLE_RUNS = """
import sys
from explorer import networks
networks.__path__.append(sys.argv[1])
import explorer
from explorer.cli.main import main
from explorer.networks.catalogue import family_of
from explorer.sources.key import from_query, to_query

preset = explorer.presets()["allcnn_c"]
assert family_of("allcnn_c") in explorer.families()
config = explorer.configure("allcnn_c", width=0.5, blocks=(1, 2), batch_norm=True)
assert explorer.to_key(config) == "allcnn_c&width=0.5&blocks=1-2&batch_norm=on"
assert from_query(to_query(config), "vgg16") == (config, [])
assert explorer.summarise(preset.config).totals.params == preset.params == 1_369_738
assert explorer.build(config, "cpu").stage1[0].conv.weight.shape == (48, 3, 3, 3)
dot = explorer.draw(explorer.open(config), "dot", level="stage").decode()
assert all(stage in dot for stage in ("stage1", "stage2", "head"))
sys.argv[1:] = ["summary", "allcnn_c", "--set", "width=0.5"]
main()
"""


def test_the_example_of_a_family_is_one(tmp_path: Path) -> None:
    [name] = re.findall(r"`(\w+)\.py`, is complete", CONTRIBUTORS)
    example = code_in(CONTRIBUTORS)[0]
    (tmp_path / f"{name}.py").write_text(example, encoding="utf-8")
    run = subprocess.run([sys.executable, "-c", EXAMPLE_RUNS, str(tmp_path)], cwd=ROOT, text=True,
                         capture_output=True)
    assert run.returncode == 0, run.stderr
    assert "stage1.0.conv" in run.stdout


def test_the_example_of_an_operator_is_one(tmp_path: Path) -> None:
    """With the row that the README has for it, held against PyTorch as the others are."""
    example, signature, row, shown = code_in(OPERATORS)
    bare = inspect.signature(operator)
    bare = bare.replace(return_annotation=bare.empty, parameters=[
        parameter.replace(annotation=parameter.empty) for parameter in bare.parameters.values()])
    assert signature.strip() == f"operator{bare}".replace("'", '"')
    network = operator_rows.Function(lambda x: x.cummax(1)[0])
    assert not trace(network, operator_rows.X).calls[0].known
    exec(compile(example, "cummax.py", "exec"), {})
    entry = find_operator("cummax")
    assert entry
    try:
        summary = analyse(trace(nn.Sequential(nn.BatchNorm2d(6), network), operator_rows.X,
                                training=True))
        (_, [tried]), = eval(f"{{{row}}}", vars(operator_rows)).items()
        layer = summary.layers[1]
        assert layer.call.effect == tried.effect
        assert layer.saved_bytes == tried.kept
        assert all(step.equations or not {NO_FORMULA} & {*step.notes}
                   for step in derive(summary, 1).steps)
        assert "2·6·8·10" in to_text("", derive(summary, 1))
        exec(shown, {"explorer": explorer, "network": nn.Sequential(nn.Conv2d(3, 4, 1))})
    finally:
        forget(entry)


@pytest.mark.parametrize("function", [knob, redeclare, Preset, Family],
                         ids=lambda function: function.__name__)
def test_the_signatures_are_those_of_the_code(function: Callable[..., Any]) -> None:
    lines = code_in(CONTRIBUTORS)[1].splitlines()
    [shown] = [line for line in lines if line.startswith(f"{function.__name__}(")]
    signature = inspect.signature(function)
    bare = signature.replace(return_annotation=signature.empty, parameters=[
        parameter.replace(annotation=parameter.empty)
        for parameter in signature.parameters.values()])
    # A help is always needed; that it may be left out is how its lack is told in a sentence.
    assert shown.removeprefix(function.__name__) == str(bare).replace("help=''", "help") \
        .replace("'", '"')


def test_the_types_of_a_field_are_those_that_have_a_widget() -> None:
    """As the table of the README has them, each with what it needs."""
    [table] = re.findall(r"^\| Type of the field .*?\n\n", CONTRIBUTORS, re.M | re.S)
    types = [name for cells in rows(table.strip()) for name in re.findall(r"`(.*?)`", cells[0])]
    kinds = []
    for name in types:
        field = eval(name, {"BlockCount": BlockCount, "Literal": Literal})
        needed = {"ge": 0, "le": 1, "step": 1} if field in (int, float) else {}
        config = create_model("OneKnobConfig", __base__=explorer.Config,
                              one=(field, knob(..., "One.", **needed)))
        kinds.append(knobs_of(config)["one"].kind)
    assert set(kinds) == set(get_args(Kind))


def code_in(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.S)


# The rest

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
    exec(compile(code_in(README)[0], "README.md", "exec"), {})
    assert "parameters" in capsys.readouterr().out


def test_the_commands_and_files_it_shows_exist() -> None:
    for module in re.findall(r"python -m (benchmarks\.\w+)", README):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file()
    assert "pip install -r requirements.txt && streamlit run app.py" in README.splitlines()
    assert "pip install -r requirements-dev.txt && pytest" in README.splitlines()
