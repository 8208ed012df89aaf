"""The report of a comparison."""

from __future__ import annotations

from datetime import date as Date
from html import escape

from explorer.comparison import Comparison
from explorer.export.report.page import ADDRESS
from explorer.timing import TurnTimes


def comparison_report(comparison: Comparison, *, date: Date | None = None,
                      times: TurnTimes | None = None, address: str = ADDRESS) -> str:
    return f"<!doctype html><title>{escape(' and '.join(comparison.names))}</title>"
