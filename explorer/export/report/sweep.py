"""The report of a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date

from explorer.export.report.page import ADDRESS
from explorer.sweeping import Grid, Record


def sweep_report(grid: Grid, records: Iterable[Record], *, date: Date | None = None,
                 address: str = ADDRESS) -> str:
    return "<!doctype html><title>Sweep</title>"
