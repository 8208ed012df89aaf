"""A grid: networks, and the values that their knobs take in turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property, reduce
from itertools import product

from explorer.config import ConfigError, Knob, Knobs, find_knob
from explorer.language import Text
from explorer.sources.file import is_file
from explorer.sources.key import from_settings, split_key, split_setting, to_key
from explorer.sources.source import write_key

MOST_CONFIGS = 1_000_000
"""The most that a grid may have."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A knob and the values that it takes, as texts, each once."""

    knob: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A config of a grid."""

    network: str
    values: tuple[str, ...]
    """Of the grid's axes, in their order."""
    key: str
    """The canonical string; where the values cannot be together, what was asked for."""


@dataclass(frozen=True)
class Grid:
    """Every value of each axis with every one of the others, for each network."""

    networks: tuple[Knobs, ...]
    axes: tuple[Axis, ...]

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """All of them, kept: for what is asked for many times."""
        return tuple(self)

    def __len__(self) -> int:
        return len(self.networks) * math.prod(len(axis.values) for axis in self.axes)

    def __iter__(self) -> Iterator[Point]:
        for network in self.networks:
            for values in product(*(axis.values for axis in self.axes)):
                turned = list(zip((axis.knob for axis in self.axes), values, strict=True))
                yield Point(network.network, values, _key(network, turned))


def grid(networks: Sequence[str], over: Sequence[Axis | str],
         settings: Sequence[tuple[str, str]] = (), *, most: int = MOST_CONFIGS) -> Grid:
    """The grid of some networks, each a canonical string, over some axes, or what `parse_axis`
    reads; `settings` turn knobs of all of them.

    Raises `ConfigError` for a knob that one of the networks does not have, a value that is none of
    it, one knob or network twice, and more than `most` configs. What cannot be together is a point
    whose record says so.

    >>> len(grid(["resnet18", "resnet34"], ["width=0.5:1:0.25"]))
    6
    """
    axes = [axis if isinstance(axis, Axis) else parse_axis(axis, most) for axis in over]
    configs = []
    for network in networks:
        if is_file(network):
            raise ConfigError(Text(
                "{network} has no knobs: a sweep is of networks of the catalogue, timm or "
                "torchvision.", network=network[:80]), "network")
        name, own = split_key(network)
        configs.append(from_settings(name, [*own, *settings]))
    if (twice := _twice([to_key(config) for config in configs])) is not None:
        raise ConfigError(Text("The network {name} is given twice. Give it once.", name=twice))
    if (twice := _twice([axis.knob for axis in axes])) is not None:
        raise ConfigError(Text(
            "The knob {name} is given twice. Give it once, with all its values.", name=twice))
    count = len(Grid(tuple(configs), tuple(axes)))
    if count > most:    # before each value is read
        raise ConfigError(Text(
            "{product} are {count} configs, and this sweep may have at most {most}. Take a larger "
            "step, or fewer knobs.", count=f"{count:,}", most=f"{most:,}", product=multiplied([
                networks_words(len(configs)), *[
                    Text("{count} of {knob}", count=f"{len(axis.values):,}", knob=axis.knob)
                    for axis in axes]])))
    made = Grid(tuple(configs), tuple([
        Axis(axis.knob, tuple(dict.fromkeys([_text(config, axis.knob, value)
                                             for value in axis.values for config in configs])))
        for axis in axes]))
    firsts = [(axis.knob, axis.values[0]) for axis in made.axes]
    by_turned = dict[str, Knobs]()
    for config in configs:
        other = by_turned.setdefault(_key(config, firsts), config)
        if other is not config:
            raise ConfigError(Text(
                "{one} and {other} differ in nothing that is not swept. Give one of them.",
                one=to_key(other), other=to_key(config)), "network")
    return made


