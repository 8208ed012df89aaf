"""What the live parts of lessons show, as charts and HTML."""

from explorer.views.lessons.charts import (
    field_map,
    function_plots,
    gradient_chart,
    loss_chart,
    smoothed_classes,
    smoothed_loss,
)
from explorer.views.lessons.tables import chain_table, cost_table, figure_table

__all__ = ["chain_table", "cost_table", "field_map", "figure_table", "function_plots",
           "gradient_chart", "loss_chart", "smoothed_classes", "smoothed_loss"]
