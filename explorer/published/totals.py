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
from explorer.language import Text
from explorer.published.align import CONTAINERS
from explorer.published.matching import Match
from explorer.published.table import PublishedTable
from explorer.text import sentences


@dataclass(frozen=True)
class Total:
    """One printed total."""

    name: str
    printed: str
    recomputed: str
    """From our trace, as the tool counts."""
    own: str | Text
    """What we say to the same question; empty where that is the same."""
    how: tuple[Text, ...]

    @property
    def explanation(self) -> str:
        """How the printed figure comes about, with its arithmetic."""
        return sentences(self.how)

    @property
    def agrees(self) -> bool:
        """To the last printed digit."""
        return self.printed == self.recomputed


Said = dict[str, tuple[str | Text, tuple[Text, ...]]]
"""For the name of a total: our own figure, and the sentences that explain it."""


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
        said = _memory(seen, footer, (*_outputs_of_rows(matches), *_cut_off(footer, numbers)))
    said |= _params(seen.totals, footer, matches)
    result = []
    for name, printed in table.totals.items():
        own, how = said.get(name, ("", (Text("How this was counted is not known."),)))
        result.append(Total(name=name, printed=printed, recomputed=lines.get(name, ""), own=own,
                            how=how))
    return tuple(result)


def _params(ours: Totals, footer: Footer, matches: Sequence[Match]) -> Said:
    total, trainable, frozen = PARAMS_LINES
    once, again, learn = ours.params, footer.params - ours.params, ours.trainable_params
    if not again:
        return {
            total: ("", (Text("Every parameter of the network once: {count}.",
                              count=f"{once:,}"),)),
            trainable: ("", (Text("All of them are trained.") if learn == once else
                             Text("{count} minus those that are frozen.", count=f"{once:,}"),)),
            frozen: ("", (Text("None is frozen. The running means and variances of BatchNorm are "
                               "not parameters."),))}
    double = Text(
        "{once} parameters, each once, + {again} counted twice = {sum}. The second count is "
        "{terms} = {again}: containers that share their first layers with a neighbour, where "
        "torchinfo 1.8 adds the shared weights once for each container.", once=f"{once:,}",
        again=f"{again:,}", sum=f"{once + again:,}",
        terms=_sum([Text("{count} (row {row})", count=f"{match.again:,}", row=match.row.label)
                    for match in matches if match.again]))
    return {
        total: (f"{once:,}", (double,)),
        trainable: (f"{learn:,}", (Text("The same double count: {sum}.",
                                        sum=f"{learn:,} + {again:,} = {learn + again:,}"),)),
        frozen: ("", (Text("None is frozen."),))}


def _sum(terms: Sequence[Text]) -> Text:
    names = [f"term{number}" for number in range(len(terms))]
    return Text(" + ".join(f"{{{name}}}" for name in names),
                **dict(zip(names, terms, strict=True)))


