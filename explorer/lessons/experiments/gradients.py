"""The size of the gradient at each layer before training, by a real backward pass. This runs inside
the measuring process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from explorer.language import Text
from explorer.lessons.experiments.finding import Finding
from explorer.sources import find_source
from explorer.timing.job import Job
from explorer.timing.process import measuring_process
from explorer.timing.worker import Progress, report

IMAGES = 16


@dataclass(frozen=True, slots=True)
class LayerGradients(Finding):
    """Of each network, its weighted layers in the order of the pass."""

    keys: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]
    sizes: tuple[tuple[float, ...], ...]
    """The root of the mean square of the gradient of a layer's weights."""


def submit_gradients(keys: Sequence[str], seed: int) -> Job[LayerGradients]:
    """Queue one backward pass of each network on the CPU."""
    return measuring_process("cpu").submit(measure_gradients, tuple(keys), seed)


def measure_gradients(keys: Sequence[str], seed: int) -> LayerGradients:
    """One backward pass of each network, from cross-entropy with random images and labels, at
    random weights. Shortcuts' projections are left out: they stand beside the way."""
    paths, sizes = [], []
    for number, key in enumerate(keys):
        report(Progress(Text("backward pass"), share=number / len(keys)))
        source = find_source(key)
        torch.manual_seed(seed)
        network = source.build("cpu").train()
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn((IMAGES, *source.input_shape[1:]), generator=generator)
        output = network(images)
        labels = torch.randint(output.shape[1], (IMAGES,), generator=generator)
        functional.cross_entropy(output, labels).backward()
        weighted = [(path, module.weight.grad) for path, module in network.named_modules()
                    if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in path]
        known = [(path, gradient) for path, gradient in weighted if gradient is not None]
        paths.append(tuple([path for path, _ in known]))
        sizes.append(tuple([float(gradient.square().mean().sqrt()) for _, gradient in known]))
    return LayerGradients(tuple(keys), tuple(paths), tuple(sizes))
