"""What the program is, and where to begin: for those who come without a link.

One place under the title holds the ways to begin, or what to look at, or the question that the
figures answer. It is as high for the first as for the last, so that nothing moves when the first
knob is turned.
"""

from __future__ import annotations

import streamlit as st

from explorer.language import Text, say
from explorer.pipeline import Explored
from explorer.sources.key import default_config
from explorer.ui import calls
from explorer.ui.headings import APP
from explorer.ui.panel import DEFAULT, PAGE_PARAMETERS, Panel
from explorer.views.ways import COMPARED, WAYS, WRONG_TABLE, look_at

LINE = Text("Turn a knob of a network and see at once how its shapes, parameters, multiply-adds, "
            "memory and time change.")

QUESTION = Text("How large is the network, what does one forward pass cost, and how is that "
                "against the preset?")


def app_name(panel: Panel) -> None:
    """The program in one line. To be called before the address is read: it notes whether that names
    a network."""
    panel.note_arrival()
    st.html(f'<p class="app"><b>{APP}</b> {LINE}</p>')


def opened(panel: Panel, network: Explored) -> str:
    """What to look at where a way to begin has been taken, or ""; one that does not lead to this
    network is refused."""
    way = panel.parameter("begin")
    if way is None:
        return ""
    compared = calls.explored(calls.source(default_config(COMPARED))).summary
    said = look_at(way, network, compared) if way in WAYS else ""
    if not said:
        panel.refuse_parameter("begin", say(
            "`begin` must be one of {names}, each with its own network; got {name}.",
            names=", ".join(WAYS), name=way))
    return said


def begin(panel: Panel, said: str) -> None:
    """What to look at as `opened` gives it, or else the ways to begin or the question."""
    with st.container(key=panel.widget("begin")):
        if said:
            _look_at(panel, said)
        elif _first_visit(panel):
            _ways(panel)
        else:
            st.caption(str(QUESTION))


def _first_visit(panel: Panel) -> bool:
    """Whether the address named nothing at first, and nothing has been changed since."""
    return not panel.named_at_first and panel.config == default_config(DEFAULT) \
        and all(panel.parameter(name) is None for name in PAGE_PARAMETERS)


def _ways(panel: Panel) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(say("Three ways to begin:"), width="content")
        for name, way in WAYS.items():
            st.button(str(way.title), icon=":material/arrow_forward:",
                      key=panel.widget(f"begin-{name}"), on_click=panel.open_link,
                      args=({**way.query, "begin": name},))
        if st.button(str(WRONG_TABLE.title), icon=":material/arrow_forward:",
                     key=panel.widget("begin-table")):
            st.switch_page("pages/published.py", query_params=WRONG_TABLE.query)


def _look_at(panel: Panel, said: str) -> None:
    with st.container(horizontal=True, vertical_alignment="top", key=panel.widget("begin-said")):
        st.markdown(said, width="stretch")
        st.button(say("Hide"), key=panel.widget("begin-hide"), type="tertiary",
                  on_click=panel.set_parameter, args=("begin", None))
