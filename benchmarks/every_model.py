"""Every model of torchvision and timm, traced and held against what PyTorch itself says of it.

    python -m benchmarks.every_model --output FILE [--only REGEX] [--every N] [--jobs N]
        [--no-times]

Each model is built on meta and runs in evaluation, one sample, at its default input size.
`FlopCounterMode` gives its multiply-adds, autograd the parameters that reach a result, a forward
pass the shapes of all results. FILE gets one line of JSON a model, and models that are already in
it are not run again: what was stopped goes on. At the end it says of each criterion whether it is
met, and which models miss it, by reason. Times are only worth something with one job.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import re
import signal
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.module_tracker import ModuleTracker

from explorer import libraries
from explorer.analysis import Summary, analyse
from explorer.sources import find_source
from explorer.sources.library import LIBRARIES
from explorer.tracing import Input, Operand, TraceError, leaves, trace

ROUNDS = 3
"""Timed passes of each kind, after one that nobody times."""
SECONDS = 300
"""After which a model is given up."""

Shape = tuple[int, ...]


# Models.

class Ready(NamedTuple):
    """A network on meta, in evaluation, and its inputs."""

    network: nn.Module
    inputs: tuple[Input, ...]


def every_model() -> list[str]:
    """All of torchvision's models, then all of timm's, as they are named in the program."""
    return [f"{library}:{name}" for library in ("torchvision", "timm")
            for name in LIBRARIES[library].names()]


def ready(key: str) -> Ready:
    source = find_source(key)
    return Ready(source.build("meta"), source.inputs)


# What the tracer says.

def follow(model: Ready) -> Summary:
    """Trace and analyse."""
    return analyse(trace(model.network, model.inputs))


def result_shapes(summary: Summary) -> list[Shape]:
    """The shape of every tensor that the network returned."""
    return [operand.shape for operand in leaves([summary.trace.result], Operand)]


# What PyTorch says.

def forward(model: Ready) -> Any:
    return model.network(*[torch.empty(given.shape, device="meta") for given in model.inputs])


def tensors(result: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]


@contextmanager
def gradients(network: nn.Module, wanted: bool) -> Iterator[None]:
    """All parameters with gradients, or none of them."""
    before = {weight: weight.requires_grad for weight in network.parameters()}
    try:
        for weight in before:
            weight.requires_grad_(wanted and weight.is_floating_point())
        yield
    finally:
        for weight, required in before.items():
            weight.requires_grad_(required)


def flop_pass(model: Ready) -> tuple[int, Any]:
    """FLOPs of a forward pass, and its result."""
    # It stumbles over modules that are given a parameter, where that requires a gradient.
    with gradients(model.network, False), torch.no_grad(), \
            FlopCounterMode(display=False) as counter:
        result = forward(model)
    return counter.get_total_flops(), result


class NoModules(ModuleTracker):
    """Does not note which module an operation is in: nobody asks, it takes a third of the pass, and
    with gradients it stumbles as above."""

    def __enter__(self) -> NoModules:
        return self

    def __exit__(self, *_: object) -> None: ...


def flop_counter() -> FlopCounterMode:
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = NoModules()
    return counter


def flop_pass_with_gradients(model: Ready) -> tuple[int, Any]:
    """The same as `flop_pass`, with a graph to go back through."""
    with flop_counter() as counter:
        result = forward(model)
    return counter.get_total_flops(), result


def reached_by_autograd(network: nn.Module, result: Any) -> int:
    """Number of the parameters that the sum over all results has a gradient for."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    results = [tensor for tensor in tensors(result) if tensor.requires_grad]
    if not results:
        return 0
    found = torch.autograd.grad([result.sum() for result in results], weights, allow_unused=True)
    return sum(weight.numel() for weight, gradient in zip(weights, found, strict=True)
               if gradient is not None)


# One model.

@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One model: each figure of the tracer and PyTorch's, None where there is none."""

    name: str
    not_built: str | None = None
    failure: str | None = None
    """Why it could not be traced."""
    foreign: str | None = None
    """The exception, where that was no `TraceError`."""
    params: int | None = None
    params_registered: int | None = None
    macs: int | None = None
    flops: int | None = None
    not_run: str | None = None
    """Why `FlopCounterMode` could not run it."""
    params_used: int | None = None
    params_reached: int | None = None
    no_gradient: str | None = None
    """Why autograd could not run it."""
    shapes: list[list[int]] | None = None
    result_shapes: list[list[int]] | None = None
    not_counted: list[str] | None = None
    """Operators of the layers whose cost is not known."""
    trace_seconds: float | None = None
    flop_seconds: float | None = None


