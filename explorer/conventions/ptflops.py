"""ptflops 0.7.5, `get_model_complexity_info(network, size)` with its default backend.

- Parameters: all that are registered and trainable, once.
- MACs of one image, whatever the batch: multiply-adds of convolution and linear modules and their
  biases, 2 for each input of BatchNorm (1 without scale and shift), 1 for each output of ReLU, ELU
  and similar ones, 1 for each input of pooling. It also watches the functions that these modules
  call, so that activations and poolings count twice, and SiLU, which is no module to it, once.
  LocalResponseNorm counts by the functions in it. Nothing for hard-swish, hard-sigmoid, `+`, `*` or
  concatenation.
- The hooks of a module in several places are added at each.
"""

from __future__ import annotations

import math
from collections import Counter

from explorer.conventions.reports import Seen, Term, ToolReport

_ONE_AN_OUTPUT = frozenset({"ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU"})
_ONE_AN_INPUT = frozenset({"MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d"})
_PATCHED = {
    **dict.fromkeys(("relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"), "activation"),
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
                    "pool")}


def report(seen: Seen) -> ToolReport:
    macs = shared = 0
    counts: Counter[str] = Counter()
    # Types of activations, in order: those that count twice, and those that count once.
    twice, once = dict[str, None](), dict[str, None]()
    inside: set[int] = set()
    for leaf in seen.leaves:
        value = 0
        if leaf.macs:
            biases = leaf.outputs if "bias" in seen.own(leaf.path) else 0
            macs += leaf.macs
            counts["bias"] += biases
            value = leaf.macs + biases
        elif leaf.type in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"):
            value = (2 if leaf.parameters else 1) * leaf.inputs
            counts["norm"] += value
        elif leaf.type in _ONE_AN_OUTPUT:
            value = leaf.outputs
            twice[leaf.type] = None
            inside.update(call.index for call in leaf.calls)
            counts["twice"] += value
        elif leaf.type in _ONE_AN_INPUT:
            value = leaf.inputs
            counts["pool"] += value
        shared += (leaf.places - 1) * value
    for call in seen.trace.calls:
        size = sum(map(math.prod, call.input_shapes[:1]))
        if kind := _PATCHED.get(call.operator):
            if kind == "activation" and call.index in inside:
                kind = "twice"
            elif kind == "activation":
                once[call.type] = None
            counts[kind] += size
        elif call.operator == "local_response_norm":
            counts["lrn"] += 3 * size + size // call.output_shape[1] * (
                call.output_shape[1] + call.argument("size") - 1)

    batch = seen.batch
    image = {kind: count // batch for kind, count in counts.items()}
    ours = seen.totals.macs
    frozen = seen.totals.params - seen.totals.trainable_params
    terms = [
        Term(ours // batch - ours, "Always makes a batch of one image of its own; ours for one "
             f"image is {ours:,} / {batch} = {ours // batch:,}."),
        Term(image.get("bias", 0), "Adds the biases of convolutions and linear layers, one for "
             f"each output: {image.get('bias', 0):,}."),
        Term(image.get("norm", 0), "Adds BatchNorm, 2 for each output: "
             f"2 × {image.get('norm', 0) // 2:,} = {image.get('norm', 0):,}."),
        Term(image.get("twice", 0), f"Adds {' and '.join(twice)} twice for each output, for the "
             f"module and for the function that it calls: {image.get('twice', 0):,}."),
        Term(image.get("activation", 0), f"Adds {' and '.join(once)}, one for each output: "
             f"{image.get('activation', 0):,}."),
        Term(image.get("pool", 0), "Adds pooling twice for each input, for the module and for the "
             f"function that it calls: {image.get('pool', 0):,}."),
        Term(image.get("lrn", 0), "Adds the products, sums and averages that LocalResponseNorm is "
             f"made of: {image.get('lrn', 0):,}."),
        Term(shared // batch, f"Counts {shared // batch:,} again for modules that several "
             "containers share.")]
    return ToolReport("ptflops", "0.7.5", (
        seen.parameter_figure("Number of parameters", seen.totals.trainable_params, [Term(
            -frozen, f"Leaves out {frozen:,} parameters that training does not change.")]),
        seen.operations("MACs", terms, macs)))
