"""A published table as data: its rows in data/*.csv, its totals in data/totals.json.

torchsummary's rows stand in the order of the calls, containers after their parts. torchinfo's stand
as a tree, containers before their parts, with the depth of each.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from explorer.conventions import torchinfo, torchsummary
from explorer.conventions.torchinfo import NO_PARAMS, RECURSIVE, Cell
from explorer.language import Text
from explorer.text import listing
from explorer.tracing.operators import Shape
from explorer.validation import first_fault

FOLDER = Path(__file__).parent / "data"


class Printer(Protocol):
    """A tool that prints a table of layers."""

    @property
    def LINES(self) -> tuple[str, ...]:
        """Names of what it prints below."""

    def cell(self, params: int, *, again: bool = False) -> int | str:
        """What it prints for the parameters of a row."""


PRINTERS: dict[str, Printer] = {"torchsummary": torchsummary, "torchinfo": torchinfo}


class PublishedError(ValueError):
    """A table that is not there, or a data file that is damaged: which file, row and rule."""


def _sizes(text: Any) -> Any:
    if text == "":
        return None
    parts = str(text).split("x")
    if not all(part.isascii() and part.isdigit() for part in parts[1:]):
        raise ValueError(text)
    batch, *sizes = map(int, parts)
    if not sizes or min(sizes) < 1 or (batch < 1 and batch != -1):
        raise ValueError(text)
    return batch, *sizes


def _count(text: Any) -> Any:
    if text in (NO_PARAMS, RECURSIVE):
        return text
    if not (str(text).isascii() and str(text).isdigit()):
        raise ValueError(text)
    return int(text)


class PublishedRow(BaseModel):
    """A row as it was printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: Annotated[int, Field(ge=0, le=16)] | None = None
    """Of torchinfo's tree; None in torchsummary's list."""
    index: Annotated[int, Field(ge=0)]
    """Its number: in the list, or among the rows of its depth."""
    type: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
    output_shape: Annotated[Shape | None, BeforeValidator(_sizes)]
    """None where none is printed; a leading -1 is the batch."""
    params: Annotated[Cell, BeforeValidator(_count)]

    @property
    def label(self) -> str:
        return str(self.index) if self.depth is None else f"{self.depth}-{self.index}"


ROW_RULES = {
    "depth": Text("a whole number from 0 to 16"),
    "index": Text("a whole number"),
    "type": Text("the name of a class"),
    "output_shape": Text("sizes apart by x, such as 1x64x56x56, or empty"),
    "params": Text("a whole number, {none} or {again}", none=NO_PARAMS, again=RECURSIVE),
}


class PrintedTotals(BaseModel):
    """What stands below a table, as printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: Literal["torchsummary", "torchinfo"]
    input: tuple[int, int, int, int]
    rows: Annotated[int, Field(ge=1)]
    totals: dict[str, Annotated[str, Field(pattern=r"^\d[\d,]*(\.\d+)?$")]]


TOTALS_RULES = {
    "": Text("an object"),
    "tool": Text("torchsummary or torchinfo"),
    "input": Text("four whole numbers"),
    "rows": Text("a whole number from 1 on"),
    "totals": Text("an object of figures as they are printed, such as \"1,234.5\""),
}


class PublishedTable(BaseModel):
    """One published table."""

    model_config = ConfigDict(frozen=True)

    name: str
    tool: Literal["torchsummary", "torchinfo"]
    input: tuple[int, int, int, int]
    expected_rows: int
    """As many as the tool printed; a file with fewer or more has been changed."""
    rows: tuple[PublishedRow, ...]
    totals: dict[str, str]

    @property
    def network(self) -> str:
        """The preset that has this table's network."""
        return f"{self.name}_tutorial"


def names() -> tuple[str, ...]:
    """The tables that there are, by name. Raises `PublishedError` for a damaged totals.json."""
    return tuple(_totals())


