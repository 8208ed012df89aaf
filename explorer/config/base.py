"""The base of every network's config: a frozen value that checks itself.

A knob is a field of a config. Its bounds, its step and the sentence that explains it
stand beside its default, and the command line, the widgets, the links and the README
are made from them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails


class ConfigError(ValueError):
    """A config that cannot be: the message gives name, rule, value and the way out."""

    def __init__(self, message: str, knob: str | None = None) -> None:
        super().__init__(message)
        self.knob = knob


def knob(default: Any, help: str, *, ge: float | None = None, le: float | None = None,
         step: float | None = None, label: str | None = None) -> Any:
    """A field of a config that a person may turn; `help` says in a sentence what it does."""
    return Field(default, ge=ge, le=le, description=help,
                 json_schema_extra={"step": step, "label": label})


BlockCount = Annotated[int, Field(ge=1, le=64)]


class Config(BaseModel, ABC):
    """What every network is built from. Subclasses add their family's knobs.

    Channels follow `width`, rounded to a multiple of 8 (MobileNet); block counts follow
    `depth`, rounded up (EfficientNet): 1.0 leaves both as the paper has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False,
                              validate_default=True)

    network: str = Field(description="The preset that this config starts from.")

    width: float = knob(
        1.0, "Multiplies the channels of every layer, rounded to a multiple of 8 "
        "(the width multiplier of MobileNet).", ge=0.125, le=4, step=0.125)
    depth: float = knob(
        1.0, "Multiplies the number of blocks in every stage, rounded up "
        "(the depth coefficient of EfficientNet).", ge=0.125, le=4, step=0.125)
    blocks: tuple[BlockCount, ...] = knob(
        ..., "The number of blocks in each stage, before the depth multiplier.")
    input_size: int = knob(
        224, "Height and width of the input image, in pixels.", ge=1, le=4096, step=32)
    batch_size: int = knob(
        1, "Images in one forward pass. Multiply-adds and activation memory grow with it; "
        "parameters do not.", ge=1, le=4096, step=1)
    num_classes: int = knob(
        1000, "Outputs of the last layer; ImageNet has 1000.", ge=1, le=100_000, step=1)
    in_channels: int = knob(
        3, "Channels of the input image: 3 for RGB, 1 for grey.", ge=1, le=1024, step=1)

    @property
    @abstractmethod
    def stages(self) -> tuple[str, ...]:
        """A name for each entry of `blocks`."""

    @model_validator(mode="after")
    def _one_count_a_stage(self) -> Self:
        if len(self.blocks) != len(self.stages):
            raise ConfigError(
                f"`blocks` has one count for each stage ({', '.join(self.stages)}); "
                f"got {len(self.blocks)} for the {len(self.stages)} of {self.network}.", "blocks")
        return self

    @property
    def scaled_blocks(self) -> tuple[int, ...]:
        """Blocks in each stage after the depth multiplier."""
        return tuple(math.ceil(self.depth * count) for count in self.blocks)

    def channels(self, count: int) -> int:
        """`count` channels of the paper at this config's width."""
        return scale_channels(count, self.width)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return self.batch_size, self.in_channels, self.input_size, self.input_size

    def replace(self, **values: Any) -> Self:
        """This config with some knobs turned.

        Raises `ConfigError` for a knob that it does not have, or a value out of bounds.
        """
        for name in values:
            find_knob(self, name)
        try:
            return type(self).model_validate({**self.model_dump(), **values})
        except ValidationError as error:
            raise _explain(error.errors()[0], type(self)) from None


