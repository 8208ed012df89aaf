"""What a forward pass will take, known before anything is allocated: memory and seconds."""

from __future__ import annotations

import math
from pathlib import Path
from threading import Lock

import psutil
import torch

from explorer.analysis import Summary, Totals, analyse
from explorer.sources import Source
from explorer.timing.choices import DEFAULT, Choices
from explorer.timing.errors import TimingError

# Beside the activations a CPU pass holds oneDNN's reordered copies and workspaces. Seen on four
# networks: a peak of 1.6 to 1.7 times the activations. A GPU that runs out of memory says so and
# lives on; a CPU process is killed, so there the prediction is on the safe side.
CPU_WORKSPACE = 1.7

LAYER_OVERHEAD_S = 20e-6
"""What calling a layer takes however small its arithmetic."""

STEP_COST = 3
"""A training step against its forward pass: backward is two products for each one forward."""

# Multiply-adds per second until a pass has been timed: low, so that a long run is asked about.
_rates: dict[str, float] = {"cpu": 30e9, "mps": 200e9, "cuda": 1e12}
_lock = Lock()


def pass_bytes(summary: Summary, choices: Choices) -> int:
    """Memory that a pass needs at its peak: weights, activations, and in training the gradients.

    `summary` is that of a training pass where `choices.training` is set. What a library takes
    while a layer runs is not in it.
    """
    totals = summary.totals
    if choices.element_bytes != 4:
        totals = analyse(summary.trace, element_bytes=choices.element_bytes).totals
    if not choices.training:
        return totals.param_bytes + totals.peak_activation_bytes
    # When backward begins all is kept; at each layer the gradients of its output and its input
    # come to it.
    largest = max((layer.activation_bytes for layer in summary.layers), default=0)
    return 2 * totals.param_bytes + totals.peak_activation_bytes \
        + 2 * largest * choices.element_bytes // summary.element_bytes


def check_memory(source: Source, summary: Summary, device: str, choices: Choices) -> float:
    """Bytes that are free; raises `TimingError` where the pass of a network needs more.

    On a CUDA device this creates a context: there, call it in the measuring process only.
    """
    needed, free = pass_bytes(summary, choices), free_bytes(device)
    if device == "cpu":
        weights = summary.totals.param_bytes * choices.element_bytes / 4
        needed = int(weights + CPU_WORKSPACE * (needed - weights))
    if needed > free:
        raise TimingError(
            f"The {choices.pass_name} of {source.key} needs about {needed / 1e9:,.1f} GB of "
            f"memory; {free / 1e9:,.1f} GB are free on {device}. {_smaller(source)}")
    return free


def _smaller(source: Source) -> str:
    knobs = [f"`{name}`" for name in ("batch_size", "input_size")
             if name in source.knobs]
    return f"Lower {' or '.join(knobs)}." if knobs else "Give it a smaller input."


def out_of_memory(source: Source, summary: Summary, device: str, choices: Choices,
                  free: float) -> TimingError:
    """The error of a pass that was begun with `free` bytes, which did not suffice."""
    return TimingError(
        f"The {choices.pass_name} of {source.key} ran out of memory on {device}: it was predicted "
        f"to need {pass_bytes(summary, choices) / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB were "
        f"free. {_smaller(source)}")


def free_bytes(device: str) -> float:
    """Memory that this process may still take on a device, in bytes."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()    # what PyTorch keeps of earlier passes is free too
        free, _ = torch.cuda.mem_get_info(device)
        return free
    available: int = psutil.virtual_memory().available
    return min(available, _control_group_free())


def _control_group_free(membership: Path = Path("/proc/self/cgroup"),
                        mount: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes that the limits of a container leave; infinite where there is none."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:    # not Linux
        return math.inf
    free = math.inf
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:    # version 2
            root, names = mount, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = mount / "memory", (
                "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # The limit may be that of a group further up.
        group = root / path.lstrip("/")
        free = min(free, *(_left(folder, *names) for folder in (group, *group.parents)))
    return free


def _left(group: Path, limit: str, used: str, cached: str) -> float:
    try:
        statistics = dict(row.split() for row in (group / "memory.stat").read_text().splitlines())
        # The file cache counts as used, but is given back on demand.
        return (int((group / limit).read_text()) - int((group / used).read_text())
                + int(statistics.get(cached, 0)))
    except (OSError, ValueError):    # no such group, or a limit of "max"
        return math.inf


def predict_seconds(summary: Summary, device: str, choices: Choices = DEFAULT) -> float:
    """About how long one pass takes, in seconds; `device` as `resolve` returns it.

    Whichever is more: multiply-adds at the rate that earlier passes on the device had with the
    same choices, or a fixed time for each layer, which is what bounds small and depthwise networks.
    """
    totals = summary.totals
    forward = max(totals.macs / _rate(device, choices), totals.layers * LAYER_OVERHEAD_S)
    return forward * (STEP_COST if choices.training else 1)


def learn_rate(totals: Totals, device: str, seconds: float, choices: Choices = DEFAULT) -> None:
    """Bring the rate of a device half-way to that of a timed pass.

    A pass that is bounded by its layers says nothing of how fast they compute.
    """
    forward = seconds / (STEP_COST if choices.training else 1)
    with _lock:
        rate = _rate(device, choices)
        if totals.macs / rate > totals.layers * LAYER_OVERHEAD_S:
            _rates[_name(device, choices)] = (rate + totals.macs / forward) / 2


def _rate(device: str, choices: Choices) -> float:
    return _rates.get(_name(device, choices)) or _rates.get(device) \
        or _rates[device.partition(":")[0]]


def _name(device: str, choices: Choices) -> str:
    """The device itself with the default choices."""
    return f"{device} {choices!r}" if choices != DEFAULT else device
