"""The tree of aligned parts as the page shows it, and what is told of a row of the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from explorer import text
from explorer.comparison import LETTERS, Comparison, reason
from explorer.comparison.reasons import path_in
from explorer.garbage import without_collections
from explorer.language import Text, say
from explorer.structure.alignment import Aligned, Figure
from explorer.timing import TurnTimes
from explorer.views.comparison.tables import FIGURES, path_or_none
from explorer.views.comparison.times import part_seconds

Shown = Figure | Literal["seconds"]

TITLES: dict[Shown, Text] = {"macs": Text("Multiply-adds"), "params": Text("Parameters"),
                             "activation_bytes": Text("Output memory"), "seconds": Text("Time")}
UNITS: dict[Shown, str] = {"macs": "", "params": "", "activation_bytes": "B", "seconds": "s"}


@dataclass(frozen=True)
class _Tree:
    """One figure of all parts; `times` has every layer's where that is the time."""

    names: tuple[str, ...]
    figure: Shown
    times: TurnTimes | None
    by_difference: bool

    def amounts(self, part: Aligned) -> tuple[float, ...] | None:
        """None where they have not been measured."""
        if self.figure != "seconds":
            return part.figures(self.figure)
        return part_seconds(part, self.times) if self.times else None

    def in_order(self, part: Aligned) -> list[Aligned]:
        def apart(inner: Aligned) -> float:
            amounts = self.amounts(inner)
            return max(abs(amount - amounts[0]) for amount in amounts) if amounts else 0.0

        return sorted(part.inside, key=apart, reverse=True) if self.by_difference \
            else list(part.inside)


@without_collections()
def part_rows(comparison: Comparison, figure: Shown, *, by_difference: bool,
              times: TurnTimes | None = None) -> list[dict[str, Any]]:
    """The tree of parts as the page shows it, one figure, formatted; `by_difference` puts those
    that differ most first, at each level. Times are unknown without `times` of every layer."""
    tree = _Tree(comparison.names, figure, times, by_difference)
    most = max([amount for part in comparison.parts("stage")
                for amount in tree.amounts(part) or ()], default=0) or 1
    return [_shown(part, tree, most) for part in tree.in_order(comparison.aligned)]


def _shown(part: Aligned, tree: _Tree, most: float) -> dict[str, Any]:
    amounts, unit = tree.amounts(part), UNITS[tree.figure]
    paths = [path_in(part, side) for side in range(len(part.groups))]
    known = list(dict.fromkeys(filter(None, paths)))
    values, exact, bars, changes = ["–"] * len(paths), [say("not measured")] * len(paths), [], []
    if amounts:
        values = [text.amount(amount, unit) if group else "–"
                  for amount, group in zip(amounts, part.groups, strict=True)]
        exact = [_exact(amount, unit) if group else say("nothing stands there")
                 for amount, group in zip(amounts, part.groups, strict=True)]
        bars = [round(100 * amount / most, 1) for amount in amounts]
        changes = [text.signed(amount - amounts[0], unit) for amount in amounts[1:]]
    return {
        "level": part.level, "status": part.status, "says": _says(part), "paths": known,
        "values": values, "exact": exact,
        "shapes": [text.shape(group[-1].output_shape[1:]) if group else ""
                   for group in part.groups],
        "bars": bars if part.level == "stage" else [],
        "changes": changes or [""] * (len(paths) - 1),
        "reasons": _told(part, tree.names),
        "inside": [_shown(inner, tree, most) for inner in tree.in_order(part)]}


def _exact(amount: float, unit: str) -> str:
    return f"{amount:.9f} s" if unit == "s" else f"{amount:,} {unit}".rstrip()


def _says(part: Aligned) -> str:
    """The status in a word: of what stands in some alone, in which."""
    if part.status != "only":
        return say("same") if part.status == "same" else say("changed")
    sides = [side.upper() for side, group in zip(LETTERS, part.groups, strict=False) if group]
    return say("only {letters}", letters=text.enumeration(sides))


def _told(part: Aligned, names: tuple[str, ...]) -> list[str]:
    """The reasons that say more than the figures beside them."""
    pairs = [(number, reason(part, names, number)) for number in range(1, len(part.groups))
             if part.between(0, number) == "changed"]
    several = len(part.groups) > 2
    return [say("{letter}: {why}", letter=LETTERS[number].upper(), why=why) if several else why
            for number, why in pairs if why]


def row_key(places: Sequence[Aligned]) -> str:
    """What a row is known by, as long as the same stands in it."""
    return " ".join([path_or_none(group) or "–" for place in places[:1] for group in place.groups])


def row_details(comparison: Comparison, places: Sequence[Aligned]) -> dict[str, Any]:
    """What is told of a row beside the drawing: what stands there, the figures, the reasons."""
    first = places[0]
    known = list(dict.fromkeys(path for group in first.groups if (path := path_or_none(group))))
    title = known[0] if len(places) == 1 else \
        say("{path} and {count} alike", path=known[0], count=len(places) - 1)
    reasons = _told(first, comparison.names)
    rows = []
    for figure in FIGURES:
        amounts = [sum(each) for each in zip(*[place.figures(figure) for place in places],
                                             strict=True)]
        changes = [change for amount in amounts[1:] if (change := text.signed(
            amount - amounts[0], UNITS[figure]))]
        rows.append({"name": str(TITLES[figure]), "value": " · ".join(
            text.short(amount, UNITS[figure]) if group else "–"
            for amount, group in zip(amounts, first.groups, strict=True)),
            "share": " · ".join(changes), "how": [], "notes": ""})
    return {"title": title, "path": " / ".join(known[1:]), "change": "",
            "about": text.sentences([say("{said}.", said=_says(first).capitalize()), *reasons]),
            "rows": rows}
