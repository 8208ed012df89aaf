"""The one error that a timed pass raises."""

from explorer.language import Text


class TimingError(ValueError):
    """A timed pass that cannot be: the message says why in a sentence, and the way out."""

    def __init__(self, message: Text | str) -> None:
        super().__init__(message)
        self.message = message
