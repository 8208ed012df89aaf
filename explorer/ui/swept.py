"""The Sweep page: what is set up in the sidebar, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from uuid import uuid4

import streamlit as st

from explorer import text
from explorer.config import Config, ConfigError, Knob, find_knob
from explorer.libraries import LibraryError
from explorer.networks.catalogue import presets
from explorer.sources.key import from_key, to_key
from explorer.sweeping import Grid, parse_axis, suggested
from explorer.ui import calls, sweeps
from explorer.ui.bench import POLL_S, poll
from explorer.ui.limits import limits
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.ui.sweep_form import (
    MOST_KNOBS,
    MOST_NETWORKS,
    SweepForm,
    common_knobs,
    is_range,
    swept_network,
)
from explorer.ui.visits import visit
from explorer.views.sweep.quantities import title

BY_ITSELF_S = 5.0
"""What a sweep may be predicted to take, to begin without a click."""


@dataclass
class Sweeper:
    """Who sweeps: the session."""

    owner: str = field(default_factory=lambda: uuid4().hex)
    stopped: sweeps.SweepWish | None = None
    """What the person has cancelled: it does not begin again by itself."""


def sidebar(form: SweepForm) -> Grid | None:
    """Networks, knobs and their values; None where there is a mistake, which is told."""
    with st.sidebar:
        mistakes = _networks(form)
        mistakes += _knobs(form)
        timed = st.toggle("Measure latency too", form.choice("time") == "on",
                          key=form.widget("time"), help="Time each config on the server, one by "
                          "one and in a shuffled order, after all are counted.")
        form.choose("time", "on" if timed else None)
    try:
        made = form.grid() if not mistakes else None
        if made and len(made) > limits().sweep_configs:
            sizes = [len(made.networks), *[len(axis.values) for axis in made.axes]]
            mistakes.append(f"{' × '.join([f'{size:,}' for size in sizes])} are {len(made):,} "
                            f"configs, and this page counts up to {limits().sweep_configs:,}. "
                            "Take a larger step, or fewer knobs; the command line takes more.")
    except ConfigError as error:
        mistakes.append(str(error))
    for mistake in mistakes:
        st.error(escape(mistake))
    return None if mistakes else made


def _networks(form: SweepForm) -> list[str]:
    """The choice of networks; gives what is wrong with it."""
    known = list(dict.fromkeys([*presets(), *form.networks]))
    chosen = st.multiselect(
        "Networks", known, form.networks, key=form.widget("networks"), format_func=_words,
        accept_new_options=True, max_selections=MOST_NETWORKS,
        help="Presets of the catalogue. Type others by their names: timm:convnext_tiny, "
        "torchvision:densenet121, or one with knobs turned, resnet50&block=basic.")
    keys, mistakes = [], []
    for key in chosen:
        try:
            keys.append(to_key(swept_network(key)))
        except (ConfigError, LibraryError) as error:
            mistakes.append(str(error))
    if keys:
        form.networks = list(dict.fromkeys(keys))
    return mistakes or ([] if keys else ["Choose a network to sweep."])


def _words(key: str) -> str:
    try:
        return title(from_key(key))
    except (ConfigError, LibraryError):
        return key


def _knobs(form: SweepForm) -> list[str]:
    """The knobs with their values; gives what is wrong with them."""
    labels, held, mistakes = common_knobs(form.networks), form.axes, list[str]()
    axes, lists = list[tuple[str, str]](), list[bool]()
    for place in range(MOST_KNOBS):
        own, values = held[place] if place < len(held) else ("", "")
        free = [name for name in labels if name not in [knob for knob, _ in axes]]
        options = free if place == 0 else ["", *free]
        if not options:
            break
        knob = st.selectbox(
            ("Knob", "Second knob", "Third knob")[place], options,
            options.index(own) if own in options else 0, key=form.widget(f"knob-{place}"),
            format_func=lambda name: labels.get(name, "None"),
            help="What is turned. All networks that are chosen have it." if place == 0 else None)
        if not knob:
            break
        config = from_key(form.networks[0])
        as_list = form.lists[place] if place < len(form.lists) and knob == own else None
        written, listed = _values(form, place, find_knob(config, knob),
                                  values if knob == own else suggested(config, knob), as_list)
        axes.append((knob, written))
        lists.append(listed)
        try:
            count = parse_axis(f"{knob}={written}").values
            st.caption(escape(f"{len(count):,} value{'s' if len(count) > 1 else ''}: "
                              f"{_some(count)}"))
        except ConfigError as error:
            mistakes.append(str(error))
    form.axes, form.lists = axes, lists
    return mistakes


def _some(values: Sequence[str]) -> str:
    return ", ".join(values) if len(values) <= 6 else \
        f"{', '.join(values[:3])}, …, {values[-1]}"


def _values(form: SweepForm, place: int, knob: Knob, written: str, as_list: bool | None
            ) -> tuple[str, bool]:
    """The values of a knob as they are written, and whether they are written as a list."""
    key = form.widget(f"values-{place}-{knob.name}")
    if knob.kind in ("bool", "choice"):
        options = ["off", "on"] if knob.kind == "bool" else [str(each) for each in knob.options]
        held = [value for value in written.split(",") if value in options]
        chosen = st.pills("Values", options, default=held, selection_mode="multi", key=key,
                          format_func=lambda value: knob.value_words(knob.parse(value)))
        if not chosen:
            st.warning(f"Choose at least one value of {knob.label}.")
        return ",".join([value for value in options if value in chosen] or held), True
    if knob.kind == "counts":
        return st.text_input("Values, such as 2-2-2-2, 3-4-6-3", written, key=key), True
    start = not is_range(written) if as_list is None else as_list
    listed = st.toggle("Single values", start, key=f"{key}-list",
                       help="Write the values one by one, instead of a range.")
    if listed:
        values = written if not is_range(written) else ",".join(
            parse_axis(f"{knob.name}={written}").values[:40])
        return st.text_input("Values, with commas", values, key=f"{key}-text"), True
    if not is_range(written):
        written = suggested(from_key(form.networks[0]), knob.name)
        written = written if is_range(written) else f"{knob.low:g}:{knob.high:g}:{knob.step:g}"
    numbers = [float(number) for number in written.split(":")]
    kind, shown = (int, None) if knob.kind == "int" else (float, "%g")
    low, high = kind(knob.low), kind(knob.high)
    entered = [
        column.number_input(label, least, most, min(max(kind(number), least), most), step,
                            key=f"{key}-{label}", format=shown)
        for column, label, number, least, most, step in zip(
            st.columns(3), ("From", "To", "Step"), numbers, (low, low, kind(0)), (high,) * 3,
            (kind(knob.step),) * 3, strict=True)]
    return ":".join([f"{number:.10g}" for number in entered]), False


def wish(given: Grid, form: SweepForm) -> sweeps.SweepWish:
    """What is to be counted: the grid, its networks as they were chosen, and the presets."""
    chosen = [to_key(config) for config in given.networks]
    keys = dict.fromkeys([*[point.key for point in given.points], *chosen, *presets()])
    own = len({point.key for point in given.points})
    return sweeps.SweepWish(tuple(keys), form.choice("time") == "on", own)


def progress(form: SweepForm, given: Grid) -> sweeps.Sweep | None:
    """How many configs, how long they take, and how far they are; gives the sweep where it is
    begun."""
    sweeper, wanted = Panel("sweep").own(Sweeper), wish(given, form)
    visit().owners.add(sweeper.owner)
    found, seconds = sweeps.shared.find(wanted), predict_s(given, wanted)
    if sweeper.stopped != wanted:
        sweeper.stopped = None
    by_itself = limits().live and seconds <= BY_ITSELF_S and sweeper.stopped is None
    begun = found is not None and not found.unwanted and found.phase != "failed"
    if (begun and sweeper.stopped is None) or (by_itself and (not found or found.unwanted)):
        found, begun = sweeps.shared.want(wanted, sweeper.owner), True
    else:
        sweeps.shared.leave(sweeper.owner, unless=wanted)
    if found is None or not begun or (found.running and sweeper.stopped):
        _start(form, given, wanted, sweeper, seconds, found)
    elif found.running:
        _follow(form, found, sweeper)
    return found


def _start(form: SweepForm, given: Grid, wanted: sweeps.SweepWish, sweeper: Sweeper, seconds: float,
           found: sweeps.Sweep | None) -> None:
    if found and found.failure:
        st.error(escape(found.failure))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Count {len(given):,} config{'s' if len(given) > 1 else ''}" + (
            " and time them" if wanted.timed else ""), icon=":material/play_arrow:",
            type="primary", key=form.widget("start"), on_click=_begin, args=(wanted, sweeper))
        st.caption(f"{_product(given)}, {duration(seconds)}." + (
            f" {found.counted:,} are counted already." if found and found.counted else ""))


def _begin(wanted: sweeps.SweepWish, sweeper: Sweeper) -> None:
    sweeper.stopped = None
    sweeps.shared.want(wanted, sweeper.owner)


def _cancel(wanted: sweeps.SweepWish, sweeper: Sweeper) -> None:
    sweeper.stopped = wanted
    sweeps.shared.stop(wanted, sweeper.owner)


def _product(given: Grid) -> str:
    sizes = [f"{len(given.networks)} networks"] if len(given.networks) > 1 else []
    sizes += [f"{len(axis.values):,} of {axis.knob.replace('_', ' ')}" for axis in given.axes]
    return " × ".join(sizes) or "1 network"


def _follow(form: SweepForm, found: sweeps.Sweep, sweeper: Sweeper) -> None:
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


def predict_s(given: Grid, wanted: sweeps.SweepWish) -> float:
    """About how long a sweep takes."""
    missing = 1 - sweeps.shared.known(wanted.keys) / len(wanted.keys)
    each = len(given) / len(given.networks)
    layers = 0.0
    for config in given.networks:
        try:
            own = len(calls.explored(calls.source(config)).summary.layers)
        except (ConfigError, LibraryError):     # it cannot be built, and is told so
            continue
        layers += own * each * prod([_deeper(config, axis.knob, axis.values)
                                     for axis in given.axes])
    return sweeps.shared.predict_s(missing * layers, wanted.own if wanted.timed else 0)


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
