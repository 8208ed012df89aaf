"""What is swept: networks, and knobs with their values."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import text
from explorer.config import ConfigError, Knob, find_knob
from explorer.language import say
from explorer.libraries import LibraryError
from explorer.networks.catalogue import presets
from explorer.sources import title
from explorer.sources.key import from_key, to_key
from explorer.sweeping import Grid, parse_axis, suggested
from explorer.ui.limits import limits
from explorer.ui.messages import escape
from explorer.ui.sweep.form import (
    MOST_KNOBS,
    MOST_NETWORKS,
    SweepForm,
    common_knobs,
    is_range,
    swept_network,
)


def sidebar(form: SweepForm) -> Grid | None:
    """Networks, knobs and their values; None where there is a mistake, which is told."""
    with st.sidebar:
        mistakes = _networks(form)
        mistakes += _knobs(form)
        timed = st.toggle(say("Measure latency too"), form.choice("time") == "on",
                          key=form.widget("time"), help=say(
                              "Time each config on the server, one by one and in a shuffled order, "
                              "after all are counted."))
        form.choose("time", "on" if timed else None)
    try:
        made = form.grid() if not mistakes else None
    except ConfigError as error:
        mistakes.append(str(error))
    for mistake in mistakes:
        st.error(escape(mistake))
    return None if mistakes else made


def _networks(form: SweepForm) -> list[str]:
    """The choice of networks; gives what is wrong with it."""
    known = list(dict.fromkeys([*presets(), *form.networks]))
    chosen = st.multiselect(
        say("Networks"), known, form.networks, key=form.widget("networks"), format_func=_words,
        accept_new_options=True, max_selections=MOST_NETWORKS,
        placeholder=say("Choose or add options"),
        help=say("Presets of the catalogue. Type others by their names: timm:convnext_tiny, "
                 "torchvision:densenet121, or one with knobs turned, resnet50&block=basic."))
    keys, mistakes = [], []
    for key in chosen:
        try:
            keys.append(to_key(swept_network(key)))
        except (ConfigError, LibraryError) as error:
            mistakes.append(str(error))
    if keys:
        form.networks = list(dict.fromkeys(keys))
    return mistakes or ([] if keys else [say("Choose a network to sweep.")])


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
            (say("Knob"), say("Second knob"), say("Third knob"))[place], options,
            options.index(own) if own in options else 0, key=form.widget(f"knob-{place}"),
            format_func=lambda name: labels.get(name) or say("None"),
            help=say("What is turned. All networks that are chosen have it.") if place == 0
            else None)
        if not knob:
            break
        config = from_key(form.networks[0])
        as_list = form.lists[place] if place < len(form.lists) and knob == own else None
        written, listed = _values(form, place, find_knob(config, knob),
                                  values if knob == own else suggested(config, knob), as_list)
        axes.append((knob, written))
        lists.append(listed)
        try:
            taken = parse_axis(f"{knob}={written}", limits().sweep_configs).values
            st.caption(escape(say(
                "{count} value: {values}" if len(taken) == 1 else "{count} values: {values}",
                count=f"{len(taken):,}", values=_some(taken))))
        except ConfigError as error:
            mistakes.append(str(error))
    form.axes, form.lists = axes, lists
    return mistakes


def _some(values: Sequence[str]) -> str:
    return text.listing(values if len(values) <= 6 else [*values[:3], "…", values[-1]])


def _values(form: SweepForm, place: int, knob: Knob, written: str, as_list: bool | None
            ) -> tuple[str, bool]:
    """The values of a knob as they are written, and whether they are written as a list."""
    key = form.widget(f"values-{place}-{knob.name}")
    if knob.kind in ("bool", "choice"):
        options = ["off", "on"] if knob.kind == "bool" else [str(each) for each in knob.options]
        held = [value for value in written.split(",") if value in options]
        chosen = st.pills(say("Values"), options, default=held, selection_mode="multi", key=key,
                          format_func=lambda value: knob.value_words(knob.parse(value)))
        if not chosen:
            st.warning(say("Choose at least one value of {knob}.", knob=knob.label))
        return ",".join([value for value in options if value in chosen] or held), True
    if knob.kind == "counts":
        return st.text_input(say("Values, such as 2-2-2-2, 3-4-6-3"), written, key=key), True
    start = not is_range(written) if as_list is None else as_list
    listed = st.toggle(say("Single values"), start, key=f"{key}-list",
                       help=say("Write the values one by one, instead of a range."))
    if listed:
        values = written if not is_range(written) else ",".join(
            parse_axis(f"{knob.name}={written}", limits().sweep_configs).values)
        return st.text_input(say("Values, with commas"), values, key=f"{key}-text"), True
    if not is_range(written):
        written = suggested(from_key(form.networks[0]), knob.name)
        written = written if is_range(written) else f"{knob.low:g}:{knob.high:g}:{knob.step:g}"
    numbers = [float(number) for number in written.split(":")]
    kind, shown = (int, None) if knob.kind == "int" else (float, "%g")
    low, high = kind(knob.low), kind(knob.high)
    entered = [
        column.number_input(label, least, most, min(max(kind(number), least), most), step,
                            key=f"{key}-{name}", format=shown)
        for column, name, label, number, least, most, step in zip(
            st.columns(3), ("From", "To", "Step"), (say("From"), say("To"), say("Step")), numbers,
            (low, low, kind(0)), (high,) * 3, (kind(knob.step),) * 3, strict=True)]
    return ":".join([f"{number:.10g}" for number in entered]), False
