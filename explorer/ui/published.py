"""The Published page: a table, its totals with their sums, and its rows beside ours."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import streamlit as st

from explorer.language import say
from explorer.networks.catalogue import find_preset
from explorer.published import PublishedComparison, PublishedError, load, names
from explorer.text import listing, sentences
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
            name = st.selectbox(say("Table"), options, start, width=360,
                                key=f"published-table-{state.get('published-opened', 0)}",
                                format_func=lambda name: find_preset(f"{name}_tutorial").title)
            st.page_link("pages/explore.py", label=say("Open this network in Explore"),
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
        st.warning(sentences([escape(str(error)),
                              say("Showing {table} instead.", table=DEFAULT)]),
                   icon=":material/link_off:")
    return DEFAULT


def figures(comparison: PublishedComparison) -> None:
    """How much is accounted for, and the parameters as printed and as they are."""
    total = next(total for total in comparison.totals if total.name == "Total params")
    with st.grid(4, min_column_width=190):
        st.metric(say("Rows accounted for"),
                  say("{some} of {all}", some=f"{comparison.accounted:,}",
                      all=f"{len(comparison.matches):,}"),
                  border=True, help=views.headline(comparison))
        st.metric(say("Parameters, as printed"), total.printed, border=True,
                  help=say("By {tool}.", tool=comparison.table.tool))
        st.metric(say("Parameters, each once"), str(total.own or total.recomputed), border=True,
                  help=escape(total.explanation))
        st.metric(say("Printed by"), comparison.table.tool, border=True,
                  help=say("Input {shape}; a batch of -1 is one image.",
                           shape="×".join(map(str, comparison.table.input))))
    if not comparison.complete:
        st.error(escape(views.headline(comparison)))
    for left in comparison.missing:
        st.error(escape(say("{path} ({type}): {reason}.", path=left.path, type=left.type,
                            reason=left.reason)))


def notes(comparison: PublishedComparison) -> None:
    """What to know about the table, in sentences, and the swapped columns."""
    if not comparison.notes:
        return
    section(say("What to know about it"),
            say("What is wrong with this table, or not as in the paper?"), "notes")
    st.markdown("\n".join(f"- {escape(note)}" for note in comparison.notes))
    swapped = views.swapped_frame(comparison.table.name)
    if not swapped.empty:
        st.dataframe(swapped, hide_index=True, height="content", column_config=_swapped_columns(),
                     alt=say("The tutorial's rows as headed and as read, beside the paper's"))
        st.caption(say(
            "To the left the tutorial's rows as they are headed (t, c, s), as its network reads "
            "them, and the block it makes of them; to the right the paper's row. RE is ReLU, HS "
            "hard-swish, SE squeeze-and-excitation. Where the paper has more blocks in a stage, "
            "the left side is empty."))


def _swapped_columns() -> dict[str, str]:
    return {
        "read: channels": say("read: channels"),
        "read: expansion": say("read: expansion"),
        "expanded": say("expanded"),
        "kernel": say("kernel"),
        "SE, activation": say("SE, activation"),
        "paper: channels": say("paper: channels"),
        "paper: expanded": say("paper: expanded"),
        "paper: kernel": say("paper: kernel"),
        "paper: SE, activation": say("paper: SE, activation"),
        "paper: stride": say("paper: stride"),
    }


def totals(comparison: PublishedComparison) -> None:
    """Every printed total beside ours, and how it comes about."""
    headings = [say("Total"), say("Printed"), say("Recomputed"), say("Ours"),
                say("How it is computed")]
    lines = [f"| {' | '.join(headings)} |", "| --- | ---: | ---: | ---: | --- |"]
    for total in comparison.totals:
        recomputed = total.recomputed if total.agrees else f"**{total.recomputed or '–'}**"
        lines.append(f"| {total.name} | {total.printed} | {recomputed} | "
                     f"{total.own or total.recomputed} | {escape(total.explanation)} |")
    st.markdown("\n".join(lines))
    st.caption(say("Recomputed: from our trace, counted as the tool counts. Ours: what this "
                   "program counts for the same thing."))


def rows(comparison: PublishedComparison) -> None:
    """The rows side by side, those that match the search, and their CSV."""
    name = comparison.table.name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            say("Search"), key="published-search", type="search", live=True,
            placeholder=say("Type, layer, shape or reason: Conv2d, shared, 7×7, …"),
            label_visibility="collapsed")
        only = st.toggle(say("Only what is not accounted for"), key="published-only")
        st.download_button(say("Download CSV"), icon=":material/download:",
                           file_name=f"published-{name}.csv", mime="text/csv", on_click="ignore",
                           data=views.to_csv([comparison]).encode("utf-8"),
                           help=say("Every row with every column, exact."))
    frame = matching(shown(comparison), wanted)
    if only:
        frame = frame[frame["status"].str[0] != views.ACCOUNTED]
    columns = _columns()
    st.dataframe(frame, key="published-rows", hide_index=True, height=HEIGHT,
                 column_config=columns, column_order=list(columns), placeholder="",
                 alt=say("The published rows beside ours"))
    count = len(comparison.matches)
    st.caption(sentences([
        say("{count} rows.", count=f"{count:,}") if len(frame) == count else
        say("{some} of {all} rows.", some=f"{len(frame):,}", all=f"{count:,}"),
        without_a_row(comparison)]))


def without_a_row(comparison: PublishedComparison) -> str:
    """Our calls that a tool does not see, counted."""
    if not comparison.unseen:
        return ""
    kinds = Counter(left.type for left in comparison.unseen)
    return say("{count} of our calls have no row, because {tool} sees modules but not functions: "
               "{types}.", count=len(comparison.unseen), tool=comparison.table.tool,
               types=listing([f"{kind} ({count})" for kind, count in kinds.most_common()]))


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


def _columns() -> dict[str, Any]:
    text = st.column_config.TextColumn
    return {
        "number": text("#", width=55, pinned=True,
                       help=say("As printed; torchinfo's are depth and number")),
        "type": text(say("Published type"), width=135, pinned=True),
        "output_shape": text(say("Output"), width=120),
        "params": text(say("Parameters"), width=100, alignment="right"),
        "status": st.column_config.MultiselectColumn(
            say("Status"), options=list(views.STATUS), color=[ACCOUNTED, UNACCOUNTED], width=110,
            format_func=lambda status: str(views.STATUS[status])),
        "our_output_shape": text(say("Our output"), width=120),
        "our_params": text(say("Ours, as the tool prints"), width=150, alignment="right"),
        "path": text(say("Stands for"), width=250, help=say("The layer or module of ours")),
        "our_type": text(say("Our type"), width=140),
        "calls": text(say("Calls"), width=80,
                      help=say("The first and the last, in order of execution")),
        "reason": text(say("Why"), width=330),
    }
