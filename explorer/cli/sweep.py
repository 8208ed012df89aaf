"""`sweep` and `fit`: many configs, and the question backwards."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from explorer.cli.arguments import output_option
from explorer.cli.output import write
from explorer.cli.rows import RowFile
from explorer.config import ConfigError
from explorer.sources.key import from_settings, split_key, split_setting
from explorer.sweeping import FIGURES, Record, Swept, connect, grid
from explorer.sweeping import fit as fitted
from explorer.sweeping import sweep as swept
from explorer.sweeping.records import in_each_language
from explorer.timing import TimingError, submit
from explorer.views import sweep as views

settings_option = click.option("--set", "settings", metavar="KNOB=VALUE", multiple=True,
                               help="Turn a knob of all of them, such as num_classes=10.")
device_option = click.option("--device", default="auto", show_default=True,
                             metavar="auto|cpu|cuda|cuda:N|mps",
                             help="Where to time; auto takes a GPU if there is one.")


@click.command()
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK ...")
@click.option("--over", multiple=True, required=True, metavar="KNOB=FROM:TO:STEP|A,B,C",
              help="A knob and the values that it takes. Once for each knob.")
@settings_option
@click.option("--time", "timed", is_flag=True,
              help="Time each config on this machine too, one at a time, in a shuffled order.")
@device_option
@click.option("--budget", type=click.FloatRange(0, min_open=True), default=0.5, show_default=True,
              metavar="SECONDS", help="What timing may take for each config.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N",
              help="Processes that count; one for each core by default.")
@click.option("--scheduler", metavar="ADDRESS",
              help="Have the workers of a Dask scheduler count, such as tcp://10.0.0.5:8786.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table",
              show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write rows to this CSV file as they come; Ctrl-C keeps them.")
@click.option("--resume", is_flag=True, help="Do only what is missing in the file of --output.")
def sweep(networks: tuple[str, ...], over: tuple[str, ...], settings: tuple[str, ...], timed: bool,
          device: str, budget: float, workers: int | None, scheduler: str | None, form: str,
          output: Path | None, resume: bool) -> None:
    """What networks cost over values of their knobs: a row for each config.

    sweep mobilenetv3_large --over width=0.25:1.5:0.125 --over input_size=128,160,192,224

    A config that cannot run is a row that says why.
    """
    if resume and not output:
        raise click.UsageError("--resume goes on with the file of --output.")
    if output and form != "table":
        raise click.UsageError("The file of --output is CSV: leave out --format.")
    if scheduler and workers:
        raise click.UsageError("--workers are processes of this machine, and --scheduler has "
                               "workers of its own: leave one out.")
    given = grid(networks, over, [split_setting(setting) for setting in settings])
    points = {point.key: point for point in given}
    columns = views.columns(given, timed)
    with ExitStack() as stack:
        executor = stack.enter_context(connect(scheduler)) if scheduler else None
        file = RowFile(output, columns, resume=resume) if output else None
        if file and (others := file.rows.keys() - points.keys()):
            raise ConfigError(f"{output} has configs that are not of this sweep, such as "
                              f"{min(others)}. Name another file.")
        missing = [key for key in points if not file or key not in file.rows]
        records = {}
        with click.progressbar(length=len(points), label="configs", file=sys.stderr, show_pos=True,
                               show_eta=True, hidden=not sys.stderr.isatty()) as bar:
            bar.update(len(points) - len(missing))
            for record in _records(missing, executor, workers, timed, device, budget):
                if file:
                    row = views.row(points[record.key], record, given, timed)
                    file.add(record.key, row.values())
                else:
                    records[record.key] = record
                bar.update(1)
    if file:
        file.finish(points)
        return
    render = {"table": views.to_text, "csv": views.to_csv, "json": views.to_json}[form]
    write(render(Swept(given, records, timed)), None)


def _records(keys: Sequence[str], executor: Executor | None, workers: int | None, timed: bool,
             device: str, budget: float) -> Iterator[Record]:
    """As they come; where they are timed, after all are counted, so that nothing runs beside."""
    counted = swept(keys, executor, workers)
    if not timed:
        yield from counted
        return
    records = list(counted)
    random.Random(0).shuffle(records)       # so that drift spreads
    for record in records:
        if record.totals is None:
            yield record
            continue
        try:
            yield replace(record, timing=submit(record.key, device, budget).result())
        except TimingError as error:
            yield replace(record, why_not=in_each_language(error))


@click.command()
@click.argument("network")
@click.option("--knob", "knobs", multiple=True, required=True, metavar="KNOB[=FROM:TO:STEP]",
              help="What is turned, over all its values or over these. Several have their best "
              "found on the grid.")
@click.option("--at-most", "limits", multiple=True, required=True, metavar="FIGURE=NUMBER",
              help=f"What must hold: {', '.join(FIGURES)}, such as macs=100M, saved_memory=8MB or "
              "latency=5ms.")
@click.option("--prefer", default="", metavar="FIGURE|KNOB",
              help="Of several knobs: what is to be the largest. The first limit's figure by "
              "default.")
@settings_option
@device_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table",
              show_default=True)
@output_option
def fit(network: str, knobs: tuple[str, ...], limits: tuple[str, ...], prefer: str,
        settings: tuple[str, ...], device: str, form: str, output: Path | None) -> None:
    """The largest value of a knob of NETWORK at which a limit holds, and the next, at which it
    does not.

    fit mobilenetv3_large --knob width --at-most macs=100M
    """
    name, own = split_key(network)
    config = from_settings(name, [*own, *map(split_setting, settings)])
    found = fitted(config, knobs, limits, prefer=prefer, device=device)
    write(views.fit_json(found) if form == "json" else views.fit_text(found), output)
