"""Ways to begin: what each opens, and what to look at there, in figures of the network as it
stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from explorer.analysis import Layer, Summary
from explorer.language import Text, say
from explorer.pipeline import Explored


class Way(NamedTuple):
    """One way to begin on the Explore page."""

    title: Text
    query: dict[str, str]
    """The address that it opens, without the way's own name."""


WAYS = {
    "width": Way(Text("What width does to ResNet-50"), {"network": "resnet50", "width": "0.5"}),
    "mobilenet": Way(Text("Why MobileNet is small and yet not fast"),
                     {"network": "mobilenetv3_large"}),
}

WRONG_TABLE = Way(Text("Which tutorial’s table is wrong"), {"table": "mobilenetv3_large"})
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
    return say("**{title}.** {said}", title=WAYS[way].title, said=said)


def _width(network: Explored) -> str:
    now, then = network.summary.totals, (network.preset or network).summary.totals
    return say("Of the preset’s figures, this network has {params} of the parameters, {macs} of "
               "the multiply-adds, but {memory} of the peak memory. Weights connect every input "
               "channel with every output channel, so they change with the square of the width; "
               "activations change with the width itself. Move **Width** and watch the figures, "
               "then [where they sit](#charts).",
               params=f"{now.params / then.params:.0%}", macs=f"{now.macs / then.macs:.0%}",
               memory=f"{now.peak_activation_bytes / then.peak_activation_bytes:.0%}")


def _mobilenet(network: Explored, other: Summary) -> str:
    own = network.summary
    cheap = [layer for layer in own.layers
             if layer.kind in ("depthwise convolution", "normalisation")]
    now, then = own.totals, other.totals
    return say("It has {params} of the parameters of ResNet-50 and {macs} of its multiply-adds, "
               "but its layers write {bytes} of the bytes, and moving bytes takes time. Depthwise "
               "convolutions and normalisation do {done} of the multiply-adds and write {written} "
               "of the bytes: compare the colours under [Where it sits](#charts), then measure "
               "under [Timed passes](#timing).",
               params=f"{now.params / then.params:.0%}", macs=f"{now.macs / then.macs:.0%}",
               bytes=f"{now.activation_bytes / then.activation_bytes:.0%}",
               done=f"{sum([layer.macs or 0 for layer in cheap]) / now.macs:.0%}",
               written=f"{_written(own, cheap):.0%}")


def _written(summary: Summary, layers: Sequence[Layer]) -> float:
    return sum([layer.activation_bytes for layer in layers]) / summary.totals.activation_bytes
