"""Each figure over a knob: lines, the power that fits, and which stage follows which power."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from html import escape
from itertools import groupby, pairwise

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from explorer import text
from explorer.config import Knobs, find_knob
from explorer.language import say
from explorer.sources import title, with_knobs
from explorer.sweeping import Grid, Law, Record, StageLaw, law, stage_laws
from explorer.sweeping.laws import STAGED
from explorer.timing import quiet
from explorer.views.axes import axis, value_axis
from explorer.views.palette import PLAIN, SCALE, SERIES
from explorer.views.sweep.quantities import QUANTITIES, has_numbers, in_words, knob_of

CLEAR = 0.02
"""Up to which share points may be off a power that is said without it."""
MOST_CURVES = 24
MOST_DOTS = 60
"""Values up to which a curve has a dot for each."""


@dataclass(frozen=True)
class Curve:
    """One network over the values of a knob; all other knobs stay."""

    network: Knobs
    others: str
    """What else is turned and stays here, in words; "" for nothing."""
    points: tuple[tuple[float | str, Record], ...]

    @property
    def name(self) -> str:
        return with_knobs(title(self.network), [self.others] if self.others else [])


def curves(grid: Grid, records: Mapping[str, Record], over: str,
           held: Mapping[str, str]) -> list[Curve]:
    """Those of a sweep over one of its knobs, as far as there are records. Knobs that are `held`
    have that value alone."""
    knobs = [each.knob for each in grid.axes]
    place = knobs.index(over)
    size, made = len(grid) // len(grid.networks), []
    for number, network in enumerate(grid.networks):
        found: dict[tuple[str, ...], list[tuple[str, Record]]] = {}
        for point in grid.points[number * size:(number + 1) * size]:
            others = point.values[:place] + point.values[place + 1:]
            if point.key in records and all(held.get(knob, value) == value for knob, value in
                                            zip(knobs, point.values, strict=True) if knob != over):
                found.setdefault(others, []).append((point.values[place], records[point.key]))
        for others, along in found.items():
            words = [_words(grid, knob, value) for knob, value in
                     zip(knobs[:place] + knobs[place + 1:], others, strict=True)]
            made.append(Curve(network, text.listing(words) if words else "", tuple(
                sorted([(float(value), record) for value, record in along], key=lambda one: one[0])
                if has_numbers(grid, over) else along)))
    return made


def _words(grid: Grid, knob: str, value: str) -> str:
    own = knob_of(grid, knob)
    return own.words(own.parse(value))


def colours(drawn: Sequence[Curve]) -> list[str]:
    """One for each curve: of its network where there are several, else along the other knob."""
    networks = list(dict.fromkeys([curve.network for curve in drawn]))
    if len(networks) > 1 or len(drawn) == 1:
        return [SERIES[networks.index(curve.network) % len(SERIES)] for curve in drawn]
    return list(sample_colorscale(list(SCALE), [place / (len(drawn) - 1)
                                                for place in range(len(drawn))]))


DASHES = ("solid", "dash", "dot")


def dashes(drawn: Sequence[Curve]) -> list[str]:
    """Kinds of lines, which tell curves of one colour apart."""
    shades = list(dict.fromkeys([curve.others for curve in drawn]))
    several = len({curve.network for curve in drawn}) > 1
    return [DASHES[shades.index(curve.others) % len(DASHES)] if several else DASHES[0]
            for curve in drawn]


def legend(drawn: Sequence[Curve]) -> str:
    """What the lines stand for, as HTML."""
    names = [curve.others or curve.name for curve in drawn] \
        if len({curve.network for curve in drawn}) == 1 else [curve.name for curve in drawn]
    lines = "".join([
        f'<span><i style="border-top: 3px {_BORDERS[dash]} {colour}"></i>{escape(name)}</span>'
        for name, colour, dash in zip(names, colours(drawn), dashes(drawn), strict=True)])
    return f'<div class="lines">{lines}</div>'


_BORDERS = {"solid": "solid", "dash": "dashed", "dot": "dotted"}


def chart(drawn: Sequence[Curve], name: str, over: str, label: str,
          marks: Mapping[Knobs, Record]) -> go.Figure:
    """One figure over a knob; `marks` are the networks as they were chosen."""
    quantity = QUANTITIES[name]
    ups = [value for curve in drawn for _, record in curve.points
           if (value := record.figure(name)) is not None]
    made = go.Figure()
    for curve, colour, dash in zip(drawn, colours(drawn), dashes(drawn), strict=True):
        knob = find_knob(curve.network, over)
        known = [(x, value) for x, record in curve.points
                 if (value := record.figure(name)) is not None]
        rings = [name == "latency" and _disturbed(record) for _, record in curve.points
                 if record.figure(name) is not None]
        made.add_scatter(
            x=[x if isinstance(x, float) else knob.value_words(knob.parse(x)) for x, _ in known],
            y=[value for _, value in known], name=curve.name,
            mode="lines+markers" if len(known) <= MOST_DOTS or any(rings) else "lines",
            line=dict(color=colour, width=2, dash=dash, shape="hv" if stepped(known) else "linear"),
            marker=dict(size=[9 if ring else 5 for ring in rings],
                        symbol=["circle-open" if ring else "circle" for ring in rings]),
            customdata=[quantity.words(value) for _, value in known],
            hovertemplate=say("{knob} {value}: {amount}", knob=escape(in_words(label, over)),
                              value="%{x}", amount="%{customdata}")
            + f"<extra>{escape(curve.name)}</extra>")
    _mark(made, marks, name, over, {curve.network for curve in drawn})
    along = [x for curve in drawn for x, _ in curve.points if isinstance(x, float)]
    chosen = [float(getattr(curve.network, over)) for curve in drawn] if along else []
    made.update_layout(height=270, margin=dict(l=8, r=8, t=8, b=8), showlegend=False,
                       yaxis=axis(ups, quantity.unit), xaxis=dict(
                           value_axis(along, chosen) if along else dict(type="category"),
                           title=dict(text=label, standoff=6 if along else 22), showgrid=False))
    return made


def _mark(made: go.Figure, marks: Mapping[Knobs, Record], name: str, over: str,
          shown: set[Knobs]) -> None:
    there = [(getattr(network, over), value, title(network)) for network, record in marks.items()
             if network in shown and (value := record.figure(name)) is not None]
    there = [(x, value, said) for x, value, said in there if isinstance(x, int | float)
             and not isinstance(x, bool)]
    made.add_scatter(
        x=[x for x, *_ in there], y=[value for _, value, _ in there], mode="markers",
        marker=dict(symbol="diamond", size=11, color=PLAIN, line=dict(color="#FFFFFF", width=1.5)),
        customdata=[[said, QUANTITIES[name].words(value)] for _, value, said in there],
        hovertemplate=say("as chosen: {network}, {amount}", network="%{customdata[0]}",
                          amount="%{customdata[1]}") + "<extra></extra>")


def varies(drawn: Sequence[Curve], name: str) -> bool:
    """Whether a figure changes along any of the curves."""
    return any(len({record.figure(name) for _, record in curve.points}) > 1 for curve in drawn)


def stepped(known: Sequence[tuple[float | str, float]]) -> bool:
    """Whether neighbouring values of a number cost the same, as where channels are rounded, while
    others do not."""
    numbers = [(x, value) for x, value in known if isinstance(x, float)]
    same = [before == value for (_, before), (_, value) in pairwise(numbers)]
    return any(same) and not all(same)


def steps_sentence(drawn: Sequence[Curve], over: str) -> str:
    """Where neighbouring values are one network, because channels are rounded; "" where none
    are."""
    same = total = 0
    for curve in drawn:
        costs = [record.totals.macs for _, record in curve.points if record.totals]
        total += max(0, len(costs) - 1)
        same += sum(before == value for before, value in pairwise(costs))
    if over not in ("width", "depth") or not 0 < same < total:
        return ""
    return say(
        "Steps: {same} of {total} values cost as much as the one before, because channels are "
        "rounded to a multiple of 8." if over == "width" else
        "Steps: {same} of {total} values cost as much as the one before, because the number of "
        "blocks is rounded up.", same=f"{same:,}", total=f"{total:,}")


@dataclass(frozen=True)
class Growth:
    """How a figure of one network grows with a knob."""

    network: Knobs
    law: Law | None


def growths(drawn: Sequence[Curve], name: str) -> list[Growth]:
    """Of each network; none where the knob is no number. A latency that was disturbed is left out.
    """
    by_network = groupby(drawn, key=lambda curve: curve.network)
    return [Growth(network, law([[(x, record) for x, record in _numbers(curve)
                                  if name != "latency" or not _disturbed(record)]
                                 for curve in own], name)) for network, own in by_network]


def _disturbed(record: Record) -> bool:
    return record.timing is not None and not quiet(record.timing)


def _numbers(curve: Curve) -> list[tuple[float, Record]]:
    return [(x, record) for x, record in curve.points if isinstance(x, float)]


def growth_html(found: Sequence[Growth], over: str, *, plural: bool) -> str:
    """How a figure grows, in a line: "grow as width^1.98"."""
    said = [(growth.network, _power_words(growth.law, _spoken(growth.network, over), plural))
            for growth in found if growth.law]
    if not said:
        return ""
    if len({words for _, words in said}) == 1 or len(said) == 1:
        return said[0][1]
    return " · ".join([say("{network}: {growth}", network=escape(title(network)), growth=words)
                       for network, words in said])


def _power_words(found: Law, knob: str, plural: bool) -> str:
    if abs(found.exponent) < 0.005 and found.error < CLEAR:
        return say("do not depend on {knob}" if plural else "does not depend on {knob}", knob=knob)
    if abs(found.exponent - 1) < 0.005:
        growth = say("grow in proportion to {knob}" if plural else "grows in proportion to {knob}",
                     knob=knob)
    else:
        growth = say("grow as {power}" if plural else "grows as {power}",
                     power=f'<span class="power">{power(knob, found.exponent)}</span>')
    if found.error <= CLEAR:
        return growth
    if found.error < 1:
        return say("{growth}; single values differ by up to {share}", growth=growth,
                   share=f"{found.error:.0%}")
    return say("{growth}, which fits badly", growth=growth)


def power(knob: str, exponent: float) -> str:
    """
    >>> power("width", 1.984), power("width", -0.003)
    ('width<sup>1.98</sup>', 'width<sup>0</sup>')
    """
    return f"{knob}<sup>{round(exponent, 2) + 0.0:g}</sup>"     # -0.0 is 0


def _spoken(network: Knobs, knob: str) -> str:
    return escape(in_words(find_knob(network, knob).label, knob.replace("_", " ")))


NOTES = {
    "width": "A convolution whose inputs and outputs both grow costs the square of the width. The "
             "first one, whose inputs are the image, the last layer, whose outputs are the "
             "classes, and depthwise convolutions grow only as the width itself.",
    "input_size": "Each position of a feature map costs the same, and there are height × width of "
                  "them: convolutions grow as the square, and their parameters do not at all. "
                  "What follows the global pooling does not see the size.",
    "depth": "Only what is repeated grows: the stem, the head and the first block of a stage, "
             "which changes the channels, stand there once.",
    "batch_size": "Each image costs the same; parameters are shared by all of them."}
"""Why the powers are what they are, to be said."""


def stage_table(drawn: Sequence[Curve], over: str) -> str:
    """Which stage of each network follows which power, as HTML; "" where none is to be told."""
    tables = [_stages(network, list(own), over)
              for network, own in groupby(drawn, key=lambda curve: curve.network)]
    return "".join(tables)


def _stages(network: Knobs, own: Sequence[Curve], over: str) -> str:
    slices = [_numbers(curve) for curve in own]
    found = {name: stage_laws(slices, name) for name in STAGED}
    rows = [(macs, params) for macs, params in zip(found["macs"], found["params"], strict=True)
            if macs.exponent is not None or params.exponent is not None]
    if not rows:
        return ""
    most, knob = max(x for slice in slices for x, _ in slice), _spoken(network, over)
    said = say("and share at {knob} {value}", knob=knob, value=f"{most:g}")
    share = f"<br><small>{said}</small>"
    body = "".join([
        f'<tr><th scope="row">{escape(macs.path)}</th>{_cell(macs, knob)}{_cell(params, knob)}</tr>'
        for macs, params in rows])
    grown = say("{network}: {stages}.", network=f"<b>{escape(title(network))}</b>",
                stages=_groups(found["macs"], knob))
    return (f'<p class="powers">{grown}</p>'
            f'<div class="compared powers"><table><thead><tr><th>{say("Stage")}</th>'
            f"<th>{say('Multiply-adds grow as')}{share}</th>"
            f"<th>{say('Parameters grow as')}{share}</th></tr></thead>"
            f"<tbody>{body}</tbody></table></div>")


def _cell(found: StageLaw, knob: str) -> str:
    if found.exponent is None:
        return "<td>–</td>"
    said = say("constant") if abs(found.exponent) < 0.005 else power(knob, found.exponent)
    return f"<td>{said} <small>{text.share(found.share)}</small>" \
        f'<i style="width: {100 * found.share:.1f}%"></i></td>'


def _groups(laws: Sequence[StageLaw], knob: str) -> str:
    """Stages of one power together, the highest power first."""
    known = sorted([(round(one.exponent, 1), place) for place, one in enumerate(laws)
                    if one.exponent is not None], key=lambda one: -one[0])
    said = []
    for exponent, members in groupby(known, key=lambda one: one[0]):
        own = [laws[place] for _, place in members]
        names = text.enumeration([escape(one.path) for one in own])
        given = dict(stages=names, share=text.share(math.fsum([one.share for one in own])))
        said.append(
            say("{stages} grows about as {power} ({share} of the multiply-adds)"
                if len(own) == 1 else
                "{stages} grow about as {power} ({share} of the multiply-adds)",
                power=power(knob, exponent), **given) if exponent else
            say("{stages} does not grow ({share} of the multiply-adds)" if len(own) == 1 else
                "{stages} do not grow ({share} of the multiply-adds)", **given))
    return reduce(lambda before, after: say("{before}; {after}", before=before, after=after), said)
