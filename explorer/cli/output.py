"""What a command writes: to the screen, or to a file that is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click


def write(content: str | bytes, output: Path | None) -> None:
    """Text goes to the screen where `output` is None, and ends with a line break; bytes need a
    file, and stay as they are."""
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
