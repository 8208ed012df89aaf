"""`compare`: networks beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.arguments import aside, output_option
from explorer.cli.output import write
from explorer.comparison import compare as compared
from explorer.structure.alignment import Level
from explorer.views import comparison as views

RENDER = {"table": views.comparison_text, "csv": views.comparison_csv,
          "json": views.comparison_json, "markdown": views.comparison_markdown}


@click.command()
@click.argument("networks", nargs=-1, metavar="NETWORK NETWORK ...")
@click.option("--level", type=click.Choice(views.LEVELS), default="block", show_default=True,
              help="The parts that are compared; their figures add up to those of the networks.")
@click.option("--format", "form", type=click.Choice([*RENDER]), default="table", show_default=True)
@output_option
def compare(networks: tuple[str, ...], level: Level, form: str, output: Path | None) -> None:
    """Two to four networks part by part: what differs, by how much, and why.

    Each is a network with its knobs behind it, such as 'resnet50&width=0.5' (in quotes, for the
    shell), timm:convnext_tiny or net.py:Net. A network whose pass fails is compared as far as it
    got; the exit code is 2.
    """
    with aside():
        comparison = compared(*networks)
        said = RENDER[form](comparison, level)
    write(said, output)
    for network in comparison.networks:
        if network.failure:
            raise network.failure
