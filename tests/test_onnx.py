"""Networks as ONNX: what onnxruntime computes, and what other tools see of them."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

import explorer
from explorer.config import ConfigError
from explorer.exporting import ExportError, content, onnx_file
from explorer.networks.family import Family
from explorer.tracing import Input
from explorer.ui import exports

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

logging.getLogger("torch.__trace").propagate = False       # else pytest keeps every graph as text

SMALL = {"alexnet": "input_size=64&width=0.25", "convnext_tiny": "depth=0.125&input_size=64",
         "densenet121": "depth=0.125&input_size=64",
         "efficientnet_b0": "depth=0.125&input_size=64", "googlenet": "input_size=64&depth=0.25",
         "inception_v3": "input_size=96&depth=0.25", "mobilenetv1": "input_size=64&depth=0.25",
         "mobilenetv2": "input_size=64&depth=0.25", "resnet18": "input_size=64&depth=0.5",
         "shufflenetv2_x0_5": "input_size=64&depth=0.25", "squeezenet1_0": "input_size=64",
         "vgg11": "input_size=32&width=0.25", "vit_b_16": "depth=0.125&input_size=64",
         "xception": "input_size=96&depth=0.25", "mobilenetv3_large": "depth=0.125&input_size=64"}
"""As small as a family's first network can be made without losing a kind of layer."""

HEADS = ["lraspp_mobilenetv3_large&depth=0.125&input_size=64", "lenet5_1998"]
"""With several results, or a convolution that is written out."""


def small(family: Family) -> str:
    name = family.presets[0].config.network
    return "&".join([name, *filter(None, [SMALL.get(name, "")])])


def model_of(made: bytes) -> Any:
    model = onnx.load_model_from_string(made)
    onnx.checker.check_model(model, full_check=True)
    return model


def given(source: Any, samples: int | None = None) -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(samples or one.shape[0], *one.shape[1:]) for one in source.inputs]


def computed(made: bytes | str, inputs: list[Tensor]) -> list[Tensor]:
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return [torch.from_numpy(result) for result in session.run(
        None, {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)})]


def with_weights_of(model: Any, network: nn.Module) -> nn.Module:
    """The network with the weights of the file, by their names."""
    held = {one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy())
            for one in model.graph.initializer}
    held |= {name.removesuffix("_transposed"): value.T for name, value in held.items()
             if name.endswith("_transposed")}
    own = network.state_dict()
    network.load_state_dict({name: held.get(name, value) for name, value in own.items()})
    return network


def assert_close(results: list[Tensor], wanted: Any) -> None:
    leaves = [leaf for leaf in pytree.tree_leaves(wanted) if isinstance(leaf, Tensor)]
    assert len(results) == len(leaves)
    for result, leaf in zip(results, leaves, strict=True):
        assert result.shape == leaf.shape and leaf.abs().max() > 0
        assert (result - leaf).abs().max() <= 1e-4
        assert (result - leaf).abs().max() <= 1e-3 * leaf.abs().max()


@pytest.mark.parametrize("key", [*map(small, explorer.families()), *HEADS])
def test_it_computes_what_the_network_does_with_its_paths_and_weights(key: str) -> None:
    explored = explorer.open(key)
    made = content(explored, "onnx")
    model = model_of(made)
    network = with_weights_of(model, explored.source.build("cpu"))
    inputs = given(explored.source)
    with torch.inference_mode():
        assert_close(computed(made, inputs), network(*inputs))

    run = {layer.path for layer in explored.summary.layers}
    assert {name for name in network.state_dict() if name.rpartition(".")[0] in run
            and not name.endswith("num_batches_tracked")} <= \
        {one.name.removesuffix("_transposed") for one in model.graph.initializer}
    nodes = [(node.name.rpartition("/")[0], node.op_type) for node in model.graph.node]
    layers = explored.summary.layers
    assert [path for path, operator in nodes if operator == "Conv"] == \
        [layer.path for layer in layers if layer.type in ("Conv2d", "conv2d")]
    assert {path for path, operator in nodes if operator in ("Gemm", "MatMul")} >= \
        {layer.path for layer in layers if layer.type == "Linear"}
    assert {path for path, _ in nodes} <= \
        {name for name, _ in network.named_modules(remove_duplicate=False)}
    assert max(Counter(node.name for node in model.graph.node).values()) == 1
    for node in model.graph.node:
        [namespace] = [note.value for note in node.metadata_props if note.key == "namespace"]
        assert namespace.replace("/", ".") == node.name.rpartition("/")[0]


