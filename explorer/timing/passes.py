"""One pass of a network, made ready on its device. This runs inside the measuring process.

The weights are those that PyTorch initialises, the images random. A forward pass runs in
evaluation and inference mode; a training step is forward, cross entropy and backward, with the
gradients of the step before thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.sources import Source
from explorer.timing.choices import DTYPES, Choices
from explorer.tracing import leaves


@dataclass
class Pass:
    """What is timed: `run` starts one pass, `wait` returns when the device has finished it."""

    network: nn.Module
    images: Tensor
    run: Callable[[], object]
    wait: Callable[[], None]

    def capture(self) -> None:
        """From here on, replay a pass as one CUDA graph."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):      # a library that sets itself up cannot be captured
                self.run()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.empty_cache()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.run()
        self.run = graph.replay


@contextmanager
def prepared(source: Source, device: str, choices: Choices) -> Iterator[Pass]:
    """The pass of a network, with all settings as the choices say until the end of the block."""
    layout = torch.channels_last if choices.channels_last else torch.contiguous_format
    with settings(device, choices):
        network = source.build(device).to(DTYPES[choices.dtype])
        network.to(memory_format=layout)    # type: ignore[call-overload]
        network.train(choices.training)
        images = torch.randn(source.input_shape, device=device).to(DTYPES[choices.dtype])
        images = images.to(memory_format=layout)
        forward: Callable[[Tensor], object] = network
        if choices.compile:
            forward = torch.compile(network, dynamic=False)
        try:
            if choices.training:
                yield Pass(network, images, _step(network, forward, images), waiter(device))
            else:
                with torch.inference_mode():
                    yield Pass(network, images, lambda: forward(images), waiter(device))
        finally:
            if choices.compile:
                torch.compiler.reset()


def _step(network: nn.Module, forward: Callable[[Tensor], object],
          images: Tensor) -> Callable[[], None]:
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        losses = [F.cross_entropy(logits, labels) for logits in leaves([forward(images)], Tensor)]
        torch.stack(losses).sum().backward()
    return step


def waiter(device: str) -> Callable[[], None]:
    """What returns when a device has finished all that was started on it."""
    if device.startswith("cuda"):
        return lambda: torch.cuda.synchronize(device)
    return torch.mps.synchronize if device == "mps" else lambda: None


@contextmanager
def settings(device: str, choices: Choices) -> Iterator[None]:
    """Threads, TF32 and the current device, which PyTorch keeps for the whole process."""
    threads = torch.get_num_threads()
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    tf32 = cudnn.allow_tf32, matmul.allow_tf32
    try:
        torch.set_num_threads(choices.threads or threads)
        cudnn.allow_tf32 = matmul.allow_tf32 = choices.tf32
        with torch.cuda.device(device) if device.startswith("cuda") else nullcontext():
            yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = tf32
        torch.set_num_threads(threads)
