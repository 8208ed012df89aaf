"""Memory against PyTorch's own: every storage of real forward passes on the CPU is followed."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from explorer.analysis import Summary, alive_at_peak, analyse
from explorer.analysis.memory import keeps, saved_bytes
from explorer.config import Config, knobs_of
from explorer.networks.build import build
from explorer.networks.catalogue import configure, find_preset
from explorer.pipeline import summarise
from explorer.sources import find_source
from explorer.tracing import NETWORK_INPUT, TraceError, trace
from strategies import configs
from tests.kinds import KINDS
from tests.operator_rows import BYTES, ROWS, Function, X
from tests.test_following import CASES, real

PEAK_TOLERANCE = 0.05
SAVED_TOLERANCE = 0.02

# Small enough for a pass on a CPU. Inception's auxiliary head needs 299 pixels and two images.
SIZES = {"inception_v3": {"input_size": 299}, "inception_v3_tutorial": {"input_size": 299}}

KNOBS: list[tuple[str, dict[str, Any]]] = [
    *(("resnet50", {"activation_order": order, "shortcut": shortcut, "blocks": (1, 1, 2, 1)})
      for order in ("bn_after_addition", "relu_before_addition", "relu_preactivation",
                    "full_preactivation")
      for shortcut in ("B", "C")),
    ("resnet50", {"shortcut": "none"}), ("resnet34", {"shortcut": "A"}),
    ("resnet50", {"output_stride": 8}),
    ("xception", {"residual": False}), ("xception", {"separable": False}),
    ("xception", {"depthwise_activation": "elu"}), ("vgg11", {"batch_norm": True}),
    ("vgg11", {"dropout": 0}), ("vgg11", {"local_response_norm": True}),
    ("vgg11", {"local_response_norm": True, "width": 0.125}),
    ("inception_v3", {"grid_reduction": "convolution_first", "aux_head": False}),
    ("mobilenetv3_large", {"squeeze_excite": False}),
    ("mobilenetv3_large", {"activation": "swish"}),
    ("mobilenetv3_large", {"last_stage": "original", "width": 0.5})]


class Alive(TorchDispatchMode):
    """The most bytes that are alive at once in a real pass, without parameters and buffers.

    A storage counts from the operation that returns it until it is freed; the caller holds `image`.
    """

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.sizes = dict.fromkeys(storages(network), 0)
        self.peak = self.now = 0
        self.note(image)

    def note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.sizes:
            self.sizes[storage._cdata] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.freed, storage._cdata)

    def freed(self, storage: int) -> None:
        self.now -= self.sizes.pop(storage)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.note(tensor)
        return result


def storages(network: nn.Module) -> set[int]:
    return {tensor.untyped_storage()._cdata for tensor in network.state_dict().values()}


def peak_of_a_real_pass(network: nn.Module, image: Tensor, *, training: bool = False) -> int:
    network.train(training)
    with torch.set_grad_enabled(training), Alive(network, image) as alive:
        result = network(image)
    del result
    return alive.peak


def saved_by_a_real_pass(network: nn.Module, image: Tensor) -> int:
    """Bytes of the distinct storages that autograd keeps, without parameters and buffers."""
    apart, kept = storages(network), {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in apart:
            kept[storage._cdata] = storage      # held, so that no other gets its place
        return tensor

    network.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = network(image)
    del result
    return sum(storage.nbytes() for storage in kept.values())


def on_cpu(config: Config) -> tuple[nn.Module, Tensor]:
    """The network with zeros for weights: what it computes does not matter here."""
    network = build(config).to_empty(device="cpu")
    for tensor in network.state_dict().values():
        tensor.zero_()
    return network, torch.zeros(config.input_shape)


def small(name: str, **knobs: Any) -> Config:
    own = knobs_of(type(find_preset(name).config))
    narrow = {"classifier_width": 256} if "classifier_width" in own else {}
    return configure(name, **{"input_size": 96, "batch_size": 2, **narrow, **SIZES.get(name, {}),
                              **knobs})


def analysed(network: nn.Module, shape: tuple[int, ...], *, training: bool = False) -> Summary:
    return analyse(trace(network, shape, training=training))


def assert_memory_is_that_of_a_real_pass(config: Config) -> None:
    network, image = on_cpu(config)
    evaluated = analysed(network, config.input_shape).totals
    trained = analysed(network, config.input_shape, training=True).totals
    assert evaluated.peak_activation_bytes == pytest.approx(
        peak_of_a_real_pass(network, image), rel=PEAK_TOLERANCE)
    assert trained.peak_activation_bytes == pytest.approx(
        peak_of_a_real_pass(network, image, training=True), rel=PEAK_TOLERANCE)
    assert trained.saved_bytes == pytest.approx(
        saved_by_a_real_pass(network, image), rel=SAVED_TOLERANCE)


@pytest.mark.parametrize("name", KINDS)
def test_memory_of_every_kind(name: str) -> None:
    assert_memory_is_that_of_a_real_pass(small(name))


@pytest.mark.parametrize(("name", "knobs"), KNOBS)
def test_memory_with_knobs_turned(name: str, knobs: dict[str, Any]) -> None:
    assert_memory_is_that_of_a_real_pass(small(name, **knobs))


@settings(max_examples=15)
@given(configs())
def test_memory_of_any_config(config: Config) -> None:
    # PyTorch's BatchNorm trains on no single value, which a single image can come down to.
    config = config.replace(batch_size=max(2, config.batch_size))
    try:
        assert_memory_is_that_of_a_real_pass(config)
    except TraceError:      # the image is too small for Inception's auxiliary head
        assert_memory_is_that_of_a_real_pass(config.replace(aux_head=False))


@pytest.mark.parametrize("name", KINDS)
def test_memory_at_full_size(name: str) -> None:
    """On meta: without values, but with the same operations and lifetimes.

    There BatchNorm gives its statistics, some kB, in evaluation too.
    """
    config = configure(name, batch_size=2)
    network, image = build(config), torch.empty(config.input_shape, device="meta")
    assert summarise(config).totals.peak_activation_bytes == pytest.approx(
        peak_of_a_real_pass(network, image), rel=0.002)
    trained = summarise(config, training=True).totals
    assert trained.peak_activation_bytes == peak_of_a_real_pass(network, image, training=True)
    assert trained.saved_bytes == saved_by_a_real_pass(network, image)


# Live memory, by hand.

def test_peak_memory_of_a_chain_by_hand() -> None:
    """The caller holds the input, 1 kB, to the end; each layer needs its input and its output."""
    summary = analysed(nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(16, 2, 1), nn.Flatten(), nn.Linear(128, 2)), (1, 4, 8, 8))
    assert [layer.activation_bytes for layer in summary.layers] == [2048, 4096, 0, 512, 0, 8]
    assert [layer.live_bytes for layer in summary.layers] == [
        1024 + 2048, 1024 + 2048 + 4096, 1024 + 4096, 1024 + 4096 + 512, 1024 + 512,
        1024 + 512 + 8]
    assert summary.totals.peak_activation_bytes == 7168
    assert summary.totals.activation_bytes == 6664
    assert [(held.index, held.path, held.shape, held.bytes) for held in alive_at_peak(summary)] == [
        (NETWORK_INPUT, "input", (1, 4, 8, 8), 1024), (0, "0", (1, 8, 8, 8), 2048),
        (1, "1", (1, 16, 8, 8), 4096)]


class Residual(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + x


def test_peak_memory_of_a_residual_block_by_hand() -> None:
    """The block's input, 4 kB, waits for the addition."""
    network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), Residual(nn.Sequential(
        nn.Conv2d(8, 32, 1), nn.ReLU(), nn.Conv2d(32, 8, 1))))
    summary = analysed(network, (1, 1, 8, 16))
    image, narrow, wide = 512, 4096, 16_384
    assert [layer.live_bytes for layer in summary.layers] == [
        image + narrow, image + narrow + wide, image + narrow + 2 * wide,
        image + narrow + wide + narrow, image + 3 * narrow]
    assert peak_of_a_real_pass(network, torch.zeros(1, 1, 8, 16)) \
        == summary.totals.peak_activation_bytes == image + narrow + 2 * wide