def scale_channels(count: int, width: float, divisor: int = 8) -> int:
    """Channels at a width multiplier: a multiple of `divisor`, at most 10% below the exact figure.

    Sandler et al. 2018 (MobileNetV2); a width of 1 returns `count` itself.
    """
    if width == 1:
        return count
    exact = count * width
    rounded = max(divisor, int(exact + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * exact else rounded


@dataclass(frozen=True, slots=True)
class Knob:
    """A knob as the command line, the links and the widgets see it."""

    name: str
    kind: Literal["bool", "int", "float", "choice", "counts"]
    help: str
    label: str
    low: float = 0
    high: float = 0
    step: float = 1
    options: tuple[Any, ...] = ()
    common: bool = False

    def parse(self, text: str) -> Any:
        """The value that `text` stands for: "3,4,23,3", "0.5", "off".

        Raises `ConfigError` where it stands for none; bounds are the config's to check.
        """
        try:
            return _PARSERS[self.kind](self, text.strip())
        except ValueError:
            raise ConfigError(f"`{self.name}` must be {self.rule}; got {text!r}.",
                              self.name) from None

    def format(self, value: Any) -> str:
        """The shortest text that `parse` reads back as `value`, safe in a link and a file name."""
        match self.kind:
            case "bool":
                return "on" if value else "off"
            case "counts":
                return "-".join(map(str, value))
            case "float":
                value = value + 0.0     # -0.0 is 0
                return short if float(short := f"{value:g}") == value else repr(value)
            case _:
                return str(value)

    @property
    def rule(self) -> str:
        """What a value must be: the end of the sentence "`width` must be ..."."""
        match self.kind:
            case "bool":
                return "on or off"
            case "choice":
                return "one of " + ", ".join(map(str, self.options))
            case "counts":
                return (f"whole numbers from {self.low:g} to {self.high:g}, one for each stage, "
                        "such as 3,4,6,3")
            case "int":
                return f"a whole number from {self.low:,.0f} to {self.high:,.0f}"
            case "float":
                return f"between {self.low:g} and {self.high:g}"


def _parse_bool(_: Knob, text: str) -> bool:
    words = {"on": True, "true": True, "yes": True, "1": True,
             "off": False, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _parse_choice(knob: Knob, text: str) -> Any:
    for option in knob.options:
        if str(option).lower() == text.lower():
            return option
    raise ValueError(text)


def _parse_whole(text: str) -> int:
    # int() would also take "1_000" and digits of other scripts, and any length.
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20):
        raise ValueError(text)
    return int(text)


_PARSERS: dict[str, Callable[[Knob, str], Any]] = {
    "bool": _parse_bool,
    "choice": _parse_choice,
    "int": lambda _, text: _parse_whole(text),
    "float": lambda _, text: float(text),
    "counts": lambda _, text: tuple(
        _parse_whole(part.strip()) for part in text.replace("-", ",").split(",")),
}


@cache
def knobs_of(config: type[Config]) -> dict[str, Knob]:
    """The knobs of a family's config by name, the common ones first."""
    return {name: _knob(config, name) for name in config.model_fields if name != "network"}


def _knob(config: type[Config], name: str) -> Knob:
    field = config.model_fields[name]
    annotation, extra = field.annotation, field.json_schema_extra
    assert isinstance(extra, dict)
    kind: Any
    options: tuple[Any, ...] = ()
    bounds: Iterable[Any] = field.metadata
    if annotation is bool:
        kind = "bool"
    elif get_origin(annotation) is Literal:
        kind, options = "choice", get_args(annotation)
    elif get_origin(annotation) is tuple:
        kind, bounds = "counts", get_args(get_args(annotation)[0])[1].metadata
    else:
        kind = "int" if annotation is int else "float"
    limits = {limit: getattr(bound, limit) for bound in bounds for limit in ("ge", "le")
              if hasattr(bound, limit)}
    return Knob(
        name=name, kind=kind, help=field.description or "",
        label=str(extra["label"] or name.replace("_", " ").capitalize()),
        low=limits.get("ge", 0), high=limits.get("le", 0), step=float(str(extra["step"] or 1)),
        options=options, common=name in Config.model_fields)


def find_knob(config: Config, name: str) -> Knob:
    """The knob of that name; `ConfigError` with near names where the network has none."""
    knobs = knobs_of(type(config))
    if name not in knobs:
        near = get_close_matches(name, knobs, n=3, cutoff=0.5)
        way_out = f"Did you mean {', '.join(near)}?" if near else f"It has {', '.join(knobs)}."
        raise ConfigError(f"{config.network} has no knob {name!r}. {way_out}", name)
    return knobs[name]


def _explain(error: ErrorDetails, config: type[Config]) -> ConfigError:
    """Pydantic's account of a bad value, in a sentence of ours."""
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, ConfigError):
        return raised
    name, given = str(error["loc"][0]), error["input"]
    knob = knobs_of(config)[name]
    shown = knob.format(given) if isinstance(given, float) and knob.kind == "float" else repr(given)
    return ConfigError(f"`{name}` must be {knob.rule}; got {shown}.", name)
