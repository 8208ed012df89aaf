"""The time of every call, and what bounds it."""

import time
from contextlib import suppress
from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.analysis import analyse
from explorer.networks.build import build
from explorer.networks.catalogue import configure
from explorer.pipeline import explore, summarise
from explorer.sources import find_source
from explorer.sources.key import to_key
from explorer.timing import (
    Choices,
    LayerTimes,
    Rates,
    TimingError,
    layers,
    place,
    roofline,
    submit_layers,
    submit_rates,
    time_forward,
)
from explorer.timing.passes import Pass, prepared
from explorer.tracing import Input, leaves, trace
from explorer.views import roofline as roofline_views
from explorer.views import timings
from tests.disturbances import judged
from tests.kinds import KINDS
from tests.test_following import CASES as BROUGHT
from tests.test_following import IMAGE, Made, real

SMALL = configure("mobilenetv3_small", input_size=64, width=0.25)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.fixture(scope="module")
def times() -> LayerTimes:
    return judged(submit_layers(SMALL, "cpu", 0.3, Choices(threads=1)).result(), disturbed=False)


@pytest.fixture(scope="module")
def rates() -> Rates:
    return judged(submit_rates("cpu", Choices(threads=1)).result(), disturbed=False)


# The order of the trace.

CASES = [*((name, False) for name in KINDS),
         ("inception_v3", True), ("mobilenetv3_large", True)]


@pytest.mark.parametrize(("name", "training"), CASES,
                         ids=[f"{name}{'-training' * training}" for name, training in CASES])
