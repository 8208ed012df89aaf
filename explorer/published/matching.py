"""The rows of a published table, and what of ours each stands for.

Rows that stand for layers are matched in order (`align`). A container's row, such as a block's, is
matched to the run of a module of ours that makes the calls of the rows beneath it, or to these
calls. A row is accounted for when all of it agrees: type, output shape, parameters, and its own
number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explorer.conventions import torchinfo
from explorer.language import Text
from explorer.published.align import CONTAINERS, PLAIN, Ours, Token, align, tokens
from explorer.published.table import PublishedRow, PublishedTable
from explorer.tracing import ModuleRun
from explorer.tracing.operators import Shape


@dataclass(frozen=True)
class Match:
    """One row, and what it stands for in our trace."""

    number: int
    """Of the row in its file, from 1."""
    row: PublishedRow
    run: ModuleRun | None
    """Ours, with the path "" where it is no module; None where the row is not accounted for."""
    output_shape: Shape | None
    params: int | str | None
    """What the tool prints for ours."""
    accounted: bool
    reason: Text
    again: int = 0
    """Parameters that torchinfo counts at this row, and at an earlier one too."""


@dataclass(frozen=True)
class Left:
    """A call or a module of ours that has no row."""

    path: str
    type: str
    output_shape: Shape
    reason: Text


class Matcher:
    """The rows of one table, as a tree where the tool prints one."""

    def __init__(self, table: PublishedTable, ours: Ours) -> None:
        self.ours, self.rows = ours, table.rows
        self.tree = table.tool == "torchinfo"
        self.deepest = max((row.depth or 0 for row in self.rows), default=0)
        layers = tokens(self.rows, [number for number in range(len(self.rows))
                                    if self._is_layer(number)])
        self.runs: dict[int, ModuleRun] = {}
        self.pairs: dict[int, Token] = {}
        for token, run in zip(layers, align(layers, ours), strict=True):
            for number in token.rows:
                self.pairs[number] = token
                if run is not None:
                    self.runs[number] = run
        self.matched = {call for run in self.runs.values()
                        for call in range(run.start, run.stop)}
        self.claimed: set[ModuleRun] = set()
        self.own: dict[int, int] = {}
        """Parameters that torchinfo counts at a row itself, not at one beneath it."""

    def matches(self) -> tuple[Match, ...]:
        result: dict[int, Match] = {}
        # Backwards, so that what stands beneath a row of a tree comes before it.
        order = reversed(range(len(self.rows))) if self.tree else range(len(self.rows))
        for number in order:
            match = self._layer(number) if number in self.pairs else self._container(number)
            if match.accounted and (fault := self._misnumbered(number)):
                match = self._unaccounted(number, fault)
            result[number] = match
        return tuple(result[number] for number in range(len(self.rows)))

    # Rows that stand for layers

    def _is_layer(self, number: int) -> bool:
        """Whether a row stands for a layer, or for a module that is shown as one."""
        row = self.rows[number]
        if row.type not in CONTAINERS:
            return True
        return (self.tree and row.depth == self.deepest and row.output_shape is not None)

    def _layer(self, number: int) -> Match:
        row, run = self.rows[number], self.runs.get(number)
        if run is None:
            return self._unaccounted(number,
                                     Text("no call of ours agrees with it at this place"))
        ours = self.ours
        cell = ours.cell(run)
        self.own[number] = 0 if cell == torchinfo.RECURSIVE else ours.numel(run)
        if len(self.pairs[number].rows) > 1:
            reason = Text("half of a hard-swish: the tutorial's own HSwish calls its own HSigmoid")
        elif cell == torchinfo.RECURSIVE:
            reason = Text("the second run of shared layers")
        elif run.stop - run.start > 1:
            reason = Text("a module that the table does not open")
        elif row.type == "HSigmoid":
            reason = Text("a hard sigmoid of the tutorial's own")
        else:
            reason = Text("the same layer")
        return self._accounted(number, run, ours.shape(run), cell, reason)

    # Rows that stand for containers

    def _container(self, number: int) -> Match:
        row = self.rows[number]
        if row.depth == 0:
            return self._whole(number)
        if self.tree and row.output_shape is None:
            return self._opened_again(number)
        if self.tree:
            beneath = list(self._parts(number))
            if not beneath:
                return self._identity(number)
            run = self._enclosing(number, [self.runs[n] for n in beneath if n in self.runs])
        else:
            run = self._ending(number)
        if run is None:
            return self._unaccounted(
                number, Text("no module and no run of calls of ours is its parts"))
        expected = self._left_over(number, run) if self.tree else self.ours.printer.cell(0)
        shape = self.ours.shape(run)
        if (row.output_shape, row.params) != (shape, expected):
            return self._unaccounted(number, Text("{path} gives {shape} and {params}",
                                                  path=run.path, shape=_text(shape),
                                                  params=expected))
        self.runs[number] = run
        self.claimed.add(run)
        reason = Text("the module with the same calls") if run.path else \
            Text("calls {first} to {last}, which ours groups otherwise", first=run.start,
                 last=run.stop - 1)
        again = self.own.get(number, 0) if isinstance(expected, int) else 0
        if again:
            reason = Text("{reason}; its shared layers are counted again", reason=reason)
        return self._accounted(number, run, shape, expected, reason, again)

    def _whole(self, number: int) -> Match:
        """The row of the network: what is left for it are the parameters that do not run."""
        row, network = self.rows[number], self.ours.trace.modules[""].type
        everything = self.ours.group(network, 0, len(self.ours.calls))
        expected = self._left_over(number, everything,
                                   self.ours.seen.totals.params - self.ours.numel(everything))
        if number or network not in CONTAINERS[row.type] \
                or (row.output_shape, row.params) != (None, expected):
            return self._unaccounted(number, Text("the network has {params} of its own",
                                                  params=expected))
        reason = Text("the network; its parameters that do not run in evaluation"
                      if isinstance(expected, int) else "the network")
        return self._accounted(number, everything, None, expected, reason)

    def _opened_again(self, number: int) -> Match:
        """A container that torchinfo opens again for a module that it shares, or after one: the
        smallest one around the last run of what stands beneath the row."""
        row, containers = self.rows[number], self.ours.containers
        inner = [self.runs[n] for n in self._beneath(number) if n in self.runs]
        nothing = self._unaccounted(number, Text("nothing of ours is opened again here"))
        if len(inner) != 1 or row.params != torchinfo.RECURSIVE:
            return nothing
        runs = [run for run in containers if run.path == inner[0].path] or inner
        last = max(runs, key=lambda run: run.start)
        holders = [run for run in containers if run.type in CONTAINERS[row.type]
                   and _within(last, run) and not _within(run, last)]
        if not holders:
            return nothing
        reason = Text("opened for a module that it shares" if len(runs) > 1
                      else "opened again after a module that it shares")
        return self._accounted(number, min(holders, key=_length), None, torchinfo.RECURSIVE, reason)

    def _identity(self, number: int) -> Match:
        """An empty Sequential is a shortcut that changes nothing: the addition after it reads what
        its block was given."""
        row, ours = self.rows[number], self.ours
        block = self.rows[self._above(number)].type
        before = self.runs.get(number - 1)
        for around in ours.containers:
            run, added = ours.single(around.stop - 1), ours.calls[around.stop - 1]
            if around.type in CONTAINERS.get(block, ()) and row.type == "Sequential" \
                    and before is not None and around.start <= before.start < around.stop \
                    and added.operator == "add" and set(around.inputs) & set(added.inputs) \
                    and (row.output_shape, row.params) == (ours.shape(run), torchinfo.cell(0)) \
                    and run not in self.claimed:
                self.claimed.add(run)
                return self._accounted(
                    number, run, row.output_shape, row.params,
                    Text("an empty Sequential: the shortcut that the addition reads"))
        return self._unaccounted(number, Text("it has no parts, and no shortcut of ours is here"))

    def _above(self, number: int) -> int:
        """The row of a tree under which a row stands."""
        depth = self.rows[number].depth or 0
        return next((n for n in range(number - 1, -1, -1) if (self.rows[n].depth or 0) < depth), 0)

    def _beneath(self, number: int) -> Iterator[int]:
        """Rows of a tree that stand under a row."""
        depth = self.rows[number].depth or 0
        for following in range(number + 1, len(self.rows)):
            if (self.rows[following].depth or 0) <= depth:
                return
            yield following

    def _parts(self, number: int) -> Iterator[int]:
        """Rows of the parts of a container: those beneath it, and those beneath rows that open it
        again."""
        yield from self._beneath(number)
        row, following = self.rows[number], number + 1
        while following < len(self.rows) and self.rows[following].depth == row.depth \
                and self.rows[following].output_shape is None:
            beneath = list(self._beneath(following))
            yield from beneath
            following += 1 + len(beneath)

    def _enclosing(self, number: int, inner: Sequence[ModuleRun]) -> ModuleRun | None:
        """The smallest module of the row's type, or else the calls, that has these runs and no
        others but those that no row stands for."""
        if not inner:
            return None
        row = self.rows[number]
        calls = self.ours.group(row.type, min(run.start for run in inner),
                                max(run.stop for run in inner))
        covered = {call for run in inner for call in range(run.start, run.stop)}
        candidates = sorted((run for run in self.ours.containers
                             if run.type in CONTAINERS[row.type] and _within(calls, run)),
                            key=_length)
        if row.type == "Sequential":
            candidates.append(calls)
        for run in candidates:
            if not self.matched & set(range(run.start, run.stop)) - covered:
                return run
        return None

    def _ending(self, number: int) -> ModuleRun | None:
        """The smallest module of the row's type, not yet taken, that ends between the layer before
        the row and the layer after it."""
        row = self.rows[number]
        before = next((self.runs[n].stop for n in range(number - 1, -1, -1)
                       if n in self.runs and n in self.pairs), 0)
        after = next((self.runs[n].start for n in range(number + 1, len(self.rows))
                      if n in self.runs and n in self.pairs), len(self.ours.calls))
        free = [run for run in self.ours.containers if run.type in CONTAINERS[row.type]
                and run.start < before <= run.stop <= after and run not in self.claimed]
        return min(free, key=_length, default=None)

    def _left_over(self, number: int, run: ModuleRun, unused: int = 0) -> int | str:
        """What torchinfo prints at a container; `unused` parameters of it do not run."""
        counted = [self.own.get(n, 0) for n in self._beneath(number)]
        rowless = set(range(run.start, run.stop)) - self.matched
        counted += [self.ours.numel(self.ours.single(call), new=True) for call in rowless]
        self.own[number] = torchinfo.left_over(self.ours.numel(run) + unused, counted)
        return torchinfo.cell(self.own[number])

    # What does not agree

    def _misnumbered(self, number: int) -> Text | None:
        """Rows count on from the one before, and a tree opens one level at a time."""
        row = self.rows[number]
        previous = next((other for other in self.rows[number - 1::-1] if other.depth == row.depth),
                        None) if number else None
        first = 0 if row.depth == 0 else 1
        expected = first if previous is None else previous.index + 1
        if row.index != expected:
            return Text("its number should be {number}: a row is missing, added or out of its "
                        "place", number=expected)
        above = self.rows[number - 1].depth if number else -1
        if row.depth is not None and above is not None and row.depth > above + 1:
            return Text("the row of its container is missing")
        return None

    def _accounted(self, number: int, run: ModuleRun, shape: Shape | None, params: int | str,
                   reason: Text, again: int = 0) -> Match:
        return Match(number=number + 1, row=self.rows[number], run=run, output_shape=shape,
                     params=params, accounted=True, reason=reason, again=again)

    def _unaccounted(self, number: int, reason: Text) -> Match:
        return Match(number=number + 1, row=self.rows[number], run=None, output_shape=None,
                     params=None, accounted=False, reason=reason)

    def missing(self) -> Iterator[Left]:
        """Layers of ours, and modules of a kind that the table lists, that have no row."""
        listed = {ours for row in self.rows for ours in CONTAINERS.get(row.type, ())} - set(PLAIN)
        layers = [self.ours.single(call.index) for call in self.ours.calls
                  if call.index not in self.matched and not self.ours.silent(call)]
        modules = [run for run in self.ours.containers
                   if run.type in listed and run not in self.claimed]
        for run in (*layers, *modules):
            yield Left(run.path, run.type, self.ours.shape(run),
                       Text("the table has no row for it"))

    def unseen(self) -> Iterator[Left]:
        """Calls that the tool does not see."""
        for call in self.ours.calls:
            if call.index not in self.matched and self.ours.silent(call):
                yield Left(call.path, call.type, self.ours.shape(self.ours.single(call.index)),
                           Text("a module here, a function in the tutorial"
                                if call.index in self.ours.seen.module_calls
                                else "a function: the tool sees modules only"))


def _within(inner: ModuleRun, outer: ModuleRun) -> bool:
    return outer.start <= inner.start and inner.stop <= outer.stop


def _length(run: ModuleRun) -> int:
    return run.stop - run.start


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape))
