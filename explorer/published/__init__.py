"""The published layer tables of the tutorials, and what our trace says to each of their rows."""

from explorer.published.comparison import Comparison, Match, compare
from explorer.published.table import PublishedError, Row, Table, load, names
from explorer.published.totals import Total

__all__ = ["Comparison", "Match", "PublishedError", "Row", "Table", "Total", "compare", "load",
           "names"]
