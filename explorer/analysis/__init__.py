"""Trace -> Summary: what each layer costs, and the totals. It knows no network."""

from explorer.analysis.receptive_field import ReceptiveField
from explorer.analysis.summary import Held, Layer, Summary, Totals, alive_at_peak, analyse

__all__ = ["Held", "Layer", "ReceptiveField", "Summary", "Totals", "alive_at_peak", "analyse"]
