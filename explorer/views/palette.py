"""One colour a kind of operation, the same in graph, table and charts.

After Okabe & Ito 2008, whose colours people with any colour vision can tell apart; all of them
stand out from a light and from a dark background.
"""

from explorer.tracing.operators import Kind

KIND_COLOURS: dict[Kind, str] = {
    "convolution": "#2F7FC1",
    "depthwise convolution": "#45B5E8",
    "linear": "#E69F00",
    "normalisation": "#8A929E",
    "activation": "#12A17D",
    "pooling": "#DB6327",
    "merge": "#C774A6",
    "reshape": "#B4A46A",
    "other": "#6C6F93",
}

HEAT = "#E8590C"
"""The strong end of every scale; the other end is the background."""

PLAIN = "#64748B"
"""What is of no kind, and the lines between."""
FAILURE = "#C92A2A"

ACCOUNTED, UNACCOUNTED = KIND_COLOURS["activation"], KIND_COLOURS["pooling"]
"""A published row that is explained, and one that is not."""

PAPER, INK, PALE, FRAME = "#FFFFFF", "#1F2933", "#F4F6F8", "#CBD5E1"
"""A picture that stands by itself: its background, its text, its nodes and its frames."""
