"""Which network: where it is from, and which of those that are there."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.config import Config, Knobs
from explorer.language import say
from explorer.libraries import LibraryError
from explorer.networks.catalogue import family_of, find_preset, presets
from explorer.sources import offered, short_name
from explorer.sources.library import LIBRARIES
from explorer.ui.messages import escape
from explorer.ui.panel import Panel

CATALOGUE, FILES = "The catalogue", "Files of this server"
ALL = "All families"


def network(panel: Panel, config: Knobs) -> None:
    """The choices that lead to a network. It stays the one that it is until another is chosen."""
    origins = [CATALOGUE, *LIBRARIES, *([FILES] if offered() else [])]
    own = _origin(config.network)
    chosen = st.selectbox(
        say("Source"), origins, origins.index(own), key=panel.network_widget("origin"),
        format_func=say, help=say(
            "The catalogue has networks rebuilt from their papers, with the most knobs. timm and "
            "torchvision have their own models, where they are installed."))
    if chosen == CATALOGUE:
        _preset(panel, config)
    elif chosen == FILES:
        _select(panel, say("Network"), offered(), config, name="file", help=say(
            "What the server was started with: a class or a function of a Python file."))
    else:
        _model(panel, chosen, config)
    if chosen != own:
        st.caption(say("Until you choose one, the page shows {network}.",
                       network=escape(shown(config.network))))


def _origin(network: str) -> str:
    if network in offered():
        return FILES
    library = network.partition(":")[0]
    return library if library in LIBRARIES else CATALOGUE


def _preset(panel: Panel, config: Knobs) -> None:
    # A saved file can have taken away the preset that is held.
    names = list(dict.fromkeys([*presets(), *([config.network] if isinstance(config, Config)
                                              else [])]))
    _select(panel, say("Network"), names, config, help=say(
        "A preset as its paper, or torchvision, has it. Choosing one resets every knob."))
    if isinstance(config, Config):
        st.caption(say("{paper}. {source}.", paper=family_of(config.network).paper,
                       source=say(find_preset(config.network).source)))


def _model(panel: Panel, library: str, config: Knobs) -> None:
    """The models of a library, which is imported here where nobody has asked for it before."""
    try:
        with st.spinner(say("Loading {library} …", library=library)):
            names, families = LIBRARIES[library].names(), LIBRARIES[library].families()
    except LibraryError as error:
        st.warning(escape(str(error)))
        return
    family = st.selectbox(
        say("Family"), [ALL, *families], key=panel.network_widget(f"{library}-family"),
        format_func=lambda name: f"{say(ALL) if name == ALL else name.replace('_', ' ')} "
                                 f"({len(families.get(name, names)):,})",
        help=say("The file of {library} that has the model.", library=library))
    shown = families.get(family, names)
    _select(panel, say("Model"), [f"{library}:{name}" for name in shown], config,
            name=f"{library}-{family}", help=say(
                "Type a part of its name. Choosing one puts every knob; weights are never "
                "downloaded."))


def _select(panel: Panel, label: str, networks: Sequence[str], config: Knobs, *, help: str,
            name: str = "network") -> None:
    """A choice among networks, in which a part of the name can be typed."""
    key = panel.network_widget(name)
    st.selectbox(label, networks, key=key, on_change=panel.choose_network, args=(key,), help=help,
                 index=networks.index(config.network) if config.network in networks else None,
                 format_func=shown,
                 placeholder=say("Choose among {count}", count=f"{len(networks):,}"))


def shown(network: str) -> str:
    """A network as it stands in the choice."""
    if network in presets():
        return presets()[network].title
    return short_name(network) if network in offered() else network.partition(":")[2]
