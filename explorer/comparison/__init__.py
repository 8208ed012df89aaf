"""Networks beside each other: what differs, by how much, and why."""

from explorer.comparison.comparison import LETTERS, MOST, Comparison, compare
from explorer.comparison.instead import changes
from explorer.comparison.reasons import headline, reason

__all__ = ["LETTERS", "MOST", "Comparison", "changes", "compare", "headline", "reason"]
