"""torchvision's models, each in its own registry. Weights are never fetched.

The size of an image is that which the first weights were made for, and where there are none to say
it, as in detection and optical flow, what their transforms or their smallest feature map ask for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from torch import nn

from explorer import libraries
from explorer.sources.model import Model

FRAMES = 16
"""Of a video."""
SIDES = {"detection": 800, "optical_flow": 128, "vision_transformer": 224, "maxvit": 224}
"""Of the images, by the module that a model is of, where the weights do not tell or are made for
another size than the model: what detection resizes them to, the least from which an optical flow is
found, what a transformer is built for."""
BUILT_FOR_SIZE = {"vision_transformer": "image_size", "maxvit": "input_size"}
"""Those that are built for a size of image, and what they call it."""
ONE_SIZE = {"mvit"}
"""Those that are built for one size alone."""


@cache
def names() -> tuple[str, ...]:
    return tuple(libraries.load("torchvision").models.list_models())


@cache
def families() -> dict[str, tuple[str, ...]]:
    """The names by the file of torchvision that has them, under its task where that has one."""
    found: dict[str, list[str]] = {}
    for name in names():
        module = libraries.load("torchvision").models.get_model_builder(name).__module__
        found.setdefault(" ".join(module.split(".")[2:]), []).append(name)
    return {family: tuple(members) for family, members in sorted(found.items())}


def model(name: str) -> Model:
    """The model of a name that is in `names`."""
    models = libraries.load("torchvision").models
    create = models.get_model_builder(name)
    _, _, kind, *rest = create.__module__.split(".")
    own = rest[-1] if rest else kind
    weights = next(iter(models.get_model_weights(name)))
    classes = len(weights.meta.get("categories", ()))
    size = SIDES.get(own) or SIDES.get(kind) or _size_of(weights.transforms())
    if own == "maxvit":
        create = partial(_square, create)
    without: dict[str, None] = {"weights": None}
    if "weights_backbone" in inspect.signature(create).parameters:
        without["weights_backbone"] = None      # else they are downloaded
    arguments = {"num_classes": "num_classes"} if classes else {}
    if own in BUILT_FOR_SIZE:
        arguments["input_size"] = BUILT_FOR_SIZE[own]
    return Model(
        network=f"torchvision:{name}", create=partial(create, **without),
        knobs={**({} if own in ONE_SIZE else {"input_size": size}), "batch_size": 1,
               **({"num_classes": classes} if classes else {})},
        arguments=arguments,
        sample=(3, *([FRAMES] if kind == "video" else []), size, size),
        inputs=2 if kind == "optical_flow" else 1)


def _square(create: Callable[..., nn.Module], *, input_size: int = 224, **given: Any) -> nn.Module:
    return create(input_size=(input_size, input_size), **given)


def _size_of(preprocessing: Any) -> int:
    """The side of the images that a transform gives."""
    size: int = (getattr(preprocessing, "crop_size", None) or preprocessing.resize_size)[0]
    return size
