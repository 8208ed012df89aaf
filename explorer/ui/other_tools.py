"""Why another tool says something else: its figures beside ours, and a sentence for each
difference. Closed at first, and computed only while it is open."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.conventions import ToolReport
from explorer.language import say
from explorer.pipeline import Explored
from explorer.ui import calls
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import other_tools as views


def section(panel: Panel, network: Explored) -> None:
    expander = st.expander(say("Why does my tool say something else?"),
                           key=panel.widget("other-tools"), on_change="rerun")
    if expander.open:
        with expander:
            explain(calls.reports(network))


def explain(reports: tuple[ToolReport, ...]) -> None:
    """The table of every tool, and under it the sentences."""
    st.caption(say(
        "Five tools on the network as it stands, in evaluation and float32. Their figures are "
        "recomputed from the layers above by each tool's own convention."))
    st.dataframe(views.frame(reports), hide_index=True, height="content", column_config=_columns(),
                 alt=say("Figures of other tools beside ours"))
    for report in reports:
        lines = [say("- *{name}*: {why}", name=escape(name), why=escape(why))
                 for name, why in views.sentences(report)]
        if report.remark:
            lines.append(f"- {escape(report.remark)}")
        if not lines:
            lines.append(f"- {say('Its figures are equal to ours.')}")
        st.markdown("\n".join([f"**{report.tool}** {report.version}", "", *lines]))


def _columns() -> dict[str, Any]:
    text = st.column_config.TextColumn
    return {
        "Tool": text(say("Tool"), width=95),
        "It calls it": text(say("It calls it"), width=165),
        "Its figure": text(say("Its figure"), width=110, alignment="right"),
        "Difference": text(say("Difference"), width=165, alignment="right"),
        "Ours": text(say("Ours"), width=110, alignment="right"),
        "Our name": text(say("Compared with our"), width=130, help=say(
            "Which of our figures stands beside it; the page How it counts says what each "
            "means.")),
    }
