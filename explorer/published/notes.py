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


def notes(table: PublishedTable, summary: Summary) -> tuple[str, ...]:
    """Sentences about a table, whose network has this summary."""
    return NOTES[table.name](table.name, summary) if table.name in NOTES else ()


def _totals(network: str, **knobs: object) -> Totals:
    return summarise(configure(network, **knobs)).totals


def _resnet(name: str, _: Summary) -> tuple[str, ...]:
    params = _totals(name).params
    return (f"The network is the paper's, and torchvision's: {params:,} parameters in both.",)


def _resnet50(name: str, summary: Summary) -> tuple[str, ...]:
    other, images = _totals(name), summary.trace.input_shape[0]
    each = summary.totals.macs // images
    return ("A Bottleneck has its stride on the first 1×1 convolution, as the paper has it ('v1'); "
            f"torchvision's is on the 3×3 ('v1.5'). The parameters are the same {other.params:,}, "
            f"the multiply-adds for one image {each:,} and not {other.macs:,}, "
            f"{other.macs - each:,} fewer.",)


def _vgg19(_: str, summary: Summary) -> tuple[str, ...]:
    plain, norm = _totals("vgg19").params, _totals("vgg19", batch_norm=True).params
    biases = norm - summary.totals.params
    return (f"The convolutions have no bias, and BatchNorm follows each: {plain:,} (torchvision's "
            f"plain VGG-19) + {norm - plain:,} of BatchNorm = {norm:,} (torchvision's with "
            f"BatchNorm); - {biases:,} biases = {summary.totals.params:,}.",
            "It pools with functions and ends in a softmax: neither is a module, so neither has a "
            "row.")


def _xception(_: str, summary: Summary) -> tuple[str, ...]:
    paper = _totals("xception")
    return (f"The input is 224×224, not the paper's 299×299: {summary.totals.macs:,} multiply-adds "
            f"and not {paper.macs:,}, with the same {paper.params:,} parameters. The first two "
            "convolutions have no padding, which gives 111×111 and 109×109.",)


def _inception(_: str, summary: Summary) -> tuple[str, ...]:
    ours, paper = summary.totals, _totals("inception_v3")
    again = torchinfo.footer(Seen(summary)).params - ours.params
    aux = ours.params - ours.params_used
    parameters = summary.trace.parameters
    biases = sum(parameters[name].numel for name in parameters if name.endswith("conv.bias"))
    return (
        f"{ours.params + again:,} parameters are too many: some are counted twice. An InceptionC "
        "keeps the first convolutions of a branch inside two Sequentials that share them, and "
        "torchinfo 1.8 adds "
        f"shared weights once for each container: {ours.params + again:,} - {again:,} counted "
        f"twice = {ours.params:,}, which is what the network has.",
        f"Of these, {aux:,} belong to the auxiliary head, which does not run in evaluation: "
        f"{ours.params:,} - {aux:,} = {ours.params_used:,}. The table says so itself: "
        f"{ours.params_used:,} × 4 bytes = {ours.params_used * 4 / 1e6:.2f} MB, its 'Params "
        "size'.",
        f"It is not the paper's network either: its convolutions have {biases:,} biases before "
        "BatchNorm, the branches use max pooling, not average pooling, there are two A modules and "
        "not three, and the stem is six convolutions up to 288 channels. torchvision's has "
        f"{paper.params:,} parameters with its auxiliary head and {paper.params_used:,} without.")


def _mobilenet(name: str, summary: Summary) -> tuple[str, ...]:
    paper, row = _totals(name), TUTORIAL_ROWS[name][1]
    out = round_to_8(row.t)
    large = name == "mobilenetv3_large"
    return (
        "Two columns of its table are swapped. The rows are headed t, c, s (expansion, channels, "
        "stride), and the network reads them as (channels, expansion, stride): of the row "
        f"{row.t:g}, {row.c}, {row.s} it takes {row.t:g} for the channels, rounded to a multiple "
        f"of 8 and at least 8, = {out}, and {row.c} for the expansion. So every block is {out} "
        "channels wide, after an expansion of 16 and more.",
        "All kernels are 3×3, squeeze-and-excitation divides the expanded width by 4, and the head "
        f"is {round_to_8(6 * TUTORIAL_ROWS[name][-1].t)} to 1,280 channels: 6 × 6 = 36, rounded "
        f"to 40. That makes {summary.totals.params:,} parameters; the paper's network holds "
        f"{'5.4' if large else '2.5'} M, torchvision's {paper.params:,}, which is "
        f"{abs(paper.params - summary.totals.params):,} more.",
        "HSigmoid and HSwish are modules of the tutorial's own. Its HSwish calls its HSigmoid, so "
        "each hard-swish has two rows, and is counted twice in the memory below.")


NOTES: dict[str, Callable[[str, Summary], tuple[str, ...]]] = {
    "resnet18": _resnet, "resnet34": _resnet, "resnet50": _resnet50, "vgg19": _vgg19,
    "xception": _xception, "inception_v3": _inception, "mobilenetv3_large": _mobilenet,
    "mobilenetv3_small": _mobilenet,
}
