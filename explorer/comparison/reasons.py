"""Why two networks differ in a part: which argument is another, and what that does to the figure.

Every ratio is worked out from the layers' own shapes, and where the product of the ratios is not
that of the figures the sentence says the figures alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import prod
from typing import NamedTuple

from explorer import text
from explorer.analysis import Layer
from explorer.comparison.comparison import Comparison
from explorer.comparison.instead import swapped
from explorer.comparison.words import capital, counted, times, window
from explorer.language import Text, say
from explorer.structure.alignment import Aligned, Figure, Group
from explorer.tracing.operators import WEIGHTED

CLEAR = 1.25
"""From this ratio of multiply-adds on they are what is told first."""
MOST_OF_IT = 0.6
"""Of a difference in one stage: then that is told, and not where the maps are large."""
NEARLY = 0.005
TELLING = 15
"""Percentage points from which on it is said that one network spends more at large maps."""
OFF_MAPS = 0.1
"""Share of what a network spends at no map, as on tokens, up to which sizes of maps are told."""


class Factor(NamedTuple):
    """One number of the product that a layer's multiply-adds are."""

    name: Text
    value: int
    shown: str


def reason(part: Aligned, names: Sequence[str], other: int = 1) -> str:
    """Why the figures of a part differ between the first network and another one; "" where they are
    the same."""
    said = _clause(part, names, other)
    return say("{said}.", said=said) if said else ""


def _clause(part: Aligned, names: Sequence[str], other: int) -> str:
    status, (one, two) = part.between(0, other), (part.groups[0], part.groups[other])
    if status is None or status == "same":
        return ""
    if status == "only":
        return _alone(part, names[other if two else 0], other if two else 0)
    if part.level == "layer":
        return _of_layers(one[0].layers[0], two[0].layers[0])
    return _of_parts(part, names, other)


def headline(comparison: Comparison, other: int = 1) -> str:
    """The most telling difference between the first network and another one, with its
    arithmetic; of multiply-adds for one image each where not as many are in a pass."""
    names = comparison.names
    figure: Figure = "macs" if _distance(comparison, "macs", other) >= CLEAR else max(
        ("macs", "params"), key=lambda each: _distance(comparison, each, other))
    one, two = _pair(comparison, comparison.aligned, figure, other)
    if one == two:
        changed = sum(part.between(0, other) not in ("same", None)
                      for part in comparison.parts("layer"))
        return say(
            "{network} has as many parameters and multiply-adds as {first}; {count} of the layers "
            "differ." if changed else
            "{network} has as many parameters and multiply-adds as {first}, and the same layers.",
            network=names[other], first=names[0], count=f"{changed:,}")
    said = [say("{network} has {amount}", network=names[other],
                amount=_amount(comparison, two, figure, other)),
            say("nearly as many as {network}", network=names[0])
            if abs(two - one) < NEARLY * one else _against(one, two, names[0])]
    if _distance(comparison, "macs", other) < CLEAR:
        # What differs more says little where both cost about the same.
        rest: Figure = "params" if figure == "macs" else "macs"
        one, two = _pair(comparison, comparison.aligned, rest, other)
        if one == two:
            said.append(say("and as many parameters" if rest == "params" else
                            "and as many multiply-adds"))
        else:
            said.append(say("and {amount} against {first}", first=text.short(one),
                            amount=_amount(comparison, two, rest, other)))
        if _distance(comparison, figure, other) < CLEAR:
            return say("{said}.", said=_clauses(said))
    share, stage = _largest_stage(comparison, figure, other)
    where = _at_large_maps(comparison, other) if figure == "macs" and share < MOST_OF_IT else ""
    if not where and len(said) > 2:
        where = say("the parameters differ most in {stage}" if figure == "params" else
                    "the multiply-adds differ most in {stage}", stage=stage)
    return say("{said}: {where}.", said=_clauses(said), where=where or say(
        "most of it in {stage}" if share > 0.5 else "the most in {stage}", stage=stage))


def _clauses(said: Sequence[str]) -> str:
    return reduce(lambda before, then: say("{before}, {then}", before=before, then=then), said)


def _amount(comparison: Comparison, amount: float, figure: Figure, other: int) -> str:
    """What a network has of a figure: of multiply-adds for one image where not as many are in a
    pass."""
    if figure == "params" or _as_many(comparison, other):
        return counted(text.short(amount), figure)
    return say("{amount} multiply-adds for each image"
               if comparison.networks[other].source.samples == "images" else
               "{amount} multiply-adds for each sample", amount=text.short(amount))


