"""Hypothesis strategies: values of a knob, and configs of every family."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from explorer.config import Config, ConfigError, Knob, knobs_of
from explorer.networks.catalogue import presets
from explorer.networks.family import Family

# Inception v3 needs 75 pixels, more than any other network.
SMALL = {
    "width": st.sampled_from([0.125, 0.25, 0.3, 0.5, 1.0, 1.4]),
    "depth": st.sampled_from([0.125, 0.5, 1.0, 1.5]),
    "input_size": st.integers(75, 112),
    "batch_size": st.integers(1, 3),
    "compound": st.sampled_from([0.0, 0.5, 1.0]),
}


def values(knob: Knob, *, stages: int = 4) -> st.SearchStrategy[Any]:
    """Any value that `knob` allows by itself."""
    low, high = int(knob.low), int(knob.high)
    match knob.kind:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(knob.options)
        case "counts":
            return st.lists(st.integers(low, high), min_size=stages, max_size=stages).map(tuple)
        case "int":
            return st.integers(low, high)
        case "float":
            return st.floats(knob.low, knob.high)


def small_values(knob: Knob, *, stages: int) -> st.SearchStrategy[Any]:
    """A value that makes a network quick to build and to follow."""
    if knob.name in SMALL:
        return SMALL[knob.name]
    match knob.kind:
        case "counts":
            return st.lists(st.integers(1, 3), min_size=stages, max_size=stages).map(tuple)
        case "int":
            return st.integers(int(knob.low), min(int(knob.high), 16))
        case _:
            return values(knob)


@st.composite
def configs(draw: st.DrawFn, *, small: bool = True, family: Family | None = None) -> Config:
    """A config of one family, or of any, with any of its knobs turned.

    `small` ones fit a test that builds the network: their forward pass is quick and gets to its
    end.
    """
    choice_of = family.presets if family else tuple(presets().values())
    config = draw(st.sampled_from([preset.config for preset in choice_of]))
    stages = len(config.stages)
    knobs = knobs_of(type(config))
    turned = set(draw(st.lists(st.sampled_from(sorted(knobs)), unique=True)))
    if small:
        turned |= {"blocks", "input_size"}
    for name in sorted(turned):
        choice = small_values if small else values
        value = draw(choice(knobs[name], stages=stages))
        with suppress(ConfigError):     # right by itself, not with others: groups of a basic block
            config = config.replace(**{name: value})
    return config
