"""Outlines of networks, for the tests of the graph."""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import nn

import explorer
from explorer.analysis import Summary, analyse
from explorer.structure import Structure
from explorer.tracing import TraceError, trace

ONE_OF_EACH = ("vgg16", "resnet50", "xception", "inception_v3", "mobilenetv3_small")
"""One preset of each family."""


@cache
def summary(network: str, *, training: bool = False, **knobs: Any) -> Summary:
    return explorer.summarise(explorer.configure(network, **knobs), training=training)


@cache
def explored(network: str, **knobs: Any) -> explorer.Explored:
    """As the page has it: beside its preset."""
    return explorer.open(explorer.configure(network, **knobs), preset=explorer.open(network))


@cache
def structure(network: str, **knobs: Any) -> Structure:
    """As the page has it: with the auxiliary head, or as far as the pass gets."""
    return explored(network, **knobs).structure


def structure_of(module: nn.Module, *input_shape: int) -> Structure:
    try:
        return Structure(analyse(trace(module, input_shape)))
    except TraceError as error:
        return Structure(analyse(error.trace), failure=error)
