"""What the sessions measure. Who wants the same shares a run, and one that nobody wants any more is
stopped: a knob that turns does not have to wait for the figures of where it was.

What was disturbed is shared with nobody: only who has waited for it sees it, and the next who asks
begins anew.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Any, Literal, NamedTuple

from explorer import text
from explorer.analysis import Summary
from explorer.config import ConfigError
from explorer.language import Text
from explorer.lessons.experiments.digits import submit_digits
from explorer.lessons.experiments.effective_field import submit_field
from explorer.lessons.experiments.gradients import submit_gradients
from explorer.libraries import LibraryError
from explorer.pipeline import Explored
from explorer.sources import LARGEST_BATCH
from explorer.timing import (
    Choices,
    TimingError,
    quiet,
    submit,
    submit_batches,
    submit_layers,
    submit_rates,
    submit_turns,
)
from explorer.timing.job import terms
from explorer.timing.prediction import pass_bytes, predict_seconds
from explorer.tracing import TraceError
from explorer.ui.limits import limits

What = Literal["pass", "layers", "rates", "ceiling", "batches", "turns", "layers in turn",
               "digits", "gradients", "field"]
"""`rates` are the device's own; `ceiling` is the same measured again, for layers above it. In turn
are several networks. The last three are experiments of the lessons."""

KEPT = 256


class Wish(NamedTuple):
    """What is to be measured, and how."""

    what: What
    keys: tuple[str, ...]
    """Of the networks: mostly one."""
    device: str
    choices: Choices
    budget_s: float
    given: tuple[int | str, ...] = ()
    """What an experiment is told beside: steps, a layer, a seed."""


class Runs:
    """The runs of all sessions, and who wants them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: OrderedDict[Wish, Future[Any]] = OrderedDict()
        self._wanted: dict[Wish, set[str]] = {}
        self._disturbed: OrderedDict[tuple[Wish, str], Future[Any]] = OrderedDict()

    def want(self, wish: Wish, networks: Sequence[Explored], owner: str,
             most_s: float = math.inf) -> Future[Any]:
        """The run of a wish, begun with the first who asks, for at most so many seconds; a failed
        or disturbed one is begun again."""
        with self._lock:
            self._set_aside(wish)
            run = self._runs.get(wish)
            if run is None or run.cancelled() or (run.done() and run.exception()):
                with terms(owner, most_s):
                    run = self._runs[wish] = _submit(wish, networks)
            self._wanted.setdefault(wish, set()).add(owner)
            self._runs.move_to_end(wish)
            if len(self._runs) > KEPT:
                self._wanted.pop(self._runs.popitem(last=False)[0], None)
            return run

    def find(self, wish: Wish, owner: str) -> Future[Any] | None:
        """The run of a wish, or the disturbed one that the owner has waited for where no other has
        begun since."""
        with self._lock:
            self._set_aside(wish)
            return self._runs.get(wish) or self._disturbed.get((wish, owner))

    def outcome(self, wish: Wish, owner: str = "") -> Any:
        """What a run has measured, or the error that says why not; None before. While a disturbed
        one is repeated, what that has measured."""
        with self._lock:
            self._set_aside(wish)
            runs = self._runs.get(wish), self._disturbed.get((wish, owner))
        return next((outcome(run) for run in runs if run and run.done()), None)

    def drop(self, wish: Wish, owner: str) -> None:
        """The owner does not want it any more; the last one stops it."""
        with self._lock:
            wanted, run = self._wanted.get(wish, set()), self._runs.get(wish)
            wanted.discard(owner)
            self._disturbed.pop((wish, owner), None)
            if wanted:
                return
            self._wanted.pop(wish, None)
            if run is not None and not run.done():
                run.cancel()
                del self._runs[wish]

    def leave(self, owner: str) -> None:
        """The owner has gone, and wants nothing any more."""
        with self._lock:
            wishes = [wish for wish, owners in self._wanted.items() if owner in owners]
        for wish in wishes:
            self.drop(wish, owner)

    def forget(self, wish: Wish, owner: str) -> None:
        """Make the next who asks begin it again."""
        with self._lock:
            self._runs.pop(wish, None)
            self._disturbed.pop((wish, owner), None)

    def forget_all(self) -> None:
        """Let go of all that has been measured."""
        with self._lock:
            for wish in [wish for wish, run in self._runs.items() if run.done()]:
                del self._runs[wish]
                self._wanted.pop(wish, None)
            self._disturbed.clear()

    def _set_aside(self, wish: Wish) -> None:
        """Take a run that was disturbed away from all but those who have waited for it."""
        run = self._runs.get(wish)
        if run is None or not disturbed(run):
            return
        del self._runs[wish]
        for owner in self._wanted.get(wish, ()):
            self._disturbed[wish, owner] = run
        while len(self._disturbed) > KEPT:
            self._disturbed.popitem(last=False)


