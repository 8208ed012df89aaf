"""What is said of a whole comparison."""

from __future__ import annotations

from explorer import text
from explorer.comparison import Comparison, changes, headline
from explorer.comparison.words import counted
from explorer.language import say


def sentences(comparison: Comparison) -> list[str]:
    """The most telling difference of each network to the first and what it is made of instead, what
    ends early, and what reads something else than the others."""
    return [*ends_early(comparison), *inputs(comparison), *[
        text.sentences(said) for said in headlines(comparison)]]


def inputs(comparison: Comparison) -> list[str]:
    """That the networks are not given the same, where they are not: a sentence for all."""
    shapes = [network.summary.trace.input_shape for network in comparison.networks]
    if len(set(shapes)) == 1:
        return []
    given = text.enumeration([f"{name} {text.shape(shape)}" for name, shape in
                              zip(comparison.names, shapes, strict=True)])
    more = len({shape[0] for shape in shapes}) > 1
    return [text.sentences([
        say("They are given different inputs: {inputs}.", inputs=given),
        say("What is counted for a pass is for all of its batch.") if more else ""])]


def headlines(comparison: Comparison) -> list[tuple[str, str]]:
    """The most telling difference of each network but the first to that, and what it is made of
    instead."""
    return [(headline(comparison, other), changes(comparison, other))
            for other in range(1, len(comparison.networks))]


def ends_early(comparison: Comparison) -> list[str]:
    """A sentence for each network whose pass does not reach its end."""
    return [say("{network} is compared as far as its pass gets: {why}", network=name,
                why=network.failure)
            for name, network in zip(comparison.names, comparison.networks, strict=True)
            if network.failure]


def adds_up(comparison: Comparison) -> list[str]:
    """That the differences of the parts are those of the networks, with the sums."""
    said = []
    for number in range(1, len(comparison.networks)):
        params, macs = [comparison.totals(figure)[number] - comparison.totals(figure)[0]
                        for figure in ("params", "macs")]
        sums = text.enumeration([
            say("{amount} parameters used", amount=text.difference(params)),
            counted(text.difference(macs), "macs")])
        said.append(say("The differences of the parts add up to {sums} for {network}."
                        if len(comparison.networks) > 2 else
                        "The differences of the parts add up to {sums}.", sums=sums,
                        network=comparison.names[number]))
    return said
