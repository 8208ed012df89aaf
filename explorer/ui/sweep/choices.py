"""What can be chosen in a view of a sweep, with its words, and what of a link is none of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from explorer.language import Text
from explorer.sweeping import FIGURES

VIEWS = {"curves": Text("Curves"), "pareto": Text("Trade-off"), "heat": Text("Heat map"),
         "table": Text("Table"), "fit": Text("Fit")}
LESS = {"less,less": Text("Less of both"), "less,more": Text("Less across, more up"),
        "more,less": Text("More across, less up"), "more,more": Text("More of both")}
PRESETS = {"near": Text("Nearby"), "all": Text("All"), "none": Text("None")}
NONE = "none"
"""In the place of a figure."""
ALL = "all values"
"""In the place of a knob's value."""

FREE = ("held", "at", "of", "limit", "limit2", "where", "key")
"""Choices that are written freely; who shows one checks it."""
FIGURE_CHOICES = ("x", "y", "figure")
KNOB_CHOICES = ("along", "across", "up")
CHOICES = ("view", "time", "less", "presets", "colour", "size", "prefer", *FIGURE_CHOICES,
           *KNOB_CHOICES, *FREE)
"""All of them, by their names in the address, where they are text."""


def figures(timed: bool) -> list[str]:
    """Those that a sweep has."""
    return [name for name in FIGURES if name != "latency" or timed]


def checked(choices: Mapping[str, str], knobs: Sequence[str]
            ) -> tuple[dict[str, str], list[Text]]:
    """The choices that can be in a sweep over some knobs, and a sentence for each other."""
    counted = figures(timed=choices.get("time") == "on")
    allowed: dict[str, Collection[str]] = {
        "view": VIEWS, "time": ("on", "off"), "less": LESS, "presets": PRESETS,
        "colour": ("network", *knobs, *counted), "size": (NONE, *knobs, *counted),
        "prefer": (*counted, *knobs),
        **dict.fromkeys(FIGURE_CHOICES, counted), **dict.fromkeys(KNOB_CHOICES, knobs)}
    taken, left = dict[str, str](), list[Text]()
    for name, value in choices.items():
        if name in FREE or value in allowed[name]:
            taken[name] = value
        elif allowed[name]:
            left.append(Text("`{name}` cannot be {value} in this sweep; it is one of {options}.",
                             name=name, value=repr(value[:40]), options=", ".join(allowed[name])))
        else:
            left.append(Text("`{name}` cannot be {value} in this sweep; it is one of none, as no "
                             "knob is turned.", name=name, value=repr(value[:40])))
    return taken, left
