"""Comparisons as records, DataFrames, CSV, JSON and text: one set of columns everywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, get_args

import pandas as pd

from explorer.comparison import LETTERS, Comparison, reason
from explorer.comparison.reasons import path_of
from explorer.structure.alignment import Aligned, Figure, Group, Level
from explorer.timing import TurnTimes, quiet
from explorer.views.comparison.figures import figure_rows
from explorer.views.comparison.said import adds_up, sentences
from explorer.views.comparison.times import part_seconds, times_add_up, times_lines, times_record
from explorer.views.tables import aligned, markdown, totals_record

FIGURES: tuple[Figure, ...] = get_args(Figure)
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")
REASONS = 8
"""That stand below a table for a terminal."""


def part_records(comparison: Comparison, level: Level,
                 times: TurnTimes | None = None) -> list[dict[str, Any]]:
    """One plain record a part of that level: what stands there in each network, None where nothing
    does, and the exact figures, which add up to those of the networks; with `times` of every layer
    those too."""
    return [{"level": part.level, "path": [path_or_none(group) for group in part.groups],
             "status": part.status,
             **{figure: list(part.figures(figure)) for figure in FIGURES},
             **({"seconds": list(part_seconds(part, times))} if times and times.layers else {})}
            for part in comparison.parts(level)]


def path_or_none(group: Group) -> str | None:
    """Where a group stands; None for nothing."""
    return path_of(group) if group else None


def comparison_frame(comparison: Comparison, level: Level = "block",
                     times: TurnTimes | None = None) -> pd.DataFrame:
    """The parts of a level as a DataFrame: for each network path, output shape and figures, then
    for all but the first the differences to it and the reason. With `times` of every layer there
    are `seconds` too, and their differences where nothing disturbed them.

    >>> from explorer.comparison import compare
    >>> frame = comparison_frame(compare("vgg16", "vgg19"), "block")
    >>> list(frame.loc[frame["status"] == "only", "path_b"])
    ['stage3.conv4', 'stage4.conv4', 'stage5.conv4']
    """
    sides = LETTERS[:len(comparison.networks)]
    return pd.DataFrame([_row(part, comparison.names, sides, times)
                         for part in comparison.parts(level)])


def _row(part: Aligned, names: tuple[str, ...], sides: Sequence[str],
         times: TurnTimes | None) -> dict[str, Any]:
    row: dict[str, Any] = {"level": part.level, "status": part.status}
    for side, group in zip(sides, part.groups, strict=True):
        row[f"path_{side}"] = path_or_none(group) or ""
    for side, group in zip(sides, part.groups, strict=True):
        row[f"output_shape_{side}"] = "x".join(map(str, group[-1].output_shape)) if group else ""
    for figure in FIGURES:
        amounts = part.figures(figure)
        row |= {f"{figure}_{side}": amount for side, amount in zip(sides, amounts, strict=True)}
        row |= {f"{figure}_difference_{side}": amount - amounts[0]
                for side, amount in zip(sides[1:], amounts[1:], strict=True)}
    if times and times.layers:
        seconds = part_seconds(part, times)
        row |= {f"seconds_{side}": amount for side, amount in zip(sides, seconds, strict=True)}
        if quiet(times):
            row |= {f"seconds_difference_{side}": amount - seconds[0]
                    for side, amount in zip(sides[1:], seconds[1:], strict=True)}
    row |= {f"reason_{side}": reason(part, names, number)
            for number, side in enumerate(sides[1:], 1)}
    return row


def comparison_csv(comparison: Comparison, level: Level = "block",
                   times: TurnTimes | None = None) -> str:
    return comparison_frame(comparison, level, times).to_csv(index=False, lineterminator="\n")


def comparison_json(comparison: Comparison, level: Level = "block",
                    times: TurnTimes | None = None) -> str:
    """Networks with their totals, the parts of a level, and the differences to the first network,
    which are the sums of those of the parts."""
    return json.dumps({
        "networks": [{"key": network.key, "title": network.title,
                      "totals": totals_record(network.summary),
                      "ends_early": str(network.failure) if network.failure else None}
                     for network in comparison.networks],
        "parts": part_records(comparison, level, times),
        "differences": {figure: [amount - comparison.totals(figure)[0]
                                 for amount in comparison.totals(figure)] for figure in FIGURES},
        "sentences": sentences(comparison),
        **({"times": times_record(times)} if times else {})})


def totals_frame(comparison: Comparison, times: TurnTimes | None = None) -> pd.DataFrame:
    """The figures of the networks, a row each, with the change against the first, as text."""
    return pd.DataFrame([{"figure": label, **{
        name: cell.value + (f"  ({cell.change})" if cell.change else "")
        for name, cell in zip(comparison.names, cells, strict=True)}}
        for label, cells in figure_rows(comparison, times)])


def _parts_text(comparison: Comparison, level: Level, times: TurnTimes | None) -> pd.DataFrame:
    """The columns that fit a terminal."""
    sides, rows = LETTERS[:len(comparison.networks)], []
    for part in comparison.parts(level):
        row: dict[str, str] = {"status": part.status}
        paths = [path_or_none(group) or "–" for group in part.groups]
        row |= {f"part {side}": path for side, path in zip(sides, paths, strict=True)}
        for figure in ("params", "macs"):
            amounts = part.figures(figure)
            row |= {f"{figure} {side}": f"{amount:,}" if group else "–"
                    for side, amount, group in zip(sides, amounts, part.groups, strict=True)}
            changes = [amount - amounts[0] for amount in amounts[1:]]
            row |= {f"{figure} {side}−a": f"{change:+,}" if change else ""
                    for side, change in zip(sides[1:], changes, strict=True)}
        if times and times.layers:
            row |= {f"ms {side}": f"{1e3 * amount:.3f}" if group else "–" for side, amount, group
                    in zip(sides, part_seconds(part, times), part.groups, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def _reasons(comparison: Comparison, level: Level) -> list[str]:
    """Of the parts that differ most."""
    parts = sorted(comparison.parts(level), key=lambda part: -max(
        abs(amount - part.figures("macs")[0]) for amount in part.figures("macs")))
    said = [(part, number, reason(part, comparison.names, number)) for part in parts
            for number in range(1, len(comparison.networks))]
    return [f"{' / '.join(path_or_none(part.groups[side]) or '–' for side in (0, number))}: {why}"
            for part, number, why in said if why][:REASONS]


def _sums(comparison: Comparison, times: TurnTimes | None) -> list[str]:
    timed = [times_add_up(comparison, times)] if times and times.layers else []
    return [*adds_up(comparison), *timed]


def comparison_text(comparison: Comparison, level: Level = "block",
                    times: TurnTimes | None = None) -> str:
    """Sentences, figures, parts and reasons for a terminal."""
    sides = [f"{side}  {network.title}  ({network.key})"
             for side, network in zip(LETTERS, comparison.networks, strict=False)]
    return "\n".join([
        *sides, "", *sentences(comparison), *(times_lines(comparison, times) if times else ()), "",
        aligned(totals_frame(comparison, times)), "",
        aligned(_parts_text(comparison, level, times)), "", *_sums(comparison, times),
        *(["", "Why, where most differs:"] if (why := _reasons(comparison, level)) else []),
        *(f"  {line}" for line in why)])


def comparison_markdown(comparison: Comparison, level: Level = "block",
                        times: TurnTimes | None = None) -> str:
    said = [*sentences(comparison), *(times_lines(comparison, times) if times else ())]
    return "\n\n".join([
        f"# {' and '.join(comparison.names)}", "\n".join(f"- {line}" for line in said),
        markdown(totals_frame(comparison, times)), markdown(_parts_text(comparison, level, times)),
        *_sums(comparison, times), "\n".join(f"- {line}" for line in _reasons(comparison, level))])
