"""What one network is made of where another is made of something else: blocks of another class,
what stands in one alone, and layers with another window, other groups or of another type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce

from explorer import text
from explorer.analysis import Layer
from explorer.comparison.comparison import Comparison
from explorer.comparison.words import capital, counted, times, window
from explorer.language import Text, say
from explorer.structure import Part
from explorer.structure.alignment import Aligned, Figure, Group
from explorer.tracing.operators import WEIGHTED

MOST_TOLD = 3
"""Of one sort: the dearest, or those that come most often."""

SIZES = {"batches": Text("batches"), "channels": Text("channels"), "maps": Text("maps")}
"""Of what layers give."""


@dataclass
class _Found:
    """What differs between the first network and another one."""

    other: int
    swapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Classes of blocks: in place of which there is which."""
    alone: tuple[list[Part], list[Part]] = field(default_factory=lambda: ([], []))
    changed: Counter[str] = field(default_factory=Counter)
    sizes: set[str] = field(default_factory=set)
    """What else differs in layers: which of `SIZES`."""

    def look(self, place: Aligned) -> None:
        status = place.between(0, self.other)
        one, two = place.groups[0], place.groups[self.other]
        if status == "only":
            self.alone[0 if one else 1].extend(
                block for part in one or two for block in part.blocks())
        elif status == "changed" and place.level == "block":
            if (classes := swapped(one, two)):
                self.swapped[classes] += 1
            else:
                self._look_inside(place)
        elif status == "changed":
            for inner in place.inside:
                self.look(inner)

    def _look_inside(self, block: Aligned) -> None:
        for side, number in enumerate((0, self.other)):
            alone = {layer.call.index for inner in block.inside
                     if inner.between(0, self.other) == "only"
                     for part in inner.groups[number] for layer in part.layers}
            for part in block.groups[number]:
                self.alone[side].extend(_all_in(part, alone))
        for inner in block.inside:
            if inner.between(0, self.other) == "changed":
                pair = (inner.groups[0][0].layers[0], inner.groups[self.other][0].layers[0])
                self.changed.update(_arguments(*pair))
                self.sizes.update(_sizes(*pair))


def changes(comparison: Comparison, other: int = 1) -> str:
    """What another network has in place of what the first one has, in a sentence; "" where both
    have the same layers.

    >>> from explorer.comparison import compare
    >>> changes(compare("resnet34", "resnet50"))
    'Bottleneck in place of BasicBlock, 16 times.'
    """
    found = _Found(other)
    found.look(comparison.aligned)
    said = [times(say("{new} in place of {old}", new=new, old=old), count)
            for (old, new), count in found.swapped.most_common(MOST_TOLD)]
    arguments = found.changed.most_common(MOST_TOLD)
    said += [times(argument, count) for argument, count in arguments if count > 1]
    one, two = [[named for part in parts for named in _named(part)] for parts in found.alone]
    for side, parts, others in ((0, one, two), (other, two, one)):
        if (listed := _listed(parts, others)):
            said.append(say("only in {network}: {parts}", network=comparison.names[side],
                            parts=text.enumeration(listed)))
    said += [argument for argument, count in arguments if count == 1]
    if not said and found.sizes:
        sizes = reduce(lambda one, other: say("{others} and {last}", others=one, last=other),
                       [str(SIZES[size]) for size in sorted(found.sizes)])
        said = [say("the same layers with other {sizes}", sizes=sizes)]
    return say("{said}.", said=capital(text.series(said))) if said else ""


def swapped(one: Group, two: Group) -> tuple[str, str] | None:
    """The classes of two blocks where one stands in the place of another with a name of its own."""
    if len(one) == len(two) == 1 and not (one[0].plain or two[0].plain) \
            and one[0].parts and two[0].parts and one[0].role != "stage" != two[0].role \
            and one[0].name != two[0].name:
        return one[0].name, two[0].name
    return None


def _all_in(part: Part, alone: set[int]) -> Iterator[Part]:
    """The largest parts with nothing but such layers."""
    if all(layer.call.index in alone for layer in part.layers):
        yield part
    else:
        for inner in part.parts:
            yield from _all_in(inner, alone)


def _arguments(one: Layer, other: Layer) -> Iterator[str]:
    """What two layers do otherwise, but for their channels and maps."""
    if one.call.operator != other.call.operator:
        if one.kind == other.kind:
            yield say("{new} in place of {old}", new=other.type, old=one.type)
        return
    if one.window and other.window and window(one) != window(other) \
            and not (one.window.whole or other.window.whole):
        yield say("{what} {before} → {after}", what=say(one.kind), before=window(one),
                  after=window(other))
    # Depthwise convolutions have as many groups as channels.
    if (one.groups or 1) != (other.groups or 1) and \
            not one.kind == other.kind == "depthwise convolution":
        yield say("{what} {before} → {after}", what=say("groups"), before=f"{one.groups or 1:,}",
                  after=f"{other.groups or 1:,}")


def _sizes(one: Layer, other: Layer) -> Iterator[str]:
    here, there = one.output_shape, other.output_shape
    if here[:1] != there[:1]:
        yield "batches"
    if here[1:2] != there[1:2]:
        yield "channels"
    if here[2:] != there[2:]:
        yield "maps"


def _named(part: Part) -> Iterator[Part]:
    """What of a part has a name or is one operation: a row of several without a name is its
    members."""
    if part.plain and sum([layer.kind in WEIGHTED for layer in part.layers]) > 1:
        for inner in part.parts:
            yield from _named(inner)
    else:
        yield part


def _listed(parts: Iterable[Part], others: Iterable[Part]) -> list[str]:
    """What they are, with how many there are of each and what those cost together, the dearest
    first. What costs nothing is told where there is nothing else, and the other network, whose
    parts `others` stand in it alone, has none of it at another place."""
    of_label: dict[str, list[Part]] = {}
    for part in parts:
        of_label.setdefault(_label(part), []).append(part)
    costs: dict[str, dict[Figure, int]] = {
        label: {figure: sum([getattr(part, figure) for part in alike])
                for figure in ("params", "macs")} for label, alike in of_label.items()}
    dear = [label for label in of_label if costs[label]["macs"]] or \
        [label for label in of_label if costs[label]["params"]]
    if not dear:
        elsewhere = set(map(_label, others))
        dear = [label for label in of_label if label not in elsewhere]
    dear.sort(key=lambda label: -costs[label]["macs"])
    said = []
    for label in dear[:MOST_TOLD]:
        amounts = [counted(text.short(amount), figure)
                   for figure, amount in costs[label].items() if amount]
        many = f"{len(of_label[label])} × {label}"
        said.append(say("{parts} ({costs})", parts=many, costs=text.listing(amounts))
                    if amounts else many)
    return said


def _label(part: Part) -> str:
    """Its class; what is one operation with what goes with it, as that."""
    if not part.plain and part.parts:
        return part.name
    weighted = [layer for layer in part.layers if layer.kind in WEIGHTED]
    if len(weighted) != 1:
        return part.name
    layer = weighted[0]
    return f"{say(layer.kind)} {window(layer)}" if layer.window else \
        say("{kind} layer", kind=say(layer.kind))
