"""How a config declares a knob, and what it must have said: checked when the class is made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from explorer.config.knobs import Kind, Knob

BlockCount = Annotated[int, Field(ge=1, le=64)]


def knob(default: Any, help: str = "", *, ge: float | None = None, le: float | None = None,
         step: float | None = None, positions: Sequence[float] | None = None,
         label: str | None = None) -> Any:
    """A field of a config that a person may turn.

    `help` says in a sentence or two what it does. A number has bounds, `ge` and `le`, and goes up
    by `step`, a whole one by 1 where none is given. The slider of a fraction stops at its
    `positions`, from bound to bound; at every step where none are given. The `label` is the name
    where none is given.
    """
    return Field(default, ge=ge, le=le, description=help, json_schema_extra={
        "step": step, "positions": list(positions or ()), "label": label})


def read_knob(config: type[BaseModel], name: str, *, common: bool) -> Knob:
    """The knob that a field declares.

    Raises `TypeError` where the declaration lacks something, with the class, the field, the rule
    and what to write.
    """
    field = config.model_fields[name]
    extra = field.json_schema_extra

    def must(rule: str, way_out: str) -> TypeError:
        return TypeError(f"{config.__name__}.{name} {rule}. Write {way_out}.")

    if not isinstance(extra, dict) or "step" not in extra:
        raise must("is a field without a knob, and every field of a config is one",
                   f'`{name}: {_type_name(field)} = knob(default, "What it does.")`')
    kind = _kind(field)
    if kind is None:
        raise must(f"has the type {_type_name(field)}, for which there is no widget",
                   "bool, int, float, a Literal of its options, or tuple[BlockCount, ...]")
    low, high = _bounds(field, kind)
    if kind == "counts" and None in (low, high):
        raise must("is a tuple, and its entries must be whole numbers with bounds",
                   "`tuple[Annotated[int, Field(ge=1, le=64)], ...]`")
    if kind in ("int", "float") and None in (low, high):
        raise must(f"is a number and must have both bounds; it has ge={low} and le={high}",
                   f'`knob({_default_text(field)}, "What it does.", ge=..., le=...)`')
    if kind == "float" and not extra["step"]:
        raise must("is a fraction and must say by how much its slider moves",
                   f'`knob({_default_text(field)}, "What it does.", ge={low:g}, le={high:g}, '
                   'step=...)`')
    step, positions = float(str(extra["step"] or 1)), _positions(extra)
    if positions and (kind != "float" or (positions[0], positions[-1]) != (low, high)
                      or any(one >= next_ for one, next_ in pairwise(positions))):
        raise must("has positions, and they must be those of a fraction, rising from its lower "
                   "bound to its upper one", f"positions from {low} to {high}, or none")
    if not (field.description or "").endswith("."):
        raise must("must say what it does, in a sentence with a full stop",
                   f'`knob({_default_text(field)}, "What it does.")`')
    result = Knob(
        name=name, kind=kind, english_help=field.description or "",
        english_label=str(extra["label"] or name.replace("_", " ").capitalize()),
        low=low or 0, high=high or 0, step=step,
        positions=positions or (_each_step(low or 0, high or 0, step) if kind == "float" else ()),
        options=get_args(field.annotation) if kind == "choice" else (), common=common)
    if field.default is not PydanticUndefined and not _allows(result, field.default):
        raise must(f"starts at {field.default!r}, and must be {result.rule}",
                   "a default that can be, or other bounds")
    return result


def _kind(field: FieldInfo) -> Kind | None:
    """None for a type that nothing on a page can turn."""
    annotation: Any = field.annotation
    plain: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    if annotation in plain:
        return plain[annotation]
    if get_origin(annotation) is Literal:
        return "choice"
    is_counts = annotation is tuple or (
        get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,))
    return "counts" if is_counts else None


def _bounds(field: FieldInfo, kind: Kind) -> tuple[float | None, float | None]:
    """The lowest and the highest value, of each entry where it is a tuple."""
    constraints: Iterable[Any] = field.metadata
    if kind == "counts":
        entry = get_args(get_args(field.annotation)[0]) if get_args(field.annotation) else ()
        constraints = [constraint for info in entry[1:] for constraint in info.metadata] \
            if entry[:1] == (int,) else []
    limits = {limit: getattr(constraint, limit) for constraint in constraints
              for limit in ("ge", "le") if hasattr(constraint, limit)}
    return limits.get("ge"), limits.get("le")


def _positions(extra: dict[str, Any]) -> tuple[float, ...]:
    return tuple(float(position) for position in extra["positions"])


def _each_step(low: float, high: float, step: float) -> tuple[float, ...]:
    # Rounded, because 3 × 0.05 is 0.15000000000000002.
    between = (round(low + number * step, 9) for number in range(math.ceil((high - low) / step)))
    return (*(float(position) for position in between if position < high), float(high))


def _allows(knob: Knob, value: Any) -> bool:
    match knob.kind:
        case "bool":
            return isinstance(value, bool)
        case "choice":
            return value in knob.options
        case "counts":
            return isinstance(value, tuple) and all(
                isinstance(count, int) and knob.low <= count <= knob.high for count in value)
        case "int":
            return type(value) is int and knob.low <= value <= knob.high
        case "float":
            return type(value) in (int, float) and knob.low <= value <= knob.high


def _type_name(field: FieldInfo) -> str:
    annotation = field.annotation
    return annotation.__name__ if isinstance(annotation, type) and not get_origin(annotation) \
        else str(annotation).replace("typing.", "")


def _default_text(field: FieldInfo) -> str:
    return "..." if field.default is PydanticUndefined else repr(field.default)
