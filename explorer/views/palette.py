"""One colour a kind of operation, the same in graph, table and charts.

People who see no red or no green tell all of them apart, by lightness where the hue is lost. Text
on them is white, on the light ones black, and has a contrast of at least 4.5 to 1.
"""

from explorer.tracing.operators import Kind

KIND_COLOURS: dict[Kind, str] = {
    "convolution": "#1D6EE8",
    "depthwise convolution": "#94CEE7",
    "linear": "#F7BC12",
    "normalisation": "#088197",
    "activation": "#0C864C",
    "pooling": "#BB5313",
    "merge": "#D52B90",
    "reshape": "#E2C6A5",
    "other": "#7557BD",
}

HATCHED: frozenset[Kind] = frozenset({"depthwise convolution"})
"""Kinds whose bars have lines across, so that they differ from their neighbour by more than
colour."""

SERIES = ("#1D6EE8", "#D52B90", "#0C864C", "#BB5313", "#7557BD", "#088197")
"""Networks beside each other in a chart."""

SCALE = ("#2C6BD6", "#7557BD", "#C0398F", "#E8590C", "#F0A40C")
"""A number of which there are many, from the least to the most: each is seen on both
backgrounds."""

HEAT = "#E8590C"
"""The strong end of every scale; the other end is the background."""

PLAIN = "#5B666D"
"""What is of no kind, and the lines between."""
FAILURE = "#C92A2A"

ACCOUNTED, UNACCOUNTED = KIND_COLOURS["activation"], KIND_COLOURS["pooling"]
"""A published row that is explained, and one that is not."""

PAPER, INK, PALE, FRAME = "#FFFFFF", "#1F2933", "#F4F6F8", "#CBD5E1"
"""A picture that stands by itself: its background, its text, its nodes and its frames."""
