"""The config of a session: in the address, so that a link is all it takes to share it.

The address is read when it is new (the first run, a link followed, back and forward) and written
after every change; in between, the widgets hold the values. Nothing from it is trusted: a value
that cannot be is set aside, and the page says so.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.catalogue import find_preset
from explorer.config import Config, ConfigError, knobs_of
from explorer.key import from_query, to_key, to_query

DEFAULT = "resnet50"


def open_address() -> list[str]:
    """Take the config from the address where that is new. Returns a sentence for each value that
    was set aside."""
    state, query = st.session_state, _address()
    turned = "config" in state and _turned(state.config)
    if "config" not in state or (query and query != state.link and not turned):
        state.config, state.set_aside = from_query(query, DEFAULT)
        state.link = query
        write_widgets(state.config)
    elif "network" not in state:    # back from another page: Streamlit has dropped the widgets
        write_widgets(state.config)
    if turned:
        state.set_aside = []
    return list(state.set_aside)


def take_widgets() -> ConfigError | None:
    """Make the config what the widgets say, and the address what the config says.

    Where the values cannot go together the last config stays, and the error is returned.
    """
    state = st.session_state
    try:
        state.config = state.config.replace(**_values(state.config))
    except ConfigError as error:
        return error
    state.link = to_query(state.config)
    if _address() != state.link:
        st.query_params.from_dict(state.link)
    return None


def config() -> Config:
    result: Config = st.session_state.config
    return result


def reset() -> None:
    """Back to the preset: the callback of the reset button and of the choice of a network."""
    state = st.session_state
    state.config = find_preset(state.network).config
    write_widgets(state.config)


def write_widgets(config: Config) -> None:
    """Make the widgets show a config; only before they are drawn in a run."""
    st.session_state["network"] = config.network
    for name, knob in knobs_of(type(config)).items():
        value = getattr(config, name)
        if knob.kind == "counts":
            for position, count in enumerate(value):
                st.session_state[widget_key(name, position)] = count
        else:
            st.session_state[widget_key(name)] = value


def widget_key(name: str, position: int | None = None) -> str:
    return f"knob-{name}" if position is None else f"knob-{name}-{position}"


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
