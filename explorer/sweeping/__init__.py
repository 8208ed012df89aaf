"""Many configs: a grid of them, what each costs, how that grows, and the question backwards."""

from explorer.sweeping.fitting import Fit, Limit, choose, fit, parse_limit
from explorer.sweeping.grids import MOST_CONFIGS, Axis, Grid, Point, grid, parse_axis, suggested
from explorer.sweeping.laws import Law, StageLaw, law, stage_laws
from explorer.sweeping.pareto import front
from explorer.sweeping.records import FIGURES, Record, WorkerError
from explorer.sweeping.run import connect, processes, sweep
from explorer.sweeping.swept import Swept

__all__ = ["FIGURES", "MOST_CONFIGS", "Axis", "Fit", "Grid", "Law", "Limit", "Point", "Record",
           "StageLaw", "Swept", "WorkerError", "choose", "connect", "fit", "front", "grid", "law",
           "parse_axis", "parse_limit", "processes", "stage_laws", "suggested", "sweep"]
