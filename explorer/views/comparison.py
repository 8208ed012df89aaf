"""Comparisons as records, DataFrames, CSV, JSON and text: one set of columns everywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Any, get_args

import pandas as pd

from explorer import text
from explorer.analysis import Summary
from explorer.comparison import LETTERS, Comparison, headline, reason
from explorer.comparison.reasons import path_of
from explorer.structure import weighted_depth
from explorer.structure.alignment import Aligned, Figure, Group, Level
from explorer.timing import TurnTimes, quiet
from explorer.views import fields
from explorer.views.tables import aligned, markdown, totals_record

FIGURES: tuple[Figure, ...] = get_args(Figure)
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")
REASONS = 8
"""That stand below a table for a terminal."""


def part_records(comparison: Comparison, level: Level) -> list[dict[str, Any]]:
    """One plain record a part of that level: what stands there in each network, None where nothing
    does, and the exact figures, which add up to those of the networks."""
    return [{"level": part.level, "path": [_path(group) for group in part.groups],
             "status": part.status,
             **{figure: list(part.figures(figure)) for figure in FIGURES}}
            for part in comparison.parts(level)]


def _path(group: Group) -> str | None:
    return path_of(group) if group else None


def comparison_frame(comparison: Comparison, level: Level = "block") -> pd.DataFrame:
    """The parts of a level as a DataFrame: for each network path, output shape and figures, then
    for all but the first the differences to it and the reason.

    >>> from explorer.comparison import compare
    >>> frame = comparison_frame(compare("vgg16", "vgg19"), "block")
    >>> list(frame.loc[frame["status"] == "only", "path_b"])
    ['stage3.conv4', 'stage4.conv4', 'stage5.conv4']
    """
    sides = LETTERS[:len(comparison.networks)]
    return pd.DataFrame([_row(part, comparison.names, sides) for part in comparison.parts(level)])


def _row(part: Aligned, names: tuple[str, ...], sides: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"level": part.level, "status": part.status}
    for side, group in zip(sides, part.groups, strict=True):
        row[f"path_{side}"] = _path(group) or ""
    for side, group in zip(sides, part.groups, strict=True):
        row[f"output_shape_{side}"] = "x".join(map(str, group[-1].output_shape)) if group else ""
    for figure in FIGURES:
        amounts = part.figures(figure)
        row |= {f"{figure}_{side}": amount for side, amount in zip(sides, amounts, strict=True)}
        row |= {f"{figure}_difference_{side}": amount - amounts[0]
                for side, amount in zip(sides[1:], amounts[1:], strict=True)}
    row |= {f"reason_{side}": reason(part, names, number)
            for number, side in enumerate(sides[1:], 1)}
    return row


def comparison_csv(comparison: Comparison, level: Level = "block") -> str:
    return comparison_frame(comparison, level).to_csv(index=False, lineterminator="\n")


def comparison_json(comparison: Comparison, level: Level = "block",
                    times: TurnTimes | None = None) -> str:
    """Networks with their totals, the parts of a level, and the differences to the first network,
    which are the sums of those of the parts."""
    return json.dumps({
        "networks": [{"key": network.key, "title": network.title,
                      "totals": totals_record(network.summary),
                      "ends_early": str(network.failure) if network.failure else None}
                     for network in comparison.networks],
        "parts": part_records(comparison, level),
        "differences": {figure: [amount - comparison.totals(figure)[0]
                                 for amount in comparison.totals(figure)] for figure in FIGURES},
        "sentences": sentences(comparison),
        **({"times": times_record(times)} if times else {})})


def times_record(times: TurnTimes) -> dict[str, Any]:
    """What was measured in turn; no ratio where something disturbed it."""
    return {"device": times.device, "median_s": list(times.medians), "rounds": times.rounds,
            "ratios": [asdict(times.ratio(other)) for other in range(1, len(times.keys))]
            if quiet(times) else None,
            "warnings": list(times.warnings), "conditions": asdict(times.conditions)}


def times_lines(comparison: Comparison, times: TurnTimes) -> list[str]:
    """What was measured in turn, in sentences; nothing is concluded where it was disturbed."""
    names = comparison.names
    where = f"{times.conditions.device_name}, {times.conditions.dtype}"
    said = [f"Timed in turn on {where}, {times.rounds} rounds: " + text.enumeration(
        [f"{name} {text.seconds(median)}"
         for name, median in zip(names, times.medians, strict=True)]) + "."]
    if not quiet(times):
        return [*said, *times.warnings, "No ratio is drawn from it."]
    for other in range(1, len(names)):
        ratio = times.ratio(other)
        said.append(f"{names[other]} takes {ratio.median:.3g} times as long as {names[0]}: "
                    f"{ratio.p10:.3g} to {ratio.p90:.3g} in eight of ten rounds.")
    return said


def sentences(comparison: Comparison) -> list[str]:
    """The most telling difference of each network to the first, and what ends early."""
    return [*ends_early(comparison), *headlines(comparison)]


def headlines(comparison: Comparison) -> list[str]:
    """The most telling difference of each network but the first to that."""
    return [headline(comparison, other) for other in range(1, len(comparison.networks))]


def ends_early(comparison: Comparison) -> list[str]:
    """A sentence for each network whose pass does not reach its end."""
    return [f"{name} is compared as far as its pass gets: {network.failure}"
            for name, network in zip(comparison.names, comparison.networks, strict=True)
            if network.failure]


def totals_frame(comparison: Comparison) -> pd.DataFrame:
    """The figures of the networks, a row each, with the change against the first, as text."""
    return pd.DataFrame([{"figure": label, **{
        name: value + (f"  ({change})" if change else "")
        for name, (value, _, change, _) in zip(comparison.names, cells, strict=True)}}
        for label, cells in figure_rows(comparison)])


def _parts_text(comparison: Comparison, level: Level) -> pd.DataFrame:
    """The columns that fit a terminal."""
    sides, rows = LETTERS[:len(comparison.networks)], []
    for part in comparison.parts(level):
        row: dict[str, str] = {"status": part.status}
        paths = [_path(group) or "–" for group in part.groups]
        row |= {f"part {side}": path for side, path in zip(sides, paths, strict=True)}
        for figure in ("params", "macs"):
            amounts = part.figures(figure)
            row |= {f"{figure} {side}": f"{amount:,}" if group else "–"
                    for side, amount, group in zip(sides, amounts, part.groups, strict=True)}
            changes = [amount - amounts[0] for amount in amounts[1:]]
            row |= {f"{figure} {side}−a": f"{change:+,}" if change else ""
                    for side, change in zip(sides[1:], changes, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def adds_up(comparison: Comparison) -> list[str]:
    """That the differences of the parts are those of the networks, with the sums."""
    said = []
    for number in range(1, len(comparison.networks)):
        params, macs = [comparison.totals(figure)[number] - comparison.totals(figure)[0]
                        for figure in ("params", "macs")]
        sums = [f"{params:+,} parameters used", f"{macs:+,} multiply-adds"]
        said.append(f"The differences of the parts add up to {text.enumeration(sums)}"
                    + (f" for {comparison.names[number]}." if len(comparison.networks) > 2
                       else "."))
    return said


def _reasons(comparison: Comparison, level: Level) -> list[str]:
    """Of the parts that differ most."""
    parts = sorted(comparison.parts(level), key=lambda part: -max(
        abs(amount - part.figures("macs")[0]) for amount in part.figures("macs")))
    said = [(part, number, reason(part, comparison.names, number)) for part in parts
            for number in range(1, len(comparison.networks))]
    return [f"{' / '.join(_path(part.groups[side]) or '–' for side in (0, number))}: {why}"
            for part, number, why in said if why][:REASONS]


def comparison_text(comparison: Comparison, level: Level = "block",
                    times: TurnTimes | None = None) -> str:
    """Sentences, figures, parts and reasons for a terminal."""
    sides = [f"{side}  {network.title}  ({network.key})"
             for side, network in zip(LETTERS, comparison.networks, strict=False)]
    return "\n".join([
        *sides, "", *sentences(comparison), *(times_lines(comparison, times) if times else ()), "",
        aligned(totals_frame(comparison)), "",
        aligned(_parts_text(comparison, level)), "", *adds_up(comparison),
        *(["", "Why, where most differs:"] if (why := _reasons(comparison, level)) else []),
        *(f"  {line}" for line in why)])


def comparison_markdown(comparison: Comparison, level: Level = "block",
                        times: TurnTimes | None = None) -> str:
    said = [*sentences(comparison), *(times_lines(comparison, times) if times else ())]
    return "\n\n".join([
        f"# {' and '.join(comparison.names)}", "\n".join(f"- {line}" for line in said),
        markdown(totals_frame(comparison)), markdown(_parts_text(comparison, level)),
        *adds_up(comparison), "\n".join(f"- {line}" for line in _reasons(comparison, level))])


# For the page.

TITLES: dict[Figure, str] = {"macs": "Multiply-adds", "params": "Parameters",
                             "activation_bytes": "Output memory"}
UNITS: dict[Figure, str] = {"macs": "", "params": "", "activation_bytes": "B"}


def part_rows(comparison: Comparison, figure: Figure, *,
              by_difference: bool) -> list[dict[str, Any]]:
    """The tree of parts as the page shows it, one figure, formatted; `by_difference` puts those
    that differ most first, at each level."""
    most = max([1, *(amount for part in comparison.parts("stage")
                     for amount in part.figures(figure))])
    return [_shown(part, comparison.names, figure, most, by_difference=by_difference)
            for part in _in_order(comparison.aligned, figure, by_difference=by_difference)]


def _in_order(part: Aligned, figure: Figure, *, by_difference: bool) -> list[Aligned]:
    if not by_difference:
        return list(part.inside)
    return sorted(part.inside, key=lambda inner: -max(
        abs(amount - inner.figures(figure)[0]) for amount in inner.figures(figure)))


def _shown(part: Aligned, names: tuple[str, ...], figure: Figure, most: int, *,
           by_difference: bool) -> dict[str, Any]:
    amounts, unit = part.figures(figure), UNITS[figure]
    paths = [_path(group) for group in part.groups]
    known = list(dict.fromkeys(path for path in paths if path))
    return {
        "level": part.level, "status": part.status, "says": _says(part), "paths": known,
        "values": [text.short(amount, unit) if group else "–"
                   for amount, group in zip(amounts, part.groups, strict=True)],
        "exact": [f"{amount:,} {unit}".rstrip() if group else "nothing stands there"
                  for amount, group in zip(amounts, part.groups, strict=True)],
        "shapes": [text.shape(group[-1].output_shape[1:]) if group else ""
                   for group in part.groups],
        "bars": [round(100 * amount / most, 1) if part.level == "stage" else 0
                 for amount in amounts],
        "changes": [text.signed(amount - amounts[0], unit) for amount in amounts[1:]],
        "reasons": _told(part, names),
        "inside": [_shown(inner, names, figure, most, by_difference=by_difference)
                   for inner in _in_order(part, figure, by_difference=by_difference)]}


def _says(part: Aligned) -> str:
    """The status in a word: of what stands in some alone, in which."""
    if part.status != "only":
        return part.status
    sides = [side.upper() for side, group in zip(LETTERS, part.groups, strict=False) if group]
    return f"only {text.enumeration(sides)}"


def _told(part: Aligned, names: tuple[str, ...]) -> list[str]:
    """The reasons that say more than the figures beside them."""
    pairs = [(number, reason(part, names, number)) for number in range(1, len(part.groups))
             if part.between(0, number) == "changed"]
    several = len(part.groups) > 2
    return [f"{LETTERS[number].upper()}: {why}" if several else why for number, why in pairs if why]


def figure_rows(comparison: Comparison) -> list[tuple[str, list[tuple[str, str, str, float]]]]:
    """Label, and for each network value, exact value, change against the first, and what share of
    the largest it is."""
    rows = []
    for label, amounts, unit in _figures(comparison):
        known = [amount for amount in amounts if amount is not None]
        most = max([1, *known])
        cells = []
        for number, amount in enumerate(amounts):
            if amount is None:
                cells.append(("–", "not known", "", 0.0))
                continue
            said = _against_first(amount, amounts[0], unit) if number else ""
            cells.append((_amount(amount, unit), f"{amount:,} {unit}".rstrip(), said,
                          amount / most))
        rows.append((label, cells))
    return rows


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
    return [("Parameters", [each.params for each in totals], ""), *used,
            ("Multiply-adds", [each.macs for each in totals], ""),
            ("Peak memory", [each.peak_activation_bytes for each in totals], "B"),
            ("Saved for backward", [each.totals.saved_bytes if isinstance(each, Summary) else None
                                    for each in trained], "B"),
            ("Receptive field", [each.receptive_field if fields.image(network.summary) else None
                                 for each, network in zip(totals, networks, strict=True)], "px"),
            ("Weighted layers", [weighted_depth(network.structure) for network in networks], ""),
            ("Calls", [each.layers for each in totals], "")]


def figures_html(comparison: Comparison) -> str:
    """The figures beside each other, each with a bar and its change against the first network."""
    heads = "".join(f"<th>{side.upper()} · {escape(name)}</th>"
                    for side, name in zip(LETTERS, comparison.names, strict=False))
    minus = "\N{MINUS SIGN}"
    rows = "".join(
        f"<tr><th>{label}</th>" + "".join(
            f'<td title="{exact}">{value}<i style="width: {100 * share:.1f}%"></i>'
            f"<small>{change.replace('-', minus) or '&nbsp;'}</small></td>"
            for value, exact, change, share in cells)
        + "</tr>" for label, cells in figure_rows(comparison))
    return ('<div class="compared"><table><thead><tr><th></th>' + heads + "</tr></thead><tbody>"
            + rows + "</tbody></table></div>")


# The chosen row of the drawing.

def row_key(places: Sequence[Aligned]) -> str:
    """What a row is known by, as long as the same stands in it."""
    return " ".join([_path(group) or "–" for place in places[:1] for group in place.groups])


def row_details(comparison: Comparison, places: Sequence[Aligned]) -> dict[str, Any]:
    """What is told of a row beside the drawing: what stands there, the figures, the reasons."""
    first = places[0]
    known = list(dict.fromkeys(path for group in first.groups if (path := _path(group))))
    many = f" and {len(places) - 1} alike" if len(places) > 1 else ""
    reasons = _told(first, comparison.names)
    rows = []
    for figure in FIGURES:
        amounts = [sum(each) for each in zip(*[place.figures(figure) for place in places],
                                             strict=True)]
        changes = [change for amount in amounts[1:] if (change := text.signed(
            amount - amounts[0], UNITS[figure]))]
        rows.append({"name": TITLES[figure], "value": " · ".join(
            text.short(amount, UNITS[figure]) if group else "–"
            for amount, group in zip(amounts, first.groups, strict=True)),
            "share": " · ".join(changes), "how": [], "notes": ""})
    return {"title": f"{known[0]}{many}", "path": " / ".join(known[1:]), "change": "",
            "about": " ".join([f"{_says(first).capitalize()}.", *reasons]), "rows": rows}
