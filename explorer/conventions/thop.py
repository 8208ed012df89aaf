"""thop 0.1.1, `profile(network, inputs)`.

- params: those of the modules that run and that it has a rule for.
- MACs: multiply-adds without bias of convolution and linear modules, of transposed convolutions at
  each position of the output; 4 for each input of BatchNorm, LayerNorm and InstanceNorm (2 without
  scale and shift), 1 for each input of PReLU, 1 for each output of average pooling, input + output
  of adaptive average pooling, 3n - 1 for a softmax over n, 1 to 259 for each output of an
  upsampling; recurrent layers with their gates and biases. Nothing for other activations, max
  pooling or functions. It knows PyTorch's own types alone, not those derived from them.
- A module in several places has a hook for each, and is added at each.
"""

from __future__ import annotations

import math
from collections import Counter

from explorer.conventions.reports import (
    LeafRun,
    NotComputed,
    Recurrent,
    Seen,
    Term,
    ToolReport,
    all_of,
    named,
    recurrent,
    times,
)
from explorer.language import Text, say
from explorer.text import sentences

_CONVOLUTIONS = {f"Conv{sides}d" for sides in (1, 2, 3)}
_TRANSPOSED = {f"ConvTranspose{sides}d": f"conv_transpose{sides}d" for sides in (1, 2, 3)}
_NORMS = {"LayerNorm", "SyncBatchNorm", *(f"{norm}{sides}d" for norm in ("BatchNorm",
          "InstanceNorm") for sides in (1, 2, 3))}
_POOLS = {f"AvgPool{sides}d" for sides in (1, 2, 3)}
_ADAPTIVE_POOLS = {f"AdaptiveAvgPool{sides}d" for sides in (1, 2, 3)}
_UPSAMPLINGS = {"Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"}
_RECURRENT = {"RNN": (1, 0), "GRU": (3, 4), "LSTM": (4, 4)}
"""Gates, and what is done with them for each number of the state."""
_CELLS = {"RNNCell", "GRUCell", "LSTMCell"}
_WITH_PARAMETERS = {*_CONVOLUTIONS, *_TRANSPOSED, *_NORMS, *_RECURRENT, *_CELLS, "PReLU", "Linear"}
"""Types with parameters that it has a rule for."""
_UPSAMPLED = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}
"""Operations for each output; other modes are none to it."""


def report(seen: Seen) -> ToolReport:
    def params() -> list[Term]:
        seen.several_modules()
        seen.by_position()
        return seen.of_modules({
            leaf.path: (leaf.places, leaf.parameters) for leaf in seen.leaves
            if leaf.kind in _WITH_PARAMETERS}.values())
    return ToolReport("thop", "0.1.1", (
        seen.figure("parameters", "params", params),
        seen.operations("MACs", lambda: _macs(seen))))


