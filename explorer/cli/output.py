"""What a command writes: to the screen, or to a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from pathlib import Path

import click


def write(content: str | bytes, output: Path | None) -> None:
    """Text goes to the screen where `output` is None, and ends with a line break; bytes need a
    file, and stay as they are.

    A new file, or an ordinary one of the person's own, is replaced by one that is whole. What else
    stands there is written into, as `cp` does: a device, a pipe, a file of several names.
    """
    if isinstance(content, str):
        if output is None:
            _to_screen(content.removesuffix("\n"))
            return
        content = (content if content.endswith("\n") else content + "\n").encode("utf-8")
    assert output
    try:
        # Where a link leads to, so that the link stays.
        _write(content, Path(os.path.realpath(output)))
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


def _write(content: bytes, output: Path) -> None:
    try:
        there = output.stat()
    except FileNotFoundError:
        _replace(content, output, 0o666 & ~_umask())
        return
    if not (stat.S_ISREG(there.st_mode) and there.st_nlink == 1 and there.st_uid == os.geteuid()
            and os.access(output.parent, os.W_OK)):
        output.write_bytes(content)
        return
    if not there.st_mode & 0o222:       # which root could write all the same
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with output.open("r+b"):
        pass
    _replace(content, output, stat.S_IMODE(there.st_mode))


def _replace(content: bytes, output: Path, mode: int) -> None:
    handle, part = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(part, mode)
        os.replace(part, output)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
