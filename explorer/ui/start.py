"""How the app begins: the files behind `streamlit run app.py --`, and a page that comes first.

The app and each page import this before anything else of the program, and it imports all that they
need. So whoever comes while the first page is still opening waits for it. Where two threads began
at different modules, each could wait for one that the other has begun, and Python would give them
half of it.
"""

from __future__ import annotations

import os
import runpy
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import click
import streamlit as st

from explorer.config import ConfigError
from explorer.libraries import forbid
from explorer.sources import offer
from explorer.sources.inputs import checked, parse_input
from explorer.sources.source import write_key
from explorer.ui.limits import limits
from explorer.ui.panel import Panel

for _module in iter_modules([str(Path(__file__).parent)]):
    import_module(f"{__package__}.{_module.name}")

_APP = Panel("app")


def within_app() -> None:
    """Run the page inside of `app.py`, as all pages are.

    Before the first `st.navigation` of a server Streamlit takes the files of `pages/` for pages by
    themselves: where the first address is a link to one of them, it would stand there without the
    app's styles and navigation.
    """
    if not _APP.value("runs"):
        runpy.run_path(str(Path(__file__).parents[2] / "app.py"), run_name="__main__")
        st.stop()


def note_app() -> None:
    """To be called by `app.py`: what follows runs inside of it."""
    _APP.set_value("runs", True)


@cache
def offer_files(app: Path) -> None:
    """Set the limits of the server of `app`, and offer the files that it was started with; a
    mistake ends it with one line.

    Streamlit runs the app for the first time when the first page opens.
    """
    if Path(sys.argv[0]).resolve() != app.resolve():
        return      # another program runs the app, such as a test
    try:
        if not limits().libraries:
            forbid()
        _start.main(sys.argv[1:], prog_name=f"streamlit run {app.name} --", standalone_mode=False)
    except (click.ClickException, ConfigError) as error:
        said = error.format_message() if isinstance(error, click.ClickException) else error
        print(f"Error: {said}", file=sys.stderr, flush=True)
        os._exit(2)     # sys.exit would end the page alone


@click.command(add_help_option=False)
@click.option("--network", "networks", multiple=True, metavar="FILE.py:CALLABLE")
@click.option("--input", "inputs", multiple=True, metavar="[NAME:]SIDES[:DTYPE]")
def _start(networks: tuple[str, ...], inputs: tuple[str, ...]) -> None:
    if inputs and len(networks) != 1:
        raise click.UsageError("`--input` says what one network is given. With several write it "
                               "behind each: --network \"net.py:Net&input=1x3x64x64\".")
    given = checked(list(map(parse_input, inputs))) if inputs else ()
    if networks and not limits().files:
        raise click.UsageError("This server may open no files: see the limit `files`.")
    for network in networks:
        offer(write_key(network, (), given))
