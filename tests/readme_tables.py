"""The tables of the README that are made from the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import BaseModel

from explorer.config import Config, Knob, knobs_of
from explorer.lessons.facts import FIGURES
from explorer.lessons.parts import PARTS
from explorer.networks.catalogue import families, presets
from explorer.networks.family import Family, Preset


def with_tables(text: str) -> str:
    """`text` with each table between its two marks made anew."""
    for name, table in TABLES.items():
        start, stop = f"<!-- table: {name} -->", "<!-- end of table -->"
        before, begun, rest = text.partition(f"{start}\n")
        _, ended, after = rest.partition(f"\n{stop}")
        assert begun and ended, f"README.md must have {start} and {stop}"
        text = before + begun + table() + ended + after
    return text


def networks() -> str:
    return _table(["Family", "Presets", "Paper"], (
        [family.title, _codes(_names(family.presets)), family.paper] for family in families()))


def common_knobs() -> str:
    return _table(["Knob", "Values", "What it does"], (
        [f"`{knob.name}`", _values(knob), knob.help] for knob in knobs_of(Config).values()))


def family_knobs() -> str:
    return _table(["Family", "Knob", "Values", "What it does"], (
        ["" if number else family.title, f"`{knob.name}`", _values(knob), knob.help + without]
        for family in families()
        for number, (knob, without) in enumerate(_own_knobs(family))))


def figures() -> str:
    return _table(["Preset", "Input", "Parameters", "Multiply-adds", "Published by"], (
        [f"`{name}`", f"{preset.config.input_size}×{preset.config.input_size}",
         _count(preset.params), _count(preset.macs), preset.figures]
        for name, preset in presets().items() if preset.figures))


def lesson_figures() -> str:
    return _table(["Fact", "What it is"], (
        [f"`{name}`", figure.words + (", of a network only" if figure.whole else "")]
        for name, figure in FIGURES.items()))


def live_parts() -> str:
    return _table(["Block", "What it shows", "What stands in it"], (
        [f"`{name}`", _one_line(part.__doc__ or ""), _fields(part)]
        for name, part in PARTS.items()))


def _fields(part: type[BaseModel]) -> str:
    told = []
    for name, field in part.model_fields.items():
        needed = "" if field.is_required() else ", if wanted"
        told.append(f"`{name}`: {field.description}{needed}")
    return "; ".join(told)


def _one_line(text: str) -> str:
    return " ".join(text.split())


TABLES: dict[str, Callable[[], str]] = {
    "networks": networks, "common knobs": common_knobs, "family knobs": family_knobs,
    "published figures": figures, "figures of lessons": lesson_figures, "live parts": live_parts}


def _own_knobs(family: Family) -> Iterable[tuple[Knob, str]]:
    """Each knob that differs from those of every network, and which presets do not have it."""
    own = {knob: None for preset in family.presets
           for name, knob in knobs_of(type(preset.config)).items()
           if knob != knobs_of(Config).get(name)}
    for knob in own:
        without = _names(preset for preset in family.presets
                         if knobs_of(type(preset.config)).get(knob.name) != knob)
        yield knob, f" Not in {_codes(without)}." if without else ""


def _values(knob: Knob) -> str:
    match knob.kind:
        case "bool":
            return "`on` `off`"
        case "choice":
            return _codes(map(str, knob.options))
        case "counts":
            return f"{_bound(knob.low)} to {_bound(knob.high)} each"
        case _:
            return f"{_bound(knob.low)} to {_bound(knob.high)}"


def _bound(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def _names(members: Iterable[Preset]) -> list[str]:
    return [preset.config.network for preset in members]


def _codes(words: Iterable[str]) -> str:
    return " ".join(f"`{word}`" for word in words)


def _count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
                     for line in lines)
