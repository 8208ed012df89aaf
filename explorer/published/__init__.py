"""The published layer tables of the tutorials, and what our trace says to each of their rows."""

from explorer.published.comparison import PublishedComparison, compare
from explorer.published.matching import Match
from explorer.published.table import PublishedError, PublishedRow, PublishedTable, load, names
from explorer.published.totals import Total

__all__ = ["Match", "PublishedComparison", "PublishedError", "PublishedRow", "PublishedTable",
           "Total", "compare", "load", "names"]
