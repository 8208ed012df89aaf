"""What a network is called where its knobs are turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from explorer import text
from explorer.config import Knobs, find_knob
from explorer.language import say
from explorer.networks.catalogue import presets
from explorer.sources.key import default_config


def title(config: Knobs) -> str:
    """A network with what is turned of it, shorter than its own sentence.

    >>> from explorer.networks.catalogue import configure
    >>> title(configure("resnet50")), title(configure("resnet50", width=0.5))
    ('ResNet-50', 'ResNet-50, width 0.5')
    """
    return _titled(config, _turned(config))


def titles_apart(configs: Sequence[Knobs]) -> list[str]:
    """Networks by what tells them apart: without what is turned alike in all of several.

    >>> from explorer.networks.catalogue import configure
    >>> titles_apart([configure("resnet20", input_size=8), configure("resnet56", input_size=8)])
    ['ResNet-20', 'ResNet-56']
    """
    turned = [_turned(config) for config in configs]
    alike = set.intersection(*[set(own.items()) for own in turned]) if len(turned) > 1 else set()
    return [_titled(config, {name: value for name, value in own.items()
                             if (name, value) not in alike})
            for config, own in zip(configs, turned, strict=True)]


def _turned(config: Knobs) -> dict[str, str]:
    return config.turned_from(default_config(config.network))


def _titled(config: Knobs, turned: Mapping[str, str]) -> str:
    shown = config.network
    if shown in presets():
        shown = presets()[shown].title
    elif ":" in shown:      # a library's model, as its own title has it
        library, _, model = shown.rpartition(":")
        shown = f"{model} ({library})"
    return with_knobs(shown, [knob.words(knob.parse(value)) for knob, value in [
        (find_knob(config, name), value) for name, value in turned.items()]])


def with_knobs(network: str, knobs: Sequence[str]) -> str:
    """A network and what is turned of it, in words."""
    return say("{network}, {knobs}", network=network, knobs=text.listing(knobs)) if knobs \
        else network
