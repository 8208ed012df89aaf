"""A module of a network by itself, as a network: to be drawn alone."""

from __future__ import annotations

from explorer.config import ConfigError
from explorer.pipeline import Explored
from explorer.sources import Source
from explorer.tracing import Input


def module_source(network: Explored, path: str) -> Source:
    """The module at a path, given what it is given in the network's pass.

    Raises `ConfigError` where there is none that is given one tensor.
    """
    build = network.source.build
    for run in network.summary.trace.runs:
        if run.path == path and run.input_shape is not None:
            return Source(key=f"{network.key} @ {path}", titled=lambda: f"{network.title} · {path}",
                          inputs=(Input(run.input_shape),),
                          build=lambda device: build(device).get_submodule(path))
    raise ConfigError(f"{network.key} has no module {path!r} that is given one tensor.")
