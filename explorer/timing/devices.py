"""What a forward pass can be timed on, and what is there to do it. Asking creates no CUDA context.

The names and versions at the end are for the measuring process, which has a context already.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil
import torch

from explorer.language import Text
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
        known: object = "auto"
        for one in there:
            known = Text("{one} or {other}", one=known, other=one)
        raise TimingError(Text("`device` must be {devices} on this machine; got {device}.",
                               devices=known, device=repr(device)))
    return name


def cores() -> int:
    """The logical cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usual_threads() -> int:
    """The threads that PyTorch takes by itself."""
    return min(torch.get_num_threads(), cores())


@cache
def can_compile(device: str) -> bool:
    """Whether `torch.compile` can work there: it needs a C++ compiler and Python's headers, and
    for CUDA Triton."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("g++", "clang++", "cl")), None)
    headers = Path(sysconfig.get_path("include"), "Python.h").is_file()
    if not compiler or not shutil.which(compiler) or not headers or device == "mps":
        return False
    return device == "cpu" or find_spec("triton") is not None


def device_name(device: str) -> str:
    """The name that a person knows the device by."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor()


@cache
def _processor() -> str:
    """`platform` has no name of the CPU on Linux."""
    try:
        model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        model = None
    return model[1] if model else platform.processor() or platform.machine()


@cache
def driver(device: str) -> str | None:
    """Version of the NVIDIA driver; None on other devices."""
    return _nvidia_smi(device, "driver_version") if device.startswith("cuda") else None


def clock_mhz(device: str) -> float | None:
    """The clock as it is now, in MHz, where the system tells."""
    if device.startswith("cuda"):
        answer = _nvidia_smi(device, "clocks.sm")
        return float(answer) if answer and answer.replace(".", "", 1).isdigit() else None
    try:
        frequency = psutil.cpu_freq() if device == "cpu" else None
    except (OSError, NotImplementedError, RuntimeError):
        frequency = None
    return round(frequency.current) if frequency and frequency.current else None


def _nvidia_smi(device: str, field: str) -> str | None:
    # By its own identity: CUDA_VISIBLE_DEVICES changes the order.
    identity = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    try:
        answer = subprocess.run(
            ["nvidia-smi", "-i", identity, f"--query-gpu={field}", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.partition("\n")[0].strip() or None
