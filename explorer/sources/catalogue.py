"""Networks of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from explorer import text
from explorer.config import Config, ConfigError, knobs_of
from explorer.language import Text
from explorer.networks.build import build
from explorer.networks.catalogue import find_preset
from explorer.sources.key import to_key
from explorer.sources.source import Source
from explorer.tracing import Input


def catalogue_source(config: Config, inputs: Sequence[Input] = ()) -> Source:
    """The source of a config. Raises `ConfigError` for inputs: they follow from the knobs."""
    if inputs:
        raise ConfigError(Text(
            "The input of {network} follows from its knobs: instead of `--input` set "
            "`input_size`, `in_channels` or `batch_size`, such as `--set input_size=64`.",
            network=config.network), "input")
    return Source(key=to_key(config), titled=partial(sentence, config),
                  inputs=(Input(config.input_shape),),
                  build=lambda device: build(config, device), config=config)


def sentence(config: Config) -> str:
    """A config in a line: the network, its blocks, its input and every other knob that is turned.

    >>> from explorer.networks.catalogue import configure
    >>> sentence(configure("resnet50", width=0.5))
    'ResNet-50 · width 0.5 · 3-4-6-3 · 224×224'
    """
    preset = find_preset(config.network)
    size = text.shape(config.input_shape[2:])   # EfficientNet's φ makes it larger
    parts = [preset.title]
    for name, knob in knobs_of(type(config)).items():
        value = getattr(config, name)
        if name == "blocks":
            parts += ["-".join(map(str, config.scaled_blocks)), size]
        elif name != "input_size" and value != getattr(preset.config, name):
            parts.append(knob.words(value))
    return " · ".join(parts)
