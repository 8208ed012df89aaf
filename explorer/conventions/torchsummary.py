"""torchsummary 1.5.1, `summary(network, size, batch_size)`.

- A row for every run of a module, a container's after those of its parts; only `nn.Sequential` and
  the network itself have none.
- Param #: `weight` and `bias` of the module itself. Total params: the sum of all rows.
- Forward/backward pass size: twice the outputs of all rows. MB is 2^20 bytes.
- No operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from explorer.conventions.reports import (
    ELEMENT_BYTES,
    MEMORY_LINES,
    MIB,
    PARAMS_LINES,
    Footer,
    NotComputed,
    Seen,
    Term,
    ToolReport,
    named,
    own_type,
)
from explorer.language import Text, say
from explorer.tracing import ModuleRun

LINES = (*PARAMS_LINES, *MEMORY_LINES)
"""What it prints below its table."""


def report(seen: Seen) -> ToolReport:
    def params() -> list[Term]:
        _runs(seen)
        return seen.of_modules([
            (seen.places[run.path], _weight_and_bias(seen.own(run.path)))
            for run in table_rows(seen)])

    def below() -> Footer:
        _runs(seen)
        return footer(seen, added(seen))

    def outputs() -> str:
        return say("Adds the outputs of all {runs} runs of modules, in place or not, each block "
                   "again after its parts, and doubles the sum for gradients: 2 × 4 × {numbers}",
                   runs=f"{len(table_rows(seen)):,}", numbers=f"{added(seen):,}")
    return ToolReport(
        tool="torchsummary", version="1.5.1",
        figures=(seen.figure("parameters", "Total params", params),
                 *seen.memory(below, MIB, outputs)),
        remark=say("It counts no operations."))


def _runs(seen: Seen) -> None:
    """Raises `NotComputed` where it fails, or where its rows are not what a trace shows."""
    seen.one_input()
    seen.floats()
    seen.by_position()
    if not any(_weight_and_bias(seen.own(run.path)) for run in table_rows(seen)):
        raise NotComputed(Text("The tool fails where no module has a weight."))
    for run in table_rows(seen):
        module, where = seen.trace.modules[run.path], named(run)
        if not run.input_shape:
            raise NotComputed(Text("The tool fails at {layer}, whose first argument is no tensor.",
                                   layer=where))
        if not run.alone:
            raise NotComputed(Text("The tool looks at one tensor; {layer} returns something else.",
                                   layer=where))
        if not run.output_shapes[0] or run.output_shapes[0][0] != seen.batch:
            raise NotComputed(Text(
                "The tool puts the batch in the place of the first side of every output; the first "
                "side of what {layer} returns is another.", layer=where))
        if module.origin.startswith("torch.nn.utils.") or run.type.startswith("Frozen") \
                or any(name.startswith("weight_") for name in seen.own(run.path)
                       if own_type(module) not in _SEVERAL_WEIGHTS):
            raise NotComputed(Text("A trace does not show what the weight of {layer} is computed "
                                   "from.", layer=where))


_SEVERAL_WEIGHTS = {"LSTMCell", "GRUCell", "RNNCell", "LSTM", "GRU", "RNN"}


def table_rows(seen: Seen) -> list[ModuleRun]:
    """The runs that it has a hook for; a module in several places has as many."""
    return [run for run in seen.runs if not seen.trace.modules[run.path].sequential]


def added(seen: Seen) -> int:
    """The numbers in the outputs of all rows."""
    return sum(seen.places[run.path] * sum(map(math.prod, run.output_shapes))
               for run in table_rows(seen))


def footer(seen: Seen, numbers: int) -> Footer:
    """What stands below its table, where the outputs of all rows hold so many `numbers`."""
    params = trainable = 0
    for run in table_rows(seen):
        own = seen.own(run.path)
        names = _weight_and_bias(own)
        size = seen.places[run.path] * seen.size(names)
        params += size
        # A module is trainable where its weight is, whatever its bias.
        if "weight" in own and seen.trace.parameters[own["weight"]].trainable:
            trainable += size
    return Footer(unit=MIB, params=params, trainable=trainable, input_size=seen.input_bytes,
                  pass_size=2 * ELEMENT_BYTES * numbers, params_size=ELEMENT_BYTES * params)


def cell(params: int, *, again: bool = False) -> int:
    """What it prints for the parameters of a layer; `again` where an earlier row has them too."""
    return params


def added_in_32_bits(numbers: int) -> int:
    """The sum of the outputs where numpy adds in 32 bits, as on Windows before its version 2; the
    sign is not printed.

    >>> added_in_32_bits(2**32 - 1)
    1
    """
    return abs((numbers + 2**31) % 2**32 - 2**31)


def _weight_and_bias(own: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(own[name] for name in ("weight", "bias") if name in own)
