"""What a forward pass will take, known before anything is allocated: memory and seconds."""

from __future__ import annotations

import math
from pathlib import Path
from threading import Lock

import psutil
import torch

from explorer.analysis import Summary, analyse
from explorer.language import Text
from explorer.sources import Source
from explorer.timing.choices import DEFAULT, Choices
from explorer.timing.errors import TimingError

# Beside the activations a CPU pass holds oneDNN's reordered copies and workspaces. Seen on four
# networks: a peak of 1.6 to 1.7 times the activations. A GPU that runs out of memory says so and
# lives on; a CPU process is killed, so there the prediction is on the safe side.
CPU_WORKSPACE = 1.7

LAYER_OVERHEAD_S = 20e-6
"""What calling a layer takes however small its arithmetic."""

IN_CACHES = 8e6
"""Bytes that are read and written at the rate of caches, beside which arithmetic is the slower."""
_BYTES_PER_S = {"cpu": 5e9, "mps": 60e9, "cuda": 300e9}
"""Of more bytes than that. Of a CPU when it writes into memory that is new to it, as a pass does:
on two cores activations of 34 GB took 7 to 10 s."""

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
        raise TimingError(Text(
            "The {what} of {network} needs about {needed} GB of memory; {free} GB are free on "
            "{device}. {smaller}", what=choices.pass_name, network=source.key,
            needed=f"{needed / 1e9:,.1f}", free=f"{free / 1e9:,.1f}", device=device,
            smaller=_smaller(source)))
    return free


def _smaller(source: Source) -> Text:
    match [name for name in ("batch_size", "input_size") if name in source.knobs]:
        case [one, other]:
            return Text("Lower `{one}` or `{other}`.", one=one, other=other)
        case [one]:
            return Text("Lower `{knob}`.", knob=one)
    return Text("Give it a smaller input.")


def out_of_memory(source: Source, summary: Summary, device: str, choices: Choices,
                  free: float) -> TimingError:
    """The error of a pass that was begun with `free` bytes, which did not suffice."""
    return TimingError(Text(
        "The {what} of {network} ran out of memory on {device}: it was predicted to need {needed} "
        "GB, and {free} GB were free. {smaller}", what=choices.pass_name, network=source.key,
        device=device, needed=f"{pass_bytes(summary, choices) / 1e9:,.1f}",
        free=f"{free / 1e9:,.1f}", smaller=_smaller(source)))


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

    Each layer takes whichever is more: its multiply-adds at the rate that earlier passes on the
    device had with the same choices; what it reads and writes, where that is more than caches hold;
    or a fixed time, which is what bounds small networks.
    """
    arithmetic_s, rest_s = _shares(summary, device, choices)
    return (arithmetic_s + rest_s) * (STEP_COST if choices.training else 1)


def learn_rate(summary: Summary, device: str, seconds: float, choices: Choices = DEFAULT) -> None:
    """Bring the rate of a device half-way to that of a timed pass.

    A pass that is bounded by something else says nothing of how fast it computes.
    """
    forward = seconds / (STEP_COST if choices.training else 1)
    with _lock:
        rate = _rate(device, choices)
        arithmetic_s, rest_s = _shares(summary, device, choices)
        if arithmetic_s > rest_s:
            # What is left for them, and no less than their share.
            spent = max(forward - rest_s, forward * arithmetic_s / (arithmetic_s + rest_s))
            _rates[_name(device, choices)] = rate * (1 + arithmetic_s / spent) / 2


def _shares(summary: Summary, device: str, choices: Choices) -> tuple[float, float]:
    """Seconds of the layers that are bounded by their multiply-adds, and of all others."""
    rate, bytes_per_s = _rate(device, choices), _BYTES_PER_S[device.partition(":")[0]]
    arithmetic_s = rest_s = 0.0
    for layer in summary.layers:
        own_s = (layer.macs or 0) / rate
        moved = choices.element_bytes * (layer.params + sum(map(math.prod, layer.input_shapes))) \
            + layer.activation_bytes * choices.element_bytes // summary.element_bytes
        other_s = max(LAYER_OVERHEAD_S, moved / bytes_per_s if moved > IN_CACHES else 0.0)
        if own_s > other_s:
            arithmetic_s += own_s
        else:
            rest_s += other_s
    return arithmetic_s, rest_s


def _rate(device: str, choices: Choices) -> float:
    return _rates.get(_name(device, choices)) or _rates.get(device) \
        or _rates[device.partition(":")[0]]


def _name(device: str, choices: Choices) -> str:
    """The device itself with the default choices."""
    return f"{device} {choices!r}" if choices != DEFAULT else device
