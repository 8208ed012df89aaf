"""The page that all reports stand in: one file that asks nothing of any network.

It can be read and printed as it is. What can be turned in it (the drawing, the table, the chosen
layer) comes with a script, whose data are packed: JSON, deflated, as base64. The page itself
forbids any other script and any request.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import date as Date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from explorer.language import language, say
from explorer.sweeping.records import version
from explorer.views.palette import HATCHED, KIND_COLOURS
from explorer.views.scripts import texts_of, words_of

ADDRESS = "http://localhost:8501"
"""Where the app runs, if nothing else is said."""

HERE = Path(__file__).parent

KINDS = {kind: f"kind-{kind.replace(' ', '-')}" for kind in KIND_COLOURS}
"""The classes of the kinds of operation."""


def page(template: str, *, title: str, data: Mapping[str, Any], date: Date | None,
         components: Mapping[str, str], **values: Any) -> str:
    """A template filled in; `date` is today's where none is given. The `components` are scripts
    with an `export default function` each, by the names that the page's own script has for it."""
    script = "\n".join([
        *(source.replace("export default function", f"const {name} = function")
          for name, source in components.items()), _read("report.js")])
    assert "</script" not in script
    return _environment().get_template(template).render(
        title=title, script=Markup(script), style=Markup(_read("report.css")), lang=language(),
        policy=policy(script), data=packed({**data, "words": words_of(TEXTS)}), classes=KINDS,
        colours=KIND_COLOURS,
        hatched=HATCHED, version=version(), torch=torch.__version__,
        date=(date or Date.today()).isoformat(), **values)


def policy(script: str) -> str:
    """What the page may do: run this script, and show what is in it. It asks nobody."""
    own = b64encode(sha256(f"\n{script}\n".encode()).digest()).decode()
    return (f"default-src 'none'; script-src 'sha256-{own}'; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'")


def packed(data: Any) -> str:
    """Text that no page takes for something else."""
    return b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)).decode()


def image(svg: str) -> str:
    """The address of an SVG that is in the address itself: its rules hold for itself alone."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Whatever is filled in is escaped."""
    made = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    made.globals["say"] = say
    return made


TEXTS = texts_of("", _read("report.js"))
"""What the script says itself."""
