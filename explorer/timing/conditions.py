"""What a figure depends on beside the network: read in the measuring process, after the run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from explorer.timing import devices
from explorer.timing.choices import Choices


@dataclass(frozen=True, slots=True)
class Conditions:
    """None stands for what the device does not have, or the system does not tell."""

    device_name: str
    torch: str
    dtype: str
    layout: str
    """Memory layout of the activations: contiguous (NCHW) or channels last (NHWC)."""
    threads: int
    """Threads of the CPU that compute, or on a GPU could."""
    training: bool
    """A training step rather than a forward pass."""
    compiled: bool
    cuda_graph: bool
    flush_denormal: bool
    """Whether numbers below 1e-38 count as 0 on the CPU, as they do in the measuring process."""
    clock_mhz: float | None
    tf32: bool | None = None
    """Whether CUDA may round the factors of float32 products to 10 bits."""
    cudnn_benchmark: bool | None = None
    """Whether cuDNN tries its algorithms before it chooses one."""
    cuda: str | None = None
    cudnn: int | None = None
    driver: str | None = None


def conditions(device: str, choices: Choices) -> Conditions:
    """The conditions of a pass that was just timed."""
    common = Conditions(
        device_name=devices.device_name(device), torch=torch.__version__, dtype=choices.dtype,
        layout="channels last" if choices.channels_last else "contiguous",
        threads=choices.threads or torch.get_num_threads(), training=choices.training,
        compiled=choices.compile, cuda_graph=choices.cuda_graph,
        flush_denormal=_flushes_denormals(), clock_mhz=devices.clock_mhz(device))
    if not device.startswith("cuda"):
        return common
    return replace(common, tf32=choices.tf32, cudnn_benchmark=torch.backends.cudnn.benchmark,
                   cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version(),
                   driver=devices.driver(device))


def _flushes_denormals() -> bool:
    return not torch.full((1,), 1e-20).mul(1e-20).any()
