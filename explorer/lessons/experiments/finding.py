"""What an experiment gives."""

from __future__ import annotations


class Finding:
    """Figures that do not depend on how long they took: nothing can have disturbed them."""

    __slots__ = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """As of a timed run: what disturbed it."""
        return ()
