"""A sweep as rows, tables and charts, and what a fit has found."""

from explorer.views.sweep.fit import fit_json, fit_text
from explorer.views.sweep.quantities import QUANTITIES, frame, matching
from explorer.views.sweep.rows import columns, line, row, to_csv, to_json, to_markdown, to_text

__all__ = ["QUANTITIES", "columns", "fit_json", "fit_text", "frame", "line", "matching", "row",
           "to_csv", "to_json", "to_markdown", "to_text"]
