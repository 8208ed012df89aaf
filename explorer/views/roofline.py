"""A roofline as a figure, as columns, and in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from explorer import text
from explorer.timing import BOUNDS, Roofline, Spot, quiet
from explorer.views.palette import KIND_COLOURS, PLAIN

ROOF = PLAIN

MEANINGS = {
    "memory": "Moving the bytes of the layer takes this device longer than its arithmetic.",
    "arithmetic": "The operations of the layer take this device longer than moving its bytes.",
    "launching": "A call of this kind with nothing to do takes longer than either.",
}


DISTURBED = "Nothing is concluded from these times: the measurement was disturbed."


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
        x=[low, rates.ridge, high], name="roof", mode="lines", line=dict(color=ROOF, width=2),
        y=[low * rates.bytes_per_s, rates.flops_per_s, rates.flops_per_s], hoverinfo="skip",
        showlegend=False)
    for kind, colour in KIND_COLOURS.items():
        if spots := [spot for spot in shown if spot.layer.kind == kind]:
            chart.add_scatter(
                x=[spot.intensity for spot in spots], y=[spot.measured for spot in spots],
                name=kind, mode="markers",
                marker=dict(color=colour, size=8, opacity=0.85, line=dict(width=0)),
                customdata=[_hover(spot) for spot in spots],
                hovertemplate="%{customdata[0]}<br>%{customdata[1]}, bound by %{customdata[2]}<br>"
                              "%{x:.3~g} operations a byte<br>%{y:.3~s}operations a second, "
                              "%{customdata[3]} of what is attainable"
                              f"<extra>{kind}</extra>")
    # On a logarithmic axis an annotation stands at the logarithm.
    chart.add_annotation(x=1, xref="paper", y=math.log10(rates.flops_per_s), yref="y",
                         xanchor="right", yanchor="bottom", showarrow=False, yshift=2,
                         text=f"arithmetic: {text.short(rates.flops_per_s)} operations a second")
    chart.add_annotation(x=0, xref="paper", y=1, yref="paper", xanchor="left", yanchor="top",
                         showarrow=False,
                         text=f"memory: {text.short(rates.bytes_per_s, 'B')} a second")
    chart.update_xaxes(type="log", dtick=1, title="operations for each byte", exponentformat="SI")
    chart.update_yaxes(type="log", dtick=1, title="operations a second", exponentformat="SI")
    chart.update_layout(height=420, margin=dict(l=10, r=10, t=30, b=10),
                        legend=dict(orientation="h", y=1.02, x=0, yanchor="bottom"))
    return chart


def _hover(spot: Spot) -> list[str]:
    return [spot.layer.path, text.seconds(spot.seconds), str(spot.bound),
            f"{spot.reached or 0:.0%}"]


def sentences(roofline: Roofline) -> list[str]:
    """What bounds the pass, in words: the shares, the depthwise convolutions, and what follows.

    Of a disturbed measurement one sentence, that there is nothing to say.
    """
    if not quiet(roofline):
        return [DISTURBED]
    shares = {bound: roofline.share(bound) for bound in BOUNDS}
    rates = roofline.rates
    lines = [
        f"Of the time of all calls, {shares['memory']:.0%} is bound by memory, "
        f"{shares['arithmetic']:.0%} by arithmetic and {shares['launching']:.0%} by launching.",
        f"This device does {text.short(rates.flops_per_s)} operations and moves "
        f"{text.short(rates.bytes_per_s, 'B')} a second in {rates.dtype}: below "
        f"{rates.ridge:.1f} operations a byte a layer waits for memory."]
    if (unknown := 1 - sum(shares.values())) >= 0.01:
        lines.append(f"What bounds the other {unknown:.0%} is not known: the operations of those "
                     "calls are not counted.")
    depthwise = [spot for spot in roofline.spots if spot.layer.kind == "depthwise convolution"]
    if depthwise:
        lines.append(_depthwise(roofline, depthwise))
    if shares["launching"] >= 0.1:
        cost = statistics.median(rates.launch_s.values())
        lines.append(f"A call with almost nothing to do takes about {text.seconds(cost)} here, and "
                     f"this pass makes {len(roofline.spots)}. That time stays as it is when the "
                     "layers become narrower.")
    if shares["arithmetic"] < 0.5:
        lines.append("So fewer multiply-adds shorten this pass only a little: at half the width "
                     "they fall to a quarter, the bytes of the activations only to a half, and the "
                     "number of calls stays.")
    return lines + _above(roofline)


def _above(roofline: Roofline) -> list[str]:
    """The layers that are above their roof, and what that says of it."""
    if not (above := roofline.above):
        return []
    furthest = max(above, key=lambda spot: spot.reached or 0)
    told = (f"{len(above)} of {len(roofline.spots)} calls are above the roof: they were quicker "
            f"than this device should allow, {furthest.layer.path} "
            f"{furthest.reached or 0:.1f} times.")
    if roofline.rates.measured == 1:
        return [f"{told} The rates of the device have been measured only once."]
    return [f"{told} They still are after the rates of the device have been measured "
            f"{roofline.rates.measured} times. What fits into a cache is read faster than memory, "
            "and some libraries compute a convolution with fewer operations; the measured rates "
            "have neither."]


def _depthwise(roofline: Roofline, depthwise: Sequence[Spot]) -> str:
    others = [spot for spot in roofline.spots if spot.layer.kind == "convolution"]
    macs = sum(spot.layer.macs or 0 for spot in depthwise)
    share = macs / max(1, sum(spot.layer.macs or 0 for spot in roofline.spots))
    time = sum(spot.seconds for spot in depthwise) / sum(spot.seconds for spot in roofline.spots)
    compared = f", where the other convolutions do {_intensity(others):.1f}" if others else ""
    return (f"The depthwise convolutions have {share:.0%} of the multiply-adds and take "
            f"{time:.0%} of the time: each weight meets one channel only, so they do "
            f"{_intensity(depthwise):.1f} operations for each byte{compared}.")


def _intensity(spots: Sequence[Spot]) -> float:
    return sum(spot.flops or 0 for spot in spots) / max(1, sum(spot.bytes for spot in spots))
