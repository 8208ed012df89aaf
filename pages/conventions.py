"""What each figure means, and how it is counted."""

from explorer.ui.start import within_app  # isort: split

import streamlit as st

from explorer.ui.headings import page
from explorer.ui.lessons.links import with_lessons

within_app()
page("How it counts", "What does each figure mean, and how is it counted? Tools disagree about "
     "these figures because each counts in its own way. This is ours.")
st.markdown(with_lessons("""
| Figure | What it is |
| --- | --- |
| **Parameters** | Every registered parameter of the module; a shared one counts once. Buffers, \
such as the running means of BatchNorm, are not counted. *Used* parameters are those that the \
output in evaluation depends on: without Inception's auxiliary head they are fewer. |
| **Multiply-adds** (MACs) | One multiplication and one addition count as one. Convolutions, \
linear layers and matrix products (also in attention) are counted, without the bias. **FLOPs** \
are twice as many. |
| **Element-wise operations** | Everything else, in a separate column. For each output a bias or \
a ReLU counts one, BatchNorm two, and pooling one for each input in its window. |
| **Output bytes** | The memory of a layer's output in float32 (4 bytes a number). Zero where the \
output shares the memory of its input: after flatten, or an in-place operation. |
| **Peak memory** | The most activation memory in use at one moment of a forward pass in \
evaluation. A tensor is in use until the last layer that reads it, or as long as a variable of \
the program holds it. Parameters and the workspace of the algorithms are not included. |
| **Saved for backward** | What a training pass saves for its backward pass, as PyTorch does on a \
CPU: inputs of convolutions, outputs of ReLU, the mask of dropout, the indices of max pooling, \
the statistics of BatchNorm. Memory that two layers save counts once; parameters are not \
included. |
| **Receptive field** | The pixels of the image that one position of a feature map can see, along \
the largest path through branches and shortcuts. After squeeze-and-excitation it is the whole \
image, because squeeze-and-excitation has a global pooling. |
| **Latency** | The median of timed forward passes in evaluation, after a warm-up, in a separate \
process; with the 10th and the 90th percentile, and the conditions. |

k, M and G are 10³, 10⁶ and 10⁹; MB is 10⁶ bytes, MiB is 2²⁰.

## How one layer is counted

Choose a row of the layer table on the Explore page to see every formula with that layer's numbers.

For a convolution with a kernel of $k_h × k_w$, stride $s$, padding $p$, dilation $d$ and \
groups $g$:

$$
H_{out} = \\left\\lfloor \\frac{H_{in} + 2p - d\\,(k_h - 1) - 1}{s} \\right\\rfloor + 1
$$

$$
\\text{parameters} = C_{out} · \\frac{C_{in}}{g} · k_h · k_w \\;(+\\, C_{out} \\text{ with a bias})
$$

$$
\\text{multiply-adds} = N · C_{out} · H_{out} · W_{out} · \\frac{C_{in}}{g} · k_h · k_w
$$

For a linear layer: $in · out$ parameters, plus $out$ with a bias, and $N · in · out$ multiply-adds.

## Words

| Word | Meaning |
| --- | --- |
| **Stem, stage, head** | The first layers, the groups of blocks at one resolution, and the \
classifier at the end. |
| **Block** | The unit that a network repeats: a bottleneck, an inverted residual, an Inception \
module. |
| **Width multiplier** | Multiplies the channels of every layer, rounded to a multiple of 8. |
| **Depth multiplier** | Multiplies the number of blocks in every stage, rounded up. |
| **Depthwise convolution** | One filter for each channel: as many groups as channels. It has few \
multiply-adds, and is usually memory-bound. |
| **Bottleneck** | A 1×1 convolution reduces the channels before a 3×3, and another 1×1 increases \
them after it. |
| **Global pooling** | One number for each channel: the average over the whole feature map. |
| **Squeeze-and-excitation** | Multiplies each channel by a factor that is computed from the \
whole feature map: global pooling, two small layers, and a sigmoid or hard-sigmoid. |
| **Compute-bound** | The arithmetic takes longest: more multiply-adds mean more time. |
| **Memory-bound** | Reading and writing memory takes longest: fewer multiply-adds alone do not \
help. |
| **Overhead-bound** | Starting the operation takes longest: it is too small for the device. |
| **Preset** | A network as its paper, or torchvision, has it, with no knob turned. |
"""))
