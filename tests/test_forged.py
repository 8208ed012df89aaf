"""What a server is sent by somebody who writes messages, and not by a browser."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.sessions import Session


def number(value: float) -> Callable[[str], WidgetState]:
    return lambda id: WidgetState(id=id, double_value=value)


def text(value: str) -> Callable[[str], WidgetState]:
    return lambda id: WidgetState(id=id, string_value=value)


def document(value: str) -> Callable[[str], WidgetState]:
    return lambda id: WidgetState(id=id, json_value=value)


FORGED: dict[str, list[Callable[[str], WidgetState]]] = {
    "number_input": [number(value) for value in (math.nan, math.inf, -math.inf, 1e300, -1, 0.5)],
    # Streamlit itself refuses what is no whole number at all.
    "whole_input": [number(value) for value in (1e300, -1, 0.5, 10 ** 15)],
    "selectbox": [text(value) for value in ("", "float128", "resnet5", "`<script>` ../../etc")],
    "text_input": [text("`<script>` [x](y) " * 1000)],
    "bidi_component": [document(value) for value in (
        '{"picked": 7, "toggled": [1], "level": {}}', '{"picked": "9999-1,x", "level": "x"}',
        '{"toggled": "nothing"}', "[]", "null", "{}")],
}
"""Of each kind of widget what its browser could send, with values that it does not."""


@pytest.mark.xdist_group("browser")
def test_forged_messages_leave_every_session_standing(live_address: str) -> None:
    async def attack(address: str) -> None:
        session = await Session.open(address, network="mobilenetv3_small", input_size="32")
        other = await Session.open(address, network="vgg11", input_size="32")
        forged = [(id, kind, state) for id, kind in session.widgets.items()
                  for state in FORGED.get(kind, [])]
        assert len(forged) > 80
        for id, kind, state in forged:
            await session.forge(state(id))
            assert not session.running and not session.errors, (id, kind, state(id), session.errors)
        await session.close()
        # The others, and who comes next, see nothing of it.
        await other.turn("Input size", 64)
        again = await Session.open(address, network="mobilenetv3_small", input_size="32")
        assert not other.errors and not again.errors and again.figure

    asyncio.run(attack(live_address))
