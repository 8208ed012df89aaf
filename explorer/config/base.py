"""The base of every network's knobs: a frozen value that checks itself.

A knob is a field. Its bounds, its step and the sentence that explains it stand beside its
default, and the command line, the widgets, the links and the README are made from them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache, reduce
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from explorer.config.errors import ConfigError
from explorer.config.fields import BlockCount, knob, read_knob
from explorer.config.knobs import Knob
from explorer.language import Text
from explorer.validation import Fault, first_fault

MULTIPLIERS = (0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.625, 0.75, 0.875, 1,
               1.125, 1.25, 1.4, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.5, 4)
"""Where the slider of a multiplier stops: each position is 1.07 to 1.25 times the one before, and
1 is in the middle."""


class Knobs(BaseModel):
    """A network and what can be turned of it.

    Raises `ConfigError` for a knob that the network does not have, a value out of bounds, and
    values that cannot be together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False,
                              validate_default=True)

    network: str = Field(description="The name that these knobs belong to.")

    if not TYPE_CHECKING:       # with it, mypy would not know the fields as arguments
        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise _explain(first_fault(error), type(self), values) from None

    def replace(self, **values: Any) -> Self:
        """The same network with some knobs turned.

        Raises `ConfigError` for a knob that it does not have, or a value out of bounds.
        """
        for name in values:
            find_knob(self, name)
        return type(self)(**{**self.model_dump(), **values})

    def turned_from(self, default: Knobs) -> dict[str, str]:
        """The knobs that differ from another's of this network, as text, in their order."""
        return {name: knob.format(value) for name, knob in knobs_of(type(self)).items()
                if (value := getattr(self, name)) != getattr(default, name)}


class Config(Knobs, ABC):
    """What every network of the catalogue is built from. Subclasses add their family's knobs.

    Channels follow `width`, rounded to a multiple of 8 (MobileNet); block counts follow
    `depth`, rounded up (EfficientNet): 1.0 leaves both as the paper has them.
    """

    width: float = knob(
        1.0, "Multiplies the channels of every layer, rounded to a multiple of 8 "
        "(the width multiplier of MobileNet).", ge=0.125, le=4, step=0.05, positions=MULTIPLIERS)
    depth: float = knob(
        1.0, "Multiplies the number of blocks in every stage, rounded up "
        "(the depth coefficient of EfficientNet).", ge=0.125, le=4, step=0.05,
        positions=MULTIPLIERS)
    blocks: tuple[BlockCount, ...] = knob(
        ..., "The number of blocks in each stage, before the depth multiplier.",
        label="Blocks per stage")
    input_size: int = knob(
        224, "Height and width of the input image, in pixels.", ge=1, le=4096, step=32)
    batch_size: int = knob(
        1, "Images in one forward pass. Multiply-adds and activation memory grow with it; "
        "parameters do not.", ge=1, le=4096, step=1)
    num_classes: int = knob(
        1000, "Outputs of the last layer; ImageNet has 1000.", ge=1, le=100_000, step=1,
        label="Classes")
    in_channels: int = knob(
        3, "Channels of the input image: 3 for RGB, 1 for grey.", ge=1, le=1024, step=1,
        label="Input channels")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the knobs when the class is made: `TypeError` says what a declaration lacks."""
        super().__pydantic_init_subclass__(**kwargs)
        knobs_of(cls)

    @property
    @abstractmethod
    def stages(self) -> tuple[str, ...]:
        """A name for each entry of `blocks`, in English."""

    @model_validator(mode="after")
    def _one_count_a_stage(self) -> Self:
        stages = self.stages
        for name, declared in knobs_of(type(self)).items():
            if declared.kind == "counts" and len(counts := getattr(self, name)) != len(stages):
                named = reduce(lambda before, word: Text("{before}, {word}", before=before,
                                                         word=word), map(Text, stages))
                raise ConfigError(Text(
                    "`{name}` has one count for each stage ({stages}); got {got} for the {count} "
                    "of {network}.", name=name, stages=named, got=len(counts), count=len(stages),
                    network=self.network), name)
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


def scale_channels(count: int, width: float, divisor: int = 8) -> int:
    """Channels at a width multiplier: a multiple of `divisor`, at most 10% below the exact figure.

    Sandler et al. 2018 (MobileNetV2); a width of 1 returns `count` itself.
    """
    if width == 1:
        return count
    exact = count * width
    rounded = max(divisor, int(exact + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * exact else rounded


@cache
def knobs_of(config: type[Knobs]) -> dict[str, Knob]:
    """The knobs of a config by name, in the order of their declaration."""
    return {name: read_knob(config, name, common=name in Config.model_fields)
            for name in config.model_fields if name != "network"}


def find_knob(config: Knobs, name: str) -> Knob:
    """The knob of that name; `ConfigError` with near names where the network has none."""
    knobs = knobs_of(type(config))
    if name not in knobs:
        raise _no_knob(config.network, name, knobs)
    return knobs[name]


def redeclare(name: str, default: Any, help: str | None = None, *,
              label: str | None = None) -> Any:
    """A number of every network with another default, help or label; bounds and step stay."""
    common = knobs_of(Config)[name]
    return knob(default, help or common.english_help, ge=common.low, le=common.high,
                step=common.step, positions=common.positions,
                label=label or common.english_label)


def _no_knob(network: str, name: str, knobs: Iterable[str]) -> ConfigError:
    # A knob of other networks is no slip of the pen.
    near = [] if name in Config.model_fields else get_close_matches(name, knobs, n=3, cutoff=0.5)
    way_out = Text("Did you mean {near}?", near=", ".join(near)) if near else \
        Text("It has {knobs}.", knobs=", ".join(knobs) or Text("none"))
    return ConfigError(Text("{network} has no knob {name}. {way_out}", network=network,
                            name=repr(name), way_out=way_out), name)


def _explain(fault: Fault, config: type[Knobs], values: dict[str, Any]) -> ConfigError:
    if isinstance(fault.raised, ConfigError):
        return fault.raised
    if fault.raised is not None:
        return ConfigError(str(fault.raised), fault.field or None)
    knobs = knobs_of(config)
    if fault.kind == "unknown":
        return _no_knob(values.get("network", config.__name__), fault.field, knobs)
    rule = knobs[fault.field].rule if fault.field in knobs else Text("the name of a preset")
    return ConfigError(fault.sentence(rule), fault.field)
