"""A class of the family, or a function that gives one of its parts, as the text that makes all of
its instances in one network."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cache
from types import FunctionType
from typing import Any, TypeAlias

from torch import nn

from explorer.export.forward import Facts, specialise
from explorer.export.general import (
    HOLE,
    ROLES,
    Chain,
    Choice,
    Item,
    Known,
    Layer,
    Node,
    Part,
    Shared,
    Ununifiable,
    Vector,
    as_tuple,
    chain,
    generalise,
    is_hole,
    is_nothing,
    merged,
    number_of,
    slots,
    stem,
)
from explorer.export.record import Record
from explorer.export.solver import Parameter, Solver, literal

Block: TypeAlias = "list[str | tuple[str, Block]]"
"""Statements; one that has others in it with those."""


class Template:
    """What is written once for many modules.

    Raises `Ununifiable` where one text cannot make them all.
    """

    def __init__(self, maker: type[nn.Module] | FunctionType, instances: Sequence[nn.Module],
                 record: Record, known: Known) -> None:
        self.maker, self.instances, self.known = maker, instances, known
        self.name = maker.__name__
        self.record = record
        self.solver = Solver([record.arguments.get(id(module), {}) for module in instances],
                             [record.variables.get(id(module), {}) for module in instances],
                             without=loop_variables(maker))
        self._written: set[str] = set()
        self._places = {id(module): place for place, module in enumerate(instances)}
        self.forward: ast.FunctionDef | None = None
        self.body: Block = []
        self.tensors: list[str] = []
        if isinstance(maker, FunctionType):
            self._write_function()
        else:
            self._write_class(maker)
        self.body = self._finished()
        self.parameters: dict[str, Parameter] = {
            one.name: one for one in self.solver.parameters}

    def _finished(self) -> Block:
        """The body with variables for what it says often."""
        flat = list(_flat(self.body))
        variables, lines = self.solver.finished(flat)
        written = iter(lines)
        body = _again(self.body, written)
        place = 1 if body[0] == "super().__init__()" else 0
        return [*body[:place], *variables, *body[place:]]

    def given(self, module: nn.Module) -> dict[str, Any]:
        """What an instance is given, by parameter."""
        place = self._places[id(module)]
        return {name: one.default if is_hole(one.values[place]) else one.values[place]
                for name, one in self.parameters.items()}

    @property
    def signature(self) -> str:
        parts, named = [], False
        for one in self.parameters.values():
            if not is_hole(one.default) and not named and one.name not in ("kernel_size", "kernel"):
                parts.append("*")
                named = True
            default = "" if is_hole(one.default) else f" = {literal(one.default)}"
            parts.append(f"{one.name}: {one.annotation}{default}")
        return ", ".join(parts)

    # A function.

    def _write_function(self) -> None:
        node = chain(self.instances, self.known)
        if not all(all(there) for there in _masks(node)) or _has_choice(node):
            raise Ununifiable(self.name)
        prelude, text = self._expression(node, "layers")
        if len(self.solver.found) > 6:
            raise Ununifiable(self.name)
        self.body = [*prelude, f"return {text}"]

    # A class.

    def _write_class(self, maker: type[nn.Module]) -> None:
        keys = merged([list(module._modules) for module in self.instances])
        own_forward = maker.forward is not nn.Sequential.forward
        nothing = set()
        nodes: list[Item] = []
        for key in keys:
            modules = [collapsed(module._modules.get(key)) for module in self.instances]
            if all(module is None or is_nothing(module) for module in modules) \
                    and not key.isdigit():
                nothing.add(key)
                continue
            nodes.append(Item(key, generalise(modules, self.known),
                              tuple(module is not None for module in modules)))
        outputs = [vector for item in nodes for role, vector in slots(item.node)
                   if role == "out_channels"]
        self.solver.output = outputs[-1] if outputs else None
        facts = Facts(self.instances, _globals(maker), nothing)
        if own_forward:
            self.forward = specialise(_function(maker, "forward"), facts)
        simple = all(all(item.there) for item in nodes) and not any(
            isinstance(item.node, Choice) or self._needs_statements(item.node) for item in nodes)
        if issubclass(maker, nn.Sequential) and simple:
            prelude, text = self._elements(nodes)
            self.body = [*prelude, f"super().__init__({text})"]
        else:
            self.body = ["super().__init__()"]
            for item in nodes:
                self.body += self._child(item, optional=own_forward)
        self._write_tensors(maker)
        for name in sorted(facts.read, key=_order(self.forward)):
            self.body.append(f"self.{name} = {self._plain(name, facts.of(name))}")

    def _child(self, item: Item, *, optional: bool) -> Block:
        target = f"self.{item.key}"
        if all(item.there):
            return self._place(target, item.key, item.node)
        condition = self.solver.condition(item.there, item.key, slots(item.node))
        made = self._place(target, item.key, item.node)
        if not optional:
            return [(f"if {condition}:", made)]
        match made:
            case [str(line)]:
                value = line.removeprefix(f"{target} = ")
                return [f"{target} = {value} if {condition} else None"]
        return [f"{target}: nn.Module | None = None", (f"if {condition}:", made)]

    def _plain(self, name: str, values: list[Any]) -> str:
        vector = tuple(values)
        if all(isinstance(value, bool) for value in vector) and len(set(vector)) > 1:
            return self.solver.condition(vector, name)
        return self.solver.expression(tuple(map(as_tuple, vector)), name)

    def _write_tensors(self, maker: type[nn.Module]) -> None:
        for kind in ("_parameters", "_buffers"):
            names = merged([[name for name, tensor in getattr(module, kind).items()
                             if tensor is not None] for module in self.instances])
            for name in names:
                there = tuple(getattr(module, kind).get(name) is not None
                              for module in self.instances)
                call = tensor_call(maker, name, kind == "_parameters")
                text = self._with_numbers(call)
                line = f"self.{name} = {text}" if kind == "_parameters" \
                    else f'self.register_buffer("{name}", {text})'
                if kind == "_buffers":
                    self.tensors.append(name)
                if all(there):
                    self.body.append(line)
                else:
                    condition = self.solver.condition(there, name)
                    self.body.append(f"{line} if {condition} else None")

    def _with_numbers(self, call: ast.expr) -> str:
        """An expression of the constructor's variables with what they are here."""
        call = deepcopy(call)
        names = [node.id for node in ast.walk(call) if isinstance(node, ast.Name)]
        for name in dict.fromkeys(names):
            vector = {**self.solver.variables, **self.solver.given}.get(name)
            if vector is None:
                vector = self._fixed(name)
            if vector is not None:
                text = self.solver.expression(vector, name)
                call = _replaced(call, name, ast.parse(text, mode="eval").body)
        return ast.unparse(call)

    def _fixed(self, name: str) -> Vector | None:
        found = [self.record.variables.get(id(module), {}).get(name) for module in self.instances]
        vector = tuple(map(as_tuple, found))
        return None if None in vector else vector

    # Expressions and statements.

    def _place(self, target: str, key: str, node: Node) -> Block:
        """The statements that put a node into a target."""
        if isinstance(node, Chain) and self._is_grown(node):
            given = ", ".join(f"{name}={self.solver.expression(vector, name)}"
                              for name, vector in node.arguments)
            return [f"{target} = {_container(node)}({given})", *self._grown(target, node.items)]
        if isinstance(node, Choice):
            return self._chosen(target, key, node)
        prelude, text = self._expression(node, key)
        return [*prelude, f"{target} = {text}"]

    def _chosen(self, target: str, key: str, node: Choice) -> Block:
        typed = f"{target}: nn.Module" if target.startswith("self.") else target
        made: Block = []
        options = list(node.options)
        # What is simplest to say stands last, without a condition.
        options.sort(key=lambda option: len(list(slots(option[1]))), reverse=True)
        for number, (there, option) in enumerate(options):
            first, last = number == 0, number == len(options) - 1
            head = "else:" if last else \
                f"{'if' if first else 'elif'} {self.solver.condition(there, key)}:"
            if isinstance(option, Chain) and self._is_grown(option):
                inner = [*self._place(key, key, option), f"{typed if first else target} = {key}"]
            else:
                inner = self._place(typed if first else target, key, option)
            made.append((head, inner))
        match made:
            case [(condition, [str(one)]), ("else:", [str(other)])]:
                a, b = one.removeprefix(f"{typed} = "), other.removeprefix(f"{target} = ")
                short = f"{target} = {a} if {condition[3:-1]} else {b}"
                if len(short) < 76 and target.startswith("self."):
                    return [short]
        return made

    def _added(self, target: str, items: Sequence[Item]) -> Block:
        """Parts that are added one by one; several where a loop adds them."""
        first = items[0]
        made: Block = []
        numbered = len(items) > 1 or first.last is not None
        for item in items:
            key = f'f"{stem(item.key)}{{number}}"' if numbered else f'"{item.key}"'
            prelude, text = self._expression(item.node, item.key)
            made += [*prelude, f"{target}.append({text})" if item.key.isdigit()
                     else f"{target}.add_module({key}, {text})"]
        return made

    def _grown(self, target: str, items: Sequence[Item]) -> Block:
        made: Block = []
        place = 0
        for item, run, step in folded(items):
            if place > items.index(item):
                continue
            place = items.index(item) + run
            start = item.key[len(stem(item.key)):]
            if item.last is not None:
                group = [other for other in items[place - 1:] if other.last == item.last]
                place += len(group) - 1
                depth = self.solver.expression(item.last, "depth")
                made.append((f"for number in range({start}, {plus_one(depth)}):",
                             self._added(target, group)))
            elif run > 1 and not step and item.key.isdigit():
                text = self._expression(item.node, item.key)[1]
                made.append((f"for _ in range({run}):", [f"{target}.append({text})"]))
            elif run > 1 and not step:
                text = self._expression(item.node, item.key)[1]
                made.append((f"for number in range({start}, {int(start) + run}):",
                             [f'{target}.add_module(f"{stem(item.key)}{{number}}", {text})']))
            else:
                for one in items[place - run:place]:
                    partly = not all(value is True or is_hole(value) for value in one.there)
                    condition = partly and self.solver.condition(
                        one.there, one.key, slots(one.node))
                    added = self._added(target, [one])
                    made += [(f"if {condition}:", added)] if condition else added
        return made

    def _is_grown(self, node: Node) -> bool:
        """Whether parts are added one by one."""
        if not isinstance(node, Chain):
            return False
        named = any(not item.key.isdigit() for item in node.items)
        return bool(node.arguments) or any(
            (item.last is None and not all(value is True or is_hole(value) for value in item.there))
                   or (item.last is not None and named) or self._needs_statements(item.node)
                   for item in node.items) or (
            named and (any(run > 1 for _, run, _ in folded(node.items))
                       or any(item.key.isdigit() for item in node.items)))

    def _needs_statements(self, node: Node) -> bool:
        return self._is_grown(node) or isinstance(node, Choice)

    def _expression(self, node: Node, key: str, side: int = 1) -> tuple[Block, str]:
        """What must stand before, and the expression; `side` is that of the maps that a linear
        layer is given."""
        match node:
            case Layer():
                return [], self._layer(node, side)
            case Part(template, arguments):
                return [], self._call(template, dict(arguments), key)
            case Shared(name, inner):
                if name in self._written:
                    return [], name
                self._written.add(name)
                return self._place(name, name, inner), name
            case Chain() if not self._is_grown(node):
                prelude, text = self._elements(node.items)
                return prelude, f"{_container(node)}({text})"
        name = key if key.isidentifier() else "layers"
        return self._place(name, key, node), name

    def _elements(self, items: Sequence[Item]) -> tuple[Block, str]:
        """What must stand before, and what a `nn.Sequential` is given."""
        before: Block = []

        def text_of(item: Item) -> str:
            prelude, text = self._expression(item.node, item.key, _side(items, item))
            before.extend(prelude)
            return text

        if not all(item.key == str(place) for place, item in enumerate(items)):
            inside = ", ".join(f"{item.key}={text_of(item)}" for item in items)
            return before, f"OrderedDict({inside})"
        parts = []
        for item, run, step in folded(items):
            if item.last is not None:
                text = text_of(item)
                depth = self.solver.expression(
                    tuple(last if is_hole(last) else last + 1 - int(item.key)
                          for last in item.last), "depth")
                parts.append(f"*({text} for _ in range({depth}))")
            elif run == 1:
                parts.append(text_of(item))
            elif step is None:
                parts.append(f"*({text_of(item)} for _ in range({run}))")
            else:
                parts.append(f"*({self._stepped(item, step)} for number in range({run}))")
        return before, ", ".join(parts)

    def _stepped(self, item: Item, step: dict[str, int]) -> str:
        node = item.node
        assert isinstance(node, Part)
        overrides = {}
        for name, vector in node.arguments:
            if name in step:
                overrides[name] = f"{vector[0]} + {step[name]} * number"
        return self._call(node.template, dict(node.arguments), item.key, overrides)

    def _layer(self, node: Layer, side: int) -> str:
        if len(set(node.type) - {HOLE}) == 1:
            type_ = next(value for value in node.type if not is_hole(value))
            name, required = f"nn.{type_.__name__}", positional(type_)
        else:
            name, required = self.solver.expression(node.type, "activation"), ()
        given = []
        for parameter, vector in node.arguments:
            role = ROLES.get(parameter, parameter)
            if parameter == "in_features" and side > 1 and not any(
                    value % side ** 2 for value in vector if not is_hole(value)):
                vector = tuple(HOLE if is_hole(value) else value // side ** 2 for value in vector)
                value = f"{self.solver.expression(vector, role)} * {side} * {side}"
            else:
                value = self.solver.expression(vector, role)
            given.append(value if parameter in required else f"{parameter}={value}")
        return f"{name}({', '.join(given)})"

    def _call(self, template: Template, arguments: dict[str, Vector], key: str,
              overrides: dict[str, str] | None = None) -> str:
        given = []
        named = False
        for name, one in template.parameters.items():
            vector = arguments[name]
            value = (overrides or {}).get(name) or self.solver.expression(vector, name)
            if not is_hole(one.default):
                if value == literal(one.default):
                    named = True
                    continue
                named = named or name not in ("kernel_size", "kernel")
            given.append(f"{name}={value}" if named and not is_hole(one.default) else value)
        return f"{template.name}({', '.join(given)})"


def _flat(block: Block) -> Iterator[str]:
    for statement in block:
        if isinstance(statement, str):
            yield statement
        else:
            yield statement[0]
            yield from _flat(statement[1])


def _again(block: Block, lines: Iterator[str]) -> Block:
    """A block with other lines in the place of its own."""
    return [next(lines) if isinstance(statement, str)
            else (next(lines), _again(statement[1], lines)) for statement in block]


def plus_one(number: str) -> str:
    return str(int(number) + 1) if number.isdigit() else f"{number} + 1"


def folded(items: Sequence[Item]) -> Iterator[tuple[Item, int, dict[str, int] | None]]:
    """Parts of a chain, with how often each stands in a row, and by how much its numbers grow."""
    place = 0
    while place < len(items):
        item = items[place]
        end = place + 1
        step: dict[str, int] | None = None
        while end < len(items) and item.last is None and items[end].last is None \
                and _follows(items[end - 1].key, items[end].key):
            grown = _step(items[end - 1].node, items[end].node)
            if grown is None or (end > place + 1 and grown != step):
                break
            step = grown
            end += 1
        count = end - place
        if count < 3:
            yield item, 1, None
            place += 1
        else:
            yield item, count, step or None
            place = end


def _side(items: Sequence[Item], item: Item) -> int:
    """Of the maps that the first linear layer behind a pooling is given, flattened."""
    side = 1
    for other in items:
        if other is item:
            break
        if isinstance(other.node, Layer) and other.node.type[0] is nn.AdaptiveAvgPool2d:
            side = dict(other.node.arguments)["output_size"][0]
        elif isinstance(other.node, Layer) and other.node.type[0] is nn.Linear:
            side = 1
    return side


@cache
def loop_variables(maker: type[nn.Module] | FunctionType) -> frozenset[str]:
    """Names that mean something in a loop alone."""
    functions = [maker] if isinstance(maker, FunctionType) else [
        vars(base)["__init__"] for base in maker.__mro__
        if base.__module__.startswith("explorer.") and "__init__" in vars(base)]
    return frozenset(
        inner.id for function in functions
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))
        if isinstance(node, ast.For | ast.comprehension)
        for inner in ast.walk(node.target) if isinstance(inner, ast.Name))


