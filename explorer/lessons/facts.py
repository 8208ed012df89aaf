"""Numbers that a text takes from the engine, so that none is typed.

    {{resnet50: params}}                              25.6 M
    {{resnet50: params exact}}                        25,557,032
    {{vgg16 @ head: params}}                    of a part, by its path
    {{vgg16 @ head / vgg16: params percent}}    89%
    {{vgg16 / resnet50: macs}}                        3.78
    {{resnet50 - resnet34: params}}                   3.76 M
    {{Conv2d(64, 64, 5) on 64x56x56: macs}}           of modules in a row
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from explorer import text
from explorer.analysis import Layer
from explorer.config import ConfigError
from explorer.lessons.chains import chain_source, is_chain
from explorer.pipeline import Explored
from explorer.sources import Source, find_source
from explorer.sources.file import is_file
from explorer.structure.depth import weighted_depth

Opens: TypeAlias = Callable[[Source], Explored]
"""How a network is opened: `pipeline.explore`, or what keeps its results."""

Value: TypeAlias = "int | float | tuple[int, ...]"


def source_named(name: str) -> Source:
    """What a lesson names: a canonical string of the catalogue, or a chain of modules.

    Raises `ConfigError`.
    """
    if is_chain(name):
        return chain_source(name)
    if is_file(name) or ":" in name:
        raise ConfigError(f"{name!r} is no network of the catalogue.")
    return find_source(name)


class NamedFigure(NamedTuple):
    """A figure that can be asked for."""

    words: str
    """As a heading."""
    of: Callable[[Explored, Sequence[Layer]], Value | None]
    """Of a network and those of its layers that are meant: all of them for the network itself."""
    unit: str = ""
    whole: bool = False
    """Whether only a network has it, and no part of one."""


def _field(network: Explored, layers: Sequence[Layer]) -> int | None:
    if len(layers) == len(network.summary.layers):
        return network.summary.totals.receptive_field
    return layers[-1].receptive_field.side if layers[-1].receptive_field else None


def _params(network: Explored, layers: Sequence[Layer]) -> int:
    return network.summary.totals.params if len(layers) == len(network.summary.layers) else \
        sum([layer.params for layer in layers])


def _macs(layers: Sequence[Layer]) -> int:
    return sum([layer.macs or 0 for layer in layers])


def _saved(network: Explored, layers: Sequence[Layer]) -> int | None:
    training = network.training
    return None if isinstance(training, Exception) else training.totals.saved_bytes


FIGURES: dict[str, NamedFigure] = {
    "params": NamedFigure("Parameters", _params),
    "macs": NamedFigure("Multiply-adds", lambda _, layers: _macs(layers)),
    "flops": NamedFigure("FLOPs", lambda _, layers: 2 * _macs(layers)),
    "elementwise_ops": NamedFigure("Element-wise operations", lambda _, layers: sum(
        [layer.elementwise_ops or 0 for layer in layers])),
    "activation_bytes": NamedFigure("Activations", lambda _, layers: sum(
        [layer.activation_bytes for layer in layers]), "B"),
    "param_bytes": NamedFigure("Bytes of parameters", lambda network, layers: sum(
        [layer.params for layer in layers]) * network.summary.element_bytes, "B"),
    "peak_memory": NamedFigure("Peak memory", lambda network, _:
                          network.summary.totals.peak_activation_bytes, "B", whole=True),
    "saved_memory": NamedFigure("Saved for backward", _saved, "B", whole=True),
    "receptive_field": NamedFigure("Receptive field", _field, "px"),
    "depth": NamedFigure("Depth", lambda network, _: weighted_depth(network.structure), whole=True),
    "layers": NamedFigure("Layers", lambda _, layers: len(layers)),
    "output": NamedFigure("Output", lambda _, layers: layers[-1].output_shape[1:]),
    "input": NamedFigure("Input", lambda _, layers: layers[0].input_shapes[0][1:]),
    "channels": NamedFigure("Channels", lambda _, layers: layers[-1].output_shape[1]),
    "side": NamedFigure("Side of the map", lambda _, layers: layers[-1].output_shape[-1]),
}
"""By the names that lessons use."""

Style = Literal["", "exact", "percent"]
STYLES: dict[str, Style] = {"": "", "exact": "exact", "percent": "percent"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a figure is of: a network, or a part of it."""

    network: str
    path: str = ""

    def layers(self, network: Explored) -> Sequence[Layer]:
        """Raises `ConfigError` where the network has no such part."""
        layers = network.summary.layers
        if not self.path:
            return layers
        found = [layer for layer in layers
                 if layer.path == self.path or layer.path.startswith(f"{self.path}.")]
        if not found:
            raise ConfigError(f"{self.network} has no part {self.path!r}; it begins with "
                              f"{layers[0].path}.")
        return found

    def value(self, figure: str, opens: Opens) -> Value:
        """Raises `ConfigError` where it is not known."""
        network = opens(source_named(self.network))
        if network.failure:
            raise ConfigError(f"{self.network}: {network.failure}")
        if FIGURES[figure].whole and self.path:
            raise ConfigError(f"`{figure}` is of a network, not of its part {self.path}.")
        value = FIGURES[figure].of(network, self.layers(network))
        if value is None:
            raise ConfigError(f"`{figure}` of {self.network} is not known.")
        return value


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of one subject, or the ratio or difference of two."""

    one: Subject
    figure: str
    operation: Literal["", "/", "-"] = ""
    two: Subject | None = None
    style: Style = ""

    def value(self, opens: Opens) -> Value:
        one = self.one.value(self.figure, opens)
        if self.two is None:
            return one
        two = self.two.value(self.figure, opens)
        if isinstance(one, tuple) or isinstance(two, tuple):
            raise ConfigError(f"`{self.figure}` is a shape: it has no ratio and no difference.")
        return one / two if self.operation == "/" else one - two

    def shown(self, opens: Opens) -> str:
        """As people read it."""
        return show(self.value(opens), FIGURES[self.figure].unit if self.operation != "/" else "",
                    self.style, ratio=self.operation == "/")


def show(value: Value, unit: str = "", style: Style = "", *, ratio: bool = False) -> str:
    """
    >>> show(25557032), show(25557032, style="exact"), show((64, 56, 56)), show(224, "px")
    ('25.6 M', '25,557,032', '64×56×56', '224 px')
    >>> show(0.8891, style="percent", ratio=True), show(3.7831, ratio=True)
    ('89%', '3.78')
    """
    if isinstance(value, tuple):
        return text.shape(value)
    if style == "percent":
        share = 100 * value
        return f"{share:.0f}%" if share >= 9.95 else f"{share:.2g}%"
    if ratio:
        return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"
    if style == "exact" or unit == "px":
        return f"{value:,} {unit}".rstrip()
    return text.short(value, unit)


def parse(written: str) -> Fact:
    """What stands between the braces; raises `ConfigError` where it is no fact.

    >>> parse("vgg16 @ head / vgg16: params percent").style
    'percent'
    """
    subjects, colon, what = written.rpartition(":")
    figure, _, style = what.strip().partition(" ")
    if not colon or figure not in FIGURES:
        raise ConfigError(f"{written!r} is no fact: behind a colon it has one of "
                          f"{', '.join(FIGURES)}.")
    if style not in STYLES:
        raise ConfigError(f"{style!r} is no way to write a fact; write exact, percent or nothing.")
    one, operation, two = _split(subjects)
    if style == "percent" and operation != "/":
        raise ConfigError(f"{written!r} is no ratio, and has no percentage.")
    return Fact(_subject(one), figure, operation, _subject(two) if operation else None,
                STYLES[style])


def _split(subjects: str) -> tuple[str, Literal["", "/", "-"], str]:
    for sign in ("/", "-"):
        one, found, two = subjects.partition(f" {sign} ")
        if found:
            return one, "/" if sign == "/" else "-", two
    return subjects, "", ""


def _subject(written: str) -> Subject:
    network, _, path = written.strip().partition(" @ ")
    return Subject(network.strip(), path.strip())


FACT = re.compile(r"\{\{(.+?)\}\}")
UNBROKEN = "\N{NO-BREAK SPACE}"
"""Between a figure and its unit, which belong on one line."""


def fill(said: str, opens: Opens) -> str:
    r"""A text with its facts in their places. Raises `ConfigError` for what is no fact.

    >>> from explorer.pipeline import explore
    >>> fill("It has {{resnet18: params}} parameters.", explore)
    'It has 11.7\xa0M parameters.'
    """
    return FACT.sub(lambda found: parse(found[1]).shown(opens).replace(" ", UNBROKEN), said)


def holds(claim: str, opens: Opens) -> bool:
    """Whether two facts compare as a claim says: "resnet34: macs < resnet50: macs".

    A number may stand in the place of one. Raises `ConfigError` for what is no claim.
    """
    for found in _SIGN.finditer(claim):
        one, two = claim[:found.start()], claim[found.end():]
        if _is_operand(one) and _is_operand(two):       # a chain has such a sign too
            return _COMPARED[found[1]](_operand(one, opens), _operand(two, opens))
    raise ConfigError(f"{claim!r} is no claim. Write FACT < FACT, with <, > or =.")


_COMPARED: dict[str, Callable[[Value, Value], bool]] = {
    "<": lambda one, two: one < two,        # type: ignore[operator]  # shapes are only equal
    ">": lambda one, two: one > two,        # type: ignore[operator]
    "=": lambda one, two: one == two,
}


_SIGN = re.compile(r" ([<>=]) ")


def _is_operand(written: str) -> bool:
    try:
        float(written)
    except ValueError:
        return ":" in written and written.rpartition(":")[2].split()[0] in FIGURES
    return True


def _operand(written: str, opens: Opens) -> Value:
    try:
        return float(written)
    except ValueError:
        return parse(written.strip()).value(opens)
