"""The config of a session: in the address, so that a link is all it takes to share it.

Beside the config's parameters stand the page's own, such as the layer that is open. The address is
read when it is new (the first run, a link followed, back and forward) and written after every
change; in between, the session holds the values. Nothing from it is trusted: a value that cannot be
is set aside, and the page says so.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.config import Config, ConfigError, knobs_of
from explorer.networks.catalogue import find_preset
from explorer.networks.key import from_query, to_key, to_query

DEFAULT = "resnet50"

PAGE_PARAMETERS = ("layer", "level", "toggled", "overlay", "direction", "shapes")
"""What a page shows beside the config. In the address as text, and no part of the config's key;
who shows it checks it, and refuses what cannot be."""


def open_address() -> None:
    """Take the config and the page's parameters from the address where that is new."""
    state, query = st.session_state, _address()
    turned = "config" in state and _turned(state.config)
    if "config" not in state or (query and query != state.link and not turned):
        state.config, state.set_aside = from_query(
            {name: value for name, value in query.items() if name not in PAGE_PARAMETERS}, DEFAULT)
        for name in PAGE_PARAMETERS:
            state[_page_key(name)] = query.get(name)
        state.link = query
        state.just_opened = True
        state.opened = state.get("opened", 0) + 1
        renew_widgets()
        return
    state.just_opened = False
    if turned:
        state.set_aside = []


def set_aside() -> list[str]:
    """A sentence for each value of the link that was not taken."""
    return list(st.session_state.set_aside)


def take_widgets() -> ConfigError | None:
    """Make the config what the widgets say.

    Where the values cannot go together the last config stays, and the error is returned.
    """
    state = st.session_state
    try:
        state.config = state.config.replace(**_values(state.config))
    except ConfigError as error:
        return error
    return None


def write_address() -> None:
    """Make the address what the config and the page's parameters say."""
    state = st.session_state
    state.link = to_query(state.config) | {name: value for name in PAGE_PARAMETERS
                                           if (value := page_parameter(name)) is not None}
    if _address() != state.link:
        st.query_params.from_dict(state.link)


def page_parameter(name: str) -> str | None:
    """One of `PAGE_PARAMETERS` as text, unchecked; None where it is not set."""
    value: str | None = st.session_state.get(_page_key(name))
    return value


def set_page_parameter(name: str, value: object) -> None:
    """Set one of `PAGE_PARAMETERS`, or with None take it out: for callbacks."""
    st.session_state[_page_key(name)] = None if value is None else str(value)
    st.session_state.set_aside = []


def refuse_page_parameter(name: str, why: str, rest: str | None = None) -> None:
    """Take out a parameter that cannot be, or leave the `rest` of it. A link that held it is told
    why; where a knob has made it impossible since, there is nothing to say."""
    state = st.session_state
    state[_page_key(name)] = rest
    if state.just_opened:
        state.set_aside = [*state.set_aside, why]


def config() -> Config:
    result: Config = st.session_state.config
    return result


def reset() -> None:
    """Back to the preset: the callback of the reset button and of the choice of a network."""
    state = st.session_state
    state.config = find_preset(state[network_key()]).config
    renew_widgets()


def set_knob(name: str, value: Any) -> None:
    """Turn a knob without its widget: for callbacks."""
    state = st.session_state
    state.config = state.config.replace(**{name: value})
    renew_widgets()


def renew_widgets() -> None:
    """Make the widgets show the config; only before they are drawn in a run.

    They get new keys, and start at what the config says: a browser that has yet to hear of it still
    reports the old values, with whatever else it asks for, and they must not be taken for the
    person's. Nor does the session write their values, because that reaches the browser in one
    message, and a run that follows at once drops it.
    """
    st.session_state.renewed = st.session_state.get("renewed", 0) + 1


def widget_key(name: str, position: int | None = None, *, renewed: int | None = None) -> str:
    """The key of a knob's widget, or of one of its widgets; `renewed` is how many times the widgets
    have been renewed, by default in this session."""
    count = st.session_state.renewed if renewed is None else renewed
    return f"knob-{name}-{count}" if position is None else f"knob-{name}-{position}-{count}"


def network_key() -> str:
    """The key of the choice of a network, which the person alone changes, but for a link."""
    return f"network-{st.session_state.opened}"


def _page_key(name: str) -> str:
    return f"page-{name}"


def _values(config: Config) -> dict[str, Any]:
    """What the widgets hold, as knobs; those that are not drawn yet as in `config`."""
    state, values = st.session_state, {}
    for name, knob in knobs_of(type(config)).items():
        value = getattr(config, name)
        if knob.kind == "counts":
            values[name] = tuple(state.get(widget_key(name, position), count)
                                 for position, count in enumerate(value))
        else:
            values[name] = state.get(widget_key(name), value)
    return values


def _turned(config: Config) -> bool:
    """Whether a widget holds something else than the config: then the person, not the address,
    has spoken last."""
    return any(value != getattr(config, name) for name, value in _values(config).items())


def _address() -> dict[str, str]:
    return st.query_params.to_dict()


def key() -> str:
    return to_key(config())
