"""What commands share: arguments, options, and how their words are read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from explorer.config import Config, knobs_of
from explorer.pipeline import Explored, explore
from explorer.sources import Source, find_source, preset_of
from explorer.sources.inputs import checked, parse_input
from explorer.sources.key import split_setting

format_option = click.option(
    "--format", "form", type=click.Choice(("table", "csv", "json")), default="table",
    show_default=True)
output_option = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, not to the screen. Nothing is written unless all went well.")


def network_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """NETWORK, its knobs and its inputs: what `parse_source` reads."""
    for decorate in (
            click.option(
                "--input", "inputs", metavar="[NAME:]SIDES[:DTYPE]", multiple=True,
                help="What a network of a file or a library is given, such as 1x3x224x224 or "
                "ids:1x128:int64. Once for each of several."),
            click.option(
                "--set", "settings", metavar="KNOB=VALUE", multiple=True,
                help="Turn a knob, such as width=0.5 or blocks=3,4,23,3. May be given several "
                "times."),
            click.argument("network")):
        command = decorate(command)
    return command


def parse_source(network: str, settings: tuple[str, ...], inputs: tuple[str, ...]) -> Source:
    with aside():
        return find_source(network, [split_setting(setting) for setting in settings],
                           checked([parse_input(given) for given in inputs]) if inputs else ())


def parse_batches(batches: str | None) -> list[int] | None:
    """The batch sizes of "1,2,4"; None for "auto", which chooses them."""
    if batches is None or batches.strip() == "auto":
        return None
    knob = knobs_of(Config)["batch_size"]
    return [knob.parse(size) for size in batches.split(",")]


def explore_far(source: Source, *, training: bool = False) -> Explored:
    """What is known of a network, and of its preset, as far as its pass gets."""
    with aside():
        preset = preset_of(source)
        return explore(source, training=training, preset=explore(preset) if preset else None)


def explore_whole(source: Source, *, training: bool = False) -> Explored:
    """What is known of a network whose pass reaches its end; raises `TraceError` for others."""
    with aside():
        explored = explore(source, training=training)
    if explored.failure:
        raise explored.failure
    return explored


def aside() -> redirect_stdout[Any]:
    """What somebody's own network prints is not what the command was asked for."""
    return redirect_stdout(sys.stderr)
