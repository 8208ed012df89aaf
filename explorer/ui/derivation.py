"""How the figures of the chosen layer come about, under the layer table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import text
from explorer.config import ConfigError
from explorer.explain.derivation import Derivation, Step, derive
from explorer.explain.sums import sums
from explorer.formula import symbol_latex
from explorer.language import say
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
            st.caption(say("Click a node of the graph, or choose rows of the table at its left "
                           "edge, to see how their figures come about."))
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
        st.markdown("#### " + say("{count} layers: {first} to {last}", count=len(selected),
                                  first=escape(first.path), last=escape(last.path)),
                    width="stretch")
        close(panel)
    st.caption(say("Choose a single layer, in the table or in the opened graph, to see how its own "
                   "figures come about."))
    steps(sums(network.summary, selected))


def steps(parts: Sequence[Step]) -> None:
    with st.grid(2, min_column_width=380, gap="medium"):
        for part in parts:
            with st.container(gap="small"):
                step(part)


def close(panel: Panel) -> None:
    st.button(say("Close"), icon=":material/close:", on_click=panel.set_parameter,
              args=("layer", None), key=panel.widget("layer-close"))


def head(panel: Panel, derivation: Derivation) -> None:
    """Which layer it is, what it reads, and its neighbours."""
    layer = derivation.layer
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("#### " + say("Layer {number}: {path}", number=layer.index,
                                  path=escape(layer.path)), width="stretch")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            neighbour(panel, "previous", say("Previous"), layer.index - 1, derivation.last,
                      ":material/arrow_back:")
            neighbour(panel, "next", say("Next"), layer.index + 1, derivation.last,
                      ":material/arrow_forward:")
            close(panel)
    inputs = text.series([say("{shape} from {source}", shape=text.shape(given.shape),
                              source=given.name) for given in derivation.inputs]) \
        if derivation.inputs else ""
    st.caption(escape(say("{type}, {kind}. Input: {inputs}.", type=layer.type, kind=say(layer.kind),
                          inputs=inputs)))


def neighbour(panel: Panel, name: str, label: str, index: int, last: int, icon: str) -> None:
    st.button(label, icon=icon, disabled=not 0 <= index <= last,
              key=panel.widget(f"layer-{name}"),
              on_click=panel.set_parameter, args=("layer", index))


def step(part: Step) -> None:
    """One figure: its result, the formulas, and what they do not say."""
    st.markdown(say("**{name}: {value}**", name=say(part.name), value=escape(part.shown)))
    for equation in part.equations:
        # In a line of text, as a formula on a line of its own would stand in the middle.
        st.markdown(rf"$\displaystyle {equation.latex}$")
    if part.notes:
        st.caption(escape(text.sentences(part.notes)))


def symbols(derivation: Derivation) -> None:
    if legend := derivation.legend:
        st.markdown("**" + say("Symbols") + "**")
        with st.grid(3, min_column_width=240, gap="xsmall"):
            for name, value, meaning in legend:
                st.caption(say("{symbol} = {value}: {meaning}", symbol=f"${symbol_latex(name)}$",
                               value=escape(value), meaning=meaning))
