"""What a network is called where its knobs are turned."""

from __future__ import annotations

from collections.abc import Sequence

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
    name = config.network
    shown = presets()[name].title if name in presets() else name.replace(":", " ")
    turned = config.turned_from(default_config(name))
    return with_knobs(shown, [knob.words(knob.parse(value)) for knob, value in [
        (find_knob(config, name), value) for name, value in turned.items()]])


def with_knobs(network: str, knobs: Sequence[str]) -> str:
    """A network and what is turned of it, in words."""
    return say("{network}, {knobs}", network=network, knobs=text.listing(knobs)) if knobs \
        else network
