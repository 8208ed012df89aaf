"""Networks timed in turn, beside their comparison."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from explorer import text
from explorer.comparison import Comparison
from explorer.structure.alignment import Aligned
from explorer.timing import TurnTimes, quiet


def part_seconds(part: Aligned, times: TurnTimes) -> tuple[float, ...]:
    """What the layers of a part take, for each network; `times` has every layer's."""
    assert times.layers is not None
    return tuple([sum([of_network[layer.call.index] for one in group for layer in one.layers])
                  for group, of_network in zip(part.groups, times.layers, strict=True)])


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


def times_add_up(comparison: Comparison, times: TurnTimes) -> str:
    """What the times of the parts add up to, beside those of the whole passes."""
    said = [f"{text.seconds(layers)} where the pass of {name} takes {text.seconds(whole)}"
            for name, layers, whole in zip(
                comparison.names, part_seconds(comparison.aligned, times), times.medians,
                strict=True)]
    return f"The times of the parts add up to {text.enumeration(said)}: each layer is timed in " \
        "passes of its own."
