"""How what is shown is made again: the command, and the link to the app."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from explorer.comparison import LETTERS, Comparison
from explorer.sources import Source
from explorer.sources.key import to_key, to_query
from explorer.sweeping import Grid

PROGRAM = ("python", "-m", "explorer")


class Again(NamedTuple):
    command: str
    python: str
    link: str


def of_source(source: Source, address: str) -> Again:
    query = to_query(source.config) if source.config else {"network": source.key}
    return Again(command=_command("export", source.key, "--output", "report.html"),
                 python=f"explorer.open({_text(source.key)})",
                 link=_link(address, "", [*query.items()]))


def of_comparison(comparison: Comparison, address: str) -> Again:
    keys = [network.key for network in comparison.networks]
    return Again(command=_command("compare", *keys),
                 python=f"explorer.compare({', '.join(map(_text, keys))})",
                 link=_link(address, "compare", [*zip(LETTERS, keys, strict=False)]))


def of_sweep(grid: Grid, address: str) -> Again:
    networks = [to_key(config) for config in grid.networks]
    over = [f"{axis.knob}={','.join(axis.values)}" for axis in grid.axes]
    options = [word for each in over for word in ("--over", each)]
    return Again(command=_command("sweep", *networks, *options),
                 python=f"explorer.sweep(explorer.grid([{', '.join(map(_text, networks))}], "
                        f"[{', '.join(map(_text, over))}]))",
                 link=_link(address, "sweep", [*(("network", each) for each in networks),
                                               *(("over", each) for each in over)]))


def _text(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _command(*words: str) -> str:
    return shlex.join([*PROGRAM, *words])


def _link(address: str, path: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{address.rstrip('/')}/{path}?{urlencode(query, quote_via=quote, safe=':,')}"
