"""timm's models, each in its own registry. Weights are never fetched."""

from __future__ import annotations

from functools import cache, partial

from explorer import libraries
from explorer.sources.model import Model


@cache
def names() -> tuple[str, ...]:
    return tuple(libraries.load("timm").list_models())


@cache
def families() -> dict[str, tuple[str, ...]]:
    """The names by the file of timm that has them."""
    timm = libraries.load("timm")
    return {family: tuple(members) for family in timm.list_modules()
            if (members := timm.list_models(module=family))}


def model(name: str) -> Model:
    """The model of a name that is in `names`."""
    timm = libraries.load("timm")
    published = timm.get_pretrained_cfg(name)
    channels, height, width = published.input_size
    arguments = {"num_classes": "num_classes", "in_channels": "in_chans"}
    if published.fixed_input_size:
        arguments["input_size"] = "img_size"
    return Model(
        network=f"timm:{name}", create=partial(timm.create_model, name, pretrained=False),
        knobs={**({"input_size": height} if height == width else {}), "batch_size": 1,
               "num_classes": published.num_classes, "in_channels": channels},
        arguments=arguments, sample=(channels, height, width), fewest_classes=0)
