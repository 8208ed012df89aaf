"""A knob as the command line, the links and the widgets see it: what it may be, and its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from explorer.config.errors import ConfigError

Kind = Literal["bool", "int", "float", "choice", "counts"]


@dataclass(frozen=True, slots=True)
class Knob:
    """A field of a config that a person may turn."""

    name: str
    kind: Kind
    help: str
    label: str
    low: float = 0
    high: float = 0
    step: float = 1
    options: tuple[Any, ...] = ()
    common: bool = False
    """Every network has it."""

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

    def words(self, value: Any) -> str:
        """Label and value, as in "width 0.5": a part of a sentence."""
        text = self.format(value).replace("_", " ")
        return f"{self.label[0].lower()}{self.label[1:]} {text}"

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


_PARSERS: dict[Kind, Callable[[Knob, str], Any]] = {
    "bool": _parse_bool,
    "choice": _parse_choice,
    "int": lambda _, text: _parse_whole(text),
    "float": lambda _, text: float(text),
    "counts": lambda _, text: tuple(
        _parse_whole(part.strip()) for part in text.replace("-", ",").split(",")),
}
