"""A class of the family, or a function that gives one of its parts, as the text that makes all of
its instances in one network."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from types import FunctionType
from typing import Any

from torch import nn

from explorer.exporting.code.forward import Facts, function_of, specialise
from explorer.exporting.code.general import (
    Answers,
    ChainItem,
    Choice,
    Ununifiable,
    as_tuple,
    cached,
    chain,
    generalise,
    is_hole,
    is_nothing,
    merged,
    slots,
)
from explorer.exporting.code.record import Making
from explorer.exporting.code.solver import POSITIONAL, Argument, Solver, literal
from explorer.exporting.code.writing import (
    Block,
    Writing,
    grown,
    has_choice,
    lines_of,
    masks,
    with_lines,
)
from explorer.networks.layers import ConvNormAct

MOST_PARAMETERS = 6
"""Of a function; what would need more is written where it stands."""
SUPER = "super().__init__()"


class Template:
    """What is written once for many modules.

    Raises `Ununifiable` where one text cannot make them all.
    """

    def __init__(self, maker: type[nn.Module] | FunctionType, instances: Sequence[nn.Module],
                 record: Making, answers: Answers) -> None:
        self.maker, self.instances = maker, instances
        self.name = _name(maker, instances)
        self.forward: ast.FunctionDef | None = None
        self.buffers: list[str] = []
        self._record, self._answers = record, answers
        self._places = {id(module): place for place, module in enumerate(instances)}
        self._solver = Solver([record.arguments.get(id(module), {}) for module in instances],
                              [record.variables.get(id(module), {}) for module in instances],
                              without=loop_variables(maker))
        self._writing = Writing(self._solver)
        body = self._function() if isinstance(maker, FunctionType) else self._class(maker)
        variables, lines = self._solver.named(list(lines_of(body)))
        body = _joined(with_lines(body, iter(lines)))
        start = 1 if body[0] == SUPER else 0
        self.body: Block = [*body[:start], *variables, *body[start:]]
        self.parameters: dict[str, Argument] = {one.name: one for one in self._solver.parameters}

    def given(self, module: nn.Module) -> dict[str, Any]:
        """What an instance is given, by parameter."""
        place = self._places[id(module)]
        return {name: one.default if is_hole(one.values[place]) else one.values[place]
                for name, one in self.parameters.items()}

    @property
    def signature(self) -> str:
        parts = []
        for one in self.parameters.values():
            if not one.required and one.name not in POSITIONAL and "*" not in parts:
                parts.append("*")
            default = "" if one.required else f" = {literal(one.default)}"
            parts.append(f"{one.name}: {one.annotation}{default}")
        return ", ".join(parts)

    def _function(self) -> Block:
        node = chain(self.instances, self._answers)
        if not all(all(there) for there in masks(node)) or has_choice(node):
            raise Ununifiable(self.name)
        before, text = self._writing.expression(node, "layers")
        if len(self._solver.parameters) > MOST_PARAMETERS:
            raise Ununifiable(self.name)
        return [*before, f"return {text}"]

    def _class(self, maker: type[nn.Module]) -> Block:
        nothing: set[str] = set()
        items = self._items(nothing)
        outputs = [vector for item in items for role, vector in slots(item.node)
                   if role == "out_channels"]
        self._solver.output = outputs[-1] if outputs else None
        facts = Facts(self.instances, function_of(maker, "forward").__globals__, nothing)
        own = maker.forward is not nn.Sequential.forward
        if own:
            self.forward = specialise(function_of(maker, "forward"), facts)
        body: Block
        if issubclass(maker, nn.Sequential) and all(
                item.always and not isinstance(item.node, Choice) and not grown(item.node)
                for item in items):
            before, text = self._writing.elements(items)
            body = [*before, f"super().__init__({text})"]
        else:
            body = [SUPER]
            for item in items:
                body += self._child(item, or_none=own)
        body += self._tensors(maker)
        return [*body, *(f"self.{name} = {self._attribute(name, facts.of(name))}"
                         for name in facts.read)]

    def _items(self, nothing: set[str]) -> list[ChainItem]:
        """The children; `nothing` gets the names of those that hand on what they are given."""
        items = []
        for key in merged([list(module._modules) for module in self.instances]):
            modules = [collapsed(module._modules.get(key)) for module in self.instances]
            if not key.isdigit() and all(
                    module is not None and is_nothing(module) for module in modules):
                nothing.add(key)
            else:
                items.append(ChainItem(key, generalise(modules, self._answers),
                                  tuple(module is not None for module in modules)))
        return items

    def _child(self, item: ChainItem, *, or_none: bool) -> Block:
        target = f"self.{item.key}"
        if item.always:
            return self._writing.place(target, item.key, item.node)
        condition = self._solver.condition(item.there, item.key, slots(item.node))
        made = self._writing.place(target, item.key, item.node)
        if not or_none:
            return [(f"if {condition}:", made)]
        match made:
            case [str(line)]:
                return [f"{line} if {condition} else None"]
        return [f"{target}: nn.Module | None = None", (f"if {condition}:", made)]

    def _attribute(self, name: str, values: list[Any]) -> str:
        if all(isinstance(value, bool) for value in values) and len({*values}) > 1:
            return self._solver.condition(tuple(values), name)
        return self._solver.expression(tuple(map(as_tuple, values)), name)

    def _tensors(self, maker: type[nn.Module]) -> Block:
        """The parameters and the buffers that are the class's own."""
        body: Block = []
        for kind in ("_parameters", "_buffers"):
            held = [getattr(module, kind) for module in self.instances]
            for name in merged([[*tensors] for tensors in held]):
                text = self._with_numbers(tensor_call(maker, name))
                there = tuple(tensors.get(name) is not None for tensors in held)
                if kind == "_buffers":
                    self.buffers.append(name)
                    body.append(f'self.register_buffer("{name}", {text})')
                elif all(there):
                    body.append(f"self.{name} = {text}")
                elif any(there):
                    condition = self._solver.condition(there, name)
                    body.append(f"self.{name} = {text} if {condition} else None")
        return body

    def _with_numbers(self, call: str) -> str:
        """An expression of the constructor's variables with what they are here."""
        tree = ast.parse(call, mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                vector = tuple(as_tuple(self._record.variables.get(id(module), {}).get(node.id))
                               for module in self.instances)
                if None not in vector:
                    node.id = self._solver.expression(vector, node.id)
        return ast.unparse(tree)


def _name(maker: type[nn.Module] | FunctionType, instances: Sequence[nn.Module]) -> str:
    """That of the maker; a `ConvNormAct` without norms is a `ConvAct`."""
    if maker is not ConvNormAct:
        return maker.__name__
    parts = {name for module in instances for name in module._modules}
    return "".join(part for part in ("Conv", "Norm", "Act") if part.lower() in parts)


def _joined(block: Block) -> Block:
    """A block in which what stands under the same condition twice in a row stands there once."""
    made: Block = []
    for statement in block:
        if made and isinstance(statement, tuple) and isinstance(made[-1], tuple) \
                and statement[0] == made[-1][0] and statement[0].startswith("if "):
            made[-1] = statement[0], [*made[-1][1], *statement[1]]
        else:
            made.append(statement)
    return made


def collapsed(module: nn.Module | None) -> nn.Module | None:
    """A chain of a single layer without parameters is that layer."""
    if type(module) is nn.Sequential and len(module) == 1:
        only = module[0]
        if not only._parameters and not only._buffers and not only._modules:
            return only
    return module


def _constructors(maker: type[nn.Module] | FunctionType) -> list[FunctionType]:
    """The functions of the family that make an instance."""
    if isinstance(maker, FunctionType):
        return [maker]
    return [vars(base)["__init__"] for base in maker.__mro__
            if base.__module__.startswith("explorer.") and "__init__" in vars(base)]


def _nodes(maker: type[nn.Module] | FunctionType) -> list[ast.AST]:
    return [node for function in _constructors(maker)
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))]


@cached
def loop_variables(maker: type[nn.Module] | FunctionType) -> frozenset[str]:
    """The names that mean something in a loop alone."""
    return frozenset(inner.id for node in _nodes(maker)
                     if isinstance(node, ast.For | ast.comprehension)
                     for inner in ast.walk(node.target) if isinstance(inner, ast.Name))


@cached
def tensor_call(maker: type[nn.Module], name: str) -> str:
    """The expression that fills a parameter or a buffer of a class, without its device."""
    for node in _nodes(maker):
        match node:
            case ast.Assign([ast.Attribute(ast.Name("self"), attribute)], value) \
                    if attribute == name:
                break
            case ast.Call(ast.Attribute(ast.Name("self"), "register_buffer"),
                          [ast.Constant(written), value]) if written == name:
                break
    else:
        raise TypeError(f"{maker.__name__} must fill `{name}` in its constructor. Write "
                        f"`self.{name} = nn.Parameter(...)`.")
    while isinstance(value, ast.IfExp):
        value = value.body
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            node.keywords = [one for one in node.keywords if one.arg != "device"]
    return ast.unparse(value)
