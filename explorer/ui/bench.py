"""What one panel measures: begun, shared with other sessions, followed and stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import streamlit as st

from explorer.pipeline import Explored
from explorer.timing import Choices, Job, LayerTimes, Progress, Timing
from explorer.ui.panel import Panel
from explorer.ui.runs import What, Wish, shared

POLL_S = 1.0


@dataclass
class Wanted:
    """What the session wants to be measured for one panel, and has shown of it."""

    owner: str = field(default_factory=lambda: uuid4().hex)
    wishes: dict[What, Wish] = field(default_factory=dict)
    shown: set[Wish] = field(default_factory=set)
    """Whose end the page has been drawn with."""
    cancelled: Wish | None = None
    """What the person has stopped: it does not begin again by itself."""
    next: Wish | None = None
    """The pass that begins by itself once the knobs rest."""
    drawn: float = 0.0
    """When the page was last drawn, on the clock that only goes forward."""
    last: Timing | None = None
    """The latest that the header has shown."""


@dataclass(frozen=True)
class Bench:
    """What is measured of one network on a page, with the choices as they stand."""

    panel: Panel
    network: Explored
    device: str
    choices: Choices
    budget_s: float

    @property
    def wanted(self) -> Wanted:
        return self.panel.own(Wanted)

    def wish(self, what: What) -> Wish:
        return Wish(what, self.network.key, self.device, self.choices, self.budget_s)

    def start(self, what: What) -> None:
        """Begin to want something; what was wanted of that sort before is dropped."""
        wish, wanted = self.wish(what), self.wanted
        _stop(wanted, what, unless=wish)
        wanted.wishes[what] = wish
        shared.want(wish, self.network, wanted.owner)

    def start_layers(self) -> None:
        """Time every layer, and the device's own rates beside."""
        self.start("layers")
        self.start("rates")

    def again(self, what: What) -> None:
        """Measure anew what has been measured."""
        shared.forget(self.wish(what))
        self.wanted.shown.discard(self.wish(what))
        self.start(what)

    def begin(self, what: What) -> None:
        """Start by itself what has not been cancelled."""
        if self.run(what) is None and not self.declined(what):
            self.start(what)

    def declined(self, what: What) -> bool:
        """Whether the person has cancelled just that."""
        return self.wanted.cancelled == self.wish(what)

    def cancel(self, what: What) -> None:
        """Stop a run at the person's wish: it does not begin again by itself."""
        if (wish := self.wanted.wishes.get(what)) is not None:
            self.wanted.cancelled = wish
            _stop(self.wanted, what)

    def run(self, what: What) -> Future[Any] | None:
        """What is wanted, under way or done; None where nothing is."""
        wish = self.wanted.wishes.get(what)
        return None if wish is None else shared.find(wish)

    def pending(self, what: What) -> bool:
        run = self.run(what)
        return run is not None and not run.done()

    def outcome(self, what: What) -> Any:
        """What the run has measured, or the `TimingError` that says why not; None before."""
        wish = self.wanted.wishes.get(what)
        return None if wish is None else shared.outcome(wish)

    @property
    def layer_times(self) -> LayerTimes | None:
        """The measured time of each layer in evaluation, where there is one."""
        times = self.outcome("layers")
        evaluated = isinstance(times, LayerTimes) and not times.conditions.training
        return times if evaluated else None

    @property
    def layer_seconds(self) -> tuple[float, ...] | None:
        times = self.layer_times
        return times.seconds if times else None

    @property
    def preset_timing(self) -> Timing | None:
        """The preset's own time under the same choices, where it has been measured undisturbed."""
        config = self.network.source.config
        if self.network.preset is None or config is None:
            return None
        timing = shared.outcome(self.wish("pass")._replace(key=config.network))
        return timing if isinstance(timing, Timing) and not timing.warnings else None

    def follow(self, what: What, draw: Callable[[Progress | None], None] | None = None) -> None:
        """Show how far a run is, and draw the page again when it is done."""
        def progress() -> None:
            self.redraw(what)
            if (run := self.run(what)) is None or run.done():
                return
            told = run.progress if isinstance(run, Job) else None
            self._progress(what, run, told)
            if draw:
                draw(told)

        if self.pending(what):
            poll(progress)

    def redraw(self, what: What) -> None:
        """In a fragment: draw the page once a run is done, which ends the fragment's turns too."""
        wish, shown = self.wanted.wishes.get(what), self.wanted.shown
        if wish is not None and not self.pending(what) and wish not in shown:
            shown.add(wish)
            st.rerun(scope="app")

    def see(self, what: What) -> None:
        """What is done when the page is drawn needs no further drawing."""
        wish = self.wanted.wishes.get(what)
        if wish is not None and not self.pending(what):
            self.wanted.shown.add(wish)

    def _progress(self, what: What, run: Future[Any], progress: Progress | None) -> None:
        place = run.place if isinstance(run, Job) else 0
        with st.container(horizontal=True, vertical_alignment="center"):
            if place:
                st.progress(0.0, f"Waiting: {place} in the queue")
            elif progress is None:
                st.progress(0.0, "Starting")
            else:
                samples = f", {progress.samples} samples" if progress.samples else ""
                st.progress(progress.share, f"{progress.phase.capitalize()}{samples}")
            st.button("Cancel", key=self.panel.widget(f"cancel-{what}"), on_click=self.cancel,
                      args=(what,), icon=":material/stop:")


def keep_only(panel: Panel, key: str, device: str, choices: Choices, budget_s: float) -> None:
    """Stop what is not about that network and those choices."""
    wanted = panel.own(Wanted)
    for what in list(wanted.wishes):
        _stop(wanted, what, unless=Wish(what, key, device, choices, budget_s))


def _stop(wanted: Wanted, what: What, unless: Wish | None = None) -> None:
    """Want something no longer."""
    before = wanted.wishes.get(what)
    if before is not None and before != unless:
        del wanted.wishes[what]
        shared.drop(before, wanted.owner)


def poll(draw: Callable[[], None], *, waits: bool = True) -> None:
    """Draw a fragment, again and again while it `waits` for something."""
    def fragment() -> None:
        module = sys.modules.get(__name__)
        if module is None or vars(module) is not globals():
            st.rerun(scope="app")       # a file has been saved, and this is the old code
        draw()

    st.fragment(fragment, run_every=POLL_S if waits else None)()
