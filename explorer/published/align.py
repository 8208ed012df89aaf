"""Rows of a published table that stand for layers, matched to our calls in order.

Of all ways to walk through rows and calls together, the one that leaves the fewest behind. A row
and a call agree where type, output shape and parameters are equal; nothing is nearly equal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from explorer.published.table import NO_PARAMS, RECURSIVE, Row, Table
from explorer.tracing import Call, Scope, Trace
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


class Run(NamedTuple):
    """Calls from the first to the last, and the scope that they are, if they are one."""

    start: int
    end: int
    path: str
    type: str


class Ours:
    """Our trace as the tools' hooks would see it."""

    def __init__(self, trace: Trace, table: Table) -> None:
        self.trace, self.calls = trace, trace.calls
        self.tool = table.tool
        self.batch = table.input[0]
        self.first_use: dict[str, int] = {}
        for call in trace.calls:
            for name in call.parameters:
                self.first_use.setdefault(name, call.index)

    @cached_property
    def starting(self) -> dict[int, list[Scope]]:
        """Scopes by their first call, the innermost first."""
        found = defaultdict(list)
        for scope in self.trace.scopes:
            found[scope.start].append(scope)
        return found

    def shape(self, call: int) -> Shape:
        """The output of a call, with the batch as the table prints it."""
        return self.batch, *self.calls[call].output_shape[1:]

    def elements(self, run: Run) -> int:
        return math.prod(self.calls[run.end].output_shape)

    def numel(self, run: Run, *, new: bool = False) -> int:
        """Parameters that the calls of a run read, each once; `new` ones only where no earlier call
        has read them."""
        return sum(self.trace.parameters[name].numel
                   for name in {name for call in self.calls[run.start:run.end + 1]
                                for name in call.parameters}
                   if not new or self.first_use[name] >= run.start)

    def cell(self, run: Run) -> int | str:
        """What the tool prints for the parameters of a layer, or of a module shown as one."""
        count = self.numel(run)
        if self.tool == "torchsummary":
            return count
        if not count:
            return NO_PARAMS
        return count if self.numel(run, new=True) else RECURSIVE

    def silent(self, call: Call) -> bool:
        """Whether the tools' hooks on modules cannot see a call of the tutorial's network."""
        return call.type == call.operator or call.type == "Flatten"

    def run_of(self, call: int) -> Run:
        return Run(call, call, self.calls[call].path, self.calls[call].type)


class Token(NamedTuple):
    """One row, or a pair, that stands for one layer of ours."""

    rows: tuple[int, ...]
    type: str
    output_shape: Shape | None
    params: int | str


def tokens(rows: Sequence[Row], layers: Sequence[int]) -> list[Token]:
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


def fit(token: Token, start: int, ours: Ours) -> Run | None:
    """What `token` stands for, if it is what begins at the call `start`."""
    if token.type in CONTAINERS:
        candidates = [Run(scope.start, scope.end, scope.path, scope.type)
                      for scope in ours.starting.get(start, ())
                      if scope.type in CONTAINERS[token.type]]
    elif token.type == "HSwish" and len(token.rows) == 1:
        return None
    else:
        candidates = [ours.run_of(start)] \
            if ours.calls[start].type == ALIASES.get(token.type, token.type) else []
    for run in candidates:
        if ours.shape(run.end) == token.output_shape and ours.cell(run) == token.params:
            return run
    return None


def align(found: Sequence[Token], ours: Ours) -> list[Run | None]:
    """What each token stands for, with as few tokens and calls left over as can be."""
    count = len(ours.calls)
    skip = [0 if ours.silent(call) else 1 for call in ours.calls]
    # best[j]: tokens and calls left over from here on, standing before call j.
    best = [0] * (count + 1)
    for j in range(count - 1, -1, -1):
        best[j] = best[j + 1] + skip[j]
    steps: list[list[Run | str]] = []
    for token in reversed(found):
        before, best = best, [0] * (count + 1)
        choice: list[Run | str] = ["token"] * (count + 1)
        best[count] = before[count] + 1
        for j in range(count - 1, -1, -1):
            best[j] = before[j] + 1
            if best[j + 1] + skip[j] < best[j]:
                best[j], choice[j] = best[j + 1] + skip[j], "call"
            if (run := fit(token, j, ours)) is not None and before[run.end + 1] <= best[j]:
                best[j], choice[j] = before[run.end + 1], run
        steps.append(choice)
    result: list[Run | None] = []
    at = 0
    for choice in reversed(steps):
        while choice[at] == "call":
            at += 1
        step = choice[at]
        result.append(step if isinstance(step, Run) else None)
        if isinstance(step, Run):
            at = step.end + 1
    return result