def _distance(comparison: Comparison, figure: Figure, other: int) -> float:
    one, two = _pair(comparison, comparison.aligned, figure, other)
    return max(one, two) / max(min(one, two), 1)


def _pair(comparison: Comparison, part: Aligned, figure: Figure,
          other: int) -> tuple[float, float]:
    """A figure of a part in the first network and in another."""
    figures = part.figures(figure)
    one, two = figures[0], figures[other]
    if figure == "params" or _as_many(comparison, other):
        return one, two
    return one / comparison.samples[0], two / comparison.samples[other]


def _as_many(comparison: Comparison, other: int) -> bool:
    return comparison.samples[0] == comparison.samples[other]


def _against(one: float, two: float, name: str) -> str:
    """What `two` is of `one`, which the network of that name has.

    >>> _against(100, 26, "A"), _against(100, 170, "A"), _against(10_000, 11, "A")
    ("26% of A's 100", "1.7 times A's 100", "1/909 of A's 10.0 k")
    """
    ratio, amount = two / one if one else 0, text.short(one)
    if not ratio:
        return say("against {network}'s {amount}", network=name, amount=amount)
    if ratio < 1:
        share = f"1/{1 / ratio:,.0f}" if ratio <= 0.1 else f"{100 * ratio:.0f}%"
        return say("{share} of {network}'s {amount}", share=share, network=name, amount=amount)
    return say("{ratio} times {network}'s {amount}", network=name, amount=amount,
               ratio=f"{ratio:,.0f}" if ratio >= 9.995 else f"{ratio:.3g}")


def _at_large_maps(comparison: Comparison, other: int) -> str:
    """Where one spends far more of its multiply-adds at large maps: which share, and from which
    size on; "" where both spend alike, where they are given images of other sizes, and where one
    works on something else than maps."""
    given = [comparison.networks[side].summary.trace.input_shape[2:] for side in (0, other)]
    if given[0] != given[1]:
        return ""
    spent = []
    for side in (0, other):
        at: Counter[int | None] = Counter()
        for layer in comparison.networks[side].summary.layers:
            if layer.macs:
                at[_side_of_map(layer)] += layer.macs
        off_maps = at.pop(None, 0)
        if off_maps >= OFF_MAPS * (off_maps + at.total()):
            return ""
        spent.append(at)

    def shares(size: int) -> list[float]:
        return [100 * sum(macs for side, macs in at.items() if side and side >= size) / at.total()
                for at in spent]

    def apart(size: int) -> float:
        """As in a chi-squared test: 30% against 3% is more than 90% against 47%."""
        first, second = shares(size)
        return (first - second) ** 2 / (first + second) if first + second else 0.0

    size = max(sorted(filter(None, {*spent[0], *spent[1]})), key=apart)
    first, second = shares(size)
    if abs(first - second) < TELLING:
        return ""
    told = sorted([(first, comparison.names[0]), (second, comparison.names[other])], reverse=True)
    (most, one), (least, two) = told
    return say("{most}% of {one}'s are spent on maps of {size}×{size} and larger, where {other} "
               "spends {least}%", most=f"{most:.0f}", one=one, size=size, other=two,
               least=f"{least:.0f}")


def _side_of_map(layer: Layer) -> int | None:
    """How wide the map is that a layer gives, 1 where no positions are left; None where it gives
    no map, as tokens are none."""
    shape = layer.output_shape
    if layer.call.operator == "linear":
        return {2: 1, 4: shape[-2]}.get(len(shape))     # channels are last
    return shape[-1] if layer.window and len(shape) == 4 else None


def _largest_stage(comparison: Comparison, figure: Figure, other: int) -> tuple[float, str]:
    """The stage that differs most, with its figures, and its share of the difference: 0 where the
    stages do not all pull the same way."""
    stages = comparison.parts("stage")
    pairs = [_pair(comparison, part, figure, other) for part in stages]
    changes = [two - one for one, two in pairs]
    stage, own, (one, two) = max(zip(stages, changes, pairs, strict=True),
                                 key=lambda each: abs(each[1]))
    same_way = all(change * own >= 0 for change in changes)
    share = own / sum(changes) if same_way else 0.0
    place = _place(stage, other)
    if one and two:
        told = say("{place}, with {amount} against {first}", place=place, amount=text.short(two),
                   first=text.short(one))
    else:
        told = say("{place}, with {amount} in {network} alone", place=place,
                   amount=text.short(one or two), network=comparison.names[0 if one else other])
    return share, say("{stage}, {share} of the difference", stage=told,
                      share=f"{100 * share:.0f}%") if share else told


