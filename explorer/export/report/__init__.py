"""One HTML file of a network, a comparison or a sweep: it works without a network, and prints."""

from explorer.export.report.comparison import comparison_report
from explorer.export.report.network import report
from explorer.export.report.sweep import sweep_report

__all__ = ["comparison_report", "report", "sweep_report"]
