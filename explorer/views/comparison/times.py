"""Networks timed in turn, beside their comparison."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from explorer import text
from explorer.comparison import Comparison
from explorer.language import say
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
            "warnings": [*map(str, times.warnings)], "conditions": asdict(times.conditions)}


def times_lines(comparison: Comparison, times: TurnTimes) -> list[str]:
    """What was measured in turn, in sentences; nothing is concluded where it was disturbed."""
    names = comparison.names
    said = [say("Timed in turn on {device}, {dtype}, {rounds} rounds: {medians}.",
                device=times.conditions.device_name, dtype=times.conditions.dtype,
                rounds=times.rounds, medians=text.enumeration(
                    [f"{name} {text.seconds(median)}"
                     for name, median in zip(names, times.medians, strict=True)]))]
    if not quiet(times):
        return [*said, *map(str, times.warnings), say("No ratio is drawn from it.")]
    for other in range(1, len(names)):
        ratio = times.ratio(other)
        said.append(say("{network} takes {ratio} times as long as {first}: {least} to {most} in "
                        "eight of ten rounds.", network=names[other], first=names[0],
                        ratio=f"{ratio.median:.3g}", least=f"{ratio.p10:.3g}",
                        most=f"{ratio.p90:.3g}"))
    return said


def times_add_up(comparison: Comparison, times: TurnTimes) -> str:
    """What the times of the parts add up to, beside those of the whole passes."""
    said = [say("{layers} where the pass of {network} takes {whole}",
                layers=text.seconds(layers), network=name, whole=text.seconds(whole))
            for name, layers, whole in zip(
                comparison.names, part_seconds(comparison.aligned, times), times.medians,
                strict=True)]
    return say("The times of the parts add up to {sums}: each layer is timed in passes of its own.",
               sums=text.enumeration(said))
