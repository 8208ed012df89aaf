"""What the nodes say of themselves: a quantity, its share of the network's, and how strong its
colour is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from explorer import text
from explorer.language import Text, say
from explorer.structure import Part
from explorer.tracing.operators import WEIGHTED
from explorer.views.graph.drawing import Drawing

KIND = "kind"
TIME = "time"

QUANTITIES: dict[str, tuple[Text, str, Callable[[Part], int | None]]] = {
    "params": (Text("Parameters"), "", lambda part: part.params),
    "macs": (Text("Multiply-adds"), "", lambda part: part.macs),
    "activation_bytes": (Text("Activation memory"), "B", lambda part: part.activation_bytes),
    "receptive_field": (Text("Receptive field"), "px", lambda part: part.receptive_field),
}
OVERLAYS = (KIND, *QUANTITIES, TIME)
TITLES = {KIND: Text("Kind of operation"), TIME: Text("Measured time"),
          **{name: title for name, (title, _, _) in QUANTITIES.items()}}


@dataclass(frozen=True)
class Overlay:
    """One quantity over the nodes and frames of a drawing."""

    name: str
    title: Text
    values: Mapping[str, float | None]
    """By the id of the part; None where it has none."""
    shown: Mapping[str, str]
    """The same as text with its unit, and with its share of the network's."""
    largest: str | None
    """The id of the node with the most, the first of several."""

    @property
    def colours(self) -> bool:
        """Whether colours stand for the quantity; else for the kinds of operation."""
        return self.name != KIND

    def share(self, id: str) -> float | None:
        """A node's value by the largest one, 0 to 1."""
        value = self.values.get(id)
        if value is None or self.largest is None:
            return value
        return min(value / (self.values[self.largest] or 1), 1.0)


NO_OVERLAY = Overlay(KIND, TITLES[KIND], {}, {}, None)
"""Of a drawing whose figures stand on its cards already."""


def overlay(name: str, drawing: Drawing, seconds: Sequence[float] | None = None) -> Overlay:
    """The overlay of a quantity; `seconds` are the measured times of the layers.

    A part that holds several layers has their sum, and the receptive field of its last one. With
    the kinds of operation the figures are parameters, where there are any.
    """
    nodes = {node.id: node for node in drawing.nodes}
    parts = nodes | {frame.part.id: frame.part for frame in drawing.frames}
    values: dict[str, float | None]
    if name == TIME:
        times = seconds or ()
        values = {id: sum([times[layer.index] for layer in part.layers])
                  if part.layers[-1].index < len(times) else None for id, part in parts.items()}
        shown = {id: say("not timed") if value is None else text.seconds(value)
                 for id, value in values.items()}
        whole = sum(times)
    else:
        _, unit, quantity = QUANTITIES["params" if name == KIND else name]
        counts = {id: quantity(part) for id, part in parts.items()}
        values = dict(counts)
        shown = {id: "–" if count is None else f"{count:,} px" if unit == "px"
                 else text.short(count, unit) for id, count in counts.items()}
        if name == KIND:
            shown = {id: words for id, words in shown.items() if values[id]}
        whole = 0 if unit == "px" or name == KIND else \
            sum([quantity(stage) or 0 for stage in drawing.structure.stages])
    if whole:
        shown = {id: f"{words} · {_percent(value / whole)}" if value else words
                 for (id, words), value in zip(shown.items(), values.values(), strict=True)}
    known = {id: value for id in nodes if (value := values[id])}
    return Overlay(name, TITLES[name], values, shown,
                   max(known, key=known.__getitem__) if known else None)


def new_shapes(drawing: Drawing) -> dict[str, str]:
    """The maps that each convolution makes, where they have another shape than those it is given.
    Of what stands alone on its card the line to the next says it."""
    calls = [(node, node.layers[0]) for node in drawing.nodes if not node.parts and not node.failed]
    return {node.id: text.shape(layer.output_shape[1:]) for node, layer in calls
            if layer.kind in WEIGHTED and len(layer.output_shape) > 2
            and layer.output_shape not in layer.input_shapes}


def _percent(share: float) -> str:
    """
    >>> _percent(0.004), _percent(0.071), _percent(0.5)
    ('<1%', '7%', '50%')
    """
    return "<1%" if share < 0.005 else f"{share:.0%}"
