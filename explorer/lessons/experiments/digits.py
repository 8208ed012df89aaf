"""Networks trained on scikit-learn's digits: 1,797 images of 8×8 pixels (Alpaydin and Kaynak 1998),
which come with the library. This runs inside the measuring process.

The recipe is that of He et al. 2016, section 4.2 (SGD, momentum 0.9, weight decay 0.0001), with
batches of 64, half as large, at learning rate 0.05. Weights and batches follow from the seed, so
that a run gives the same curves again on the same machine.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.config import Config, ConfigError
from explorer.language import Text
from explorer.lessons.experiments.finding import Finding
from explorer.libraries import INSTALL, LibraryError
from explorer.sources import find_source
from explorer.timing.job import Job
from explorer.timing.process import measuring_process
from explorer.timing.worker import Progress, report

BATCH = 64
RATE, MOMENTUM, DECAY = 0.05, 0.9, 1e-4
HELD_OUT = 297
"""Images that are not trained on: the last of them."""
SHAPE = (1, 8, 8)
CLASSES = 10
STEPS_A_POINT = 5
"""Steps of which a point of the curves is the mean."""


@dataclass(frozen=True, slots=True)
class LossCurves(Finding):
    """How the loss of each network fell."""

    keys: tuple[str, ...]
    losses: tuple[tuple[float, ...], ...]
    """Of each network the mean of every `STEPS_A_POINT` steps."""
    accuracies: tuple[float, ...]
    """Share of the images held out that each names rightly at the end."""


def submit_digits(keys: Sequence[str], steps: int, seed: int) -> Job[LossCurves]:
    """Queue the training of some networks on the CPU, each for so many steps.

    Raises `ConfigError` for a network that does not take the digits, and `LibraryError` where
    scikit-learn is not installed.
    """
    check_digits(keys)
    if importlib.util.find_spec("sklearn") is None:
        raise LibraryError(f"scikit-learn is not installed. `{INSTALL}` installs it.")
    return measuring_process("cpu").submit(train, tuple(keys), steps, seed)


def get_ready() -> None:
    """Import what takes a moment, where it is installed."""
    with suppress(ImportError):
        _digits()


def check_digits(keys: Sequence[str]) -> None:
    """Raises `ConfigError` for a network that does not take the digits."""
    for key in keys:
        config = find_source(key).config
        if not isinstance(config, Config) or config.input_shape[1:] != SHAPE \
                or config.num_classes != CLASSES:
            raise ConfigError(f"{key} does not take the digits: set in_channels=1, num_classes=10 "
                              "and input_size=8.")


def train(keys: Sequence[str], steps: int, seed: int) -> LossCurves:
    """Train each network for so many steps, in turn, and tell the losses as they come: a point is
    the place of a network and a loss. One core is enough for images of 8×8, and is the same
    on every machine."""
    images, labels = _digits()
    runs = [_Training(key, seed) for key in keys]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        points: list[tuple[int, float]] = []
        batches = torch.Generator().manual_seed(seed)
        known = len(images) - HELD_OUT
        for step in range(0, steps, STEPS_A_POINT):
            chosen = [torch.randint(known, (BATCH,), generator=batches)
                      for _ in range(min(STEPS_A_POINT, steps - step))]
            for place, run in enumerate(runs):
                loss = run.train([(images[batch], labels[batch]) for batch in chosen])
                points.append((place, loss))
                share = (step + (place + 1) / len(runs) * STEPS_A_POINT) / steps
                report(Progress(Text("training"), share=min(1.0, share), points=tuple(points)))
        accuracies = [run.accuracy(images[known:], labels[known:]) for run in runs]
    finally:
        torch.set_num_threads(threads)
    return LossCurves(tuple(keys), tuple([tuple([loss for at, loss in points if at == place])
                                          for place in range(len(runs))]), tuple(accuracies))


class _Training:
    """One network under training."""

    def __init__(self, key: str, seed: int) -> None:
        torch.manual_seed(seed)
        self.network: nn.Module = find_source(key).build("cpu").train()
        self._descent = torch.optim.SGD(self.network.parameters(), RATE, MOMENTUM,
                                        weight_decay=DECAY)

    def train(self, batches: Sequence[tuple[Tensor, Tensor]]) -> float:
        """A step for each batch; the mean of their losses."""
        total = 0.0
        for images, labels in batches:
            loss = functional.cross_entropy(self.network(images), labels)
            self._descent.zero_grad()
            loss.backward()
            self._descent.step()
            total += loss.item()
        return total / len(batches)

    def accuracy(self, images: Tensor, labels: Tensor) -> float:
        self.network.eval()
        with torch.inference_mode():
            right = self.network(images).argmax(1) == labels
        return float(right.float().mean())


def _digits() -> tuple[Tensor, Tensor]:
    """Images of mean 0 and variance 1, and their labels, in the order of the library."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

    held: Any = load_digits()
    images = torch.tensor(held.images, dtype=torch.float32).unsqueeze(1)
    return (images - images.mean()) / images.std(), torch.tensor(held.target, dtype=torch.long)
