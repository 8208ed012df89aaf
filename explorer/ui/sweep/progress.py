"""How many configs a sweep has, how long they take, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import prod
from uuid import uuid4

import streamlit as st

from explorer import recorded, text
from explorer.analysis import Summary
from explorer.config import Config, ConfigError, Knobs, find_knob
from explorer.language import Text, say
from explorer.libraries import LibraryError
from explorer.networks.catalogue import presets
from explorer.sources import title
from explorer.sources.key import to_key
from explorer.sweeping import Grid
from explorer.sweeping.grids import multiplied, networks_words
from explorer.ui import calls
from explorer.ui.bench import POLL_S, poll
from explorer.ui.limits import limits
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.ui.sweep import background
from explorer.ui.sweep.background import Sweep, SweepWish
from explorer.ui.sweep.form import SweepForm
from explorer.ui.visits import visit
from explorer.views.sweep.quantities import in_words, knob_of

BY_ITSELF_S = 5.0
"""What a sweep may be predicted to take, to begin without a click."""


@dataclass
class Sweeper:
    """Who sweeps: the session."""

    owner: str = field(default_factory=lambda: uuid4().hex)
    stopped: SweepWish | None = None
    """What the person has cancelled: it does not begin again by itself."""


def wish(given: Grid, form: SweepForm) -> SweepWish:
    """What is to be counted: the grid, its networks as they were chosen, and what is timed beside
    them."""
    timed = form.choice("time") == "on"
    chosen = [to_key(config) for config in given.networks]
    keys = dict.fromkeys([*[point.key for point in given.points], *chosen,
                          *(_landmarks(given) if timed else [])])
    own = len({point.key for point in given.points})
    return SweepWish(tuple(keys), timed, own)


def _landmarks(given: Grid) -> list[str]:
    """The presets that cost at most twice as much as the networks as they were chosen: their
    figures are recorded, their times are not."""
    most = 2 * max([summary.totals.macs for _, summary in _summaries(given)], default=0)
    return [name for name, preset in presets().items()
            if recorded.entry(preset).totals.macs <= most]


def _summaries(given: Grid) -> Iterator[tuple[Knobs, Summary]]:
    """Of the networks as they were chosen, without those that cannot be built, which is told."""
    for config in given.networks:
        with suppress(ConfigError, LibraryError):
            yield config, calls.explored(calls.source(config)).summary


def progress(form: SweepForm, given: Grid) -> Sweep | None:
    """How many configs, how long they take, and how far they are; gives the sweep where it is
    begun."""
    sweeper, wanted = Panel("sweep").own(Sweeper), wish(given, form)
    visit().owners.add(sweeper.owner)
    found, seconds = background.shared.find(wanted), predict_s(given, wanted)
    if sweeper.stopped != wanted:
        sweeper.stopped = None
    by_itself = limits().live and seconds <= BY_ITSELF_S and sweeper.stopped is None
    begun = found is not None and not found.unwanted and found.phase != "failed"
    if (begun and sweeper.stopped is None) or (by_itself and (not found or found.unwanted)):
        found, begun = background.shared.want(wanted, sweeper.owner), True
    else:
        background.shared.leave(sweeper.owner, unless=wanted)
    if found is None or not begun or (found.running and sweeper.stopped):
        _start(form, given, wanted, sweeper, seconds, found)
    elif found.running:
        _follow(form, found, sweeper)
    return found


def _start(form: SweepForm, given: Grid, wanted: SweepWish, sweeper: Sweeper, seconds: float,
           found: Sweep | None) -> None:
    if found and found.failure:
        st.error(escape(str(found.failure)))
    with st.container(horizontal=True, vertical_alignment="center"):
        count = f"{len(given):,}"
        st.button(
            say("Count {count} config and time them" if len(given) == 1 else
                "Count {count} configs and time them", count=count) if wanted.timed else
            say("Count {count} config" if len(given) == 1 else "Count {count} configs",
                count=count), icon=":material/play_arrow:", type="primary",
            key=form.widget("start"), on_click=_begin, args=(wanted, sweeper))
        st.caption(text.sentences([
            say("{product}, {duration}.", product=_product(given), duration=duration(seconds)),
            say("{count} are counted already.", count=f"{found.counted:,}")
            if found and found.counted else ""]))


def _begin(wanted: SweepWish, sweeper: Sweeper) -> None:
    sweeper.stopped = None
    background.shared.want(wanted, sweeper.owner)


def _cancel(wanted: SweepWish, sweeper: Sweeper) -> None:
    sweeper.stopped = wanted
    background.shared.stop(wanted, sweeper.owner)


def _product(given: Grid) -> str:
    networks, several = networks_words(len(given.networks)), len(given.networks) > 1
    return str(multiplied([*([networks] if several or not given.axes else []), *[
        Text("{count} of {knob}", count=f"{len(axis.values):,}",
             knob=in_words(knob_of(given, axis.knob).label, axis.knob.replace("_", " ")))
        for axis in given.axes]]))


def _follow(form: SweepForm, found: Sweep, sweeper: Sweeper) -> None:
    def draw() -> None:
        if not found.running:
            st.rerun(scope="app")
        done = found.counted if found.phase == "counting" else min(found.timed, found.wish.own)
        started = found.phase != "counting" or len(found.records) > found.known
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(found.share, _how_far(found, done) if started else
                        say("Starting the processes"))
            st.button(say("Cancel"), key=form.widget("cancel"), icon=":material/stop:",
                      on_click=_cancel, args=(found.wish, sweeper))

    poll(draw)


def _how_far(found: Sweep, done: int) -> str:
    counts = dict(done=f"{done:,}", count=f"{found.wish.own:,}")
    said = say("Timing: {done} of {count}" if found.phase == "timing" else
               "Counting: {done} of {count}", **counts)
    return said if found.left_s is None else \
        say("{progress}, {duration} left", progress=said, duration=duration(found.left_s))


def redrawn_s(given: Grid) -> float:
    """How often what is there so far is drawn: a picture of many takes long."""
    return max(POLL_S, len(given) / 2000)


def predict_s(given: Grid, wanted: SweepWish) -> float:
    """About how long a sweep takes."""
    missing = 1 - background.shared.known(wanted.keys) / len(wanted.keys)
    each = len(given) / len(given.networks)
    layers = sum([len(summary.layers) * each * prod([_deeper(config, axis.knob, axis.values)
                                                     for axis in given.axes])
                  for config, summary in _summaries(given)])
    return background.shared.predict_s(missing * layers, wanted.own if wanted.timed else 0)


def _deeper(config: object, knob: str, values: Sequence[str]) -> float:
    """How many times as many blocks these values have, on the average."""
    if not isinstance(config, Config) or knob not in ("depth", "blocks"):
        return 1.0
    parsed = [find_knob(config, knob).parse(value) for value in values]
    times = [value / config.depth if knob == "depth" else sum(value) / sum(config.blocks)
             for value in parsed]
    return float(sum(times) / len(times))


def duration(seconds: float) -> str:
    """
    >>> duration(0.4), duration(42), duration(200)
    ('about 1 s', 'about 42 s', 'about 3 min')
    """
    return say("about {count} s", count=max(1, round(seconds))) if seconds < 90 else \
        say("about {count} min", count=f"{seconds / 60:,.0f}") if seconds < 5400 else \
        say("about {count} h", count=f"{seconds / 3600:,.1f}")


def heading(given: Grid) -> str:
    """What is swept, in a line."""
    names = text.enumeration([title(config) for config in given.networks])
    return say("{networks}: {product}, {count} configs", networks=names, product=_product(given),
               count=f"{len(given):,}") if given.axes else names
