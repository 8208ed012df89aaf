"""How a forward pass is timed. This runs inside the measuring process, alone on its device.

The network is in evaluation and inference mode, in float32, with the weights that PyTorch
initialises and a random image. The first call is timed apart; passes follow until three in a row
agree; then single passes are timed, synchronised on both sides, until the budget is spent.
"""

from __future__ import annotations

import gc
import platform
import re
import statistics
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from explorer.analysis import summarise
from explorer.build import build
from explorer.config import Config
from explorer.key import from_key
from explorer.timing.errors import TimingError
from explorer.timing.prediction import check_memory

FEWEST_SAMPLES = 3
MOST_SAMPLES = 200
"""Enough for p10 and p90; a small network need not use up its budget."""
AGREEMENT = 0.05
"""Warm: three passes in a row within 5%."""
WARM_UP_SHARE = 0.3
"""Of the budget, for passes that never agree."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a figure depends on beside the network."""

    device_name: str
    torch: str
    dtype: str
    layout: str
    threads: int
    cudnn_benchmark: bool
    tf32: bool
    """Whether convolutions on CUDA may round their factors to 10 bits, as is PyTorch's default."""
    cuda: str | None
    driver: str | None


@dataclass(frozen=True, slots=True)
class Timing:
    """The forward pass of one config on one device; figures in seconds."""

    key: str
    device: str
    batch_size: int
    median_s: float
    p10_s: float
    p90_s: float
    n: int
    """Passes that the three figures are taken from."""
    first_s: float
    """The first pass of the network, in which kernels are chosen and memory is taken."""
    started_s: float
    """When the run began, in seconds since 1970; `finished_s` is when it ended."""
    finished_s: float
    conditions: Conditions

    @property
    def images_per_second(self) -> float:
        return self.batch_size / self.median_s


def measure(key: str, device: str, budget_s: float) -> Timing:
    """Time the forward pass of the config `key` for about `budget_s` seconds.

    At least three passes are timed after the first, however long they take; building the network
    is not part of the budget. Raises `TimingError` where the memory does not suffice.
    """
    started_s = time.time()
    config = from_key(key)
    check_memory(key, summarise(config).totals, device)
    try:
        first_s, samples = _run(config, device, budget_s)
    except (RuntimeError, MemoryError) as error:
        raise _explain(error, key, device) from error
    if device.startswith("cuda"):
        torch.cuda.empty_cache()    # an idle process leaves the memory to others
    deciles = statistics.quantiles(samples, n=10, method="inclusive")
    return Timing(key, device, config.batch_size, statistics.median(samples), deciles[0],
                  deciles[-1], len(samples), first_s, started_s, time.time(), _conditions(device))


@torch.inference_mode()
def _run(config: Config, device: str, budget_s: float) -> tuple[float, list[float]]:
    """Seconds of the first pass, and of each timed one.

    Not `torch.utils.benchmark.Timer`: it repeats two passes before every sample, or takes samples
    that are means over blocks of passes, and neither keeps to a budget.
    """
    network = build(config, device)
    images = torch.randn(config.input_shape, device=device)

    def one_pass() -> float:
        _synchronise(device)
        start = time.perf_counter()
        network(images)
        _synchronise(device)
        return time.perf_counter() - start

    gc.disable()
    try:
        start = time.perf_counter()
        first_s = one_pass()
        recent = deque([first_s], maxlen=3)
        while time.perf_counter() < start + WARM_UP_SHARE * budget_s:
            recent.append(one_pass())
            if len(recent) == 3 and max(recent) <= (1 + AGREEMENT) * min(recent):
                break
        samples: list[float] = []
        while len(samples) < FEWEST_SAMPLES or (
                len(samples) < MOST_SAMPLES and time.perf_counter() < start + budget_s):
            samples.append(one_pass())
    finally:
        gc.enable()
    return first_s, samples


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def _explain(error: Exception, key: str, device: str) -> TimingError:
    """PyTorch's account of a failed pass, in a sentence of ours."""
    if isinstance(error, MemoryError) or re.search("out of memory|allocate memory", str(error)):
        return TimingError(f"The forward pass of {key} ran out of memory on {device}. "
                           "Lower `batch_size` or `input_size`.")
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return TimingError(f"The forward pass of {key} failed on {device}: {reason}")


def _conditions(device: str) -> Conditions:
    on_cuda = device.startswith("cuda")
    return Conditions(
        device_name=torch.cuda.get_device_name(device) if on_cuda else _processor(),
        torch=torch.__version__, dtype="float32", layout="contiguous",
        threads=torch.get_num_threads(),
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        tf32=on_cuda and torch.backends.cudnn.allow_tf32,
        cuda=torch.version.cuda if on_cuda else None,
        driver=_driver() if on_cuda else None)


@cache
def _processor() -> str:
    """The name that a person knows the CPU by; `platform` has it on no Linux."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


@cache
def _driver() -> str | None:
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.partition("\n")[0].strip() or None
