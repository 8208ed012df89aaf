"""torchinfo 1.8.0, `summary(network, input_size=...)`.

- A tree with a row for every run of a module, a container's before those of its parts.
- Param #: of a layer all, of a container what it has beyond the rows under it: modules that do not
  run, and shared ones again. "(recursive)" where the module has a row already.
- Total params: the sum of all rows. Params size: that of the layers alone.
- Total mult-adds: for a module whose name has "Conv" its parameters, bias and all, times the
  positions and images of its output; for any other its parameters times the images.
- Forward/backward pass size: twice the outputs of layers with parameters. MB is 10^6 bytes.
"""

from __future__ import annotations

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
    Seen,
    Term,
    ToolReport,
)

NO_PARAMS: Literal["--"] = "--"
RECURSIVE: Literal["(recursive)"] = "(recursive)"
"""What it prints for a module that it has listed before."""
Cell = int | Literal["--", "(recursive)"]
MULT_ADDS_LINE = "Total mult-adds (G)"
LINES = (*PARAMS_LINES, MULT_ADDS_LINE, *MEMORY_LINES)
"""What it prints below its table, with 10^9 multiply-adds or more."""


def report(seen: Seen) -> ToolReport:
    below, counted, images = footer(seen), mult_adds(seen), seen.batch
    numbers = sum(leaf.outputs for leaf in counted_leaves(seen))
    per_image = counted.norm // images
    terms = [
        Term(counted.conv_bias, "Adds the biases of convolutions, one for each output: "
             f"{counted.conv_bias:,}."),
        Term(counted.linear_bias, "Adds the biases of linear layers, one for each output: "
             f"{counted.linear_bias:,}."),
        Term(counted.norm, "Adds BatchNorm as its number of parameters, as if it worked on one "
             "position of each image: "
             + (f"{images:,} × {per_image:,} = {counted.norm:,}." if images > 1
                else f"{per_image:,}.")),
        Term(counted.other, "Adds other layers as their number of parameters: "
             f"{counted.other:,}.")]
    again = below.params - seen.totals.params
    params = seen.parameter_figure("Total params", below.params, [Term(
        again, f"Counts {again:,} parameters again: a module that several containers share is "
        "counted once for each of them.")])
    return ToolReport("torchinfo", "1.8.0", (
        params, seen.operations("Total mult-adds", terms, counted.macs),
        *seen.memory(below, "Adds the outputs of all layers that have parameters, and doubles the "
                     f"sum for gradients, in evaluation too: 2 × 4 × {numbers:,}")))


@dataclass(frozen=True, slots=True)
class MultAdds:
    """What it counts as multiply-adds, apart by what they are of."""

    macs: int
    """Those of convolutions and linear layers without bias, which are all that there are."""
    conv_bias: int
    linear_bias: int
    norm: int
    """Its parameters for each image."""
    other: int

    @property
    def total(self) -> int:
        return self.macs + self.conv_bias + self.linear_bias + self.norm + self.other

    @property
    def printed(self) -> str:
        """
        >>> MultAdds(1_814_073_344, 0, 1_000, 9_600, 0).printed
        '1.81'
        """
        return f"{self.total / 1e9:.2f}"


def counted_leaves(seen: Seen) -> list[LeafRun]:
    """The runs of layers whose multiply-adds and outputs it counts: those with parameters."""
    return [leaf for leaf in seen.leaves if leaf.parameters]


def mult_adds(seen: Seen) -> MultAdds:
    macs = conv_bias = linear_bias = norm = other = 0
    for leaf in counted_leaves(seen):
        macs += leaf.macs
        size = seen.size(leaf.parameters)
        if "Conv" in leaf.type:
            channels = seen.trace.parameters[leaf.parameters[0]].shape[0]
            conv_bias += size * leaf.outputs // channels - leaf.macs
        elif leaf.macs:
            linear_bias += size * leaf.batch - leaf.macs
        elif leaf.type.startswith("BatchNorm"):
            norm += size * leaf.batch
        else:
            other += size * leaf.batch
    return MultAdds(macs=macs, conv_bias=conv_bias, linear_bias=linear_bias, norm=norm,
                    other=other)


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
    whose rows are open, the table opens it first, as a repetition if it ever runs itself.
    """
    modules = seen.trace.modules
    owners: dict[str, tuple[str, ...]] = {}

    def walk(path: str, above: tuple[str, ...]) -> None:
        owners[path] = above
        for child in modules[path].children:
            walk(child, (*above, path))
    walk("", ())

    rows, listed = [TreeRow("", 0, False)], {""}
    inserted = {run.path for run in seen.trace.runs}
    opened: dict[int, str] = {}
    for run in seen.trace.runs:
        above = owners[run.path]
        for depth, container in enumerate(above[1:], 1):
            if opened.get(depth) != container:
                rows.append(TreeRow(container, depth, container in inserted))
                inserted.add(container)
                opened[depth] = container
        rows.append(TreeRow(run.path, len(above), run.path in listed))
        listed.add(run.path)
        opened[len(above)] = run.path
        for deeper in [depth for depth in opened if depth > len(above)]:
            del opened[deeper]
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
