"""Modules that stand in one place of a class -> what they have in common, and what varies.

A value is a vector: one entry for each instance of the class, `HOLE` where an instance has not got
what it belongs to.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from torch import nn

if TYPE_CHECKING:
    from explorer.export.template import Template


class _Hole:
    def __repr__(self) -> str:
        return "HOLE"


HOLE: Any = _Hole()
Vector: TypeAlias = tuple[Any, ...]
Modules: TypeAlias = Sequence["nn.Module | None"]
NUMBERED = re.compile(r"(?P<stem>.*?)(?P<number>\d+)")


@dataclass(frozen=True)
class Layer:
    """A layer of PyTorch. Its type varies only where what it is given does not depend on it."""

    type: Vector
    arguments: tuple[tuple[str, Vector], ...]


@dataclass(frozen=True)
class Part:
    """An instance of a class, or what a function of the family gives."""

    template: Template
    arguments: tuple[tuple[str, Vector], ...]


@dataclass(frozen=True)
class Item:
    key: str
    node: Node
    there: Vector
    """Whether an instance has it."""
    last: Vector | None = None
    """Of a run, which repeats it up to this number."""


@dataclass(frozen=True)
class Chain:
    """A `nn.Sequential`, or a class of the family that is given its parts in the same way."""

    type: type[nn.Sequential]
    items: tuple[Item, ...]
    arguments: tuple[tuple[str, Vector], ...] = ()
    """What its class is given beside them."""


@dataclass(frozen=True)
class Choice:
    """Different things in different instances."""

    options: tuple[tuple[Vector, Node], ...]
    """Each with the instances that have it."""


@dataclass(frozen=True)
class Shared:
    """What stands in several places of one instance."""

    name: str
    node: Node


Node: TypeAlias = "Layer | Part | Chain | Choice | Shared"


class Known(Protocol):
    """What is known of the modules of a network."""

    def template_of(self, module: nn.Module) -> Template | None:
        """What makes it, where that has a text of its own."""

    def attributes_of(self, container: type[nn.Module]) -> list[str]:
        """What the forward pass of a class of the family reads of its instances, which are given
        their parts."""

    def shared_name(self, module: nn.Module) -> str | None:
        """The variable that holds it, where it stands in several places of an instance."""


def generalise(modules: Modules, known: Known) -> Node:
    """What stands in one place, one module for each instance; None where it has none there."""
    names = {known.shared_name(module) for module in modules if module is not None}
    if len(names) == 1 and (name := names.pop()) is not None:
        return Shared(name, _generalise(modules, known))
    return _generalise(modules, known)


def _generalise(modules: Modules, known: Known) -> Node:
    kinds: dict[Hashable, list[int]] = {}
    for index, module in enumerate(modules):
        if module is not None:
            kinds.setdefault(_kind(module, known), []).append(index)
    if len(kinds) > 1:
        layers = [layer_arguments(module) if is_layer(module) else None
                  for module in modules if module is not None]
        if layers[0] is None or any(layer != layers[0] for layer in layers):
            nodes = []
            for indices in kinds.values():
                here = tuple(index in set(indices) for index in range(len(modules)))
                chosen = [module if there else None
                          for module, there in zip(modules, here, strict=True)]
                nodes.append((here, generalise(chosen, known)))
            return Choice(tuple(nodes))
    first = next(module for module in modules if module is not None)
    template = known.template_of(first)
    if template is not None:
        given = [template.given(module) if module is not None else None for module in modules]
        return Part(template, tuple(
            (name, tuple(HOLE if values is None else values[name] for values in given))
            for name in template.parameters))
    if isinstance(first, nn.Sequential):
        return chain(modules, known)
    found = [layer_arguments(module) if module is not None else None for module in modules]
    names = dict.fromkeys(name for arguments in found if arguments for name in arguments)
    ordered = [name for name in signature_of(type(first)) if name in names]
    return Layer(tuple(HOLE if module is None else type(module) for module in modules), tuple(
        (name, tuple(HOLE if arguments is None
                     else arguments.get(name, signature_of(type(first))[name])
                     for arguments in found)) for name in ordered))


def chain(modules: Modules, known: Known) -> Chain:
    """What `nn.Sequential`s have in common."""
    first = next(module for module in modules if isinstance(module, nn.Sequential))
    names = known.attributes_of(type(first)) if type(first) is not nn.Sequential else ()
    return Chain(type(first), _items(modules, known), tuple(
        (name, tuple(HOLE if module is None else as_tuple(getattr(module, name))
                     for module in modules)) for name in names))


def as_tuple(value: Any) -> Any:
    """A table of whole numbers as tuples, which have a hash; None for what is none."""
    if isinstance(value, tuple | list):
        inside = tuple(map(as_tuple, value))
        return None if None in inside else inside
    return value if isinstance(value, int) else None


def _kind(module: nn.Module, known: Known) -> Hashable:
    return known.template_of(module) or type(module)


def is_layer(module: nn.Module) -> bool:
    """Whether it is PyTorch's own, with nothing inside."""
    return type(module).__module__.startswith("torch.") and not isinstance(module, nn.Sequential)


def is_container(module: nn.Module) -> bool:
    """Whether it is given its parts from outside, as a `nn.Sequential` is."""
    return isinstance(module, nn.Sequential) and (
        type(module).__init__ is nn.Sequential.__init__
        or not inspect.signature(type(module)).parameters)


