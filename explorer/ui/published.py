"""The Published page: a table, its totals with their sums, and its rows beside ours."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from explorer.networks.catalogue import find_preset
from explorer.published import PublishedComparison, PublishedError, load, names
from explorer.ui import calls
from explorer.ui.headings import section
from explorer.ui.messages import escape
from explorer.views import published as views
from explorer.views.palette import ACCOUNTED, UNACCOUNTED

DEFAULT = "inception_v3"
HEIGHT = 460


def choose() -> PublishedComparison | PublishedError:
    """The table that the address or the person names, or the error that says what is damaged."""
    state, asked = st.session_state, st.query_params.get("table")
    try:
        options = names()
        if asked is not None and asked != state.get("published-address"):
            state["published-address"] = _asked(asked)
            state["published-opened"] = state.get("published-opened", 0) + 1
        start = options.index(state.get("published-address", DEFAULT))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("Table", options, start, width=360,
                                key=f"published-table-{state.get('published-opened', 0)}",
                                format_func=lambda name: find_preset(f"{name}_tutorial").title)
            st.page_link("pages/explore.py", label="Open this network in Explore",
                         icon=":material/tune:", query_params={"network": f"{name}_tutorial"})
        state["published-address"] = name
        if asked != name:
            st.query_params.from_dict({"table": name})
        return calls.published(name)
    except PublishedError as error:
        return error


def _asked(name: str) -> str:
    """The table that a link names, or the default one and a sentence."""
    if name.removesuffix("_tutorial") in names():
        return name.removesuffix("_tutorial")
    try:
        load(name)
    except PublishedError as error:
        st.warning(f"{escape(str(error))} Showing {DEFAULT} instead.", icon=":material/link_off:")
    return DEFAULT


def figures(comparison: PublishedComparison) -> None:
    """How much is accounted for, and the parameters as printed and as they are."""
    total = next(total for total in comparison.totals if total.name == "Total params")
    with st.grid(4, min_column_width=190):
        st.metric("Rows accounted for", f"{comparison.accounted:,} of {len(comparison.matches):,}",
                  border=True, help=views.headline(comparison))
        st.metric("Parameters, as printed", total.printed, border=True,
                  help=f"By {comparison.table.tool}.")
        st.metric("Parameters, each once", total.own or total.recomputed, border=True,
                  help=escape(total.explanation))
        st.metric("Printed by", comparison.table.tool, border=True,
                  help="Input " + "×".join(map(str, comparison.table.input)) + "; a batch of -1 "
                       "is one image.")
    if not comparison.complete:
        st.error(escape(views.headline(comparison)))
    for left in comparison.missing:
        st.error(escape(f"{left.path} ({left.type}): {left.reason}."))


def notes(comparison: PublishedComparison) -> None:
    """What to know about the table, in sentences, and the swapped columns."""
    if not comparison.notes:
        return
    section("What to know about it", "What is wrong with this table, or not as in the paper?",
            "notes")
    st.markdown("\n".join(f"- {escape(note)}" for note in comparison.notes))
    swapped = views.swapped_frame(comparison.table.name)
    if not swapped.empty:
        st.dataframe(swapped, hide_index=True, height="content",
                     alt="The tutorial's rows as headed and as read, beside the paper's")
        st.caption("To the left the tutorial's rows as they are headed (t, c, s), as its network "
                   "reads them, and the block it makes of them; to the right the paper's row. RE "
                   "is ReLU, HS hard-swish, SE squeeze-and-excitation. Where the paper has more "
                   "blocks in a stage, the left side is empty.")


def totals(comparison: PublishedComparison) -> None:
    """Every printed total beside ours, and how it comes about."""
    lines = ["| Total | Printed | Recomputed | Ours | How it is computed |",
             "| --- | ---: | ---: | ---: | --- |"]
    for total in comparison.totals:
        recomputed = total.recomputed if total.agrees else f"**{total.recomputed or '–'}**"
        lines.append(f"| {total.name} | {total.printed} | {recomputed} | "
                     f"{total.own or total.recomputed} | {escape(total.explanation)} |")
    st.markdown("\n".join(lines))
    st.caption("Recomputed: from our trace, counted as the tool counts. Ours: what this program "
               "counts for the same thing.")


def rows(comparison: PublishedComparison) -> None:
    """The rows side by side, those that match the search, and their CSV."""
    name = comparison.table.name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Search", key="published-search", type="search", live=True,
                               placeholder="Type, layer, shape or reason: Conv2d, shared, 7×7, …",
                               label_visibility="collapsed")
        only = st.toggle("Only what is not accounted for", key="published-only")
        st.download_button("Download CSV", icon=":material/download:",
                           file_name=f"published-{name}.csv", mime="text/csv", on_click="ignore",
                           data=views.to_csv([comparison]).encode("utf-8"),
                           help="Every row with every column, exact.")
    frame = matching(shown(comparison), wanted)
    if only:
        frame = frame[frame["status"].str[0] != views.ACCOUNTED]
    st.dataframe(frame, key="published-rows", hide_index=True, height=HEIGHT,
                 column_config=COLUMNS, column_order=list(COLUMNS), placeholder="",
                 alt="The published rows beside ours")
    count = len(comparison.matches)
    st.caption((f"{count:,} rows. " if len(frame) == count else f"{len(frame):,} of {count:,} "
                "rows. ") + without_a_row(comparison))


def without_a_row(comparison: PublishedComparison) -> str:
    """Our calls that a tool does not see, counted."""
    if not comparison.unseen:
        return ""
    kinds = Counter(left.type for left in comparison.unseen)
    listed = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
    return (f"{len(comparison.unseen)} of our calls have no row, because "
            f"{comparison.table.tool} sees modules but not functions: {listed}.")


def matching(frame: pd.DataFrame, wanted: str) -> pd.DataFrame:
    """The rows that hold every word of the text."""
    words = wanted.casefold().replace("×", "x").split()
    columns = ["number", "type", "output_shape", "params", "path", "our_type", "reason"]
    text = frame[columns].fillna("").astype(str).agg(" ".join, axis=1).str.casefold() \
        .str.replace("×", "x")
    hits = pd.Series(True, index=frame.index)
    for word in words:
        hits &= text.str.contains(word, regex=False)
    return frame[hits]


def shown(comparison: PublishedComparison) -> pd.DataFrame:
    frame = views.frame(comparison)
    frame["status"] = [[status] for status in frame["status"]]
    for column in ("output_shape", "our_output_shape"):
        frame[column] = frame[column].str.replace("x", "×")
    return frame


COLUMNS = {
    "number": st.column_config.TextColumn("#", width=55, pinned=True,
                                          help="As printed; torchinfo's are depth and number"),
    "type": st.column_config.TextColumn("Published type", width=135, pinned=True),
    "output_shape": st.column_config.TextColumn("Output", width=120),
    "params": st.column_config.TextColumn("Parameters", width=100, alignment="right"),
    "status": st.column_config.MultiselectColumn(
        "Status", options=[views.ACCOUNTED, views.UNACCOUNTED], color=[ACCOUNTED, UNACCOUNTED],
        width=110),
    "our_output_shape": st.column_config.TextColumn("Our output", width=120),
    "our_params": st.column_config.TextColumn("Ours, as the tool prints", width=150,
                                              alignment="right"),
    "path": st.column_config.TextColumn("Stands for", width=250,
                                        help="The layer or module of ours"),
    "our_type": st.column_config.TextColumn("Our type", width=140),
    "calls": st.column_config.TextColumn("Calls", width=80,
                                         help="The first and the last, in order of execution"),
    "reason": st.column_config.TextColumn("Why", width=330),
}
