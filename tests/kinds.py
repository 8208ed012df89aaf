"""One preset of each kind, for tests that would learn nothing new from the others."""

from __future__ import annotations

from typing import Any

from explorer.config import knobs_of
from explorer.networks.catalogue import network_of, presets
from explorer.networks.family import Preset


def _kind(preset: Preset) -> tuple[Any, ...]:
    """Presets of one kind differ in numbers alone: of blocks, of channels, of pixels."""
    config = preset.config
    return (network_of(config.network), type(config),
            *[getattr(config, name) for name, knob in knobs_of(type(config)).items()
              if knob.kind in ("bool", "choice")])


def _cheapest() -> list[str]:
    found: dict[tuple[Any, ...], Preset] = {}
    for preset in presets().values():
        first = found.setdefault(_kind(preset), preset)
        if sum(preset.config.blocks) < sum(first.config.blocks):
            found[_kind(preset)] = preset
    return [preset.config.network for preset in found.values()]


KINDS = _cheapest()
"""The one with the fewest blocks of each."""
