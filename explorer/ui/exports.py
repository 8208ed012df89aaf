"""The export menu: everything that the network, the comparison or the sweep of a page can be taken
away as. A file is made when it is asked for, beside the page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import streamlit as st

from explorer import libraries, text
from explorer.comparison import Comparison
from explorer.config import ConfigError
from explorer.exporting import (
    OPSET,
    OPSETS,
    ExportError,
    Format,
    Subject,
    content,
    content_of_key,
    formats_of,
)
from explorer.language import Text, language, say
from explorer.libraries import LibraryError
from explorer.pipeline import Explored
from explorer.reloading import at_end
from explorer.sources import Source
from explorer.sweeping import Grid, Swept, processes
from explorer.timing import Timing, TurnTimes
from explorer.tracing import TraceError
from explorer.ui import calls
from explorer.ui.bench import Bench, poll
from explorer.ui.graph import View
from explorer.ui.limits import limits
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.ui.sweep.background import NICE, Sweep
from explorer.views.graph import TIME
from explorer.views.layout import LayoutError

GROUPS = {"Network": Text("The network itself"), "Figures": Text("Its figures"),
          "Drawing": Text("The drawing, as it is shown: in light colours, with its legend")}
OF_SEVERAL = {"Figures": Text("The figures")}

SAID_S = 3.0
"""How often it is looked whether a file could not be made. Two runs of a page take away what nobody
has fetched: more often would be while a browser is about to."""

LONGEST_S = 600.0
"""For how long a file may be made."""
PLACES = 3
"""For files that are made in the process or wait for it. Streamlit has few threads for what is
downloaded, and a table must not wait for those."""

REFUSED = (ConfigError, ExportError, LayoutError, LibraryError, TraceError)


@dataclass
class Refusal:
    """Why the last file could not be made, to be said by the page; "" where it could."""

    why: Exception | Text | str = ""


def of_network(panel: Panel, network: Explored, view: View, bench: Bench) -> None:
    """The menu of a network, whose drawing is the one that is shown."""
    seconds = bench.layer_seconds if view.overlay == TIME else None
    _menu(panel, partial(calls.explored, network.source), Path(network.key).name,
          {**view._asdict(), "seconds": seconds, "times": bench.layer_times,
           "timing": bench.outcome("pass") if isinstance(bench.outcome("pass"), Timing) else None})


def of_comparison(panel: Panel, comparison: Comparison, times: TurnTimes | None,
                  **shown: bool) -> None:
    """The menu of networks beside each other; `shown` is how their drawing is arranged."""
    sources = [network.source for network in comparison.networks]
    _menu(panel, partial(_compared, sources), "compared", {**shown, "times": times})


def _compared(sources: list[Source]) -> Comparison:
    return calls.comparison(*map(calls.explored, sources))


def of_sweep(panel: Panel, given: Grid, found: Sweep) -> None:
    """The menu of a sweep, with what has been counted when a file is asked for."""
    _menu(panel, lambda: Swept(given, dict(found.records), found.wish.timed), "sweep", {})


def _menu(panel: Panel, get: Callable[[], Subject], name: str, shown: Mapping[str, Any]) -> None:
    """`get` gives what is exported: a file that nobody asks for keeps nothing alive."""
    with st.popover(say("Export"), icon=":material/download:", on_change="rerun",
                    key=panel.widget("export")) as box:
        if box.open:
            poll(partial(_offer, panel, get, name, shown), waits=False)


def _offer(panel: Panel, get: Callable[[], Subject], name: str, shown: Mapping[str, Any]) -> None:
    subject, refusal = get(), panel.own(Refusal)
    forms, alone = formats_of(subject), isinstance(subject, Explored)
    for group, title in (GROUPS if alone else GROUPS | OF_SEVERAL).items():
        own = [form for form in forms if form.group == group]
        if not own:
            continue
        st.caption(str(title))
        options = dict(shown)
        with st.container(horizontal=True, gap="small"):
            for form in own:
                why_not = _why_not(form, subject)
                if form.weights and not why_not:
                    options["dynamic_batch"] = panel.value("export-batch") or False
                    options["opset"] = panel.value("export-opset") or OPSET
                told = ({"language": language()} if form.speaks else {}) | {
                    option: options[option] for option in form.options(subject)
                    if option in options}
                st.download_button(
                    str(form.title), partial(_made, refusal, form, get, told),
                    f"{name}.{form.ending}", form.mime, on_click="ignore", help=str(form.help),
                    disabled=bool(why_not), key=panel.widget(f"export-{form.ending}"))
        for form in own:
            if why_not := _why_not(form, subject):
                st.caption(escape(say("{title}: {why}", title=form.title, why=why_not)))
            elif form.weights:
                with st.container(horizontal=True, vertical_alignment="bottom"):
                    st.selectbox(say("ONNX opset"), OPSETS, OPSETS.index(OPSET), width=120,
                                 key=panel.widget("export-opset"),
                                 help=say("The version of ONNX's operators. Older tools may need "
                                          "a smaller one."))
                    st.toggle(say("ONNX for any number of images"),
                              key=panel.widget("export-batch"),
                              help=say("Off: for as many as the network is given here."))
    poll(partial(_say, refusal), every_s=SAID_S)


def _say(refusal: Refusal) -> None:
    if why := str(refusal.why):
        st.warning(escape(why))


def _why_not(form: Format, subject: Subject) -> str:
    """Why a file cannot be made, where that is known beforehand."""
    for library in form.needs:
        if missing := libraries.missing(library):
            return missing
    if form.weights and isinstance(subject, Explored):
        size, most = subject.summary.totals.param_bytes, limits().export_bytes
        if size > most:
            return say("Its weights have {size}, and this page makes files of up to {most}. "
                       "`python -m explorer export` makes larger ones.",
                       size=text.short(size, "B"), most=text.short(most, "B"))
    return ""


def _made(refusal: Refusal, form: Format, get: Callable[[], Subject],
          options: Mapping[str, Any]) -> bytes:
    """The file. Where it cannot be made the button itself says no more than that."""
    refusal.why = ""
    try:
        subject = get()
        if form.weights and isinstance(subject, Explored):
            return _apart(subject.key, form.ending, options)
        return content(subject, form.ending, **options)
    except REFUSED as error:
        refusal.why = copy(error)       # without its frames, which hold the network
        raise
    except (BrokenExecutor, MemoryError, TimeoutError):
        refusal.why = Text("{title} took too much time or memory, and was stopped. A smaller "
                           "network takes less.", title=form.title)
        raise
    except Exception:
        logging.getLogger("explorer").exception("%s cannot be made", form.title)
        refusal.why = Text("{title} cannot be made: something in this program is wrong.",
                           title=form.title)
        raise


def _apart(key: str, ending: str, options: Mapping[str, Any]) -> bytes:
    """What takes seconds is made in a process of its own, one file after the other: the pages go
    on meanwhile."""
    if not _places.acquire(blocking=False):
        raise ExportError(Text("Others are waiting for such a file. Try again in a moment."))
    try:
        made = processes(1, nice=NICE).submit(content_of_key, key, ending, **options)
        return made.result(min(limits().run_seconds, LONGEST_S))
    except TimeoutError:
        _end()
        raise
    finally:
        _places.release()


def _end() -> None:
    """Let the process go, whatever it does."""
    processes(1, nice=NICE).shutdown(wait=False)


_places = BoundedSemaphore(PLACES)
at_end(__name__, _end)
