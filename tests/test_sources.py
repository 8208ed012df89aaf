"""What a person names: models of timm and torchvision, what a Python file makes, and links."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import explorer
from explorer import libraries
from explorer.analysis.summary import alive_at_peak
from explorer.config import Config, ConfigError, knobs_of
from explorer.libraries import LibraryError
from explorer.networks.catalogue import configure, presets
from explorer.sources import (
    find_source,
    linked,
    offer,
    offered,
    preset_of,
    source_of,
    title,
    titles_apart,
    to_source,
)
from explorer.sources.inputs import DTYPES, format_input, parse_input
from explorer.sources.key import default_config, from_key, from_query, to_key, to_query
from explorer.sources.library import LIBRARIES, find_model
from explorer.tracing import Input

ROOT = Path(__file__).parent.parent

NETWORK = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width=1, label="x"):
        super().__init__()
        self.conv = nn.Conv2d(2, 8 * width, 3)
        self.label = label

    def forward(self, x):
        return self.conv(x)

def make(width=2):
    return Net(width)
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return saved(tmp_path / "net.py", NETWORK)


def saved(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: parameter.shape for name, parameter in network.named_parameters()}


# Libraries

def test_a_model_of_timm_is_that_of_timm() -> None:
    source = find_source("timm:convnext_atto")
    theirs = libraries.load("timm").create_model("convnext_atto")
    assert shapes(source.build("meta")) == shapes(theirs)
    assert source.inputs == (Input((1, 3, 224, 224)),)
    assert source.title == "convnext_atto (timm) · 224×224"
    assert {parameter.device.type for parameter in source.build("meta").parameters()} == {"meta"}
    on_cpu = source.build("cpu")
    assert not on_cpu.training
    assert on_cpu(torch.zeros(source.input_shape)).shape == (1, 1000)


def test_the_knobs_of_a_library_turn_what_they_say() -> None:
    key = "timm:resnet18&input_size=64&batch_size=2&num_classes=10&in_channels=1"
    source = find_source(key)
    assert source.key == key
    assert source.title == "resnet18 (timm) · 64×64 · batch size 2 · classes 10 · "\
        "input channels 1"
    assert source.input_shape == (2, 1, 64, 64)
    assert source.build("cpu")(torch.zeros(2, 1, 64, 64)).shape == (2, 10)
    assert preset_of(source) == find_source("timm:resnet18")
    assert preset_of(find_source("timm:resnet18")) is None


@pytest.mark.parametrize(("key", "size"), [
    ("timm:vit_tiny_patch16_224&input_size=64", 64),            # built for its size
    ("torchvision:vit_b_16&input_size=64", 64),
    ("torchvision:maxvit_t&input_size=448", 448),
    ("torchvision:resnet18&input_size=64", 64),
])
def test_another_size_reaches_the_end(key: str, size: int) -> None:
    explored = explorer.open(key)
    assert explored.key == key
    assert explored.failure is None
    assert explored.source.input_shape == (1, 3, size, size)


@pytest.mark.parametrize(("key", "inputs"), [
    ("torchvision:mvit_v1_b", ((1, 3, 16, 224, 224),)),
    ("torchvision:raft_small", ((1, 3, 128, 128),) * 2),
    ("torchvision:vit_h_14", ((1, 3, 224, 224),)),              # its weights are made for 518
    ("torchvision:inception_v3", ((1, 3, 299, 299),)),
    ("timm:vit_base_patch16_sapiens2", ((1, 3, 1024, 768),)),
])
def test_inputs_of_their_own(key: str, inputs: tuple[tuple[int, ...], ...]) -> None:
    assert tuple(one.shape for one in find_source(key).inputs) == inputs


@pytest.mark.parametrize("key", ["timm:resnet18", "torchvision:resnet18", "timm:hiera_tiny_224"])
def test_a_model_at_its_defaults_is_its_name(key: str) -> None:
    config = default_config(key)
    assert to_key(config) == to_key(from_key(key)) == find_source(key).key == key
    assert to_query(config) == {"network": key}
    everything = "&".join([key, *(f"{name}={getattr(config, name)}"
                                  for name in knobs_of(type(config)))])
    assert find_source(everything).key == key


@given(st.sampled_from(["timm:resnet18", "timm:vit_tiny_patch16_224", "torchvision:vgg11"]),
       st.data())
def test_library_keys_round_trip(network: str, data: st.DataObject) -> None:
    default = default_config(network)
    config = default.replace(**{
        name: data.draw(st.integers(int(knob.low), int(knob.high)), name)
        for name, knob in knobs_of(type(default)).items()})
    assert from_key(to_key(config)) == config
    assert find_source(to_key(config)).config == config
    assert from_query(to_query(config), "vgg11") == (config, [])


def test_knobs_of_libraries_are_those_of_the_catalogue() -> None:
    """So that widgets, links and commands treat them alike."""
    common = knobs_of(Config)
    for network in ("timm:resnet18", "torchvision:resnet18"):
        for name, knob in knobs_of(type(default_config(network))).items():
            assert (knob.kind, knob.label, knob.high, knob.step, knob.common) == (
                common[name].kind, common[name].label, common[name].high, common[name].step, True)


def test_other_inputs_than_its_own() -> None:
    source = to_source("timm:resnet18", (1, 3, 64, 96))
    assert source.key == "timm:resnet18&input=1x3x64x96"
    assert source.config is None
    assert find_source(source.key) == source
    assert find_source(source.key).input_shape == (1, 3, 64, 96)
    assert to_source("timm:resnet18", (1, 3, 224, 224)).key == "timm:resnet18"
    assert explorer.open("timm:resnet18", inputs=[Input((1, 3, 64, 96))]).key == source.key


REFUSED = [
    ("timm:nosuch", ("'nosuch'", "timm:", "list timm")),
    ("timm:convnext_tny", ("timm:convnext_tiny",)),
    ("timm:", ("''",)),
    ("timm:../../x", ("'../../x'",)),
    ("timm:hf_hub:timm/resnet18", ("'hf_hub:timm/resnet18'",)),
    ("timm:hf-hub:timm/resnet18", ("has no model",)),
    ("timm:local-dir:/tmp", ("has no model",)),
    ("timm:resnet18.a1_in1k", ("timm:resnet18",)),
    ("timm:ResNet18", ("timm:resnet18",)),
    ("timm: resnet18", ("has no model",)),
    ("timm:resnet18\x00\x1b[31m", (r"\x1b[31m",)),
    ("timm:" + "a" * 100_000, ("has no model",)),
    ("torchvision:__import__", ("has no model",)),
    ("torchvision:ResNet18", ("torchvision:resnet18",)),
    ("torchvision:resnet18&in_channels=1", ("no knob 'in_channels'", "input_size", "num_classes")),
    ("torchvision:mvit_v1_b&input_size=64", ("no knob 'input_size'", "It has batch_size")),
    ("timm:resnet18&width=0.5", ("no knob 'width'",)),
    ("timm:resnet18&input_size=0", ("`input_size`", "1 to 4,096", "0")),
    ("timm:resnet18&num_classes=-1", ("`num_classes`", "0 to 100,000")),
    ("timm:resnet18&num_classes=x", ("`num_classes`", "'x'")),
    ("timm:resnet18&input=1x3xx", ("1x3x224x224", "'1x3xx'")),
    ("timm:resnet18&speed", ("KNOB=VALUE",)),
    ("foo:bar", ("'foo'", "timm:NAME", "FILE.py:CALLABLE")),
    ("http://x/net.py", ("FILE.py:CALLABLE",)),
    (":", ("not a library",)),
    ("", ("Unknown network ''",)),
    ("resnet50&input=1x3x64x64", ("--set input_size=64",)),
]


@pytest.mark.parametrize(("key", "said"), REFUSED, ids=[repr(case[0][:40]) for case in REFUSED])
def test_what_is_no_network_is_told_so(key: str, said: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as raised:
        find_source(key)
    sentence = str(raised.value)
    assert all(part in sentence for part in said), sentence
    assert len(sentence) < 600 and "\n" not in sentence and "\x1b" not in sentence


def test_a_size_that_a_model_cannot_be_built_for() -> None:
    with pytest.raises(ConfigError, match="maxvit_t cannot be built with input_size=100: "):
        explorer.open("torchvision:maxvit_t&input_size=100")


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (LIBRARIES["timm"].names, find_model):
        one.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(LibraryError, match=r"pip install -r requirements-extra\.txt"):
        find_source("timm:resnet18")
    config, [sentence] = from_query({"network": "timm:resnet18"}, "vgg11")
    assert config.network == "vgg11"
    said = str(sentence)
    assert "requirements-extra" in said and said.endswith("Showing vgg11 instead.")
    assert find_source("resnet18").key == "resnet18"


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("weights were asked for")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    monkeypatch.setattr("socket.socket.connect", fetch)
    for key in ("timm:resnet18", "torchvision:fcn_resnet50", "torchvision:retinanet_resnet50_fpn"):
        find_source(key).build("meta")


# Inputs

@pytest.mark.parametrize(("text", "expected"), [
    ("1x3x224x224", Input((1, 3, 224, 224))),
    ("1x128:int64", Input((1, 128), torch.int64)),
    ("ids:1x128", Input((1, 128), name="ids")),
    ("ids:1x128:int64", Input((1, 128), torch.int64, "ids")),
    ("7", Input((7,))),
])
def test_an_input_reads_as_it_is_written(text: str, expected: Input) -> None:
    assert parse_input(text) == expected
    assert format_input(expected) == text


@given(st.lists(st.integers(1, 32), min_size=1, max_size=8), st.sampled_from([*DTYPES.values()]),
       st.from_regex(r"([a-z_][a-z0-9_]{0,9})?", fullmatch=True))
def test_inputs_round_trip(shape: list[int], dtype: torch.dtype, name: str) -> None:
    one = Input(tuple(shape), dtype, name)
    assert parse_input(format_input(one)) == one


@pytest.mark.parametrize("text", [
    "", "x", "1x", "x3", "1×3", "1,3", "1x3:", ":1x3", "1x3:float", "1x3:int64:x", "a b:1x3",
    "1x-3", "1x3.5", "0x3", "1x0", "1x99999999", "1x" + "9" * 5000, "x".join(["2"] * 9),
    "1048576x1048576x2", "1x3\n", "3a:1x3", "1_0x3", "١x٣"])
def test_what_is_no_input(text: str) -> None:
    if text == "1x3\n":
        assert parse_input(text) == Input((1, 3))       # as every knob's text
        return
    with pytest.raises(ConfigError) as raised:
        parse_input(text)
    assert len(str(raised.value)) < 400


def test_several_inputs_have_several_names() -> None:
    with pytest.raises(ConfigError, match="another name"):
        to_source("timm:resnet18", [Input((1, 3), name="x"), Input((1, 3), name="x")])


# Files

def test_a_file_makes_a_network(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_source(f"{net}:Net(2, label='a&input=(1)')")
    assert source.key == f"{net}:Net(2, label='a&input=(1)')&input=1x2x224x224"
    assert source.title == "net.py:Net(2, label='a&input=(1)') · input 1×2×224×224"
    network = source.build("meta")
    assert network.conv.weight.shape == (16, 2, 3, 3)
    assert network.conv.weight.is_meta and not network.training
    assert network.label == "a&input=(1)"
    assert source.build("cpu")(torch.zeros(1, 2, 8, 8)).shape == (1, 16, 6, 6)
    assert find_source(source.key) == source
    assert find_source(source.key).key == source.key
    monkeypatch.chdir(net.parent)
    assert find_source("net.py:make").key == f"{net}:make&input=1x2x224x224"
    assert find_source('net.py:make( width = 3 )').key == f"{net}:make(width=3)&input=1x2x224x224"
    assert explorer.open("net.py:make", inputs=(1, 2, 32, 32)).summary.totals.macs \
        == 16 * 2 * 9 * 30 * 30


def test_another_process_finds_it_by_its_key(net: Path) -> None:
    key = find_source(f"{net}:make(width=3)").key
    run = subprocess.run(
        [sys.executable, "-c", "import sys; from explorer.sources import find_source; "
         "print(find_source(sys.argv[1]).build('cpu').conv.out_channels)", key],
        capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "24"


def test_files_of_one_name_and_what_stands_beside_them(tmp_path: Path) -> None:
    for name, width in (("a", 1), ("b", 2)):
        saved(tmp_path / name / "net.py", "from blocks import layer\ndef make():\n    "
              "from later import twice\n    return twice(layer())\n")
        saved(tmp_path / name / "blocks.py",
              f"from torch import nn\ndef layer(): return nn.Conv2d({width}, {width}, 3)\n")
        saved(tmp_path / name / "later.py", "from torch import nn\nfrom blocks import layer\n"
              "def twice(first): return nn.Sequential(first, layer())\n")
    path, modules = list(sys.path), {*sys.modules}
    for name, width in (("a", 1), ("b", 2), ("a", 1)):
        network = find_source(f"{tmp_path / name / 'net.py'}:make").build("cpu")
        assert network[1].in_channels == network[0].in_channels == width
    assert sys.path == path
    assert [name for name in {*sys.modules} - modules if not name.startswith("opened_file_")] == []
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["a", "b", *["net.py", "blocks.py", "later.py"] * 2])


def test_what_was_saved_is_taken_up(net: Path) -> None:
    helper = saved(net.parent / "sizes.py", "OUT = 4\n")
    saved(net, "from torch import nn\nimport sizes\ndef make(): return nn.Linear(3, sizes.OUT)\n")
    source = find_source(f"{net}:make")
    assert source.build("meta").out_features == 4
    saved(helper, "OUT = 55\n")
    assert source.build("meta").out_features == 55
    saved(net, "from torch import nn\ndef make(): return nn.Linear(3, 666)\n")
    assert source.build("meta").out_features == 666


@pytest.mark.parametrize(("layer", "taken"), [
    ("nn.Conv2d(5, 4, 3)", "1x5x224x224"),
    ("nn.Sequential(nn.Flatten(), nn.Linear(784, 10))", "1x784"),
    ("nn.Conv1d(2, 4, 3)", "1x2x1024"),
    ("nn.Conv3d(2, 4, 3)", "1x2x16x112x112"),
    ("nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 2))", "1x128:int64"),
    ("nn.TransformerEncoderLayer(16, 2)", "1x128x16"),
    ("nn.LSTM(7, 5)", "1x128x7"),
])
def test_the_input_of_a_file_s_network_is_what_its_first_layer_takes(
        tmp_path: Path, layer: str, taken: str) -> None:
    path = saved(tmp_path / "one.py", f"from torch import nn\ndef make(): return {layer}\n")
    explored = explorer.open(f"{path}:make")
    assert explored.key == f"{path}:make&input={taken}"
    assert explored.failure is None


def test_inputs_by_name_and_dtype(tmp_path: Path) -> None:
    path = saved(tmp_path / "two.py", """
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.linear = nn.Embedding(10, 4), nn.Linear(3, 4)

    def forward(self, x, *, ids):
        return self.linear(x) + self.embed(ids)
