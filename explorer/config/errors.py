"""The error that every fault of a config is told by."""

from __future__ import annotations

from explorer.language import Text


class ConfigError(ValueError):
    """A config that cannot be: the message gives name, rule, value and the way out."""

    def __init__(self, message: str | Text, knob: str | None = None) -> None:
        super().__init__(message)
        self.knob = knob