def test_max_pooling_makes_indices_that_it_throws_away() -> None:
    summary = analysed(nn.Sequential(nn.MaxPool2d(2), nn.ReLU()), (1, 1, 8, 8))
    assert [layer.live_bytes for layer in summary.layers] == [256 + 64 + 128, 256 + 64 + 64]
    assert [(held.path, held.bytes) for held in alive_at_peak(summary)] == [
        ("input", 256), ("0", 64), ("0 (while it runs)", 128)]


@pytest.mark.parametrize("layer", [
    nn.ReLU(inplace=True), nn.Flatten(), nn.Dropout(), nn.Hardswish(inplace=True), nn.Identity()])
def test_in_place_operations_and_views_allocate_nothing(layer: nn.Module) -> None:
    plain = analysed(nn.Sequential(nn.Conv2d(4, 4, 1)), (1, 4, 8, 8)).totals
    with_layer = analysed(nn.Sequential(nn.Conv2d(4, 4, 1), layer), (1, 4, 8, 8)).totals
    assert with_layer.activation_bytes == plain.activation_bytes == 1024
    assert with_layer.peak_activation_bytes == plain.peak_activation_bytes == 2048


def test_a_view_keeps_the_memory_that_it_looks_into_alive() -> None:
    class Half(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :1]

    network = nn.Sequential(nn.Conv2d(1, 16, 1), Half(), nn.Conv2d(1, 1, 1))
    summary = analysed(network, (1, 1, 8, 8))
    assert [layer.live_bytes for layer in summary.layers] == [256 + 4096, 256 + 4096,
                                                              256 + 4096 + 256]


