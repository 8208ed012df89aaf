"""How a pass is run: what each choice changes, and what cannot be."""

import math
import subprocess
import sys
import time

import psutil
import pytest
import torch
from torch import nn

from explorer.networks.catalogue import configure
from explorer.pipeline import summarise
from explorer.sources import Source, find_source, source_of
from explorer.timing import (
    Choices,
    TimingError,
    available,
    can_compile,
    cores,
    devices,
    disturbance,
    passes,
    predict_seconds,
    prediction,
    protocol,
    submit,
    submit_layers,
)
from explorer.timing.passes import prepared
from explorer.tracing import Input
from tests.test_following import Made

SMALL = configure("mobilenetv3_small", input_size=64, width=0.25)
KEY = "mobilenetv3_small&width=0.25&input_size=64"
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def measured(device: str = "cpu", **choices: object) -> protocol.Timing:
    return protocol.measure(KEY, device, 0.1, Choices(**choices))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_number_formats(dtype: str) -> None:
    with prepared(find_source(KEY), "cpu", Choices(dtype=dtype)) as given:
        assert str(given.forward().dtype) == f"torch.{dtype}"
    timing = measured(dtype=dtype)
    assert timing.conditions.dtype == dtype
    assert (timing.predicted_bytes < measured().predicted_bytes) == (dtype != "float32")


def test_channels_last() -> None:
    with prepared(find_source(KEY), "cpu", Choices(channels_last=True)) as given:
        assert given.inputs[0].is_contiguous(memory_format=torch.channels_last)
        weights = [weight for weight in given.network.parameters() if weight.dim() == 4]
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    assert measured(channels_last=True).conditions.layout == "channels last"


def test_threads_are_set_for_the_run_alone() -> None:
    before = torch.get_num_threads()
    with prepared(find_source(KEY), "cpu", Choices(threads=cores())):
        assert torch.get_num_threads() == cores()
    assert torch.get_num_threads() == before
    assert measured(threads=cores()).conditions.threads == cores()


@pytest.mark.parametrize(("name", "size"), [("resnet18", 96), ("inception_v3", 299)])
def test_a_training_step_makes_gradients_and_takes_more_memory(name: str, size: int) -> None:
    config = configure(name, width=0.125, input_size=size, batch_size=2, num_classes=10)
    with prepared(source_of(config), "cpu", Choices(training=True)) as given:
        given.run()
        assert all(weight.grad is not None for weight in given.network.parameters())
    forward, step = (prediction.pass_bytes(summarise(config, training=training),
                                           Choices(training=training))
                     for training in (False, True))
    assert step > 2 * forward


@pytest.mark.parametrize("name", ["lraspp_mobilenetv3_large", "ssdlite_mobilenetv3_large"])
def test_a_training_step_of_a_head_with_scores_of_places(name: str) -> None:
    config = configure(name, width=0.125, input_size=96, batch_size=2, num_classes=5)
    with prepared(source_of(config), "cpu", Choices(training=True)) as given:
        given.run()
        assert all(weight.grad is not None for weight in given.network.parameters())


@pytest.mark.parametrize(("shape", "classes", "loss"), [
    ((2, 5), None, math.log(5)), ((2, 5), 7, math.log(5)),
    ((2, 5, 9), 5, math.log(5)), ((2, 5, 4, 4), 5, math.log(5)),
    ((2, 5, 4, 4), None, 1), ((2, 4, 9), 5, 1), ((3, 5), 5, 1)])
def test_the_loss_is_the_cross_entropy_of_what_are_scores(
        shape: tuple[int, ...], classes: int | None, loss: float) -> None:
    """Of ones it is log(classes), and their mean square is 1."""
    assert passes._loss(torch.ones(shape), 2, classes).item() == pytest.approx(loss)


def test_a_step_that_training_refuses_is_a_sentence() -> None:
    """A map of one pixel, of one image."""
    with pytest.raises(TimingError, match=r"^The training step of .* failed on cpu: In training "
                       "BatchNorm needs more than one number .* input is 1×64×1×1. Set batch_size"):
        protocol.measure("resnet18&width=0.125&input_size=32", "cpu", 0.1, Choices(training=True))