shared = Runs()


def _submit(wish: Wish, networks: Sequence[Explored]) -> Future[Any]:
    network, *_ = networks
    try:
        if (experiment := _EXPERIMENTS.get(wish.what)) is not None:
            return experiment(wish)
    except (ConfigError, LibraryError) as error:
        return _refused(error)
    made = network.training if wish.choices.training else network.failure or network.summary
    summary = made if isinstance(made, Summary) else None
    how = network.source, wish.device, wish.budget_s, wish.choices
    try:
        for each in networks:
            made = each.training if wish.choices.training else each.summary
            if wish.what not in ("rates", "ceiling"):
                check_allowed(each.title, each.summary, made if isinstance(made, Summary) else None,
                              wish.device, wish.choices)
        match wish.what:
            case "pass":
                return submit(*how, summary=summary)
            case "layers":
                return submit_layers(*how, summary=summary)
            case "rates":
                return submit_rates(wish.device, wish.choices)
            case "ceiling":
                return submit_rates(wish.device, wish.choices, again=True)
            case "batches":
                return submit_batches(*how, largest=_largest_batch(network, wish))
            case _:     # "turns" and "layers in turn"
                return submit_turns([each.source for each in networks], *how[1:],
                                    layers=wish.what == "layers in turn")
    except (TimingError, TraceError) as error:    # before it began, for want of memory say
        return _refused(error)


_EXPERIMENTS: dict[What, Callable[[Wish], Future[Any]]] = {
    "digits": lambda wish: submit_digits(wish.keys, *map(int, wish.given)),
    "gradients": lambda wish: submit_gradients(wish.keys, *map(int, wish.given)),
    "field": lambda wish: submit_field(wish.keys[0], str(wish.given[0]), int(wish.given[1])),
}


def _refused(error: Exception) -> Future[Any]:
    refused: Future[Any] = Future()
    refused.set_exception(error)
    return refused


def check_allowed(title: str, summary: Summary, made: Summary | None, device: str,
                  choices: Choices) -> None:
    """Raises `TimingError` where a pass is predicted to take more than the host lets one take;
    `made` is the summary of the pass itself, which may be of training."""
    allowed = limits()
    seconds = predict_seconds(summary, device, choices)
    needed = pass_bytes(made, choices) if made else 0
    if seconds > allowed.pass_seconds:
        raise TimingError(Text(
            "A pass of {network} is predicted to take {predicted}, and this server times passes of "
            "up to {most} s. A smaller network, input or batch takes less.", network=title,
            predicted=text.seconds(seconds), most=f"{allowed.pass_seconds:g}"))
    if needed > allowed.pass_bytes:
        raise TimingError(Text(
            "A pass of {network} is predicted to need {needed} GB of memory, and this server times "
            "passes of up to {most} GB. A smaller network, input or batch needs less.",
            network=title, needed=f"{needed / 1e9:,.1f}",
            most=f"{allowed.pass_bytes / 1e9:,.1f}"))


def _largest_batch(network: Explored, wish: Wish) -> int:
    """The most images of which a pass is within what the host lets one take: time and memory grow
    by the image, what the parameters need is small beside."""
    allowed, made = limits(), network.training if wish.choices.training else network.summary
    images = network.source.input_shape[0]
    seconds = predict_seconds(network.summary, wish.device, wish.choices) / images
    needed = pass_bytes(made, wish.choices) / images if isinstance(made, Summary) else 0
    most = min(allowed.pass_seconds / max(seconds, 1e-9), allowed.pass_bytes / max(needed, 1))
    return int(max(1, min(LARGEST_BATCH, most)))


def disturbed(run: Future[Any]) -> bool:
    """Whether a run is over, and nothing may be concluded from what it has measured."""
    over = run.done() and not run.cancelled() and not run.exception()
    return over and not quiet(run.result())


def outcome(run: Future[Any]) -> Any:
    """What a run has measured, or the error that says why not; None before and where it was
    cancelled."""
    if not run.done() or run.cancelled():
        return None
    try:
        return run.result(timeout=0)
    except (TimingError, TraceError, ConfigError, LibraryError) as error:
        return error
    except CancelledError:
        return None
    except Exception as error:      # whatever somebody's own network raises where it really runs
        said, *_ = str(error).splitlines() or [""]
        kind = type(error).__name__
        return TimingError(Text("The network does not run: {error}.",
                                error=f"{kind}: {said}" if said else kind))
