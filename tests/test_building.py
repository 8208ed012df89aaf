"""Layers made on meta are PyTorch's own, and a network is wholly on the device asked for."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from explorer.networks import layers
from explorer.networks.build import build
from explorer.networks.catalogue import configure, presets
from explorer.networks.layers import layers_on, placed
from explorer.pipeline import summarise
from explorer.tracing import trace

DEVICES = ["meta", "cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA here"))]

LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Conv2d", (3, 8, 3), {}),
    ("Conv2d", (3, 8), {"kernel_size": (1, 7), "bias": False}),
    ("Conv2d", (4, 8, 3, 2, 1, 1, 4, False), {}),
    ("Conv2d", (3, 8, [3, 5]), {"stride": (2, 1), "padding": [1, 2]}),
    ("Conv2d", (3, 8, 3), {"padding": "same", "padding_mode": "reflect", "dilation": 2}),
    ("Conv2d", (3, 8, 3), {"dtype": torch.float64}),
    ("BatchNorm2d", (8,), {}),
    ("BatchNorm2d", (8,), {"eps": 1e-3, "momentum": None}),
    ("BatchNorm2d", (8,), {"affine": False}),
    ("BatchNorm2d", (8,), {"track_running_stats": False}),
    ("Linear", (4, 5), {}),
    ("Linear", (4, 5), {"bias": False}),
]


@pytest.fixture(params=LAYERS, ids=lambda layer: f"{layer[0]}{layer[1]}{layer[2]}")
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    """PyTorch's own layer, and the second that is made from the same arguments here."""
    name, args, kwargs = request.param
    return getattr(nn, name)(*args, device="meta", **kwargs), \
        [on_meta(getattr(layers, name), *args, **kwargs) for _ in range(2)][1]


def on_meta(layer: Callable[..., nn.Module], *args: Any, **kwargs: Any) -> nn.Module:
    with layers_on("meta"):
        return layer(*args, **kwargs)


def described(value: Any) -> Any:
    """All that can be told of an attribute: of a tensor, what is not its values."""
    if isinstance(value, Tensor):
        return (type(value), value.shape, value.stride(), value.dtype, value.device,
                value.requires_grad, value.is_leaf, value.is_inference(),
                value.untyped_storage().nbytes(), vars(value))
    if isinstance(value, dict):
        return type(value), [(name, described(part)) for name, part in value.items()]
    return type(value), value


def assert_alike(ours: nn.Module, theirs: nn.Module) -> None:
    assert type(ours) is type(theirs)
    assert repr(ours) == repr(theirs)
    assert list(vars(ours)) == list(vars(theirs))
    for name, value in vars(theirs).items():
        assert described(vars(ours)[name]) == described(value), name
    assert described(ours.state_dict()) == described(theirs.state_dict())
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata


def test_a_layer_on_meta_is_pytorchs_own(pair: tuple[nn.Module, nn.Module]) -> None:
    theirs, ours = pair
    assert_alike(ours, theirs)


@pytest.mark.parametrize("way", [
    copy.deepcopy,
    lambda layer: pickle.loads(pickle.dumps(layer)),
    lambda layer: layer.train(),
    lambda layer: layer.eval(),
    lambda layer: layer.half(),
    lambda layer: layer.requires_grad_(False),
    lambda layer: layer.to_empty(device="cpu").to("meta"),
], ids=["deepcopy", "pickle", "train", "eval", "half", "requires_grad_", "to_empty"])
def test_it_goes_the_ways_that_pytorchs_goes(
        pair: tuple[nn.Module, nn.Module], way: Callable[[nn.Module], nn.Module]) -> None:
    theirs, ours = pair
    assert_alike(way(ours), way(theirs))


def test_it_is_saved_and_loaded(pair: tuple[nn.Module, nn.Module]) -> None:
    theirs, ours = pair
    for layer in (theirs, ours):
        layer.to_empty(device="cpu")
        for number, tensor in enumerate(layer.state_dict().values()):
            tensor.fill_(number + 1)
    theirs.load_state_dict(saved(ours))
    assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))


def saved(layer: nn.Module) -> dict[str, Tensor]:
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    return torch.load(file)


def test_layers_share_nothing_that_can_change() -> None:
    for name, args, kwargs in LAYERS:
        one, other = (on_meta(getattr(layers, name), *args, **kwargs) for _ in range(2))
        shared = [attribute for attribute, value in vars(one).items()
                  if value is vars(other)[attribute] and isinstance(value, dict | list | set)]
        assert shared == []
        tensors = [tensor for layer in (one, other)
                   for tensor in (*layer.parameters(), *layer.buffers())]
        assert len(set(map(id, tensors))) == len(tensors)
        assert len({tensor.untyped_storage()._cdata for tensor in tensors}) == len(tensors)


