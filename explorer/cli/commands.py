"""The command line: `python -m explorer`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from explorer.config import Config, ConfigError, find_knob
from explorer.explain import derivation
from explorer.networks.catalogue import find_preset, presets
from explorer.networks.key import from_settings, split_setting
from explorer.pipeline import Explored, explore, summarise
from explorer.published import PublishedError, compare, names
from explorer.timing import (
    Choices,
    TimingError,
    place,
    submit,
    submit_batches,
    submit_layers,
    submit_rates,
)
from explorer.tracing import TraceError
from explorer.views import graph as graphs
from explorer.views import published as published_views
from explorer.views import tables, timings
from explorer.views.layout import LayoutError

FORMATS = ("table", "csv", "json", "markdown", "torchinfo")

network_argument = click.argument("network")
set_option = click.option(
    "--set", "settings", metavar="KNOB=VALUE", multiple=True,
    help="Turn a knob, such as width=0.5 or blocks=3,4,23,3. May be given several times.")
output_option = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, not to the screen. Nothing is written unless all went well.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Rebuild a classic convolutional network with its knobs turned, and see what that does."""


@cli.command("list")
def list_networks() -> None:
    """The catalogue, with parameters and multiply-adds."""
    click.echo(tables.catalogue_text(
        [(preset, summarise(preset.config)) for preset in presets().values()]))


@cli.command()
@network_argument
@set_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True,
              help="torchinfo prints what torchinfo itself prints for this network.")
@click.option("--training", is_flag=True,
              help="Count a training pass: what only training runs, what it keeps for backward.")
@output_option
def summary(network: str, settings: tuple[str, ...], form: str, training: bool,
            output: Path | None) -> None:
    """Every layer of NETWORK with its shapes and costs, and the totals."""
    config = parse_config(network, settings)
    explored = explore(config, training=training)
    if explored.failure:
        raise explored.failure
    write(render(explored, form), output)


@cli.command()
@network_argument
@set_option
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N|mps",
              help="Where to run; auto takes a GPU if there is one.")
@click.option("--dtype", default="float32", show_default=True,
              metavar="float32|float16|bfloat16", help="Number format of weights and activations.")
@click.option("--tf32", is_flag=True, help="On CUDA, round the factors of float32 products.")
@click.option("--batch-size", metavar="N", help="Images in a pass; the same as --set batch_size=N.")
@click.option("--channels-last", is_flag=True, help="Memory layout NHWC.")
@click.option("--threads", type=int, metavar="N", help="Threads of the CPU; all cores by default.")
@click.option("--compile", is_flag=True, help="Time what torch.compile makes of the network.")
@click.option("--cuda-graph", is_flag=True, help="On CUDA, replay the pass as one graph.")
@click.option("--training", is_flag=True, help="Time a training step: forward and backward.")
@click.option("--budget", type=float, default=2.0, show_default=True, metavar="SECONDS",
              help="What each measurement may take.")
@click.option("--per-layer", is_flag=True, help="Time every layer too, in a run of its own.")
@click.option("--roofline", is_flag=True,
              help="What bounds every layer: memory, arithmetic or launching. Implies --per-layer.")
@click.option("--batches", metavar="1,2,4,...|auto",
              help="Time these batch sizes too; auto doubles until the memory or the budget ends.")
@click.option("--format", "form", type=click.Choice(("table", "csv", "json")), default="table",
              show_default=True)
@output_option
def time(network: str, settings: tuple[str, ...], device: str, batch_size: str | None,
         budget: float, per_layer: bool, roofline: bool, batches: str | None, form: str,
         output: Path | None, **choices: Any) -> None:
    """Time a pass of NETWORK on this machine."""
    if batch_size is not None:
        settings = (*settings, f"batch_size={batch_size}")
    config, chosen = parse_config(network, settings), Choices(**choices)
    sizes = parse_batches(config, batches)
    if form == "csv" and batches and (per_layer or roofline):
        raise click.UsageError("A CSV file holds one table: leave out --batches, or --per-layer "
                               "and --roofline.")
    # All are queued before the first is waited for, so that what cannot be is told at once.
    run = submit(config, device, budget, chosen)
    layers = submit_layers(config, device, budget, chosen) if per_layer or roofline else None
    rates = submit_rates(device, chosen) if roofline else None
    sweep = submit_batches(config, device, budget, chosen, sizes) if batches else None
    explored = explore(config, training=chosen.training)
    times = layers.result() if layers else None
    placed = place(explored.summary, times, rates.result(), chosen) if times and rates else None
    report = timings.TimingReport(explored, run.result(), times, placed,
                            sweep.result() if sweep else None)
    write({"table": timings.to_text, "csv": timings.to_csv, "json": timings.to_json}[form](report),
          output)


