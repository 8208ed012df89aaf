"""`export`: a network, a comparison or a sweep as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from explorer.cli.arguments import aside, explore_far, parse_source
from explorer.comparison import compare
from explorer.config import ConfigError
from explorer.exporting import FORMATS, OPSET, OPSETS, Subject, export, find_format
from explorer.pipeline import Explored
from explorer.sources.key import split_setting
from explorer.sweeping import Swept, grid, sweep


@click.command("export")
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK ...")
@click.option("--set", "settings", metavar="KNOB=VALUE", multiple=True,
              help="Turn a knob of all of them, such as width=0.5.")
@click.option("--input", "inputs", metavar="[NAME:]SIDES[:DTYPE]", multiple=True,
              help="What a network of a file or a library is given.")
@click.option("--over", multiple=True, metavar="KNOB=FROM:TO:STEP|A,B,C",
              help="Export a sweep: a knob and the values that it takes.")
@click.option("--opset", type=int, metavar="N",
              help=f"Of .onnx: the version of its operators, {OPSETS[0]} to {OPSETS[-1]}; "
              f"{OPSET} by default.")
@click.option("--dynamic-batch", is_flag=True, help="Of .onnx: any number of samples in a pass.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help=f"The file to write. Its ending, .{', .'.join(FORMATS)}, says what it becomes.")
def export_file(networks: tuple[str, ...], settings: tuple[str, ...], inputs: tuple[str, ...],
                over: tuple[str, ...], opset: int | None, dynamic_batch: bool,
                output: Path) -> None:
    """Take a network away as a file: for other tools, for a table, for a slide.

    export resnet50 --set width=0.5 --output net.onnx

    Several networks are compared; with --over they are swept. A drawing of a network whose pass
    fails has what came before, and the exit code is 2; all else is written whole or not at all.
    """
    find_format(output)         # before anything is counted
    options: dict[str, Any] = {"opset": opset} if opset is not None else {}
    if dynamic_batch:
        options["dynamic_batch"] = True
    subject = _subject(networks, settings, inputs, over)
    try:
        with aside():
            export(subject, output, **options)
    except OSError as error:
        raise click.ClickException(f"Cannot write {output}: {error.strerror}.") from None
    for network in [subject] if isinstance(subject, Explored) else \
            getattr(subject, "networks", ()):
        if network.failure:
            raise network.failure


def _subject(networks: tuple[str, ...], settings: tuple[str, ...], inputs: tuple[str, ...],
             over: tuple[str, ...]) -> Subject:
    if over:
        if inputs:
            raise ConfigError("`--input` is of one network, and a sweep is of knobs: leave it out.")
        given = grid(networks, over, [split_setting(setting) for setting in settings])
        return Swept(given, {record.key: record for record in sweep(given)})
    if len(networks) == 1:
        return explore_far(parse_source(networks[0], settings, inputs))
    if inputs:
        raise ConfigError("`--input` is of one network. Write it behind each: "
                          "'net.py:Net&input=1x3x64x64'.")
    with aside():
        return compare(*[parse_source(network, settings, ()) for network in networks])
