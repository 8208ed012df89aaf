"""The table of operators: one entry an operator, with all that is known of it.

Every module here that calls `operator(...)` adds to the table; a new file is found by itself.
"""

import pkgutil
from importlib import import_module

from explorer.tracing.operators.operator import (
    NETWORK_INPUT,
    WEIGHTED,
    Axes,
    Call,
    Effect,
    HasShape,
    Kind,
    Operand,
    Operator,
    Shape,
    ShapeError,
    Steps,
    Window,
    find_operator,
    operators,
    resolve,
)

__all__ = [
    "NETWORK_INPUT", "WEIGHTED", "Axes", "Call", "Effect", "HasShape", "Kind", "Operand",
    "Operator", "Shape", "ShapeError", "Steps", "Window", "find_operator", "operators", "resolve"]

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
