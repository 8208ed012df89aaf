"""thop 0.1.1, `profile(network, inputs)`.

- params: those of the modules that run and that it has a rule for.
- MACs: multiply-adds without bias of convolution and linear modules; 4 for each output of BatchNorm
  (2 without scale and shift), 1 for each output of average pooling, input + output of adaptive
  average pooling, 3n - 1 for a softmax over n. Nothing for ReLU, hard-swish, max pooling or
  functions.
- A module in several places has a hook for each, and is added at each.
"""

from __future__ import annotations

import math
from collections import Counter

from explorer.conventions.reports import Seen, Term, ToolReport
from explorer.tracing import Call

_RULES = frozenset({
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "InstanceNorm1d", "InstanceNorm2d",
    "InstanceNorm3d", "PReLU", "Linear"})
"""Types with parameters that it has a rule for."""


def report(seen: Seen) -> ToolReport:
    macs = shared = 0
    counts: Counter[str] = Counter()
    for leaf in seen.leaves:
        kind, value = leaf.type, 0
        if leaf.macs and leaf.type in _RULES:
            kind, value = "macs", leaf.macs
            macs += value
        elif leaf.type in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"):
            kind, value = "norm", (4 if leaf.parameters else 2) * leaf.inputs
        elif leaf.type == "AvgPool2d":
            value = leaf.outputs
        elif leaf.type == "AdaptiveAvgPool2d":
            # In floating point and cut off, as the tool does it.
            before, after = leaf.calls[0].input_shapes[0][-2:], leaf.calls[0].output_shape[-2:]
            value = int((before[0] / after[0] * (before[1] / after[1]) + 1) * leaf.outputs)
        elif leaf.type == "Softmax":
            value = sum(_softmax(call) for call in leaf.calls if call.operator == "softmax")
        counts[kind] += value
        shared += (leaf.places ** 2 - 1) * value
    terms = [
        Term(counts["norm"], "Adds BatchNorm, which evaluation can fold into the convolution: "
             f"4 for each output, 4 × {counts['norm'] // 4:,} = {counts['norm']:,}."),
        Term(counts["AvgPool2d"], "Adds average pooling, 1 for each output: "
             f"{counts['AvgPool2d']:,}."),
        Term(counts["AdaptiveAvgPool2d"], "Adds adaptive average pooling, 1 for each input and 1 "
             f"for each output: {counts['AdaptiveAvgPool2d']:,}."),
        Term(counts["Softmax"], "Adds softmax, 3n - 1 for n outputs that add up to 1: "
             f"{counts['Softmax']:,}."),
        Term(shared, f"Counts {shared:,} again for modules that several containers share: once "
             "for each hook, in each container.")]
    params = seen.parameters("params", {
        leaf.path: (leaf.places, leaf.parameters) for leaf in seen.leaves
        if leaf.type in _RULES}.values())
    return ToolReport("thop", "0.1.1", (params, seen.operations("MACs", terms, macs)))


def _softmax(call: Call) -> int:
    """An exponential and a quotient for each number, and the sums over the dimension."""
    numbers, dim = math.prod(call.output_shape), call.argument("dim")
    return 3 * numbers - numbers // call.output_shape[1 if dim is None else dim]
