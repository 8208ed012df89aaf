"""What is said of a whole comparison."""

from __future__ import annotations

from explorer import text
from explorer.comparison import Comparison, headline


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
