"""What stands below a published table, recomputed from our trace by the tool's own convention.

torchsummary: MB are 2^20 bytes; the outputs of all rows, doubled, and added in 32 bits where numpy
has no more, as on Windows before its version 2. torchinfo: MB are 10^6 bytes; the
outputs of layers with parameters, doubled; a multiply-add for each weight, bias and position, and
for each parameter of a BatchNorm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.analysis import Summary
from explorer.published.align import CONTAINERS, Ours, Run
from explorer.published.table import MEMORY, PARAMS, Row, Table

BYTES = 4       # of a float32
UNITS = {"torchsummary": (2**20, "2^20", "MiB"), "torchinfo": (10**6, "10^6", "MB")}


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


class Counted(dict[str, tuple[str, str, str]]):
    """For the name of a total: recomputed, our own, explanation."""


def totals(table: Table, summary: Summary, ours: Ours, rows: Sequence[tuple[Row, Run | None]],
           repeated: Sequence[tuple[str, int]]) -> tuple[Total, ...]:
    """Every printed total; `repeated` are the rows where torchinfo counts parameters again, and how
    many."""
    counted = _params(summary, repeated)
    counted |= _memory(table, summary, ours, rows)
    if table.tool == "torchinfo":
        counted |= _mult_adds(summary)
    return tuple(Total(name, printed, *counted.get(name, ("", "", "It is not known how this was "
                                                          "counted.")))
                 for name, printed in table.totals.items())


def _params(summary: Summary, repeated: Sequence[tuple[str, int]]) -> Counted:
    total, trainable, frozen = PARAMS
    once, again = summary.totals.params, sum(count for _, count in repeated)
    learn = summary.totals.trainable_params
    if not again:
        return Counted({
            total: (f"{once:,}", "", f"Every parameter of the network once: {once:,}."),
            trainable: (f"{learn:,}", "", "All of them learn." if learn == once else
                        f"{once:,} less those that are frozen."),
            frozen: (f"{once - learn:,}", "", "None is frozen. The running means and variances of "
                     "BatchNorm are not parameters.")})
    terms = " + ".join(f"{count:,} (row {label})" for label, count in repeated)
    double = (f"{once:,} parameters, each once, + {again:,} counted twice = {once + again:,}. The "
              f"second count is {terms} = {again:,}: containers that share their first layers with "
              "a neighbour, where torchinfo 1.8 adds the shared weights once for each container.")
    return Counted({
        total: (f"{once + again:,}", f"{once:,}", double),
        trainable: (f"{learn + again:,}", f"{learn:,}", "The same double count: "
                    f"{learn:,} + {again:,} = {learn + again:,}."),
        frozen: (f"{once - learn:,}", "", "None is frozen.")})


def _memory(table: Table, summary: Summary, ours: Ours,
            rows: Sequence[tuple[Row, Run | None]]) -> Counted:
    divisor, power, unit = UNITS[table.tool]
    shape = summary.trace.input_shape
    numbers = shape[0] * shape[1] * shape[2] * shape[3]
    given = numbers * BYTES
    held = summary.totals.params if table.tool == "torchsummary" else summary.totals.params_used
    weights, all_weights = held * BYTES, summary.totals.param_bytes
    count, what = _outputs(table, ours, rows)
    wrapped = count if table.tool == "torchinfo" else abs(_in_32_bits(count))
    passed = 2 * BYTES * wrapped
    if wrapped != count:
        what += (f" Their sum, {count:,}, is past what 32 bits hold, and torchsummary printed what "
                 f"was left: {count:,} - 2^32 = -{wrapped:,}, without the sign. In full it would "
                 f"be {2 * BYTES * count / divisor:.2f}.")
    peak = summary.totals.peak_activation_bytes
    name = f"{unit}, which torchsummary calls MB" if unit == "MiB" else unit

    def shown(size: int) -> str:
        return f"{size / divisor:.2f}"

    unused = summary.totals.params - held
    input_size, pass_size, params_size, total_size = MEMORY
    return Counted({
        input_size: (shown(given), "", " × ".join(map(str, shape)) + f" numbers × {BYTES} bytes = "
                     f"{given:,} bytes; / {power} = {shown(given)} {name}."),
        pass_size: (
            shown(passed), f"{shown(peak)} at the peak",
            f"2 × {BYTES} bytes × {wrapped:,} numbers = {passed:,} bytes; / {power} = "
            f"{shown(passed)} {name}. {what} The 2 is for gradients, though nothing is trained "
            f"here. No run needs this memory: in evaluation at most {peak:,} bytes of activations "
            f"({shown(peak)} {unit}) are alive at once."),
        params_size: (
            shown(weights), shown(all_weights) if unused else "",
            f"{held:,} parameters × {BYTES} bytes = {weights:,} bytes; / {power} = "
            f"{shown(weights)} {name}."
            + (f" Those that do not run are left out here: {summary.totals.params:,} - {unused:,} "
               f"= {held:,}." if unused else "")),
        total_size: (
            shown(given + passed + weights), f"{shown(peak + all_weights)} at the peak",
            f"{shown(given)} + {shown(passed)} + {shown(weights)}: the three above, added before "
            f"they are rounded, = {shown(given + passed + weights)} {unit}. A pass in evaluation "
            f"needs all weights and the activations at their peak, the input among them: "
            f"{shown(all_weights)} + {shown(peak)} = {shown(peak + all_weights)} {unit}.")})


def _outputs(table: Table, ours: Ours, rows: Sequence[tuple[Row, Run | None]]) -> tuple[int, str]:
    """The numbers that a tool takes for the outputs of a pass, and a sentence that says which."""
    if table.tool == "torchinfo":
        calls = [call for call in ours.calls if call.parameters]
        count = sum(ours.elements(ours.run_of(call.index)) for call in calls)
        return count, (f"The numbers are the outputs of the {len(calls)} calls of layers that have "
                       "parameters; what other layers give is left out.")
    layers, containers, blocks, halves = 0, 0, 0, 0
    for row, run in rows:
        size = ours.elements(run) if run is not None else 0
        if run is not None and row.type == "HSigmoid" and run.type == "Hardswish":
            halves += size
        if row.type in CONTAINERS:
            containers, blocks = containers + size, blocks + 1
        else:
            layers += size
    said = f"The numbers are the outputs of all {len(rows)} rows, in-place ones too"
    if blocks:
        said += (f": {layers:,} of layers, and {containers:,} of the {blocks} blocks, each of "
                 "which is its last layer's, addition's or product's output once more")
    if halves:
        said += (f". Of the layers', {halves:,} are of the HSigmoid in each HSwish, which give a "
                 "hard-swish's output twice")
    return layers + containers, said + "."


def _in_32_bits(count: int) -> int:
    """
    >>> _in_32_bits(2**31)
    -2147483648
    """
    return (count + 2**31) % 2**32 - 2**31


def _mult_adds(summary: Summary) -> Counted:
    """torchinfo: every parameter of a convolution at every position, of others once an image."""
    macs = summary.totals.macs
    batch = summary.trace.input_shape[0]
    biases, norms = 0, 0
    for call in summary.trace.calls:
        numel = sum(summary.trace.parameters[name].numel for name in call.parameters)
        if call.operator in ("conv2d", "linear"):
            biases += call.effect.elementwise_ops or 0
        else:
            norms += batch * numel
    total = macs + biases + norms
    return Counted({"Total mult-adds (G)": (
        f"{total / 1e9:.2f}", f"{macs / 1e9:.2f}",
        f"{macs:,} of convolutions and linear layers + {biases:,} for their biases + {norms:,} for "
        f"BatchNorm, one for each of its parameters and image = {total:,}; / 10^9 = "
        f"{total / 1e9:.2f}.")})
