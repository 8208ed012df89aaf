"""A network as a notebook of Jupyter that makes it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import torch

from explorer.pipeline import Explored
from explorer.tracing import Input


def notebook(explored: Explored) -> str:
    """A short notebook that opens, tabulates and draws a network, runs it and times it, as the
    README does: the text of an `.ipynb` file, the same for one network.

    One whose pass ends early is opened and drawn as far as it gets.

    >>> from explorer.pipeline import explore
    >>> json.loads(notebook(explore("vgg11")))["nbformat"]
    4
    """
    cells = [_cell(number, kind, lines) for number, (kind, *lines) in enumerate(_cells(explored))]
    return json.dumps({"cells": cells, "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5},
        ensure_ascii=False, indent=1) + "\n"


def _cell(number: int, kind: str, lines: list[str]) -> dict[str, Any]:
    source = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {},
                            "source": source}
    return cell | {"execution_count": None, "outputs": []} if kind == "code" else cell


def _cells(explored: Explored) -> Iterator[tuple[str, ...]]:
    """The kind of each cell, and its lines."""
    yield ("markdown", f"# {_plain(explored.title)}", "",
           "Run the cells from top to bottom, where the architecture explorer can be imported.")
    yield ("code", "import explorer", "",
           f"network = explorer.open({json.dumps(explored.key, ensure_ascii=False)})", "network")
    yield ("markdown", "## Layers", "", "A row for each call of the forward pass, in pandas.")
    yield ("code", "frame = explorer.layer_frame(network)",
           'frame.nlargest(10, "macs")[["path", "type", "output_shape", "params", "macs"]]')
    yield ("code", 'frame.groupby("stage", sort=False)[["params", "macs", "activation_bytes"]]'
           ".sum()")
    yield ("markdown", "## Drawing", "",
           'Also with `level="stage"` or `"layer"`, and `overlay="macs"`.')
    yield ("code", 'explorer.draw(network, level="block")')
    if explored.failure:
        yield ("markdown", "## Where it ends", "", _plain(str(explored.failure)))
        return
    yield ("markdown", "## The network itself", "",
           "An ordinary `nn.Module`, with weights as PyTorch makes them.")
    arguments, lines = _inputs(explored.source.inputs)
    yield ("code", "import torch", "", 'module = network.source.build("cpu")', *lines,
           "with torch.inference_mode():", f"    output = module({arguments})",
           'print(f"{sum(p.numel() for p in module.parameters()):,} parameters")',
           "output.shape if torch.is_tensor(output) else type(output)")
    yield ("markdown", "## Time", "",
           "Passes on this machine, measured in a process of their own. What disturbed them is in "
           "`timing.warnings`.")
    yield ("code", 'timing = explorer.time_forward(network.source, device="auto", budget_s=2)',
           'print(f"{timing.median_s * 1e3:.2f} ms on {timing.conditions.device_name}, "',
           '      f"{timing.p10_s * 1e3:.2f} to {timing.p90_s * 1e3:.2f} ms")',
           "timing.warnings")


def _inputs(inputs: tuple[Input, ...]) -> tuple[str, list[str]]:
    """What the module is called with, and the lines that make it: random numbers, and zeros of
    other dtypes."""
    arguments, lines = [], []
    for number, one in enumerate(inputs):
        name = "x" if len(inputs) == 1 else f"x{number + 1}"
        dtype = "" if one.dtype == torch.float32 else f", dtype={one.dtype}"
        make = "randn" if one.dtype.is_floating_point else "zeros"
        made = f"torch.{make}({one.shape}{dtype})"
        lines.append(f"{name} = {made}")
        arguments.append(f"{one.name}={name}" if one.name else name)
    return ", ".join(arguments), lines


def _plain(words: str) -> str:
    """A line of text in Markdown, in which no sign means anything else."""
    return "".join([f"\\{sign}" if sign in r"\`*_{}[]<>()#+!|$" else sign
                    for sign in " ".join(words.split())])
