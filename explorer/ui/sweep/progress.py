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
from explorer.libraries import LibraryError
from explorer.networks.catalogue import presets
from explorer.sources.key import to_key
from explorer.sweeping import Grid
from explorer.ui import calls
from explorer.ui.bench import POLL_S, poll
from explorer.ui.limits import limits
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.ui.sweep import background
from explorer.ui.sweep.background import Sweep, SweepWish
from explorer.ui.sweep.form import SweepForm
from explorer.ui.visits import visit
from explorer.views.sweep.quantities import title

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
        st.error(escape(found.failure))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Count {len(given):,} config{'s' if len(given) > 1 else ''}" + (
            " and time them" if wanted.timed else ""), icon=":material/play_arrow:",
            type="primary", key=form.widget("start"), on_click=_begin, args=(wanted, sweeper))
        st.caption(f"{_product(given)}, {duration(seconds)}." + (
            f" {found.counted:,} are counted already." if found and found.counted else ""))


def _begin(wanted: SweepWish, sweeper: Sweeper) -> None:
    sweeper.stopped = None
    background.shared.want(wanted, sweeper.owner)


def _cancel(wanted: SweepWish, sweeper: Sweeper) -> None:
    sweeper.stopped = wanted
    background.shared.stop(wanted, sweeper.owner)


def _product(given: Grid) -> str:
    sizes = [f"{len(given.networks)} networks"] if len(given.networks) > 1 else []
    sizes += [f"{len(axis.values):,} of {axis.knob.replace('_', ' ')}" for axis in given.axes]
    return " × ".join(sizes) or "1 network"


def _follow(form: SweepForm, found: Sweep, sweeper: Sweeper) -> None:
    def draw() -> None:
        if not found.running:
            st.rerun(scope="app")
        done = found.counted if found.phase == "counting" else min(found.timed, found.wish.own)
        left = f", {duration(found.left_s)} left" if found.left_s is not None else ""
        started = found.phase != "counting" or len(found.records) > found.known
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(found.share, f"{found.phase.capitalize()}: {done:,} of "
                        f"{found.wish.own:,}{left}" if started else "Starting the processes")
            st.button("Cancel", key=form.widget("cancel"), icon=":material/stop:",
                      on_click=_cancel, args=(found.wish, sweeper))

    poll(draw)


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
    return f"about {max(1, round(seconds))} s" if seconds < 90 else \
        f"about {seconds / 60:,.0f} min" if seconds < 5400 else f"about {seconds / 3600:,.1f} h"


def heading(given: Grid) -> str:
    """What is swept, in a line."""
    names = text.enumeration([title(config) for config in given.networks])
    return f"{names}: {_product(given)}, {len(given):,} configs" if given.axes else names