def test_rates_are_learned_for_each_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "_rates", {"cpu": 30e9})
    summary, half = summarise(configure("resnet50")), Choices(dtype="bfloat16")
    plain = predict_seconds(summary, "cpu")
    prediction.learn_rate(summary, "cpu", plain / 4, half)
    assert predict_seconds(summary, "cpu", half) < predict_seconds(summary, "cpu") == plain
    assert predict_seconds(summary, "cpu", Choices(training=True)) == pytest.approx(3 * plain)


BAD = [
    ({"dtype": "float64"}, "`dtype` must be one of float32, float16, bfloat16; got 'float64'."),
    ({"threads": 0}, f"`threads` must be from 1 to {cores()}"),
    ({"threads": 10_000}, "the cores of this machine; got 10000"),
    ({"threads": "two"}, "`threads` must be a whole number"),
    ({"tf32": True}, "`tf32` is a format of NVIDIA GPUs; got it on cpu"),
    ({"tf32": "yes"}, "`tf32` must be on or off; got 'yes'"),
    ({"cuda_graph": True}, "`cuda_graph` needs a cuda device"),
    ({"dtype": "float16", "training": True}, "float16 has no usable backward pass on cpu"),
    ({"layout": "NHWC"}, "There is no choice 'layout'"),
]


@pytest.mark.parametrize(("given", "said"), BAD, ids=[str(case[0]) for case in BAD])
def test_a_choice_that_cannot_be(given: dict[str, object], said: str) -> None:
    with pytest.raises(TimingError) as error:
        submit(SMALL, "cpu", choices=Choices(**given))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_what_cannot_be_on_cuda() -> None:
    for given in ({"cuda_graph": True, "training": True}, {"tf32": True, "dtype": "bfloat16"}):
        with pytest.raises(TimingError, match=r"`cuda_graph`|`tf32`"):
            Choices(**given).check("cuda:0")


def test_layers_of_a_compiled_network_cannot_be_timed() -> None:
    with pytest.raises(TimingError, match="leave `compile` and `cuda_graph` off"):
        submit_layers(SMALL, "cpu", choices=Choices(compile=True))


def test_compiling_is_offered_where_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not can_compile("mps")
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(devices, "can_compile", devices.can_compile.__wrapped__)
    assert not devices.can_compile("cpu")
    monkeypatch.setattr("explorer.timing.choices.can_compile", lambda device: False)
    with pytest.raises(TimingError, match="`compile` cannot work on cpu here"):
        Choices(compile=True).check("cpu")


@pytest.mark.skipif(not can_compile("cpu"), reason="no C++ compiler here")
def test_a_compiled_network(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two layers, one of which becomes a kernel: each that a C++ compiler makes takes seconds.
    tiny = source_of_a(lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU()),
                       Input((2, 3, 2, 2)))
    monkeypatch.setattr(protocol, "find_source", lambda key: tiny)
    timing = protocol.measure(tiny.key, "cpu", 0.1, Choices(compile=True))
    assert timing.compile_s and timing.compile_s > timing.first_s
    assert timing.conditions.compiled


def test_the_clock_is_a_number_or_unknown() -> None:
    for device in available():
        assert (clock := devices.clock_mhz(device)) is None or clock > 0


# What disturbs a run.

def busy(cores: float) -> disturbance.Load:
    return disturbance.Load(cores, elapsed_s=1.0)


def test_quiet_samples_carry_no_warning() -> None:
    cores = psutil.cpu_count() or 1
    assert disturbance.warnings([1.0, 1.1] * 10, busy(0.1 * cores), cores) == ()
    # Others may have the cores that the run leaves free.
    assert disturbance.warnings([1.0] * 20, busy(cores - 1), 1) == ()


def test_busy_cores_and_spread_are_told() -> None:
    cores = psutil.cpu_count() or 1
    load, = disturbance.warnings([1.0] * 20, busy(0.5 * cores), cores)
    assert str(load).startswith("Other programs kept ")
    spread, = disturbance.warnings([1.0] * 15 + [3.0] * 5, busy(0), cores)
    assert "3.0 times" in str(spread)


