"""Receptive fields beside what they are fields of: an image, a signal, a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from explorer.analysis import Summary
from explorer.analysis.receptive_field import ReceptiveField
from explorer.language import Text, say
from explorer.tracing import Input
from explorer.tracing.operators import Shape

BEFORE_MIXING = Text("before positions mix")
"""Of a receptive field behind which most of the work comes, as in a transformer: it does not say
how much the network sees."""


class Image(NamedTuple):
    """What windows slide over."""

    sides: Shape
    """Height and width of an image; of a signal its length, of a video its frames before them."""

    @property
    def unit(self) -> str:
        """What a receptive field is counted in, behind its number."""
        return " px" if self.is_image else ""

    @property
    def words(self) -> str:
        """
        >>> Image((224, 224)).words, Image((16, 112, 112)).words, Image((16000,)).words
        ('224 px', '16×112×112', '16,000 positions')
        """
        if len(self.sides) == 1:
            return say("{count} positions", count=f"{self.sides[0]:,}")
        sides = self.sides[:1] if len({*self.sides}) == 1 else self.sides
        return "×".join(f"{side:,}" for side in sides) + self.unit

    @property
    def label(self) -> str:
        """Its longest side, as a chart names it."""
        return say("image {size}" if self.is_image else "input {size}",
                   size=f"{max(self.sides):,}{self.unit}")

    @property
    def is_image(self) -> bool:
        return len(self.sides) == 2


def image(summary: Summary) -> Image | None:
    """What the windows of a network slide over; None where there are none, or where no receptive
    field is known."""
    for layer in summary.layers:
        if layer.receptive_field and layer.window and not layer.window.whole:
            return given(layer.receptive_field, summary.trace.inputs)
    return None


def mixes(summary: Summary) -> bool:
    """Whether most of the work comes after positions have been mixed, as in a transformer."""
    seeing = sum([layer.macs or 0 for layer in summary.layers if layer.receptive_field])
    return 2 * seeing < summary.totals.macs


def sentences(summary: Summary) -> list[str]:
    """What the fields of a network come to."""
    over = image(summary)
    if over is None:
        return [say("No layer of this network has a receptive field that is known: no window, such "
                    "as that of a convolution, slides over what it is given.")]
    what = say("the image of {size}" if over.is_image else "the input of {size}", size=over.words)
    seeing = [layer for layer in summary.layers if layer.receptive_field]
    grown = next((layer for layer in seeing if layer.receptive_field and
                  outgrown(layer.receptive_field, summary.trace.inputs)), None)
    last = seeing[-1]
    said = [say("What one position of each output can see of the image, along the largest path "
                "through branches and shortcuts." if over.is_image else
                "What one position of each output can see of the input, along the largest path "
                "through branches and shortcuts.")]
    if grown:
        said.append(say("From {layer} on it is larger than {what}: what it adds there is padding.",
                        layer=grown.path, what=what))
    elif last is summary.layers[-1]:
        said.append(say("It stays within {what} to the end.", what=what))
    else:
        said.append(say("It stays within {what} up to {layer}.", what=what, layer=last.path))
    if last is not summary.layers[-1]:
        after = summary.layers[last.index + 1]
        said.append(say("From {layer} on it is not known: positions are mixed there, as in "
                        "attention and in the classifier.", layer=after.path))
    return said


def outgrown(field: ReceptiveField, inputs: Sequence[Input]) -> bool:
    """Whether it is larger than what the network is given."""
    return field.outgrows(given(field, inputs).sides)


def given(field: ReceptiveField, inputs: Sequence[Input]) -> Image:
    """The input that it is a field of: the first with as many sides behind batch and channels."""
    sides = len(field.size)
    return next(Image(one.shape[-sides:]) for one in inputs if len(one.shape) == sides + 2)
