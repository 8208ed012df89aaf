"""Why a figure is what it is: formulas, derivations, sums."""

from explorer.explain.derivation import Derivation, Step, derive, parse_index, to_text

__all__ = ["Derivation", "Step", "derive", "parse_index", "to_text"]