def test_a_run_beside_busy_processes_carries_a_warning() -> None:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores())]
    try:
        timing = submit(SMALL, "cpu", 0.5, Choices(threads=cores())).result()
    finally:
        for other in busy:
            other.kill()
            other.wait()
    assert any(str(warning).startswith("Other programs kept ") for warning in timing.warnings)


def test_own_work_is_not_that_of_others() -> None:
    with disturbance.watched() as load:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
    assert load.elapsed_s >= 0.3
    assert load.cores <= psutil.cpu_count()


# CUDA.

@needs_cuda
@pytest.mark.parametrize("given", [
    {"dtype": "bfloat16", "channels_last": True}, {"tf32": True}, {"cuda_graph": True},
    {"training": True}, {"dtype": "float16", "cuda_graph": True}], ids=str)
def test_choices_on_cuda(given: dict[str, object]) -> None:
    timing = measured("cuda:0", **given)
    assert timing.measured_bytes and timing.measured_bytes > 0
    assert timing.conditions.tf32 == given.get("tf32", False)
    assert timing.conditions.cudnn and timing.conditions.driver


@needs_cuda
def test_memory_on_cuda_is_what_was_predicted() -> None:
    timing = protocol.measure("resnet50&batch_size=16", "cuda:0", 0.2, Choices())
    assert timing.measured_bytes
    # Beside the tensors it holds the workspaces of cuDNN.
    assert timing.predicted_bytes <= 1.05 * timing.measured_bytes
    assert timing.measured_bytes <= 2 * timing.predicted_bytes


# Inputs, and what a training step goes back from.

def source_of_a(make, *inputs: Input) -> Source:
    return Source(key="a network", titled=str, inputs=inputs,
                  build=lambda device: make().to(device))


def test_inputs_have_their_numbers_and_names() -> None:
    source = source_of_a(
        lambda: Made(lambda _, image, spectrum, *, ids, mask: (image, spectrum, ids, mask)),
        Input((2, 3, 4, 4)), Input((2, 5), torch.complex64),
        Input((2, 7), torch.int64, "ids"), Input((2, 7), torch.bool, "mask"))
    with prepared(source, "cpu", Choices(dtype="bfloat16", channels_last=True)) as given:
        image, spectrum, ids, mask = given.forward()
    assert image.dtype == torch.bfloat16
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert image.float().std() > 0 and spectrum.dtype == torch.complex64
    assert ids.dtype == torch.int64 and not ids.any()
    assert mask.dtype == torch.bool and mask.all()


def test_a_layout_of_images_needs_images() -> None:
    choices = Choices(channels_last=True)
    choices.check_inputs([Input((2, 7), torch.int64), Input((2, 3, 4, 4))])
    with pytest.raises(TimingError, match=r"`channels_last` is a layout of images.*2×7 int64"):
        choices.check_inputs([Input((2, 7), torch.int64)])


@pytest.mark.parametrize("result", [
    lambda x: x, lambda x: x.flatten(1), lambda x: [x[:, :1], {"others": x.sum()}],
    lambda x: (x.argmax(1), torch.view_as_complex(x.reshape(2, 7, 7, 8)[..., :2].contiguous()))],
    ids=["a map", "logits", "several", "complex"])
def test_a_training_step_goes_back_from_any_result(result) -> None:
    source = source_of_a(lambda: Made(lambda net, x: result(net.conv(x)), conv=nn.Conv2d(3, 8, 2)),
                         Input((2, 3, 8, 8)))
    with prepared(source, "cpu", Choices(training=True)) as given:
        given.run()
        assert given.network.conv.weight.grad.abs().sum() > 0


def test_a_training_step_without_a_gradient_is_refused() -> None:
    source = source_of_a(lambda: Made(lambda _, x: (x * 2, x.argmax(1))), Input((2, 3)))
    with prepared(source, "cpu", Choices(training=True)) as given, \
            pytest.raises(TimingError, match=r"no result of this network has one.*`training` off"):
        given.run()
