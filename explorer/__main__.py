"""The command line: `python -m explorer`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from explorer.analysis import Summary, summarise
from explorer.build import build
from explorer.catalogue import presets
from explorer.config import Config, ConfigError
from explorer.key import from_settings, split_setting
from explorer.published import PublishedError, compare, names
from explorer.timing import TimingError, time_forward
from explorer.trace import TraceError
from explorer.views import derivation, tables, timings
from explorer.views import graph as graphs
from explorer.views import published as published_views
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
        {name: summarise(preset.config) for name, preset in presets().items()}))


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
    write(render(config, summarise(config, training=training), form), output)


@cli.command()
@network_argument
@set_option
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N|mps",
              help="Where to run; auto takes a GPU if there is one.")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table",
              show_default=True)
@output_option
def time(network: str, settings: tuple[str, ...], device: str, form: str,
         output: Path | None) -> None:
    """Time the forward pass of NETWORK on this machine."""
    config = parse_config(network, settings)
    timing = time_forward(config, device)
    write(timings.to_json(timing) if form == "json" else timings.to_text(config, timing), output)


# Unknown options are left to the argument, so that -1 is told the range of the layers.
@cli.command(context_settings={"ignore_unknown_options": True})
@network_argument
@click.argument("index")
@set_option
@output_option
def explain(network: str, index: str, settings: tuple[str, ...], output: Path | None) -> None:
    """How every figure of layer INDEX of NETWORK comes about, with its own numbers in place."""
    config = parse_config(network, settings)
    found = summarise(config)
    layer = derivation.parse_index(index, found)
    write(derivation.to_text(config, derivation.derive(found, layer)), output)


@cli.command()
@network_argument
@set_option
@click.option("--level", type=click.Choice(graphs.LEVELS), default="block", show_default=True,
              help="How far the network is opened; identical blocks fold but for the last level.")
@click.option("--overlay", type=click.Choice([name for name in graphs.OVERLAYS
                                              if name != graphs.TIME]),
              default=graphs.KIND, show_default=True, help="What the colours stand for.")
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
    outline = graphs.Outline.of(config)
    write(graphs.draw(config, form, outline=outline, level=level, overlay=overlay,
                      direction=direction, shapes=shapes), output)
    if outline.failure:
        raise outline.failure


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


def render(config: Config, summary: Summary, form: str) -> str:
    if form == "torchinfo":
        import torchinfo  # not needed by the other formats

        return str(torchinfo.summary(build(config), input_size=config.input_shape, device="meta",
                                     mode="train" if summary.trace.training else "eval",
                                     verbose=0))
    if form == "csv":
        return tables.to_csv(summary)
    return {"table": tables.to_text, "json": tables.to_json,
            "markdown": tables.to_markdown}[form](config, summary)


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
