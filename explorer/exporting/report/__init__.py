"""One HTML file of a network, a comparison or a sweep: it works without a network, and prints."""

from explorer.exporting.report.comparison import comparison_report
from explorer.exporting.report.network import report
from explorer.exporting.report.sweep import sweep_report

__all__ = ["comparison_report", "report", "sweep_report"]