@cache
def signature_of(layer: type[nn.Module]) -> dict[str, Any]:
    """The parameters of a layer with their defaults, `HOLE` where there is none."""
    return {name: HOLE if parameter.default is parameter.empty else parameter.default
            for name, parameter in inspect.signature(layer).parameters.items()
            if name not in ("device", "dtype")}


FOLLOWS = {"stride": "kernel_size"}
"""What a pooling takes for an argument that it is not given."""


def layer_arguments(layer: nn.Module) -> dict[str, Any]:
    """What a layer must be given to be as it is, in the order of its signature."""
    arguments = {}
    for name, default in signature_of(type(layer)).items():
        if not hasattr(layer, name):
            continue
        value = getattr(layer, name)
        if name == "bias":
            value = value is not None
        elif isinstance(value, tuple) and len(set(value)) == 1 and value[0] is not None:
            value = value[0]
        if default is None and name in FOLLOWS and value == getattr(layer, FOLLOWS[name]):
            continue
        if default is HOLE or value != default or (type(layer) is nn.Dropout and name == "p"):
            arguments[name] = value
    return arguments


def _items(modules: Modules, known: Known) -> tuple[Item, ...]:
    """The parts of chains: those of one key are one, and where a numbered run is longer in some
    than in others, what it repeats."""
    parts = [None if module is None else module._modules for module in modules]
    keys = merged([list(part) for part in parts if part is not None])

    def at(key: str) -> tuple[list[nn.Module | None], Vector]:
        chosen = [None if part is None else part.get(key) for part in parts]
        there = tuple(HOLE if part is None else module is not None
                      for part, module in zip(parts, chosen, strict=True))
        return chosen, there

    items: list[Item] = []
    runs = _runs(keys, [part for part in parts if part is not None])
    done: set[str] = set()
    for key in keys:
        if key in done:
            continue
        chosen, there = at(key)
        if all(is_nothing(module) for module in chosen if module is not None) \
                and not key.isdigit():
            continue
        node = generalise(chosen, known)
        last = None
        if key in runs:
            following = runs[key]
            others = [generalise(at(other)[0], known) for other in following[1:]]
            if not all(agrees(node, other) for other in others):
                raise Ununifiable(key)
            done |= set(following)
            last = tuple(HOLE if part is None else max(
                [_number(name) or 0 for name in part if _stem(name) == _stem(key)], default=0)
                for part in parts)
        items.append(Item(key, node, there, last))
    return tuple(items)


class Ununifiable(Exception):
    """Modules that one text cannot make."""


def _stem(key: str) -> str:
    return key.rstrip("0123456789")


def _number(key: str) -> int | None:
    digits = key[len(_stem(key)):]
    return int(digits) if digits else None


def _runs(keys: Sequence[str], parts: Sequence[dict[str, nn.Module | None]]
          ) -> dict[str, list[str]]:
    """The second of a numbered run with all behind it, where the runs differ in length."""
    runs = {}
    for stem in dict.fromkeys(_stem(key) for key in keys if _number(key) is not None):
        counts = {sum(_stem(key) == stem and _number(key) is not None for key in part)
                  for part in parts}
        run = [key for key in keys if _stem(key) == stem and _number(key) is not None]
        if len(counts) > 1 and len(run) > 2:
            runs[run[1]] = run[1:]
    return runs


def merged(rows: list[list[str]]) -> list[str]:
    """All keys in an order that each row keeps."""
    merged: list[str] = []
    for row in sorted(rows, key=len, reverse=True):
        place = 0
        for key in row:
            if key in merged:
                if merged.index(key) < place:
                    raise Ununifiable(key)
                place = merged.index(key) + 1
            else:
                merged.insert(place, key)
                place += 1
    return merged


def is_nothing(module: nn.Module) -> bool:
    return isinstance(module, nn.Identity) or (type(module) is nn.Sequential and not len(module))


ROLES = {"in_features": "in_channels", "out_features": "out_channels",
         "num_features": "channels", "normalized_shape": "channels"}
"""What an argument of a layer is called as one of a class."""


def slots(node: Node) -> Iterator[tuple[str, Vector]]:
    """Every vector in a node with what it is, in the order in which they are written."""
    match node:
        case Layer(type, arguments):
            yield "activation", type
            for name, vector in arguments:
                yield ROLES.get(name, name), vector
        case Part(_, arguments):
            yield from arguments
        case Chain(_, items, arguments):
            yield from arguments
            for item in items:
                yield from slots(item.node)
        case Choice(options):
            for _, option in options:
                yield from slots(option)
        case Shared(_, inner):
            yield from slots(inner)


def agrees(node: Node, other: Node) -> bool:
    """Whether `other`, which fewer instances have, is there what `node` is."""
    if type(node) is not type(other) or _frame(node) != _frame(other):
        return False
    ours, theirs = list(slots(node)), list(slots(other))
    return len(ours) == len(theirs) and all(
        is_hole(b) or a == b for (_, one), (_, two) in zip(ours, theirs, strict=True)
        for a, b in zip(one, two, strict=True))


def _frame(node: Node) -> Hashable:
    match node:
        case Layer(_, arguments):
            return tuple(name for name, _ in arguments)
        case Part(template, _):
            return template
        case Chain(type, items, _):
            return type, tuple((item.key, _frame(item.node)) for item in items)
        case Choice(options):
            return tuple(_frame(option) for _, option in options)
        case Shared(name, inner):
            return name, _frame(inner)


def is_hole(value: Any) -> bool:
    return value is HOLE
