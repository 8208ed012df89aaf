"""The sweep that a person has set up: networks, knobs with their values, and what is looked at.

`/sweep?network=resnet18&network=resnet34&over=width=0.5:1:0.25&view=pareto&x=macs` is what the
command line calls `sweep resnet18 resnet34 --over width=0.5:1:0.25`. The address is read when it is
new and written after every change; what of it cannot be is set aside, and the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import streamlit as st

from explorer.config import ConfigError, Knobs, knobs_of
from explorer.language import Text
from explorer.libraries import LibraryError
from explorer.sources.file import is_file
from explorer.sources.key import from_key, split_setting, to_key
from explorer.sweeping import Grid, grid, suggested
from explorer.ui.limits import limits
from explorer.ui.sweep.choices import CHOICES, checked

MOST_KNOBS = 3
MOST_NETWORKS = 8
DEFAULT = (["mobilenetv3_large"], [("width", "0.25:1.5:0.125")])
"""What the page opens with."""

STATE = "sweep"


class HeldSweep(TypedDict):
    """What the session holds: text and counts."""

    networks: list[str]
    """Canonical strings."""
    axes: list[tuple[str, str]]
    """Knobs, each with its values as they were written."""
    choices: dict[str, str]
    address: dict[str, list[str]]
    set_aside: list[Exception | Text]
    """Each says itself."""
    opened: int
    """How many times a link has been opened: widgets have new keys then."""
    lists: list[bool]
    """Of each knob, whether its values are written as a list and not as a range."""


class SweepForm:
    """What the page is about."""

    # The address.

    def open_address(self) -> None:
        """Take the sweep from the address where that is new."""
        address = _address()
        known = STATE in st.session_state
        if known and (not address or address == self._held["address"]):
            return
        networks: list[str] = []
        axes: list[tuple[str, str]] = []
        set_aside: list[Exception | Text] = []
        for key in address.get("network", []):
            try:
                networks.append(to_key(swept_network(key)))
            except (ConfigError, LibraryError) as error:
                set_aside.append(error.with_traceback(None))
        networks = list(dict.fromkeys(networks))
        for text in address.get("over", []):
            try:
                knob, values = split_setting(text)
                grid(networks or DEFAULT[0], [text], most=limits().sweep_configs)
                if knob in [other for other, _ in axes]:
                    raise ConfigError(Text("The knob {knob} is given twice: {values} is left.",
                                           knob=knob, values=values[:40]))
                axes.append((knob, values))
            except ConfigError as error:
                set_aside.append(error.with_traceback(None))
        if len(networks) > MOST_NETWORKS or len(axes) > MOST_KNOBS:
            set_aside.append(Text(
                "A sweep on this page is of up to {networks} networks and {knobs} knobs; the "
                "command line takes more.", networks=MOST_NETWORKS, knobs=MOST_KNOBS))
        choices = {}
        for name, texts in address.items():
            if name in CHOICES:
                choices[name] = texts[-1]
            elif name not in ("network", "over"):
                set_aside.append(Text("`{name}` is no part of a sweep.", name=name[:40]))
        networks = networks[:MOST_NETWORKS] or DEFAULT[0]
        if not axes:
            axes = [(knob, values) for knob, values in DEFAULT[1]
                    if knob in common_knobs(networks)] or _first_knob(networks)
        axes = axes[:MOST_KNOBS]
        choices, left = checked(choices, [knob for knob, _ in axes])
        set_aside += left
        st.session_state[STATE] = HeldSweep(
            networks=networks, axes=axes, choices=choices, address=address, set_aside=set_aside,
            opened=self._held["opened"] + 1 if known else 1,
            lists=[not is_range(values) for _, values in axes])

    def write_address(self) -> None:
        """Make the address what the form holds."""
        held = self._held
        address = {"network": list(held["networks"]),
                   "over": [f"{knob}={values}" for knob, values in held["axes"]]}
        address |= {name: [value] for name, value in held["choices"].items()}
        held["address"] = address
        if _address() != address:
            st.query_params.from_dict(address)

    @property
    def set_aside(self) -> list[str]:
        """A sentence for each part of the link that was not taken."""
        return list(map(str, self._held["set_aside"]))

    # What is swept.

    @property
    def networks(self) -> list[str]:
        return self._held["networks"]

    @networks.setter
    def networks(self, keys: Sequence[str]) -> None:
        self._held["networks"] = list(keys)

    @property
    def axes(self) -> list[tuple[str, str]]:
        return self._held["axes"]

    @axes.setter
    def axes(self, axes: Sequence[tuple[str, str]]) -> None:
        self._held["axes"] = list(axes)

    @property
    def lists(self) -> list[bool]:
        return self._held["lists"]

    @lists.setter
    def lists(self, lists: Sequence[bool]) -> None:
        self._held["lists"] = list(lists)

    def grid(self) -> Grid:
        """The configs; raises `ConfigError` where there is a mistake in the form."""
        return grid(self.networks, [f"{knob}={values}" for knob, values in self.axes],
                    most=limits().sweep_configs)

    # What is looked at.

    def widget(self, name: str) -> str:
        """The key of a widget, a new one for each link."""
        return f"sweep-{name}-{self._held['opened']}"

    def value(self, name: str) -> Any:
        """What a widget holds."""
        return st.session_state[self.widget(name)]

    def choice(self, name: str) -> str | None:
        return self._held["choices"].get(name)

    def choose(self, name: str, value: str | None) -> None:
        """Hold a choice, or with None or "" its default."""
        if value:
            self._held["choices"][name] = value
        else:
            self._held["choices"].pop(name, None)

    def option(self, name: str, options: Sequence[str], default: str,
               draw: Callable[..., Any]) -> str:
        """One of some options, by a widget that `draw(options, index, key)` makes."""
        held = self.choice(name)
        now = held if held in options else default
        # Another default is another widget: the one before would keep what nobody has chosen.
        chosen = str(draw(options, options.index(now), self.widget(f"{name}-{default}")))
        self.choose(name, chosen if chosen != default else None)
        return chosen

    @property
    def _held(self) -> HeldSweep:
        held: HeldSweep = st.session_state[STATE]
        return held


def swept_network(key: str) -> Knobs:
    """A network that can be swept; raises `ConfigError` and `LibraryError`."""
    if is_file(key):
        raise ConfigError(Text(
            "{network} has no knobs: a sweep is of networks of the catalogue, timm or torchvision.",
            network=repr(key[:80])))
    return from_key(key)


def common_knobs(keys: Sequence[str]) -> dict[str, str]:
    """Knobs that all of the networks have, with their labels."""
    configs = [from_key(key) for key in keys]
    first, *others = [knobs_of(type(config)) for config in configs]
    return {name: knob.label for name, knob in first.items()
            if all(name in other and other[name].kind == knob.kind for other in others)}


def _first_knob(keys: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, suggested(from_key(keys[0]), name)) for name in list(common_knobs(keys))[:1]]


def is_range(values: str) -> bool:
    """Whether values are written FROM:TO:STEP."""
    return values.count(":") == 2 and "," not in values


def link_to(config: Knobs) -> dict[str, str]:
    """The parameters of a link to a sweep of a network; none where it has no knobs."""
    knobs = knobs_of(type(config))
    if not knobs:
        return {}
    name = "width" if "width" in knobs else next(iter(knobs))
    return {"network": to_key(config), "over": f"{name}={suggested(config, name)}"}


def _address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}

