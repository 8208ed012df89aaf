"""Comparisons as records, tables, files, sentences, and what the page shows."""

from explorer.views.comparison.figures import figure_rows, figures_html
from explorer.views.comparison.parts import HTML, SCRIPT, STYLE, parts_data
from explorer.views.comparison.said import (
    adds_up,
    ends_early,
    headlines,
    inputs,
    sentences,
)
from explorer.views.comparison.tables import (
    FIGURES,
    LEVELS,
    comparison_csv,
    comparison_frame,
    comparison_json,
    comparison_markdown,
    comparison_text,
    part_records,
)
from explorer.views.comparison.times import (
    part_seconds,
    times_add_up,
    times_lines,
    times_record,
)
from explorer.views.comparison.tree import TITLES, Shown, part_rows, row_details, row_key

__all__ = ["FIGURES", "HTML", "LEVELS", "SCRIPT", "STYLE", "TITLES", "Shown", "adds_up",
           "comparison_csv", "comparison_frame", "comparison_json", "comparison_markdown",
           "comparison_text", "ends_early", "figure_rows", "figures_html", "headlines", "inputs",
           "part_records", "part_rows", "part_seconds", "parts_data", "row_details", "row_key",
           "sentences", "times_add_up", "times_lines", "times_record"]
