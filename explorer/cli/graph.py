"""`graph`: the graph of a network as a file."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.arguments import explore_far, network_argument, parse_source
from explorer.cli.output import write
from explorer.timing import submit_layers
from explorer.views import graph as graphs


@click.command()
@network_argument
@click.option("--level", type=click.Choice(graphs.LEVELS), default="block", show_default=True,
              help="How far the network is opened. Blocks that are alike fold into one with ×N.")
@click.option("--overlay", type=click.Choice(graphs.OVERLAYS), default=graphs.KIND,
              show_default=True,
              help="What the colours and figures stand for. For time the layers are timed.")
@click.option("--direction", type=click.Choice(graphs.DIRECTIONS), default="LR", show_default=True,
              help="LR: stages side by side; TB: one under the other.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The file to write: its ending, .svg, .png or .dot, says what it is.")
def graph(network: str, settings: tuple[str, ...], inputs: tuple[str, ...], level: graphs.Level,
          overlay: str, direction: graphs.Direction, output: Path) -> None:
    """The graph of NETWORK as a picture or as DOT.

    SVG and PNG stand by themselves: light, with title and legend. DOT is for Graphviz. A
    network whose pass fails is drawn as far as it got; the exit code is 2.
    """
    form = output.suffix.removeprefix(".").lower()
    if form not in graphs.FORMATS:
        raise click.ClickException(f"`--output` must end in .svg, .png or .dot; got {output}.")
    explored = explore_far(parse_source(network, settings, inputs))
    seconds = None
    if overlay == graphs.TIME and not explored.failure:
        times = submit_layers(explored.source, summary=explored.summary).result()
        seconds = times.seconds
        for warning in times.warnings:
            click.echo(f"Warning: {warning}", err=True)
    write(graphs.draw(explored, form, level=level, overlay=overlay, direction=direction,
                      seconds=seconds), output)
    if explored.failure:
        raise explored.failure
