"""A roofline as a figure, as columns, and in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from explorer import text
from explorer.language import Text, say
from explorer.timing import BOUNDS, Roofline, Spot, quiet
from explorer.views.palette import KIND_COLOURS, PLAIN

ROOF = PLAIN

NAMES = {"memory": Text("memory"), "arithmetic": Text("arithmetic"),
         "launching": Text("launching")}
"""Of the bounds."""
MEANINGS = {
    "memory": Text("Moving the bytes of the layer takes this device longer than its arithmetic."),
    "arithmetic": Text("The operations of the layer take this device longer than moving its "
                       "bytes."),
    "launching": Text("A call of this kind with nothing to do takes longer than either."),
}


DISTURBED = Text("Nothing is concluded from these times: the measurement was disturbed.")


def frame(roofline: Roofline) -> pd.DataFrame:
    """A row for each layer; rates in operations a second, missing where there is none."""
    rows = pd.DataFrame([
        {"index": spot.layer.index, "path": spot.layer.path, "kind": spot.layer.kind,
         "seconds": spot.seconds, "flops": spot.flops, "moved_bytes": spot.bytes,
         "intensity": spot.intensity, "attainable_flops_per_s": spot.attainable,
         "measured_flops_per_s": spot.measured, "bound": spot.bound}
        for spot in roofline.spots])
    rows["flops"] = rows["flops"].astype("Int64")
    return rows


def figure(roofline: Roofline) -> go.Figure:
    """Both roofs as lines, and a dot for each layer at its intensity and the rate it reached."""
    shown = [spot for spot in roofline.spots if spot.intensity and spot.measured]
    rates = roofline.rates
    intensities = [spot.intensity for spot in shown if spot.intensity] + [rates.ridge]
    low, high = min(intensities) / 2, max(intensities) * 4
    chart = go.Figure()
    chart.add_scatter(
        x=[low, rates.ridge, high], name=say("roof"), mode="lines", line=dict(color=ROOF, width=2),
        y=[low * rates.bytes_per_s, rates.flops_per_s, rates.flops_per_s], hoverinfo="skip",
        showlegend=False)
    hover = "<br>".join([
        say("{time}, bound by {bound}", time="%{customdata[1]}", bound="%{customdata[2]}"),
        say("{count} operations a byte", count="%{x:.3~g}"),
        say("{count}operations a second, {share} of what is attainable", count="%{y:.3~s}",
            share="%{customdata[3]}")])
    for kind, colour in KIND_COLOURS.items():
        if spots := [spot for spot in shown if spot.layer.kind == kind]:
            chart.add_scatter(
                x=[spot.intensity for spot in spots], y=[spot.measured for spot in spots],
                name=say(kind), mode="markers",
                marker=dict(color=colour, size=8, opacity=0.85, line=dict(width=0)),
                customdata=[_hover(spot) for spot in spots],
                hovertemplate="%{customdata[0]}<br>" + hover + f"<extra>{say(kind)}</extra>")
    # On a logarithmic axis an annotation stands at the logarithm.
    chart.add_annotation(x=1, xref="paper", y=math.log10(rates.flops_per_s), yref="y",
                         xanchor="right", yanchor="bottom", showarrow=False, yshift=2,
                         text=say("arithmetic: {count} operations a second",
                                  count=text.short(rates.flops_per_s)))
    chart.add_annotation(x=0, xref="paper", y=1, yref="paper", xanchor="left", yanchor="top",
                         showarrow=False,
                         text=say("memory: {bytes} a second",
                                  bytes=text.short(rates.bytes_per_s, "B")))
    chart.update_xaxes(type="log", dtick=1, title=say("operations for each byte"),
                       exponentformat="SI")
    chart.update_yaxes(type="log", dtick=1, title=say("operations a second"), exponentformat="SI")
    chart.update_layout(height=420, margin=dict(l=10, r=10, t=30, b=10),
                        legend=dict(orientation="h", y=1.02, x=0, yanchor="bottom"))
    return chart


def _hover(spot: Spot) -> list[str]:
    bound = str(NAMES[spot.bound]) if spot.bound else str(None)
    return [spot.layer.path, text.seconds(spot.seconds), bound,
            f"{spot.reached or 0:.0%}"]


def sentences(roofline: Roofline) -> list[str]:
    """What bounds the pass, in words: the shares, the depthwise convolutions, and what follows.

    Of a disturbed measurement one sentence, that there is nothing to say.
    """
    if not quiet(roofline):
        return [str(DISTURBED)]
    shares = {bound: roofline.share(bound) for bound in BOUNDS}
    rates = roofline.rates
    lines = [
        say("Of the time of all calls, {memory} is bound by memory, {arithmetic} by arithmetic and "
            "{launching} by launching.",
            **{bound: f"{shares[bound]:.0%}" for bound in BOUNDS}),
        say("This device does {operations} operations and moves {bytes} a second in {dtype}: below "
            "{ridge} operations a byte a layer waits for memory.",
            operations=text.short(rates.flops_per_s), bytes=text.short(rates.bytes_per_s, "B"),
            dtype=rates.dtype, ridge=f"{rates.ridge:.1f}")]
    if (unknown := 1 - sum(shares.values())) >= 0.01:
        lines.append(say("What bounds the other {share} is not known: the operations of those "
                         "calls are not counted.", share=f"{unknown:.0%}"))
    depthwise = [spot for spot in roofline.spots if spot.layer.kind == "depthwise convolution"]
    if depthwise:
        lines.append(_depthwise(roofline, depthwise))
    if shares["launching"] >= 0.1:
        cost = statistics.median(rates.launch_s.values())
        lines.append(say("A call with almost nothing to do takes about {time} here, and this pass "
                         "makes {count}. That time stays as it is when the layers become narrower.",
                         time=text.seconds(cost), count=len(roofline.spots)))
    if shares["arithmetic"] < 0.5:
        lines.append(say("So fewer multiply-adds shorten this pass only a little: at half the "
                         "width they fall to a quarter, the bytes of the activations only to a "
                         "half, and the number of calls stays."))
    return lines + _above(roofline)


def _above(roofline: Roofline) -> list[str]:
    """The layers that are above their roof, and what that says of it."""
    if not (above := roofline.above):
        return []
    furthest = max(above, key=lambda spot: spot.reached or 0)
    told = say("{count} of {calls} calls are above the roof: they were quicker than this device "
               "should allow, {furthest} {ratio} times.", count=len(above),
               calls=len(roofline.spots), furthest=furthest.layer.path,
               ratio=f"{furthest.reached or 0:.1f}")
    if roofline.rates.measured == 1:
        more = say("The rates of the device have been measured only once.")
    else:
        more = say("They still are after the rates of the device have been measured {count} times. "
                   "What fits into a cache is read faster than memory, and some libraries compute "
                   "a convolution with fewer operations; the measured rates have neither.",
                   count=roofline.rates.measured)
    return [text.sentences([told, more])]


def _depthwise(roofline: Roofline, depthwise: Sequence[Spot]) -> str:
    others = [spot for spot in roofline.spots if spot.layer.kind == "convolution"]
    macs = sum(spot.layer.macs or 0 for spot in depthwise)
    share = macs / max(1, sum(spot.layer.macs or 0 for spot in roofline.spots))
    time = sum(spot.seconds for spot in depthwise) / sum(spot.seconds for spot in roofline.spots)
    return say("The depthwise convolutions have {share} of the multiply-adds and take {time} of "
               "the time: each weight meets one channel only, so they do {own} operations for each "
               "byte, where the other convolutions do {other}." if others else
               "The depthwise convolutions have {share} of the multiply-adds and take {time} of "
               "the time: each weight meets one channel only, so they do {own} operations for each "
               "byte.", share=f"{share:.0%}", time=f"{time:.0%}",
               own=f"{_intensity(depthwise):.1f}", other=f"{_intensity(others):.1f}")


def _intensity(spots: Sequence[Spot]) -> float:
    return sum(spot.flops or 0 for spot in spots) / max(1, sum(spot.bytes for spot in spots))
