"""What one config costs, as a record that travels between processes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import torch

from explorer.analysis import Summary, Totals
from explorer.config import ConfigError
from explorer.garbage import without_collections
from explorer.language import LANGUAGES, Text, language, spoken
from explorer.libraries import LibraryError
from explorer.pipeline import summarise_both
from explorer.sources import find_source
from explorer.structure import stage_layers
from explorer.timing import Timing
from explorer.tracing import TraceError

FIGURES = {"params": "params", "macs": "macs", "peak_memory": "peak_activation_bytes",
           "saved_memory": "saved_bytes", "receptive_field": "receptive_field",
           "layers": "layers", "latency": "latency"}
"""What can be limited, and its name among the totals."""


class WorkerError(RuntimeError):
    """Those who are to do the work are not there, or are not fit for it."""


class StageCost(NamedTuple):
    """What one stage of a network costs, by the path of its module."""

    path: str
    params: int
    macs: int


@dataclass(frozen=True, slots=True)
class Record:
    """A config, and what it costs or why it cannot run."""

    key: str
    totals: Totals | None = None
    """Of a forward pass in evaluation, with the `saved_bytes` of a training pass, None where
    that one fails; None where the pass itself fails."""
    why_not: tuple[str, ...] = ()
    """Why it cannot run or be timed, in each language, as `in_each_language` has it; () where it
    can."""
    timing: Timing | None = None
    """Of its passes on this machine, where they were timed."""
    stages: tuple[StageCost, ...] = ()
    """Of the forward pass; their sums are its totals."""

    @property
    def error(self) -> str | None:
        """Why it cannot run or be timed; None where it can."""
        return dict(zip(LANGUAGES, self.why_not, strict=True))[language()] if self.why_not else None

    def figure(self, name: str) -> float | None:
        """One of `FIGURES`; None where it is not known."""
        if name == "latency":
            return self.timing.median_s if self.timing else None
        value: int | None = getattr(self.totals, FIGURES[name], None)
        return value


def in_each_language(error: object) -> tuple[str, ...]:
    """What an error or a text says in a line, in each of the languages: a record is counted once
    for sessions that speak different ones."""
    said = []
    for code in LANGUAGES:
        with spoken(code):
            said.append(" ".join(str(error).split()))
    return tuple(said)


def count(key: str, most_layers: float = math.inf) -> Record:
    """What the config of a canonical string costs. Whatever goes wrong is in the record, also that
    it has more than `most_layers`."""
    try:
        with redirect_stdout(StringIO()):       # a stranger's network may print
            evaluated, trained = summarise_both(find_source(key), most_layers=most_layers)
            saved = trained.totals.saved_bytes if trained else None
            return Record(key, replace(evaluated.totals, saved_bytes=saved),
                          stages=_stages(evaluated))
    except (ConfigError, LibraryError, TraceError) as error:
        return Record(key, why_not=in_each_language(error))
    except Exception as error:      # of a stranger's network: it ends this config, not the sweep
        said = " ".join(str(error).split())[:300]
        return Record(key, why_not=in_each_language(f"{type(error).__name__}: {said}"))


def _stages(summary: Summary) -> tuple[StageCost, ...]:
    return tuple([StageCost(path, sum([layer.params for layer in layers]),
                            sum([layer.macs or 0 for layer in layers]))
                  for path, layers in stage_layers(summary)])


def count_all(expected: str, keys: Sequence[str], most_layers: float = math.inf) -> list[Record]:
    """`count` of several, by a worker that must have the program of the version `expected`."""
    if (own := version()) != expected:
        raise WorkerError(Text(
            "A worker has another version of the program ({own}; here it is {expected}). Install "
            "the same one on all workers, and start them anew.", own=own, expected=expected))
    with without_collections():
        return [count(key, most_layers) for key in keys]


@cache
def version() -> str:
    """The program's source and the libraries' versions, in a few letters: two that are equal count
    alike."""
    package = Path(__file__).parents[1]
    said = hashlib.sha256(torch.__version__.encode())
    for file in sorted(package.rglob("*.py")):
        said.update(str(file.relative_to(package)).encode() + file.read_bytes())
    return said.hexdigest()[:12]
