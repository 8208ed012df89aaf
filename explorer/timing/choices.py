"""How a pass is run, beside the network and the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.language import Text
from explorer.sources.inputs import described
from explorer.timing.devices import can_compile, cores
from explorer.timing.errors import TimingError
from explorer.tracing import Input
from explorer.validation import Fault, first_fault

Dtype = Literal["float32", "float16", "bfloat16"]

DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "float16": torch.float16,
                                  "bfloat16": torch.bfloat16}


class Choices(BaseModel):
    """A frozen value that can be a key of a cache. Raises `TimingError` where a value cannot be."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dtype: Dtype = Field("float32", description="Number format of weights and activations.")
    tf32: bool = Field(False, description="On CUDA: let float32 products round their factors to "
                       "10 bits, as TensorFloat-32 does.")
    channels_last: bool = Field(False, description="Keep the channels of a position side by side "
                                "in memory (NHWC).")
    threads: int | None = Field(None, description="Threads of the CPU; PyTorch's own choice where "
                                "none is given, one for each core.")
    compile: bool = Field(False, description="Run what torch.compile makes of the network.")
    cuda_graph: bool = Field(False, description="On CUDA: replay the whole pass as one graph, "
                             "which takes the cost of launching away.")
    training: bool = Field(False, description="Time a training step: forward and backward.")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise _explain(first_fault(error)) from None

    @property
    def element_bytes(self) -> int:
        """Bytes of a weight or an activation."""
        return DTYPES[self.dtype].itemsize

    @property
    def pass_name(self) -> Text:
        return Text("training step" if self.training else "forward pass")

    def check(self, device: str) -> None:
        """Raise `TimingError` for what a device, as `resolve` returns it, cannot do."""
        on_cuda = device.startswith("cuda")
        if self.threads is not None and not 1 <= self.threads <= cores():
            raise TimingError(Text("`threads` must be from 1 to {cores}, the cores of this "
                                   "machine; got {threads}.", cores=cores(), threads=self.threads))
        if self.tf32 and not on_cuda:
            raise TimingError(Text("`tf32` is a format of NVIDIA GPUs; got it on {device}. "
                                   "Leave it off, or choose a cuda device.", device=device))
        if self.tf32 and self.dtype != "float32":
            raise TimingError(Text("`tf32` rounds products of float32; got `dtype` {dtype}. "
                                   "Leave one of the two out.", dtype=self.dtype))
        if self.cuda_graph and not on_cuda:
            raise TimingError(Text("`cuda_graph` needs a cuda device; got it on {device}.",
                                   device=device))
        if self.cuda_graph and self.training:
            raise TimingError(Text("`cuda_graph` replays a forward pass; leave `training` off "
                                   "with it."))
        if self.compile and not can_compile(device):
            raise TimingError(Text(
                "`compile` cannot work on {device} here: torch.compile needs a C++ compiler and "
                "Python's headers, and on cuda Triton. Leave it off.", device=device))
        if self.dtype == "bfloat16" and device == "mps" \
                and not torch.backends.mps.is_macos_or_newer(14, 0):
            raise TimingError(Text("`dtype` bfloat16 on mps needs macOS 14; choose float16 or "
                                   "float32."))
        # A step of ResNet-18 takes minutes: the backward convolutions have no fast float16 there.
        if self.dtype == "float16" and self.training and device == "cpu":
            raise TimingError(Text("`dtype` float16 has no usable backward pass on cpu; choose "
                                   "bfloat16 or float32 for `training`."))

    def check_inputs(self, inputs: Sequence[Input]) -> None:
        """Raise `TimingError` for a layout that no input can have."""
        if self.channels_last and not any(
                len(one.shape) == 4 and one.dtype.is_floating_point for one in inputs):
            raise TimingError(Text(
                "`channels_last` is a layout of images, N×C×H×W; the network is given {inputs}. "
                "Leave it off.", inputs=described(inputs).removeprefix("input ")))


DEFAULT = Choices()


def _explain(fault: Fault) -> TimingError:
    if fault.kind == "unknown":
        return TimingError(Text("There is no choice {name}: there are {names}.",
                                name=repr(fault.field), names=", ".join(Choices.model_fields)))
    rule = {"dtype": f"one of {', '.join(DTYPES)}",
            "threads": f"a whole number from 1 to {cores()}"}.get(fault.field, "on or off")
    return TimingError(fault.sentence(rule))
