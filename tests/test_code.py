"""A network as code: in a process without this program it must be the same network."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import nn

from explorer.config import Config, ConfigError
from explorer.exporting.code import code
from explorer.exporting.code.forward import Facts, function_of, specialise
from explorer.networks.catalogue import configure, families, presets
from explorer.networks.family import Family
from explorer.pipeline import explore
from explorer.sources import find_source
from tests.alone import Alone
from tests.kinds import KINDS
from tests.strategies import configs

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "code"
READ = {"resnet50": {"width": 0.5},
        "inception_v3": {"factorise_5x5": False, "factorise_nxn": False},
        "mobilenetv3_large": {"head": "lraspp"}}
"""Those that somebody has read, and that must stay as they were read."""
SMALL = {"width": 0.25, "classifier_width": 64, "batch_size": 1, "hidden_size": 96}
SIZES = (32, 64, 75, 224)


@pytest.fixture(scope="module")
def alone() -> Iterator[Alone]:
    process = Alone()
    yield process
    process.close()


def code_of(config: Config) -> str:
    return code(explore(config))


def keys_of(network: nn.Module) -> list[Any]:
    return [[key, list(tensor.shape), str(tensor.dtype)]
            for key, tensor in network.state_dict().items()]


def check_output(alone: Alone, text: str, config: Config, directory: Path, *,
                 training: bool = False) -> None:
    """With the same weights and statistics, none of which are zero or one."""
    network = find_source_of(config).build("cpu").train(training)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 0.6)
    given = torch.rand(config.input_shape)
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    torch.manual_seed(0)        # what is dropped in training
    with torch.no_grad():
        output = network(given)
    torch.save({"state": state, "input": given, "output": output, "training": training},
               directory / "saved.pt")
    assert alone("output", code=text, network=type(network).__name__,
                 saved=str(directory / "saved.pt"))


def find_source_of(config: Config) -> Any:
    return explore(config, auxiliary=False).source


def small(network: str) -> Config:
    """A preset with few channels, and with the smallest image that passes."""
    config = configure(network)
    turned = {name: value for name, value in SMALL.items() if name in type(config).model_fields}
    for size in SIZES:
        made = config.replace(**turned, input_size=size)
        if explore(made, auxiliary=False).failure is None:
            return made
    raise AssertionError(network)


# The same network

@pytest.mark.parametrize("network", presets())
def test_every_preset_has_the_same_keys_and_shapes_in_the_same_order(
        alone: Alone, network: str) -> None:
    explored = explore(network)
    ours = explored.source.build("meta")
    assert alone("keys", code=code(explored), network=type(ours).__name__) == keys_of(ours)


@pytest.mark.parametrize("network", KINDS)
def test_with_the_same_weights_it_gives_the_same_to_the_bit(
        alone: Alone, network: str, tmp_path: Path) -> None:
    config = small(network)
    check_output(alone, code_of(config), config, tmp_path)


@pytest.mark.parametrize(("network", "size"), [("inception_v3_tutorial", 139), ("googlenet", 64)])
def test_in_training_too(alone: Alone, network: str, size: int, tmp_path: Path) -> None:
    """With the auxiliary heads, of which an evaluation runs none."""
    config = configure(network, width=0.25, input_size=size, batch_size=2)
    check_output(alone, code_of(config), config, tmp_path, training=True)


@pytest.mark.parametrize("family", families(), ids=lambda family: family.title)
def test_any_config_is_the_same_network(alone: Alone, family: Family, tmp_path: Path) -> None:
    @settings(max_examples=max(2, settings().max_examples // 10))
    @given(configs(family=family))
    def check(config: Config) -> None:
        explored = explore(config)
        if explored.failure is not None:
            return
        text, ours = code(explored), explored.source.build("meta")
        assert alone("keys", code=text, network=type(ours).__name__) == keys_of(ours)
        if explored.summary.totals.params < 1e6 and explored.summary.totals.macs < 1e8:
            check_output(alone, text, config, tmp_path)

    check()


def test_it_prints_parameters_and_shape(alone: Alone) -> None:
    assert alone("printed", code=code_of(configure("lenet5"))) == "61,706 parameters\n(1, 10)\n"
    boxes = code_of(configure("ssdlite_mobilenetv3_large", input_size=64))
    assert alone("printed", code=boxes).endswith(
        "{'boxes': (1, 4, 144), 'scores': (1, 91, 144)}\n")


# How it reads

@pytest.fixture(scope="module", params=KINDS)
def text(request: pytest.FixtureRequest) -> str:
    return code_of(configure(request.param))


def test_nothing_of_a_config_is_left(text: str) -> None:
    assert not re.search(r"config|knob|explorer", text, re.IGNORECASE)


def test_all_that_is_defined_is_used(text: str) -> None:
    tree = ast.parse(text)
    read = {node.id for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert set(defined) <= read
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            inside = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            assert {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]} \
                - {"self"} <= inside, node.name


def test_no_argument_has_always_the_same_value(text: str) -> None:
    tree = ast.parse(text)
    for part in tree.body:
        if not isinstance(part, ast.ClassDef | ast.FunctionDef):
            continue
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)
                 and isinstance(node.func, ast.Name) and node.func.id == part.name]
        init = part if isinstance(part, ast.FunctionDef) else next(
            (node for node in part.body if isinstance(node, ast.FunctionDef)
             and node.name == "__init__"), None)
        if init is None or len(calls) < 2:
            continue
        for argument in init.args.kwonlyargs:
            given = [ast.unparse(keyword.value) for call in calls for keyword in call.keywords
                     if keyword.arg == argument.arg]
            assert given, f"{part.name}({argument.arg}=...) is never given"


def test_the_network_stands_last_and_takes_nothing(text: str) -> None:
    *_, network, main = ast.parse(text).body
    assert isinstance(network, ast.ClassDef) and isinstance(main, ast.If)
    init = next(node for node in network.body if isinstance(node, ast.FunctionDef))
    assert [argument.arg for argument in init.args.args] == ["self"]


@pytest.mark.parametrize("network", ["resnet18", "densenet121", "vit_b_16", "efficientnet_b0"])
def test_the_comments_have_the_shapes_of_this_config(alone: Alone, network: str) -> None:
    """Beside what PyTorch says of the generated network itself."""
    config = small(network)
    text = code_of(config)
    name = type(find_source_of(config).build("meta")).__name__
    shapes = alone("shapes", code=text, network=name, shape=list(config.input_shape))
    forward = text[text.index(f"class {name}("):]
    for child, shape in shapes.items():
        said = re.search(rf"self\.{child}\(x\)  # (?:\(.*\) -> )?\((.*)\)", forward)
        assert said and said[1] == ", ".join(["N", *map(str, shape[1:])]), child


def test_blocks_that_are_alike_are_a_loop() -> None:
    deep = code_of(configure("resnet50", blocks=(3, 64, 6, 3)))
    assert "*(Bottleneck(512, 128) for _ in range(63))" in deep
    assert len(deep.splitlines()) == len(code_of(configure("resnet50")).splitlines())
    assert "*(DenseLayer(64 + 32 * number) for number in range(6))" in \
        code_of(configure("densenet121"))


def test_what_is_turned_off_is_gone() -> None:
    assert "SqueezeExcite" in code_of(configure("efficientnet_b0"))
    assert "SqueezeExcite" not in code_of(configure("efficientnet_b0", squeeze_excite=False))
    plain = code_of(configure("resnet18", shortcut="none"))
    assert "self.shortcut" not in plain and "Identity" not in plain


def test_a_comment_of_a_class_has_the_shapes_of_this_config() -> None:
    attention = code_of(configure("vit_b_16"))
    assert "# (N, 12, 197, 197) @ (N, 12, 197, 64)" in attention
    heads = code_of(configure("mobilenetv3_large", head="lraspp"))
    assert "self.features(x) * self.gate(x)  # (N, 128, 7, 7) * (N, 128, 1, 1)" in heads
    assert "resize(x, low.shape[-2:])  # -> (N, 128, 28, 28)" in heads
    # An eighth of this size is no whole number.
    assert "resize(x, low.shape[-2:])\n" in code_of(
        configure("mobilenetv3_large", head="lraspp", input_size=230))


def test_what_is_not_decided_in_a_forward_is_told() -> None:
    class Some(nn.Module):
        def __init__(self, first: bool) -> None:
            super().__init__()
            self.first = first
            self.one = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return [part(x) for part in self.children() if self.first]

    forward = function_of(Some, "forward")
    with pytest.raises(TypeError, match=r"`.part.x. for part in .*` in a `forward` must"):
        specialise(forward, Facts([Some(True), Some(False)], forward.__globals__))


@pytest.mark.parametrize("network", READ)
def test_it_is_as_it_was_read(request: pytest.FixtureRequest, network: str) -> None:
    path, text = GOLDEN / f"{network}.txt", code_of(configure(network, **READ[network]))
    if request.config.getoption("record"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "read it, and record it anew with --record"


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(READ)


# The tools

@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("code")
    for network in KINDS:
        (directory / f"{network}.py").write_text(code_of(configure(network)), encoding="utf-8")
    return directory


@pytest.mark.parametrize("arguments", [
    ["check", "--isolated"], ["check", "--config", str(ROOT / "pyproject.toml")],
    ["format", "--check", "--isolated"]], ids=" ".join)
def test_ruff_has_nothing_to_say(written: Path, arguments: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-m", "ruff", *arguments, "--no-cache", str(written)],
                         capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_mypy_has_nothing_to_say(written: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--untyped-calls-exclude=torch",
         "--no-warn-return-any", f"--cache-dir={ROOT / '.mypy_cache'}", "--config-file=",
         *map(str, written.iterdir())], capture_output=True, text=True, cwd=written)
    assert ran.returncode == 0, ran.stdout


def test_it_is_the_same_to_the_byte_in_another_process() -> None:
    networks = ["resnet50", "inception_v3_tutorial", "lenet5_1998", "ssdlite_mobilenetv3_large"]
    script = "import sys; from explorer.exporting.code import code; " \
             "from explorer.pipeline import explore; " \
             "sys.stdout.write('|'.join(code(explore(name)) for name in sys.argv[1:]))"
    ran = subprocess.run([sys.executable, "-c", script, *networks], capture_output=True, cwd=ROOT,
                         env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)})
    assert ran.stdout.decode() == "|".join(code_of(configure(name)) for name in networks)


def test_a_profiler_goes_on() -> None:
    seen = []

    def look(*event: Any) -> None:
        seen.append(event)

    explored = explore("lenet5")
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        code(explored)
        assert sys.getprofile() is look
    finally:
        sys.setprofile(before)


# Other networks

@pytest.mark.parametrize(("network", "line"), [
    ("timm:resnet10t&num_classes=7",
     'network = timm.create_model("resnet10t", pretrained=False, num_classes=7).eval()'),
    ("torchvision:squeezenet1_1",
     'network = models.get_model("squeezenet1_1", weights=None).eval()'),
    ("torchvision:maxvit_t&input_size=448",
     'network = models.get_model("maxvit_t", weights=None, input_size=(448, 448)).eval()')])
def test_a_model_of_a_library_is_the_line_that_makes_it(network: str, line: str) -> None:
    pytest.importorskip(network.partition(":")[0])
    assert line in code(explore(network)).splitlines()


def test_such_a_line_makes_the_same_model(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")
    explored = explore("timm:resnet10t&num_classes=7&input_size=64")
    exec(compile(code(explored), "net.py", "exec"), {})
    assert capsys.readouterr().out == f"{explored.summary.totals.params:,} parameters\n(1, 7)\n"


def test_a_file_is_the_lines_that_load_it(
        tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("WIDTH = 5")
    path = tmp_path / 'a "net".py'
    path.write_text("from beside import WIDTH\nfrom torch import nn\n"
                    "def net(name, width=WIDTH):\n    return nn.Conv2d(3, width, 3)")
    for call, width in ((r'net("\"\"\"")', 5), ("net('a', width=2)", 2)):
        text = code(explore(find_source(f"{path}:{call}&input=1x3x8x8")))
        assert str(tmp_path) not in text
        exec(compile(text, "net.py", "exec"), {})
        assert capsys.readouterr().out == f"{28 * width} parameters\n(1, {width}, 6, 6)\n"


def test_a_network_that_ends_early_has_none() -> None:
    with pytest.raises(ConfigError, match=r"There is no code of Inception v3.*does not run.*"
                                          r"smallest `input_size` that works is 75"):
        code(explore(configure("inception_v3", input_size=32)))
