"""Runs that are as quiet or as disturbed as a test says, whatever else the machine does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from explorer.timing import BatchTimes, LayerTimes, Rates, Timing, TurnTimes, process

WARNING = "Other programs kept 9.9 of the cores busy."


def judged(measured: Any, disturbed: bool) -> Any:
    """What a run has measured, as if it had been disturbed, or had not."""
    warnings = (WARNING,) if disturbed else ()
    if isinstance(measured, BatchTimes):
        return replace(measured, points=tuple(
            replace(point, timing=replace(point.timing, warnings=warnings)) if point.timing
            else point for point in measured.points))
    return replace(measured, warnings=warnings)


def runs_are(monkeypatch: pytest.MonkeyPatch, *disturbed: bool,
             change: Callable[[Any], Any] = lambda measured: measured) -> None:
    """Real runs, of which one after the other is as `disturbed` says, and all others as the last;
    `change` makes something else of what they measure."""
    left = list(disturbed)
    exchange = process.MeasuringProcess._exchange

    def told(self: process.MeasuringProcess, job: process.Job[Any]) -> tuple[str, Any]:
        word, outcome = exchange(self, job)
        if isinstance(outcome, (Timing, LayerTimes, Rates, BatchTimes, TurnTimes)):
            outcome = change(judged(outcome, left.pop(0) if len(left) > 1 else left[0]))
        return word, outcome

    monkeypatch.setattr(process.MeasuringProcess, "_exchange", told)
