"""One pass of a network, made ready on its device. This runs inside the measuring process.

The weights are those that the network's authors begin with, its inputs random; whole numbers are
all 0, which every embedding has a place for, and masks all true. A forward pass runs in evaluation
and inference mode; a training step is forward, loss and backward, with the gradients of the step
before thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.language import Text
from explorer.sources import Source
from explorer.timing.choices import DTYPES, Choices
from explorer.timing.errors import TimingError
from explorer.tracing import Input, leaves

CAST = {"float32": nn.Module.float, "float16": nn.Module.half, "bfloat16": nn.Module.bfloat16}
"""What turns the weights into a number format, and leaves whole and complex numbers alone."""


@dataclass
class Pass:
    """What is timed: `run` starts one pass, `wait` returns when the device has finished it."""

    network: nn.Module
    inputs: tuple[Tensor, ...]
    named: Mapping[str, Tensor]
    """Inputs that are passed by their names."""
    run: Callable[[], object]
    wait: Callable[[], None]

    @property
    def on_cuda(self) -> bool:
        return any(tensor.is_cuda for tensor in (*self.inputs, *self.named.values()))

    def forward(self) -> object:
        """The forward pass alone, as it stands in the network."""
        return self.network(*self.inputs, **self.named)

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
    with settings(device, choices):
        network = CAST[choices.dtype](source.build(device))
        if choices.channels_last:
            network.to(memory_format=torch.channels_last)   # type: ignore[call-overload]
        network.train(choices.training)
        given = [(one.name, _real(one, device, choices)) for one in source.inputs]
        inputs = tuple([tensor for name, tensor in given if not name])
        named = {name: tensor for name, tensor in given if name}
        forward: Callable[..., object] = network
        if choices.compile:
            forward = torch.compile(network, dynamic=False)
        try:
            if choices.training:
                step = _step(network, lambda: forward(*inputs, **named), source)
                yield Pass(network, inputs, named, step, waiter(device))
            else:
                with torch.inference_mode():
                    yield Pass(network, inputs, named, lambda: forward(*inputs, **named),
                               waiter(device))
        finally:
            if choices.compile:
                torch.compiler.reset()


def _real(given: Input, device: str, choices: Choices) -> Tensor:
    """An input with values, in the number format of the pass where it has fractions."""
    if not (given.dtype.is_floating_point or given.dtype.is_complex):
        return torch.full(given.shape, given.dtype is torch.bool, dtype=given.dtype, device=device)
    if given.dtype.is_complex:
        return torch.randn(given.shape, dtype=given.dtype, device=device)
    tensor = torch.randn(given.shape, device=device).to(DTYPES[choices.dtype])
    if choices.channels_last and tensor.dim() == 4:
        tensor = tensor.to(memory_format=torch.channels_last)
    return tensor


def _step(network: nn.Module, forward: Callable[[], object], source: Source) -> Callable[[], None]:
    batch_size = source.input_shape[0]
    classes = getattr(source.config, "num_classes", None)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        losses = [_loss(result, batch_size, classes) for result in leaves([forward()], Tensor)
                  if result.requires_grad]
        if not losses:
            raise TimingError(Text(
                "A training step needs a result that has a gradient, and no result of this network "
                "has one. Time its forward pass: leave `training` off."))
        torch.stack(losses).sum().backward()
    return step


def _loss(result: Tensor, batch_size: int, classes: int | None) -> Tensor:
    """Cross entropy of logits, (N, C), and of those of places such as pixels, (N, classes, ...);
    the mean square of anything else."""
    of_places = result.dim() > 2 and result.shape[1] == classes
    if (result.dim() == 2 or of_places) and len(result) == batch_size:
        labels = torch.zeros(batch_size, *result.shape[2:], dtype=torch.long, device=result.device)
        return F.cross_entropy(result, labels)
    return result.abs().square().mean().to(torch.get_default_dtype())


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