def _memory(seen: Seen, footer: Footer, outputs: Sequence[Text]) -> Said:
    """`outputs` says which numbers are taken for the outputs of a pass."""
    power, unit, name = ("2^20", "MiB", Text("MiB, which torchsummary calls MB")) \
        if footer.unit == MIB else ("10^6", "MB", "MB")
    shown, ours = footer.megabytes, seen.totals
    peak, shape = ours.peak_activation_bytes, seen.trace.input_shape
    held = footer.params_size // ELEMENT_BYTES
    unused = ours.params - held
    input_size, pass_size, params_size, total_size = MEMORY_LINES
    return {
        input_size: ("", (Text(
            "{shape} numbers × {each} bytes = {bytes} bytes; / {power} = {size} {unit}.",
            shape=" × ".join(map(str, shape)), each=ELEMENT_BYTES,
            bytes=f"{footer.input_size:,}", power=power, size=shown(footer.input_size),
            unit=name),)),
        pass_size: (Text("{size} at the peak", size=shown(peak)), (
            Text("2 × {each} bytes × {count} numbers = {bytes} bytes; / {power} = {size} {unit}.",
                 each=ELEMENT_BYTES, count=f"{footer.pass_size // (2 * ELEMENT_BYTES):,}",
                 bytes=f"{footer.pass_size:,}", power=power, size=shown(footer.pass_size),
                 unit=name),
            *outputs,
            Text("The 2 is for gradients, though nothing is trained here. No forward pass needs "
                 "this memory: in evaluation at most {bytes} bytes of activations ({size} {unit}) "
                 "are in use at once.", bytes=f"{peak:,}", size=shown(peak), unit=unit))),
        params_size: (shown(ours.param_bytes) if unused else "", (
            Text("{count} parameters × {each} bytes = {bytes} bytes; / {power} = {size} {unit}.",
                 count=f"{held:,}", each=ELEMENT_BYTES, bytes=f"{footer.params_size:,}",
                 power=power, size=shown(footer.params_size), unit=name),
            *([Text("Those that do not run are left out here: {sum}.",
                    sum=f"{ours.params:,} - {unused:,} = {held:,}")] if unused else []))),
        total_size: (Text("{size} at the peak", size=shown(peak + ours.param_bytes)), (
            Text("{sum}: the three above, added before they are rounded, = {size} {unit}.",
                 sum=" + ".join(map(shown, (footer.input_size, footer.pass_size,
                                            footer.params_size))),
                 size=shown(footer.total_size), unit=unit),
            Text("A pass in evaluation needs all weights and the activations at their peak, the "
                 "input among them: {params} + {peak} = {size} {unit}.",
                 params=shown(ours.param_bytes), peak=shown(peak),
                 size=shown(peak + ours.param_bytes), unit=unit)))}


def _outputs_of_layers(seen: Seen) -> tuple[Text, ...]:
    """Which outputs torchinfo adds."""
    return (Text("The numbers are the outputs of the {count} calls of layers that have parameters; "
                 "what other layers give is left out.",
                 count=len(torchinfo.counted_leaves(seen))),)


def _outputs_of_rows(matches: Sequence[Match]) -> tuple[Text, ...]:
    """Which outputs torchsummary adds."""
    blocks = [_numbers(match) for match in matches if match.row.type in CONTAINERS]
    layers = sum(_numbers(match) for match in matches) - sum(blocks)
    halves = sum(_numbers(match) for match in matches
                 if match.row.type == "HSigmoid" and match.run and match.run.type == "Hardswish")
    said = [Text(
        "The numbers are the outputs of all {rows} rows, in-place ones too: {layers} of layers, "
        "and {outputs} of the {blocks} blocks, each of which is its last layer's, addition's or "
        "product's output once more.", rows=len(matches), layers=f"{layers:,}",
        outputs=f"{sum(blocks):,}", blocks=len(blocks)) if blocks else
        Text("The numbers are the outputs of all {rows} rows, in-place ones too.",
             rows=len(matches))]
    if halves:
        said.append(Text("Of the layers', {count} are of the HSigmoid in each HSwish, which give a "
                         "hard-swish's output twice.", count=f"{halves:,}"))
    return tuple(said)


def _cut_off(footer: Footer, numbers: int) -> tuple[Text, ...]:
    """What is said where the sum of `numbers` is more than 32 bits hold."""
    printed = footer.pass_size // (2 * ELEMENT_BYTES)
    if printed == numbers:
        return ()
    return (Text(
        "Their sum, {numbers}, is too large for 32 bits, and torchsummary printed what was left: "
        "{numbers} - 2^32 = -{printed}, without the sign. In full it would be {size}.",
        numbers=f"{numbers:,}", printed=f"{printed:,}",
        size=footer.megabytes(2 * ELEMENT_BYTES * numbers)),)


def _numbers(match: Match) -> int:
    """In the output of what a row stands for."""
    return sum(map(math.prod, match.run.output_shapes)) if match.run else 0


def _mult_adds(counted: torchinfo.MultAdds) -> Said:
    """Every parameter of a convolution at every position, of others once an image."""
    macs, biases = counted.macs, counted.conv_bias + counted.linear_bias
    return {torchinfo.MULT_ADDS_LINE: (
        f"{macs / 1e9:.2f}",
        (Text("{macs} of convolutions and linear layers + {biases} for their biases + {norm} for "
              "BatchNorm, one for each of its parameters and image = {total}; / 10^9 = {printed}.",
              macs=f"{macs:,}", biases=f"{biases:,}", norm=f"{counted.norm:,}",
              total=f"{counted.total:,}", printed=counted.printed),))}
