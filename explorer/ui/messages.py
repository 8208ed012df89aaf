"""What the page says where something cannot be."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.config import ConfigError
from explorer.tracing import TraceError


def set_aside(notes: Sequence[str]) -> None:
    """The values of a link that were not taken."""
    if notes:
        st.warning("\n\n".join(["Some values in the link are not valid and were ignored.",
                                *map(escape, notes)]), icon=":material/link_off:")


def cannot_take(error: ConfigError | None, name: str = "") -> None:
    """Knobs that do not go together: below stands the network as it was before. `name` says which
    where there are several."""
    if error is not None:
        st.error(f"{name + ': ' if name else ''}{escape(str(error))} Below is the network before "
                 "this change.")


def cannot_run(error: TraceError) -> None:
    """A forward pass that ends too early."""
    st.error(escape(str(error)))


def cannot_open(error: Exception) -> None:
    """A published table whose file is damaged, or a network that cannot be built."""
    st.error(escape(str(error)))


def escape(text: str) -> str:
    """Text as Markdown that shows it as it is; what stands in backticks stays code."""
    parts = text.split("`")
    parts[::2] = ["".join(f"\\{c}" if c in "\\*_[]<>#|~$:" else c for c in part)
                  for part in parts[::2]]
    return "`".join(parts)
