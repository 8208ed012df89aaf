"""What stands below a published table, recomputed from our trace by the tool's own convention, and
how each figure comes about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.analysis import Totals
from explorer.conventions import MIB, torchinfo, torchsummary
from explorer.conventions.reports import (
    ELEMENT_BYTES,
    MEMORY_LINES,
    PARAMS_LINES,
    Footer,
    Seen,
)
from explorer.published.align import CONTAINERS
from explorer.published.matching import Match
from explorer.published.table import PublishedTable


@dataclass(frozen=True)
class Total:
    """One printed total."""

    name: str
    printed: str
    recomputed: str
    """From our trace, as the tool counts."""
    own: str
    """What we say to the same question; empty where that is the same."""
    explanation: str
    """How the printed figure comes about, with its arithmetic."""

    @property
    def agrees(self) -> bool:
        """To the last printed digit."""
        return self.printed == self.recomputed


Said = dict[str, tuple[str, str]]
"""For the name of a total: our own figure, and the explanation."""


def totals(table: PublishedTable, seen: Seen, matches: Sequence[Match]) -> tuple[Total, ...]:
    """Every printed total."""
    if table.tool == "torchinfo":
        footer, mult_adds = torchinfo.footer(seen), torchinfo.mult_adds(seen)
        lines = {**footer.lines(), torchinfo.MULT_ADDS_LINE: mult_adds.printed}
        said = {**_memory(seen, footer, _outputs_of_layers(seen)), **_mult_adds(mult_adds)}
    else:
        numbers = sum(_numbers(match) for match in matches)
        footer = torchsummary.footer(seen, torchsummary.added_in_32_bits(numbers))
        lines = footer.lines()
        said = _memory(seen, footer, _outputs_of_rows(matches) + _cut_off(footer, numbers))
    said |= _params(seen.totals, footer, matches)
    result = []
    for name, printed in table.totals.items():
        own, explanation = said.get(name, ("", "How this was counted is not known."))
        result.append(Total(name=name, printed=printed, recomputed=lines.get(name, ""), own=own,
                            explanation=explanation))
    return tuple(result)


def _params(ours: Totals, footer: Footer, matches: Sequence[Match]) -> Said:
    total, trainable, frozen = PARAMS_LINES
    once, again, learn = ours.params, footer.params - ours.params, ours.trainable_params
    if not again:
        return {
            total: ("", f"Every parameter of the network once: {once:,}."),
            trainable: ("", "All of them are trained." if learn == once else
                        f"{once:,} minus those that are frozen."),
            frozen: ("", "None is frozen. The running means and variances of BatchNorm are not "
                     "parameters.")}
    terms = " + ".join(f"{match.again:,} (row {match.row.label})" for match in matches
                       if match.again)
    double = (f"{once:,} parameters, each once, + {again:,} counted twice = {once + again:,}. The "
              f"second count is {terms} = {again:,}: containers that share their first layers with "
              "a neighbour, where torchinfo 1.8 adds the shared weights once for each container.")
    return {
        total: (f"{once:,}", double),
        trainable: (f"{learn:,}", "The same double count: "
                    f"{learn:,} + {again:,} = {learn + again:,}."),
        frozen: ("", "None is frozen.")}


def _memory(seen: Seen, footer: Footer, outputs: str) -> Said:
    """`outputs` says which numbers are taken for the outputs of a pass."""
    power, unit, name = ("2^20", "MiB", "MiB, which torchsummary calls MB") \
        if footer.unit == MIB else ("10^6", "MB", "MB")
    shown, ours = footer.megabytes, seen.totals
    peak, shape = ours.peak_activation_bytes, seen.trace.input_shape
    held = footer.params_size // ELEMENT_BYTES
    unused = ours.params - held
    input_size, pass_size, params_size, total_size = MEMORY_LINES
    return {
        input_size: ("", " × ".join(map(str, shape)) + f" numbers × {ELEMENT_BYTES} bytes = "
                     f"{footer.input_size:,} bytes; / {power} = {shown(footer.input_size)} "
                     f"{name}."),
        pass_size: (
            f"{shown(peak)} at the peak",
            f"2 × {ELEMENT_BYTES} bytes × {footer.pass_size // (2 * ELEMENT_BYTES):,} numbers = "
            f"{footer.pass_size:,} bytes; / {power} = {shown(footer.pass_size)} {name}. {outputs} "
            f"The 2 is for gradients, though nothing is trained here. No forward pass needs this "
            f"memory: in evaluation at most {peak:,} bytes of activations ({shown(peak)} {unit}) "
            "are in use at once."),
        params_size: (
            shown(ours.param_bytes) if unused else "",
            f"{held:,} parameters × {ELEMENT_BYTES} bytes = {footer.params_size:,} bytes; / "
            f"{power} = {shown(footer.params_size)} {name}."
            + (f" Those that do not run are left out here: {ours.params:,} - {unused:,} = "
               f"{held:,}." if unused else "")),
        total_size: (
            f"{shown(peak + ours.param_bytes)} at the peak",
            f"{shown(footer.input_size)} + {shown(footer.pass_size)} + "
            f"{shown(footer.params_size)}: the three above, added before they are rounded, = "
            f"{shown(footer.total_size)} {unit}. A pass in evaluation needs all weights and the "
            f"activations at their peak, the input among them: {shown(ours.param_bytes)} + "
            f"{shown(peak)} = {shown(peak + ours.param_bytes)} {unit}.")}


def _outputs_of_layers(seen: Seen) -> str:
    """Which outputs torchinfo adds."""
    return (f"The numbers are the outputs of the {len(torchinfo.counted_leaves(seen))} calls of "
            "layers that have parameters; what other layers give is left out.")


def _outputs_of_rows(matches: Sequence[Match]) -> str:
    """Which outputs torchsummary adds."""
    blocks = [_numbers(match) for match in matches if match.row.type in CONTAINERS]
    layers = sum(_numbers(match) for match in matches) - sum(blocks)
    halves = sum(_numbers(match) for match in matches
                 if match.row.type == "HSigmoid" and match.run and match.run.type == "Hardswish")
    said = f"The numbers are the outputs of all {len(matches)} rows, in-place ones too"
    if blocks:
        said += (f": {layers:,} of layers, and {sum(blocks):,} of the {len(blocks)} blocks, each "
                 "of which is its last layer's, addition's or product's output once more")
    if halves:
        said += (f". Of the layers', {halves:,} are of the HSigmoid in each HSwish, which give a "
                 "hard-swish's output twice")
    return said + "."


def _cut_off(footer: Footer, numbers: int) -> str:
    """What is said where the sum of `numbers` is more than 32 bits hold; "" where it is not."""
    printed = footer.pass_size // (2 * ELEMENT_BYTES)
    if printed == numbers:
        return ""
    return (f" Their sum, {numbers:,}, is too large for 32 bits, and torchsummary printed what "
            f"was left: {numbers:,} - 2^32 = -{printed:,}, without the sign. In full it would be "
            f"{footer.megabytes(2 * ELEMENT_BYTES * numbers)}.")


def _numbers(match: Match) -> int:
    """In the output of what a row stands for."""
    return sum(map(math.prod, match.run.output_shapes)) if match.run else 0


def _mult_adds(counted: torchinfo.MultAdds) -> Said:
    """Every parameter of a convolution at every position, of others once an image."""
    macs, biases = counted.macs, counted.conv_bias + counted.linear_bias
    return {torchinfo.MULT_ADDS_LINE: (
        f"{macs / 1e9:.2f}",
        f"{macs:,} of convolutions and linear layers + {biases:,} for their biases + "
        f"{counted.norm:,} for BatchNorm, one for each of its parameters and image = "
        f"{counted.total:,}; / 10^9 = {counted.printed}.")}