def _change(part: Aligned, figure: Figure, other: int) -> int:
    figures = part.figures(figure)
    return figures[other] - figures[0]


def _place(part: Aligned, other: int) -> str:
    paths = [path for side in (0, other) if (path := path_in(part, side))]
    return paths[0] if len(set(paths)) == 1 else f"{paths[0]} ({paths[1]})"


def path_in(part: Aligned, side: int) -> str:
    """Where a part stands in a network, of a stage of one block the stage's path; "" where the
    network has none."""
    group = part.groups[side]
    stage = group[0].stage if group and part.level == "stage" else ""
    return stage or (path_of(group) if group else "")


def path_of(group: Group) -> str:
    """Where a group stands: the path of its part, or of the first and the last."""
    return group[0].path if len(group) == 1 else f"{group[0].path} … {group[-1].path}"


def _alone(part: Aligned, name: str, side: int) -> str:
    figures: tuple[Figure, ...] = ("params", "macs")
    costs = [counted(text.short(amount), figure) for figure in figures
             if (amount := part.figures(figure)[side])]
    return say("Only in {network}: {costs}", network=name, costs=text.enumeration(costs)) \
        if costs else say("Only in {network}", network=name)


# Two layers.

def _of_layers(one: Layer, other: Layer) -> str:
    if one.kind in WEIGHTED and other.kind in WEIGHTED and (said := _of_weights(one, other)):
        return said
    if one.type != other.type and one.call.operator != other.call.operator:
        return f"{one.type} → {other.type}"
    here, there = one.output_shape[1:], other.output_shape[1:]
    if here != there:
        ratio = Fraction(prod(there), prod(here))
        plain = _plain(ratio)
        return say("{before} → {after}: {ratio} of the numbers" if "/" in plain else
                   "{before} → {after}: {ratio} times the numbers", before=text.shape(here),
                   after=text.shape(there), ratio=plain)
    if one.window != other.window and one.window and other.window:
        return say("{what} {before} → {after}", what=say("window"), before=window(one),
                   after=window(other))
    return "" if one.params == other.params else \
        say("{before} → {after} parameters", before=f"{one.params:,}", after=f"{other.params:,}")


def _of_weights(one: Layer, other: Layer) -> str:
    """From the factors of both products; "" where those are not known."""
    here, there = _factors(one), _factors(other)
    if not (_is_product(one, here) and _is_product(other, there)):
        return ""
    said: list[tuple[str, Fraction]] = []
    for before, after in zip(here, there, strict=True):
        if before.shown != after.shown:
            said.append((say("{what} {before} → {after}", what=after.name, before=before.shown,
                             after=after.shown), Fraction(after.value, before.value)))
    if (before_groups := one.groups or 1) != (after_groups := other.groups or 1):
        said.append((say("{what} {before} → {after}", what=say("groups"),
                         before=f"{before_groups:,}", after=f"{after_groups:,}"),
                     Fraction(before_groups, after_groups)))
    if not said:
        return ""
    total = prod([ratio for _, ratio in said], start=Fraction(1))
    if len(said) == 1:
        [(change, _)] = said
        return change if total == 1 else _effect(change, total)
    return _effect(text.listing([
        say("{change} (× {ratio})", change=change, ratio=_plain(ratio)) if ratio != 1 else change
        for change, ratio in said]), total)


def _effect(changes: str, ratio: Fraction) -> str:
    """
    >>> _effect("a", Fraction(4)), _effect("a", Fraction(4, 9)), _effect("a", Fraction(1))
    ('a: 4 times the multiply-adds', 'a: 4/9 of the multiply-adds', 'a: as many multiply-adds')
    """
    if ratio == 1:
        return say("{changes}: as many multiply-adds", changes=changes)
    plain = _plain(ratio)
    return say("{changes}: {ratio} of the multiply-adds" if "/" in plain else
               "{changes}: {ratio} times the multiply-adds", changes=changes, ratio=plain)


def _is_product(layer: Layer, factors: Sequence[Factor]) -> bool:
    return bool(factors) and layer.macs is not None and prod(
        [factor.value for factor in factors]) == layer.macs * (layer.groups or 1)


