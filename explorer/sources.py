"""What a person names -> Source: a network that can be built, and the input that it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import nn

from explorer.config import Config, knobs_of
from explorer.networks.build import build
from explorer.networks.catalogue import find_preset
from explorer.networks.key import from_key, to_key
from explorer.tracing.operators import Shape

LARGEST_BATCH = int(knobs_of(Config)["batch_size"].high)
"""The most images in one pass."""


@dataclass(frozen=True, slots=True)
class Source:
    """A network that was named. Two sources are equal where their keys are."""

    key: str
    """The canonical string: `find_source` gives this source back for it."""
    title: str = field(compare=False)
    input_shape: Shape = field(compare=False)
    build: Callable[[str], nn.Module] = field(compare=False, repr=False)
    """Makes the network on a device, in evaluation mode; "meta" holds shapes and no weights."""
    config: Config | None = field(default=None, compare=False)
    """The knobs, where it is of the catalogue."""


Named: TypeAlias = Source | Config | str
"""What stands for a source: itself, a config, or a canonical string."""


def to_source(named: Named) -> Source:
    """The source that is meant. Raises `ConfigError` for a string that `find_source` cannot read.

    >>> to_source("resnet50&width=0.5") == to_source(from_key("resnet50&width=0.5"))
    True
    """
    if isinstance(named, Source):
        return named
    if not isinstance(named, str | Config):
        raise TypeError(f"a network is named by a config, a canonical string or a source; got "
                        f"{type(named).__name__}. `explorer.trace(network, input_shape)` follows a "
                        "module of your own.")
    return find_source(named) if isinstance(named, str) else source_of(named)


def source_of(config: Config) -> Source:
    """The source of a config of the catalogue."""
    return Source(key=to_key(config), title=sentence(config), input_shape=config.input_shape,
                  build=lambda device: build(config, device), config=config)


def find_source(key: str) -> Source:
    """The source that a canonical string stands for.

    Raises `ConfigError` for an unknown network or knob, or a value that is none of the knob's.

    >>> find_source("resnet50&width=0.5").title
    'ResNet-50 · width 0.5 · 3-4-6-3 · 224×224'
    """
    return source_of(from_key(key))


def sentence(config: Config) -> str:
    """A config in a line: the network, its blocks, its input and every other knob that is turned.

    >>> from explorer.networks.catalogue import configure
    >>> sentence(configure("resnet50", width=0.5))
    'ResNet-50 · width 0.5 · 3-4-6-3 · 224×224'
    """
    preset = find_preset(config.network)
    size = f"{config.input_size}×{config.input_size}"
    parts = [preset.title]
    for name, knob in knobs_of(type(config)).items():
        value = getattr(config, name)
        if name == "blocks":
            parts += ["-".join(map(str, config.scaled_blocks)), size]
        elif name != "input_size" and value != getattr(preset.config, name):
            text = knob.format(value).replace("_", " ")
            parts.append(f"{knob.label[0].lower()}{knob.label[1:]} {text}")
    return " · ".join(parts)
