"""Functions of one number and their derivatives, as PyTorch computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

POINTS = 481


class Curve1D(NamedTuple):
    """A function over its numbers."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    slope: tuple[float, ...]
    """By autograd."""


def function_curve(name: str, low: float, high: float) -> Curve1D:
    """A function of torch.nn.functional between two numbers.

    >>> curve = function_curve("relu", -1, 1)
    >>> curve.y[0], curve.y[-1], curve.slope[0], curve.slope[-1]
    (0.0, 1.0, 0.0, 1.0)
    """
    function: Callable[[torch.Tensor], torch.Tensor] = getattr(functional, name)
    x = torch.linspace(low, high, POINTS, dtype=torch.float64, requires_grad=True)
    y = function(x)
    [slope] = torch.autograd.grad(y.sum(), x)
    return Curve1D(name, *[tuple(values.detach().tolist()) for values in (x, y, slope)])


class Smoothed(NamedTuple):
    """What label smoothing makes of a prediction, by PyTorch's own loss."""

    targets: tuple[float, ...]
    """What the loss wants each class to be."""
    probabilities: tuple[float, ...]
    loss: float
    gradient: tuple[float, ...]
    """Of the loss by each logit: the probability less the target."""


def smoothed(logits: Sequence[float], epsilon: float, right: int = 0) -> Smoothed:
    """Loss and gradient of logits whose right class is `right`.

    >>> told = smoothed([2.0, 0.0], 0.2)
    >>> told.targets, abs(sum(told.gradient)) < 1e-9
    ((0.9, 0.1), True)
    """
    given = torch.tensor([list(logits)], dtype=torch.float64, requires_grad=True)
    loss = functional.cross_entropy(given, torch.tensor([right]), label_smoothing=epsilon)
    [gradient] = torch.autograd.grad(loss, given)
    probabilities = given.softmax(1)
    targets = probabilities.detach() - gradient
    return Smoothed(tuple([round(value, 12) for value in targets[0].tolist()]),
                    tuple(probabilities[0].tolist()), loss.item(), tuple(gradient[0].tolist()))


def loss_over_margin(classes: int, epsilon: float, margins: Sequence[float]) -> tuple[float, ...]:
    """The loss where the right logit stands above all others by each of the margins."""
    return tuple([smoothed([margin, *[0.0] * (classes - 1)], epsilon).loss for margin in margins])