def _follows(one: str, other: str) -> bool:
    before = stem(one)
    return one != before and other == f"{before}{int(one[len(before):]) + 1}"


def _step(node: Node, other: Node) -> dict[str, int] | None:
    """By how much the arguments of one part are more than those of another; None where they differ
    in something else."""
    if node == other:
        return {}
    if not isinstance(node, Part) or not isinstance(other, Part) or node.template != other.template:
        return None
    steps = {}
    for (name, one), (_, two) in zip(node.arguments, other.arguments, strict=True):
        if one != two:
            if len(one) != 1 or type(one[0]) is not int or type(two[0]) is not int:
                return None
            steps[name] = two[0] - one[0]
    return steps


def collapsed(module: nn.Module | None) -> nn.Module | None:
    """A chain of a single layer without parameters is that layer."""
    if type(module) is nn.Sequential and len(module) == 1 and not module.state_dict():
        return module[0]
    return module


def _container(node: Chain) -> str:
    return "nn.Sequential" if node.type is nn.Sequential else node.type.__name__


def _masks(node: Node) -> Iterator[Vector]:
    if isinstance(node, Chain):
        for item in node.items:
            if item.last is None:
                yield item.there
            yield from _masks(item.node)


def _has_choice(node: Node) -> bool:
    return isinstance(node, Choice) or (
        isinstance(node, Chain) and any(_has_choice(item.node) for item in node.items))