def test_the_calls_that_are_timed_are_those_of_the_trace(
        name: str, training: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 299 if training else 96 if "ception" in name else 64
    config = configure(name, width=0.125, input_size=size, batch_size=2, num_classes=8)
    network = build(config, "cpu").train(training)
    traced = trace(network, config.input_shape, training=training)
    shapes: list[tuple[int, ...]] = []
    forward, between = layers._marked, layers._Between.__torch_function__

    def shape_of(result: object) -> object:
        shapes.append(tuple(leaves([result], torch.Tensor)[0].shape))
        return result

    # What is called in one place and seen in the other, with its output's shape.
    monkeypatch.setattr(layers, "_marked", lambda function, mark: forward(
        lambda *args, **kwargs: shape_of(function(*args, **kwargs)), mark))

    def seen(self, func, types, args=(), kwargs=None):
        result = between(self, func, types, args, kwargs)
        return shape_of(result) if leaves([result], torch.Tensor) else result

    monkeypatch.setattr(layers._Between, "__torch_function__", seen)
    marks: list[None] = []
    images = torch.randn(config.input_shape)
    with torch.set_grad_enabled(training), \
            layers.noted(network, traced, lambda: marks.append(None)):
        network(images)
    assert len(marks) == len(traced.calls)
    assert shapes == [call.output_shape for call in traced.calls]
    assert not any("forward" in vars(module) for module in network.modules())


def marks_of_later_passes(network: nn.Module, followed, args, named) -> list[int]:
    """How often a call is marked, in two passes behind a first one."""
    fresh = layers.attributes_of(network)
    network(*args, **named)
    counts = []
    for _ in range(2):
        marks: list[None] = []
        with layers.noted(network, followed, lambda marks=marks: marks.append(None), fresh):
            network(*args, **named)
        counts.append(len(marks))
    return counts


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", BROUGHT)
def test_the_calls_of_what_people_bring(name: str, training: bool) -> None:
    make, given = BROUGHT[name]
    network, (args, named) = make().train(training), real(given)
    followed = trace(make().to("meta"), given, training=training)
    with torch.set_grad_enabled(training):
        assert marks_of_later_passes(network, followed, args, named) == [len(followed.calls)] * 2


@pytest.mark.parametrize("key", [
    "timm:convnext_atto&input_size=64", "timm:levit_128s", "timm:mobilevit_xxs&input_size=64",
    "timm:efficientformerv2_s0", "timm:vit_tiny_patch16_224", "timm:repvgg_a0&input_size=64",
    "torchvision:deeplabv3_mobilenet_v3_large&input=1x3x64x64",
    "torchvision:raft_small&input=1x3x128x128&input=1x3x128x128"])
def test_the_calls_of_a_library_s_model(key: str) -> None:
    source = find_source(key)
    followed = summarise(source).trace
    with prepared(source, "cpu", Choices()) as given:
        counts = marks_of_later_passes(given.network, followed, given.inputs, given.named)
    assert counts == [len(followed.calls)] * 2


@cache
def ramp(size: int) -> torch.Tensor:
    return torch.arange(size).float() * 1.0


class Remembers(nn.Module):
    """What it keeps from its first pass it does not compute again."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(12))
        self.seen: dict[int, torch.Tensor] = {}
        self.half: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if 12 not in self.seen:
            self.seen[12] = self.weight * 2
        if self.half is None:
            self.half = F.relu(self.weight / 2)
        return x * self.seen[12] + self.half + ramp(12)


def test_what_a_network_keeps_from_its_first_pass_is_made_in_every_pass_of_notes() -> None:
    ramp.cache_clear()
    network = Remembers()
    x = torch.ones(2, 12)
    followed = trace(network, (2, 12))
    assert [call.operator for call in followed.calls] == ["mul", "div", "relu", "mul", "add", "add"]
    with torch.no_grad():
        assert marks_of_later_passes(network, followed, [x], {}) == [6, 6]
        kept = network.seen[12], network.half
        with layers.noted(network, followed, lambda: None):
            network(x)
    assert (network.seen[12], network.half) == kept


def test_times_beside_the_wrong_layers_are_refused() -> None:
    network = Made(lambda net, x: net.conv(x).relu(), conv=nn.Conv2d(3, 4, 3))
    other = Made(lambda net, x: net.conv(x).tanh(), conv=nn.Conv2d(3, 4, 3))
    image = torch.zeros(IMAGE)
    given = Pass(network, (image,), {}, lambda: network(image), lambda: None)
    with pytest.raises(TimingError, match="1 calls ran and 2 are in the trace"):
        layers.sample_calls(given, trace(other, IMAGE), 0.1)


@pytest.mark.parametrize("fails", [False, True])
def test_a_module_keeps_a_forward_of_its_own(fails: bool) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    followed = trace(network.to("meta"), (1, 3, 8, 8))
    network.to_empty(device="cpu")

    def own(x: torch.Tensor) -> torch.Tensor:
        if fails:
            raise ArithmeticError
        return x.sigmoid()

    network[1].forward = own
    marks: list[None] = []
    images = torch.randn(1, 3, 8, 8)
    with suppress(ArithmeticError), layers.noted(network, followed, lambda: marks.append(None)):
        network(images)
    assert len(marks) == (1 if fails else 2)
    assert vars(network[1])["forward"] is own
    assert "forward" not in vars(network[0])


class Slow(nn.Module):
    """An activation that takes 30 ms."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.03)
        return x.relu()


def test_a_slow_layer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build(SMALL, "cpu")
    where = "stage3.0.branch.depthwise.act"
    network.set_submodule(where, Slow())
    monkeypatch.setattr(layers, "prepared", lambda *_: prepared_with(network))
    summary = summarise(SMALL)
    times = layers.measure_layers(to_key(SMALL), "cpu", 0.3, Choices(threads=1))
    slowest = max(summary.layers, key=lambda layer: times.seconds[layer.index])
    assert slowest.path == where
    assert times.seconds[slowest.index] >= 0.03
    assert times.shares[slowest.index] > 0.5


def prepared_with(network: nn.Module):
    from contextlib import contextmanager

    @contextmanager
    def ready():
        images = torch.randn(SMALL.input_shape)
        with torch.inference_mode():
            yield Pass(network, (images,), {}, lambda: network(images), lambda: None)
    return ready()


def test_every_layer_has_a_time(times: LayerTimes) -> None:
    summary = summarise(SMALL)
    assert len(times.seconds) == len(summary.layers)
    assert all(seconds > 0 for seconds in times.seconds)
    assert sum(times.shares) == pytest.approx(1)
    assert times.passes >= 3
    assert times.difference_s == times.sum_s - times.whole_s
    frame = timings.layer_time_frame(explore(SMALL), times)
    assert list(frame["seconds"]) == list(times.seconds)
    blocks = timings.block_time_frame(explore(SMALL), times)
    assert blocks["seconds"].sum() == pytest.approx(times.sum_s)
    assert blocks["calls"].sum() == len(summary.layers)


@needs_cuda
def test_layers_on_cuda() -> None:
    times = submit_layers(SMALL, "cuda", 0.3).result()
    assert len(times.seconds) == len(summarise(SMALL).layers)
    assert all(seconds > 0 for seconds in times.seconds)


# The roofline.

def test_rates_of_a_device(rates: Rates) -> None:
    assert rates.flops_per_s > rates.bytes_per_s > 0
    assert all(seconds > 0 for seconds in rates.launch_s.values())


def test_rates_are_measured_once_for_a_number_format(
        rates: Rates, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Choices] = []
    monkeypatch.setattr(roofline, "_kept", {})
    monkeypatch.setattr(roofline, "_rates", lambda _, choices: asked.append(choices) or rates)
    for choices in (Choices(threads=1), Choices(threads=1, channels_last=True),
                    Choices(dtype="bfloat16", threads=1)):
        assert roofline.measure_rates("cpu", choices) == rates
    assert asked == [Choices(threads=1), Choices(dtype="bfloat16", threads=1)]


def test_bounds_are_told_apart() -> None:
    """A device that does 100 operations a byte, on which a call takes 1 µs."""
    rates = Rates(device="cpu", dtype="float32", flops_per_s=1e12, bytes_per_s=1e10,
                  launch_s={"convolution": 1e-6, "activation": 1e-6})
    config = configure("vgg16", batch_norm=False)
    summary = summarise(config)
    times = LayerTimes(
        key=to_key(config), device="cpu", seconds=(1e-3,) * len(summary.layers), whole_s=1.0,
        passes=3, started_s=0, finished_s=0, warnings=(),
        conditions=time_forward(SMALL, "cpu", 0.05).conditions)
    spots = {spot.layer.path: spot for spot in place(summary, times, rates, Choices()).spots}
    convolution = spots["stage3.conv2.conv"]
    weights = 256 * 256 * 9 + 256
    assert convolution.flops == 2 * 256 * 256 * 9 * 56 * 56 + 256 * 56 * 56
    assert convolution.bytes == 4 * (2 * 256 * 56 * 56 + weights)
    assert convolution.bound == "arithmetic" and convolution.attainable == 1e12
    assert convolution.measured == convolution.flops / 1e-3
    linear = spots["head.fc1"]
    assert linear.bound == "memory"
    assert linear.attainable == pytest.approx(linear.intensity * 1e10)
    flatten = next(spot for path, spot in spots.items() if path.endswith("flatten"))
    assert (flatten.bytes, flatten.intensity, flatten.bound) == (0, None, "launching")
    half = place(summary, times, rates, Choices(dtype="bfloat16")).spots
    assert half[0].bytes == place(summary, times, rates, Choices()).spots[0].bytes / 2


def test_the_page_says_why(times: LayerTimes, rates: Rates) -> None:
    roofs = place(summarise(SMALL), times, rates, Choices(threads=1))
    assert sum(map(roofs.share, roofline.BOUNDS)) == pytest.approx(1)
    said = " ".join(roofline_views.sentences(roofs))
    assert "bound by memory" in said and "depthwise convolutions" in said
    assert "fewer multiply-adds shorten this pass only a little" in said
    frame = roofline_views.frame(roofs)
    assert len(frame) == len(times.seconds)
    figure = roofline_views.figure(roofs)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert "depthwise convolution" in {trace.name for trace in dots}
    assert sum(len(trace.x) for trace in dots) == frame["intensity"].notna().sum()


def test_what_is_not_counted_has_no_bound(times: LayerTimes, rates: Rates) -> None:
    summary = summarise(SMALL)
    unknown = replace(summary, layers=tuple(
        layer._replace(call=layer.call._replace(effect=layer.call.effect._replace(
            macs=None, elementwise_ops=None))) for layer in summary.layers))
    roofs = place(unknown, times, rates, Choices())
    assert {spot.bound for spot in roofs.spots} == {None}
    assert roofline_views.frame(roofs)["bound"].isna().all()


def test_whole_numbers_and_all_outputs_move_their_own_bytes(
        times: LayerTimes, rates: Rates) -> None:
    network = Made(lambda net, ids: net.words(ids).topk(3)[0], words=nn.Embedding(50, 12))
    summary = analyse(trace(network, [Input((2, 10), torch.int64)]))
    roofs = place(summary, replace(times, seconds=(1e-3, 1e-3)), rates, Choices(dtype="bfloat16"))
    embedding, topk = roofs.spots
    assert embedding.bytes == 8 * 20 + 2 * 50 * 12 + 2 * 20 * 12
    assert topk.bytes == 2 * 20 * 12 + (2 + 8) * 20 * 3
    unknown = replace(roofs, spots=(embedding, topk._replace(bound=None)))
    assert "What bounds the other 50% is not known" in " ".join(roofline_views.sentences(unknown))
