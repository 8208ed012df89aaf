"""A published table beside our trace of the same network: rows, totals, and what to know."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.language import Text
from explorer.pipeline import summarise
from explorer.published.align import Ours
from explorer.published.matching import Left, Match, Matcher
from explorer.published.notes import notes
from explorer.published.table import PublishedError, PublishedTable, load
from explorer.published.totals import Total, totals
from explorer.sources import find_source


@dataclass(frozen=True)
class PublishedComparison:
    """All that there is to say about one table."""

    table: PublishedTable
    matches: tuple[Match, ...]
    missing: tuple[Left, ...]
    """What the table should have a row for, and has not."""
    unseen: tuple[Left, ...]
    """Calls that the tool does not see."""
    totals: tuple[Total, ...]
    remarks: tuple[Text, ...]
    """What to know about it."""

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(map(str, self.remarks))

    @property
    def accounted(self) -> int:
        return sum(match.accounted for match in self.matches)

    @property
    def complete(self) -> bool:
        """Every row is accounted for, none is missing, and every total is."""
        return (self.accounted == len(self.matches) == self.table.expected_rows
                and not self.missing and all(total.agrees for total in self.totals))


def compare(name: str) -> PublishedComparison:
    """The published table `name` beside our trace of its network.

    Raises `PublishedError` for a table that is not there or is damaged.

    >>> compare("resnet18").accounted
    68
    """
    table = load(name)
    source = find_source(table.network)
    if (abs(table.input[0]), *table.input[1:]) != source.input_shape:
        raise PublishedError(Text(
            "totals.json, {table}: `input` must be that of {network}, {input}; got {given}.",
            table=table.name, network=table.network, input=list(source.input_shape),
            given=list(table.input)))
    summary = summarise(source)
    matcher = Matcher(table, Ours(summary, table))
    matches = matcher.matches()
    return PublishedComparison(
        table=table, matches=matches, missing=tuple(matcher.missing()),
        unseen=tuple(matcher.unseen()), totals=totals(table, matcher.ours.seen, matches),
        remarks=notes(table, summary))
