"""The live parts of a lesson: what may stand in a fenced block, and what it needs.

A block's name says which part it is, and its lines are TOML:

    ```figures
    networks = ["resnet34", "resnet50"]
    figures = ["params", "macs"]
    ```

A network is a canonical string of the catalogue, or `@NAME` for one whose knobs a `knobs` block of
that name turns.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.config import ConfigError, find_knob
from explorer.lessons.chains import chain_source
from explorer.lessons.facts import FIGURES, source_named
from explorer.sources.key import from_key
from explorer.sweeping import Grid, grid
from explorer.sweeping.fitting import parse_limit
from explorer.validation import first_fault


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def check(self, names: Sequence[str]) -> None:
        """Raises `ConfigError` for what cannot be; `names` are those of knobs that stand above."""


def _check_network(network: str, names: Sequence[str]) -> None:
    if network.startswith("@"):
        if network[1:] not in names:
            raise ConfigError(f"no `knobs` block above is called {network[1:]!r}")
    else:
        source_named(network)


def _check_figures(figures: Sequence[str]) -> None:
    for figure in figures:
        if figure not in FIGURES:
            raise ConfigError(f"`figures` are of {', '.join(FIGURES)}; got {figure}")


Network = Annotated[str, Field(description="a network")]
Networks = Annotated[tuple[str, ...], Field(
    min_length=1, max_length=4, description="one to four networks")]
Figures = Annotated[tuple[str, ...], Field(
    min_length=1, max_length=6, description="figures, by the names that facts use")]
Title = Annotated[str, Field(description="what stands above it")]


class DrawnPart(_Part):
    """A network, or one part of it, drawn."""

    network: Network
    part: str = Field("", description="the path of a part; without it the whole network")
    level: Literal["stage", "block", "layer"] = Field(
        "layer", description="how far it is opened")
    opened: tuple[str, ...] = Field(
        (), description="the paths of stages that are opened further")
    at_end: bool = Field(False, description="whether its end is seen first where it is too large")
    direction: Literal["LR", "TB"] = Field("LR", description="stages side by side, or top down")
    shapes: bool = Field(False, description="whether a layer that changes the shape says to which")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        _check_network(self.network, names)


class TurnedKnobs(_Part):
    """Knobs of a network, and its figures as they are turned."""

    name: str = Field("turned", pattern=r"^[a-z][a-z0-9_]*$",
                      description="what other blocks call the network, behind an @")
    network: Network
    knobs: tuple[str, ...] = Field(min_length=1, max_length=5, description="the knobs")
    figures: Figures = ("params", "macs", "peak_memory", "receptive_field")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        config = from_key(self.network)
        for knob in self.knobs:
            find_knob(config, knob)
        _check_figures(self.figures)


class FigureTable(_Part):
    """Figures of networks beside each other, each with its ratio to the first."""

    networks: Networks
    figures: Figures = ("params", "macs", "peak_memory", "receptive_field")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        for network in self.networks:
            _check_network(network, names)
        _check_figures(self.figures)


class SideBySide(_Part):
    """Two networks merged: what they have in common once, and why they differ."""

    networks: tuple[str, str] = Field(description="two networks")
    level: Literal["stage", "block"] = Field("block", description="how far they are opened")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        for network in self.networks:
            _check_network(network, names)


class KnobCurve(_Part):
    """A figure of one to four networks over the values of a knob."""

    networks: Networks
    knob: str = Field(description="the knob")
    values: str = Field(description="its values, as the command `sweep` takes them: 0.25:2:0.25")
    figure: Literal["params", "macs", "peak_memory", "saved_memory", "receptive_field"] = Field(
        "macs", description="the figure")
    title: Title = ""

    @property
    def grid(self) -> Grid:
        return grid(self.networks, [f"{self.knob}={self.values}"], most=64)

    def check(self, names: Sequence[str]) -> None:
        assert self.grid


class FunctionPlot(_Part):
    """Functions of one number and their derivatives, from PyTorch."""

    functions: tuple[Literal["relu", "relu6", "sigmoid", "hardsigmoid", "silu", "hardswish", "tanh",
                             "gelu"], ...] = Field(
        min_length=1, max_length=5, description="functions of torch.nn.functional")
    low: float = Field(-6, description="the least number")
    high: float = Field(6, description="the largest")
    title: Title = ""


class ChainTable(_Part):
    """What modules in a row cost on one input, row by row, each with its ratio to the first."""

    rows: dict[str, str] = Field(
        description="a name for each chain of torch.nn modules, such as "
        "`Conv2d({C}, {C}, 3, padding=1) > ReLU()`")
    input: str = Field(description="the shape that they are given, such as `{C}x56x56`")
    letters: dict[str, tuple[int, ...]] = Field(
        {}, description="values to choose among for a letter in braces; the first is shown first")
    figures: Figures = ("params", "macs", "receptive_field", "output")
    title: Title = ""

    def chains(self, values: dict[str, int]) -> dict[str, str]:
        """Each chain by its name, with its letters at these values."""
        def put(written: str) -> str:
            for letter, value in values.items():
                written = written.replace(f"{{{letter}}}", str(value))
            return written

        return {name: put(f"{chain} on {self.input}") for name, chain in self.rows.items()}

    @property
    def first(self) -> dict[str, int]:
        return {letter: values[0] for letter, values in self.letters.items()}

    def check(self, names: Sequence[str]) -> None:
        _check_figures(self.figures)
        for chain in self.chains(self.first).values():
            chain_source(chain)


class CostTable(_Part):
    """Where a network's figures sit: a row for each of its stages, blocks or layers."""

    network: Network
    part: str = Field("", description="the path of a part; without it the whole network")
    by: Literal["stage", "block", "layer"] = Field("stage", description="what a row stands for")
    figures: Figures = ("output", "params", "macs")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        _check_network(self.network, names)
        _check_figures(self.figures)


