"""How the layers of a pass hang together: who reads whom, and which of the ways is a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from explorer.analysis import Layer
from explorer.tracing import NETWORK_INPUT

EdgeKind = Literal["flow", "shortcut", "gate", "auxiliary"]


class Wiring:
    """The edges between layers, each with its kind.

    Where an addition joins two ways, the one with fewer layers is the shortcut; where a
    multiplication does, the one with the smaller map is the gate (squeeze-and-excitation), and
    where both are as large the one that is made of the other. A way goes from the last layer that
    both come from to the merge, all of its edges have its kind.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self._before: list[int] = []
        """For each layer the set of those that it depends on, itself too, as bits; bit 0 is the
        network's input."""
        self._kinds: dict[tuple[int, int], EdgeKind] = {}
        for layer in layers:
            bits = 1 << layer.index + 1
            for producer in layer.inputs:
                bits |= self._bits(producer)
            self._before.append(bits)
        for layer in layers:
            if layer.kind == "merge" and len(set(layer.inputs)) == 2:
                self._mark(layer)

    def kind(self, producer: int, reader: int) -> EdgeKind:
        return self._kinds.get((producer, reader), "flow")

    def fork(self, indices: Sequence[int]) -> int:
        """The last layer that all of the given ones come from; `NETWORK_INPUT` if there is none."""
        common = -1
        for index in indices:
            common &= self._bits(index)
        return max(common.bit_length() - 2, NETWORK_INPUT)

    def ways(self, merge: Layer) -> list[list[int]]:
        """For each input of a merge the layers on its way alone, in order."""
        common = 0
        for index in merge.inputs:
            others = -1 if common == 0 else common
            common = others & self._bits(index)
        ways = []
        for index in merge.inputs:
            bits, way = self._bits(index) & ~common, []
            while bits:
                lowest = bits & -bits
                way.append(lowest.bit_length() - 2)
                bits ^= lowest
            ways.append(way)
        return ways

    def _bits(self, index: int) -> int:
        return 1 if index < 0 else self._before[index]

    def _mark(self, merge: Layer) -> None:
        (first, second), ways = merge.inputs, self.ways(merge)
        if merge.call.operator == "cat":
            return
        areas = [shape[-1] * shape[-2] if len(shape) == 4 else 1 for shape in merge.input_shapes]
        kind: EdgeKind
        if merge.call.operator == "mul":
            kind = "gate"
            if areas[0] != areas[1]:
                side = areas.index(min(areas))
            elif [] in ways:        # a map of one pixel by what was made of it
                side = 1 - ways.index([])
            else:
                return
        else:
            if len(ways[0]) == len(ways[1]):
                return
            side, kind = (0 if len(ways[0]) < len(ways[1]) else 1), "shortcut"
        for index in ways[side]:
            for producer in self.layers[index].inputs:
                self._kinds[producer, index] = kind
        self._kinds[(first, second)[side], merge.index] = kind
