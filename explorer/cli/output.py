"""What a command writes: to the screen, or to a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from explorer.files import write_file


def write(content: str | bytes, output: Path | None) -> None:
    """Text goes to the screen where `output` is None, and ends with a line break; bytes need a
    file, and stay as they are."""
    if isinstance(content, str):
        if output is None:
            _to_screen(content.removesuffix("\n"))
            return
        content = (content if content.endswith("\n") else content + "\n").encode("utf-8")
    assert output
    try:
        write_file(content, output)
    except OSError as error:
        raise click.ClickException(f"Cannot write {output}: {error.strerror}.") from None


def _to_screen(content: str) -> None:
    try:
        click.echo(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        close_screen()
        raise click.ClickException(f"Cannot write the output: {error.strerror}.") from None


def close_screen() -> None:
    """What is left to be written goes nowhere, instead of failing once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
