"""What a fit has found, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from explorer import text
from explorer.sweeping import Fit, Limit, Record
from explorer.timing import quiet

NAMES = {"params": "parameters", "macs": "multiply-adds", "peak_memory": "peak activations",
         "saved_memory": "saved for backward", "receptive_field": "receptive field",
         "layers": "layers", "latency": "latency"}


def fit_text(fit: Fit) -> str:
    """What was found, with both sides of the limit."""
    limits = " and ".join([f"{NAMES[limit.figure]} of at most {_amount(limit, limit.most)}"
                           for limit in fit.limits])
    if fit.best is None:
        lines = [f"No value has {limits}."]
        if fit.beyond:
            lines.append(_line("smallest", fit.beyond, fit.limits))
    else:
        lines = [f"Largest with {limits}:", _line("holds", fit.best, fit.limits)]
        lines += [_line("does not", fit.beyond, fit.limits)] if fit.beyond else \
            [] if len(fit.axes) > 1 else ["It is the largest value of the knob."]
    if fit.below:
        lines.append("A smaller value does not hold:\n"
                     + _line("does not", fit.below, fit.limits))
    elif not fit.rising:
        lines.append("A larger value does not always cost more here. Each value was looked at.")
    return "\n".join([*lines, f"{fit.counted:,} configs were looked at."])


def _line(word: str, record: Record, limits: Sequence[Limit]) -> str:
    if record.totals is None:
        return f"  {word:9} {record.key}: {record.error}"
    return f"  {word:9} {record.key}: " + ", ".join(
        [f"{NAMES[limit.figure]} {_amount(limit, value)}"
         for limit in limits if (value := record.figure(limit.figure)) is not None]) + (
        " (disturbed: measure again)" if record.timing and not quiet(record.timing) else "")


def _amount(limit: Limit, value: float) -> str:
    return text.seconds(value) if limit.figure == "latency" else \
        f"{value:,.0f}{' B' if limit.figure.endswith('memory') else ''}"


def fit_json(fit: Fit) -> str:
    def record(found: Record | None) -> dict[str, Any] | None:
        return None if found is None else {
            "key": found.key, "error": found.error,
            "totals": found.totals and asdict(found.totals),
            "median_s": found.timing and found.timing.median_s,
            "disturbed": found.timing and not quiet(found.timing)}

    return json.dumps({"limits": {limit.figure: limit.most for limit in fit.limits},
                       "best": record(fit.best), "beyond": record(fit.beyond),
                       "below": record(fit.below), "rising": fit.rising, "counted": fit.counted})
