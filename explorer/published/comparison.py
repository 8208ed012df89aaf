"""A published table beside our trace of the same network, row by row.

Rows that stand for layers are matched in order (`align`). A container's row, such as a block's, is
matched to the scope of ours that makes the calls of the rows beneath it, or to that run of calls.
A row is accounted for when all of it agrees: type, output shape, parameters, and its own number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explorer.analysis import analyse
from explorer.config import Config
from explorer.networks.build import build
from explorer.networks.catalogue import configure, network_of
from explorer.published.align import CONTAINERS, PLAIN, Ours, Run, Token, align, tokens
from explorer.published.notes import notes
from explorer.published.table import NO_PARAMS, RECURSIVE, PublishedError, Row, Table, load
from explorer.published.totals import Total, totals
from explorer.tracing import trace
from explorer.tracing.operators import Shape


@dataclass(frozen=True)
class Match:
    """One row, and what it stands for in our trace."""

    number: int
    """Of the row in its file, from 1."""
    row: Row
    run: Run | None
    """Our calls; None where the row is not accounted for, and for the network as a whole."""
    output_shape: Shape | None
    params: int | str | None
    """What the tool prints for ours."""
    accounted: bool
    reason: str


@dataclass(frozen=True)
class Left:
    """A call or a module of ours that has no row."""

    path: str
    type: str
    output_shape: Shape
    reason: str


@dataclass(frozen=True)
class Comparison:
    """All that there is to say about one table."""

    table: Table
    config: Config
    matches: tuple[Match, ...]
    missing: tuple[Left, ...]
    """What the table should have a row for, and has not."""
    unseen: tuple[Left, ...]
    """Calls that the tool does not see."""
    totals: tuple[Total, ...]
    notes: tuple[str, ...]

    @property
    def accounted(self) -> int:
        return sum(match.accounted for match in self.matches)

    @property
    def complete(self) -> bool:
        """Every row is accounted for, none is missing, and every total is."""
        return (self.accounted == len(self.matches) == self.table.expected_rows
                and not self.missing and all(total.agrees for total in self.totals))


def compare(name: str) -> Comparison:
    """The published table `name` beside our trace of its network.

    Raises `PublishedError` for a table that is not there or is damaged.

    >>> compare("resnet18").accounted
    68
    """
    table = load(name)
    config = configure(table.network)
    if (abs(table.input[0]), *table.input[1:]) != config.input_shape:
        raise PublishedError(f"totals.json, {table.name}: `input` must be that of {table.network}, "
                             f"{list(config.input_shape)}; got {list(table.input)}.")
    summary = analyse(trace(build(config), config.input_shape))
    ours = Ours(summary.trace, table)
    matcher = _Matcher(table, ours, network_of(config.network).__name__)
    matches = matcher.matches()
    return Comparison(table, config, matches, tuple(matcher.missing()), tuple(matcher.unseen()),
                      totals(table, summary, ours, [(match.row, match.run) for match in matches],
                             matcher.repeated),
                      notes(table, summary, sum(count for _, count in matcher.repeated)))


class _Matcher:
    """The rows of one table, as a tree where the tool prints one."""

    def __init__(self, table: Table, ours: Ours, network: str) -> None:
        self.table, self.ours, self.network = table, ours, network
        self.rows = table.rows
        self.tree = table.tool == "torchinfo"
        self.deepest = max((row.depth or 0 for row in self.rows), default=0)
        self.layers = [number for number in range(len(self.rows)) if self._is_layer(number)]
        found = tokens(self.rows, self.layers)
        self.runs: dict[int, Run] = {}
        self.pairs: dict[int, Token] = {}
        for token, run in zip(found, align(found, ours), strict=True):
            for number in token.rows:
                self.pairs[number] = token
                if run is not None:
                    self.runs[number] = run
        self.matched = {call for run in self.runs.values()
                        for call in range(run.start, run.end + 1)}
        self.claimed: set[Run] = set()
        self.own: dict[int, int] = {}
        """Parameters that torchinfo counts at a row itself, not at one beneath it."""
        self.repeated: list[tuple[str, int]] = []
        """Rows where torchinfo counts parameters that it counts elsewhere too, and how many."""

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
            return self._unaccounted(number, "no call of ours agrees with it at this place")
        ours = self.ours
        cell = ours.cell(run)
        self.own[number] = 0 if cell == RECURSIVE else ours.numel(run)
        if len(self.pairs[number].rows) > 1:
            reason = "half of a hard-swish: the tutorial's own HSwish calls its own HSigmoid"
        elif cell == RECURSIVE:
            reason = "the second run of shared layers"
        elif run.start != run.end:
            reason = "a module that the table does not open"
        elif row.type == "HSigmoid":
            reason = "a hard sigmoid of the tutorial's own"
        else:
            reason = "the same layer"
        return Match(number + 1, row, run, ours.shape(run.end), cell, True, reason)

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
            return self._unaccounted(number, "no module and no run of calls of ours is its parts")
        expected: int | str = 0 if not self.tree else self._leftover(number, run)
        shape = self.ours.shape(run.end)
        if (row.output_shape, row.params) != (shape, expected):
            return self._unaccounted(number, f"{run.path} gives {_text(shape)} and {expected}")
        self.runs[number] = run
        self.claimed.add(run)
        reason = "the module with the same calls" if run.path else \
            f"calls {run.start} to {run.end}, which ours groups otherwise"
        if self.tree and isinstance(expected, int):
            self.repeated.insert(0, (row.label, expected))
            reason += "; its shared layers are counted again"
        return Match(number + 1, row, run, shape, expected, True, reason)

    def _whole(self, number: int) -> Match:
        """The row of the network: what is left for it are the parameters that do not run."""
        row, everything = self.rows[number], Run(0, len(self.ours.calls) - 1, "", self.network)
        registered = sum(parameter.numel for parameter in self.ours.trace.parameters.values())
        expected = self._leftover(number, everything,
                                  registered - self.ours.numel(everything))
        if number or self.network not in CONTAINERS[row.type] \
                or (row.output_shape, row.params) != (None, expected):
            return self._unaccounted(number, f"the network has {expected} of its own")
        reason = "the network; its parameters that do not run in evaluation" \
            if expected != NO_PARAMS else "the network"
        return Match(1, row, everything, None, expected, True, reason)

    def _opened_again(self, number: int) -> Match:
        """torchinfo takes a shared module for a part of the last container that holds it, and opens
        a container again wherever the next module is a part of another one than the last."""
        row = self.rows[number]
        inner = [self.runs[n] for n in self._beneath(number) if n in self.runs]
        scopes = self.ours.trace.scopes
        runs = [scope for scope in scopes if inner and scope.path == inner[0].path]
        last = runs[-1] if runs else None
        start, end = (last.start, last.end) if last else (inner[0].start, inner[0].end) \
            if inner else (-1, -1)
        holders = [scope for scope in scopes if scope.type in CONTAINERS[row.type]
                   and scope.start <= start and scope.end >= end
                   and (scope.start, scope.end) != (start, end)]
        if len(inner) != 1 or not holders or row.params != RECURSIVE:
            return self._unaccounted(number, "nothing of ours is opened again here")
        holder = min(holders, key=lambda scope: scope.end - scope.start)
        run = Run(holder.start, holder.end, holder.path, holder.type)
        reason = "opened for a module that it shares" if len(runs) > 1 \
            else "opened again after a module that it shares"
        return Match(number + 1, row, run, None, RECURSIVE, True, reason)

    def _identity(self, number: int) -> Match:
        """An empty Sequential is a shortcut that changes nothing: the addition after it reads what
        its block was given."""
        row, ours = self.rows[number], self.ours
        block = self.rows[self._above(number)].type
        before = self.runs.get(number - 1)
        for scope in ours.trace.scopes:
            run, added = ours.run_of(scope.end), ours.calls[scope.end]
            if scope.type in CONTAINERS.get(block, ()) and row.type == "Sequential" \
                    and before is not None and scope.start <= before.start <= scope.end \
                    and added.operator == "add" and set(scope.inputs) & set(added.inputs) \
                    and (row.output_shape, row.params) == (ours.shape(scope.end), NO_PARAMS) \
                    and run not in self.claimed:
                self.claimed.add(run)
                return Match(number + 1, row, run, row.output_shape, NO_PARAMS, True,
                             "an empty Sequential: the shortcut that the addition reads")
        return self._unaccounted(number, "it has no parts, and no shortcut of ours is here")

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

    def _enclosing(self, number: int, inner: Sequence[Run]) -> Run | None:
        """The smallest scope of the row's type, or else the run, that has these calls and no others
        but those that no row stands for."""
        if not inner:
            return None
        row = self.rows[number]
        start, end = min(run.start for run in inner), max(run.end for run in inner)
        covered = {call for run in inner for call in range(run.start, run.end + 1)}
        candidates = sorted(
            (Run(scope.start, scope.end, scope.path, scope.type)
             for scope in self.ours.trace.scopes if scope.type in CONTAINERS[row.type]
             and scope.start <= start and scope.end >= end),
            key=lambda run: run.end - run.start)
        if row.type == "Sequential":
            candidates.append(Run(start, end, "", row.type))
        for run in candidates:
            if not self.matched & set(range(run.start, run.end + 1)) - covered:
                return run
        return None

    def _ending(self, number: int) -> Run | None:
        """The smallest scope of the row's type, not yet taken, that ends between the layer before
        the row and the layer after it."""
        row, count = self.rows[number], len(self.ours.calls)
        before = next((self.runs[n].end for n in range(number - 1, -1, -1)
                       if n in self.runs and n in self.pairs), -1)
        after = next((self.runs[n].start for n in range(number + 1, len(self.rows))
                      if n in self.runs and n in self.pairs), count)
        candidates = [Run(scope.start, scope.end, scope.path, scope.type)
                      for scope in self.ours.trace.scopes if scope.type in CONTAINERS[row.type]
                      and scope.start <= before <= scope.end < after]
        free = [run for run in candidates if run not in self.claimed]
        return min(free, key=lambda run: run.end - run.start, default=None)

    def _leftover(self, number: int, run: Run, unused: int = 0) -> int | str:
        """What torchinfo counts at a container: all its parameters less what it counts beneath."""
        beneath = list(self._beneath(number))
        counted = sum(self.own.get(n, 0) for n in beneath)
        lost = set(range(run.start, run.end + 1)) - self.matched
        counted += sum(self.ours.numel(self.ours.run_of(call), new=True) for call in lost)
        own = self.ours.numel(run) + unused - counted
        self.own[number] = own
        return own if own > 0 else NO_PARAMS

    # What does not agree

    def _misnumbered(self, number: int) -> str:
        """Rows count on from the one before, and a tree opens one level at a time."""
        row = self.rows[number]
        previous = next((other for other in self.rows[number - 1::-1] if other.depth == row.depth),
                        None) if number else None
        first = 0 if row.depth == 0 else 1
        expected = first if previous is None else previous.index + 1
        if row.index != expected:
            return f"its number should be {expected}: a row is missing, added or out of its place"
        above = self.rows[number - 1].depth if number else -1
        if row.depth is not None and above is not None and row.depth > above + 1:
            return "the row of its container is missing"
        return ""

    def _unaccounted(self, number: int, reason: str) -> Match:
        return Match(number + 1, self.rows[number], None, None, None, False, reason)

    def missing(self) -> Iterator[Left]:
        """Layers of ours, and modules of a kind that the table lists, that have no row."""
        for call in self.ours.calls:
            if call.index not in self.matched and not self.ours.silent(call):
                yield Left(call.path, call.type, self.ours.shape(call.index),
                           "the table has no row for it")
        listed = {ours for row in self.rows for ours in CONTAINERS.get(row.type, ())}
        for scope in self.ours.trace.scopes:
            run = Run(scope.start, scope.end, scope.path, scope.type)
            if scope.type in listed and scope.type not in PLAIN and run not in self.claimed:
                yield Left(scope.path, scope.type, self.ours.shape(scope.end),
                           "the table has no row for it")

    def unseen(self) -> Iterator[Left]:
        for call in self.ours.calls:
            if call.index not in self.matched and self.ours.silent(call):
                yield Left(call.path, call.type, self.ours.shape(call.index),
                           "a function: the tool sees modules only" if call.type == call.operator
                           else "a module here, a function in the tutorial")


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape))