def test_it_is_the_same_each_time_also_in_the_process_of_the_page() -> None:
    """And nothing of this machine is in it, nor does torch draw other numbers afterwards."""
    key = "lenet5&width=2"
    state = torch.get_rng_state()
    made = content(explorer.open(key), "onnx")
    assert torch.equal(torch.get_rng_state(), state)
    assert made == exports._apart(key, "onnx", {})
    assert not any(word in made for word in (
        str(Path(__file__).parent.parent).encode(), b"site-packages", b".py"))
    model = model_of(made)
    assert model.graph.name == key and "LeNet-5 · width 2" in model.doc_string


@pytest.mark.parametrize("key", ["lenet5", SMALL["vit_b_16"].join(["vit_b_16&", ""])])
def test_with_a_dynamic_batch_it_takes_any_number_of_images(key: str) -> None:
    explored = explorer.open(key)
    made = content(explored, "onnx", dynamic_batch=True)
    model = model_of(made)
    assert [one.type.tensor_type.shape.dim[0].dim_param
            for one in (*model.graph.input, *model.graph.output)] == ["batch", "batch"]
    network = with_weights_of(model, explored.source.build("cpu"))
    for samples in (1, 3):
        inputs = given(explored.source, samples)
        with torch.inference_mode():
            assert_close(computed(made, inputs), network(*inputs))


@pytest.mark.parametrize("opset", onnx_file.OPSETS)
def test_every_opset_that_is_offered(opset: int) -> None:
    explored = explorer.open("lenet5")
    made = content(explored, "onnx", opset=opset)
    model = model_of(made)
    assert {one.domain: one.version for one in model.opset_import} == {"": opset}
    network, inputs = with_weights_of(model, explored.source.build("cpu")), given(explored.source)
    with torch.inference_mode():
        assert_close(computed(made, inputs), network(*inputs))


@pytest.mark.parametrize("opset", [17, 99, 0, -1])
def test_an_opset_that_there_is_not(opset: int) -> None:
    with pytest.raises(ConfigError, match=f"`opset` must be between 18 and 23; got {opset}"):
        content(explorer.open("lenet5"), "onnx", opset=opset)


def test_weights_that_one_file_cannot_hold_stand_beside_it(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(onnx_file, "MOST_BYTES", 1000)
    explored, path = explorer.open("lenet5"), tmp_path / "net.onnx"
    with pytest.raises(ExportError, match="writes the weights to a second file"):
        content(explored, "onnx")
    explorer.export(explored, path)
    assert {file.name for file in tmp_path.iterdir()} == {"net.onnx", "net.onnx.data"}
    assert path.stat().st_size < 100_000 < (tmp_path / "net.onnx.data").stat().st_size
    onnx.checker.check_model(str(path), full_check=True)
    network = with_weights_of(onnx.load(str(path)), explored.source.build("cpu"))
    inputs = given(explored.source)
    with torch.inference_mode():
        assert_close(computed(str(path), inputs), network(*inputs))


FILE = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)
        self.layer = nn.Linear(3, 4)

    def forward(self, x, ids):
        return {"sum": self.layer(x) + self.words(ids), "first": x[:1]}

class OneSample(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x):
        return self.layer(x.expand(len(x), 3)).reshape(len(x), 4)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "net.py"
    path.write_text(FILE)
    return str(path)


def test_inputs_with_names_and_other_dtypes(file: str) -> None:
    inputs = [Input((2, 5, 3)), Input((2, 5), torch.int64, "ids")]
    explored = explorer.open(f"{file}:Two", inputs=inputs)
    made = content(explored, "onnx")
    tensors = [torch.randn(2, 5, 3), torch.randint(10, (2, 5))]
    network = with_weights_of(model_of(made), explored.source.build("cpu"))
    assert_close(computed(made, tensors), network(tensors[0], ids=tensors[1]))
    model = model_of(content(explored, "onnx", dynamic_batch=True))
    assert [one.name for one in model.graph.input] == ["x", "ids"]
    assert {one.type.tensor_type.shape.dim[0].dim_param for one in model.graph.input} == {"batch"}
    several = explorer.open(f"{file}:Two", inputs=[Input((5, 3)), Input((1,), torch.int64, "ids")])
    with pytest.raises(ConfigError, match="all begin with the number of samples"):
        content(several, "onnx", dynamic_batch=True)


def test_what_pytorch_cannot_export_is_one_sentence_with_a_way_out(
        command, file: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    words = "export", f"{file}:OneSample", "--input", "2x3", "--output", str(path)
    code, out, err = command(*words, "--dynamic-batch")
    assert (code, out, err.count("\n")) == (2, "", 1) and not path.exists()
    assert "PyTorch cannot export net.py:OneSample" in err and "without `dynamic_batch`" in err
    assert command(*words) == (0, "", "")
    model_of(path.read_bytes())