class BudgetSearch(_Part):
    """The best of a small sweep within a limit: all of its configs are counted here."""

    network: Network
    knobs: dict[str, str] = Field(min_length=1, max_length=3,
                                  description="each knob with the values that it takes")
    limit: str = Field(description="the limit, such as macs=100M")
    prefer: Literal["params", "macs", "receptive_field", "peak_memory"] = Field(
        "params", description="the figure of which the best has most")
    title: Title = ""

    @property
    def axes(self) -> tuple[str, ...]:
        """As the command `sweep` takes them."""
        return tuple([f"{knob}={values}" for knob, values in self.knobs.items()])

    def check(self, names: Sequence[str]) -> None:
        grid([self.network], self.axes, most=128)
        _check_figures([parse_limit(self.limit).figure])


class SmoothedLabels(_Part):
    """Label smoothing: logits, classes and ε, with loss and gradient from PyTorch."""

    classes: int = Field(5, ge=2, le=1000, description="classes")
    epsilon: float = Field(0.1, ge=0, le=0.9, description="ε")
    title: Title = ""


class DigitsTraining(_Part):
    """Networks trained on scikit-learn's digits, when asked for, with their loss as it falls."""

    networks: Networks
    steps: int = Field(300, ge=10, le=2000, description="steps of training for each")
    seed: int = Field(0, ge=0, le=2**31, description="of weights and batches")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        for network in self.networks:
            _check_network(network, names)


class GradientSizes(_Part):
    """The size of the gradient at each weighted layer before training, by a real backward pass."""

    networks: Networks
    seed: int = Field(0, ge=0, le=2**31, description="of weights and images")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        for network in self.networks:
            _check_network(network, names)


class EffectiveField(_Part):
    """Where a position of a layer looks: the theoretical rectangle, and the gradient of a real
    backward pass."""

    network: Network
    layers: tuple[str, ...] = Field(min_length=1, description="paths of layers to choose among")
    seed: int = Field(0, ge=0, le=2**31, description="of weights and images")
    title: Title = ""

    def check(self, names: Sequence[str]) -> None:
        _check_network(self.network, names)


class WrittenAnswer(BaseModel):
    """One answer of a question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(description="the answer")
    why: str = Field(description="why it is right, or which mistake it is")


class AskedQuestion(_Part):
    """A question: guess first, then see the answer. The first choice is the right one; they are
    shown in another order."""

    ask: str = Field(description="the question")
    choices: tuple[WrittenAnswer, ...] = Field(min_length=2, max_length=5,
                                        description="the right answer first, then wrong ones")
    claim: str = Field("", description="what the engine checks, such as "
                                       "`resnet34: macs < resnet50: macs`")


class LayerQuestion(_Part):
    """A question about a figure of one layer, with wrong choices from usual mistakes and the
    derivation as the answer: the engine makes all of it."""

    network: Network
    layer: str = Field(description="the path of the layer")
    figure: Literal["output", "params", "macs", "receptive_field"] = Field(
        description="what is asked for")

    def check(self, names: Sequence[str]) -> None:
        source_named(self.network)


Part: TypeAlias = (DrawnPart | TurnedKnobs | FigureTable | SideBySide | KnobCurve | FunctionPlot |
                   ChainTable | CostTable | BudgetSearch | SmoothedLabels | DigitsTraining |
                   GradientSizes | EffectiveField | AskedQuestion | LayerQuestion)

PARTS: dict[str, type[_Part]] = {
    "drawing": DrawnPart, "knobs": TurnedKnobs, "figures": FigureTable, "comparison": SideBySide,
    "curve": KnobCurve, "functions": FunctionPlot, "chains": ChainTable, "table": CostTable,
    "search": BudgetSearch, "smoothing": SmoothedLabels, "digits": DigitsTraining,
    "gradients": GradientSizes, "field": EffectiveField, "question": AskedQuestion,
    "layer-question": LayerQuestion,
}
"""Each by the name of its block."""


def read_part(kind: str, written: str, names: Sequence[str]) -> Part:
    """The part that a block stands for; raises `ConfigError` with what is wrong in it."""
    try:
        part = PARTS[kind](**tomllib.loads(written))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"no TOML: {error}") from None
    except ValidationError as error:
        fault = first_fault(error)
        fields = ", ".join(PARTS[kind].model_fields)
        raise ConfigError(fault.sentence(f"as README says; a `{kind}` has {fields}")) from None
    part.check(names)
    return part     # type: ignore[return-value]  # each of PARTS is one of Part