""")
    inputs = [Input((1, 5, 3)), Input((1, 5), torch.int64, "ids")]
    explored = explorer.open(f"{path}:Two", inputs=inputs)
    assert explored.key == f"{path}:Two&input=1x5x3&input=ids:1x5:int64"
    assert explored.failure is None
    assert explorer.open(explored.key).summary == explored.summary
    # Both inputs, and the results of the three calls, of which all are alive at the last.
    assert explored.summary.totals.peak_activation_bytes == 4 * (15 + 20 + 20 + 20) + 8 * 5
    assert {tensor.path for tensor in alive_at_peak(explored.summary)} >= {"input 1", "ids"}
    assert explorer.draw(explored, "dot", level="layer")
    failure = explorer.open(f"{path}:Two").failure
    assert failure
    assert "takes x and ids" in str(failure) and "--input ids:" in str(failure)
    assert type(failure)(**vars(failure)).way_out == failure.way_out


@pytest.mark.parametrize(("taken", "said"), [
    ((1, 3), ("conv (Conv2d)", "images of 2 channels", "`--input 1x2x224x224`")),
    ((1, 3, 32, 32), ("expects 2 channels", "`--input 1x2x224x224`")),
    ((1, 2, 2, 2), ("`--input 1x2x3x3`",)),
])
def test_a_network_that_needs_another_input_says_which(
        net: Path, taken: tuple[int, ...], said: tuple[str, ...]) -> None:
    failure = explorer.open(f"{net}:make", inputs=taken).failure
    assert all(part in str(failure) for part in said), str(failure)


def test_a_constructor_that_computes_is_run_on_the_cpu(tmp_path: Path) -> None:
    path = saved(tmp_path / "tied.py", """