def _twice(names: Sequence[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


def networks_words(count: int) -> Text:
    return Text("{count} network" if count == 1 else "{count} networks", count=f"{count:,}")


def multiplied(sizes: Sequence[Text]) -> Text:
    """The sizes of a grid: "2 networks × 3 of width"."""
    return reduce(lambda one, other: Text("{one} × {other}", one=one, other=other), sizes)


def parse_axis(text: str, most: int = MOST_CONFIGS) -> Axis:
    """ "width=0.25:1.5:0.125" (from, to, step) or "input_size=128,160,192" as an axis.

    Counts of blocks are written with dashes: "blocks=2-2-2-2,3-4-6-3". Raises `ConfigError` for a
    range that runs backwards, a step that is not above 0, and one of more than `most` values.

    >>> parse_axis("width=0.5:1:0.25").values
    ('0.5', '0.75', '1')
    """
    knob, written = split_setting(text)
    values: list[str] = []
    for part in written.split(","):
        values += _range(knob, part, most) if ":" in part else [part.strip()]
    if not all(values):
        raise ConfigError(Text(
            "`{knob}` lacks a value in {written}. Write {knob}=FROM:TO:STEP, or values with commas "
            "between them.", knob=knob, written=repr(written)), knob)
    return Axis(knob, tuple(dict.fromkeys(values)))


def _range(knob: str, text: str, most: int) -> list[str]:
    parts = text.split(":")
    try:
        if len(parts) != 3 or not text.isascii() or "_" in text:
            raise ValueError(text)
        # Decimals, because 3 × 0.1 is 0.30000000000000004.
        low, high, step = (Decimal(part.strip()) for part in parts)
        if not all(number.is_finite() for number in (low, high, step)):
            raise ValueError(text)
    except (ValueError, InvalidOperation):
        raise ConfigError(Text(
            "The range of `{knob}` is written FROM:TO:STEP, such as 0.25:1.5:0.125; got {text}.",
            knob=knob, text=repr(text[:80])), knob) from None
    if step <= 0:
        raise ConfigError(Text("The step of `{knob}` must be above 0; got {step}.", knob=knob,
                               step=parts[2].strip()), knob)
    if high < low:
        raise ConfigError(Text(
            "The range of `{knob}` runs backwards: from {first} to {last}. Write the smaller one "
            "first.", knob=knob, first=parts[0].strip(), last=parts[1].strip()), knob)
    if (high - low) / step >= most:
        raise ConfigError(Text(
            "The range {text} of `{knob}` has more than {most} values. Take a larger step.",
            text=text[:80], knob=knob, most=f"{most:,}"), knob)
    count = int((high - low) / step) + 1
    return [f"{(low + number * step).normalize():f}" for number in range(count)]


def _text(config: Knobs, name: str, value: str) -> str:
    """The canonical text of a value, which must be one of the knob's own."""
    knob = find_knob(config, name)
    parsed = knob.parse(value)
    entries = {"counts": parsed, "int": (parsed,), "float": (parsed,)}.get(knob.kind, ())
    for entry in entries:
        if not knob.low <= entry <= knob.high:
            raise ConfigError(Text("`{name}` must be {rule}; got {value}.", name=name,
                                   rule=knob.rule, value=value), name)
    return knob.format(parsed)


def _key(network: Knobs, turned: Sequence[tuple[str, str]]) -> str:
    try:
        return to_key(network.replace(**_values(network, turned)))
    except ConfigError:
        return write_key(to_key(network), turned)


def _values(network: Knobs, turned: Sequence[tuple[str, str]]) -> Mapping[str, object]:
    return {name: find_knob(network, name).parse(text) for name, text in turned}


def suggested(config: Knobs, name: str) -> str:
    """What a sweep of a knob begins with, as `parse_axis` reads it without the name: around the
    value that the config has, and with few values.

    >>> from explorer.networks.catalogue import configure
    >>> suggested(configure("resnet50"), "width"), suggested(configure("resnet50"), "input_size")
    ('0.25:1.5:0.125', '96:320:32')
    """
    knob = find_knob(config, name)
    value = getattr(config, name)
    if name in _SUGGESTED:
        return _SUGGESTED[name]
    match knob.kind:
        case "bool" | "choice":
            return ",".join(usual_axis(knob).values)
        case "counts":
            more = [tuple([min(int(knob.high), count + extra) for count in value])
                    for extra in range(3)]
            return ",".join(map(knob.format, more))
        case "int" if name == "input_size":
            step = 32 if value >= 128 else 8 if value >= 28 else 1
            low = max(step, value * 3 // 7 // step * step)
            return f"{low}:{max(low, min(int(knob.high), value * 10 // 7) // step * step)}:{step}"
        case "int":
            powers = [2 ** power for power in range(15) if knob.low <= 2 ** power <= knob.high]
            near = [power for power in powers if value / 8 <= power <= 8 * value]
            return ",".join(map(str, dict.fromkeys([*near, value])))
    wide = knob.step * math.ceil(1e-9 + (knob.high - knob.low) / knob.step / 16)
    return f"{knob.low:g}:{knob.high:g}:{wide:g}"


_SUGGESTED = {"width": "0.25:1.5:0.125", "depth": "0.25:2:0.25", "batch_size": "1,2,4,8,16,32,64",
              "num_classes": "10,100,1000,10000", "in_channels": "1,3,4"}


def usual_axis(knob: Knob) -> Axis:
    """The values of a knob from its lowest to its highest, by its step."""
    match knob.kind:
        case "bool":
            return Axis(knob.name, ("off", "on"))
        case "choice":
            return Axis(knob.name, tuple([str(option) for option in knob.options]))
        case "counts":
            raise ConfigError(Text(
                "`{knob}` has no order. Write its values, such as {knob}=2-2-2-2,3-4-6-3.",
                knob=knob.name), knob.name)
    low, high, step = (Decimal(f"{number:g}") for number in (knob.low, knob.high, knob.step))
    first = math.floor(low / step) + 1      # multiples of the step, and both ends
    between = [step * number for number in range(first, math.ceil(high / step))]
    return Axis(knob.name, tuple([f"{number.normalize():f}" for number in (low, *between, high)]))
