"""Values that show themselves in a notebook. Data knows no HTML: whoever does registers with `html`
how a value of a class is shown.
"""

from __future__ import annotations

from functools import singledispatch


@singledispatch
def html(value: object) -> str | None:
    """A value as HTML; None where nobody has said how."""
    return None


class Shown:
    """What a notebook asks for its HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        return html(self)
