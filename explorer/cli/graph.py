"""`graph`: the graph of a network as a file."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.arguments import aside, explore_far, network_argument, parse_source
from explorer.cli.output import write
from explorer.comparison import compare
from explorer.sources import Source
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
@click.option("--against", metavar="NETWORK",
              help="Draw it merged with another network, such as 'resnet50&width=0.5': what both "
              "have stands once, what one has alone on its side. At level stage or block.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The file to write: its ending, .svg, .png or .dot, says what it is.")
def graph(network: str, settings: tuple[str, ...], inputs: tuple[str, ...], level: graphs.Level,
          overlay: str, direction: graphs.Direction, against: str | None, output: Path) -> None:
    """The graph of NETWORK as a picture or as DOT.

    SVG and PNG stand by themselves: light, with title and legend. DOT is for Graphviz. A
    network whose pass fails is drawn as far as it got; the exit code is 2.
    """
    form = output.suffix.removeprefix(".").lower()
    if form not in graphs.FORMATS:
        raise click.ClickException(f"`--output` must end in .svg, .png or .dot; got {output}.")
    if against is not None:
        _merged(parse_source(network, settings, inputs), against, level, form, output)
        return
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


def _merged(source: Source, against: str, level: graphs.Level, form: str, output: Path) -> None:
    if level == "layer":
        raise click.ClickException("`--against` draws level stage or block; got layer. "
                                   "`compare --level layer` has every layer in a table.")
    if form not in graphs.SHEETS:
        raise click.ClickException(f"`--output` must end in .svg or .png with `--against`; got "
                                   f"{output}.")
    with aside():
        comparison = compare(source, against)
    write(graphs.draw_beside(comparison, form, stages=level == "stage"), output)
    for explored in comparison.networks:
        if explored.failure:
            raise explored.failure
