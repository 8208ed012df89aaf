"""Trace -> Summary: what each layer costs, and the totals. It knows no network."""

from explorer.analysis.receptive_field import ReceptiveField
from explorer.analysis.summary import AliveTensor, Layer, Summary, Totals, alive_at_peak, analyse

__all__ = ["AliveTensor", "Layer", "ReceptiveField", "Summary", "Totals", "alive_at_peak",
           "analyse"]
