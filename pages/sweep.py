"""Many configs at once: what knobs do to each figure, and the largest within a limit."""

from explorer.ui.start import within_app  # isort: split

from functools import partial

import streamlit as st

from explorer.language import say
from explorer.ui import exports, messages
from explorer.ui.bench import poll
from explorer.ui.copy_link import copy_link
from explorer.ui.headings import page
from explorer.ui.messages import standing
from explorer.ui.panel import Panel
from explorer.ui.sweep import progress, section, sidebar
from explorer.ui.sweep.form import SweepForm

within_app()
place = page(
    say("Sweep"), say(
        "What does a knob do to every figure, and which values fit into a limit? Choose networks, "
        "and knobs with the values that they take, on the left."))
form = SweepForm()
form.open_address()
given = sidebar.sidebar(form)
form.write_address()
messages.set_aside(form.set_aside)
if given is None:
    st.info(say("There is a mistake on the left: it is told there."))
    st.stop()

st.markdown(f"**{messages.escape(progress.heading(given))}**")
with standing(say("The sweep")):
    if (found := progress.progress(form, given)) is not None:
        with place:
            copy_link(Panel("sweep"))
            exports.of_sweep(Panel("sweep"), given, found)
        poll(partial(section.section, form, given, found),
             waits=found.running and not found.unwanted, every_s=progress.redrawn_s(given))
