"""What the page says where something cannot be."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from explorer.config import ConfigError
from explorer.language import Text, say
from explorer.published import PublishedError
from explorer.tracing import TraceError


def set_aside(notes: Sequence[str | Text]) -> None:
    """The values of a link that were not taken."""
    if notes:
        more = [say("{count} more are not shown.", count=f"{len(notes) - NOTES:,}")] \
            if len(notes) > NOTES else []
        st.warning("\n\n".join([say("Some values in the link are not valid and were ignored."),
                                *[escape(str(note)) for note in notes[:NOTES]], *more]),
                   icon=":material/link_off:")


def cannot_take(error: ConfigError | None, name: str = "") -> None:
    """Knobs that do not go together: below stands the network as it was before. `name` says which
    where there are several."""
    if error is not None:
        said = say("{error} Below is the network before this change.", error=escape(str(error)))
        st.error(say("{name}: {said}", name=name, said=said) if name else said)


def cannot_run(error: TraceError) -> None:
    """A forward pass that ends too early."""
    st.error(escape(str(error)))


def cannot_open(error: Exception) -> None:
    """A published table whose file is damaged, a network that cannot be built, or what is wrong in
    this program."""
    if isinstance(error, (ConfigError, PublishedError)):
        st.error(escape(str(error)))
        return
    with standing(say("This network")):
        raise error


LONGEST = 1500
NOTES = 8
"""Of what was ignored in a link."""

_CODED = re.compile(r"`([^`]+)`|[^\s`]*(?:@|www\.|:(?=[^\s`])|--|->|<-|[<>~]=)[^\s`]*",
                    re.IGNORECASE)
"""What stands in backticks, and words that become links, mail addresses, icons or arrows after the
Markdown has been read, where no backslash keeps them from it."""


@contextmanager
def standing(what: str) -> Iterator[None]:
    """Where a part of a page fails by a mistake of ours, the others stand: it says so, and the
    server's log has the error."""
    try:
        yield
    except Exception:
        logging.getLogger("explorer").exception("%s cannot be shown", what)
        st.error(say("{what} cannot be shown: something in this program is wrong. The other parts "
                     "and the knobs still work, and the address of the page is a link to this "
                     "network.", what=what))


def escape(text: str) -> str:
    """Text as Markdown that shows it as it is, in one line, whatever it holds.

    Of a very long text only the beginning is shown. What stands in backticks stays code, and words
    that would come alive become code. What cannot be seen, such as a mark that turns the direction
    of writing, is shown as a box.
    """
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} …"
    text = " ".join("".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}"
                            for c in text).split())
    # An icon is put in place before the Markdown is read: even in code.
    text = text.replace(":material/", ":\N{WORD JOINER}material/")
    said, end = "", 0
    for found in _CODED.finditer(text):
        said += _inert(text[end:found.start()])
        # A space between two codes, whose backticks would be taken together.
        said += (" " if found.start() == end and end else "") + f"`{found[1] or found[0]}`"
        end = found.end()
    return said + _inert(text[end:])


def _inert(text: str) -> str:
    text = "".join(f"\\{c}" if c in "\\`*_[]<>#|~$:&" else c for c in text)
    return re.sub(r"^(\s*\d*)([-+=.)])", r"\1\\\2", text)     # a list, or a heading
