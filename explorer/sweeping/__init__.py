"""Many configs: a grid of them, what each costs, and the question backwards."""

from explorer.sweeping.fitting import Fit, Limit, fit, parse_limit
from explorer.sweeping.grids import MOST_CONFIGS, Axis, Grid, Point, grid, parse_axis
from explorer.sweeping.records import FIGURES, Record, WorkerError
from explorer.sweeping.run import connect, sweep

__all__ = ["FIGURES", "MOST_CONFIGS", "Axis", "Fit", "Grid", "Limit", "Point", "Record",
           "WorkerError", "connect", "fit", "grid", "parse_axis", "parse_limit", "sweep"]
