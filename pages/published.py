"""The published layer tables beside ours, row by row."""

from explorer.ui.start import within_app  # isort: split

import streamlit as st

from explorer.language import say
from explorer.ui import published
from explorer.ui.headings import page, section
from explorer.ui.messages import cannot_open

within_app()
page(say("Published tables"), say(
    "Tutorials print a table of their network's layers. Which rows and totals are right, and what "
    "is wrong with the others? Each table stands beside our trace of the same network."))
comparison = published.choose()
if isinstance(comparison, Exception):
    cannot_open(comparison)
    st.stop()

published.figures(comparison)
published.notes(comparison)

section(say("Totals"),
        say("Does each printed total agree with the rows, and how does it come about?"), "totals")
published.totals(comparison)

section(say("Rows"), say("Which of our layers does each printed row stand for?"), "rows")
published.rows(comparison)
