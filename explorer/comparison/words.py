"""Words that reasons and changes share."""

from __future__ import annotations

from explorer import text
from explorer.analysis import Layer
from explorer.language import Text, say
from explorer.structure.alignment import Figure

WORDS: dict[Figure, Text] = {"macs": Text("multiply-adds"), "params": Text("parameters"),
                             "activation_bytes": Text("bytes of activations")}


def counted(amount: str, figure: Figure) -> str:
    """So many parameters or multiply-adds."""
    return say("{amount} parameters" if figure == "params" else "{amount} multiply-adds",
               amount=amount)


def times(what: str, count: int) -> str:
    """What comes so many times."""
    return say("{what}, {count} times", what=what, count=f"{count:,}") if count > 1 else what


def capital(words: str) -> str:
    """Sentences begin with a capital; names of classes and layers stay as they are."""
    return words[:1].upper() + words[1:]


def window(layer: Layer) -> str:
    """That of a layer that has one, with its stride and dilation: "3×3 /2"."""
    assert layer.window
    stride, dilation = max(layer.window.stride), max(layer.window.dilation)
    size = text.shape(layer.window.kernel) + (f" /{stride}" if stride != 1 else "")
    return size if dilation == 1 else \
        say("{window} dilated {dilation}", window=size, dilation=dilation)
