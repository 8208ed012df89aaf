"""The lines that make a network whose classes stand elsewhere, in a library or in a file, and those
that print what a network gives."""

from __future__ import annotations

import functools
from typing import Any

import torch

from explorer.exporting.code.layout import lay_out
from explorer.exporting.code.solver import literal
from explorer.pipeline import Explored
from explorer.sources.file import is_file, split_file
from explorer.sources.key import from_settings, split_key
from explorer.sources.library import find_model
from explorer.tracing import Input
from explorer.tracing.operators import Operand

LIBRARIES = {
    "timm": (["import timm", "import torch"], "timm.create_model"),
    "torchvision": (["import torch", "from torchvision import models"], "models.get_model")}
"""What is imported of each, and what makes a model by its name."""


def made_elsewhere(explored: Explored) -> str:
    """The Python file for a network of a library or of somebody's own file."""
    key = explored.source.key
    imports, made = _of_file(key) if is_file(key) else _of_library(key)
    title = explored.title.replace("\\", "\\\\").replace('"', '\\"')
    lines = [f'"""{title}."""', "", *imports, "",
             *(laid for line in made for laid in lay_out(line)), *printing(explored)]
    return "\n".join([*lines, ""])


def _of_file(key: str) -> tuple[list[str], list[str]]:
    """With the name of the file alone: whoever gets the code has it elsewhere."""
    named, _ = split_file(key)
    call = named.call if named.call.endswith(")") else f"{named.call}()"
    arguments = call.removeprefix(named.name)
    return ["import runpy", "import sys", "from pathlib import Path", "", "import torch"], [
        f"FILE = Path({literal(named.path.name)})  # in the folder where this runs",
        "sys.path.insert(0, str(FILE.parent))  # for what the file imports",
        f'network = runpy.run_path(str(FILE))["{named.name}"]{arguments}.eval()']


def _of_library(key: str) -> tuple[list[str], list[str]]:
    network, settings = split_key(key)
    config = from_settings(network, [setting for setting in settings if setting[0] != "input"])
    model = find_model(network)
    library, _, name = network.partition(":")
    given: dict[str, Any] = {}
    create = model.create
    if isinstance(create, functools.partial):
        given |= create.keywords            # no weights
    for knob, value in model.turned(config).items():
        argument = model.arguments[knob]
        square = library == "torchvision" and argument == "input_size"
        given[argument] = (value, value) if square else value
    arguments = ", ".join([literal(name), *(
        f"{argument}={literal(value)}" for argument, value in given.items())])
    imports, function = LIBRARIES[library]
    return imports, [f"network = {function}({arguments}).eval()"]


def printing(explored: Explored) -> list[str]:
    """The lines that run `network` once and print its parameters and the shape of its output."""
    given = ", ".join(f"{one.name}={_random(one)}" if one.name else _random(one)
                      for one in explored.source.inputs)
    return ["with torch.inference_mode():",
            *lay_out(f"output = network({given})", 4),
            "params = sum(parameter.numel() for parameter in network.parameters())",
            'print(f"{params:,} parameters")',
            f"print({_shapes(explored.summary.trace.result)})"]


def _random(given: Input) -> str:
    sides = ", ".join(map(str, given.shape))
    if given.dtype is torch.float32:
        return f"torch.rand({sides})"
    return f"torch.zeros({sides}, dtype={given.dtype})"


def _shapes(result: Any) -> str:
    """What is said of an output: its shape, or those in it; its type where they lie deeper."""
    if isinstance(result, Operand):
        return "tuple(output.shape)"
    if isinstance(result, dict) and all(isinstance(one, Operand) for one in result.values()):
        return "{name: tuple(tensor.shape) for name, tensor in output.items()}"
    if isinstance(result, list | tuple) and all(isinstance(one, Operand) for one in result):
        return "[tuple(tensor.shape) for tensor in output]"
    return "type(output).__name__"
