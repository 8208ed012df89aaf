"""Rows of a published table that stand for layers, matched to our calls in order.

Of all ways to walk through rows and calls together, the one that leaves the fewest behind. A row
and a call agree where type, output shape and parameters are equal; nothing is nearly equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from explorer.analysis import Summary
from explorer.conventions.reports import Seen
from explorer.published.table import PRINTERS, PublishedRow, PublishedTable
from explorer.tracing import Call, ModuleRun
from explorer.tracing.operators import Shape

CONTAINERS = {
    "BasicBlock": ("BasicBlock",),
    "Bottleneck": ("Bottleneck",),
    "InvertedResidual": ("TutorialInvertedResidual",),
    "SEModule": ("LinearSqueezeExcite",),
    "SeparableConv": ("SeparableConv",),
    "Block": ("XceptionBlock",),
    "InceptionA": ("TutorialInceptionA",),
    "InceptionB": ("TutorialInceptionB",),
    "InceptionC": ("TutorialInceptionC",),
    "GridReduc": ("TutorialReduction",),
    "BasicConv2d": ("ConvNormAct",),
    "Sequential": ("Sequential", "ConvNormAct"),
    # Networks as a whole.
    "Xception": ("Xception",),
    "Inception_V3": ("InceptionTutorial",),
}
"""A container's type in the tables, and the classes of ours that it may stand for."""

PLAIN = ("Sequential", "ConvNormAct")
"""Ours that only keep parts in a row; a table may group the same parts otherwise."""

# A tutorial's own modules for what PyTorch has by now.
ALIASES = {"HSigmoid": "Hardsigmoid", "HSwish": "Hardswish"}

FUNCTIONS = ("Flatten",)
"""Modules of ours that are functions in the tutorials."""


class Ours:
    """Our trace as the tool that printed a table sees it. A run is a module's, a single call, or
    calls that are no module of ours."""

    def __init__(self, summary: Summary, table: PublishedTable) -> None:
        self.seen = Seen(summary)
        self.trace, self.calls = summary.trace, summary.trace.calls
        self.printer = PRINTERS[table.tool]
        self.batch = table.input[0]
        self.first_use: dict[str, int] = {}
        for call in self.calls:
            for name in call.parameters:
                self.first_use.setdefault(name, call.index)

    @cached_property
    def containers(self) -> tuple[ModuleRun, ...]:
        """Runs of modules that have children, an inner one before the one around it."""
        return tuple(run for run in reversed(self.trace.runs)
                     if self.trace.modules[run.path].children)

    @cached_property
    def starting(self) -> dict[int, list[ModuleRun]]:
        """Containers by their first call, the innermost first."""
        by_start = defaultdict(list)
        for run in self.containers:
            by_start[run.start].append(run)
        return by_start

    def single(self, call: int) -> ModuleRun:
        """The run of one call."""
        made = self.calls[call]
        return ModuleRun(path=made.path, type=made.type, start=call, stop=call + 1,
                         inputs=made.inputs, output_shapes=(made.output_shape,))

    def group(self, type: str, start: int, stop: int) -> ModuleRun:
        """Calls that no module of ours makes alone: the run of none."""
        return ModuleRun(path="", type=type, start=start, stop=stop, inputs=(),
                         output_shapes=(self.calls[stop - 1].output_shape,))

    def shape(self, run: ModuleRun) -> Shape:
        """The output of a run, with the batch as the table prints it."""
        return self.batch, *run.output_shapes[0][1:]

    def numel(self, run: ModuleRun, *, new: bool = False) -> int:
        """Parameters that the calls of a run read, each once; `new` ones only where no earlier call
        has read them."""
        return self.seen.size({name for call in self.calls[run.start:run.stop]
                               for name in call.parameters
                               if not new or self.first_use[name] >= run.start})

    def cell(self, run: ModuleRun) -> int | str:
        """What the tool prints for the parameters of a layer, or of a module shown as one."""
        return self.printer.cell(self.numel(run), again=not self.numel(run, new=True))

    def silent(self, call: Call) -> bool:
        """Whether the tool cannot see a call in the tutorial's network: it sees modules only."""
        return call.index not in self.seen.module_calls or call.type in FUNCTIONS


class Token(NamedTuple):
    """One row, or a pair, that stands for one layer of ours."""

    rows: tuple[int, ...]
    type: str
    output_shape: Shape | None
    params: int | str


def tokens(rows: Sequence[PublishedRow], layers: Sequence[int]) -> list[Token]:
    """The rows `layers` as tokens: an HSigmoid right before an HSwish is a part of it."""
    result: list[Token] = []
    for number in layers:
        row = rows[number]
        previous = rows[number - 1] if number else None
        if row.type == "HSwish" and result and result[-1].rows == (number - 1,) \
                and previous is not None and previous.type == "HSigmoid" \
                and (previous.output_shape, previous.params) == (row.output_shape, row.params):
            result[-1] = Token((number - 1, number), row.type, row.output_shape, row.params)
        else:
            result.append(Token((number,), row.type, row.output_shape, row.params))
    return result


def fit(token: Token, start: int, ours: Ours) -> ModuleRun | None:
    """What `token` stands for, if it is what begins at the call `start`."""
    if token.type in CONTAINERS:
        candidates = [run for run in ours.starting.get(start, ())
                      if run.type in CONTAINERS[token.type]]
    elif token.type == "HSwish" and len(token.rows) == 1:
        return None
    else:
        candidates = [ours.single(start)] \
            if ours.calls[start].type == ALIASES.get(token.type, token.type) else []
    for run in candidates:
        if ours.shape(run) == token.output_shape and ours.cell(run) == token.params:
            return run
    return None


def align(rows: Sequence[Token], ours: Ours) -> list[ModuleRun | None]:
    """What each token stands for, with as few tokens and calls left over as can be."""
    count = len(ours.calls)
    skip = [0 if ours.silent(call) else 1 for call in ours.calls]
    # best[j]: tokens and calls left over from here on, standing before call j.
    best = [0] * (count + 1)
    for j in range(count - 1, -1, -1):
        best[j] = best[j + 1] + skip[j]
    steps: list[list[ModuleRun | str]] = []
    for token in reversed(rows):
        before, best = best, [0] * (count + 1)
        choice: list[ModuleRun | str] = ["token"] * (count + 1)
        best[count] = before[count] + 1
        for j in range(count - 1, -1, -1):
            best[j] = before[j] + 1
            if best[j + 1] + skip[j] < best[j]:
                best[j], choice[j] = best[j + 1] + skip[j], "call"
            if (run := fit(token, j, ours)) is not None and before[run.stop] <= best[j]:
                best[j], choice[j] = before[run.stop], run
        steps.append(choice)
    result: list[ModuleRun | None] = []
    at = 0
    for choice in reversed(steps):
        while choice[at] == "call":
            at += 1
        step = choice[at]
        result.append(step if isinstance(step, ModuleRun) else None)
        if isinstance(step, ModuleRun):
            at = step.stop
    return result
