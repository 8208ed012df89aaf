"""A browser's side of a session, without the browser: what it sends, and what it waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

FIGURE = "Multiply-adds"


@dataclass
class Session:
    """One person on a page, mostly Explore."""

    socket: ClientConnection
    query: str
    page: str = ""
    """As in the address; "" for Explore."""
    values: dict[str, float] = field(default_factory=dict)
    """What the fields hold that have been turned, by their ids."""
    widgets: dict[str, str] = field(default_factory=dict)
    """The kinds of all widgets, by their ids."""
    fields: dict[str, str] = field(default_factory=dict)
    """The ids of the number fields, by their labels."""
    buttons: dict[str, str] = field(default_factory=dict)
    """The same of the buttons that stand there."""
    figure: str = ""
    """What the header says of `FIGURE`."""
    errors: list[str] = field(default_factory=list)
    bytes: int = 0
    messages: dict[str, ForwardMsg] = field(default_factory=dict)
    """Those that a browser would keep, by their hashes."""
    fragments: dict[str, float] = field(default_factory=dict)
    """What is drawn again by itself, and after how many seconds."""
    running: bool = False
    whole: bool = True
    """Whether the next run is of the whole page, and not of a part of it."""
    page_hash: str = ""

    @classmethod
    async def open(cls, address: str, **query: str) -> Session:
        """Open the page by a link, and wait until it is there."""
        session = await cls.begin(address, **query)
        await session.until(lambda: not session.running and bool(session.figure), 120)
        return session

    @classmethod
    async def begin(cls, address: str, page: str = "", **query: str | list[str]) -> Session:
        """The same without the wait, for any page."""
        socket = await connect(f"ws://{urlsplit(address).netloc}/_stcore/stream",
                               subprotocols=["streamlit"], max_size=None,      # type: ignore[list-item]
                               open_timeout=60)
        session = cls(socket, urlencode(query, doseq=True), page)
        await session._ask()
        return session

    async def turn(self, label: str, value: float, limit_s: float = 60) -> float:
        """Turn a number field; seconds until the header shows its figure."""
        before, start = self.figure, time.perf_counter()
        self.values[self.fields[label]] = value
        await self._ask()
        # Two sizes may have the same figure.
        await self.until(lambda: self.figure != before or not self.running, limit_s)
        took = time.perf_counter() - start
        await self.until(self.rests, limit_s)
        return took

    async def press(self, label: str) -> None:
        """Press the button of which the label begins so."""
        [id] = [id for said, id in self.buttons.items() if said.startswith(label)]
        await self.forge(WidgetState(id=id, trigger_value=True))

    async def forge(self, state: WidgetState) -> None:
        """Send a widget a value that no browser would, and wait for the page."""
        await self._ask(forged=state)
        await self.until(self.rests, 60)

    async def think(self, seconds: float) -> None:
        """Look at the page, which is drawn again in parts meanwhile."""
        end, due = time.monotonic() + seconds, dict.fromkeys(self.fragments, time.monotonic())
        while (left := end - time.monotonic()) > 0:
            await self.until(lambda: False, min(left, 0.2))
            now = time.monotonic()
            for fragment, interval in list(self.fragments.items()):
                if now > due.setdefault(fragment, now) + interval and not self.running:
                    due[fragment] = now
                    await self._ask(fragment)

    def rests(self) -> bool:
        """Whether the page is drawn."""
        return not self.running

    async def close(self) -> None:
        await self.socket.close()

    async def until(self, met: Callable[[], bool], limit_s: float) -> None:
        """Take messages until a condition is met, or so many seconds have passed."""
        end = time.monotonic() + limit_s
        while not met() and (left := end - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(self.socket.recv(), left)
            except TimeoutError:
                break
            assert isinstance(message, bytes)
            self.bytes += len(message)
            self._take(ForwardMsg.FromString(message))

    async def _ask(self, fragment: str = "", forged: WidgetState | None = None) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self.query
        state.page_name, state.page_script_hash = self.page, self.page_hash
        state.fragment_id = fragment
        state.cached_message_hashes.extend(self.messages)
        for id, value in self.values.items():
            state.widget_states.widgets.append(WidgetState(id=id, double_value=value))
        if forged is not None:
            state.widget_states.widgets.append(forged)
        self.running, self.whole = True, not fragment
        await self.socket.send(message.SerializeToString())

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "ref_hash":
                self._take(self.messages[message.ref_hash])
                return
            case "new_session":
                if self.whole:
                    self.fragments.clear()
                    self.buttons.clear()
                self.whole = True       # what a part brings about is the whole page
            case "navigation":
                self.page_hash = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "script_finished":
                self.running = False
            case "auto_rerun":
                self.fragments[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            case "stop_auto_rerun":
                for id in message.stop_auto_rerun.fragment_ids:
                    self.fragments.pop(id, None)
            case "delta":
                self._draw(message)
        if message.metadata.cacheable:
            self.messages[message.hash] = message

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind and (id := getattr(getattr(element, kind), "id", "")):
            whole = kind == "number_input" and element.number_input.data_type == NumberInput.INT
            self.widgets[id] = "whole_input" if whole else kind
        match kind:
            case "metric" if element.metric.label == FIGURE:
                self.figure = element.metric.body
            case "button":
                self.buttons[element.button.label] = element.button.id
            case "number_input":
                self.fields[element.number_input.label] = element.number_input.id
            case "exception":
                self.errors.append(element.exception.message)
            case "alert" if "cannot be shown" in element.alert.body:
                self.errors.append(element.alert.body)
