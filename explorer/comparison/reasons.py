"""Why two networks differ in a part: which argument is another, and what that does to the figure.

Every ratio is worked out from the layers' own shapes, and where the product of the ratios is not
that of the figures the sentence says the figures alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from explorer import text
from explorer.analysis import Layer
from explorer.comparison.comparison import Comparison
from explorer.comparison.instead import swapped
from explorer.comparison.words import WORDS, window
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

    name: str
    value: int
    shown: str


def reason(part: Aligned, names: Sequence[str], other: int = 1) -> str:
    """Why the figures of a part differ between the first network and another one; "" where they are
    the same."""
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
        return f"{names[other]} has as many parameters and multiply-adds as {names[0]}" + (
            f"; {changed:,} of the layers differ." if changed else ", and the same layers.")
    each = f" for each {comparison.networks[other].source.samples.removesuffix('s')}" \
        if not _as_many(comparison, other) else ""
    said = [f"{names[other]} has {text.short(two)} {WORDS[figure]}"
            + (each if figure == "macs" else ""),
            f"nearly as many as {names[0]}" if abs(two - one) < NEARLY * one else
            f"{_ratio(one, two)} {names[0]}'s {text.short(one)}"]
    if _distance(comparison, "macs", other) < CLEAR:
        # What differs more says little where both cost about the same.
        rest: Figure = "params" if figure == "macs" else "macs"
        one, two = _pair(comparison, comparison.aligned, rest, other)
        said.append(f"and as many {WORDS[rest]}" if one == two else
                    f"and {text.short(two)} {WORDS[rest]}{each if rest == 'macs' else ''} against "
                    f"{text.short(one)}")
        if _distance(comparison, figure, other) < CLEAR:
            return f"{', '.join(said)}."
    share, stage = _largest_stage(comparison, figure, other)
    where = _at_large_maps(comparison, other) if figure == "macs" and share < MOST_OF_IT else ""
    most = f"the {WORDS[figure]} differ most in" if len(said) > 2 else \
        "most of it in" if share > 0.5 else "the most in"
    return f"{', '.join(said)}: {where or f'{most} {stage}'}."


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


def _ratio(one: float, two: float) -> str:
    """What `two` is of `one`.

    >>> _ratio(100, 26), _ratio(100, 170), _ratio(10_000, 11), _ratio(100, 9)
    ('26% of', '1.7 times', '1/909 of', '1/11 of')
    """
    ratio = two / one if one else 0
    if ratio <= 0.1:
        return f"1/{1 / ratio:,.0f} of" if ratio else "against"
    if ratio < 1:
        return f"{100 * ratio:.0f}% of"
    return f"{ratio:,.0f} times" if ratio >= 9.995 else f"{ratio:.3g} times"


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
    return (f"{most:.0f}% of {one}'s are spent on maps of {size}×{size} and larger, where {two} "
            f"spends {least:.0f}%")


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
    amounts = f"{text.short(two)} against {text.short(one)}" if one and two else \
        f"{text.short(one or two)} in {comparison.names[0 if one else other]} alone"
    return share, (f"{_place(stage, other)}, with {amounts}"
                   + (f", {100 * share:.0f}% of the difference" if share else ""))


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
    costs = [f"{text.short(amount)} {WORDS[figure]}" for figure in ("params", "macs")
             if (amount := part.figures(figure)[side])]
    return f"Only in {name}" + (f": {text.enumeration(costs)}." if costs else ".")


# Two layers.

def _of_layers(one: Layer, other: Layer) -> str:
    if one.kind in WEIGHTED and other.kind in WEIGHTED and (said := _of_weights(one, other)):
        return said
    if one.type != other.type and one.call.operator != other.call.operator:
        return f"{one.type} → {other.type}."
    here, there = one.output_shape[1:], other.output_shape[1:]
    if here != there:
        ratio = Fraction(prod(there), prod(here))
        return f"{text.shape(here)} → {text.shape(there)}: {_times(ratio)} the numbers."
    if one.window != other.window and one.window and other.window:
        return f"window {window(one)} → {window(other)}."
    return "" if one.params == other.params else \
        f"{one.params:,} → {other.params:,} parameters."


def _of_weights(one: Layer, other: Layer) -> str:
    """From the factors of both products; "" where those are not known."""
    here, there = _factors(one), _factors(other)
    if not (_is_product(one, here) and _is_product(other, there)):
        return ""
    said: list[tuple[str, Fraction]] = []
    for before, after in zip(here, there, strict=True):
        if before.shown != after.shown:
            said.append((f"{after.name} {before.shown} → {after.shown}",
                         Fraction(after.value, before.value)))
    if (before_groups := one.groups or 1) != (after_groups := other.groups or 1):
        said.append((f"groups {before_groups:,} → {after_groups:,}",
                     Fraction(before_groups, after_groups)))
    if not said:
        return ""
    total = prod([ratio for _, ratio in said], start=Fraction(1))
    effect = f": {_times(total)} the multiply-adds" if total != 1 else ""
    if len(said) == 1:
        return f"{said[0][0]}{effect}."
    words = [name + (f" (× {_plain(ratio)})" if ratio != 1 else "") for name, ratio in said]
    return f"{', '.join(words)}{effect or ': as many multiply-adds'}."


def _is_product(layer: Layer, factors: Sequence[Factor]) -> bool:
    return bool(factors) and layer.macs is not None and prod(
        [factor.value for factor in factors]) == layer.macs * (layer.groups or 1)


def _factors(layer: Layer) -> list[Factor]:
    """Images, positions, window, channels of the input (all groups), channels of the output."""
    shape, given = layer.output_shape, layer.input_shapes[0] if layer.input_shapes else ()
    if layer.window is not None and len(shape) > 2 and len(given) > 2:
        return [Factor("images", shape[0], str(shape[0])),
                Factor("map", prod(shape[2:]), text.shape(shape[2:])),
                Factor("window", prod(layer.window.kernel), window(layer)),
                Factor("input channels", given[1], f"{given[1]:,}"),
                Factor("output channels", shape[1], f"{shape[1]:,}")]
    if layer.call.operator == "linear" and shape and given:
        return [Factor("images", shape[0], str(shape[0])),
                Factor("positions", prod(shape[1:-1]), text.shape(shape[1:-1]) or "1"),
                Factor("window", 1, "1×1"),
                Factor("input features", given[-1], f"{given[-1]:,}"),
                Factor("output features", shape[-1], f"{shape[-1]:,}")]
    return []


def _times(ratio: Fraction) -> str:
    """
    >>> _times(Fraction(4)), _times(Fraction(1, 9)), _times(Fraction(4, 9))
    ('4 times', '1/9 of', '4/9 of')
    """
    said = _plain(ratio)
    return said + (" of" if "/" in said else " times")


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
        why = f"only in {names[other if inner.groups[other] else 0]}" \
            if inner.between(0, other) == "only" else \
            reason(inner, names, other) if figure == "macs" else ""
        said.append(f"most by {_place(inner, other)}, {text.signed(most)} {WORDS[figure]}"
                    + (f" ({why.rstrip('.')})" if why else ""))
    elif not said:
        said.append("as many parameters and multiply-adds, of other layers")
    return f"{_capital('; '.join(said))}."


def _leaves(part: Aligned) -> Iterator[Aligned]:
    return (inner for inner in part.walk() if inner.level == "layer")


def _classes(part: Aligned, other: int) -> str:
    """Which class of block stands in the place of which."""
    found = Counter(classes for inner in part.walk() if inner.level == "block"
                    if (classes := swapped(inner.groups[0], inner.groups[other])))
    if not found:
        return ""
    (one, two), count = found.most_common(1)[0]
    return f"{two} in place of {one}" + (f", {count} times" if count > 1 else "")


def _counts(part: Aligned, other: int) -> str:
    """How many of its parts only one of the two has."""
    level = "block" if part.level == "stage" else "layer"
    counts = [sum(1 for inner in part.inside if inner.groups[side]) for side in (0, other)]
    if not any(inner.groups[0] and inner.groups[other] for inner in part.inside):
        return f"none of the {level}s correspond: {counts[0]} and {counts[1]}"
    said = []
    for side, words in ((0, "fewer"), (other, "more")):
        against = other if side == 0 else 0
        count = sum(1 for inner in part.inside if inner.groups[side] and not inner.groups[against])
        if count:
            said.append(f"{count} {level}{'s' * (count > 1)} {words}")
    return text.enumeration(said) if said else ""


def _capital(words: str) -> str:
    """Sentences begin with a capital; names of classes and layers stay as they are."""
    return words[:1].upper() + words[1:]
