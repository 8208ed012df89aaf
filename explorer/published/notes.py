"""What a reader of a published table should know: where it departs from the paper, and why.

Every figure is recomputed; where torchvision or the paper has another, the sum that leads from one
to the other stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

from explorer.analysis import Summary, Totals
from explorer.conventions import torchinfo
from explorer.conventions.reports import Seen
from explorer.language import Text
from explorer.networks.catalogue import configure
from explorer.networks.mobilenet import (
    ARCHITECTURES,
    TUTORIAL_LARGE,
    TUTORIAL_SMALL,
    Bneck,
    TutorialRow,
    round_to_8,
)
from explorer.pipeline import summarise
from explorer.published.table import PublishedTable

TUTORIAL_ROWS = {"mobilenetv3_large": TUTORIAL_LARGE, "mobilenetv3_small": TUTORIAL_SMALL}


class SwappedRow(NamedTuple):
    """A row of the tutorial's table as headed and as read, beside the paper's in the same stage."""

    headed: TutorialRow | None
    made: Bneck | None
    """What the tutorial's network makes of it."""
    paper: Bneck | None


def swapped_rows(name: str) -> tuple[SwappedRow, ...]:
    """The swapped columns of a MobileNetV3 table beside the paper's; () for any other table."""
    if name not in TUTORIAL_ROWS:
        return ()
    headed = iter(TUTORIAL_ROWS[name])
    return tuple(SwappedRow(None if made is None else next(headed), made, paper)
                 for stages in zip(ARCHITECTURES[f"{name}_tutorial"].stages,
                                   ARCHITECTURES[name].stages, strict=True)
                 for made, paper in zip_longest(*stages))


def notes(table: PublishedTable, summary: Summary) -> tuple[Text, ...]:
    """Sentences about a table, whose network has this summary."""
    return NOTES[table.name](table.name, summary) if table.name in NOTES else ()


def _totals(network: str, **knobs: object) -> Totals:
    return summarise(configure(network, **knobs)).totals


def _resnet(name: str, _: Summary) -> tuple[Text, ...]:
    params = _totals(name).params
    return (Text("The network is the paper's, and torchvision's: {params} parameters in both.",
                 params=f"{params:,}"),)


def _resnet50(name: str, summary: Summary) -> tuple[Text, ...]:
    other, images = _totals(name), summary.trace.input_shape[0]
    each = summary.totals.macs // images
    return (Text(
        "A Bottleneck has its stride on the first 1×1 convolution, as the paper has it ('v1'); "
        "torchvision's is on the 3×3 ('v1.5'). The parameters are the same {params}, the "
        "multiply-adds for one image {macs} and not {others}, {fewer} fewer.",
        params=f"{other.params:,}", macs=f"{each:,}", others=f"{other.macs:,}",
        fewer=f"{other.macs - each:,}"),)


def _vgg19(_: str, summary: Summary) -> tuple[Text, ...]:
    plain, norm = _totals("vgg19").params, _totals("vgg19", batch_norm=True).params
    biases = norm - summary.totals.params
    return (
        Text("The convolutions have no bias, and BatchNorm follows each: {plain} (torchvision's "
             "plain VGG-19) + {added} of BatchNorm = {norm} (torchvision's with BatchNorm); - "
             "{biases} biases = {params}.", plain=f"{plain:,}", added=f"{norm - plain:,}",
             norm=f"{norm:,}", biases=f"{biases:,}", params=f"{summary.totals.params:,}"),
        Text("It pools with functions and ends in a softmax: neither is a module, so neither has a "
             "row."))


def _xception(_: str, summary: Summary) -> tuple[Text, ...]:
    paper = _totals("xception")
    return (Text(
        "The input is 224×224, not the paper's 299×299: {macs} multiply-adds and not {others}, "
        "with the same {params} parameters. The first two convolutions have no padding, which "
        "gives 111×111 and 109×109.", macs=f"{summary.totals.macs:,}", others=f"{paper.macs:,}",
        params=f"{paper.params:,}"),)


def _inception(_: str, summary: Summary) -> tuple[Text, ...]:
    ours, paper = summary.totals, _totals("inception_v3")
    again = torchinfo.footer(Seen(summary)).params - ours.params
    aux = ours.params - ours.params_used
    parameters = summary.trace.parameters
    biases = sum(parameters[name].numel for name in parameters if name.endswith("conv.bias"))
    return (
        Text("{printed} parameters are too many: some are counted twice. An InceptionC keeps the "
             "first convolutions of a branch inside two Sequentials that share them, and torchinfo "
             "1.8 adds shared weights once for each container: {printed} - {again} counted twice = "
             "{params}, which is what the network has.", printed=f"{ours.params + again:,}",
             again=f"{again:,}", params=f"{ours.params:,}"),
        Text("Of these, {aux} belong to the auxiliary head, which does not run in evaluation: "
             "{params} - {aux} = {used}. The table says so itself: {used} × 4 bytes = {size} MB, "
             "its 'Params size'.", aux=f"{aux:,}", params=f"{ours.params:,}",
             used=f"{ours.params_used:,}", size=f"{ours.params_used * 4 / 1e6:.2f}"),
        Text("It is not the paper's network either: its convolutions have {biases} biases before "
             "BatchNorm, the branches use max pooling, not average pooling, there are two A "
             "modules and not three, and the stem is six convolutions up to 288 channels. "
             "torchvision's has {params} parameters with its auxiliary head and {used} without.",
             biases=f"{biases:,}", params=f"{paper.params:,}", used=f"{paper.params_used:,}"))


def _mobilenet(name: str, summary: Summary) -> tuple[Text, ...]:
    paper, row = _totals(name), TUTORIAL_ROWS[name][1]
    out = round_to_8(row.t)
    large = name == "mobilenetv3_large"
    return (
        Text("Two columns of its table are swapped. The rows are headed t, c, s (expansion, "
             "channels, stride), and the network reads them as (channels, expansion, stride): of "
             "the row {t}, {c}, {s} it takes {t} for the channels, rounded to a multiple of 8 and "
             "at least 8, = {out}, and {c} for the expansion. So every block is {out} channels "
             "wide, after an expansion of 16 and more.", t=f"{row.t:g}", c=row.c, s=row.s,
             out=out),
        Text("All kernels are 3×3, squeeze-and-excitation divides the expanded width by 4, and the "
             "head is {head} to 1,280 channels: 6 × 6 = 36, rounded to 40. That makes {params} "
             "parameters; the paper's network holds {paper} M, torchvision's {torchvision}, which "
             "is {more} more.", head=round_to_8(6 * TUTORIAL_ROWS[name][-1].t),
             params=f"{summary.totals.params:,}", paper="5.4" if large else "2.5",
             torchvision=f"{paper.params:,}",
             more=f"{abs(paper.params - summary.totals.params):,}"),
        Text("HSigmoid and HSwish are modules of the tutorial's own. Its HSwish calls its "
             "HSigmoid, so each hard-swish has two rows, and is counted twice in the memory "
             "below."))


NOTES: dict[str, Callable[[str, Summary], tuple[Text, ...]]] = {
    "resnet18": _resnet, "resnet34": _resnet, "resnet50": _resnet50, "vgg19": _vgg19,
    "xception": _xception, "inception_v3": _inception, "mobilenetv3_large": _mobilenet,
    "mobilenetv3_small": _mobilenet,
}
