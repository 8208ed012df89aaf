"""A model of a library: its knobs, its inputs, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import torch
from pydantic import create_model
from torch import nn

from explorer import text
from explorer.config import Config, ConfigError, Knobs, knob, knobs_of, redeclare
from explorer.language import Text
from explorer.sources.inputs import described
from explorer.sources.source import Source, made_on, write_key
from explorer.tracing import Input
from explorer.tracing.operators import Shape


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as its library has it."""

    network: str
    """As it is named in the program: `timm:NAME`."""
    create: Callable[..., nn.Module]
    knobs: Mapping[str, int]
    """The knobs that it offers, each with its default."""
    arguments: Mapping[str, str]
    """Of those that `create` must know, what they are called there."""
    sample: Shape
    """Of one image, or whatever it takes, by default: channels first."""
    inputs: int = 1
    """How many of these it takes."""
    fewest_classes: int = 1
    """0 where it can do without its last layer."""

    @cached_property
    def config(self) -> Knobs:
        """Every knob at its default."""
        return offering(tuple(self.knobs), self.fewest_classes)(network=self.network, **self.knobs)

    def source(self, config: Knobs, inputs: Sequence[Input] = ()) -> Source:
        """It at these knobs, and with other inputs than it has at them where some are given."""
        own = self._inputs(config)
        given = tuple(inputs) or own
        others = () if given == own else given
        return Source(
            key=write_key(self.network, config.turned_from(self.config).items(), others),
            titled=partial(self._sentence, config, others), inputs=given,
            build=lambda device: self._build(config, device), config=None if others else config)

    def _inputs(self, config: Knobs) -> tuple[Input, ...]:
        values = config.model_dump()
        channels, *sides = self.sample
        if "input_size" in values:
            sides[-2:] = [values["input_size"]] * 2
        shape = (values["batch_size"], values.get("in_channels", channels), *sides)
        return (Input(shape),) * self.inputs

    def _sentence(self, config: Knobs, others: Sequence[Input]) -> str:
        library, _, name = self.network.partition(":")
        shown = described(others) if others else text.shape(self._inputs(config)[0].shape[2:])
        return " · ".join([f"{name} ({library})", shown, *(
            knob.words(getattr(config, name)) for name, knob in knobs_of(type(config)).items()
            if name != "input_size" and name in config.turned_from(self.config))])

    def turned(self, config: Knobs) -> dict[str, int]:
        """The knobs that are not at their default, and that `create` must know."""
        return {name: value for name, value in config.model_dump(exclude={"network"}).items()
                if name in self.arguments and value != self.knobs[name]}

    def _build(self, config: Knobs, device: str) -> nn.Module:
        turned = self.turned(config)
        try:
            return made_on(device, partial(self.create, **{
                self.arguments[name]: value for name, value in turned.items()}))
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:      # whatever a library raises
            said = next(iter(str(error).splitlines()), "").rstrip(".")
            knobs = " and ".join(f"{name}={value}" for name, value in turned.items())
            why = f"{type(error).__name__}{said and f': {said}'}"
            raise ConfigError(
                Text("{network} cannot be built with {knobs}: {why}.", network=self.network,
                     knobs=knobs, why=why) if knobs else
                Text("{network} cannot be built: {why}.", network=self.network, why=why)
            ) from error


@cache
def offering(names: tuple[str, ...], fewest_classes: int) -> type[Knobs]:
    """The class of the configs with these knobs."""
    fields: dict[str, Any] = {name: (int, redeclare(name, ...)) for name in names}
    if fewest_classes == 0:
        most = knobs_of(Config)["num_classes"].high
        fields["num_classes"] = int, knob(
            ..., "Outputs of the last layer; 0 removes this layer.", ge=0, le=most, step=1,
            label=knobs_of(Config)["num_classes"].english_label)
    return create_model("ModelKnobs", __base__=Knobs, **fields)
