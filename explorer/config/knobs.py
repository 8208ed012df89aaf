"""A knob as the command line, the links and the widgets see it: what it may be, and its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from explorer.config.errors import ConfigError
from explorer.language import Text, say

Kind = Literal["bool", "int", "float", "choice", "counts"]


@dataclass(frozen=True, slots=True)
class Knob:
    """A field of a config that a person may turn."""

    name: str
    kind: Kind
    english_help: str
    english_label: str
    low: float = 0
    high: float = 0
    step: float = 1
    """What the buttons of its field add and take away."""
    positions: tuple[float, ...] = ()
    """Of a fraction: the round values of its slider, from `low` to `high`."""
    options: tuple[Any, ...] = ()
    common: bool = False
    """Every network has it."""

    @property
    def label(self) -> str:
        return say(self.english_label)

    @property
    def help(self) -> str:
        """What it does, in a sentence or two."""
        return say(self.english_help)

    def parse(self, text: str) -> Any:
        """The value that `text` stands for: "3,4,23,3", "0.5", "off".

        Raises `ConfigError` where it stands for none; bounds are the config's to check.
        """
        try:
            return _PARSERS[self.kind](self, text.strip())
        except ValueError:
            raise ConfigError(Text("`{name}` must be {rule}; got {got}.", name=self.name,
                                   rule=self.rule, got=repr(text)), self.name) from None

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

    def words(self, value: Any) -> str:
        """Label and value, as in "width 0.5": a part of a sentence."""
        first, *rest = self.label.split(" ")
        # "SE" and "BatchNorm" keep their capitals.
        label = " ".join([first.lower() if first == first.capitalize() else first, *rest])
        return f"{label} {self.value_words(value)}"

    def value_words(self, value: Any) -> str:
        """The value as people write it: "BN after addition", "3×3"; what `parse` reads is the
        text of `format`."""
        if self.kind == "bool":
            return say("on") if value else say("off")
        text = self.format(value)
        if self.kind != "choice":
            return text
        return say(" ".join(_SPELT.get(word, word) for word in text.split("_")))

    @property
    def rule(self) -> Text:
        """What a value must be: the end of the sentence "`width` must be ..."."""
        match self.kind:
            case "bool":
                return Text("on or off")
            case "choice":
                return Text("one of {options}", options=", ".join(map(str, self.options)))
            case "counts":
                return Text("whole numbers from {low} to {high}, one for each stage, such as "
                            "3,4,6,3", low=f"{self.low:g}", high=f"{self.high:g}")
            case "int":
                return Text("a whole number from {low} to {high}", low=f"{self.low:,.0f}",
                            high=f"{self.high:,.0f}")
            case "float":
                return Text("between {low} and {high}", low=f"{self.low:g}",
                            high=f"{self.high:g}")


_SPELT = {"bn": "BN", "relu": "ReLU", "elu": "ELU", "gelu": "GELU", "rbf": "RBF", "1d": "1D",
          "2d": "2D", "1x1": "1×1", "3x3": "3×3", "5x5": "5×5", "7x7": "7×7", "resnet": "ResNet",
          "convnext": "ConvNeXt", "lraspp": "Lite R-ASPP", "ssdlite": "SSDLite"}


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


def _parse_fraction(text: str) -> float:
    # float() would also take "0.2_5" and digits of other scripts.
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)


_PARSERS: dict[Kind, Callable[[Knob, str], Any]] = {
    "bool": _parse_bool,
    "choice": _parse_choice,
    "int": lambda _, text: _parse_whole(text),
    "float": lambda _, text: _parse_fraction(text),
    "counts": lambda _, text: tuple(
        _parse_whole(part.strip()) for part in text.replace("-", ",").split(",")),
}