def compare(name: str, *, times: bool = False) -> Record:
    """Run a model through the tracer and through PyTorch."""
    figures: dict[str, Any] = {"name": name}
    try:
        model = ready(name)
    except Exception as error:      # whatever a library raises: the record says it
        return Record(**figures, not_built=said(error))
    figures["params_registered"] = sum(weight.numel() for weight in model.network.parameters())
    try:
        summary = follow(model)
    except TraceError as error:
        figures["failure"] = error.reason
    except Exception as error:      # the one thing that must not be: the record says it
        figures["failure"] = figures["foreign"] = said(error)
    else:
        figures |= {"params": summary.totals.params, "macs": summary.totals.macs,
                    "params_used": summary.totals.params_used,
                    "shapes": [list(shape) for shape in result_shapes(summary)],
                    "not_counted": sorted({layer.call.operator for layer in summary.not_counted})}
    with gradients(model.network, True):
        try:
            figures["flops"], result = flop_pass_with_gradients(model)
        except Exception as error:      # not every model runs on meta
            figures["not_run"] = figures["no_gradient"] = said(error)
        else:
            figures["result_shapes"] = [list(tensor.shape) for tensor in tensors(result)]
            try:
                figures["params_reached"] = reached_by_autograd(model.network, result)
            except Exception as error:      # nor backward
                figures["no_gradient"] = said(error)
            del result      # a graph as large as the network
    if times and "macs" in figures and "flops" in figures:
        figures["trace_seconds"], figures["flop_seconds"] = in_turn(
            partial(follow, model), partial(flop_pass, model))
    return Record(**figures)


def said(error: Exception) -> str:
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"


def in_turn(*ways: Callable[[], object]) -> list[float]:
    """The median time of each, taken in turn; what ran before was the warm-up."""
    return [statistics.median(column) for column in zip(
        *[[seconds(way) for way in ways] for _ in range(ROUNDS)], strict=True)]