def _factors(layer: Layer) -> list[Factor]:
    """Images, positions, window, channels of the input (all groups), channels of the output."""
    shape, given = layer.output_shape, layer.input_shapes[0] if layer.input_shapes else ()
    if layer.window is not None and len(shape) > 2 and len(given) > 2:
        return [Factor(Text("images"), shape[0], str(shape[0])),
                Factor(Text("map"), prod(shape[2:]), text.shape(shape[2:])),
                Factor(Text("window"), prod(layer.window.kernel), window(layer)),
                Factor(Text("input channels"), given[1], f"{given[1]:,}"),
                Factor(Text("output channels"), shape[1], f"{shape[1]:,}")]
    if layer.call.operator == "linear" and shape and given:
        return [Factor(Text("images"), shape[0], str(shape[0])),
                Factor(Text("positions"), prod(shape[1:-1]), text.shape(shape[1:-1]) or "1"),
                Factor(Text("window"), 1, "1×1"),
                Factor(Text("input features"), given[-1], f"{given[-1]:,}"),
                Factor(Text("output features"), shape[-1], f"{shape[-1]:,}")]
    return []


def _plain(ratio: Fraction) -> str:
    """
    >>> _plain(Fraction(3, 7)), _plain(Fraction(49, 9)), _plain(Fraction(30, 49))
    ('3/7', '5.44', '0.612')
    >>> _plain(Fraction(3, 700)), _plain(Fraction(12_001, 2))
    ('1/233', '6,000')
    """
    if ratio.denominator == 1 or ratio.numerator == 1 or ratio.numerator < ratio.denominator < 20:
        return f"{ratio.numerator:,}" + (f"/{ratio.denominator:,}" if ratio.denominator > 1 else "")
    value = float(ratio)
    if value < 0.01:
        return f"1/{1 / value:,.0f}"
    return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"


# Blocks and stages.

def _of_parts(part: Aligned, names: Sequence[str], other: int) -> str:
    said = [each for each in (_classes(part, other), _counts(part, other)) if each]
    figure: Figure = "macs" if _change(part, "macs", other) else "params"
    inner = max(_leaves(part), key=lambda each: abs(_change(each, figure, other)))
    if most := _change(inner, figure, other):
        why = say("only in {network}", network=names[other if inner.groups[other] else 0]) \
            if inner.between(0, other) == "only" else \
            _clause(inner, names, other) if figure == "macs" else ""
        place, amount = _place(inner, other), counted(text.signed(most), figure)
        said.append(say("most by {place}, {amount} ({why})" if why else "most by {place}, {amount}",
                        place=place, amount=amount, why=why))
    elif not said:
        said.append(say("as many parameters and multiply-adds, of other layers"))
    return capital(text.series(said))


def _leaves(part: Aligned) -> Iterator[Aligned]:
    return (inner for inner in part.walk() if inner.level == "layer")


def _classes(part: Aligned, other: int) -> str:
    """Which class of block stands in the place of which."""
    found = Counter(classes for inner in part.walk() if inner.level == "block"
                    if (classes := swapped(inner.groups[0], inner.groups[other])))
    if not found:
        return ""
    (one, two), count = found.most_common(1)[0]
    return times(say("{new} in place of {old}", new=two, old=one), count)


def _counts(part: Aligned, other: int) -> str:
    """How many of its parts only one of the two has."""
    blocks = part.level == "stage"
    counts = [sum(1 for inner in part.inside if inner.groups[side]) for side in (0, other)]
    if not any(inner.groups[0] and inner.groups[other] for inner in part.inside):
        return say("none of the blocks correspond: {one} and {other}" if blocks else
                   "none of the layers correspond: {one} and {other}", one=counts[0],
                   other=counts[1])
    fewer, more = [sum(1 for inner in part.inside if inner.groups[has] and not inner.groups[lacks])
                   for has, lacks in ((0, other), (other, 0))]
    said = []
    if fewer:
        said.append(say(
            ("{count} block fewer" if fewer == 1 else "{count} blocks fewer") if blocks else
            ("{count} layer fewer" if fewer == 1 else "{count} layers fewer"), count=fewer))
    if more:
        said.append(say(
            ("{count} block more" if more == 1 else "{count} blocks more") if blocks else
            ("{count} layer more" if more == 1 else "{count} layers more"), count=more))
    return text.enumeration(said) if said else ""
