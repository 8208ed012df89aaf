"""torchinfo 1.8.0, `summary(network, input_size=...)`.

- A tree with a row for every run of a module, a container's before those of its parts.
- Param #: of a layer all, of a container what it has beyond the rows under it: modules that do not
  run, and shared ones again. "(recursive)" where the module has a row already.
- Total params: the sum of all rows. Params size: that of the layers alone.
- Total mult-adds, of layers: for one whose name has "Conv" its weight and bias times the positions
  and images of its output; for any other its weight and bias times the images, or the first side of
  its output, whatever that is; for a recurrent one its weights and biases times the steps.
  Parameters of other names are none to it.
- Forward/backward pass size: twice the outputs of layers with parameters. MB is 10^6 bytes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from explorer.conventions.reports import (
    ELEMENT_BYTES,
    MB,
    MEMORY_LINES,
    PARAMS_LINES,
    Footer,
    LeafRun,
    NotComputed,
    Seen,
    Term,
    ToolReport,
    named,
)
from explorer.language import Text, say

NO_PARAMS: Literal["--"] = "--"
RECURSIVE: Literal["(recursive)"] = "(recursive)"
"""What it prints for a module that it has listed before."""
Cell = int | Literal["--", "(recursive)"]
MULT_ADDS_LINE = "Total mult-adds (G)"
LINES = (*PARAMS_LINES, MULT_ADDS_LINE, *MEMORY_LINES)
"""What it prints below its table, with 10^9 multiply-adds or more."""


def report(seen: Seen) -> ToolReport:
    def params() -> list[Term]:
        again = footer(seen).params - seen.totals.params
        return [Term(again, say("Counts {count} parameters again: a module that several containers "
                                "share is counted once for each of them.", count=f"{again:,}"))]

    def outputs() -> str:
        numbers = sum(leaf.outputs for leaf in counted_leaves(seen))
        return say("Adds the outputs of all layers that have parameters, and doubles the sum for "
                   "gradients, in evaluation too: 2 × 4 × {numbers}", numbers=f"{numbers:,}")
    return ToolReport("torchinfo", "1.8.0", (
        seen.figure("parameters", "Total params", params),
        seen.operations("Total mult-adds", lambda: _terms(seen)),
        *seen.memory(lambda: footer(seen), MB, outputs)))


def _terms(seen: Seen) -> tuple[list[Term], set[int]]:
    counted, images = mult_adds(seen), seen.batch
    per_image = counted.norm // images
    whole = images > 1 and counted.norm == images * per_image
    return [
        Term(counted.conv_bias, say(
            "Adds the biases of convolutions, one for each output: {count}.",
            count=f"{counted.conv_bias:,}")),
        Term(counted.transposed, say(
            "Counts transposed convolutions as ordinary ones, with all weights at each position of "
            "the output: {count}.", count=f"{counted.transposed:+,}")),
        Term(counted.linear_bias, say(
            "Adds the biases of linear layers, once for each image: {count}.",
            count=f"{counted.linear_bias:,}")),
        Term(-counted.positions, say(
            "Counts linear layers once for each image, however many positions they work on: leaves "
            "out {count}.", count=f"{counted.positions:,}")),
        Term(counted.recurrent, say(
            "Counts recurrent layers as their number of parameters at each step, with the biases: "
            "{count}.", count=f"{counted.recurrent:+,}")),
        Term(counted.norm, say(
            "Adds BatchNorm as its number of parameters, as if it worked on one position of each "
            "image: {sum}.",
            sum=f"{images:,} × {per_image:,} = {counted.norm:,}" if whole
            else f"{counted.norm:,}")),
        Term(counted.other, say(
            "Adds other layers as their number of parameters: {count}.",
            count=f"{counted.other:,}"))], {
        call.index for leaf in counted_leaves(seen) for call in leaf.calls if leaf.macs}


@dataclass(frozen=True, slots=True)
class MultAdds:
    """What it counts as multiply-adds, apart by what they are of."""

    macs: int = 0
    """Those of layers without bias, which are all that there are."""
    conv_bias: int = 0
    transposed: int = 0
    """What it counts beyond those of convolutions, biases apart."""
    linear_bias: int = 0
    positions: int = 0
    """What it leaves out of linear layers that work on more than one position."""
    recurrent: int = 0
    """What it counts beyond those of recurrent layers."""
    norm: int = 0
    """Of BatchNorm its parameters for each image."""
    other: int = 0

    @property
    def total(self) -> int:
        return self.macs + self.conv_bias + self.transposed + self.linear_bias - self.positions \
            + self.recurrent + self.norm + self.other

    @property
    def printed(self) -> str:
        """
        >>> MultAdds(1_814_073_344, linear_bias=1_000, norm=9_600).printed
        '1.81'
        """
        return f"{self.total / 1e9:.2f}"


def counted_leaves(seen: Seen) -> list[LeafRun]:
    """The runs of layers whose multiply-adds and outputs it counts: those with parameters."""
    seen.several_modules()
    found = [leaf for leaf in seen.leaves if leaf.parameters]
    for leaf in found:
        if not leaf.alone and leaf.kind not in _FIRST_OF_SEVERAL:
            raise NotComputed(Text("{layer} does not return one tensor, and a trace does not tell "
                                   "which the tool looks at.", layer=named(leaf)))
    return found


_FIRST_OF_SEVERAL = {"LSTM", "GRU", "RNN", "LSTMCell"}
"""Layers with several outputs, of which it looks at the first."""


def mult_adds(seen: Seen) -> MultAdds:
    counts: Counter[str] = Counter()
    for leaf in counted_leaves(seen):
        weight, bias, recurrent = _factors(seen, leaf)
        counts["macs"] += leaf.macs
        if recurrent:
            counts["recurrent"] += weight + bias - leaf.macs
        elif not leaf.macs:
            counts["norm" if leaf.type.startswith("BatchNorm") else "other"] += weight + bias
        elif "Conv" in leaf.type:
            counts["conv_bias"] += bias
            counts["transposed"] += weight - leaf.macs
        else:
            counts["linear_bias"] += bias
            counts["positions"] += leaf.macs - weight
    return MultAdds(**counts)


def _factors(seen: Seen, leaf: LeafRun) -> tuple[int, int, bool]:
    """What it counts for the weight of a layer and for its bias; and whether the layer is one with
    more of both, as a recurrent one has."""
    weight = bias = 0
    recurrent = False
    output = leaf.output_shapes[0] if leaf.output_shapes else ()
    for name, full in seen.own(leaf.path).items():
        size = seen.size([full])
        if name.endswith("_orig"):
            raise NotComputed(Text("{layer} is pruned or normalised, and the tool reads a mask.",
                                   layer=named(leaf)))
        if name in ("weight", "bias"):
            if not output:
                raise NotComputed(Text("The tool looks at the first side of what {layer} returns, "
                                       "and there is none.", layer=named(leaf)))
            size *= math.prod((output[0], *output[2:])) if "Conv" in leaf.type else output[0]
        elif "weight" in name or "bias" in name:
            size *= math.prod(output[:2])
            recurrent = True
        else:
            continue
        if "weight" in name:
            weight += size
        else:
            bias += size
    return weight, bias, recurrent


def footer(seen: Seen) -> Footer:
    """What stands below its table, the multiply-adds apart."""
    rows = table_rows(seen)
    params, listed = _total_params(seen, rows)
    trainable = params
    if seen.totals.trainable_params != seen.totals.params:
        trainable, _ = _total_params(seen, rows, trainable=True)
    numbers = sum(leaf.outputs for leaf in counted_leaves(seen))
    return Footer(unit=MB, params=params, trainable=trainable, input_size=seen.input_bytes,
                  pass_size=2 * ELEMENT_BYTES * numbers, params_size=ELEMENT_BYTES * listed)


def cell(params: int, *, again: bool = False) -> Cell:
    """What it prints for parameters: all of a layer, or what is left for a container; `again`
    where an earlier row has them too.

    >>> cell(0, again=True), cell(9408), cell(9408, again=True)
    ('--', 9408, '(recursive)')
    """
    if params <= 0:
        return NO_PARAMS
    return RECURSIVE if again else params


def left_over(params: int, beneath: Iterable[int]) -> int:
    """What a container with so many parameters has for itself: those that no row `beneath` it has
    counted. Negative where rows beneath count shared ones twice."""
    return params - sum(beneath)


class TreeRow(NamedTuple):
    """A row of its table."""

    path: str
    depth: int
    again: bool
    """A module that an earlier row stands for."""


def table_rows(seen: Seen) -> list[TreeRow]:
    """The rows of its table: a run each, and a container again where a module that it shares runs
    under another one.

    A module belongs to the last container that registers it. Where that is not the container
    whose rows are open, the table opens it first: as a repetition if it ever runs itself or is
    opened so again.
    """
    modules = seen.trace.modules
    owners: dict[str, tuple[str, ...]] = {}

    def walk(path: str, above: tuple[str, ...]) -> None:
        owners[path] = above
        for child in modules[path].children:
            walk(child, (*above, path))
    walk("", ())

    rows, listed = [TreeRow("", 0, False)], {""}
    running = {run.path for run in seen.runs}
    inserted = list[int]()
    opened: dict[int, str] = {}
    for run in seen.runs:
        above = owners[run.path]
        for depth, container in enumerate(above[1:], 1):
            if opened.get(depth) != container:
                inserted.append(len(rows))
                rows.append(TreeRow(container, depth, container in running))
                opened[depth] = container
        rows.append(TreeRow(run.path, len(above), run.path in listed))
        listed.add(run.path)
        opened[len(above)] = run.path
        for deeper in [depth for depth in opened if depth > len(above)]:
            del opened[deeper]
    times = Counter(rows[index].path for index in inserted)
    for index in inserted:
        if times[rows[index].path] > 1:
            rows[index] = rows[index]._replace(again=True)
    return rows


def _total_params(seen: Seen, rows: Sequence[TreeRow], *,
                  trainable: bool = False) -> tuple[int, int]:
    """Its total, and the parameters of the layers alone, which its "Params size" is made of."""
    modules = seen.trace.modules
    names: dict[str, frozenset[str]] = {}

    def under(path: str) -> frozenset[str]:
        if path not in names:
            names[path] = frozenset(modules[path].parameters).union(
                *map(under, modules[path].children))
        return names[path]

    own = [0] * len(rows)
    for index in reversed(range(len(rows))):
        row, beneath = rows[index], []
        if modules[row.path].children:
            for other in range(index + 1, len(rows)):
                if rows[other].depth <= row.depth:
                    break
                if not rows[other].again:
                    beneath.append(own[other])
        own[index] = left_over(seen.size(under(row.path), trainable=trainable), beneath)
    counted = [(row.path, size) for row, size in zip(rows, own, strict=True) if not row.again]
    return (sum(max(size, 0) for _, size in counted),
            sum(size for path, size in counted if not modules[path].children))
