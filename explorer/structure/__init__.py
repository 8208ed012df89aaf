"""The parts of a network as data: what they hold, how they hang together, which are alike."""

from explorer.structure.depth import weighted_depth
from explorer.structure.parts import Part, Place, Role, Structure, occurrences
from explorer.structure.tree import stage_layers
from explorer.structure.wiring import EdgeKind, Wiring

__all__ = ["EdgeKind", "Part", "Place", "Role", "Structure", "Wiring", "occurrences",
           "stage_layers", "weighted_depth"]