import torch
from torch import nn

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(int(torch.ones(3).sum()), 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))
""")
    network = find_source(f"{path}:Tied").build("meta")
    assert network.first.weight.is_meta
    assert network.second.weight is network.first.weight
    assert explorer.open(f"{path}:Tied").summary.totals.params == 9 + 3 + 3


def test_no_network_is_kept(net: Path) -> None:
    source = find_source(f"{net}:make")
    built = weakref.ref(source.build("meta"))
    gc.collect()
    assert built() is None


WRONG = """
import sys
import torch
from torch import nn

def raises():
    x = 1
    raise ValueError("no such thing\\nand more")

def text():
    return "text"

def needs(width, *, depth=3):
    return nn.Linear(width, depth)

def leaves():
    sys.exit(3)

def bare():
    return nn.Identity()

_hidden = network = nn.Linear(2, 2)
"""

BAD = [
    ("wrong.py:raises", ("line 8 of wrong.py", "ValueError: no such thing")),
    ("wrong.py:text", ("gives a str", "torch.nn.Module")),
    ("wrong.py:needs", ("'width'", "wrong.py:needs(width=..., depth=3)")),
    ("wrong.py:needs(1, 2)", ("too many positional arguments",)),
    ("wrong.py:needs(width='a')", ("wrong.py:needs(width='a') fails", "line 14 of wrong.py")),
    ("wrong.py:leaves", ("line 17 of wrong.py", "sys.exit")),
    ("wrong.py:bare", ("input", "`--input 1x3x224x224`")),
    ("wrong.py:network", ("is a network already",)),
    ("wrong.py:raise", ("no class or function 'raise'", "Did you mean raises")),
    ("wrong.py:zzz", ("no class or function 'zzz'", "It has raises, text, needs, leaves, bare")),
    ("wrong.py:__import__", ("no class or function '__import__'",)),
    ("wrong.py:__builtins__", ("no class or function",)),
    ("wrong.py:__loader__", ("no class or function",)),
    ("wrong.py:torch", ("no class or function 'torch'",)),
    ("wrong.py:nn.Linear", ("FILE.py:CALLABLE",)),
    ("wrong.py", ("FILE.py:CALLABLE",)),
    ("wrong.py:", ("FILE.py:CALLABLE",)),
    ("wrong.py:needs(", ("FILE.py:CALLABLE",)),
    ("wrong.py:needs()()", ("literals",)),
    ("wrong.py:needs(1+1)", ("literals",)),
    ("wrong.py:needs(__import__('os').getcwd())", ("literals",)),
    ("wrong.py:needs(depth=2, 3)", ("literals", "first those without a name")),
    ("wrong.py:needs(**{'width': 2})", ("literals",)),
    ("wrong.py:needs(*[2])", ("literals",)),
    ("wrong.py:needs({[]})", ("literals",)),
    ("wrong.py:needs(" + "(" * 5000 + ")" * 5000 + ")", ("literals",)),
    ("wrong.py:needs(1) or (2)", ("literals", "FILE.py:CALLABLE")),
    ("wrong.py:needs(2)&width=3", ("no knobs", "width=3")),
    ("wrong.py:needs(2)&input=1xx", ("1x3x224x224",)),
    ("wrong.py:needs(2)&&", ("KNOB=VALUE",)),
    ("none.py:make", ("There is no file", "none.py")),
    ("folder.py:make", ("There is no file",)),
    ("a\0.py:make", ("literals", "There is no file")),
    ("syntax.py:make", ("syntax.py does not import", "line 2", "never closed")),
    ("name.py:make", ("name.py does not import", "line 3 of name.py", "'foo'")),
    ("helped.py:make", ("helped.py does not import", "line 2 of helper.py", "ZeroDivisionError")),
    ("missing.py:make", ("line 1 of missing.py", "No module named 'no_such_module'")),
    ("ends.py:make", ("line 2 of ends.py", "sys.exit: bye")),
    ("latin.py:make", ("does not import",)),
    ("opens.py:make", ("line 1 of opens.py", "no_such_file")),
]


@pytest.mark.parametrize(("key", "said"), BAD, ids=[repr(case[0][:40]) for case in BAD])
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           key: str, said: tuple[str, ...]) -> None:
    """`said`: all of it, but where the key cannot be read at all, one."""
    files = {"wrong": WRONG, "syntax": "x = 1\ny = (\n", "name": "import torch\n\nfoo.bar\n",
             "helped": "import helper\n", "helper": "x = 1\n1 / 0\n",
             "missing": "import no_such_module\n", "ends": "import sys\nsys.exit('bye')\n",
             "opens": "open('no_such_file')\n"}
    for name, text in files.items():
        saved(tmp_path / f"{name}.py", text)
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "folder.py").mkdir()
    monkeypatch.chdir(tmp_path)
    for _ in range(2):      # asked twice, the same
        before = {*sys.modules}
        with pytest.raises(ConfigError) as raised:
            find_source(key)
        sentence = str(raised.value)
        found = [part in sentence for part in said]
        assert all(found) or (any(found) and "literals" in said[0]), sentence
        assert len(sentence) < 900 and "\n" not in sentence
        assert str(tmp_path) not in sys.path
        assert "helper" not in {*sys.modules} - before


# Links

def test_a_link_opens_no_file_but_those_offered(net: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linked, "_offered", ())
    monkeypatch.chdir(net.parent)
    ran = net.parent / "ran"
    saved(net, NETWORK + f"\nopen({str(ran)!r}, 'w').close()\n")
    name = f"{net}:make&input=1x2x32x32"

    def refused(one: str) -> None:
        config, [sentence] = from_query({"network": one}, "vgg11")
        assert config == presets()["vgg11"].config
        assert str(sentence).endswith("Showing vgg11 instead.")

    for one in [f"{net}:make", name, f"{net}:Net(1)", "net.py:make", f"{net}", f"file:{net}",
                "timm:../../x", f"timm:{net}:make", "os:system", "foo:bar",
                f"torchvision:{net}:make", "timm:local-dir:/tmp"]:
        refused(one)
    offer(name)
    assert not ran.exists()
    assert [*offered()] == [name]
    for one in [f"{net}:Net&input=1x2x32x32", f"{net}:make(3)&input=1x2x32x32", f"{net}:make",
                f"{name[:-5]}8x8"]:
        refused(one)
    assert not ran.exists()
    config, messages = from_query({"network": name}, "vgg11")
    assert not messages and source_of(config).inputs == (Input((1, 2, 32, 32)),)


@given(st.text())
def test_whatever_a_link_says_is_opened_or_refused(key: str) -> None:
    config, messages = from_query({"network": key}, "vgg11")
    assert config.network == "vgg11" if messages else config.network == key


# What stands for a source

def test_what_stands_for_a_source() -> None:
    config = default_config("timm:resnet18").replace(num_classes=10)
    source = source_of(config)
    assert to_source(config) == to_source(source) == to_source("timm:resnet18&num_classes=10")
    with pytest.raises(TypeError, match=r"explorer\.trace"):
        to_source(nn.Identity())
    with pytest.raises(ConfigError, match="follows from its knobs"):
        explorer.open(explorer.configure("resnet50"), inputs=(1, 3, 64, 64))


def test_a_model_of_a_library_is_called_in_a_sweep_and_a_question_as_on_explore() -> None:
    source = find_source("torchvision:resnet18")
    assert source.config and title(source.config) == source.title.split(" · ")[0]


def test_networks_are_told_apart_by_what_is_not_turned_in_all_of_them() -> None:
    small = [configure("resnet20", input_size=8), configure("resnet20", input_size=8, shortcut="B")]
    assert titles_apart(small) == ["ResNet-20", "ResNet-20, shortcut B"]
    assert titles_apart(small[:1]) == ["ResNet-20, input size 8"]
