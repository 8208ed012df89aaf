"""The networks of the Compare page: each a panel, all of them in the address.

`/compare?a=resnet34&b=resnet50%26width%3D0.5`: a letter a network, each a canonical string. The
address is read when it is new and written after every change. What of it cannot be costs its own
column alone, and the page says so.
"""

from __future__ import annotations

from typing import TypedDict

import streamlit as st

from explorer.comparison import LETTERS, MOST
from explorer.config import ConfigError, Knobs
from explorer.language import Text
from explorer.libraries import LibraryError
from explorer.sources.key import default_config, from_query, split_key, to_key
from explorer.ui.panel import Panel

DEFAULTS = ("resnet34", "resnet50")
"""What the page opens with, and what is added to a network that comes alone."""

STATE = "compare"


class HeldPanels(TypedDict):
    """What the session holds: text and counts."""

    panels: list[str]
    """The names of the panels, in order."""
    opened: int
    """How many panels there have been: each has a name of its own."""
    address: dict[str, str]
    set_aside: list[Text]
    row: str
    """The row of the drawing that is chosen; "" for none."""


class ComparedPanels:
    """The panels of the page, in order."""

    @property
    def panels(self) -> list[Panel]:
        return [Panel(name) for name in self._kept["panels"]]

    @property
    def set_aside(self) -> list[str]:
        """A sentence for each part of the link that was not taken."""
        return [*map(str, self._kept["set_aside"])]

    def open_address(self) -> None:
        """Take the networks from the address where that is new."""
        address = st.query_params.to_dict()
        known = STATE in st.session_state
        if known and (not address or address == self._kept["address"]):
            # After a look at another page the address is empty, and the panels are still there.
            return
        for panel in self.panels if known else []:
            panel.close()
        st.session_state[STATE] = HeldPanels(
            panels=[], opened=self._kept["opened"] if known else 0, address=address, set_aside=[],
            row="")
        for letter, text in sorted(address.items()):
            self._take(letter, text)
        missing = [name for name in DEFAULTS if name not in [
            panel.config.network for panel in self.panels]]
        while len(self._kept["panels"]) < 2:
            self._add(default_config(missing.pop(0)))

    def write_address(self) -> None:
        """Make the address what the panels hold."""
        self._kept["address"] = {letter: to_key(panel.config) for letter, panel in
                                 zip(LETTERS, self.panels, strict=False)}
        if st.query_params.to_dict() != self._kept["address"]:
            st.query_params.from_dict(self._kept["address"])

    @property
    def row(self) -> str:
        """The row of the drawing that is chosen, as the drawing has named it."""
        return self._kept["row"]

    # What buttons do: for callbacks.

    def choose_row(self, row: str) -> None:
        """That row of the drawing; "" for none."""
        self._kept["row"] = row

    def copy(self, place: int) -> None:
        """The same network once more, behind it."""
        if len(self._kept["panels"]) < MOST:
            self._add(self.panels[place].config, place + 1)

    def remove(self, place: int) -> None:
        if len(self._kept["panels"]) > 2:
            self.panels[place].close()
            del self._kept["panels"][place]

    def swap(self, place: int) -> None:
        """With the one before it."""
        panels = self._kept["panels"]
        panels[place - 1], panels[place] = panels[place], panels[place - 1]

    def _take(self, letter: str, text: str) -> None:
        set_aside = self._kept["set_aside"]
        if letter not in LETTERS:
            set_aside.append(Text(
                "`{letter}` is none of {letters}: a comparison is of two to {most} networks.",
                letter=letter[:40], letters=", ".join(LETTERS), most=MOST))
            return
        try:
            network, settings = split_key(text)
            default_config(network)
        except (ConfigError, LibraryError) as error:
            set_aside.append(Text("{letter}: {why}", letter=letter.upper(), why=error.args[0]))
            return
        config, refused = from_query({**dict(settings), "network": network}, network)
        set_aside += [Text("{letter}: {why}", letter=letter.upper(), why=why) for why in refused]
        self._add(config)

    def _add(self, config: Knobs, place: int | None = None) -> None:
        kept = self._kept
        kept["opened"] += 1
        name = f"compare-{kept['opened']}"
        Panel(name).start(config)
        kept["panels"].insert(len(kept["panels"]) if place is None else place, name)

    @property
    def _kept(self) -> HeldPanels:
        kept: HeldPanels = st.session_state[STATE]
        return kept
