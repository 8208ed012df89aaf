"""How deep a network is, as papers and textbooks count."""

from __future__ import annotations

from explorer.structure.parts import Structure
from explorer.tracing.operators import WEIGHTED


def weighted_depth(structure: Structure) -> int:
    """The most layers with weights, convolutions and linear ones, that follow on one another from
    the input to an output: the 50 of ResNet-50 (He et al. 2016, Table 1).

    So a projection beside three convolutions does not count, nor does a gate: SE-ResNet-50 has 50
    layers too (Hu et al. 2018).

    >>> import explorer
    >>> weighted_depth(explorer.open("vgg16").structure)
    16
    """
    wiring, depths = structure.wiring, list[int]()
    for layer in structure.summary.layers:
        before = max([depths[producer] for producer in layer.inputs if producer >= 0
                      and wiring.kind(producer, layer.index) != "gate"], default=0)
        weighs = layer.kind in WEIGHTED and bool(layer.call.parameters)
        depths.append(before + weighs)
    return max(depths, default=0)
