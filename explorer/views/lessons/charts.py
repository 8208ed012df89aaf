"""Charts of lessons: functions, losses as they fall, gradients by layer, where a position looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.language import say
from explorer.lessons.experiments.digits import STEPS_A_POINT
from explorer.lessons.experiments.effective_field import FieldOfPosition
from explorer.lessons.experiments.gradients import LayerGradients
from explorer.lessons.functions import Curve1D, loss_over_margin, smoothed
from explorer.views.axes import log_ticks
from explorer.views.palette import HEAT, PLAIN, SERIES

MARGIN = dict(l=8, r=8, t=30, b=8)
BELOW = dict(y=-0.18, yanchor="top")
ABOVE = dict(y=1.02, yanchor="bottom")
"""Places of a legend: below, or above where the axis has a title, which a high legend of a phone
would cover."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
"""Lines told apart by more than colour."""

FUNCTIONS = {"relu": "ReLU", "relu6": "ReLU6", "sigmoid": "sigmoid", "hardsigmoid": "hard-sigmoid",
             "silu": "swish", "hardswish": "h-swish", "tanh": "tanh", "gelu": "GELU"}
"""By their names in torch.nn.functional, as papers call them."""


def function_plots(curves: Sequence[Curve1D]) -> go.Figure:
    """Functions on the left and their derivatives on the right."""
    drawn = make_subplots(rows=1, cols=2, horizontal_spacing=0.09,
                          subplot_titles=[say("Function"), say("Derivative")])
    for curve, colour, dash in zip(curves, SERIES, DASHES, strict=False):
        for column, values in ((1, curve.y), (2, curve.slope)):
            drawn.add_scatter(x=curve.x, y=values, name=FUNCTIONS[curve.name], mode="lines",
                              line=dict(color=colour, width=2, dash=dash), row=1, col=column,
                              legendgroup=curve.name, showlegend=column == 1,
                              hovertemplate="%{x:.2f}: %{y:.3f}")
    return _laid_out(drawn, 320)


def smoothed_classes(logits: Sequence[float], epsilon: float) -> go.Figure:
    """What the loss wants and what the network says, class by class."""
    told, classes = smoothed(logits, epsilon), len(logits)
    names = [say("right"), *[say("wrong {number}", number=number)
                             for number in range(1, classes)]]
    drawn = go.Figure()
    for values, name, colour, pattern in (
            (told.targets, say("wanted"), SERIES[0], ""),
            (told.probabilities, say("said"), SERIES[1], "/"),
            (told.gradient, say("gradient by the logit"), SERIES[2], "x")):
        drawn.add_bar(x=names, y=values, name=name,
                      marker=dict(color=colour, pattern=dict(shape=pattern)),
                      hovertemplate=f"%{{x}}, {name}: %{{y:.3f}}<extra></extra>")
    drawn.update_yaxes(range=[min(told.gradient) - 0.05, 1.05])
    return _titled(drawn, say("Class by class"))


def smoothed_loss(logits: Sequence[float], epsilon: float) -> go.Figure:
    """The loss over the margin of the right class, and where these logits are on it."""
    drawn, classes = go.Figure(), len(logits)
    margins = [step / 4 for step in range(-8, 81)]
    for smoothing, dash in ((0.0, "dot"), (epsilon, "solid")):
        drawn.add_scatter(x=margins, y=loss_over_margin(classes, smoothing, margins), mode="lines",
                          name=f"ε = {smoothing:g}",
                          line=dict(color=SERIES[3], dash=dash, width=2),
                          hovertemplate="%{x:.2f}: %{y:.3f}")
    drawn.add_scatter(x=[logits[0] - logits[1]], y=[smoothed(logits, epsilon).loss],
                      mode="markers", marker=dict(color=SERIES[3], size=11), showlegend=False,
                      hovertemplate="%{x:.2f}: %{y:.3f}<extra></extra>")
    return _titled(drawn, say("Loss over the logit of the right class"))


def loss_chart(names: Sequence[str], losses: Sequence[Sequence[float]], steps: int) -> go.Figure:
    """The loss of each network over its steps, as far as there are any."""
    drawn = go.Figure()
    for name, own, colour, dash in zip(names, losses, SERIES, DASHES, strict=False):
        drawn.add_scatter(x=[STEPS_A_POINT * (place + 1) for place in range(len(own))], y=list(own),
                          name=name, mode="lines", line=dict(color=colour, width=2, dash=dash),
                          hovertemplate="%{x}: %{y:.3f}")
    drawn.update_xaxes(range=[0, steps], title=say("steps"))
    drawn.update_yaxes(rangemode="tozero", title=say("loss"))
    return _laid_out(drawn, 360, ABOVE)


def gradient_chart(names: Sequence[str], measured: LayerGradients) -> go.Figure:
    """The gradient's size at each layer, from the first to the last, on a logarithmic axis."""
    drawn = go.Figure()
    for name, paths, sizes, colour, dash in zip(names, measured.paths, measured.sizes, SERIES,
                                                DASHES, strict=False):
        drawn.add_scatter(x=list(range(1, len(sizes) + 1)), y=sizes, name=name, customdata=paths,
                          mode="lines", line=dict(color=colour, width=2, dash=dash),
                          hovertemplate="%{customdata}: %{y:.2~r}")
    every = [size for sizes in measured.sizes for size in sizes if size > 0]
    drawn.update_xaxes(title=say("weighted layers, from the image to the output"))
    drawn.update_yaxes(type="log", title=say("gradient"), exponentformat="power",
                       **({} if not every else {"tickvals": log_ticks(min(every), max(every))[
                           "tickvals"], "tickformat": "~g"}))
    return _laid_out(drawn, 360, ABOVE)


def field_map(field: FieldOfPosition) -> go.Figure:
    """The image with the rectangle that a position can see, and the gradient in it."""
    places = [(place + 0.5) * field.cell for place in range(len(field.gradient))]
    drawn = go.Figure(go.Heatmap(
        z=field.gradient, x=places, y=places, zmin=0, zmax=1, showscale=True,
        colorscale=[[0, "rgba(232,89,12,0)"], [1, HEAT]],
        colorbar=dict(title=dict(text=say("gradient"), side="right"), thickness=12, outlinewidth=0),
        hovertemplate="(%{x:.0f}, %{y:.0f}): %{z:.2f}<extra></extra>"))
    for left, top, size, colour, dash in (
            (0, 0, field.image, PLAIN, "solid"),
            (field.left, field.top, field.size, SERIES[0], "dash")):
        drawn.add_shape(type="rect", x0=left, y0=top, x1=left + size, y1=top + size,
                        line=dict(color=colour, width=2, dash=dash))
    low = min(0, field.left, field.top) - 4
    high = max(field.image, field.left + field.size, field.top + field.size) + 4
    drawn.update_xaxes(range=[low, high], constrain="domain", showgrid=False, zeroline=False,
                       title=say("pixels"))
    drawn.update_yaxes(range=[high, low], scaleanchor="x", showgrid=False, zeroline=False)
    return _laid_out(drawn, 420)


def _titled(drawn: go.Figure, title: str) -> go.Figure:
    drawn.update_layout(title=dict(text=title, x=0.5, xanchor="center", font=dict(size=15)))
    return _laid_out(drawn, 340)


def _laid_out(drawn: go.Figure, height: int, legend: Mapping[str, object] = BELOW) -> go.Figure:
    drawn.update_layout(height=height, margin=MARGIN, barmode="group",
                        legend=dict(orientation="h", x=0, **legend))
    return drawn
