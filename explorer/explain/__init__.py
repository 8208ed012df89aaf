"""Why a figure is what it is: formulas, derivations, sums."""
