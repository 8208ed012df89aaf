"""What other tools report, as a table and as sentences."""

from __future__ import annotations

import pandas as pd

from explorer import text
from explorer.conventions import MIB, Figure, ToolReport
from explorer.language import say

COLUMNS = ("Tool", "It calls it", "Its figure", "Difference", "Ours", "Our name")


def frame(reports: tuple[ToolReport, ...]) -> pd.DataFrame:
    """A row for each figure, as text: counts in full, memory in the unit that the tool means."""
    return pd.DataFrame([
        (report.tool, figure.name, amount(figure, figure.value), difference(figure),
         amount(figure, figure.ours), figure.our_name)
        for report in reports for figure in report.figures], columns=list(COLUMNS))


def amount(figure: Figure, value: int | None) -> str:
    """
    >>> amount(Figure(quantity="memory", name="Size", value=0, ours=0, our_name="Ours", terms=(),
    ...               unit=MIB), 3 * MIB // 2)
    '1.50 MiB'
    """
    if value is None:
        return say("not computed")
    if figure.unit == 1:
        return f"{value:,}"
    return f"{value / figure.unit:,.2f} {'MiB' if figure.unit == MIB else 'MB'}"


def difference(figure: Figure) -> str:
    """The difference from ours with its sign, and in percent of ours where that shows."""
    if figure.difference is None:
        return say("not computed")
    if figure.difference == 0:
        return say("same")
    sign = "+" if figure.difference > 0 else "−"
    shown = sign + amount(figure, abs(figure.difference))
    percent = 100 * abs(figure.difference) / figure.ours if figure.ours else 0
    if percent < 0.005:
        return shown
    return f"{shown} ({sign}{percent:,.{0 if percent >= 10 else 1 if percent >= 1 else 2}f}%)"


def sentences(report: ToolReport) -> list[tuple[str, str]]:
    """For each figure that differs its name and why, with the sum that leads from ours to it."""
    return [(figure.name, text.sentences([*(term.why for term in figure.terms), *_sum(figure)]))
            for figure in report.figures if figure.terms]


def _sum(figure: Figure) -> list[str]:
    if figure.quantity == "memory" or figure.value is None:
        return []
    terms = "".join(f" {'+' if term.amount > 0 else '−'} {abs(term.amount):,}"
                    for term in figure.terms)
    return [say("So {sum}.", sum=f"{figure.ours:,}{terms} = {figure.value:,}")]
