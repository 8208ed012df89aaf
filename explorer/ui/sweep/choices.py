"""What can be chosen in a view of a sweep, with its words, and what of a link is none of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from explorer.sweeping import FIGURES

VIEWS = {"curves": "Curves", "pareto": "Trade-off", "heat": "Heat map", "table": "Table",
         "fit": "Fit"}
LESS = {"less,less": "Less of both", "less,more": "Less across, more up",
        "more,less": "More across, less up", "more,more": "More of both"}
PRESETS = {"near": "Nearby", "all": "All", "none": "None"}
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


def checked(choices: Mapping[str, str], knobs: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The choices that can be in a sweep over some knobs, and a sentence for each other."""
    counted = figures(timed=choices.get("time") == "on")
    allowed: dict[str, Collection[str]] = {
        "view": VIEWS, "time": ("on", "off"), "less": LESS, "presets": PRESETS,
        "colour": ("network", *knobs, *counted), "size": (NONE, *knobs, *counted),
        "prefer": (*counted, *knobs),
        **dict.fromkeys(FIGURE_CHOICES, counted), **dict.fromkeys(KNOB_CHOICES, knobs)}
    taken, left = dict[str, str](), list[str]()
    for name, value in choices.items():
        if name in FREE or value in allowed[name]:
            taken[name] = value
        else:
            left.append(f"`{name}` cannot be {value[:40]!r} in this sweep; it is one of "
                        f"{', '.join(allowed[name]) or 'none, as no knob is turned'}.")
    return taken, left
