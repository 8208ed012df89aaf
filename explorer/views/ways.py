"""Ways to begin: what each opens, and what to look at there, in figures of the network as it
stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from explorer.analysis import Layer, Summary
from explorer.pipeline import Explored


class Way(NamedTuple):
    """One way to begin on the Explore page."""

    title: str
    query: dict[str, str]
    """The address that it opens, without the way's own name."""


WAYS = {
    "width": Way("What width does to ResNet-50", {"network": "resnet50", "width": "0.5"}),
    "mobilenet": Way("Why MobileNet is small and yet not fast", {"network": "mobilenetv3_large"}),
}

WRONG_TABLE = Way("Which tutorial’s table is wrong", {"table": "mobilenetv3_large"})
"""On the page of the published tables."""

COMPARED = "resnet50"
"""What MobileNet is set beside."""


def look_at(way: str, network: Explored, compared: Summary) -> str:
    """What to look at, as Markdown with links to the sections; "" where the way does not lead to
    this network. `compared` is the summary of `COMPARED`."""
    config = network.source.config
    if network.failure or config is None or config.network != WAYS[way].query["network"]:
        return ""
    said = _width(network) if way == "width" else _mobilenet(network, compared)
    return f"**{WAYS[way].title}.** {said}"


def _width(network: Explored) -> str:
    now, then = network.summary.totals, (network.preset or network).summary.totals
    return (f"Of the preset’s figures, this network has {now.params / then.params:.0%} of the "
            f"parameters, {now.macs / then.macs:.0%} of the multiply-adds, but "
            f"{now.peak_activation_bytes / then.peak_activation_bytes:.0%} of the peak memory. "
            "Weights connect every input channel with every output channel, so they change with "
            "the square of the width; activations change with the width itself. Move **Width** "
            "and watch the figures, then [where they sit](#charts).")


def _mobilenet(network: Explored, other: Summary) -> str:
    own = network.summary
    cheap = [layer for layer in own.layers
             if layer.kind in ("depthwise convolution", "normalisation")]
    return (f"It has {own.totals.params / other.totals.params:.0%} of the parameters of ResNet-50 "
            f"and {own.totals.macs / other.totals.macs:.0%} of its multiply-adds, but its layers "
            f"write {own.totals.activation_bytes / other.totals.activation_bytes:.0%} of the "
            "bytes, and moving bytes takes time. Depthwise convolutions and normalisation do "
            f"{sum([layer.macs or 0 for layer in cheap]) / own.totals.macs:.0%} of the "
            f"multiply-adds and write {_written(own, cheap):.0%} of the bytes: compare the "
            "colours under [Where it sits](#charts), then measure under "
            "[Timed passes](#timing).")


def _written(summary: Summary, layers: Sequence[Layer]) -> float:
    return sum([layer.activation_bytes for layer in layers]) / summary.totals.activation_bytes
