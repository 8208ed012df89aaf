"""What modules have in common -> expressions and statements of a constructor."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from explorer.exporting.code.general import (
    ROLES,
    Chain,
    ChainItem,
    Choice,
    LayerCall,
    Node,
    Shared,
    TemplateCall,
    Vector,
    cached,
    is_hole,
    number_of,
    slots,
    stem,
)
from explorer.exporting.code.solver import POSITIONAL, Solver, constant, first, literal

Block: TypeAlias = "list[str | tuple[str, Block]]"
"""Statements; one that has others in it with those."""
Text: TypeAlias = tuple[Block, str]
"""An expression, behind the statements that must stand before it."""
REPEATED = 3
"""Parts that are the same so often are written as a loop."""
SHORT = 76
"""Letters of a choice that is written in a line."""


class Writing:
    """The text of one class or function, whose numbers a solver knows."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self._shared: set[str] = set()

    def place(self, target: str, key: str, node: Node) -> Block:
        """The statements that put a node into a target."""
        match node:
            case Choice():
                return self._chosen(target, key, node)
            case Chain() if grown(node):
                return [f"{target} = {container(node)}({', '.join(self._beside(node))})",
                        *self._added(target, node.items)]
        before, text = self.expression(node, key)
        return [*before, f"{target} = {text}"]

    def expression(self, node: Node, key: str, side: int = 1) -> Text:
        """`side` is that of the maps that a linear layer is given, flattened."""
        match node:
            case LayerCall():
                return [], self._layer(node, side)
            case TemplateCall():
                return [], self._call(node)
            case Shared(name, inner):
                before = [] if name in self._shared else self.place(name, name, inner)
                self._shared.add(name)
                return before, name
            case Chain() if not grown(node):
                before, text = self.elements(node.items)
                return before, f"{container(node)}({', '.join([text, *self._beside(node)])})"
        name = self.solver.reserved(key if key.isidentifier() else "layers")
        return self.place(name, key, node), name

    def elements(self, items: Sequence[ChainItem]) -> Text:
        """What a `nn.Sequential` is given."""
        before: Block = []

        def of(item: ChainItem) -> str:
            above, text = self.expression(item.node, item.key, _side(items, item))
            before.extend(above)
            return text

        if not all(item.key == str(place) for place, item in enumerate(items)):
            return before, f"OrderedDict({', '.join(f'{one.key}={of(one)}' for one in items)})"
        parts = []
        for fold in folds(items):
            item = fold.items[0]
            if item.last is not None:
                count = tuple(last if is_hole(last) else last + 1 - int(item.key)
                              for last in item.last)
                parts.append(f"*({of(item)} for _ in "
                             f"range({self.solver.expression(count, 'depth')}))")
            elif fold.step:
                text = self._call(item.node, fold.step)
                parts.append(f"*({text} for number in range({len(fold.items)}))")
            elif len(fold.items) > 1:
                parts.append(f"*({of(item)} for _ in range({len(fold.items)}))")
            else:
                parts.append(of(item))
        return before, ", ".join(parts)

    def _beside(self, node: Chain) -> list[str]:
        """What the class of a chain is given beside its parts."""
        return [f"{name}={self.solver.expression(vector, name)}"
                for name, vector in node.arguments]

    def _added(self, target: str, items: Sequence[ChainItem]) -> Block:
        """Parts that are added one by one, those that repeat in a loop."""
        made: Block = []
        for fold in folds(items):
            item, count = fold.items[0], len(fold.items)
            if item.last is not None:
                end = plus_one(self.solver.expression(item.last, "depth"))
                made.append((f"for number in range({number_of(item.key)}, {end}):",
                             [line for one in fold.items
                              for line in self._added_one(target, one, "number")]))
            elif count == 1 or fold.step:
                for one in fold.items:
                    condition = "" if one.always else self.solver.condition(
                        one.there, one.key, slots(one.node))
                    lines = self._added_one(target, one)
                    made += [(f"if {condition}:", lines)] if condition else lines
            elif item.key.isdigit():
                made.append((f"for _ in range({count}):", self._added_one(target, item)))
            else:
                start = number_of(item.key)
                made.append((f"for number in range({start}, {start + count}):",
                             self._added_one(target, item, "number")))
        return made

    def _added_one(self, target: str, item: ChainItem, number: str = "") -> Block:
        before, text = self.expression(item.node, item.key)
        if item.key.isdigit():
            return [*before, f"{target}.append({text})"]
        key = f'f"{stem(item.key)}{{{number}}}"' if number else f'"{item.key}"'
        return [*before, f"{target}.add_module({key}, {text})"]

    def _chosen(self, target: str, key: str, node: Choice) -> Block:
        # What is shortest stands last, without a condition.
        options = sorted(node.options, key=lambda option: -len([*slots(option[1])]))
        made: Block = []
        for number, (there, option) in enumerate(options):
            head = "else:" if number == len(options) - 1 else \
                f"{'elif' if number else 'if'} {self.solver.condition(there, key)}:"
            here = target if number else f"{target}: nn.Module"
            if grown(option):
                name = self.solver.reserved(key)
                made.append((head, [*self.place(name, key, option), f"{here} = {name}"]))
            else:
                made.append((head, self.place(here, key, option)))
        match made:
            case [(head, [str(one)]), ("else:", [str(other)])]:
                line = f"{target} = {one.partition(' = ')[2]} " \
                       f"{head.removesuffix(':')} else {other.partition(' = ')[2]}"
                if len(line) <= SHORT:
                    return [line]
        return made

    def _layer(self, node: LayerCall, side: int) -> str:
        if constant(node.type):
            name, required = literal(first(node.type)), positional(first(node.type))
        else:
            name, required = self.solver.expression(node.type, "activation"), ()
        given = []
        for argument, vector in node.arguments:
            role = ROLES.get(argument, argument)
            channels = tuple(value if is_hole(value) else value // side ** 2 for value in vector) \
                if argument == "in_features" and side > 1 else vector
            value = self.solver.expression(channels, role)
            if channels is not vector:
                value = f"{value} * {side} * {side}"
            given.append(value if argument in required else f"{argument}={value}")
        return f"{name}({', '.join(given)})"

    def _call(self, node: Node, step: dict[str, int] | None = None) -> str:
        """The call of a class or a function; of one that stands in a loop with its numbers grown by
        a step each time."""
        assert isinstance(node, TemplateCall)
        given, skipped = [], False
        for name, vector in node.arguments:
            parameter = node.template.parameters[name]
            value = self.solver.expression(vector, name)
            if step and name in step:
                value = f"{value} + {step[name]} * number"
            if not parameter.required and value == literal(parameter.default):
                skipped = True
            elif parameter.required or (name in POSITIONAL and not skipped):
                given.append(value)
            else:
                given.append(f"{name}={value}")
        return f"{node.template.name}({', '.join(given)})"


@dataclass(frozen=True)
class Fold:
    """Parts in a row that one line makes."""

    items: list[ChainItem]
    step: dict[str, int]
    """By how much the arguments of one are more than those of the one before."""


def folds(items: Sequence[ChainItem]) -> Iterator[Fold]:
    """The parts of a chain, those together that repeat."""
    place = 0
    while place < len(items):
        item, end = items[place], place + 1
        step: dict[str, int] = {}
        if item.last is not None:
            while end < len(items) and items[end].last == item.last:
                end += 1
        else:
            while end < len(items) and _follows(items[end - 1], items[end]):
                grown_by = _step(items[end - 1].node, items[end].node)
                if grown_by is None or (end > place + 1 and grown_by != step):
                    break
                step, end = grown_by, end + 1
            if end - place < REPEATED:
                step, end = {}, place + 1
        yield Fold([*items[place:end]], step)
        place = end


def _follows(one: ChainItem, other: ChainItem) -> bool:
    start = stem(one.key)
    return one.always and other.always and other.last is None and start != one.key \
        and other.key == f"{start}{number_of(one.key) + 1}"


def _step(node: Node, other: Node) -> dict[str, int] | None:
    """By how much the arguments of one part are more than those of another; None where they differ
    in something else."""
    if node == other:
        return {}
    if not isinstance(node, TemplateCall) or not isinstance(other, TemplateCall) \
            or node.template != other.template:
        return None
    steps = {}
    for (name, one), (_, two) in zip(node.arguments, other.arguments, strict=True):
        if one != two:
            if len(one) != 1 or type(one[0]) is not int or type(two[0]) is not int:
                return None
            steps[name] = two[0] - one[0]
    return steps


def grown(node: Node) -> bool:
    """Whether it is a chain whose parts must be added one by one, or a choice in one."""
    if not isinstance(node, Chain):
        return False
    named = any(not item.key.isdigit() for item in node.items)
    return (named and bool(node.arguments)) \
        or any(not item.always and item.last is None for item in node.items) \
        or any(grown(item.node) or isinstance(item.node, Choice) for item in node.items) \
        or (named and any(item.last is not None or item.key.isdigit() for item in node.items)) \
        or (named and any(len(fold.items) > 1 and not fold.step for fold in folds(node.items)))


def container(node: Chain) -> str:
    return "nn.Sequential" if node.type is nn.Sequential else node.type.__name__


def _side(items: Sequence[ChainItem], item: ChainItem) -> int:
    """Of the maps that the first linear layer behind a pooling is given, flattened."""
    side = 1
    for other in items[:items.index(item)]:
        match other.node:
            case LayerCall((nn.AdaptiveAvgPool2d, *_), arguments):
                side = first(dict(arguments)["output_size"])
            case LayerCall((nn.Linear, *_), _):
                side = 1
    return side


@cached
def positional(layer: type[nn.Module]) -> tuple[str, ...]:
    """The arguments of a layer that stand without their names."""
    required = [name for name, parameter in inspect.signature(layer).parameters.items()
                if parameter.default is parameter.empty]
    return (*required, "p") if layer is nn.Dropout else tuple(required)


def plus_one(number: str) -> str:
    return str(int(number) + 1) if number.isdigit() else f"{number} + 1"


def lines_of(block: Block) -> Iterator[str]:
    for statement in block:
        if isinstance(statement, str):
            yield statement
        else:
            yield statement[0]
            yield from lines_of(statement[1])


def with_lines(block: Block, lines: Iterator[str]) -> Block:
    """A block with other lines in the place of its own."""
    return [next(lines) if isinstance(statement, str)
            else (next(lines), with_lines(statement[1], lines)) for statement in block]


def masks(node: Node) -> Iterator[Vector]:
    """Whether instances have each part of a chain that is no run."""
    if isinstance(node, Chain):
        for item in node.items:
            if item.last is None:
                yield item.there
            yield from masks(item.node)


def has_choice(node: Node) -> bool:
    return isinstance(node, Choice) or (
        isinstance(node, Chain) and any(has_choice(item.node) for item in node.items))
