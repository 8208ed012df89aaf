"""What a forward pass can be timed on. Asking creates no CUDA context."""

from __future__ import annotations

import torch

from explorer.timing.errors import TimingError


def available() -> tuple[str, ...]:
    """The devices of this machine, the fastest kind first; the CPU is always the last."""
    gpus = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return (*(f"cuda:{index}" for index in gpus), *mps, "cpu")


def resolve(device: str) -> str:
    """The device that a name stands for: "auto" is the first of `available()`, "cuda" is "cuda:0".

    Raises `TimingError` for a device that is unknown or not on this machine.
    """
    there = available()
    name = device.strip().lower()
    name = {"auto": there[0], "cuda": "cuda:0"}.get(name, name)
    if name not in there:
        raise TimingError(f"`device` must be auto or {' or '.join(there)} on this machine; "
                          f"got {device!r}.")
    return name
