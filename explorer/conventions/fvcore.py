"""fvcore 0.1.5, `FlopCountAnalysis(network, inputs)` and `parameter_count(network)`.

- Parameters: all that are registered, once.
- FLOPs: one for a multiply-add, without bias; 2 for each input of BatchNorm (1 without scale and
  shift), 5 for each input of other normalisation (4), 1 for each input of adaptive average pooling
  of images, 1 for each output of nearest upsampling and 4 of bilinear. It sees functions, too:
  matrix products are the first factor's numbers times the second's columns, `einsum` is NumPy's
  estimate, to four digits. Nothing for convolutions with `padding="same"`, attention in one
  function (`scaled_dot_product_attention`), recurrent layers, `baddbmm`, activations, other pooling
  or sums.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from explorer.conventions.reports import (
    NotComputed,
    Seen,
    Term,
    ToolReport,
    first_shape,
    given,
    named,
    times,
)
from explorer.language import Text, say
from explorer.tracing import Call, Operand
from explorer.tracing.operators import Shape

_NORMS = {"layer_norm": 2, "group_norm": 2, "instance_norm": 3}
"""Each with the place of its factor among the arguments."""
_MULTIPLIED = {"linear", *(f"{conv}{sides}d" for conv in ("conv", "conv_transpose")
                           for sides in (1, 2, 3))}
_PRODUCTS = {"matmul", "mm", "bmm", "addmm"}


def report(seen: Seen) -> ToolReport:
    return ToolReport(
        tool="fvcore", version="0.1.5",
        figures=(seen.figure("parameters", "parameter_count"),
                 seen.operations("FLOPs", lambda: _flops(seen))),
        remark=say("A multiply-add is one of its FLOPs; elsewhere a multiply-add is two "
                   "FLOPs."))


def _flops(seen: Seen) -> tuple[list[Term], set[int]]:
    seen.by_position()
    counts: Counter[str] = Counter()
    watched = set[int]()
    for call in seen.trace.calls:
        function = call.function.rpartition(".")[2].strip("_")
        if call.operator in _MULTIPLIED:
            # Padding by name is another operator to it, without a rule.
            if call.operator == "linear" or not isinstance(call.argument("padding"), str):
                watched.add(call.index)
        elif function in _PRODUCTS:
            watched.add(call.index)
            counts["product"] += _product(call) - (call.effect.macs or 0)
        elif call.operator == "einsum":
            watched.add(call.index)
            counts["einsum"] += _einsum(call) - (call.effect.macs or 0)
        else:
            kind, value = _of_call(call)
            counts[kind] += value
    return [
        Term(counts["product"], say(
            "Counts a matrix product as the numbers of its first factor times the columns of its "
            "second: {count}.", count=f"{counts['product']:+,}")),
        Term(counts["einsum"], say(
            "Counts `einsum` as NumPy estimates it, rounded to four digits: {count}.",
            count=f"{counts['einsum']:+,}")),
        Term(counts["batch norm"], say(
            "Adds BatchNorm in evaluation, 2 for each output: {sum}.",
            sum=times(2, counts["batch norm"]))),
        Term(counts["bare batch norm"], say(
            "Adds BatchNorm in evaluation without scale and shift, 1 for each output: {count}.",
            count=f"{counts['bare batch norm']:,}")),
        Term(counts["norm"], say(
            "Adds normalisation by the input's own mean, 5 for each output: {sum}.",
            sum=times(5, counts["norm"]))),
        Term(counts["bare norm"], say(
            "Adds normalisation by the input's own mean without scale and shift, 4 for each "
            "output: {sum}.", sum=times(4, counts["bare norm"]))),
        Term(counts["pool"], say(
            "Adds adaptive average pooling, 1 for each input: {count}.",
            count=f"{counts['pool']:,}")),
        Term(counts["upsampling"], say(
            "Adds upsampling, 1 for each output in the mode nearest and 4 in the mode bilinear: "
            "{count}.", count=f"{counts['upsampling']:,}"))], watched


def _of_call(call: Call) -> tuple[str, int]:
    """What a call that multiplies no matrices is to it."""
    numbers, rank = math.prod(first_shape(call)), len(first_shape(call))
    if call.operator == "batch_norm":
        functional = call.function.startswith("torch.nn.functional.")
        weight = given(call, "weight", 3 if functional else 1)
        if not given(call, "training", 5):
            return ("bare batch norm", numbers) if weight is None else ("batch norm", 2 * numbers)
        return ("bare norm", 4 * numbers) if weight is None else ("norm", 5 * numbers)
    if (position := _NORMS.get(call.operator)) is not None:
        if not 2 <= rank <= 5:
            raise NotComputed(Text("The tool fails at {layer}, whose input has {rank} sides.",
                                   layer=named(call), rank=rank))
        if call.function == "torch.instance_norm":
            position = 1
        weight = given(call, "weight", position)
        return ("bare norm", 4 * numbers) if weight is None else ("norm", 5 * numbers)
    if call.operator == "adaptive_avg_pool2d":
        return "pool", numbers
    if call.operator == "interpolate" and not call.argument("antialias"):
        mode, outputs = call.argument("mode"), math.prod(call.output_shape)
        if rank == 4 and mode in ("nearest", "bilinear"):
            return "upsampling", outputs if mode == "nearest" else 4 * outputs
    return "", 0


def _product(call: Call) -> int:
    *_, one, other = [value.shape for value in (*call.args, *call.kwargs.values())
                      if isinstance(value, Operand)]
    if len(other) < 2:
        raise NotComputed(Text("The tool fails at {path}, a matrix times a vector.",
                               path=call.path))
    return math.prod(one) * other[-1]


def _einsum(call: Call) -> int:
    equation, *operands = call.args
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    if not isinstance(equation, str) or not all(isinstance(one, Operand) for one in operands):
        raise NotComputed(Text("The tool fails at {path}, which is not written as an equation.",
                               path=call.path))
    shapes: list[Shape] = [one.shape for one in operands]
    equation = equation.replace(" ", "")
    letters = {ord(letter): 97 + place for place, letter in enumerate(
        dict.fromkeys(filter(str.isalpha, equation)))}
    equation = equation.translate(letters)
    if equation == "abc,abd->acd":
        return math.prod(shapes[0]) * shapes[1][-1]
    if equation == "abc,adc->adb":
        return math.prod(shapes[0]) * shapes[1][1]
    _, report = np.einsum_path(equation, *[np.broadcast_to(0.0, shape) for shape in shapes],
                               optimize="optimal")
    line = next(line for line in report.split("\n") if "optimized flop" in line.lower())
    return math.floor(float(line.rpartition(":")[2]) / 2)
