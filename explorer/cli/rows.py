"""The file of a sweep: rows are in it as they come, and stay whatever happens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from explorer.cli.output import write
from explorer.views.sweep import line


class RowFile:
    """A CSV file that grows by whole rows."""

    def __init__(self, path: Path, columns: Sequence[str], *, resume: bool) -> None:
        self.path, self._columns = path, columns
        self.rows: dict[str, str] = {}
        """Lines by the key that ends them."""
        if path.exists() and not path.is_file():        # reading a device may never end
            raise click.ClickException(f"{path} is no ordinary file, and rows are kept in one.")
        try:
            if path.exists() and path.stat().st_size and not resume:
                raise click.ClickException(f"{path} is there already: --resume goes on with it, or "
                                           "name another file.")
            whole = self._read() if path.exists() else 0
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(whole)      # behind its last whole row
            if not whole:
                self._add([line(columns)])
        except OSError as error:
            raise click.ClickException(f"Cannot write {path}: {error.strerror}.") from None

    def _read(self) -> int:
        """How many bytes of it are whole rows, which it notes."""
        whole = self.path.read_bytes()
        whole = whole[:whole.rfind(b"\n") + 1]
        if not whole:       # not even the header was written
            return 0
        try:
            header, *rows = csv.reader(io.StringIO(whole.decode("utf-8")))
        except (ValueError, csv.Error):
            header, rows = ["not those of a sweep"], []
        if header != list(self._columns):
            raise click.ClickException(f"{self.path} is of another sweep: its columns are "
                                       f"{', '.join(header[:8])} … Name another file.")
        self.rows = {values[-1]: line(values) for values in rows if len(values) == len(header)}
        return len(whole)

    def add(self, key: str, values: Iterable[Any]) -> None:
        self.rows[key] = line(values)
        self._add([self.rows[key]])

    def _add(self, lines: Iterable[str]) -> None:
        end = self._file.seek(0, io.SEEK_END)
        try:
            self._file.write("".join(lines).encode("utf-8"))
            self._file.flush()
        except OSError as error:        # a full disk: what was there stays whole
            with suppress(OSError):
                self._file.close()
            with self.path.open("r+b") as file:
                file.truncate(end)
            raise click.ClickException(f"Cannot write {self.path}: {error.strerror}. What was "
                                       "written is whole: --resume goes on with it.") from None

    def finish(self, keys: Iterable[str]) -> None:
        """In the order of the grid, whatever order the rows came in."""
        self._file.close()
        write("".join([line(self._columns), *[self.rows[key] for key in keys]]), self.path)
