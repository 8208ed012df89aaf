"""What each figure means, and how it is counted."""

from explorer.ui.start import within_app  # isort: split

from collections.abc import Iterable
from typing import NamedTuple

import streamlit as st

from explorer.language import Text, say
from explorer.ui.headings import page
from explorer.ui.lessons.links import lesson_on


class Word(NamedTuple):
    """A word and what it means."""

    word: Text
    meaning: Text
    short: str = ""


FIGURES = (
    Word(Text("Parameters"), Text(
        "Every registered parameter of the module; a shared one counts once. Buffers, such as the "
        "running means of BatchNorm, are not counted. *Used* parameters are those that the output "
        "in evaluation depends on: without Inception's auxiliary head they are fewer.")),
    Word(Text("Multiply-adds"), Text(
        "One multiplication and one addition count as one. Convolutions, linear layers and matrix "
        "products (also in attention) are counted, without the bias. **FLOPs** are twice as "
        "many."), short="MACs"),
    Word(Text("Element-wise operations"), Text(
        "Everything else, in a separate column. For each output a bias or a ReLU counts one, "
        "BatchNorm two, and pooling one for each input in its window.")),
    Word(Text("Output bytes"), Text(
        "The memory of a layer's output in float32 (4 bytes a number). Zero where the output "
        "shares the memory of its input: after flatten, or an in-place operation.")),
    Word(Text("Peak memory"), Text(
        "The most activation memory in use at one moment of a forward pass in evaluation. A tensor "
        "is in use until the last layer that reads it, or as long as a variable of the program "
        "holds it. Parameters and the workspace of the algorithms are not included.")),
    Word(Text("Saved for backward"), Text(
        "What a training pass saves for its backward pass, as PyTorch does on a CPU: inputs of "
        "convolutions, outputs of ReLU, the mask of dropout, the indices of max pooling, the "
        "statistics of BatchNorm. Memory that two layers save counts once; parameters are not "
        "included.")),
    Word(Text("Receptive field"), Text(
        "The pixels of the image that one position of a feature map can see, along the largest "
        "path through branches and shortcuts. After squeeze-and-excitation it is the whole image, "
        "because squeeze-and-excitation has a global pooling.")),
    Word(Text("Latency"), Text(
        "The median of timed forward passes in evaluation, after a warm-up, in a separate process; "
        "with the 10th and the 90th percentile, and the conditions.")),
)

WORDS = (
    Word(Text("Stem, stage, head"), Text(
        "The first layers, the groups of blocks at one resolution, and the classifier at the "
        "end.")),
    Word(Text("Block"), Text(
        "The unit that a network repeats: a bottleneck, an inverted residual, an Inception "
        "module.")),
    Word(Text("Width multiplier"), Text(
        "Multiplies the channels of every layer, rounded to a multiple of 8.")),
    Word(Text("Depth multiplier"), Text(
        "Multiplies the number of blocks in every stage, rounded up.")),
    Word(Text("Depthwise convolution"), Text(
        "One filter for each channel: as many groups as channels. It has few multiply-adds, and is "
        "usually memory-bound.")),
    Word(Text("Bottleneck"), Text(
        "A 1×1 convolution reduces the channels before a 3×3, and another 1×1 increases them after "
        "it.")),
    Word(Text("Global pooling"), Text(
        "One number for each channel: the average over the whole feature map.")),
    Word(Text("Squeeze-and-excitation"), Text(
        "Multiplies each channel by a factor that is computed from the whole feature map: global "
        "pooling, two small layers, and a sigmoid or hard-sigmoid.")),
    Word(Text("Compute-bound"), Text(
        "The arithmetic takes longest: more multiply-adds mean more time.")),
    Word(Text("Memory-bound"), Text(
        "Reading and writing memory takes longest: fewer multiply-adds alone do not help.")),
    Word(Text("Overhead-bound"), Text(
        "Starting the operation takes longest: it is too small for the device.")),
    Word(Text("Preset"), Text(
        "A network as its paper, or torchvision, has it, with no knob turned.")),
)


def table(word: str, meaning: str, words: Iterable[Word]) -> str:
    """Words with their meanings, and the ways to the lessons that explain them."""
    rows = [f"| **{each.word}**{lesson_on(each.word.text)}"
            f"{f' ({each.short})' if each.short else ''} | {each.meaning} |" for each in words]
    return "\n".join([f"| {word} | {meaning} |", "| --- | --- |", *rows])


within_app()
page(say("How it counts"), say(
    "What does each figure mean, and how is it counted? Tools disagree about these figures because "
    "each counts in its own way. This is ours."))
st.markdown("\n\n".join([
    table(say("Figure"), say("What it is"), FIGURES),
    say("k, M and G are 10³, 10⁶ and 10⁹; MB is 10⁶ bytes, MiB is 2²⁰."),
    f"## {say('How one layer is counted')}",
    say("Choose a row of the layer table on the Explore page to see every formula with that "
        "layer's numbers."),
    say("For a convolution with a kernel of $k_h × k_w$, stride $s$, padding $p$, dilation $d$ and "
        "groups $g$:"),
    "$$\n" r"H_{out} = \left\lfloor \frac{H_{in} + 2p - d\,(k_h - 1) - 1}{s} \right\rfloor + 1"
    "\n$$",
    "$$\n" r"\text{" + say("parameters") + r"} = C_{out} · \frac{C_{in}}{g} · k_h · k_w "
    r"\;(+\, C_{out} \text{ " + say("with a bias") + "})\n$$",
    "$$\n" r"\text{" + say("multiply-adds") + r"} = N · C_{out} · H_{out} · W_{out} · "
    r"\frac{C_{in}}{g} · k_h · k_w" "\n$$",
    say("For a linear layer: $in · out$ parameters, plus $out$ with a bias, and $N · in · out$ "
        "multiply-adds."),
    f"## {say('Words')}",
    table(say("Word"), say("Meaning"), WORDS),
]))
