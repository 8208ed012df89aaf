"""Every preset with its figures."""

from explorer.ui.start import within_app  # isort: split

import streamlit as st

from explorer.language import say
from explorer.recorded import catalogue
from explorer.ui.headings import page
from explorer.ui.language import one_of
from explorer.views.catalogue import ORDERS, timeline, to_html

within_app()
page(say("Catalogue"), say(
    "Which networks are there, how deep and how large are they, and what does each cost? Every "
    "network is as its paper, torchvision or a tutorial has it, at its own input. Choose a name to "
    "open it and to turn its knobs."))
entries = catalogue()
shown = one_of(say("Over the years"), ["Multiply-adds", "Parameters"], "catalogue-figure", say)
st.plotly_chart(timeline(entries, "macs" if shown == "Multiply-adds" else "params"),
                key="catalogue-timeline", config={"displayModeBar": False})
st.caption(say("A dot for each network, those of a family above one another. The years are those "
               "of the papers; the multiply-adds are of one image."))
order = one_of(say("Sort by"), list(ORDERS), "catalogue-order", say)
st.html(to_html(entries, order))
st.caption(say(
    "**Depth**: the weighted layers, that is the most convolutions and linear layers that follow "
    "on one another; a projection beside a block and a gate do not count. It is the number in the "
    "names of VGG and ResNet. **Calls**: all operations of the forward pass, also normalisation, "
    "activation, pooling and addition. **Multiply-adds** and **peak memory** are those of the "
    "whole batch. Point at a figure to see it exactly."))
