"""Published tables beside ours as text, CSV, JSON and DataFrames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from explorer.language import Text, say, spoken
from explorer.networks.catalogue import find_preset
from explorer.published import Match, PublishedComparison
from explorer.published.matching import Left
from explorer.published.notes import SwappedRow, swapped_rows
from explorer.text import listing
from explorer.tracing.operators import Shape
from explorer.views import tables

ACCOUNTED, UNACCOUNTED = "accounted", "unaccounted"
STATUS = {ACCOUNTED: Text("accounted"), UNACCOUNTED: Text("unaccounted")}
"""As a page says them."""


def status(accounted: bool) -> str:
    return ACCOUNTED if accounted else UNACCOUNTED


def headline(comparison: PublishedComparison) -> str:
    """How much of a table is accounted for, in a sentence."""
    count, expected = len(comparison.matches), comparison.table.expected_rows
    said = say("{accounted} of {count} rows are accounted for",
               accounted=f"{comparison.accounted:,}", count=f"{count:,}")
    if count != expected:
        said = say("{before}; the tool printed {rows}", before=said, rows=f"{expected:,}")
    if comparison.missing:
        said = say("{before}; {rows} of ours have no row", before=said,
                   rows=f"{len(comparison.missing):,}")
    wrong = [total.name for total in comparison.totals if not total.agrees]
    return say("{before}; not explained: {totals}.", before=said, totals=listing(wrong)) if wrong \
        else say("{before}, and every total is explained.", before=said)


def records(comparison: PublishedComparison) -> list[dict[str, Any]]:
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
        "last_call": run and run.stop - 1,
        "path": run and run.path,
        "our_type": run and run.type,
        "our_output_shape": _shape(match.output_shape),
        "our_params": match.params,
        "reason": str(match.reason),
    }


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else "x".join(map(str, shape))


def frame(comparison: PublishedComparison) -> pd.DataFrame:
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
    start, last = match.run.start, match.run.stop - 1
    return str(start) if start == last else f"{start}–{last}"


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


def to_csv(comparisons: Sequence[PublishedComparison]) -> str:
    """Every row with the table it is from; the same columns for all tables."""
    with spoken("en"):
        result = pd.DataFrame([record for comparison in comparisons
                               for record in records(comparison)])
    for name in ("depth", "first_call", "last_call"):
        result[name] = result[name].astype("Int64")
    return result.to_csv(index=False, lineterminator="\n")


def to_json(comparisons: Sequence[PublishedComparison]) -> str:
    """Tables with their rows, totals, explanations, and what has no row."""
    return json.dumps({
        "rows": sum(len(comparison.matches) for comparison in comparisons),
        "accounted": sum(comparison.accounted for comparison in comparisons),
        "tables": [{
            "name": comparison.table.name,
            "network": comparison.table.network,
            "tool": comparison.table.tool,
            "input": list(comparison.table.input),
            "complete": comparison.complete,
            "rows": records(comparison),
            "missing": [_left(left) for left in comparison.missing],
            "without_a_row": [_left(left) for left in comparison.unseen],
            "totals": [{"name": total.name, "printed": total.printed,
                        "recomputed": total.recomputed, "own": str(total.own),
                        "explanation": total.explanation, "agrees": total.agrees}
                       for total in comparison.totals],
            "notes": list(comparison.notes),
            "swapped_columns": swapped_frame(comparison.table.name).to_dict("records"),
        } for comparison in comparisons]})


def _left(left: Left) -> dict[str, Any]:
    return {"path": left.path, "type": left.type, "output_shape": left.output_shape,
            "reason": str(left.reason)}


COLUMNS = {"number": "#", "type": "type", "output_shape": "output", "params": "params",
           "status": "status", "calls": "calls", "path": "ours", "our_type": "our type",
           "reason": "reason"}


def to_text(comparisons: Sequence[PublishedComparison]) -> str:
    """The tables for a terminal: rows, totals and sentences of each, and a line for all."""
    rows = sum(len(comparison.matches) for comparison in comparisons)
    accounted = sum(comparison.accounted for comparison in comparisons)
    parts = [_text(comparison) for comparison in comparisons]
    if len(comparisons) > 1:
        parts.append(f"{accounted:,} of {rows:,} rows in {len(comparisons)} tables are accounted "
                     "for.")
    return "\n\n".join(parts)


def _text(comparison: PublishedComparison) -> str:
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
