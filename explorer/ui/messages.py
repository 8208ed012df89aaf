"""What the page says where something cannot be."""

from __future__ import annotations

import time

import streamlit as st

from explorer.config import ConfigError
from explorer.tracing import TraceError
from explorer.ui import state


def set_aside(notes: list[str]) -> None:
    """The values of a link that were not taken."""
    if notes:
        st.warning("\n\n".join(["The link held what cannot be; it was set aside.",
                                *map(escape, notes)]), icon=":material/link_off:")


def cannot_take(error: ConfigError | None) -> None:
    """Knobs that do not go together: below stands the network as it was before."""
    if error is not None:
        st.error(f"{escape(str(error))} Below is the network before this change.")


def cannot_run(error: TraceError) -> None:
    """A forward pass that ends too early, and the way out."""
    st.error(escape(str(error)))
    if error.smallest_input is not None:
        st.button(f"Set the input size to {error.smallest_input}", type="primary",
                  on_click=state.set_knob,
                  args=("input_size", error.smallest_input))


def cannot_open(error: Exception) -> None:
    """A published table whose file is damaged."""
    st.error(escape(str(error)))


def send(pause_s: float = 0.02) -> None:
    """Let the server send what the page has so far, and the browser begin to draw it, before more
    is made.

    Making it keeps the interpreter busy for longer than it takes to send what is there.
    """
    time.sleep(pause_s)


def escape(text: str) -> str:
    """Text as Markdown that shows it as it is; what stands in backticks stays code."""
    parts = text.split("`")
    parts[::2] = ["".join(f"\\{c}" if c in "\\*_[]<>#|~$:" else c for c in part)
                  for part in parts[::2]]
    return "`".join(parts)
