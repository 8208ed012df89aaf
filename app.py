"""The entry point: `streamlit run app.py`."""

import sys
from contextlib import nullcontext
from pathlib import Path

import streamlit as st

if watched := st.get_option("server.fileWatcherType") != "none":
    # Byte code is files too: written while a page opens, they would draw it before the browser has
    # said what its address is.
    sys.dont_write_bytecode = True

# Another page that takes up saved files holds the lock: who imports meanwhile would get modules of
# before and after.
with getattr(sys.modules.get("explorer_lasting"), "lock", nullcontext()):
    import explorer.ui.start  # noqa: F401

# isort: split

from explorer.reloading import take_up_saved_files

if watched:
    take_up_saved_files("explorer.ui.start")

from explorer.language import say
from explorer.ui import housekeeping, language, messages, sending, visits
from explorer.ui.headings import APP
from explorer.ui.start import note_app, offer_files

offer_files(Path(__file__))
note_app()
language.begin()

UI = Path(__file__).parent / "explorer" / "ui"

# A file, as the browser would fetch one of Streamlit's own icons from another host.
st.set_page_config(page_title=str(APP), page_icon=UI / "icon.svg", layout="wide")
st.html(UI / "page.css")

housekeeping.prepare()
page = st.navigation([
    st.Page("pages/explore.py", title=say("Explore"), icon=":material/tune:", default=True,
            help=say("One network with its knobs: figures, block graph, layers, charts and "
                     "timing.")),
    st.Page("pages/compare.py", title=say("Compare"), icon=":material/compare_arrows:",
            help=say("Two to four networks side by side: figures, aligned parts, and why they "
                     "differ.")),
    st.Page("pages/sweep.py", title=say("Sweep"), icon=":material/monitoring:",
            help=say("Many configs at once: what knobs do to every figure, and which fit into a "
                     "limit.")),
    st.Page("pages/learn.py", title=say("Learn"), icon=":material/school:",
            help=say("Short lessons in which every claim can be tried.")),
    st.Page("pages/quiz.py", title=say("Quiz"), icon=":material/quiz:",
            help=say("Questions that the engine asks, grades and explains.")),
    st.Page("pages/catalogue.py", title=say("Catalogue"), icon=":material/table_rows:",
            help=say("Every preset with its figures, and a link that opens it.")),
    st.Page("pages/published.py", title=say("Published"), icon=":material/fact_check:",
            help=say("Tables that tutorials published, beside ours: every row, and why a total is "
                     "what it is.")),
    st.Page("pages/conventions.py", title=say("How it counts"), icon=":material/functions:",
            help=say("What each figure means, and how it is counted.")),
])
with st.sidebar:
    language.switch()
if visits.has_room():
    with sending.in_turn(), messages.standing(say("This page")):
        page.run()
else:
    st.info(say("Too many people are here at the moment. Reload the page in a few minutes."))
