"""Trace -> Summary: what each layer costs, and the totals. It knows no network."""

from explorer.analysis.summary import (
    Block,
    Held,
    Kind,
    Layer,
    ReceptiveField,
    Summary,
    Totals,
    alive_at_peak,
    analyse,
)

__all__ = ["Block", "Held", "Kind", "Layer", "ReceptiveField", "Summary", "Totals",
           "alive_at_peak", "analyse"]
