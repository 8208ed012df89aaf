"""Two networks, part by part: what stands at the same place in both, and what in one alone.

Every part is compared with the whole part that stands in its place, and what only one network has
is counted where it stands, so that the difference of a part is the sum of the differences inside
it, and that of the network the sum of its stages.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from explorer.structure.parts import Part, Structure

Figure = Literal["params", "macs", "activation_bytes"]
Key = Callable[[Part], Hashable]


@dataclass(frozen=True, eq=False)
class Difference:
    """A part, and what stands there in the other network."""

    part: Part | None
    """None where only the other network has anything there; and of the network as a whole."""
    others: tuple[Part, ...]
    """Several where more than one stands in its place, as of a run; empty where there is none."""
    inside: tuple[Difference, ...] = ()
    """The same of what it is made of."""

    @property
    def matched(self) -> bool:
        return self.part is not None and bool(self.others)

    def figures(self, figure: Figure) -> tuple[int, int]:
        """Of this network, and of the other."""
        if self.part is None and not self.others:
            pairs = [inner.figures(figure) for inner in self.inside]
            return sum(one for one, _ in pairs), sum(other for _, other in pairs)
        return (getattr(self.part, figure) if self.part else 0,
                sum([getattr(other, figure) for other in self.others]))

    def change(self, figure: Figure) -> int:
        """How much more this network has there."""
        here, there = self.figures(figure)
        return here - there

    def walk(self) -> Iterator[Difference]:
        yield self
        for inner in self.inside:
            yield from inner.walk()


def difference(structure: Structure, other: Structure) -> Difference:
    """The network against another, with its stages inside. What only training runs, and the call
    at which a pass ends, are no part of it.

    Stages stand at the same place where they have the same path; where the networks name theirs
    otherwise, where their strides and their roles are the same. Inside, parts with the same path
    belong together, then those of one type in their order.
    """
    ours, theirs = _counted(structure), _counted(other)
    path_of = {id(part): whole.place(part.layers[0]).stage
               for whole, parts in ((structure, ours), (other, theirs)) for part in parts}
    here, there = ({path_of[id(part)] for part in parts} for parts in (ours, theirs))
    if here <= there or there <= here:
        return Difference(None, (), _aligned(ours, theirs, [lambda part: path_of[id(part)]]))
    return Difference(None, (), _aligned(ours, theirs, [
        _role_and_stride(structure, ours, other, theirs)]))


def _counted(structure: Structure) -> tuple[Part, ...]:
    return tuple([part for part in structure.stages if not (part.auxiliary or part.failed)])


def _role_and_stride(one: Structure, ours: Sequence[Part], other: Structure,
                     theirs: Sequence[Part]) -> Key:
    """What a stage is known by in networks that name theirs otherwise: first, last, or between,
    with how much smaller its output is than the image."""
    keys: dict[int, Hashable] = {}
    for structure, stages in ((one, ours), (other, theirs)):
        image = structure.summary.trace.input_shape
        for number, stage in enumerate(stages):
            shape = stage.output_shape
            stride = round(image[-1] / shape[-1]) if len(image) == len(shape) == 4 else None
            role = "head" if number == len(stages) - 1 else "body"
            keys[id(stage)] = role, None if role == "head" else stride
    return lambda part: keys[id(part)]


def _aligned(ours: Sequence[Part], theirs: Sequence[Part],
             keys: Sequence[Key]) -> tuple[Difference, ...]:
    """All parts of both, in order: pairs, and between them what stands alone. What alone has the
    path of a layer of one of ours stands in its place too; and one alone of ours has all of theirs
    that are alone there."""
    partner = _partners(ours, theirs, keys)
    at_path = {layer.path: place for place, part in enumerate(ours) for layer in part.layers}
    others: dict[int, list[int]] = {place: [at] for place, at in partner.items()}
    paired = set(partner.values())
    for at, other in enumerate(theirs):
        place = at_path.get(other.path, at_path.get(other.layers[0].path))
        if at not in paired and place is not None:
            others.setdefault(place, []).append(at)
    taken = {at for found in others.values() for at in found}
    result: list[Difference] = []
    alone: list[int] = []
    following = 0

    def close(stop: int) -> None:
        """What stands alone before a pair."""
        nonlocal following
        left = tuple([other for at, other in enumerate(theirs[following:stop], following)
                      if at not in taken])
        if len(alone) == 1 and left:
            result.append(_pair(ours[alone[0]], left))
        else:
            result.extend([Difference(ours[place], ()) for place in alone])
            result.extend([Difference(None, (other,)) for other in left])
        alone.clear()
        following = max(following, stop)

    for place, part in enumerate(ours):
        if place not in others:
            alone.append(place)
            continue
        found = sorted(others[place])
        close(found[0])
        result.append(_pair(part, tuple([theirs[at] for at in found])))
    close(len(theirs))
    return tuple(result)


def _partners(ours: Sequence[Part], theirs: Sequence[Part],
              keys: Sequence[Key]) -> dict[int, int]:
    """Which of theirs belongs to which of ours, by each key in turn; none crosses another."""
    partner: dict[int, int] = {}
    for key in keys:
        known = [key(part) for part in theirs]
        highs = [len(theirs)]       # for each of ours, where those behind it begin: from the last
        for place in reversed(range(len(ours))):
            highs.append(partner.get(place, highs[-1]))
        low = 0
        for place, part in enumerate(ours):
            if place in partner:
                low = partner[place] + 1
                continue
            high, wanted = highs[len(ours) - 1 - place], key(part)
            found = next((at for at in range(low, high) if known[at] == wanted), None)
            if found is not None:
                partner[place], low = found, found + 1
    return partner


def _pair(part: Part, others: tuple[Part, ...]) -> Difference:
    """A part with all that stands in its place, and what both are made of."""
    if part.role == "call":
        return Difference(part, others)
    stage = part.role == "stage" or any(other.role == "stage" for other in others)
    ours = _members(part, stage=stage)
    theirs = [inner for other in others for inner in _members(other, stage=stage)]
    stages = {whole.path for whole in (part, *others) if whole.role == "stage"}

    def own(inner: Part, key: Hashable) -> Hashable:
        """Calls that only stand between two blocks have the path and the type of their stage."""
        return inner.layers[0].path if inner.path in stages else key

    return Difference(part, others, _runs(part, _aligned(ours, theirs, [
        lambda inner: own(inner, inner.path),
        lambda inner: own(inner, (inner.name, inner.output_shape[2:])),
        lambda inner: own(inner, inner.name)])))


def _members(part: Part, *, stage: bool) -> tuple[Part, ...]:
    """What a part is made of, runs taken apart: one may be longer, or be none, in the other. What
    stands where the other has a stage is a stage of one block."""
    if not part.parts or (stage and part.role != "stage"):
        return (part,)
    return tuple([inner for held in part.parts
                  for inner in (held.parts if held.role == "run" else (held,))])


def _runs(stage: Part, inside: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """The blocks of a run under it again, with those that follow them in the other network."""
    run_of = {id(block): held for held in stage.parts if held.role == "run"
              for block in held.parts}
    result: list[Difference] = []
    open_run: Part | None = None
    members: list[Difference] = []

    def close() -> None:
        if open_run is not None:
            others = tuple([other for member in members for other in member.others])
            result.append(Difference(open_run, others, tuple(members)))

    for inner in inside:
        run = open_run if inner.part is None and _continues(inner, members) else \
            run_of.get(id(inner.part)) if inner.part else None
        if run is not open_run:
            close()
            open_run, members = run, []
        if run is None:
            result.append(inner)
        else:
            members.append(inner)
    close()
    return tuple(result)


def _continues(alone: Difference, members: Sequence[Difference]) -> bool:
    """Whether what the other network alone has is more of what stands before it."""
    last = members[-1].others[-1] if members and members[-1].others else None
    return last is not None and last.name == alone.others[0].name