def _macs(seen: Seen) -> tuple[list[Term], set[int]]:
    seen.several_modules()
    seen.by_position()
    shared, watched = 0, set[int]()
    counts: Counter[str] = Counter()
    for leaf in seen.leaves:
        kind, value = _of_layer(leaf)
        beyond = value
        if kind in ("macs", "transposed", "recurrent"):
            watched.update(call.index for call in leaf.calls)
            beyond -= leaf.macs
        counts[kind] += beyond
        shared += (leaf.places ** 2 - 1) * value
    norms = {"BatchNorm", "LayerNorm", "InstanceNorm"}
    met = [norm for norm in sorted(norms) if any(
        leaf.kind in _NORMS and norm in leaf.type for leaf in seen.leaves)]
    terms = [
        Term(counts["norm"], sentences([
            say("Adds {types}, 4 for each output: {sum}.", types=all_of(met),
                sum=times(4, counts["norm"])),
            say("Evaluation can fold BatchNorm into the convolution.") if "BatchNorm" in met
            else ""])),
        Term(counts["bare norm"], say(
            "Adds normalisation without scale and shift, 2 for each output: {sum}.",
            sum=times(2, counts["bare norm"]))),
        Term(counts["transposed"], say(
            "Counts transposed convolutions as ordinary ones, each output as the sum of a whole "
            "window: {count}.", count=f"{counts['transposed']:+,}")),
        Term(counts["recurrent"], say(
            "Adds the biases and gates of recurrent layers: {count}.",
            count=f"{counts['recurrent']:,}")),
        Term(counts["prelu"], say(
            "Adds PReLU, 1 for each input: {count}.", count=f"{counts['prelu']:,}")),
        Term(counts["pool"], say(
            "Adds average pooling, 1 for each output: {count}.", count=f"{counts['pool']:,}")),
        Term(counts["adaptive pool"], say(
            "Adds adaptive average pooling, 1 for each input and 1 for each output: {count}.",
            count=f"{counts['adaptive pool']:,}")),
        Term(counts["softmax"], say(
            "Adds softmax, 3n - 1 for n outputs that add up to 1: {count}.",
            count=f"{counts['softmax']:,}")),
        Term(counts["upsampling"], say(
            "Adds upsampling, 1 for each output in the mode nearest and more in other modes, such "
            "as 11 in bilinear: {count}.", count=f"{counts['upsampling']:,}")),
        Term(shared, say(
            "Counts {count} again for modules that several containers share: once for each hook, "
            "in each container.", count=f"{shared:,}"))]
    return terms, watched


def _of_layer(leaf: LeafRun) -> tuple[str, int]:
    """What one run is to it: a kind, and so many operations."""
    if leaf.kind in _CONVOLUTIONS or leaf.kind == "Linear":
        return "macs", leaf.macs
    if leaf.kind in _TRANSPOSED:
        call = leaf.call(_TRANSPOSED[leaf.kind])
        weight, groups = call.argument("weight"), call.argument("groups")
        inputs = leaf.first[1] // groups
        return "transposed", leaf.outputs * inputs * math.prod(weight.shape[2:])
    if leaf.kind in _NORMS:
        return ("norm", 4 * leaf.inputs) if leaf.parameters else ("bare norm", 2 * leaf.inputs)
    if leaf.kind == "PReLU":
        return "prelu", leaf.inputs
    if leaf.kind in _POOLS:
        return "pool", leaf.outputs
    if leaf.kind in _ADAPTIVE_POOLS:
        # In floating point and cut off, as the tool does it.
        ratios = [before / after for before, after in
                  zip(leaf.first[2:], leaf.output_shapes[0][2:], strict=True)]
        return "adaptive pool", int((math.prod(ratios) + 1) * leaf.outputs)
    if leaf.kind == "Softmax":
        dim = leaf.call("softmax").argument("dim")
        if dim is None:
            raise NotComputed(Text("The tool needs the `dim` of {layer}, which is not given.",
                                   layer=named(leaf)))
        return "softmax", 3 * leaf.inputs - leaf.inputs // leaf.first[dim]
    if leaf.kind in _UPSAMPLINGS:
        mode = leaf.call("interpolate").argument("mode")
        return "upsampling", _UPSAMPLED.get(mode, 0) * leaf.outputs
    if leaf.kind in _RECURRENT:
        return "recurrent", _of_recurrent(recurrent(leaf), *_RECURRENT[leaf.kind])
    if leaf.kind in _CELLS:
        raise NotComputed(Text("What it counts for {layer} is not told by a trace.",
                               layer=named(leaf)))
    return "", 0


def _of_recurrent(layer: Recurrent, gates: int, updates: int) -> int:
    """A sum of two products for each gate, its biases, and what is done with the gates."""
    features, cells = layer.features, 0
    for _ in range(layer.layers):
        gate = (features + layer.state) * layer.state + layer.state * (3 if layer.biased else 1)
        cells += layer.directions * (gates * gate + updates * layer.state)
        features = layer.directions * layer.state
    return layer.cells * cells
