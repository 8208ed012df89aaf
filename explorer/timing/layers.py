"""The time of every call of a pass, in a run of its own. This runs inside the measuring process.

Adds, concatenations and functional activations are calls too, and the times stand in the order of
`Summary.layers`. What makes one call is known from the trace: a leaf module whose `forward` is one
call notes when it ends, and what is called outside of such modules is seen by a
`TorchFunctionMode`, as the trace sees it. The mode costs some 10 µs a call, the note 1 µs.

A call's time goes from the end of the call before it to its own end. So the Python that leads to it
counts, and memory that is given back on the way; only what is left after the last call is in none.
On CUDA events are recorded at the ends, and read after the pass.

Passes with and without notes take turns, so that what changes on the machine changes both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explorer.pipeline import summarise
from explorer.sources import find_source
from explorer.timing.choices import Choices
from explorer.timing.conditions import Conditions, conditions
from explorer.timing.disturbance import wait_for_calm, warnings, watched
from explorer.timing.errors import TimingError
from explorer.timing.passes import Pass, prepared
from explorer.timing.protocol import WARM_UP_SHARE, guarded, timed, warm_up
from explorer.timing.worker import Progress, report
from explorer.tracing import Trace, leaves

FEWEST_PASSES, MOST_PASSES = 3, 100


@dataclass(frozen=True, slots=True)
class LayerTimes:
    """Median seconds of every call of one network; of a training step, of its forward half."""

    key: str
    device: str
    seconds: tuple[float, ...]
    """One for each of `Summary.layers`."""
    whole_s: float
    """Median of the passes in which no call was timed."""
    passes: int
    """Passes of each sort."""
    started_s: float
    finished_s: float
    warnings: tuple[str, ...]
    conditions: Conditions

    @property
    def sum_s(self) -> float:
        return sum(self.seconds)

    @property
    def difference_s(self) -> float:
        """What the calls add up to beyond the pass in which none was timed; it can be negative."""
        return self.sum_s - self.whole_s

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the sum: they add up to 1."""
        whole = self.sum_s
        return tuple(seconds / whole for seconds in self.seconds)


def measure_layers(key: str, device: str, budget_s: float, choices: Choices) -> LayerTimes:
    """Time every call of the network `key`, for about `budget_s` seconds but at least three passes.

    Raises `TimingError` where the memory does not suffice.
    """
    started_s = time.time()
    source = find_source(key)
    summary = summarise(source, training=choices.training)
    with guarded(key, summary, device, choices), prepared(source, device, choices) as given:
        # Of a training step the calls of the forward half are known.
        given.run = lambda: given.network(given.images)
        wait_for_calm(lambda: report(Progress("waiting for other programs")))
        with watched() as load:
            spent_s = timed(given, "first pass")
            warm_up(given, WARM_UP_SHARE * budget_s - spent_s)
            whole, calls = sample_calls(given, summary.trace, budget_s - spent_s)
        threads = torch.get_num_threads() if device == "cpu" else 1
    return LayerTimes(
        key=key, device=device,
        seconds=tuple(map(statistics.median, zip(*calls, strict=True))),
        whole_s=statistics.median(whole), passes=len(whole), started_s=started_s,
        finished_s=time.time(), warnings=warnings(whole, load, threads),
        conditions=conditions(device, choices))


def sample_calls(given: Pass, trace: Trace,
                 budget_s: float) -> tuple[list[float], list[list[float]]]:
    """Seconds of passes without notes, and of each call in as many passes with them."""
    whole: list[float] = []
    calls: list[list[float]] = []
    start = time.perf_counter()
    mark, read = _clock(given)
    while len(calls) < FEWEST_PASSES or (
            len(calls) < MOST_PASSES and time.perf_counter() < start + budget_s):
        share = min(1.0, (time.perf_counter() - start) / max(budget_s, 1e-6))
        report(Progress("timing every call", len(calls), share))
        whole.append(timed(given))
        with noted(given.network, trace, mark):
            mark()
            given.run()
        given.wait()
        seconds = read()
        if len(seconds) != len(trace.calls):
            raise TimingError(f"{len(seconds)} calls ran and {len(trace.calls)} are in the "
                              "trace: the times would stand beside the wrong layers.")
        calls.append(seconds)
    return whole, calls


@contextmanager
def noted(network: nn.Module, trace: Trace, mark: Callable[[], None]) -> Iterator[None]:
    """`mark` is called at the end of every call that the trace has, in its order.

    The modules are as they were at the end of the block, also one that has a `forward` of its own.
    """
    runs: dict[str, set[int]] = {}
    for run in trace.runs:
        runs.setdefault(run.path, set()).add(run.stop - run.start)
    single = [module for path, module in network.named_modules()
              if path and not trace.modules[path].children and runs.get(path) == {1}]
    own = {module: vars(module)["forward"] for module in single if "forward" in vars(module)}
    try:
        for module in single:
            vars(module)["forward"] = _marked(module.forward, mark)
        with _Between(mark):
            yield
    finally:
        for module in single:
            vars(module).pop("forward", None)
        for module, forward in own.items():
            vars(module)["forward"] = forward


def _marked(forward: Callable[..., Any], mark: Callable[[], None]) -> Callable[..., Any]:
    def marked(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            result = forward(*args, **kwargs)
        mark()
        return result
    return marked


class _Between(TorchFunctionMode):
    """Sees the calls outside of modules: functions of tensors that give tensors."""

    def __init__(self, mark: Callable[[], None]) -> None:
        super().__init__()
        self._mark = mark

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if leaves([result], Tensor):       # `x.shape` is none
            self._mark()
        return result


def _clock(given: Pass) -> tuple[Callable[[], None], Callable[[], list[float]]]:
    """`mark` notes a time; `read` gives the seconds between the marks and forgets them."""
    if given.images.is_cuda:
        events: list[torch.cuda.Event] = []

        def record() -> None:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            events.append(event)

        def elapsed() -> list[float]:
            seconds = [before.elapsed_time(after) / 1e3 for before, after in pairwise(events)]
            events.clear()
            return seconds
        return record, elapsed

    times: list[float] = []

    def note() -> None:
        given.wait()    # on a CPU there is nothing to wait for
        times.append(time.perf_counter())

    def passed() -> list[float]:
        seconds = [after - before for before, after in pairwise(times)]
        times.clear()
        return seconds
    return note, passed
