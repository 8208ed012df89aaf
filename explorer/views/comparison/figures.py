"""The figures of the networks, each with its change against the first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from explorer import text
from explorer.analysis import Summary
from explorer.comparison import LETTERS, Comparison
from explorer.structure import weighted_depth
from explorer.timing import TurnTimes, quiet
from explorer.views import fields

LATENCY = "Latency"


class Cell(NamedTuple):
    """A figure of one network."""

    value: str
    exact: str
    change: str
    """Against the first network; "" where there is none."""
    share: float
    """Of the largest of its row, from 0 to 1."""


UNKNOWN = Cell("–", "not known", "", 0.0)
RECEPTIVE_FIELD = "Receptive field"
UNTIMED = Cell("–", "not timed", "not timed", 0.0)


def figure_rows(comparison: Comparison,
                times: TurnTimes | None = None) -> list[tuple[str, list[Cell]]]:
    """Label, and a cell for each network; with `times` the latency too."""
    rows = []
    for label, amounts, unit in _figures(comparison):
        known = [amount for amount in amounts if amount is not None]
        most = max([1, *known])
        cells = []
        mixing = [label == RECEPTIVE_FIELD and fields.mixes(network.summary)
                  for network in comparison.networks]
        for number, amount in enumerate(amounts):
            if amount is None:
                cells.append(UNKNOWN)
                continue
            said = fields.BEFORE_MIXING if mixing[number] else \
                _against_first(amount, amounts[0], unit) if number and not mixing[0] else ""
            cells.append(Cell(_amount(amount, unit), f"{amount:,} {unit}".rstrip(), said,
                              amount / most))
        rows.append((label, cells))
    return [*rows, (LATENCY, _latency(times))] if times else rows


def _latency(times: TurnTimes) -> list[Cell]:
    """Medians; a ratio only where nothing disturbed them."""
    cells = []
    for number, median in enumerate(times.medians):
        if not quiet(times):
            said = "disturbed"
        elif number:
            ratio = times.ratio(number)
            said = f"{ratio.median:.3g} times {LETTERS[0].upper()} " \
                f"({ratio.p10:.3g} to {ratio.p90:.3g})"
        else:
            said = ""
        cells.append(Cell(text.seconds(median), f"median of {times.rounds} rounds in turn, on "
                          f"{times.conditions.device_name}", said, median / max(times.medians)))
    return cells


def _against_first(amount: int, first: int | None, unit: str) -> str:
    """Ratio and difference; "" where there is none."""
    if first is None or not (change := text.change(amount, first)):
        return ""
    ratio = f"{change} {LETTERS[0].upper()}" if change.endswith(" of") else change
    apart = amount - first
    return f"{ratio}, {apart:+,} {unit}" if unit == "px" else \
        f"{ratio}, {text.signed(apart, unit)}"


def _amount(amount: int, unit: str) -> str:
    return f"{amount:,} {unit}".rstrip() if unit == "px" or amount < 1000 else \
        text.short(amount, unit)


def _figures(comparison: Comparison) -> list[tuple[str, Sequence[int | None], str]]:
    networks = comparison.networks
    totals = [network.summary.totals for network in networks]
    trained = [network.training for network in networks]
    # What the parts add up to, where a pass leaves parameters out, as those of an auxiliary head.
    used = [("Parameters used", [each.params_used for each in totals], "")] \
        if any(each.params_used != each.params for each in totals) else []
    # All images of a batch cost the same.
    one = [(f"Multiply-adds for each {networks[0].source.samples.removesuffix('s')}",
            [each.macs // count for each, count in zip(totals, comparison.samples, strict=True)],
            "")] if len(set(comparison.samples)) > 1 else []
    return [("Parameters", [each.params for each in totals], ""), *used,
            ("Multiply-adds", [each.macs for each in totals], ""), *one,
            ("Peak memory", [each.peak_activation_bytes for each in totals], "B"),
            ("Saved for backward", [each.totals.saved_bytes if isinstance(each, Summary) else None
                                    for each in trained], "B"),
            (RECEPTIVE_FIELD, [each.receptive_field if fields.image(network.summary) else None
                               for each, network in zip(totals, networks, strict=True)], "px"),
            ("Weighted layers", [weighted_depth(network.structure) for network in networks], ""),
            ("Calls", [each.layers for each in totals], "")]


def _bar(share: float) -> str:
    """None where there is no figure; what is small can be seen."""
    return f"width: {100 * share:.1f}%" if share else "min-width: 0; width: 0"


def figures_html(comparison: Comparison, times: TurnTimes | None = None) -> str:
    """The figures beside each other, each with a bar and its change against the first network."""
    rows_of = [*figure_rows(comparison, times), *(
        [] if times else [(LATENCY, [UNTIMED] * len(comparison.networks))])]
    heads = "".join(f"<th>{side.upper()} · {escape(name)}</th>"
                    for side, name in zip(LETTERS, comparison.names, strict=False))
    minus = "\N{MINUS SIGN}"
    rows = "".join(
        f"<tr><th>{label}</th>" + "".join(
            f'<td title="{escape(exact)}">{value}<i style="{_bar(share)}"></i>'
            f"<small>{change.replace('-', minus) or '&nbsp;'}</small></td>"
            for value, exact, change, share in cells)
        + "</tr>" for label, cells in rows_of)
    return ('<div class="compared"><table><thead><tr><th></th>' + heads + "</tr></thead><tbody>"
            + rows + "</tbody></table></div>")
