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