# Unknown options are left to the argument, so that -1 is told the range of the layers.
@cli.command(context_settings={"ignore_unknown_options": True})
@network_argument
@click.argument("index")
@set_option
@output_option
def explain(network: str, index: str, settings: tuple[str, ...], output: Path | None) -> None:
    """How every figure of layer INDEX of NETWORK comes about, with its own numbers in place."""
    explored = explore(parse_config(network, settings))
    if explored.failure:
        raise explored.failure
    layer = derivation.parse_index(index, explored.summary)
    write(derivation.to_text(explored.title, derivation.derive(explored.summary, layer)), output)


@cli.command()
@network_argument
@set_option
@click.option("--level", type=click.Choice(graphs.LEVELS), default="block", show_default=True,
              help="How far the network is opened; identical blocks fold but for the last level.")
@click.option("--overlay", type=click.Choice(graphs.OVERLAYS), default=graphs.KIND,
              show_default=True, help="What the colours stand for; for time the layers are timed.")
@click.option("--direction", type=click.Choice(graphs.DIRECTIONS), default="LR", show_default=True,
              help="LR: stages side by side; TB: one under the other.")
@click.option("--shapes/--no-shapes", default=True, show_default=True,
              help="Tensor shapes on the edges.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The file to write: its ending, .svg, .png or .dot, says what it is.")
def graph(network: str, settings: tuple[str, ...], level: graphs.Level, overlay: str,
          direction: graphs.Direction, shapes: bool, output: Path) -> None:
    """The graph of NETWORK as a picture or as DOT.

    A network whose pass fails is drawn as far as it got; the exit code is 2.
    """
    form = output.suffix.removeprefix(".").lower()
    if form not in graphs.FORMATS:
        raise click.ClickException(f"`--output` must end in .svg, .png or .dot; got {output}.")
    config = parse_config(network, settings)
    explored = explore(config, preset=explore(find_preset(config.network).config))
    timed = overlay == graphs.TIME and not explored.failure
    seconds = submit_layers(config).result().seconds if timed else None
    write(graphs.draw(explored, form, level=level, overlay=overlay,
                      direction=direction, shapes=shapes, seconds=seconds), output)
    if explored.failure:
        raise explored.failure


@cli.command()
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(("table", "csv", "json")), default="table",
              show_default=True)
@output_option
@click.pass_context
def published(context: click.Context, name: str | None, form: str, output: Path | None) -> None:
    """The published layer table NAME beside ours, row by row; without NAME, all of them.

    Exit code 1 where a row is not accounted for.
    """
    found = [compare(table) for table in ([name] if name else names())]
    write({"table": published_views.to_text, "csv": published_views.to_csv,
           "json": published_views.to_json}[form](found), output)
    context.exit(0 if all(comparison.complete for comparison in found) else 1)


def parse_config(network: str, settings: tuple[str, ...]) -> Config:
    return from_settings(network, [split_setting(setting) for setting in settings])


def parse_batches(config: Config, batches: str | None) -> list[int] | None:
    """The batch sizes of "1,2,4"; None for "auto", which chooses them."""
    if batches is None or batches.strip() == "auto":
        return None
    knob = find_knob(config, "batch_size")
    return [knob.parse(size) for size in batches.split(",")]


def render(explored: Explored, form: str) -> str:
    if form == "torchinfo":
        import torchinfo  # not needed by the other formats

        training = explored.summary.trace.training
        return str(torchinfo.summary(
            explored.source.build("meta"), input_size=explored.source.input_shape, device="meta",
            mode="train" if training else "eval", verbose=0))
    return {"table": tables.to_text, "json": tables.to_json, "csv": tables.to_csv,
            "markdown": tables.to_markdown}[form](explored)


def write(content: str | bytes, output: Path | None) -> None:
    """To the screen, or to a file that is there whole or not at all."""
    if isinstance(content, str):
        if output is None:
            click.echo(content.removesuffix("\n"))
            return
        content = (content if content.endswith("\n") else content + "\n").encode("utf-8")
    assert output
    try:
        handle, part = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    except OSError as error:
        raise click.ClickException(f"Cannot write {output}: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, output)
    except OSError as error:
        Path(part).unlink(missing_ok=True)
        raise click.ClickException(f"Cannot write {output}: {error.strerror}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def main() -> None:
    """Run the command; whatever a person can get wrong ends in one line and exit code 2."""
    try:
        # Off standalone mode, click returns the code of ctx.exit() and raises everything else.
        sys.exit(cli.main(prog_name="python -m explorer", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        message = error.format_message()
    except (ConfigError, LayoutError, PublishedError, TraceError, TimingError) as error:
        message = str(error)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:     # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
