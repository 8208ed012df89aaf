"""Reports that tests read, and names that may not break out of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from torch import Tensor, nn

import explorer
from explorer.exporting.report import report, sweep_report
from explorer.pipeline import Explored
from explorer.sources import Source
from explorer.sweeping import Grid, Record
from explorer.sweeping.records import count
from explorer.tracing import Input
from tests.graphs import explored

DAY = date(2020, 2, 3)
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&{{1}}"


def of_sweep(given: Grid, records: list[Record]) -> str:
    return sweep_report(explorer.Swept(given, {record.key: record for record in records}),
                        date=DAY)


@cache
def made(network: str) -> str:
    return report(explored(network), date=DAY)


class Hostile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module(HOSTILE, nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()))
        self.head = type(HOSTILE, (nn.Sequential,), {})(nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                                        nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self._modules[HOSTILE](x))    # type: ignore[misc]
        return x


def stranger(make: Callable[[], nn.Module], *shape: int, words: str = "net.py:Net") -> Source:
    return Source(key=words, titled=lambda: f"{words} · title", inputs=(Input(shape),),
                  build=lambda device: make().to(device).eval())


def hostile() -> Explored:
    return explorer.open(stranger(Hostile, 1, 3, 16, 16, words=HOSTILE))


@cache
def swept() -> tuple[Grid, list[Record]]:
    given = explorer.grid(["lenet5"], ["width=0.5:2:0.5", "input_size=8,32,64",
                                       "activation=tanh,relu"])
    return given, [count(point.key) for point in given]
