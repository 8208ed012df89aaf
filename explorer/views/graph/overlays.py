"""The colours of the nodes: by kind of operation, or by a quantity from none to the largest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from explorer import text
from explorer.structure import Part
from explorer.views.graph.drawing import Drawing

KIND = "kind"
TIME = "time"

QUANTITIES: dict[str, tuple[str, str, Callable[[Part], int | None]]] = {
    "params": ("Parameters", "", lambda part: part.params),
    "macs": ("Multiply-adds", "", lambda part: part.macs),
    "activation_bytes": ("Activation memory", "B", lambda part: part.activation_bytes),
    "receptive_field": ("Receptive field", "px", lambda part: part.receptive_field),
}
OVERLAYS = (KIND, *QUANTITIES, TIME)
TITLES = {KIND: "Kind of operation", TIME: "Measured time",
          **{name: title for name, (title, _, _) in QUANTITIES.items()}}


@dataclass(frozen=True)
class Overlay:
    """One quantity over the nodes of a drawing."""

    title: str
    values: Mapping[str, float | None]
    """By the id of the node; None where the node has none."""
    shown: Mapping[str, str]
    """The same as text with its unit."""

    @property
    def largest(self) -> str | None:
        """The id of the node with the most, the first of several."""
        known = {id: value for id, value in self.values.items() if value}
        return max(known, key=known.__getitem__) if known else None

    def share(self, id: str) -> float | None:
        """A node's value by the largest one, 0 to 1."""
        value = self.values.get(id)
        if value is None or self.largest is None:
            return value
        return value / (self.values[self.largest] or 1)


def overlay(name: str, drawing: Drawing, seconds: Sequence[float] | None = None) -> Overlay:
    """The overlay of a quantity; `seconds` are the measured times of the layers.

    A node that holds several layers has their sum, and the receptive field of its last one.
    """
    if name == TIME:
        times = seconds or ()
        values = {node.id: sum(times[layer.index] for layer in node.layers)
                  if node.layers[-1].index < len(times) else None for node in drawing.nodes}
        return Overlay(TITLES[name], values, {
            id: "not timed" if value is None else text.seconds(value)
            for id, value in values.items()})
    title, unit, quantity = QUANTITIES[name]
    counts = {node.id: quantity(node) for node in drawing.nodes}
    return Overlay(title, counts, {
        id: "–" if count is None else f"{count:,} px" if unit == "px" else text.short(count, unit)
        for id, count in counts.items()})
