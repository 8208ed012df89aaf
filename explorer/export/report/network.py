"""The report of a network."""

from __future__ import annotations

from datetime import date as Date
from html import escape

from explorer.export.report.page import ADDRESS
from explorer.pipeline import Explored
from explorer.timing import LayerTimes, Timing


def report(explored: Explored, *, date: Date | None = None, timing: Timing | None = None,
           times: LayerTimes | None = None, address: str = ADDRESS) -> str:
    return f"<!doctype html><title>{escape(explored.title)}</title>"
