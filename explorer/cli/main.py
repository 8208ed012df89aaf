"""All commands, and how they end."""

from __future__ import annotations

import signal
import sys
import warnings
from pathlib import Path

import click

from explorer.cli.compare import compare
from explorer.cli.export import export_file
from explorer.cli.graph import graph
from explorer.cli.networks import explain, list_networks, summary
from explorer.cli.output import close_screen
from explorer.cli.published import published
from explorer.cli.sweep import fit, sweep
from explorer.cli.timing import time
from explorer.config import ConfigError
from explorer.exporting import ExportError
from explorer.libraries import LibraryError
from explorer.published import PublishedError
from explorer.sweeping import WorkerError
from explorer.timing import TimingError
from explorer.tracing import TraceError
from explorer.views.layout import LayoutError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """See what a network is made of and what it costs, and what turning its knobs does.

    NETWORK is a name of the catalogue (resnet50), a model of timm or torchvision
    (timm:convnext_tiny), or what a Python file makes (net.py:make, net.py:Net(width=2)).
    """


for command in (list_networks, summary, time, explain, graph, compare, sweep, fit, export_file,
                published):
    cli.add_command(command)


def _name() -> str:
    """As the person has called it."""
    return "explorer" if Path(sys.argv[0]).stem == "explorer" else "python -m explorer"


def main() -> None:
    """Run the command; whatever a person can get wrong ends in one line and exit code 2."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")     # libraries' own, as of the weights they start with
    try:
        # Off standalone mode, click returns the code of ctx.exit() and raises everything else.
        sys.exit(cli.main(prog_name=_name(), standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        message = error.format_message()
    except (ConfigError, ExportError, LayoutError, LibraryError, PublishedError, TimingError,
            TraceError, WorkerError) as error:
        message = str(error)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:     # the reader, `head` say, has seen enough
        close_screen()
        sys.exit(0)
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(2)
