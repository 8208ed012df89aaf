"""What each figure means, and how it is counted."""

import streamlit as st

from explorer.ui.headings import page

page("How it counts", "What does each figure mean, and how is it counted? Tools disagree about "
     "these figures because each counts in its own way. This is ours.")
st.markdown("""
| Figure | What it is |
| --- | --- |
| **Parameters** | Every weight that training learns, shared ones once. Where some do not run in \
evaluation (Inception's auxiliary head), *used* parameters are fewer. |
| **Multiply-adds** (MACs) | One multiplication and one addition, of convolutions and linear \
layers, without the bias. **FLOPs** are twice as many. |
| **Element-wise operations** | Everything else, in a column of its own: a bias or a ReLU is one \
for each output, BatchNorm two, pooling one for each input of its window. |
| **Output bytes** | The memory of a layer's output in float32 (4 bytes a number). Zero where the \
output shares its input's memory: a flattening, or an operation in place. |
| **Peak memory** | The most activation memory alive at once in one forward pass in evaluation: \
a tensor lives until the last layer that reads it, or as long as a variable of the program holds \
it. Parameters and the workspace of the algorithms come on top. |
| **Kept by training** | What a training pass keeps for its backward pass, as PyTorch does on a \
CPU: inputs of convolutions, outputs of ReLU, the mask of dropout, the indices of max pooling, the \
statistics of BatchNorm. Memory that two layers keep counts once; parameters are apart. |
| **Receptive field** | The pixels of the image that one position of a feature map can see, along \
the largest path through branches and shortcuts. Behind squeeze-and-excitation that is the whole \
image, since its gate pools all of it. |
| **Latency** | The median of timed forward passes in evaluation, after a warm-up, in a process of \
its own; with the 10th and the 90th percentile, and the conditions. |

k, M and G are 10³, 10⁶ and 10⁹; MB is 10⁶ bytes, MiB is 2²⁰.

## How one layer is counted

Choose a row of the layer table on the Explore page to see every formula with that layer's numbers.

For a convolution with a kernel of $k_h × k_w$, stride $s$, padding $p$, dilation $d$ and \
groups $g$:

$$
H_{out} = \\left\\lfloor \\frac{H_{in} + 2p - d\\,(k_h - 1) - 1}{s} \\right\\rfloor + 1
$$

$$
\\text{parameters} = C_{out} · \\frac{C_{in}}{g} · k_h · k_w \
\\;(+\\, C_{out} \\text{ with a bias})
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
| **Depthwise convolution** | One filter for each channel; groups equal channels. Few \
multiply-adds, and bound by memory rather than arithmetic. |
| **Bottleneck** | 1×1 convolutions narrow the channels before a 3×3 and widen them after it. |
| **Squeeze-and-excitation** | Scales each channel by a number that the whole image decides. |
""")
