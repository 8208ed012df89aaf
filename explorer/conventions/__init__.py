"""What other tools report of the same pass, and why that is not ours."""

from explorer.conventions.other_tools import MB, MIB, Figure, Report, Term, other_tools

__all__ = ["MB", "MIB", "Figure", "Report", "Term", "other_tools"]
