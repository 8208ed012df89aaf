"""How the figures of the chosen layer come about, under the layer table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import text
from explorer.config import ConfigError
from explorer.explain.derivation import Derivation, Step, derive
from explorer.explain.sums import sums
from explorer.formula import symbol_latex
from explorer.pipeline import Explored
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import selection

PLACE = "derivation"
"""Where a link from the graph leads to."""


def opened(panel: Panel, network: Explored) -> tuple[int, ...]:
    """The layers that are chosen; those that the network does not have are refused."""
    wanted = panel.parameter("layer")
    if wanted is None or network.failure:
        return ()
    try:
        return selection.from_text(wanted, len(network.summary.layers))
    except ConfigError as error:
        panel.refuse_parameter("layer", str(error))
        return ()


def section(panel: Panel, network: Explored, selected: Sequence[int]) -> None:
    """The derivation of a layer, the sums of several, or how to choose them."""
    with st.container(border=True, key=panel.widget(PLACE)):
        if not selected:
            st.caption("Click a node of the graph, or choose rows of the table at its left edge, "
                       "to see how their figures come about.")
        elif len(selected) == 1:
            derivation = derive(network.summary, selected[0])
            head(panel, derivation)
            steps(derivation.steps)
            symbols(derivation)
        else:
            several(panel, network, selected)


def several(panel: Panel, network: Explored, selected: Sequence[int]) -> None:
    """The sums over the chosen layers."""
    layers = network.summary.layers
    first, last = layers[selected[0]], layers[selected[-1]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {len(selected)} layers: {escape(first.path)} to {escape(last.path)}",
                    width="stretch")
        close(panel)
    st.caption("Choose a single layer, in the table or in the opened graph, to see how its own "
               "figures come about.")
    steps(sums(network.summary, selected))


def steps(parts: Sequence[Step]) -> None:
    with st.grid(2, min_column_width=380, gap="medium"):
        for part in parts:
            with st.container(gap="small"):
                step(part)


def close(panel: Panel) -> None:
    st.button("Close", icon=":material/close:", on_click=panel.set_parameter,
              args=("layer", None), key=panel.widget("layer-close"))


def head(panel: Panel, derivation: Derivation) -> None:
    """Which layer it is, what it reads, and its neighbours."""
    layer = derivation.layer
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### Layer {layer.index}: {escape(layer.path)}", width="stretch")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            neighbour(panel, "Previous", layer.index - 1, derivation.last,
                      ":material/arrow_back:")
            neighbour(panel, "Next", layer.index + 1, derivation.last,
                      ":material/arrow_forward:")
            close(panel)
    inputs = "; ".join(f"{text.shape(given.shape)} from {given.name}"
                       for given in derivation.inputs)
    st.caption(escape(f"{layer.type}, {layer.kind}. Input: {inputs}."))


def neighbour(panel: Panel, label: str, index: int, last: int, icon: str) -> None:
    st.button(label, icon=icon, disabled=not 0 <= index <= last,
              key=panel.widget(f"layer-{label.casefold()}"),
              on_click=panel.set_parameter, args=("layer", index))


def step(part: Step) -> None:
    """One figure: its result, the formulas, and what they do not say."""
    st.markdown(f"**{part.name}: {escape(part.shown)}**")
    for equation in part.equations:
        # In a line of text, as a formula on a line of its own would stand in the middle.
        st.markdown(rf"$\displaystyle {equation.latex}$")
    if part.notes:
        st.caption(escape(" ".join(part.notes)))


def symbols(derivation: Derivation) -> None:
    if legend := derivation.legend:
        st.markdown("**Symbols**")
        with st.grid(3, min_column_width=240, gap="xsmall"):
            for name, value, meaning in legend:
                st.caption(f"${symbol_latex(name)}$ = {escape(value)}: {meaning}")