def seconds(way: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


# Criteria.

class Criterion(NamedTuple):
    sentence: str
    least: float
    """The share of models that must hold it."""
    concerns: Callable[[Record], bool]
    reason: Callable[[Record], str | None]
    """Why a model misses it; None where it holds."""


def same_macs(record: Record) -> str | None:
    if record.macs is None or record.flops is None:
        return record.failure
    if 2 * record.macs == record.flops:
        return None
    direction = "too few" if 2 * record.macs < record.flops else "too many"
    return f"{direction}, not counted: {', '.join(record.not_counted or ['nothing'])}"


def same_reach(record: Record) -> str | None:
    if record.params_used is None or record.params_reached is None:
        return record.failure
    if record.params_used == record.params_reached:
        return None
    return "too few" if record.params_used < record.params_reached else "too many"


CRITERIA = [
    Criterion("traced", 0.99, lambda record: True, lambda record: record.failure),
    Criterion("every exception a TraceError", 1, lambda record: True,
              lambda record: record.foreign),
    Criterion("parameters exact", 1, lambda record: record.params is not None,
              lambda record: None if record.params == record.params_registered else "differ"),
    Criterion("macs equal FlopCounterMode / 2, where it can run", 0.995,
              lambda record: record.flops is not None, same_macs),
    Criterion("macs equal where all layers are counted", 1,
              lambda record: record.flops is not None and record.not_counted == [], same_macs),
    Criterion("params_used equal what autograd reaches, where it can run", 0.995,
              lambda record: record.params_reached is not None, same_reach),
    Criterion("all layers counted", 0.9, lambda record: True,
              lambda record: record.failure or ", ".join(record.not_counted or []) or None),
    Criterion("shapes of all results equal", 1,
              lambda record: None not in (record.shapes, record.result_shapes),
              lambda record: None if record.shapes == record.result_shapes
              else f"{record.shapes} for {record.result_shapes}"),
    Criterion("not slower than FlopCounterMode", 1,
              lambda record: record.trace_seconds is not None,
              lambda record: None if ratio(record) >= 1 else f"{ratio(record):.2f} times as fast"),
]
LEAST_MEAN = 5
"""How many times as fast as a `FlopCounterMode` pass, in the geometric mean."""


def missed(record: Record) -> dict[str, str]:
    """The criteria that a model misses, each with the reason."""
    if record.not_built:
        return {"built": record.not_built}
    reasons = {criterion.sentence: criterion.reason(record) for criterion in CRITERIA
               if criterion.concerns(record)}
    return {sentence: reason for sentence, reason in reasons.items() if reason}


def ratio(record: Record) -> float:
    """How many times as fast as the `FlopCounterMode` pass."""
    assert record.trace_seconds and record.flop_seconds
    return record.flop_seconds / record.trace_seconds


# All of them.

class OutOfTime(BaseException):
    """No `Exception`, so that nobody on the way takes it for one of the model's."""


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise OutOfTime

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def prepare() -> None:
    """What a process does before its first model."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    libraries.load("timm")
    gc.collect()
    gc.freeze()         # so that the collection before each timed pass is short


def run(name: str, times: bool) -> Record:
    try:
        with limit(SECONDS):
            return compare(name, times=times)
    except OutOfTime:
        sentence = f"it took longer than {SECONDS} s"
        return Record(name=name, failure=sentence, foreign=sentence)
    finally:
        gc.collect()    # a model's modules know each other


def run_all(names: Iterable[str], output: Path, *, jobs: int, times: bool) -> None:
    """Add a line for each model to `output`."""
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), prepare)
    try:
        futures = [executor.submit(run, name, times) for name in names]
        with output.open("a") as file:
            for done, future in enumerate(as_completed(futures), 1):
                record = future.result()
                file.write(json.dumps(asdict(record)) + "\n")
                file.flush()
                print(f"{done}/{len(futures)} {record.name}: "
                      f"{', '.join(missed(record)) or 'as PyTorch says'}", flush=True)
    finally:
        executor.shutdown(cancel_futures=True)


def read(output: Path) -> dict[str, Record]:
    """What `output` holds, by name; the last line may be half of one."""
    records = {}
    for line in output.read_text().splitlines() if output.exists() else ():
        if line.endswith("}"):
            record = Record(**json.loads(line))
            records[record.name] = record
    return records


def report(records: list[Record]) -> str:
    """Each criterion with its figure; then who misses it, by reason."""
    built = [record for record in records if not record.not_built]
    heads, details = [], []
    for criterion in CRITERIA:
        concerned = [record for record in built if criterion.concerns(record)]
        reasons: dict[str, list[str]] = defaultdict(list)
        for record in concerned:
            if reason := criterion.reason(record):
                reasons[re.sub(r"\b\d+\b", "N", reason)[:160]].append(record.name)
        misses = sum(map(len, reasons.values()))
        share = 1 - misses / len(concerned) if concerned else None
        verdict = "none" if share is None else "met" if share >= criterion.least else "MISS"
        heads.append(f"{verdict:4}  {share or 0:7.2%} of {len(concerned):4} "
                     f"(at least {criterion.least:.1%})  {criterion.sentence}")
        if misses:
            details.append(f"\nMisses: {criterion.sentence}")
            details += [f"  {len(names):4}  {reason}\n        {' '.join(sorted(names))}"
                        for reason, names in sorted(reasons.items(), key=lambda it: -len(it[1]))]
    if ratios := [ratio(record) for record in built if record.trace_seconds]:
        mean = statistics.geometric_mean(ratios)
        heads.append(f"{'met' if mean >= LEAST_MEAN else 'MISS':4}  {mean:.2f} times as fast as "
                     f"FlopCounterMode in the geometric mean (at least {LEAST_MEAN}), least "
                     f"{min(ratios):.2f}")
    unbuilt = [f"  {record.name}: {record.not_built}" for record in records if record.not_built]
    return "\n".join([f"{len(records)} models, {len(unbuilt)} could not be built", *unbuilt, *heads,
                      *details])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX",
                        help="models whose name it is found in")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth of them")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--no-times", action="store_true", help="take no times")
    asked = parser.parse_args()
    names = [name for name in every_model() if asked.only.search(name)][::asked.every]
    known = read(asked.output)
    run_all([name for name in names if name not in known], asked.output, jobs=asked.jobs,
            times=not asked.no_times)
    known = read(asked.output)
    print("\n" + report([known[name] for name in names if name in known]))


if __name__ == "__main__":
    main()
