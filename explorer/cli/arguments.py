"""What commands share: arguments, options, and how their words are read."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.config import Config, find_knob
from explorer.networks.key import from_settings, split_setting
from explorer.pipeline import Explored, explore

network_argument = click.argument("network")
set_option = click.option(
    "--set", "settings", metavar="KNOB=VALUE", multiple=True,
    help="Turn a knob, such as width=0.5 or blocks=3,4,23,3. May be given several times.")
format_option = click.option(
    "--format", "form", type=click.Choice(("table", "csv", "json")), default="table",
    show_default=True)
output_option = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, not to the screen. Nothing is written unless all went well.")


def parse_config(network: str, settings: tuple[str, ...]) -> Config:
    return from_settings(network, [split_setting(setting) for setting in settings])


def parse_batches(config: Config, batches: str | None) -> list[int] | None:
    """The batch sizes of "1,2,4"; None for "auto", which chooses them."""
    if batches is None or batches.strip() == "auto":
        return None
    knob = find_knob(config, "batch_size")
    return [knob.parse(size) for size in batches.split(",")]


def explore_whole(config: Config, *, training: bool = False) -> Explored:
    """What is known of a network whose pass reaches its end; raises `TraceError` for others."""
    explored = explore(config, training=training)
    if explored.failure:
        raise explored.failure
    return explored
