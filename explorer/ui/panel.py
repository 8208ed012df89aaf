"""One network on a page: what the session holds of it, and the names of its widgets.

On the Explore page that stands in the address too, so that a link is all it takes to share it:
the config's parameters, and beside them the page's own, such as the layer that is open. The address
is read when it is new (the first run, a link followed, back and forward) and written after every
change; in between, the session holds the values. Nothing from it is trusted: a value that cannot be
is set aside, and the page says so.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict, TypeVar

import streamlit as st

from explorer.config import Config, ConfigError, Knobs, knobs_of
from explorer.language import Text
from explorer.libraries import LibraryError
from explorer.sources.key import default_config, from_query, to_key, to_query

DEFAULT = "resnet50"

PAGE_PARAMETERS = ("layer", "level", "toggled", "overlay", "direction", "begin")
"""What a page shows beside the config. In the address as text, and no part of the config's key;
who shows it checks it, and refuses what cannot be."""

FIELD = "field"
"""Of the two widgets of a fraction, which show the same value, the one that is typed in; the other
is the slider."""

T = TypeVar("T")


class Held(TypedDict):
    """What the session holds of a panel: text and counts, which any version of this code can read
    when a file has been saved under a running server."""

    config: dict[str, str]
    """As the parameters of a link."""
    page: dict[str, str]
    """Those of `PAGE_PARAMETERS` that are set."""
    set_aside: list[str | Text]
    """A sentence for each value of the link that was not taken."""
    address: dict[str, str]
    """As it was last read or written."""
    just_opened: bool
    opened: int
    """How many times a link has been opened."""
    renewed: int
    """How many times the widgets of the knobs have been renewed."""
    fractions: dict[str, float]
    """What the slider and the field of a knob both show, where a person has turned one of them."""
    followed: dict[str, int]
    """How many times a widget of a fraction has been renewed, because the other one was turned."""
    redrawn: int
    """How many times the graph itself has changed what its controls show."""


@dataclass(frozen=True)
class Panel:
    """The place of one network on a page. Two panels of different names share nothing."""

    name: str = ""

    def widget(self, name: str) -> str:
        """The key of a widget of this panel."""
        return f"{self.name}:{name}" if self.name else name

    # The config.

    @property
    def config(self) -> Knobs:
        return _config(tuple(self._held["config"].items()))

    @property
    def query(self) -> dict[str, str]:
        """The parameters of a link to it."""
        return dict(self._held["config"])

    @property
    def query_key(self) -> str | None:
        """The canonical string of the network that the session holds; None where it holds none, or
        one of no catalogue."""
        held: Held | None = st.session_state.get(self._key)
        return to_key(self.config) if held and isinstance(self.config, Config) else None

    def start(self, config: Knobs) -> None:
        """Hold that config until a knob is turned; where the panel holds one already, nothing."""
        if self._key not in st.session_state:
            self._open(to_query(config), {}, [], {})

    def close(self) -> None:
        """Forget all that the session holds of it, but for what its widgets drop themselves."""
        del st.session_state[self._key]

    def take_widgets(self) -> ConfigError | None:
        """Make the config what the widgets say.

        Where the values cannot go together the last config stays, and the error is returned.
        """
        config = self.config
        values = self._values(config)
        self._follow(config, values)
        try:
            self._held["config"] = to_query(config.replace(**values))
        except ConfigError as error:
            return error
        return None

    def reset(self) -> None:
        """Back to the preset: for callbacks."""
        self._set_config(default_config(self.config.network))

    def choose_network(self, widget: str) -> None:
        """To the network that a widget names, with every knob as it has it: its callback."""
        # A saved file can have renamed what the browser still shows, and a choice can be cleared.
        if (name := st.session_state[widget]) is not None:
            with suppress(ConfigError, LibraryError):
                self._set_config(default_config(name))

    def set_knob(self, name: str, value: Any) -> None:
        """Turn a knob without its widget: for callbacks."""
        self._set_config(self.config.replace(**{name: value}))

    def open_link(self, parameters: dict[str, str]) -> None:
        """What a link with these parameters opens, which are the program's own: for callbacks."""
        self._open({name: value for name, value in parameters.items()
                    if name not in PAGE_PARAMETERS},
                   {name: value for name, value in parameters.items() if name in PAGE_PARAMETERS},
                   [], self._held["address"])

    # The address.

    def open_address(self) -> None:
        """Take the config and the page's parameters from the address where that is new."""
        known, address = self._key in st.session_state, _address()
        turned = known and self._turned()
        if not known or (address and address != self._held["address"] and not turned):
            config, set_aside = from_query(
                {name: value for name, value in address.items() if name not in PAGE_PARAMETERS},
                DEFAULT)
            self._open(to_query(config), {name: value for name, value in address.items()
                                          if name in PAGE_PARAMETERS}, set_aside, address)
            return
        self._held["just_opened"] = False
        if turned:
            self._held["set_aside"] = []

    def write_address(self) -> None:
        """Make the address what the config and the page's parameters say."""
        held = self._held
        held["address"] = held["config"] | {name: held["page"][name] for name in PAGE_PARAMETERS
                                            if name in held["page"]}
        if _address() != held["address"]:
            st.query_params.from_dict(held["address"])

    @property
    def set_aside(self) -> tuple[str | Text, ...]:
        """A sentence for each value of the link that was not taken."""
        return tuple(self._held["set_aside"])

    # The page's parameters.

    def parameter(self, name: str) -> str | None:
        """One of `PAGE_PARAMETERS` as text, unchecked; None where it is not set."""
        return self._held["page"].get(name)

    def set_parameter(self, name: str, value: object) -> None:
        """Set one of `PAGE_PARAMETERS`, or with None take it out: for callbacks."""
        self._put(name, None if value is None else str(value))
        self._held["set_aside"] = []

    def refuse_parameter(self, name: str, why: str | Text, rest: str | None = None) -> None:
        """Take out a parameter that cannot be, or leave the `rest` of it. A link that held it is
        told why; where a knob has made it impossible since, there is nothing to say."""
        self._put(name, rest)
        if self._held["just_opened"]:
            self._held["set_aside"] = [*self._held["set_aside"], why]

    # Widgets, and what else the session holds.

    def knob_widget(self, name: str, part: int | str | None = None) -> str:
        """The key of a knob's widget, or of one of its widgets: the number of a stage, `FIELD`."""
        place = name if part is None else f"{name}-{part}"
        # Both counts only grow, so that no sum comes twice.
        renewed = self._held["renewed"] + self._held["followed"].get(place, 0)
        return self.widget(f"knob-{place}-{renewed}")

    def fraction(self, config: Knobs, name: str) -> float:
        """What the slider and the field of a knob both show: the value of `config`, or one that
        it cannot take together with the others."""
        own: float = getattr(config, name)
        return self._held["fractions"].get(name, own) if self._drawn(name) else own

    def network_widget(self, name: str = "network") -> str:
        """The key of a choice that leads to a network, which the person alone changes, but for a
        link."""
        return self.widget(f"{name}-{self._held['opened']}")

    def graph_widget(self, name: str) -> str:
        """The key of a control of the graph, which a link changes too, and the graph itself.

        A new one each time, as with the knobs (see `_set_config`).
        """
        return self.widget(f"graph-{name}-{self._held['opened']}-{self._held['redrawn']}")

    def graph_value(self, name: str) -> Any:
        """What a control of the graph holds."""
        return st.session_state[self.graph_widget(name)]

    def renew_graph_widgets(self) -> None:
        """Make the controls of the graph show the page's parameters: for callbacks."""
        self._held["redrawn"] += 1

    def value(self, name: str) -> Any:
        """What a widget of this panel holds; None where it is not drawn yet."""
        return st.session_state.get(self.widget(name))

    def set_value(self, name: str, value: Any) -> None:
        """Make a widget show a value that is not the person's, before it is drawn."""
        st.session_state[self.widget(name)] = value

    def note_arrival(self) -> None:
        """Note, at the first run of a session, whether the address names anything."""
        st.session_state.setdefault(self.widget("named-at-first"), bool(_address()))

    @property
    def named_at_first(self) -> bool:
        return bool(st.session_state[self.widget("named-at-first")])

    def own(self, kind: type[T]) -> T:
        """The one object of a class that the session keeps for this panel; a new one at first, and
        where a saved file has replaced the class."""
        name = self.widget(kind.__name__.casefold())
        if not isinstance(st.session_state.get(name), kind):
            st.session_state[name] = kind()
        held: T = st.session_state[name]
        return held

    @property
    def _key(self) -> str:
        return self.widget("panel")

    @property
    def _held(self) -> Held:
        held: Held = st.session_state[self._key]
        return held

    def _open(self, config: dict[str, str], page: dict[str, str],
              set_aside: list[str | Text], address: dict[str, str]) -> None:
        before: Held | None = st.session_state.get(self._key)
        st.session_state[self._key] = Held(
            config=config, page=page, set_aside=set_aside, address=address, just_opened=True,
            opened=before["opened"] + 1 if before else 1,
            renewed=before["renewed"] + 1 if before else 1,
            redrawn=before["redrawn"] if before else 0,
            fractions={}, followed=before["followed"] if before else {})

    def _set_config(self, config: Knobs) -> None:
        """Hold a config that is not the widgets'; only before they are drawn in a run.

        They get new keys, and start at what the config says: a browser that has yet to hear of it
        still reports the old values, with whatever else it asks for, and they must not be taken for
        the person's. Nor does the session write their values, because that reaches the browser in
        one message, and a run that follows at once drops it.
        """
        self._held["config"] = to_query(config)
        self._held["renewed"] += 1
        self._held["fractions"] = {}

    def _put(self, name: str, value: str | None) -> None:
        if value is None:
            self._held["page"].pop(name, None)
        else:
            self._held["page"][name] = value

    def _values(self, config: Knobs) -> dict[str, Any]:
        """What the widgets hold, as knobs; those that are not drawn yet as in `config`."""
        state, values = st.session_state, {}
        for name, knob in knobs_of(type(config)).items():
            value = getattr(config, name)
            if knob.kind == "counts":
                values[name] = tuple(state.get(self.knob_widget(name, position), count)
                                     for position, count in enumerate(value))
            elif knob.kind == "float":
                shown = self.fraction(config, name)
                slid = state.get(self.knob_widget(name), shown)
                typed = state.get(self.knob_widget(name, FIELD), shown)
                values[name] = typed if slid == shown else slid
            else:
                values[name] = state.get(self.knob_widget(name), value)
        return values

    def _drawn(self, name: str) -> bool:
        """Whether the slider or the field of a knob stands on the page; not so after a look at
        another page."""
        return any(self.knob_widget(name, part) in st.session_state for part in (None, FIELD))

    def _follow(self, config: Knobs, values: dict[str, Any]) -> None:
        """Where a slider or a field was turned, make the other one show its value: under a new
        key, as in `_set_config`. The one that was turned keeps its key, and the keyboard."""
        for name, knob in knobs_of(type(config)).items():
            if knob.kind != "float":
                continue
            if not self._drawn(name):
                self._held["fractions"].pop(name, None)
            elif values[name] != self.fraction(config, name):
                slid = st.session_state.get(self.knob_widget(name)) == values[name]
                other = f"{name}-{FIELD}" if slid else name
                self._held["fractions"][name] = values[name]
                self._held["followed"][other] = self._held["followed"].get(other, 0) + 1

    def _turned(self) -> bool:
        """Whether a widget holds something else than the config: then the person, not the address,
        has spoken last."""
        config = self.config
        return any(value != getattr(config, name)
                   for name, value in self._values(config).items())


def renew_widgets() -> None:
    """Make the widgets of every panel, and of the sweep, new ones, at what it holds: for callbacks.
    A browser tells of a choice by what it has shown, which in another language is no option."""
    for held in st.session_state.values():
        for count in ("opened", "renewed"):
            if isinstance(held, dict) and count in held:
                held[count] += 1


@lru_cache(512)
def _config(query: tuple[tuple[str, str], ...]) -> Knobs:
    """What is held was checked when it came in; it is asked for several times in a run."""
    return from_query(dict(query), DEFAULT)[0]


def _address() -> dict[str, str]:
    return st.query_params.to_dict()
