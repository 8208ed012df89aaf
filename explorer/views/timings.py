"""Timings as text and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from explorer.config import Config
from explorer.timing import Conditions, Timing
from explorer.views import text


def conditions_lines(conditions: Conditions) -> list[tuple[str, str]]:
    """What a timing holds for, in words."""
    return [(name.replace("_", " "), str(value)) for name, value in asdict(conditions).items()
            if value is not None]


def to_record(timing: Timing) -> dict[str, Any]:
    return {**asdict(timing), "images_per_second": timing.images_per_second}


def to_json(timing: Timing) -> str:
    return json.dumps(to_record(timing))


def to_text(config: Config, timing: Timing) -> str:
    """The median, its spread and the conditions, a line each."""
    lines = [("median", text.seconds(timing.median_s)),
             ("p10", text.seconds(timing.p10_s)), ("p90", text.seconds(timing.p90_s)),
             ("n", str(timing.n)), ("images a second", text.short(timing.images_per_second)),
             ("first pass", text.seconds(timing.first_s)),
             ("on", timing.device), *conditions_lines(timing.conditions)]
    return "\n".join([text.sentence(config), "",
                      *(f"{name:24} {value}" for name, value in lines)])
