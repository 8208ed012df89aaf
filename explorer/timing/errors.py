"""The one error that a timed pass raises."""


class TimingError(ValueError):
    """A timed pass that cannot be: the message says why in a sentence, and the way out."""