def test_what_is_done_to_a_layer_reaches_no_other() -> None:
    same = {"padding": "same"}
    changed = on_meta(layers.Conv2d, 3, 8, 3, **same)
    changed.register_forward_hook(lambda *_: None)
    changed.register_buffer("own", torch.zeros(1))
    changed.add_module("inside", nn.ReLU())
    changed.weight.requires_grad_(False)
    changed._reversed_padding_repeated_twice.append(7)
    parametrizations.weight_norm(changed)
    changed.eval()
    assert_alike(on_meta(layers.Conv2d, 3, 8, 3, **same),
                 nn.Conv2d(3, 8, 3, padding="same", device="meta"))


def test_the_default_dtype_is_the_one_of_the_moment() -> None:
    on_meta(layers.Linear, 4, 5)
    torch.set_default_dtype(torch.float64)
    try:
        assert on_meta(layers.Linear, 4, 5).weight.dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert on_meta(layers.Linear, 4, 5).weight.dtype == torch.float32


def test_a_layer_of_inference_mode_leaves_none_behind() -> None:
    with torch.inference_mode():
        assert on_meta(layers.Linear, 6, 7).weight.is_inference()
    assert not on_meta(layers.Linear, 6, 7).weight.is_inference()


def test_arguments_that_differ_only_in_type_are_two() -> None:
    assert [on_meta(layers.BatchNorm2d, 8, momentum=value).momentum for value in (1, 1.0, True)] \
        == [1, 1.0, True]
    assert type(on_meta(layers.BatchNorm2d, 8, momentum=1.0).momentum) is float


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize(("args", "error", "message"), [
    ((3, 8, 3, 1, 0, 1, 2), ValueError, "in_channels must be divisible by groups"),
    ((3,), TypeError, "missing 2 required positional arguments"),
    ((3, 8, 3, [2], "same"), ValueError, "padding='same' is not supported for strided")])
def test_errors_are_pytorchs(device: str, args: tuple[Any, ...], error: type[Exception],
                             message: str) -> None:
    with layers_on(device), pytest.raises(error, match=message):
        layers.Conv2d(*args)


@pytest.mark.parametrize(("layer", "holds"), [
    (nn.MultiheadAttention, "_modules"), (nn.LSTM, "_flat_weight")])
def test_what_a_copy_would_share_is_refused_on_meta(layer: type[nn.Module], holds: str) -> None:
    with pytest.raises(TypeError, match=f"cannot copy {layer.__name__}, whose `{holds}"):
        on_meta(placed(layer), 8, 2)


@pytest.mark.parametrize("layer", [nn.GroupNorm, nn.ConvTranspose2d, nn.Embedding, nn.LayerNorm])
def test_other_layers_of_pytorch_can_be_placed(layer: type[nn.Module]) -> None:
    args = (2, 8, 3) if layer is nn.ConvTranspose2d else (8,) if layer is nn.LayerNorm else (2, 8)
    assert_alike(on_meta(placed(layer), *args), layer(*args, device="meta"))


def test_blueprints_are_bounded() -> None:
    for width in range(1, 1500):
        on_meta(layers.Linear, 1, width)
    assert layers._blueprint.cache_info().currsize == layers._blueprint.cache_info().maxsize


def test_weights_are_drawn_as_pytorch_draws_them() -> None:
    for name, args, kwargs in LAYERS:
        torch.manual_seed(3)
        theirs = getattr(nn, name)(*args, **kwargs)
        torch.manual_seed(3)
        with layers_on("cpu"):
            ours = getattr(layers, name)(*args, **kwargs)
        assert type(ours) is type(theirs)
        assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))


def test_threads_build_networks_of_their_own() -> None:
    layers._blueprint.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        networks = list(threads.map(build, [configure("resnet18")] * 16))
    ids = [id(tensor) for network in networks
           for tensor in (*network.parameters(), *network.buffers())]
    assert len(set(ids)) == len(ids)
    assert {sum(weight.numel() for weight in network.parameters()) for network in networks} \
        == {11_689_512}


def test_building_on_meta_draws_nothing() -> None:
    state = torch.get_rng_state()
    build(configure("mobilenetv3_small"))
    assert torch.equal(torch.get_rng_state(), state)


# Where the tensors of a network are.

