"""The time of every call of a pass, in a run of its own. This runs inside the measuring process.

Adds, concatenations and functional activations are calls too, and the times stand in the order of
`Summary.layers`. What makes one call is known from the trace: a leaf module whose `forward` is one
call notes when it ends, and what is called outside of such modules is seen by a
`TorchFunctionMode`, as the trace sees it: in the same order, with the same functions opened, and
without what is no call there. The mode costs some 10 µs a call, the note 1 µs.

A call's time goes from the end of the call before it to its own end. So the Python that leads to it
counts, and memory that is given back on the way; only what is left after the last call is in none.
On CUDA events are recorded at the ends, and read after the pass.

Passes with and without notes take turns, so that what changes on the machine changes both.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer.language import Text
from explorer.pipeline import summarise
from explorer.sources import find_source
from explorer.timing.choices import Choices
from explorer.timing.conditions import Conditions, conditions
from explorer.timing.disturbance import WAITING, wait_for_calm, warnings, watched
from explorer.timing.errors import TimingError
from explorer.timing.passes import Pass, prepared
from explorer.timing.protocol import WARM_UP_SHARE, guarded, timed, warm_up
from explorer.timing.worker import Progress, report
from explorer.tracing import Trace
from explorer.tracing.operators import resolve
from explorer.tracing.outcome import opened

FEWEST_PASSES, MOST_PASSES = 3, 100

Attributes = Mapping[nn.Module, dict[str, Any]]
"""What the modules of a network hold."""


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
    warnings: tuple[Text, ...]
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
    with guarded(source, summary, device, choices), prepared(source, device, choices) as given:
        fresh = attributes_of(given.network)
        # Of a training step the calls of the forward half are known.
        given.run = given.forward
        wait_for_calm(lambda: report(Progress(WAITING)))
        with watched() as load:
            spent_s = timed(given, Text("first pass"))
            warm_up(given, WARM_UP_SHARE * budget_s - spent_s)
            whole, calls = sample_calls(given, summary.trace, budget_s - spent_s, fresh)
        threads = torch.get_num_threads() if device == "cpu" else 1
    return LayerTimes(
        key=key, device=device,
        seconds=tuple(map(statistics.median, zip(*calls, strict=True))),
        whole_s=statistics.median(whole), passes=len(whole), started_s=started_s,
        finished_s=time.time(), warnings=warnings(whole, load, threads),
        conditions=conditions(device, choices))


def sample_calls(given: Pass, trace: Trace, budget_s: float, fresh: Attributes | None = None,
                 ) -> tuple[list[float], list[list[float]]]:
    """Seconds of passes without notes, and of each call in as many passes with them; `fresh` is
    what the modules held before their first pass."""
    whole: list[float] = []
    calls: list[list[float]] = []
    start = time.perf_counter()
    while len(calls) < FEWEST_PASSES or (
            len(calls) < MOST_PASSES and time.perf_counter() < start + budget_s):
        share = min(1.0, (time.perf_counter() - start) / max(budget_s, 1e-6))
        report(Progress(Text("timing every call"), len(calls), share))
        whole.append(timed(given))
        calls.append(time_calls(given, trace, fresh))
    return whole, calls


def time_calls(given: Pass, trace: Trace, fresh: Attributes | None = None) -> list[float]:
    """Seconds of each call of one pass."""
    mark, read = _clock(given)
    with noted(given.network, trace, mark, fresh):
        mark()
        given.forward()
    given.wait()
    seconds = read()
    if len(seconds) != len(trace.calls):
        raise TimingError(Text("{ran} calls ran and {traced} are in the trace: the times would "
                               "stand beside the wrong layers.", ran=len(seconds),
                               traced=len(trace.calls)))
    return seconds


@contextmanager
def noted(network: nn.Module, trace: Trace, mark: Callable[[], None],
          fresh: Attributes | None = None) -> Iterator[None]:
    """`mark` is called at the end of every call that the trace has, in its order.

    For the block every module holds what it has in `fresh`, as before its first pass, which the
    trace is of: there is nothing kept from an earlier one. At its end all is as it was.
    """
    runs: dict[str, set[int]] = {}
    for run in trace.runs:
        runs.setdefault(run.path, set()).add(run.stop - run.start)
    single = {path for path, lengths in runs.items()
              if lengths == {1} and not trace.modules[path].children}
    before = []
    between = _Between(_order(trace, single), mark)
    try:
        for path, module in network.named_modules():
            attributes = _copied(fresh[module] if fresh else vars(module))
            before.append((module, vars(module)))
            object.__setattr__(module, "__dict__", attributes)
            if path in single:
                attributes["forward"] = _marked(module.forward, mark)
        with between:
            yield
    finally:
        for module, attributes in before:
            object.__setattr__(module, "__dict__", attributes)


def attributes_of(network: nn.Module) -> Attributes:
    """What the modules hold now, safe from what a pass puts into it."""
    return {module: _copied(vars(module)) for module in network.modules()}


def _copied(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: copy(value) if isinstance(value, (dict, list, set)) else value
            for name, value in attributes.items()}


def _marked(forward: Callable[..., Any], mark: Callable[[], None]) -> Callable[..., Any]:
    def marked(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            result = forward(*args, **kwargs)
        mark()
        return result
    return marked


Sort = Literal["call", "aside", "opened"]


def _order(trace: Trace, single: Container[str]) -> list[tuple[str, Sort]]:
    """The functions that are called outside of the modules `single`, in the order of the trace."""
    inside = {index for run in trace.runs if run.path in single
              for index in range(run.start, run.stop)}
    asides = deque([aside for aside in trace.asides if aside.module not in single])
    order: list[tuple[str, Sort]] = []

    def before(index: int) -> None:
        while asides and asides[0].before <= index:
            aside = asides.popleft()
            order.append((aside.operator, "opened" if aside.opened else "aside"))

    for call in trace.calls:
        before(call.index)
        if call.index not in inside:
            order.append((call.operator, "call"))
    before(len(trace.calls))
    return order


class _Between(TorchFunctionMode):
    """Sees what is called outside of modules, and knows by the order of the trace what each is."""

    def __init__(self, order: list[tuple[str, Sort]], mark: Callable[[], None]) -> None:
        super().__init__()
        self._order, self._mark, self._next = order, mark, 0

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        sort = self._sort(resolve(func).name)
        if sort == "opened" and (inside := opened(func)):
            with self:
                return inside(*args, **(kwargs or {}))
        result = func(*args, **(kwargs or {}))
        if sort == "call":
            self._mark()
        return result

    def _sort(self, operator: str) -> Sort:
        """What the function is that comes now; an aside where it is not the next of the trace,
        as `x.shape` is not. A constant that is kept beyond the pass is passed over."""
        operator = _SPELLED.get(operator, operator)
        for place in range(self._next, len(self._order)):
            name, sort = self._order[place]
            if name == operator:
                self._next = place + 1
                return sort
            if sort != "aside":
                break
        return "aside"


_SPELLED = {"data": "detach"}
"""What a symbolic tensor has under another name."""


def _clock(given: Pass) -> tuple[Callable[[], None], Callable[[], list[float]]]:
    """`mark` notes a time; `read` gives the seconds between the marks and forgets them."""
    if given.on_cuda:
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
