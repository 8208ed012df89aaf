"""Experiments of the lessons: what they measure, by hand and against theory; how they are told."""

from __future__ import annotations

import importlib.util
import math
import time

import pytest
import torch
from torch.nn import functional

from explorer.config import ConfigError
from explorer.lessons import lessons
from explorer.lessons.experiments import digits
from explorer.lessons.experiments.digits import check_digits, submit_digits, train
from explorer.lessons.experiments.effective_field import SHARE, measure_field
from explorer.lessons.experiments.gradients import measure_gradients
from explorer.lessons.functions import function_curve, loss_over_margin, smoothed
from explorer.lessons.parts import DigitsTraining
from explorer.libraries import LibraryError
from explorer.pipeline import summarise
from explorer.sources import find_source

SMALL = "resnet20&depth=0.3&in_channels=1&num_classes=10&input_size=8"


def test_digits_are_learned_and_a_seed_gives_the_same_again() -> None:
    curves = train([SMALL], 40, 3)
    [losses] = curves.losses
    assert len(losses) == 40 // digits.STEPS_A_POINT
    assert losses[-1] < 0.5 * losses[0] and curves.accuracies[0] > 0.5
    assert train([SMALL], 40, 3) == curves != train([SMALL], 40, 4)


def test_a_run_tells_its_points_and_can_be_stopped() -> None:
    job = submit_digits([SMALL], 2000, 0)
    end = time.monotonic() + 60
    while not (job.progress and job.progress.points) and time.monotonic() < end:
        time.sleep(0.02)
    assert job.progress and all(place == 0 and loss > 0 for place, loss in job.progress.points)
    assert job.cancel()
    with pytest.raises(Exception):      # noqa: B017  # it depends on where it was stopped
        job.result()
    assert job.cancelled()


@pytest.mark.parametrize("key", ["resnet20", "resnet20&in_channels=1&num_classes=10", "vgg11"])
def test_a_network_that_does_not_take_the_digits_is_told(key: str) -> None:
    with pytest.raises(ConfigError, match=r"in_channels=1, num_classes=10 and input_size=8"):
        check_digits([key])


def test_every_network_of_the_lessons_takes_them() -> None:
    parts = [placed.part for each in lessons() for placed in each.parts
             if isinstance(placed.part, DigitsTraining)]
    assert parts
    for part in parts:
        check_digits(part.networks)


def test_without_the_library_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LibraryError, match=r"scikit-learn is not installed.*pip install"):
        submit_digits([SMALL], 10, 0)


def test_gradients_are_those_of_a_backward_pass() -> None:
    key = "resnet20&input_size=16&width=0.5"
    measured = measure_gradients([key, f"{key}&shortcut=none"], 0)
    assert [len(paths) for paths in measured.paths] == [20, 20]
    torch.manual_seed(0)
    network = find_source(key).build("cpu").train()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((16, 3, 16, 16), generator=generator)
    labels = torch.randint(10, (16,), generator=generator)
    functional.cross_entropy(network(images), labels).backward()
    for path, size in zip(measured.paths[0], measured.sizes[0], strict=True):
        gradient = network.get_submodule(path).weight.grad
        assert math.isclose(size, gradient.norm() / gradient.numel() ** 0.5, rel_tol=1e-4)


@pytest.mark.parametrize("path", ["stem.conv", "stage1.2.branch.conv1", "stage3.2.branch.conv2"])
def test_no_gradient_lies_beyond_the_theoretical_field(path: str) -> None:
    field = measure_field("resnet20&input_size=64", path, 0)
    [layer] = [layer for layer in summarise("resnet20&input_size=64").layers
               if layer.path == path]
    assert layer.receptive_field and field.size == layer.receptive_field.side
    seen = [(row, column) for row, cells in enumerate(field.gradient)
            for column, value in enumerate(cells) if value > 0]
    for place, start in ((0, field.top), (1, field.left)):
        least, most = [pick(each[place] for each in seen) for pick in (min, max)]
        assert start <= least * field.cell and most * field.cell < start + field.size
    assert 1 <= field.effective <= field.size
    share = sum(map(sum, field.gradient))
    assert share > 0 and SHARE < 1


def test_a_layer_without_a_field_is_told() -> None:
    with pytest.raises(ConfigError, match=r"no layer .head.fc. with a receptive field"):
        measure_field("resnet20", "head.fc", 0)


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "hardsigmoid", "silu", "hardswish",
                                  "tanh", "gelu"])
def test_a_slope_is_the_difference_of_neighbours(name: str) -> None:
    curve = function_curve(name, -5, 5)
    step = curve.x[1] - curve.x[0]
    for place in range(1, len(curve.x) - 1):
        between = (curve.y[place + 1] - curve.y[place - 1]) / (2 * step)
        kink = min(abs(abs(curve.x[place]) - edge) for edge in (0, 3, 6)) < 1.5 * step
        assert kink or math.isclose(curve.slope[place], between, abs_tol=2e-3)


def test_label_smoothing_by_its_formula() -> None:
    logits, epsilon = [2.0, 0.5, -1.0], 0.3
    told = smoothed(logits, epsilon)
    wanted = [1 - epsilon + epsilon / 3, epsilon / 3, epsilon / 3]
    total = sum(map(math.exp, logits))
    said = [math.exp(logit) / total for logit in logits]
    assert told.targets == pytest.approx(wanted)
    assert told.probabilities == pytest.approx(said)
    assert told.loss == pytest.approx(-sum(q * math.log(p) for q, p in
                                           zip(wanted, said, strict=True)))
    assert told.gradient == pytest.approx([p - q for p, q in zip(said, wanted, strict=True)])


def test_the_loss_has_its_least_at_a_finite_margin() -> None:
    margins = [step / 10 for step in range(300)]
    smooth = loss_over_margin(10, 0.1, margins)
    best = margins[smooth.index(min(smooth))]
    assert best == pytest.approx(math.log(0.91 / 0.01), abs=0.06)
    plain = loss_over_margin(10, 0.0, margins)
    assert plain.index(min(plain)) == len(plain) - 1