@cache
def positional(layer: type[nn.Module]) -> tuple[str, ...]:
    """The arguments of a layer that stand without their names."""
    required = [name for name, parameter in inspect.signature(layer).parameters.items()
                if parameter.default is parameter.empty]
    return (*required, "p") if layer is nn.Dropout else tuple(required)


def _function(owner: type[nn.Module], name: str) -> FunctionType:
    function = getattr(owner, name)
    assert isinstance(function, FunctionType)
    return function


def _globals(owner: type[nn.Module]) -> dict[str, Any]:
    return _function(owner, "forward").__globals__


def _order(tree: ast.FunctionDef | None) -> Any:
    names = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)] \
        if tree else []
    return names.index


@cache
def tensor_call(owner: type[nn.Module], name: str, parameter: bool) -> ast.expr:
    """The expression that fills a parameter or a buffer of a class."""
    for base in owner.__mro__:
        init = vars(base).get("__init__")
        if not isinstance(init, FunctionType) or not base.__module__.startswith("explorer."):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(init)))):
            match node:
                case ast.Assign([ast.Attribute(ast.Name("self"), attribute)], value) \
                        if attribute == name and parameter:
                    while isinstance(value, ast.IfExp):
                        value = value.body
                    return _without_device(value)
                case ast.Call(ast.Attribute(ast.Name("self"), "register_buffer"),
                              [ast.Constant(written), value]) if written == name:
                    return _without_device(value)
    raise NotImplementedError(f"{owner.__name__}.{name}")


def _without_device(value: ast.expr) -> ast.expr:
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            node.keywords = [one for one in node.keywords if one.arg != "device"]
    return value


def _replaced(tree: ast.expr, name: str, by: ast.expr) -> ast.expr:
    class Replace(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return by if node.id == name else node

    made: ast.expr = Replace().visit(tree)
    return made
