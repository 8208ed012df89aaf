"""A network that was named: how it is built, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import nn

from explorer.config import Config, Knobs, knobs_of
from explorer.networks.build import settled
from explorer.sources.inputs import format_input
from explorer.tracing import Input
from explorer.tracing.operators import Shape

LARGEST_BATCH = int(knobs_of(Config)["batch_size"].high)
"""The most images in one pass."""


@dataclass(frozen=True, slots=True)
class Source:
    """A network that was named. Two sources are equal where their keys are."""

    key: str
    """The canonical string: `find_source` gives this source back for it."""
    titled: Callable[[], str] = field(compare=False, repr=False)
    """Says its title."""
    inputs: tuple[Input, ...] = field(compare=False)
    build: Callable[[str], nn.Module] = field(compare=False, repr=False)
    """Makes the network on a device, in evaluation mode; "meta" holds shapes and no weights.
    Raises `ConfigError` where it cannot be made."""
    config: Knobs | None = field(default=None, compare=False)
    """The knobs that it and its input follow from; None where it has none."""

    @property
    def title(self) -> str:
        """The network in a line."""
        return self.titled()

    @property
    def input_shape(self) -> Shape:
        """Of the first input."""
        return self.inputs[0].shape

    @property
    def knobs(self) -> tuple[str, ...]:
        """Names of the knobs that it has."""
        return tuple(knobs_of(type(self.config))) if self.config else ()

    @property
    def samples(self) -> str:
        """What a batch has: images, or samples of something else."""
        first = self.inputs[0]
        return "images" if len(first.shape) == 4 and first.dtype.is_floating_point else "samples"


def write_key(name: str, settings: Iterable[tuple[str, str]],
              inputs: Iterable[Input] = ()) -> str:
    """The canonical string of a network's name, its settings and its inputs.

    >>> write_key("timm:vgg11", [("num_classes", "10")], [Input((1, 3, 64, 32))])
    'timm:vgg11&num_classes=10&input=1x3x64x32'
    """
    return "&".join([name, *(f"{knob}={text}" for knob, text in settings),
                     *(f"input={format_input(given)}" for given in inputs)])


def made_on(device: str, make: Callable[[], nn.Module]) -> nn.Module:
    """What `make` gives, on a device and in evaluation mode: made there, or where that cannot be,
    as with a constructor that computes with numbers, made on the CPU and moved."""
    try:
        with torch.device(device):
            network = make()
    except Exception:       # whatever a constructor raises that computes with numbers
        if device == "cpu":
            raise
        network = make()
    return settled(network, device)
