"""Where a position of a layer looks: the theoretical rectangle, and the gradient of a real backward
pass (Luo et al. 2016, arXiv:1701.04128, section 3). This runs inside the measuring process."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.config import ConfigError
from explorer.language import Text
from explorer.lessons.experiments.finding import Finding
from explorer.pipeline import summarise
from explorer.sources import find_source
from explorer.timing.job import Job
from explorer.timing.process import measuring_process
from explorer.timing.worker import Progress, report

PASSES = 8
"""Random images and signs over which the gradient is averaged."""
SIDE = 112
"""Cells of the map at most, along each side."""
SHARE = 0.95
"""Of the gradient that the effective field holds."""


@dataclass(frozen=True, slots=True)
class FieldOfPosition(Finding):
    """What the middle position of a layer sees."""

    key: str
    path: str
    image: int
    """Side of the image, in pixels."""
    position: tuple[int, int]
    """Row and column in the layer's output."""
    top: int
    left: int
    size: int
    """The rectangle that it can see, in pixels: it may reach beyond the image."""
    cell: int
    """Pixels along the side of a cell."""
    gradient: tuple[tuple[float, ...], ...]
    """The mean size of the gradient in each cell, 1 at the largest."""
    effective: int
    """Side of the smallest square around the middle that holds `SHARE` of the gradient."""


def submit_field(key: str, path: str, seed: int) -> Job[FieldOfPosition]:
    """Queue the backward passes on the CPU. Raises `ConfigError` for a layer that has no field."""
    return measuring_process("cpu").submit(measure_field, key, path, seed)


def measure_field(key: str, path: str, seed: int) -> FieldOfPosition:
    """The field of the middle position of a layer, of a network at random weights."""
    source = find_source(key)
    found = [layer for layer in summarise(source).layers if layer.path == path]
    if not found or (field := found[-1].receptive_field) is None or len(field.size) != 2:
        raise ConfigError(f"{key} has no layer {path!r} with a receptive field.")
    torch.manual_seed(seed)
    # In evaluation: BatchNorm's own statistics of a batch would see the whole image.
    network = source.build("cpu")
    held: list[Tensor] = []
    network.get_submodule(path).register_forward_hook(
        lambda module, given, output: held.append(output))
    shape = (1, *source.input_shape[1:])
    image = shape[-1]
    rows, columns = found[-1].output_shape[-2:]
    position = rows // 2, columns // 2
    total = torch.zeros(shape[-2:])
    for number in range(PASSES):
        report(Progress(Text("backward passes"), share=number / PASSES))
        images = torch.randn(shape).requires_grad_()
        held.clear()
        network(images)
        at = held[-1][:, :, position[0], position[1]]
        # A random sign for each channel, so that they do not cancel one another.
        [gradient] = torch.autograd.grad((at * torch.randn_like(at)).sum(), images)
        total += gradient.abs().sum((0, 1))
    cell = -(-image // SIDE)
    cells = torch.nn.functional.avg_pool2d(total[None, None], cell, ceil_mode=True)[0, 0]
    start = [int(first + step * place) for first, step, place in
             zip(field.start, field.stride, position, strict=True)]
    return FieldOfPosition(
        key=key, path=path, image=image, position=position, top=start[0], left=start[1],
        size=field.side, cell=cell, effective=_effective(total),
        gradient=tuple(map(tuple, (cells / cells.max()).tolist())))


def _effective(total: Tensor) -> int:
    """The side of the smallest square around the centre of mass that holds most of it."""
    whole = float(total.sum())
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in total.shape)
    row = round(float((total.sum(1) * rows).sum()) / whole)
    column = round(float((total.sum(0) * columns).sum()) / whole)
    for half in range(max(total.shape)):
        part = total[max(0, row - half):row + half + 1, max(0, column - half):column + half + 1]
        if float(part.sum()) >= SHARE * whole:
            return 2 * half + 1
    return max(total.shape)
