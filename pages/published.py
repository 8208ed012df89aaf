"""The published layer tables beside ours, row by row."""

import streamlit as st

from explorer.ui import published
from explorer.ui.messages import cannot_open

st.subheader("Published tables", anchor=False)
st.caption("Tutorials print a table of their network's layers. Here is each such table beside our "
           "trace of the same network: what each row stands for, and how each total is computed.")
comparison = published.choose()
if isinstance(comparison, Exception):
    cannot_open(comparison)
    st.stop()

published.figures(comparison)
published.notes(comparison)

st.subheader("Totals", anchor="totals")
published.totals(comparison)

st.subheader("Rows", anchor="rows")
published.rows(comparison)
