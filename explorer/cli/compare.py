"""`compare`: networks beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.arguments import aside, output_option
from explorer.cli.output import write
from explorer.comparison import compare as compared
from explorer.structure.alignment import Level
from explorer.timing import submit_turns
from explorer.views import comparison as views

RENDER = {"table": views.comparison_text, "csv": views.comparison_csv,
          "json": views.comparison_json, "markdown": views.comparison_markdown}


@click.command()
@click.argument("networks", nargs=-1, metavar="NETWORK NETWORK ...")
@click.option("--level", type=click.Choice(views.LEVELS), default="block", show_default=True,
              help="The parts that are compared; their figures add up to those of the networks.")
@click.option("--format", "form", type=click.Choice(list(RENDER)), default="table",
              show_default=True)
@click.option("--time", "timed", is_flag=True,
              help="Time them in turn on this machine, A B A B, and tell the ratio.")
@click.option("--per-layer", is_flag=True,
              help="Time every layer too, for the parts. Implies --time.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N|mps",
              help="Where to time them; auto takes a GPU if there is one.")
@click.option("--budget", type=float, default=2.0, show_default=True, metavar="SECONDS",
              help="What timing may take for each network.")
@output_option
def compare(networks: tuple[str, ...], level: Level, form: str, timed: bool, per_layer: bool,
            device: str, budget: float, output: Path | None) -> None:
    """Two to four networks part by part: what differs, by how much, and why.

    Each is a network with its knobs behind it, such as 'resnet50&width=0.5' (in quotes, for the
    shell), timm:convnext_tiny or net.py:Net. A network whose pass fails is compared as far as it
    got; the exit code is 2.
    """
    timed = timed or per_layer
    if timed and form == "csv" and not per_layer:
        raise click.UsageError("A CSV file holds the parts alone: take --per-layer for their "
                               "times, or another --format.")
    with aside():
        comparison = compared(*networks)
        for network in comparison.networks:
            if timed and network.failure:
                raise network.failure
        times = submit_turns(networks, device, budget, layers=per_layer).result() if timed \
            else None
        said = RENDER[form](comparison, level, times)
    if times and form == "csv":         # the others have them in themselves
        for warning in times.warnings:
            click.echo(f"Warning: {warning}", err=True)
    write(said, output)
    for network in comparison.networks:
        if network.failure:
            raise network.failure
