"""fvcore 0.1.5, `FlopCountAnalysis(network, inputs)` and `parameter_count(network)`.

- Parameters: all that are registered, once.
- FLOPs: one for a multiply-add, without bias; 2 for each input of BatchNorm (1 without scale and
  shift), 1 for each input of adaptive average pooling. It sees functions, too. Nothing for
  activations, other pooling or sums.
"""

from __future__ import annotations

import math
from collections import Counter

from explorer.conventions.reports import Seen, Term, ToolReport


def report(seen: Seen) -> ToolReport:
    counts: Counter[str] = Counter()
    for call in seen.trace.calls:
        if call.operator == "batch_norm":
            counts["norm"] += math.prod(call.output_shape) * (2 if call.parameters else 1)
        elif call.operator == "adaptive_avg_pool2d":
            counts["pool"] += math.prod(call.input_shapes[0])
    terms = [
        Term(counts["norm"], "Adds BatchNorm, 2 for each output: "
             f"2 × {counts['norm'] // 2:,} = {counts['norm']:,}."),
        Term(counts["pool"], "Adds adaptive average pooling, 1 for each input: "
             f"{counts['pool']:,}.")]
    return ToolReport(
        tool="fvcore", version="0.1.5",
        figures=(seen.parameter_figure("parameter_count", seen.totals.params),
                 seen.operations("FLOPs", terms)),
        remark="A multiply-add is one of its FLOPs; elsewhere a FLOP is half of one.")