class Scale(nn.Module):
    """Parameters and buffers of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 0.5))
        self.scale.no_decay = True      # type: ignore[attr-defined]
        self.fixed = nn.Parameter(torch.ones(channels, 1, 1), requires_grad=False)
        self.register_buffer("shift", torch.arange(channels).float().view(-1, 1, 1))
        self.register_buffer("mask", torch.ones(1), persistent=False)
        self.register_buffer("nothing", None)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale * self.fixed * self.mask + self.shift


class Family(nn.Module):
    """What a family may have that does not go through layers.py."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.stem = layers.Conv2d(3, 8, 3, padding=1)
        self.plain = nn.Conv2d(8, 8, 3, padding=1)
        self.again = self.plain                     # a module that is shared
        self.tied = nn.Conv2d(8, 8, 3, padding=1)
        self.tied.weight = self.plain.weight        # a parameter that is shared
        self.norm = nn.GroupNorm(2, 8)
        self.act = nn.PReLU(8, init=0.125)
        self.own = Scale(8)
        self.own2 = Scale(8)
        self.own2.shift = self.own.shift            # a buffer that is shared
        self.layer_norm = nn.LayerNorm(8)
        self.normed = parametrizations.weight_norm(nn.Linear(8, 8))
        self.recurrent = nn.LSTM(8, 8, batch_first=True)
        self.fc = layers.Linear(8, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.tied(self.again(self.plain(self.stem(x))))
        x = self.own2(self.own(self.act(self.norm(x))))
        return self.fc(self.normed(self.layer_norm(x.mean((2, 3)))))


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("explorer.networks.build.network_of", lambda name: Family)
    yield


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    return {**dict(network.named_parameters(remove_duplicate=False)),
            **dict(network.named_buffers(remove_duplicate=False))}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.usefixtures("family")
def test_everything_is_on_the_device_asked_for(device: str) -> None:
    network = build(configure("resnet18"), device)
    assert {tensor.device.type for tensor in tensors_of(network).values()} == {device}
    assert {weight.device.type for weight in network.recurrent._flat_weights} == {device}
    assert not any(module.training for module in network.modules())
    if device != "meta":
        with torch.inference_mode():
            assert network(torch.randn(2, 3, 8, 8, device=device)).shape == (2, 7)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.usefixtures("family")
def test_what_is_shared_stays_shared_on_its_way(device: str) -> None:
    network, unmoved = build(configure("resnet18"), device), Family(None)
    assert network.again is network.plain
    assert network.tied.weight is network.plain.weight
    assert network.own.shift is network.own2.shift
    assert list(network.state_dict()) == list(unmoved.state_dict())
    assert [(name, type(tensor), tensor.shape, tensor.dtype, tensor.requires_grad, vars(tensor))
            for name, tensor in tensors_of(network).items()] \
        == [(name, type(tensor), tensor.shape, tensor.dtype, tensor.requires_grad, vars(tensor))
            for name, tensor in tensors_of(unmoved).items()]
    assert sum(weight.numel() for weight in network.parameters()) \
        == sum(weight.numel() for weight in unmoved.parameters())


@pytest.mark.parametrize("device", DEVICES[1:])
@pytest.mark.usefixtures("family")
def test_values_move_with_their_tensors(device: str) -> None:
    torch.manual_seed(5)
    plain = tensors_of(Family(None))
    torch.manual_seed(5)
    moved = tensors_of(build(configure("resnet18"), device))
    # On CUDA, layers.py draws there: its own draws are others, and so are the plain ones after it.
    names = plain if device == "cpu" else [name for name in plain
                                           if name.startswith(("own", "act", "norm.", "layer"))]
    assert all(torch.equal(moved[name].cpu(), plain[name]) for name in names)


@pytest.mark.usefixtures("family")
def test_a_network_of_plain_layers_is_traced() -> None:
    family = trace(build(configure("resnet18")), (2, 3, 8, 8))
    assert family.calls[-1].output_shape == (2, 7)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", [name for name in presets() if name.startswith("mobilenetv3")])
def test_the_catalogues_networks_are_where_they_should_be(name: str, device: str) -> None:
    network = build(configure(name, width=0.25), device)
    assert {tensor.device.type for tensor in tensors_of(network).values()} == {device}


def test_a_second_summary_is_the_first() -> None:
    """The first makes the blueprints that the second copies."""
    layers._blueprint.cache_clear()
    first, second = (summarise("inception_v3") for _ in range(2))
    assert first.totals == second.totals
    assert first.layers == second.layers
