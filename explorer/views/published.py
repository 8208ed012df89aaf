"""Published tables beside ours as text, CSV, JSON and DataFrames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from explorer.networks.catalogue import find_preset
from explorer.published import Comparison, Match, Total
from explorer.published.notes import SwappedRow, swapped_rows
from explorer.tracing.operators import Shape
from explorer.views import tables

ACCOUNTED, UNACCOUNTED = "accounted", "unaccounted"


def status(accounted: bool) -> str:
    return ACCOUNTED if accounted else UNACCOUNTED


def headline(comparison: Comparison) -> str:
    """How much of a table is accounted for, in a sentence."""
    count, expected = len(comparison.matches), comparison.table.expected_rows
    text = f"{comparison.accounted:,} of {count:,} rows are accounted for"
    if count != expected:
        text += f"; the tool printed {expected:,}"
    if comparison.missing:
        text += f"; {len(comparison.missing):,} of ours have no row"
    wrong = [total.name for total in comparison.totals if not total.agrees]
    return text + (f"; not explained: {', '.join(wrong)}." if wrong else
                   ", and every total is explained.")


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """One plain record a row: what was printed, what of ours it stands for, and why."""
    return [_record(comparison.table.name, match) for match in comparison.matches]


def _record(table: str, match: Match) -> dict[str, Any]:
    row, run = match.row, match.run
    return {
        "table": table,
        "row": match.number,
        "depth": row.depth,
        "index": row.index,
        "type": row.type,
        "output_shape": _shape(row.output_shape),
        "params": row.params,
        "status": status(match.accounted),
        "first_call": run and run.start,
        "last_call": run and run.end,
        "path": run and run.path,
        "our_type": run and run.type,
        "our_output_shape": _shape(match.output_shape),
        "our_params": match.params,
        "reason": match.reason,
    }


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else "x".join(map(str, shape))


def frame(comparison: Comparison) -> pd.DataFrame:
    """The rows side by side, as text where a tool prints text."""
    result = pd.DataFrame(records(comparison))
    for name in ("first_call", "last_call", "depth"):
        result[name] = result[name].astype("Int64")
    for name in ("params", "our_params"):
        result[name] = ["" if value is None else f"{value:,}" if isinstance(value, int) else value
                        for value in result[name]]
    result["number"] = [match.row.label for match in comparison.matches]
    result["calls"] = [_calls(match) for match in comparison.matches]
    return result


def _calls(match: Match) -> str:
    if match.run is None:
        return ""
    start, end = match.run.start, match.run.end
    return str(start) if start == end else f"{start}–{end}"


def totals_frame(totals: Sequence[Total]) -> pd.DataFrame:
    return pd.DataFrame([{"total": total.name, "printed": total.printed,
                          "recomputed": total.recomputed, "ours": total.own or total.recomputed}
                         for total in totals])


def swapped_frame(name: str) -> pd.DataFrame:
    """The swapped columns of a MobileNetV3 table beside the paper's rows; empty for others."""
    return pd.DataFrame([_swapped(row) for row in swapped_rows(name)])


def _swapped(row: SwappedRow) -> dict[str, str]:
    headed, made, paper = row
    return {
        "t, c, s": f"{headed.t:g}, {headed.c}, {headed.s}" if headed else "",
        "read: channels": str(made.out) if made else "",
        "read: expansion": str(headed.c) if headed else "",
        "expanded": str(made.expanded) if made else "",
        "kernel": f"{made.kernel}×{made.kernel}" if made else "",
        "SE, activation": _gates(made.squeeze, made.activation) if made else "",
        "paper: channels": str(paper.out) if paper else "",
        "paper: expanded": str(paper.expanded) if paper else "",
        "paper: kernel": f"{paper.kernel}×{paper.kernel}" if paper else "",
        "paper: SE, activation": _gates(paper.squeeze, paper.activation) if paper else "",
        "paper: stride": str(paper.stride) if paper else "",
    }


def _gates(squeeze: bool, activation: str) -> str:
    return f"SE, {activation}" if squeeze else activation


def to_csv(comparisons: Sequence[Comparison]) -> str:
    """Every row with the table it is from; the same columns for all tables."""
    result = pd.DataFrame([record for comparison in comparisons for record in records(comparison)])
    for name in ("depth", "first_call", "last_call"):
        result[name] = result[name].astype("Int64")
    return result.to_csv(index=False, lineterminator="\n")


def to_json(comparisons: Sequence[Comparison]) -> str:
    """Tables with their rows, totals, explanations, and what has no row."""
    return json.dumps({
        "rows": sum(len(comparison.matches) for comparison in comparisons),
        "accounted": sum(comparison.accounted for comparison in comparisons),
        "tables": [{
            "name": comparison.table.name,
            "network": comparison.config.network,
            "tool": comparison.table.tool,
            "input": list(comparison.table.input),
            "complete": comparison.complete,
            "rows": records(comparison),
            "missing": [asdict(left) for left in comparison.missing],
            "without_a_row": [asdict(left) for left in comparison.unseen],
            "totals": [{**asdict(total), "agrees": total.agrees} for total in comparison.totals],
            "notes": list(comparison.notes),
            "swapped_columns": swapped_frame(comparison.table.name).to_dict("records"),
        } for comparison in comparisons]})


COLUMNS = {"number": "#", "type": "type", "output_shape": "output", "params": "params",
           "status": "status", "calls": "calls", "path": "ours", "our_type": "our type",
           "reason": "reason"}


def to_text(comparisons: Sequence[Comparison]) -> str:
    """The tables for a terminal: rows, totals and sentences of each, and a line for all."""
    rows = sum(len(comparison.matches) for comparison in comparisons)
    accounted = sum(comparison.accounted for comparison in comparisons)
    parts = [_text(comparison) for comparison in comparisons]
    if len(comparisons) > 1:
        parts.append(f"{accounted:,} of {rows:,} rows in {len(comparisons)} tables are accounted "
                     "for.")
    return "\n\n".join(parts)


def _text(comparison: Comparison) -> str:
    table = comparison.table
    shown = frame(comparison)[list(COLUMNS)].fillna("").rename(columns=COLUMNS).astype(str)
    lines = [f"{table.name} · {find_preset(table.network).title} · printed by {table.tool} · "
             f"input {'×'.join(map(str, table.input))}", headline(comparison), "",
             tables.aligned(shown), ""]
    lines += [f"no row: {left.path} ({left.type}, {_shape(left.output_shape)})"
              for left in comparison.missing]
    for total in comparison.totals:
        own = f", ours {total.own}" if total.own else ""
        lines.append(f"{total.name}: printed {total.printed}, recomputed {total.recomputed}{own}")
        lines.append(f"    {total.explanation}")
    lines += ["", *comparison.notes] if comparison.notes else []
    swapped = swapped_frame(table.name)
    return "\n".join(lines if swapped.empty else [*lines, "", tables.aligned(swapped)])