@given(configs())
def test_live_memory_holds_the_output_and_ends_at_the_peak(config: Config) -> None:
    summary = summarise(config)
    image = 4 * torch.Size(config.input_shape).numel()
    for layer in summary.layers:
        assert image + layer.activation_bytes <= layer.live_bytes
    assert sum(held.bytes for held in alive_at_peak(summary)) \
        == summary.totals.peak_activation_bytes


# What training keeps.

def keeping_rows() -> list[Any]:
    return [pytest.param(row.function, row.kept, id=f"{name}-{number}")
            for name, rows in ROWS.items() for number, row in enumerate(rows)
            if row.kept is not None]


@pytest.mark.parametrize(("function", "expected"), keeping_rows())
def test_what_a_layer_keeps_by_hand(function: Callable[[Any], Any], expected: int) -> None:
    """Behind a BatchNorm, which lets a gradient pass and does not keep what it gives."""
    norm = nn.BatchNorm2d(6)
    layer = function if isinstance(function, nn.Module) else Function(function)
    network, image = nn.Sequential(norm, layer), torch.ones(X)
    saved = saved_bytes(trace(network, X, training=True))
    assert saved[0] == BYTES + 2 * 6 * 4
    assert sum(saved[1:]) == expected
    # PyTorch also wraps a number that it multiplies with, at most 8 bytes.
    assert saved_by_a_real_pass(network, image) - saved[0] == pytest.approx(expected, abs=8)


@pytest.mark.parametrize(("function", "expected"), keeping_rows())
def test_what_a_layer_keeps_before_one_that_keeps_its_output(
        function: Callable[[Any], Any], expected: int) -> None:
    """Where both keep one memory it counts once; in place that tells a copy from the output."""
    layer = function if isinstance(function, nn.Module) else Function(function)
    network = nn.Sequential(nn.BatchNorm2d(6), layer, nn.Hardsigmoid())
    saved = saved_bytes(trace(network, X, training=True))
    assert saved_by_a_real_pass(network, torch.ones(X)) == pytest.approx(sum(saved), abs=8)


ALGORITHMS = ("conv", "max_pool1d", "bilinear", "scaled_dot_product_attention")
"""What takes memory on a CPU by an algorithm that PyTorch chooses."""


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", [name for name in ROWS if not name.startswith(ALGORITHMS)])
def test_memory_while_an_operator_runs(name: str, training: bool) -> None:
    for row in ROWS[name]:
        if row.kept is not None:
            layer = row.function if isinstance(row.function, nn.Module) else Function(row.function)
            network = nn.Sequential(nn.BatchNorm2d(6), layer)
            summary = analysed(network, X, training=training)
            assert summary.totals.peak_activation_bytes == pytest.approx(
                peak_of_a_real_pass(network, torch.ones(X), training=training), abs=150)


def test_memory_that_two_layers_keep_counts_once_with_the_first() -> None:
    summary = analysed(nn.Sequential(
        nn.Conv2d(1, 4, 1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1), nn.Hardswish(inplace=True),
        nn.Conv2d(4, 4, 1)), (1, 1, 8, 8), training=True)
    # The image; ReLU's output, which the convolution keeps too; hard-swish copies its input.
    assert [layer.saved_bytes for layer in summary.layers] == [256, 1024, 0, 1024, 1024]
    assert summary.totals.saved_bytes == 256 + 3 * 1024


def test_what_no_gradient_passes_through_is_not_kept() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.ReLU())
    network[0].requires_grad_(False)
    summary = analysed(network, (1, 1, 8, 8), training=True)
    assert [layer.saved_bytes for layer in summary.layers] == [0, 0, 1024, 1024]
    assert saved_by_a_real_pass(network, torch.ones(1, 1, 8, 8)) == 2048


