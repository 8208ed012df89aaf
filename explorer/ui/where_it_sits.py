"""Where parameters, multiply-adds, memory and time sit: a chart each, under one legend."""

from __future__ import annotations

from streamlit.delta_generator import DeltaGenerator

from explorer.language import say
from explorer.pipeline import Explored
from explorer.ui import calls
from explorer.ui.panel import Panel
from explorer.ui.sending import wait_until_sent
from explorer.views.palette import HATCHED, KIND_COLOURS


def charts(place: DeltaGenerator, panel: Panel, network: Explored,
           seconds: tuple[float, ...] | None) -> None:
    """The charts, sent one after the other: nothing else moves while a browser draws one, which
    takes it 40 to 80 ms. `seconds` are the measured times of the layers."""
    figures = calls.where_it_sits(network, seconds)
    shown = {bar.name for figure in figures for bar in figure.data}
    legend = [f'<span><i class="{"hatched" if kind in HATCHED else ""}" '
              f'style="background-color: {colour}"></i>{say(kind)}</span>'
              for kind, colour in KIND_COLOURS.items() if say(kind) in shown]
    place.html(f'<div class="kinds">{"".join(legend)}</div>')
    for number, figure in enumerate(figures):
        wait_until_sent(0.05)
        place.plotly_chart(figure, key=panel.widget(f"where-it-sits-{number}"),
                           config={"displayModeBar": False})
