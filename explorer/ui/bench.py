"""What one panel measures: begun, shared with other sessions, followed, repeated and stopped.

A run that was disturbed is begun again by itself: after a rest that grows, once the machine is
quiet, a few times, and only while somebody looks at the page.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import streamlit as st

from explorer.language import in_language, say
from explorer.pipeline import Explored
from explorer.sources import Source, preset_of
from explorer.timing import Choices, Job, LayerTimes, Progress, Timing, quiet, usual_threads
from explorer.timing.disturbance import Gauge
from explorer.ui import calls
from explorer.ui.limits import limits
from explorer.ui.panel import Panel
from explorer.ui.runs import What, Wish, disturbed, shared

POLL_S = 1.0
RESTS_S = (2.0, 5.0, 15.0, 60.0)
"""How long a disturbed run rests before each of its repeats."""
PATIENCE_S = 600.0
"""From when on a machine that does not become quiet is not waited for any more."""
LONGEST_LIVE_S = 8.0
"""Beyond its budget, what a run may take that nobody has clicked for, whatever was predicted."""
WINDOW_S = 0.5
"""For how long at least it must be quiet before a repeat."""


@dataclass
class Repeats:
    """The repeats of one run that was disturbed."""

    run: Future[Any]
    """The latest."""
    begun: int = 0
    first_s: float = field(default_factory=time.monotonic)
    since_s: float = field(default_factory=time.monotonic)
    """When the first and the latest were seen to be disturbed, on the clock that only goes
    forward."""
    gauge: Gauge = field(default_factory=Gauge)
    given_up: bool = False
    """Whether the page has been drawn since there is nothing more to wait for."""

    @property
    def left(self) -> bool:
        return self.begun < len(RESTS_S) and time.monotonic() < self.first_s + PATIENCE_S

    def due(self, run: Future[Any], threads: int) -> bool:
        """Whether to repeat that run now: to be asked now and then."""
        if run is not self.run:
            self.run, self.since_s, self.gauge = run, time.monotonic(), Gauge()
        if not self.left or (load := self.gauge.load).elapsed_s < WINDOW_S:
            return False
        self.gauge = Gauge()
        return time.monotonic() >= self.since_s + RESTS_S[self.begun] \
            and not load.takes_from(threads)


@dataclass
class Wanted:
    """What the session wants to be measured for one panel, and has shown of it."""

    owner: str = field(default_factory=lambda: uuid4().hex)
    wishes: dict[What, Wish] = field(default_factory=dict)
    drawn_with: dict[What, Future[Any]] = field(default_factory=dict)
    """The finished runs that the page has been drawn with."""
    repeats: dict[What, Repeats] = field(default_factory=dict)
    cancelled: Wish | None = None
    """What the person has stopped: it does not begin again by itself."""
    next: Wish | None = None
    """The pass that begins by itself once the knobs rest."""
    drawn: float = 0.0
    """When the page was last drawn, on the clock that only goes forward."""


@dataclass(frozen=True)
class Bench:
    """What is measured of a network on a page, or of several in turn, with the choices as they
    stand.

    It holds what names them, and not the networks: the server keeps the buttons of a page for long
    after its browser has gone.
    """

    panel: Panel
    sources: tuple[Source, ...]
    device: str
    choices: Choices
    budget_s: float
    given: tuple[int | str, ...] = ()
    """What an experiment is told beside."""

    @property
    def wanted(self) -> Wanted:
        return self.panel.own(Wanted)

    @property
    def networks(self) -> tuple[Explored, ...]:
        return tuple(map(calls.explored, self.sources))

    @property
    def network(self) -> Explored:
        """The one, or the first."""
        return calls.explored(self.sources[0])

    def wish(self, what: What) -> Wish:
        keys = tuple([source.key for source in self.sources])
        return Wish(what, keys, self.device, self.choices, self.budget_s, self.given)

    def start(self, what: What, *, by_itself: bool = False) -> None:
        """Begin to want something; what was wanted of that sort before is dropped."""
        self.wanted.repeats.pop(what, None)
        self._want(what, by_itself=by_itself)

    def _want(self, what: What, *, by_itself: bool) -> None:
        wish, wanted = self.wish(what), self.wanted
        _stop(wanted, what, unless=wish)
        wanted.wishes[what] = wish
        most_s = limits().run_seconds
        if by_itself and what not in ("rates", "ceiling"):
            most_s = min(most_s, self.budget_s + LONGEST_LIVE_S)
        shared.want(wish, self.networks, wanted.owner, most_s)

    def start_layers(self) -> None:
        """Time every layer, and the device's own rates beside."""
        self.start("layers")
        self.start("rates")

    def again(self, what: What) -> None:
        """Measure anew what has been measured, at the person's wish."""
        if not self.pending(what):
            shared.forget(self.wish(what), self.wanted.owner)
            self.start(what)

    def begin(self, what: What) -> None:
        """Start by itself what has not been cancelled."""
        if self.run(what) is None and not self.declined(what):
            self.start(what, by_itself=True)

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
        return None if wish is None else shared.find(wish, self.wanted.owner)

    def pending(self, what: What) -> bool:
        run = self.run(what)
        return run is not None and not run.done()

    def outcome(self, what: What) -> Any:
        """What the run has measured, or the `TimingError` that says why not; None before. While a
        disturbed run is repeated, what that has measured."""
        wish = self.wanted.wishes.get(what)
        return None if wish is None else shared.outcome(wish, self.wanted.owner)

    def will_repeat(self, what: What) -> bool:
        """Whether the latest run was disturbed, and is to be repeated by itself."""
        run, repeats = self.run(what), self.wanted.repeats.get(what)
        return run is not None and disturbed(run) and (repeats is None or repeats.left)

    @property
    def waits(self) -> bool:
        """Whether anything is under way or to be repeated."""
        return any(self.pending(what) or self.will_repeat(what) for what in self.wanted.wishes)

    @property
    def layer_times(self) -> LayerTimes | None:
        """The measured time of each layer in evaluation, where there is one that was not
        disturbed."""
        times = self.outcome("layers")
        usable = isinstance(times, LayerTimes) and quiet(times) and not times.conditions.training
        return times if usable else None

    @property
    def layer_seconds(self) -> tuple[float, ...] | None:
        times = self.layer_times
        return times.seconds if times else None

    @property
    def preset_timing(self) -> Timing | None:
        """The preset's own time under the same choices, where it has been measured undisturbed."""
        if (preset := preset_of(self.sources[0])) is None:
            return None
        timing = shared.outcome(self.wish("pass")._replace(keys=(preset.key,)))
        return timing if isinstance(timing, Timing) else None

    def follow(self, what: What, draw: Callable[[Progress | None], None] | None = None) -> None:
        """Show how far a run is, and draw the page again when it is done.

        A repeat, which nobody has asked for, has no bar: nothing moves for it.
        """
        def progress() -> None:
            self.keep_up()
            if (run := self.run(what)) is None:
                st.rerun(scope="app")       # cancelled: what began it may be begun again
            if run.done():
                return
            told = run.progress if isinstance(run, Job) else None
            self._progress(what, run, told)
            if draw:
                draw(told)

        if self.pending(what) and self.outcome(what) is None:
            poll(progress)

    def keep_up(self) -> None:
        """In a fragment: begin what is to be repeated, and draw the page once a run is done, which
        ends the fragment's turns too."""
        for what in list(self.wanted.wishes):
            if (run := self.run(what)) is None or not run.done():
                continue
            if self.wanted.drawn_with.get(what) is not run:
                self.wanted.drawn_with[what] = run
                st.rerun(scope="app")
            if disturbed(run):
                repeats = self.wanted.repeats.setdefault(what, Repeats(run))
                if repeats.due(run, self._threads):
                    repeats.begun += 1
                    self._want(what, by_itself=False)     # it may have been asked for
                elif not repeats.left and not repeats.given_up:
                    repeats.given_up = True
                    st.rerun(scope="app")

    def see(self) -> None:
        """What is done when the page is drawn needs no further drawing."""
        for what in self.wanted.wishes:
            if (run := self.run(what)) is not None and run.done():
                self.wanted.drawn_with[what] = run

    @property
    def _threads(self) -> int:
        """Threads of the CPU that a run needs for itself."""
        return (self.choices.threads or usual_threads()) if self.device == "cpu" else 1

    def _progress(self, what: What, run: Future[Any], progress: Progress | None) -> None:
        place = run.place if isinstance(run, Job) else 0
        with st.container(horizontal=True, vertical_alignment="center"):
            if place:
                st.progress(0.0, say("Waiting: {place} in the queue", place=place))
            elif progress is None:
                st.progress(0.0, say("Starting"))
            else:
                phase = str(progress.phase).capitalize()
                st.progress(progress.share, say("{phase}, {count} samples", phase=phase,
                                                count=progress.samples)
                            if progress.samples else phase)
            st.button(say("Cancel"), key=self.panel.widget(f"cancel-{what}"), on_click=self.cancel,
                      args=(what,), icon=":material/stop:")


def keep_only(panel: Panel, keys: tuple[str, ...], device: str, choices: Choices,
              budget_s: float) -> None:
    """Stop what is not about those networks and those choices."""
    wanted = panel.own(Wanted)
    for what in list(wanted.wishes):
        _stop(wanted, what, unless=Wish(what, keys, device, choices, budget_s))


def _stop(wanted: Wanted, what: What, unless: Wish | None = None) -> None:
    """Want something no longer."""
    before = wanted.wishes.get(what)
    if before is not None and before != unless:
        del wanted.wishes[what]
        wanted.repeats.pop(what, None)
        wanted.drawn_with.pop(what, None)
        shared.drop(before, wanted.owner)


def poll(draw: Callable[[], None], *, waits: bool = True, every_s: float = POLL_S) -> None:
    """Draw a fragment, again and again while it `waits` for something."""
    draw = in_language(draw)        # each of its runs is a thread of its own

    def fragment() -> None:
        module = sys.modules.get(__name__)
        if module is None or vars(module) is not globals():
            st.rerun(scope="app")       # a file has been saved, and this is the old code
        draw()

    st.fragment(fragment, run_every=every_s if waits else None)()