def load(name: str) -> PublishedTable:
    """The table of that name; its network's name does as well.

    Raises `PublishedError` with near names where there is none, and for a damaged file.

    >>> len(load("resnet18").rows)
    68
    """
    printed = _totals()
    name = name.removesuffix("_tutorial")
    if name not in printed:
        near = get_close_matches(name.lower(), printed, n=3, cutoff=0.5)
        raise PublishedError(Text("Unknown published table {name}. Did you mean {near}?",
                                  name=repr(name), near=listing(near)) if near else
                             Text("Unknown published table {name}. There are {names}.",
                                  name=repr(name), names=listing(printed)))
    totals = printed[name]
    return PublishedTable(
        name=name, tool=totals.tool, input=totals.input, expected_rows=totals.rows,
        rows=_rows(f"{name}.csv", totals.tool), totals=totals.totals)


def _damaged(place: Text, error: ValidationError, rules: Mapping[str, Text]) -> PublishedError:
    fault = first_fault(error)
    if fault.kind == "unknown":
        return PublishedError(Text("{place}: `{field}` must not be there.", place=place,
                                   field=fault.field))
    return PublishedError(Text("{place}: {fault}", place=place,
                               fault=fault.sentence(rules[fault.field])))


def _read(file: str) -> str:
    try:
        return (FOLDER / file).read_text(encoding="utf-8")
    except OSError as error:
        raise PublishedError(Text("{file} cannot be read: {error}.", file=file,
                                  error=error.strerror)) from None
    except UnicodeDecodeError:
        raise PublishedError(Text("{file} is damaged: it must be UTF-8 text.", file=file)) from None


def _totals() -> dict[str, PrintedTotals]:
    file = "totals.json"
    try:
        entries = json.loads(_read(file))
    except json.JSONDecodeError as error:
        raise PublishedError(Text("{file} is damaged, line {line}: it must be JSON ({error}).",
                                  file=file, line=error.lineno, error=error.msg)) from None
    if not isinstance(entries, dict) or not entries:
        raise PublishedError(Text("{file} is damaged: it must hold an object with a table for each "
                                  "name.", file=file))
    result = {}
    for name, value in entries.items():
        try:
            result[name] = PrintedTotals.model_validate(value)
        except ValidationError as error:
            raise _damaged(Text("{file} is damaged, {table}", file=file, table=name), error,
                           TOTALS_RULES) from None
        if lacking := [total for total in PRINTERS[result[name].tool].LINES
                       if total not in result[name].totals]:
            raise PublishedError(Text("{file} is damaged, {table}: `totals` must have {total}.",
                                      file=file, table=name, total=repr(lacking[0])))
    return result


def _rows(file: str, tool: str) -> tuple[PublishedRow, ...]:
    columns = [name for name in PublishedRow.model_fields if name != "depth" or tool == "torchinfo"]
    text = _read(file)
    if not text.strip():
        raise PublishedError(Text("{file} is damaged: it is empty.", file=file))
    try:
        header, *lines = list(csv.reader(text.splitlines(), strict=True))
    except csv.Error as error:
        raise PublishedError(Text("{file} is damaged: it must be CSV ({error}).", file=file,
                                  error=error)) from None
    if header != columns:
        raise PublishedError(Text(
            "{file} is damaged, line 1: the columns must be {columns}; got {header}.", file=file,
            columns=",".join(columns), header=repr(",".join(header))))
    rows = []
    for number, line in enumerate(lines, 1):
        if len(line) != len(columns):
            raise PublishedError(Text(
                "{file} is damaged, row {row}: it must have {columns} values; got {values}.",
                file=file, row=number, columns=len(columns), values=len(line)))
        try:
            rows.append(PublishedRow.model_validate(dict(zip(columns, line, strict=True))))
        except ValidationError as error:
            raise _damaged(Text("{file} is damaged, row {row}", file=file, row=number), error,
                           ROW_RULES) from None
    if not rows:
        raise PublishedError(Text("{file} is damaged: it has no rows.", file=file))
    return tuple(rows)
