"""Modules that stand in one place of a class -> what they have in common, and what varies.

A value is a vector: one entry for each instance of the class, `HOLE` where an instance has not got
what it belongs to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar

from torch import nn

if TYPE_CHECKING:
    from explorer.exporting.code.template import Template


P = ParamSpec("P")
R = TypeVar("R")


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """`functools.cache`; mypy takes a class of modules for unhashable."""
    return cache(function)      # type: ignore[return-value]


class _Hole:
    def __repr__(self) -> str:
        return "HOLE"


HOLE: Any = _Hole()
Vector: TypeAlias = tuple[Any, ...]
Modules: TypeAlias = Sequence["nn.Module | None"]
ROLES = {"in_features": "in_channels", "out_features": "out_channels",
         "num_features": "channels", "normalized_shape": "channels"}
"""What an argument of a layer is called as one of a class."""


class Ununifiable(Exception):
    """Modules that one text cannot make."""


@dataclass(frozen=True)
class LayerCall:
    """A layer of PyTorch. Its type varies only where what it is given does not depend on it."""

    type: Vector
    arguments: tuple[tuple[str, Vector], ...]


@dataclass(frozen=True)
class TemplateCall:
    """An instance of a class of the family, or what a function of it gives."""

    template: Template
    arguments: tuple[tuple[str, Vector], ...]


@dataclass(frozen=True)
class ChainItem:
    """What stands in a chain under one key."""

    key: str
    node: Node
    there: Vector
    """Whether an instance has it."""
    last: Vector | None = None
    """Of a run, which repeats it up to this number."""

    @property
    def always(self) -> bool:
        return all(value is True or is_hole(value) for value in self.there)


@dataclass(frozen=True)
class Chain:
    """A `nn.Sequential`, or a class of the family that is given its parts in the same way."""

    type: type[nn.Sequential]
    items: tuple[ChainItem, ...]
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


Node: TypeAlias = "LayerCall | TemplateCall | Chain | Choice | Shared"


class Answers(Protocol):
    """What is answers of the modules of a network."""

    def template_of(self, module: nn.Module) -> Template | None:
        """What makes it, where that has a text of its own."""

    def attributes_of(self, container: type[nn.Module]) -> list[str]:
        """What the forward pass of a class reads of its instances, which are given their parts."""

    def shared_name(self, module: nn.Module) -> str | None:
        """The variable that holds it, where it stands in several places of an instance."""


def generalise(modules: Modules, answers: Answers) -> Node:
    """What stands in one place, one module for each instance; None where it has none there.

    Raises `Ununifiable` where one text cannot make them all.
    """
    names = {answers.shared_name(module) for module in modules if module is not None}
    if len(names) == 1 and (name := names.pop()) is not None:
        return Shared(name, _unshared(modules, answers))
    return _unshared(modules, answers)


def _unshared(modules: Modules, answers: Answers) -> Node:
    present = [module for module in modules if module is not None]
    kinds = dict.fromkeys(_kind(module, answers) for module in present)
    if len(kinds) > 1 and not (all(map(is_layer, present)) and all(
            layer_arguments(module) == layer_arguments(present[0]) for module in present)):
        return Choice(tuple(_option(kind, modules, answers) for kind in kinds))
    if template := answers.template_of(present[0]):
        given = [None if module is None else template.given(module) for module in modules]
        return TemplateCall(template, tuple(
            (name, tuple(HOLE if values is None else values[name] for values in given))
            for name in template.parameters))
    if isinstance(present[0], nn.Sequential):
        return chain(modules, answers)
    defaults = signature_of(type(present[0]))
    found = [None if module is None else layer_arguments(module) for module in modules]
    names = {name for arguments in found if arguments for name in arguments}
    return LayerCall(tuple(HOLE if module is None else type(module) for module in modules), tuple(
        (name, tuple(HOLE if arguments is None else arguments.get(name, default)
                     for arguments in found))
        for name, default in defaults.items() if name in names))


def _option(kind: Template | type[nn.Module], modules: Modules,
            answers: Answers) -> tuple[Vector, Node]:
    chosen = [module if module is not None and _kind(module, answers) == kind else None
              for module in modules]
    return tuple(module is not None for module in chosen), generalise(chosen, answers)


def _kind(module: nn.Module, answers: Answers) -> Template | type[nn.Module]:
    return answers.template_of(module) or type(module)


def chain(modules: Modules, answers: Answers) -> Chain:
    """What `nn.Sequential`s have in common."""
    kind = next(type(module) for module in modules if isinstance(module, nn.Sequential))
    names = () if kind is nn.Sequential else answers.attributes_of(kind)
    return Chain(kind, _items(modules, answers), tuple(
        (name, tuple(HOLE if module is None else as_tuple(getattr(module, name))
                     for module in modules)) for name in names))


def _items(modules: Modules, answers: Answers) -> tuple[ChainItem, ...]:
    """The parts of chains: those of one key are one, and where a numbered run is longer in some
    than in others, what it repeats."""
    parts = [None if module is None else module._modules for module in modules]
    keys = merged([list(part) for part in parts if part is not None])
    chosen = {key: [None if part is None else part.get(key) for part in parts] for key in keys}
    runs = _runs(keys, [part for part in parts if part is not None])
    items: list[ChainItem] = []
    repeated: set[str] = set()
    for key in keys:
        if key in repeated or (not key.isdigit() and all(
                module is None or is_nothing(module) for module in chosen[key])):
            continue
        node = generalise(chosen[key], answers)
        last = None
        if key in runs and all(agrees(node, generalise(chosen[other], answers))
                               for other in runs[key]):
            repeated |= {*runs[key]}
            last = tuple(HOLE if part is None else max(
                (number_of(name) for name in part if stem(name) == stem(key)), default=0)
                for part in parts)
        there = tuple(HOLE if part is None else module is not None
                      for part, module in zip(parts, chosen[key], strict=True))
        items.append(ChainItem(key, node, there, last))
    return tuple(items)


def _runs(keys: Sequence[str], parts: Sequence[dict[str, nn.Module | None]]
          ) -> dict[str, list[str]]:
    """The second of each numbered run with those behind it, where the runs differ in length."""
    numbered = [key for key in keys if key != stem(key)]
    runs = {}
    for start in dict.fromkeys(map(stem, numbered)):
        run = [key for key in numbered if stem(key) == start]
        lengths = {sum(key in part for key in run) for part in parts}
        if len(lengths) > 1 and len(run) > 2:
            runs[run[1]] = run[2:]
    return runs


def stem(key: str) -> str:
    """A key without the number at its end."""
    return key.rstrip("0123456789")


def number_of(key: str) -> int:
    """The number at the end of a key that has one."""
    return int(key[len(stem(key)):])


def merged(rows: list[list[str]]) -> list[str]:
    """All keys in an order that each row keeps."""
    result: list[str] = []
    for row in sorted(map(list, dict.fromkeys(map(tuple, rows))), key=len, reverse=True):
        place = 0
        for key in row:
            if key not in result:
                result.insert(place, key)
            elif result.index(key) < place:
                raise Ununifiable(key)
            place = result.index(key) + 1
    return result


# Modules

def is_layer(module: nn.Module) -> bool:
    """Whether it is PyTorch's own, with nothing inside."""
    return type(module).__module__.startswith("torch.") and not isinstance(module, nn.Sequential)


