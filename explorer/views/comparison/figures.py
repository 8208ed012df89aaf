"""The figures of the networks, each with its change against the first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from explorer import text
from explorer.analysis import Summary
from explorer.comparison import LETTERS, Comparison
from explorer.language import say
from explorer.structure import weighted_depth
from explorer.timing import TurnTimes, quiet
from explorer.views import fields


class Cell(NamedTuple):
    """A figure of one network."""

    value: str
    exact: str
    change: str
    """Against the first network; "" where there is none."""
    share: float
    """Of the largest of its row, from 0 to 1."""


def figure_rows(comparison: Comparison,
                times: TurnTimes | None = None) -> list[tuple[str, list[Cell]]]:
    """Label, and a cell for each network; with `times` the latency too."""
    rows = []
    for label, amounts, unit in _figures(comparison):
        known = [amount for amount in amounts if amount is not None]
        most = max([1, *known])
        cells = []
        mixing = [label == say("Receptive field") and fields.mixes(network.summary)
                  for network in comparison.networks]
        for number, amount in enumerate(amounts):
            if amount is None:
                cells.append(Cell("–", say("not known"), "", 0.0))
                continue
            said = str(fields.BEFORE_MIXING) if mixing[number] else \
                _against_first(amount, amounts[0], unit) if number and not mixing[0] else ""
            cells.append(Cell(_amount(amount, unit), f"{amount:,} {unit}".rstrip(), said,
                              amount / most))
        rows.append((label, cells))
    return [*rows, (say("Latency"), _latency(times))] if times else rows


def _latency(times: TurnTimes) -> list[Cell]:
    """Medians; a ratio only where nothing disturbed them."""
    cells = []
    for number, median in enumerate(times.medians):
        if not quiet(times):
            said = say("disturbed")
        elif number:
            ratio = times.ratio(number)
            said = say("{ratio} times {letter} ({least} to {most})", letter=LETTERS[0].upper(),
                       ratio=f"{ratio.median:.3g}", least=f"{ratio.p10:.3g}",
                       most=f"{ratio.p90:.3g}")
        else:
            said = ""
        cells.append(Cell(text.seconds(median), say(
            "median of {rounds} rounds in turn, on {device}", rounds=times.rounds,
            device=times.conditions.device_name), said, median / max(times.medians)))
    return cells


def _against_first(amount: int, first: int | None, unit: str) -> str:
    """Ratio and difference; "" where there is none."""
    if first is None or not (change := text.change(amount, first)):
        return ""
    if first and 0 < amount / first <= 0.1:
        change = say("1/{divisor} of {letter}", divisor=f"{first / amount:,.0f}",
                     letter=LETTERS[0].upper())
    apart = amount - first
    said = f"{text.difference(apart)} {unit}" if unit == "px" else text.signed(apart, unit)
    return say("{change}, {difference}", change=change, difference=said)


def _amount(amount: int, unit: str) -> str:
    return f"{amount:,} {unit}".rstrip() if unit == "px" or amount < 1000 else \
        text.short(amount, unit)


def _figures(comparison: Comparison) -> list[tuple[str, Sequence[int | None], str]]:
    networks = comparison.networks
    totals = [network.summary.totals for network in networks]
    trained = [network.training for network in networks]
    # What the parts add up to, where a pass leaves parameters out, as those of an auxiliary head.
    used = [(say("Parameters used"), [each.params_used for each in totals], "")] \
        if any(each.params_used != each.params for each in totals) else []
    # All images of a batch cost the same.
    one = [(say("Multiply-adds for each image" if networks[0].source.samples == "images" else
                "Multiply-adds for each sample"),
            [each.macs // count for each, count in zip(totals, comparison.samples, strict=True)],
            "")] if len(set(comparison.samples)) > 1 else []
    return [(say("Parameters"), [each.params for each in totals], ""), *used,
            (say("Multiply-adds"), [each.macs for each in totals], ""), *one,
            (say("Peak memory"), [each.peak_activation_bytes for each in totals], "B"),
            (say("Saved for backward"), [
                each.totals.saved_bytes if isinstance(each, Summary) else None for each in trained],
             "B"),
            (say("Receptive field"), [
                each.receptive_field if fields.image(network.summary) else None
                for each, network in zip(totals, networks, strict=True)], "px"),
            (say("Weighted layers"), [weighted_depth(network.structure) for network in networks],
             ""),
            (say("Calls"), [each.layers for each in totals], "")]


def _bar(share: float) -> str:
    """None where there is no figure; what is small can be seen."""
    return f"width: {100 * share:.1f}%" if share else "min-width: 0; width: 0"


def figures_html(comparison: Comparison, times: TurnTimes | None = None) -> str:
    """The figures beside each other, each with a bar and its change against the first network."""
    rows_of = figure_rows(comparison, times)
    if not times:
        untimed = Cell("–", say("not timed"), say("not timed"), 0.0)
        rows_of.append((say("Latency"), [untimed] * len(comparison.networks)))
    heads = "".join(f"<th>{side.upper()} · {escape(name)}</th>"
                    for side, name in zip(LETTERS, comparison.names, strict=False))
    rows = "".join(
        f"<tr><th>{label}</th>" + "".join(
            f'<td title="{escape(exact)}">{value}<i style="{_bar(share)}"></i>'
            f"<small>{change or '&nbsp;'}</small></td>"
            for value, exact, change, share in cells)
        + "</tr>" for label, cells in rows_of)
    return ('<div class="compared"><table><thead><tr><th></th>' + heads + "</tr></thead><tbody>"
            + rows + "</tbody></table></div>")
