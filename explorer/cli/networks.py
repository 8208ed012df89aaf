"""`list`, `summary` and `explain`: networks and their layers in figures."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import torch

from explorer import recorded
from explorer.cli.arguments import (
    aside,
    explore_whole,
    network_argument,
    output_option,
    parse_source,
)
from explorer.cli.output import write
from explorer.explain import derivation
from explorer.networks.catalogue import presets
from explorer.pipeline import Explored
from explorer.sources.library import LIBRARIES
from explorer.views import tables

FORMATS = ("table", "csv", "json", "markdown", "torchinfo")


@click.command("list")
@click.argument("library", type=click.Choice([*LIBRARIES]), required=False)
@click.argument("pattern", default="*")
def list_networks(library: str | None, pattern: str) -> None:
    """The catalogue, with parameters and multiply-adds, or the models of LIBRARY whose names fit
    PATTERN, such as "resnet*"."""
    if library:
        names = LIBRARIES[library].names()
        write("\n".join(f"{library}:{name}" for name in names if fnmatch(name, pattern)), None)
        return
    write(tables.catalogue_text(
        [(preset, recorded.entry(preset).totals) for preset in presets().values()]), None)


@click.command()
@network_argument
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True,
              help="torchinfo prints what torchinfo itself prints for this network.")
@click.option("--training", is_flag=True,
              help="Count a training pass: what only training runs, what it keeps for backward.")
@output_option
def summary(network: str, settings: tuple[str, ...], inputs: tuple[str, ...], form: str,
            training: bool, output: Path | None) -> None:
    """Every layer of NETWORK with its shapes and costs, and the totals."""
    explored = explore_whole(parse_source(network, settings, inputs), training=training)
    render = {"table": tables.to_text, "csv": tables.to_csv, "json": tables.to_json,
              "markdown": tables.to_markdown, "torchinfo": _of_torchinfo}[form]
    write(render(explored), output)


def _of_torchinfo(explored: Explored) -> str:
    import torchinfo  # not needed by the other formats

    given = [(one.name, torch.empty(one.shape, dtype=one.dtype, device="meta"))
             for one in explored.source.inputs]
    named: dict[str, Any] = {name: tensor for name, tensor in given if name}
    try:
        with aside():
            return str(torchinfo.summary(
                explored.source.build("meta"),
                input_data=[tensor for name, tensor in given if not name], device="meta",
                mode="train" if explored.summary.trace.training else "eval", verbose=0, **named))
    except RuntimeError as error:
        raise click.ClickException(f"torchinfo cannot run {explored.key}: {error}") from error


# Unknown options are left to the argument, so that -1 is told the range of the layers.
@click.command(context_settings={"ignore_unknown_options": True})
@network_argument
@click.argument("index")
@output_option
def explain(network: str, index: str, settings: tuple[str, ...], inputs: tuple[str, ...],
            output: Path | None) -> None:
    """How every figure of layer INDEX of NETWORK comes about, with its own numbers in place."""
    explored = explore_whole(parse_source(network, settings, inputs))
    layer = derivation.parse_index(index, explored.summary)
    write(derivation.to_text(explored.title, derivation.derive(explored.summary, layer)), output)
