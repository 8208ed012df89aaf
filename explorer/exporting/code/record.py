"""How a network came about: the variables of the constructors that made its parts.

Their names are what a reader knows a number by: `planes`, `squeezed`, `stride`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

from torch import nn

from explorer import networks
from explorer.networks.layers import placed

COPIED = placed(nn.Identity).__code__ 
"""Of all functions that `placed` gives."""
FOLDER = str(Path(networks.__file__).parent)


@dataclass
class Making:
    """A network and what is known of how it was made."""

    network: nn.Module
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What a module's constructor was given, by the module's `id`."""
    variables: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What its constructors had at their end, too."""
    makers: dict[int, FunctionType] = field(default_factory=dict)
    """The function of the family's file that gave a `nn.Sequential`, by its `id`."""


def record(build: Callable[[], nn.Module]) -> Making:
    """Build a network and look on."""
    made = Making(nn.Module())
    given: dict[FrameType, dict[str, Any]] = {}
    alive: list[nn.Module] = []         # so that no other module takes an `id` over

    def look(frame: FrameType, event: str, result: Any) -> None:
        if event not in ("call", "return") or not frame.f_code.co_filename.startswith(FOLDER):
            return
        if event == "call":
            given[frame] = dict(frame.f_locals)
            return
        variables, arguments = frame.f_locals, given.pop(frame, {})
        if frame.f_code.co_name == "__init__":
            result = variables.get("self")
        elif frame.f_code is COPIED and type(result).__module__.startswith(networks.__name__):
            # A copy of one that the constructor made before.
            bound = signature(type(result)).bind(*variables["args"], **variables["kwargs"])
            variables = arguments = bound.arguments
        elif isinstance(result, nn.Sequential) and id(result) not in made.makers \
                and isinstance(maker := frame.f_globals.get(frame.f_code.co_name), FunctionType) \
                and maker.__code__ is frame.f_code:
            made.makers[id(result)] = maker
        else:
            return
        if isinstance(result, nn.Module):
            alive.append(result)
            # The constructor of a base class ends first: what it was given is a variable.
            made.arguments[id(result)] = arguments
            before = made.variables.get(id(result), {})
            made.variables[id(result)] = {**variables, **{
                name: value for name, value in before.items() if name not in variables}}

    profiler: Any = sys.getprofile()
    sys.setprofile(look)        # of this thread alone
    try:
        made.network = build()
    finally:
        sys.setprofile(None)
        if hasattr(profiler, "enable"):     # one of PyTorch's or Python's that is no function
            profiler.enable()
        else:
            sys.setprofile(profiler)
    return made
