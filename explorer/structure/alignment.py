"""Networks beside each other, part by part: what stands at the same place in all, and what in some
alone.

Every layer of every network stands in exactly one part of each level, so that the figures of the
parts add up to those of the whole, and their differences to its difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations, groupby
from math import log2
from typing import Literal, NamedTuple

from explorer.analysis import Layer
from explorer.structure.parts import Part, Structure
from explorer.tracing.operators import WEIGHTED, Kind

Level = Literal["network", "stage", "block", "layer"]
Status = Literal["same", "changed", "only"]
Figure = Literal["params", "macs", "activation_bytes"]
Group = tuple[Part, ...]
"""What stands at one place of a network: mostly one part. Calls in a row that no module holds are
one group, and so are several that stand where the other network has such a group."""

Form = tuple[int, ...]
"""The layers of a part, each as the number of all that do the same."""
Step = tuple[int, int]
"""How many of each side stand at one place."""

BELOW: dict[Level, Level] = {"network": "stage", "stage": "block", "block": "layer"}

# The costs: an alignment is the cheapest one. What stands alone costs its gap, a pair what it
# differs by; a pair that costs more than both gaps is none.
GAP_OF_WEIGHTED, GAP_OF_LAYER, GAP_OF_RESHAPE = 100, 40, 10
OTHER_KIND, OTHER_WINDOW, OTHER_TYPE, OTHER_GROUPS, OTHER_MAP, OTHER_CHANNELS = (
    60, 40, 20, 15, 15, 10)
OTHER_NAME, OTHER_INPUT = 3, 2
"""Of a layer or a block: less than anything that it does, so that names decide between equals, and
then what it reads: the first convolution of one stem is that of the other."""

GAP_OF_BLOCK, GAP_OF_STEP, MOST_OF_BLOCK = 250, 350, 600
"""A step is a block that gives another map or other channels than it reads, as the first of a stage
does: where one network has more blocks, those are alone that only repeat. A pair of blocks costs up
to 500: half of the thousandths that their layers cost of all gaps. Of more than `MOST_OF_BLOCK`
thousandths they have too little in common, unless both join ways, as residual blocks do, or both
are all that their stages have. What joins ways is nothing like a single convolution."""
OTHER_CLASS = 20

GAP_OF_STAGE, MOST_OF_STAGE = 400, 650
OTHER_RESOLUTION, OTHER_LAYERS, OTHER_ROLE, OTHER_PATH = 250, 500, 200, 50
"""Of a pair of stages: for each halving of the map between their outputs, for the share of layers
that only one of them has, where the image enters only one of them or only one has blocks, for
another path. Where two networks are of one kin, stages of one name
are a pair, and cost nothing."""

LONGEST_GROUP = 12


@dataclass(frozen=True, eq=False)
class Aligned:
    """One place in all networks."""

    level: Level
    groups: tuple[Group, ...]
    """What stands there, for each network; empty where nothing does."""
    inside: tuple[Aligned, ...] = ()
    """The same of what it is made of, one level below."""

    @cached_property
    def status(self) -> Status:
        """"only" where not all networks have anything there."""
        if not all(self.groups):
            return "only"
        others = range(1, len(self.groups))
        return "same" if all(self.between(0, other) == "same" for other in others) else "changed"

    def between(self, one: int, other: int) -> Status | None:
        """The status in two of the networks alone; None where neither has anything there."""
        here, there = self.groups[one], self.groups[other]
        if not (here and there):
            return "only" if here or there else None
        if self.inside:
            return "same" if all(part.between(one, other) in ("same", None)
                                 for part in self.inside) else "changed"
        return "same" if _does(here[0].layers[0]) == _does(there[0].layers[0]) else "changed"

    def figures(self, figure: Figure) -> tuple[int, ...]:
        """For each network; 0 where it has nothing there."""
        return tuple([sum([getattr(part, figure) for part in group]) for group in self.groups])

    def walk(self) -> Iterator[Aligned]:
        yield self
        for part in self.inside:
            yield from part.walk()

    def at(self, level: Level) -> Iterator[Aligned]:
        """All parts of a level, in order."""
        return (part for part in self.walk() if part.level == level)


def align(*structures: Structure) -> Aligned:
    """Networks beside each other: stages, blocks in them, layers in those. What only training runs,
    and the call at which a pass ends, are no part of it.

    By dynamic programming with the costs above: layers by what they do, blocks by their layers,
    stages by how much smaller than the image their outputs are and by what they are made of. A
    third network is aligned with what stands for the first two, a fourth with the three. That of
    two does not depend on which is the first.
    """
    wholes = [tuple([part for part in structure.stages if not (part.auxiliary or part.failed)])
              for structure in structures]
    turned = len(wholes) == 2 and _order(wholes[0]) > _order(wholes[1])
    aligner = _Aligner(structures)
    root = aligner.open("network", tuple(reversed(wholes)) if turned else tuple(wholes))
    return _turned(root) if turned else root


def _turned(aligned: Aligned) -> Aligned:
    return Aligned(aligned.level, aligned.groups[::-1], tuple(map(_turned, aligned.inside)))


def _order(parts: Group) -> list[Hashable]:
    return [(layer.path, layer.type, layer.output_shape, layer.params, layer.macs or 0)
            for part in parts for layer in part.layers]


def _does(layer: Layer) -> tuple[object, ...]:
    """All that one layer does: what is equal in layers that are the same."""
    effect = layer.call.effect
    return (layer.call.operator, layer.kind, effect.window, effect.groups, layer.input_shapes,
            effect.shape, layer.params, effect.macs, effect.elementwise_ops)


NamedStages = tuple[str, dict[str, float | None]]
"""The class of a network and its stages by name, each with how often it halves the image."""


class Item(NamedTuple):
    """What is put beside another: a group for each network that is aligned so far."""

    groups: tuple[Group, ...]
    loose: bool = False
    """Whether it is calls that no module holds: then several of the other may stand there."""


class Nature(NamedTuple):
    """What kind of block it is."""

    joins: bool
    """Whether ways join in it."""
    weighted: int
    """How many of its layers have weights."""


class _Aligner:
    """The costs of pairs, each worked out once."""

    def __init__(self, structures: Sequence[Structure]) -> None:
        self._image = {id(part): structure.summary.trace.input_shape
                       for structure in structures for part in structure.stages}
        self._stage_of = {id(part): structure.place(part.layers[0]).stage
                          for structure in structures for part in structure.stages
                          if not (part.auxiliary or part.failed)}
        self._kin = all(_are_kin(one, other) for one, other in combinations(
            [self._named(structure) for structure in structures], 2))
        """Whether stages of one name correspond."""
        self._numbers: dict[Hashable, int] = {}
        self._number_of: dict[int, int] = {}
        self._layers: list[Layer] = []
        """One for each number: layers of one name that do the same have the same."""
        self._gaps: list[int] = []
        self._kinds: list[Kind] = []
        self._forms: dict[tuple[int, int], Form] = {}
        self._prices: list[dict[int, int | None]] = []
        """For each number what it costs beside those that it has been put beside."""
        self._shares: dict[tuple[Form, Form], int | None] = {}
        self._natures: dict[Form, Nature] = {}
        self._ways: dict[tuple[Form, Form], tuple[int, list[Step]]] = {}

    def _named(self, structure: Structure) -> NamedStages:
        stages: dict[str, float | None] = {}
        for part in structure.stages:
            if not (part.auxiliary or part.failed):
                stages[self._stage_of[id(part)]] = self._halvings((part,))
        return structure.summary.trace.modules[""].type, stages

    def open(self, level: Level, groups: tuple[Group, ...]) -> Aligned:
        """A place with what is aligned inside it."""
        below = BELOW.get(level)
        if below is None:
            return Aligned(level, groups)
        split = {"stage": _parts if self._kin else _stages, "block": self._blocks_of,
                 "layer": _calls}[below]
        rows: list[Item] = []
        if below == "block" and (all(len(split(group)) == 1 for group in groups)
                                 or self._is_beside_a_stem(groups)):
            # The only block of one stage stands for that of the other, whatever it is made of.
            return Aligned(level, groups, (self.open(below, groups),))
        for number, group in enumerate(groups):
            rows = self._beside(below, rows, split(group), number)
        return Aligned(level, groups, tuple([self.open(below, row.groups) for row in rows]))

    def _beside(self, level: Level, rows: list[Item], items: list[Item],
                number: int) -> list[Item]:
        """The rows of the networks before, with those of one more."""
        none: tuple[Group, ...] = ((),)
        result = []
        for ours, theirs in self._steps(level, rows, items):
            before = tuple([tuple([part for row in ours for part in row.groups[network]])
                            for network in range(number)])
            group = tuple([part for item in theirs for part in item.groups[0]])
            result.append(Item((*before, group) if group else before + none,
                               any(one.loose for one in (*ours, *theirs))))
        return result

    def _steps(self, level: Level, ours: list[Item],
               theirs: list[Item]) -> Iterator[tuple[list[Item], list[Item]]]:
        if _alike(level, ours, theirs):
            path = [(1, 1)] * len(ours)
        elif level == "layer" and ours and len(ours[0].groups) == 1:
            _, path = self._way(*[
                tuple([self._number(item.groups[0][0].layers[0]) for item in side])
                for side in (ours, theirs)])
        else:
            path = self._path(level, ours, theirs)
        here = there = 0
        for one, other in path:
            yield ours[here:here + one], theirs[there:there + other]
            here, there = here + one, there + other

    def _way(self, ours: Form, theirs: Form) -> tuple[int, list[Step]]:
        """The cheapest way through the layers of two, and what it costs."""
        if ours == theirs:
            return 0, [(1, 1)] * len(ours)
        if (ours, theirs) not in self._ways:
            gaps, backwards = self._gaps, theirs[::-1]
            # From the ends of both: costs[n] is that of the last n of theirs beside what is left of
            # ours.
            costs = [0, *accumulate([gaps[other] for other in backwards])]
            step: list[list[Step]] = []
            for one in reversed(ours):
                gap, prices = gaps[one], self._prices[one]
                before, here = costs[0], costs[0] + gap
                row, steps = [here], [(1, 0)]
                for below, other in zip(costs[1:], backwards, strict=True):
                    least, way = below + gap, (1, 0)
                    if (after := here + gaps[other]) < least:
                        least, way = after, (0, 1)
                    price = prices[other] if other in prices else self._price(one, other)
                    if price is not None and price + before <= least:
                        least, way = price + before, (1, 1)
                    before, here = below, least
                    row.append(least)
                    steps.append(way)
                costs = row
                step.append(steps[::-1])
            step.reverse()
            self._ways[ours, theirs] = costs[-1], _followed(step, len(ours), len(theirs))
        return self._ways[ours, theirs]

    def _path(self, level: Level, ours: list[Item], theirs: list[Item]) -> list[Step]:
        """The cheapest way through both: how many of each stand at a place. Of ways that cost the
        same that which pairs first."""
        cost = {"stage": self._stages, "block": self._blocks, "layer": self._calls}[level]
        gaps = [[self._gap(level, item) for item in side] for side in (ours, theirs)]
        rows, columns = len(ours), len(theirs)
        best = [[0] * (columns + 1) for _ in range(rows + 1)]
        step = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
        for here in reversed(range(rows + 1)):
            for there in reversed(range(columns + 1)):
                choices: list[tuple[int, Step]] = []
                if here < rows and there < columns:
                    for one, other in self._spans(level, ours, theirs, here, there):
                        price = cost(ours[here:here + one], theirs[there:there + other])
                        if price is not None:
                            choices.append((price + best[here + one][there + other], (one, other)))
                if here < rows:
                    choices.append((gaps[0][here] + best[here + 1][there], (1, 0)))
                if there < columns:
                    choices.append((gaps[1][there] + best[here][there + 1], (0, 1)))
                if choices:
                    best[here][there], step[here][there] = min(choices, key=lambda each: each[0])
        return _followed(step, rows, columns)

    @staticmethod
    def _spans(level: Level, ours: list[Item], theirs: list[Item], here: int,
               there: int) -> Iterator[tuple[int, int]]:
        yield 1, 1
        if level != "block":
            return
        if ours[here].loose:
            for other in range(2, min(LONGEST_GROUP, len(theirs) - there) + 1):
                yield 1, other
        if theirs[there].loose:
            for one in range(2, min(LONGEST_GROUP, len(ours) - here) + 1):
                yield one, 1

    def _gap(self, level: Level, item: Item) -> int:
        if level == "layer":
            return self._gaps[self._number(_some(item)[0].layers[0])]
        return GAP_OF_STAGE if level == "stage" else \
            GAP_OF_STEP if _is_step(_some(item)) else GAP_OF_BLOCK

    def _is_beside_a_stem(self, groups: tuple[Group, ...]) -> bool:
        """Whether the image enters all of them, and one has no blocks: what brings it to its first
        map is one step there, however many the other takes."""
        return all(group and _is_first(group) for group in groups) and not all(
            map(self._has_blocks, groups))

    def _blocks_of(self, group: Group) -> list[Item]:
        """The blocks of a stage, runs taken apart: one may be longer, or be none, in another."""
        if len(group) != 1:
            return [Item((group,), True)] if group else []
        part, = group
        return [Item(((block,),), block.role == "call" or block.path == self._stage_of[id(part)])
                for block in part.blocks()]

    def _has_blocks(self, group: Group) -> bool:
        part = group[0]
        return len(group) == 1 and (part.role == "stage" or part.path != self._stage_of[id(part)])

    # What a pair costs; None where it is none.

    def _calls(self, ours: Sequence[Item], theirs: Sequence[Item]) -> int | None:
        return _beside(ours, theirs, lambda one, other: self._layer_cost(
            self._number(one[0].layers[0]), self._number(other[0].layers[0])))

    def _blocks(self, ours: Sequence[Item], theirs: Sequence[Item]) -> int | None:
        count = len(ours) + len(theirs)
        return _beside(ours, theirs, lambda one, other: self._block_cost(one, other, count))

    def _stages(self, ours: Sequence[Item], theirs: Sequence[Item]) -> int | None:
        return _beside(ours, theirs, self._stage_cost)

    def _layer_cost(self, one: int, other: int) -> int | None:
        prices = self._prices[one]
        return prices[other] if other in prices else self._price(one, other)

    def _price(self, one: int, other: int) -> int | None:
        kinds, price = (self._kinds[one], self._kinds[other]), None
        # Most pairs are of layers that have nothing to do with each other.
        if kinds[0] == kinds[1] or (kinds[0] in WEIGHTED and kinds[1] in WEIGHTED):
            price = _layer_cost(self._layers[one], self._layers[other]) + (
                OTHER_KIND * (kinds[0] != kinds[1]))
        self._prices[one][other] = self._prices[other][one] = price
        return price

    def _block_cost(self, one: Group, other: Group, count: int) -> int | None:
        share = self._share(self._form(one), self._form(other))
        if share is None:
            return None
        return (share * count // 4 + OTHER_CLASS * (one[0].name != other[0].name)
                + OTHER_NAME * (_name(one[0].path) != _name(other[0].path)))

    def _stage_cost(self, one: Group, other: Group) -> int | None:
        if self._kin:
            return 0 if self._stage_of[id(one[0])] == self._stage_of[id(other[0])] else None
        if _is_head(one) != _is_head(other):
            return None
        apart = _apart(self._halvings(one), self._halvings(other))
        types = [Counter(layer.type for part in group for layer in part.layers)
                 for group in (one, other)]
        alone = (types[0] - types[1]).total() + (types[1] - types[0]).total()
        cost = (round(OTHER_RESOLUTION * apart)
                + OTHER_LAYERS * alone // (types[0].total() + types[1].total())
                + OTHER_ROLE * self._play_other_roles(one, other)
                + OTHER_PATH * (one[0].path != other[0].path))
        return cost if cost <= MOST_OF_STAGE else None

    def _play_other_roles(self, one: Group, other: Group) -> bool:
        if _is_first(one) or _is_first(other):
            return _is_first(one) != _is_first(other)
        return self._has_blocks(one) != self._has_blocks(other)

    def _halvings(self, group: Group) -> float | None:
        """How often the image was halved before the output; None where either is no image."""
        image, shape = self._image[id(group[-1])], group[-1].output_shape
        if len(image) != 4 or len(shape) != 4:
            return None
        # Channels stand behind the map in some, such as a Swin transformer.
        side = shape[1] if shape[1] == shape[2] != shape[3] else shape[3]
        return log2(image[-1] / side)

    def _share(self, one: Form, other: Form) -> int | None:
        """What the layers of two blocks cost, in thousandths of all their gaps; None where the
        blocks have too little in common."""
        if (one, other) not in self._shares:
            share = 1000 * self._way(one, other)[0] // sum(
                [self._gaps[number] for form in (one, other) for number in form])
            here, there = self._nature(one), self._nature(other)
            unlike = (share > MOST_OF_BLOCK and not (here.joins and there.joins)) or (
                    here.joins and there.weighted <= 1) or (there.joins and here.weighted <= 1)
            self._shares[one, other] = None if unlike else share
        return self._shares[one, other]

    def _nature(self, form: Form) -> Nature:
        if form not in self._natures:
            kinds = [self._kinds[number] for number in form]
            self._natures[form] = Nature("merge" in kinds, sum([kind in WEIGHTED
                                                                for kind in kinds]))
        return self._natures[form]

    def _form(self, group: Group) -> Form:
        ends = id(group[0]), id(group[-1])      # parts in a row
        if ends not in self._forms:
            self._forms[ends] = tuple([self._number(layer) for part in group
                                       for layer in part.layers])
        return self._forms[ends]

    def _number(self, layer: Layer) -> int:
        known = self._number_of.get(id(layer))
        if known is None:
            known = self._numbers.setdefault((_name(layer.path), _does(layer)), len(self._layers))
            if known == len(self._layers):
                kind = layer.kind
                self._layers.append(layer)
                self._kinds.append(kind)
                self._prices.append({known: 0})
                self._gaps.append(GAP_OF_WEIGHTED if kind in WEIGHTED else
                                  GAP_OF_RESHAPE if kind == "reshape" else GAP_OF_LAYER)
            self._number_of[id(layer)] = known
        return known


def _are_kin(one: NamedStages, other: NamedStages) -> bool:
    """Whether all stages of one network have names of the other's, and those of one name give maps
    as large: "stage2" of a ResNet and "stage2" of a MobileNet have nothing but the name in common.
    Where both are of one class and have as many stages, a knob has made the maps smaller."""
    (one_class, ours), (other_class, theirs) = one, other
    if not (ours.keys() <= theirs.keys() or theirs.keys() <= ours.keys()):
        return False
    return (one_class == other_class and len(ours) == len(theirs)) or all(
        _apart(ours[name], theirs[name]) < 0.5 for name in ours.keys() & theirs.keys())


def _apart(halvings: float | None, other: float | None) -> float:
    """Halvings of the image between two maps; one between a map and what is none."""
    if halvings is None or other is None:
        return 0.0 if halvings is other else 1.0
    return abs(halvings - other)


def _alike(level: Level, ours: list[Item], theirs: list[Item]) -> bool:
    """Whether there are as many of both, each of the same name and class as the other: mostly the
    same network with another knob. They are pairs, whatever they cost."""
    return level != "stage" and len(ours) == len(theirs) and all([
        len(one.groups) == 1 and len(one.groups[0]) == len(other.groups[0]) == 1
        and one.groups[0][0].name == other.groups[0][0].name
        and one.groups[0][0].path == other.groups[0][0].path
        for one, other in zip(ours, theirs, strict=True)])


def _followed(step: Sequence[Sequence[Step]], rows: int, columns: int) -> list[Step]:
    """The steps from the beginning of both to their ends."""
    path, here, there = list[Step](), 0, 0
    while (here, there) != (rows, columns):
        one, other = step[here][there] if here < rows and there < columns else (
            (1, 0) if here < rows else (0, 1))
        path.append((one, other))
        here, there = here + one, there + other
    return path


def _layer_cost(one: Layer, other: Layer) -> int:
    """What two layers differ by, but for their kinds."""
    here, there = one.output_shape, other.output_shape
    return (OTHER_WINDOW * (_window(one) != _window(other))
            + OTHER_TYPE * (one.call.operator != other.call.operator)
            + OTHER_GROUPS * (one.groups != other.groups)
            + OTHER_MAP * (here[2:] != there[2:])
            + OTHER_CHANNELS * (here[:2] != there[:2] or one.params != other.params)
            + OTHER_INPUT * (_channels_of_input(one) != _channels_of_input(other))
            + OTHER_NAME * (_name(one.path) != _name(other.path)))


def _channels_of_input(layer: Layer) -> int | None:
    shape = layer.input_shapes[0] if layer.input_shapes else ()
    return shape[1] if len(shape) > 1 else None


def _window(layer: Layer) -> tuple[object, ...] | None:
    """What it reads of neighbours; None where that is nothing, as of a linear layer."""
    window = layer.window
    if window is None or (set(window.kernel) == {1} and set(window.stride) == {1}):
        return None
    return window.kernel, window.stride, window.dilation, window.whole


def _beside(ours: Sequence[Item], theirs: Sequence[Item],
            cost: Callable[[Group, Group], int | None]) -> int | None:
    """The cost beside the first network that has anything there: that is what all are told
    against."""
    other = tuple([part for item in theirs for part in item.groups[0]])
    for network in range(len(ours[0].groups)):
        if group := tuple([part for item in ours for part in item.groups[network]]):
            return cost(group, other)
    return None


def _some(item: Item) -> Group:
    return next(group for group in item.groups if group)


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _is_first(group: Group) -> bool:
    """Whether it is what the image enters."""
    return group[0].layers[0].index == 0


def _is_step(group: Group) -> bool:
    """Whether it gives another map, or other channels, than it reads."""
    read = group[0].layers[0].input_shapes
    return not read or read[0][1:] != group[-1].output_shape[1:]


def _is_head(group: Group) -> bool:
    """Whether it gives no map, but a vector for each image."""
    return len(group[-1].output_shape) == 2


# What a group is made of.

def _parts(group: Group) -> list[Item]:
    """What networks of one kin are made of at the top: their names say what stands for what."""
    return [Item(((part,),), part.role == "call") for part in group]


def _stages(group: Group) -> list[Item]:
    """The stages of a network; what stands between them, of a layer with weights at most each, is
    one."""
    return _joined(group, lambda part: part.role != "stage" and sum(
        [layer.kind in WEIGHTED for layer in part.layers]) <= 1)


def _calls(group: Group) -> list[Item]:
    return [Item(((call,),)) for part in group for call in part.walk() if call.role == "call"]


def _joined(parts: Group, loose: Callable[[Part], bool]) -> list[Item]:
    items = []
    for together, run in groupby(parts, key=loose):
        if together:
            items.append(Item((tuple(run),), True))
        else:
            items += [Item(((part,),)) for part in run]
    return items
