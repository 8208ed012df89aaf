"""What pydantic finds wrong with a value, as a fault that can be told in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from explorer.language import Text

KINDS: dict[str, Literal["missing", "unknown"]] = {
    "missing": "missing", "extra_forbidden": "unknown"}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a value."""

    field: str
    """Its name; empty where it is the value as a whole."""
    kind: Literal["missing", "unknown", "wrong"]
    given: Any
    raised: Exception | None
    """What a validator of ours raised, where it was one that found it."""

    def sentence(self, rule: str | Text) -> Text:
        """Name, rule and value: "`width` must be between 0.125 and 4; got 9."."""
        got = Text("nothing") if self.kind == "missing" else _shown(self.given)
        if not self.field:
            return Text("it must be {rule}; got {got}.", rule=rule, got=got)
        return Text("`{name}` must be {rule}; got {got}.", name=self.field, rule=rule, got=got)


def first_fault(error: ValidationError) -> Fault:
    first = error.errors()[0]
    place = first["loc"]
    return Fault(field=str(place[0]) if place else "", kind=KINDS.get(first["type"], "wrong"),
                 given=first["input"], raised=first.get("ctx", {}).get("error"))


def _shown(value: Any) -> str:
    """9.0 as 9: a slider and a link make a float of every number."""
    if isinstance(value, float) and float(short := f"{value:g}") == value:
        return short
    return repr(value)
