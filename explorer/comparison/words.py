"""Words that reasons and changes share."""

from __future__ import annotations

from explorer import text
from explorer.analysis import Layer
from explorer.structure.alignment import Figure

WORDS: dict[Figure, str] = {"macs": "multiply-adds", "params": "parameters",
                            "activation_bytes": "bytes of activations"}


def window(layer: Layer) -> str:
    """That of a layer that has one, with its stride and dilation: "3×3 /2"."""
    assert layer.window
    stride, dilation = max(layer.window.stride), max(layer.window.dilation)
    return (text.shape(layer.window.kernel) + (f" /{stride}" if stride != 1 else "")
            + (f" dilated {dilation}" if dilation != 1 else ""))