def is_nothing(module: nn.Module) -> bool:
    """Whether it hands on what it is given."""
    return isinstance(module, nn.Identity) or (type(module) is nn.Sequential and not len(module))


@cached
def is_container(kind: type[nn.Module]) -> bool:
    """Whether a class is given its parts from outside, as a `nn.Sequential` is."""
    return issubclass(kind, nn.Sequential) and (
        kind.__init__ is nn.Sequential.__init__ or not inspect.signature(kind).parameters)


@cached
def signature_of(layer: type[nn.Module]) -> dict[str, Any]:
    """The parameters of a layer with their defaults, `HOLE` where there is none."""
    return {name: HOLE if parameter.default is parameter.empty else parameter.default
            for name, parameter in inspect.signature(layer).parameters.items()
            if name not in ("device", "dtype")}


def layer_arguments(layer: nn.Module) -> dict[str, Any]:
    """What a layer must be given to be as it is, in the order of its signature."""
    arguments = {}
    for name, default in signature_of(type(layer)).items():
        value = getattr(layer, name, default)
        if name == "bias":
            value = value is not None
        elif isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        if name == "stride" and default is None and value == layer.kernel_size:
            continue            # of a pooling
        if value != default or (name == "p" and isinstance(layer, nn.Dropout)):
            arguments[name] = value
    return arguments


# Nodes

def slots(node: Node) -> Iterator[tuple[str, Vector]]:
    """Every vector in a node with what it is, in the order in which they are written."""
    match node:
        case LayerCall(type, arguments):
            yield "activation", type
            for name, vector in arguments:
                yield ROLES.get(name, name), vector
        case TemplateCall(_, arguments):
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
    """Whether `other` is what `node` is wherever there is one."""
    if _frame(node) != _frame(other):
        return False
    return all(is_hole(b) or a == b for (_, one), (_, two)
               in zip(slots(node), slots(other), strict=True)
               for a, b in zip(one, two, strict=True))


def _frame(node: Node) -> Hashable:
    """A node without its vectors."""
    match node:
        case LayerCall(_, arguments):
            return tuple(name for name, _ in arguments)
        case TemplateCall(template, _):
            return template
        case Chain(type, items, _):
            return type, tuple((item.key, _frame(item.node)) for item in items)
        case Choice(options):
            return tuple(_frame(option) for _, option in options)
        case Shared(name, inner):
            return name, _frame(inner)


# Vectors

def is_hole(value: Any) -> bool:
    return value is HOLE


def as_tuple(value: Any) -> Any:
    """A table of whole numbers as tuples, which have a hash; None for what is none."""
    if isinstance(value, tuple | list):
        inside = tuple(map(as_tuple, value))
        return None if None in inside else inside
    return value if isinstance(value, int) else None
