"""What the catalogue says of its presets, kept in a file: to count and draw them all takes long.

`pytest tests/test_recorded.py --record` writes the file anew, and that test holds it against what
is counted. A network whose source has changed since is counted as it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from explorer import networks
from explorer.analysis import Totals
from explorer.networks.catalogue import SHARED, family_of, network_of, presets
from explorer.networks.family import Preset
from explorer.pipeline import explore
from explorer.structure import weighted_depth
from explorer.tracing import TraceError
from explorer.views.catalogue import CatalogueEntry
from explorer.views.fields import mixes
from explorer.views.graph import thumbnail_of

FILE = Path(__file__).with_suffix(".json")


class Known(NamedTuple):
    """What is recorded of a preset, and the source that it was counted from, in a few letters."""

    source: str
    totals: Totals
    weighted_layers: int
    drawing: str
    mixes: bool


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Every preset with its figures."""
    return tuple(map(entry, presets().values()))


def entry(preset: Preset) -> CatalogueEntry:
    """As it was recorded; where it was not, or the network has changed since, as it is."""
    found = known().get(preset.config.network)
    if found is None or found.source != _source(preset):
        return counted(preset)
    return CatalogueEntry(family_of(preset.config.network), preset, *found[1:])


def counted(preset: Preset) -> CatalogueEntry:
    """The entry of a preset, by building it."""
    network = explore(preset.config)
    saved = None if isinstance(network.training, TraceError) else \
        network.training.totals.saved_bytes
    return CatalogueEntry(family_of(preset.config.network), preset,
                          replace(network.summary.totals, saved_bytes=saved),
                          weighted_depth(network.structure), thumbnail_of(network.structure),
                          mixes(network.summary))


@cache
def known() -> dict[str, Known]:
    """All that is recorded, by the names of the presets."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return {name: Known(source, Totals(**totals), *rest)
            for name, (source, totals, *rest) in found.items()}


def text() -> str:
    """The file for the catalogue as it is now: a line for each preset."""
    lines = []
    for name, preset in presets().items():
        _, _, totals, *rest = counted(preset)
        lines.append(f"{json.dumps(name)}: " + json.dumps(
            [_source(preset), asdict(totals), *rest], ensure_ascii=False))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _source(preset: Preset) -> str:
    """The source that a preset is made of, in a few letters: its family's and what all share."""
    own = network_of(preset.config.network).__module__.rpartition(".")[2]
    said = hashlib.sha256(repr(preset.config).encode())
    for module in sorted({own, *SHARED}):
        said.update(_text(module))
    return said.hexdigest()[:12]


@cache
def _text(module: str) -> bytes:
    return (Path(networks.__path__[0]) / f"{module}.py").read_bytes()