@pytest.mark.parametrize(("factor", "passes"), [
    (lambda x: x > 0, False), (torch.ones_like, False), (lambda x: x.argmax(1, True), False),
    (lambda x: x.amax(1, True), True), (lambda x: torch.zeros_like(x).add_(x), True)])
def test_no_gradient_passes_through_masks_places_and_constants(
        factor: Callable[[Any], Any], passes: bool) -> None:
    """A product keeps the factor whose partner has a gradient."""
    network = nn.Sequential(nn.BatchNorm2d(6), Function(lambda x: x * factor(x)))
    assert factor(torch.ones(X, requires_grad=True)).requires_grad == passes
    product = keeps(trace(network, X, training=True))[-1]
    assert product is not None
    assert (0 in product.storages) == passes


def test_evaluation_keeps_nothing() -> None:
    summary = summarise(configure("resnet18"))
    assert summary.totals.saved_bytes is None
    assert {layer.saved_bytes for layer in summary.layers} == {None}


def test_what_an_unknown_operation_keeps_is_unknown() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), Function(lambda x: torch.logcumsumexp(x, 1)))
    conv, unknown = analysed(network, (1, 1, 8, 8), training=True).layers
    assert (conv.saved_bytes, unknown.saved_bytes) == (256, None)


@pytest.mark.parametrize("name", KINDS)
def test_training_keeps_most_of_what_is_alive_at_its_end(name: str) -> None:
    config = configure(name)
    summary = summarise(config, training=True)
    assert summary.totals.saved_bytes == sum(layer.saved_bytes or 0 for layer in summary.layers)
    assert summary.totals.saved_bytes <= summary.totals.peak_activation_bytes
    # LeNet's first map and its tanh are more than all that training keeps.
    assert summary.totals.peak_activation_bytes >= summarise(config).totals.peak_activation_bytes


def test_training_costs_where_it_differs() -> None:
    evaluated, trained = (summarise(configure("inception_v3"), training=training).totals
                          for training in (False, True))
    assert trained.params_used == trained.params == evaluated.params
    assert trained.params_used > evaluated.params_used
    assert trained.macs > evaluated.macs
    evaluated, trained = (summarise(configure("vgg16"), training=training).totals
                          for training in (False, True))
    assert trained.macs == evaluated.macs
    assert trained.elementwise_ops == evaluated.elementwise_ops + 2 * 4096      # two dropouts


# Numbers of other sizes, several inputs and outputs.

def test_masks_places_and_inputs_by_hand() -> None:
    """A truth value takes 1 byte, a place 8, in half precision too."""
    network = Function(lambda x: (x > 0, x.argmax(1), x.topk(2, 1), x[..., 0]))
    layers = analysed(network, (1, 8, 4, 2)).layers
    assert [layer.activation_bytes for layer in layers] == [64, 8 * 8, (4 + 8) * 16, 0]
    half = analyse(trace(network, (1, 8, 4, 2)), element_bytes=2)
    assert [layer.activation_bytes for layer in half.layers] == [64, 8 * 8, (2 + 8) * 16, 0]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ["comparisons and masks", "top k", "many inputs",
                                  "inputs by name", "item assignment", "class token"])
def test_memory_of_what_people_bring(name: str, training: bool) -> None:
    make, brought = CASES[name]
    network, (args, named) = make().train(training), real(brought)
    first, *others = [*args, *named.values()]
    with torch.set_grad_enabled(training), Alive(network, first) as alive:
        for tensor in others:
            alive.note(tensor)
        result = network(*args, **named)
    del result
    summary = analyse(trace(network, brought, training=training))
    assert summary.totals.peak_activation_bytes == pytest.approx(alive.peak, rel=PEAK_TOLERANCE)
    held = [tensor for tensor in alive_at_peak(summary) if tensor.index < 0]
    assert [tensor.bytes for tensor in held] == [
        tensor.nbytes for tensor in (*reversed(others), first)]
    assert len({tensor.path for tensor in held}) == len(held)


@pytest.mark.parametrize(("key", "training"), [
    ("timm:vit_tiny_patch16_224", False), ("timm:vit_tiny_patch16_224", True),
    ("timm:swin_tiny_patch4_window7_224", False), ("timm:convnext_atto", True)])
def test_memory_of_a_library_s_model(key: str, training: bool) -> None:
    """What attention itself keeps is not known, and its masks are constants."""
    source = find_source(key)
    network, image = source.build("cpu"), torch.zeros(source.input_shape)
    assert summarise(source, training=training).totals.peak_activation_bytes == pytest.approx(
        peak_of_a_real_pass(network, image, training=training), rel=0.08)
