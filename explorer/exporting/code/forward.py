"""`forward` of a class, with what the instances of a network decide resolved.

What is the same in all of them stands as it is: a test of it is gone with the branch that is not
taken, a loop over a list of parts is written out, an `nn.Identity` is no call. `self.training`
stays.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType
from typing import Any

from torch import nn

UNKNOWN: Any = object()


@dataclass
class Facts:
    """What the instances of a class have in common."""

    instances: Sequence[nn.Module]
    names: dict[str, Any]
    """Of the module that has the class: what is global in its `forward`."""
    nothing: set[str] = field(default_factory=set)
    """Children that hand on what they are given."""
    resolve: bool = True
    """Whether numbers that are the same in all instances are written as they are."""
    read: list[str] = field(default_factory=list)
    """Attributes that `forward` still reads and that are no modules."""

    def of(self, name: str) -> list[Any]:
        return [getattr(instance, name, UNKNOWN) for instance in self.instances]


@cache
def _source(function: FunctionType) -> str:
    return textwrap.dedent(inspect.getsource(function))


def tree_of(function: FunctionType) -> ast.FunctionDef:
    """The function anew; its statements have the comment that stands behind them as `comment`."""
    text = _source(function)
    comments = {number: comment.strip() for number, line in enumerate(text.splitlines(), 1)
                if (comment := line.partition("  #")[2])}
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, ast.If | ast.For | ast.FunctionDef):
            node.comment = comments.get(node.end_lineno or 0, "")   # type: ignore[attr-defined]
    return tree


def function_of(owner: type[nn.Module], name: str) -> FunctionType:
    function = getattr(owner, name)
    assert isinstance(function, FunctionType)
    return function


def specialise(function: FunctionType, facts: Facts) -> ast.FunctionDef:
    """The function as these instances run it."""
    tree = tree_of(function)
    tree.body = _tidy(_Resolver(facts, tree).block(tree.body), facts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _own(node) and node.attr != "training" \
                and not any(isinstance(value, nn.Module) for value in facts.of(node.attr)) \
                and not callable(getattr(facts.instances[0], node.attr, None)) \
                and node.attr not in _tensors(facts.instances[0]) \
                and node.attr not in facts.read:
            facts.read.append(node.attr)
    return tree


def _tensors(module: nn.Module) -> set[str]:
    return {*module._parameters, *module._buffers}


def _own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) \
        and node.value.id == "self"


class _Resolver(ast.NodeTransformer):
    def __init__(self, facts: Facts, tree: ast.FunctionDef) -> None:
        self.facts = facts
        self.assigned = Counter(node.id for node in ast.walk(tree)
                                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        """How often each variable is."""
        self.constants: dict[str, Any] = {}
        """Variables whose value is known."""
        self.replaced: dict[str, ast.expr] = {}
        """Variables of a loop that is written out."""

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in statements:
            made = self.visit(statement)
            if made is not None:
                result += made if isinstance(made, list) else [made]
        return result

    # What an expression is in every instance.

    def value(self, node: ast.expr) -> Any:
        """Its value where it is one and the same, else UNKNOWN. A module stands for itself."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name() if node.id in self.constants:
                return self.constants[node.id]
            case ast.Attribute() if _own(node) and node.attr != "training":
                values = self.facts.of(node.attr)
                if all(value is None for value in values):
                    return None
                first = values[0]
                if self.facts.resolve and isinstance(first, bool | int | str | float) \
                        and all(value == first for value in values):
                    return first
            case ast.UnaryOp(ast.Not(), operand):
                value = self.value(operand)
                return UNKNOWN if value is UNKNOWN else not value
            case ast.Compare(left, [operator], [right]):
                return self._compare(left, operator, right)
            case ast.Call(ast.Name("isinstance"), [one, kind]):
                return self._isinstance(one, kind)
            case ast.BoolOp(operator, values):
                known = [self.value(value) for value in values]
                decides = isinstance(operator, ast.Or)
                if any(value is not UNKNOWN and bool(value) is decides for value in known):
                    return decides
                if all(value is not UNKNOWN for value in known):
                    return not decides
        return UNKNOWN

    def _modules(self, node: ast.expr) -> list[Any] | None:
        return self.facts.of(node.attr) if isinstance(node, ast.Attribute) and _own(node) else None

    def _compare(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Any:
        one, two = self._modules(left), self._modules(right)
        if isinstance(operator, ast.Is | ast.IsNot):
            given = isinstance(operator, ast.Is)
            if one and two:
                return given is (one == two)
            if isinstance(right, ast.Constant) and right.value is None:
                if one and all(value is None for value in one):
                    return given
                if one and all(value is not None for value in one):
                    return not given
                value = self.value(left)
                return UNKNOWN if value is UNKNOWN else (value is None) is given
            return UNKNOWN
        if isinstance(operator, ast.In) and one and two and all(
                isinstance(listed, list) for listed in two):
            found = {module in listed for module, listed in zip(one, two, strict=True)}
            return found.pop() if len(found) == 1 else UNKNOWN
        a, b = self.value(left), self.value(right)
        if a is UNKNOWN or b is UNKNOWN:
            return UNKNOWN
        match operator:
            case ast.Eq():
                return a == b
            case ast.NotEq():
                return a != b
            case ast.Gt():
                return a > b
        return UNKNOWN

    def _isinstance(self, one: ast.expr, kind: ast.expr) -> Any:
        modules = self._modules(one)
        if modules is None or not isinstance(kind, ast.Name):
            return UNKNOWN
        found = {isinstance(module, self.facts.names[kind.id]) for module in modules}
        return found.pop() if len(found) == 1 else UNKNOWN

    # Statements.

    def visit_If(self, node: ast.If) -> Any:
        known = self.value(self._substituted(node.test))
        if known is not UNKNOWN:
            return self.block(node.body if known else node.orelse)
        node.test = self.visit(node.test)
        node.body, node.orelse = self.block(node.body), self.block(node.orelse)
        if list(map(ast.dump, node.body)) == list(map(ast.dump, node.orelse)):
            return node.body
        if not node.body and node.orelse:
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, []
        return node if node.body else []

    def visit_For(self, node: ast.For) -> Any:
        parts = self._parts(node.iter)
        if parts is None or not isinstance(node.target, ast.Name):
            node.iter = self.visit(node.iter)
            node.body = self.block(node.body)
            return node
        result: list[ast.stmt] = []
        for part in parts:
            self.replaced[node.target.id] = part
            result += self.block(deepcopy(node.body))
        del self.replaced[node.target.id]
        return result

    def _parts(self, node: ast.expr) -> list[ast.expr] | None:
        """The children that a loop goes through, where all instances have the same."""
        match node:
            case ast.Call(ast.Attribute(ast.Name("self"), "children"), []):
                names = [list(instance._modules) for instance in self.facts.instances]
            case ast.Attribute() if _own(node):
                names = []
                for instance, listed in zip(self.facts.instances, self.facts.of(node.attr),
                                            strict=True):
                    if not isinstance(listed, list) \
                            or not all(isinstance(module, nn.Module) for module in listed):
                        return None
                    by_module = {module: name for name, module in instance._modules.items()}
                    names.append([by_module[module] for module in listed])
            case _:
                return None
        if any(other != names[0] for other in names) or not all(
                name.isidentifier() for name in names[0]):
            return None
        return [ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load()) for name in names[0]]

    def visit_Assign(self, node: ast.Assign) -> Any:
        node.value = self.visit(node.value)
        match node.targets:
            case [ast.Name(name)]:
                value = self.value(node.value)
                if self.assigned[name] == 1 and value is not UNKNOWN:
                    self.constants[name] = value
                    return None
                if isinstance(node.value, ast.Name) and node.value.id == name:
                    return None
        return node

    # Expressions.

    def _substituted(self, node: ast.expr) -> ast.expr:
        replaced = self.replaced

        class Substitute(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.expr:
                return deepcopy(replaced.get(node.id, node))

        made: ast.expr = Substitute().visit(deepcopy(node))
        return made

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.replaced:
            return deepcopy(self.replaced[node.id])
        if isinstance(node.ctx, ast.Load) and node.id in self.constants:
            return ast.Constant(self.constants[node.id])
        value = self.facts.names.get(node.id)
        if isinstance(value, int | float | str) and not self.assigned[node.id]:
            return ast.Constant(value)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _own(node) and isinstance(node.ctx, ast.Load):
            value = self.value(node)
            if value is not UNKNOWN:
                return ast.Constant(value)
        self.generic_visit(node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        known = self.value(self._substituted(node.test))
        if known is not UNKNOWN:
            made: ast.expr = self.visit(node.body if known else node.orelse)
            return made
        self.generic_visit(node)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        known = self.value(node)
        if known is not UNKNOWN:
            return ast.Constant(known)
        node.values = [self.visit(value) for value in node.values
                       if self.value(value) is UNKNOWN]
        return node.values[0] if len(node.values) == 1 else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and _own(node.func) \
                and node.func.attr in self.facts.nothing and len(node.args) == 1:
            return node.args[0]
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        match node.generators:
            case [ast.comprehension(ast.Name(name), iterated, tests)] \
                    if (parts := self._parts(iterated)) is not None:
                elements = []
                for part in parts:
                    self.replaced[name] = part
                    known = [self.value(self._substituted(test)) for test in tests]
                    if UNKNOWN in known:
                        raise TypeError(
                            f"`{ast.unparse(node)}` in a `forward` must have the same parts in "
                            "every instance of its class, or its test must be one of `self`.")
                    if all(known):
                        elements.append(self.visit(deepcopy(node.elt)))
                    del self.replaced[name]
                return ast.List(elements, ast.Load())
        self.generic_visit(node)
        return node


def _tidy(body: list[ast.stmt], facts: Facts) -> list[ast.stmt]:
    """Without variables that nobody reads, without one that is returned at once, and without lists
    whose elements can stand where the list is handed on."""
    loaded = {node.id for statement in body for node in ast.walk(statement)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    body = [statement for statement in body if not (
        isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id not in loaded and not _calls(statement.value))]
    for place, statement in enumerate(body):
        if isinstance(statement, ast.Return):
            body = body[:place + 1]
            break
    body = _without_lists(body, facts)
    match body:
        case [*before, ast.Assign([ast.Name(made)], value) as last, ast.Return(ast.Name(given))] \
                if made == given:
            returned = ast.Return(value)
            returned.comment = getattr(last, "comment", "")  # type: ignore[attr-defined]
            return [*before, returned]
    return body


def _without_lists(body: list[ast.stmt], facts: Facts) -> list[ast.stmt]:
    """`made = [a, b]`, then `[*made, c]`: `[a, b, c]`. And a list that grows at the top of the body
    and whose elements are then arguments: a variable each, with the name of the parameter."""
    for name in [statement.targets[0].id for statement in body
                 if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List)
                 and isinstance(statement.targets[0], ast.Name)]:
        uses = [node for statement in body for node in ast.walk(statement)
                if isinstance(node, ast.Name) and node.id == name]
        grown = [statement for statement in body if _appended(statement, name) is not None]
        holders = [node for statement in body for node in ast.walk(statement)
                   if isinstance(node, ast.List | ast.Call) and any(
                       _spread(element, name) for element in _elements(node))]
        if len(uses) != 2 + len(grown) or len(holders) != 1:
            continue
        [start] = [place for place, statement in enumerate(body) if isinstance(
            statement, ast.Assign) and statement.targets[0] in uses]
        made = body[start]
        assert isinstance(made, ast.Assign) and isinstance(made.value, ast.List)
        if not grown and start + 1 < len(body) and isinstance(holders[0], ast.List) \
                and holders[0] in ast.walk(body[start + 1]):
            _put(holders[0], name, made.value.elts)
            return [*body[:start], *body[start + 1:]]
        named = _parameters(holders[0], name, len(grown), facts)
        if grown and not made.value.elts and named:
            _put(holders[0], name, [ast.Name(one, ast.Load()) for one in named])
            names = iter(named)
            return [ast.Assign([ast.Name(next(names), ast.Store())], added, lineno=0)
                    if (added := _appended(statement, name)) is not None else statement
                    for statement in body if statement is not made]
    return body


def _elements(node: ast.List | ast.Call) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List) else node.args


def _spread(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Starred) and isinstance(node.value, ast.Name) \
        and node.value.id == name


def _put(holder: ast.List | ast.Call, name: str, elements: Sequence[ast.expr]) -> None:
    """Elements in the place of the list that was handed on."""
    held = _elements(holder)
    [place] = [place for place, element in enumerate(held) if _spread(element, name)]
    held[place:place + 1] = elements


def _appended(statement: ast.stmt, name: str) -> ast.expr | None:
    """What a statement appends to a list."""
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(listed), "append"), [added])) \
                if listed == name:
            return added
    return None


def _parameters(call: ast.List | ast.Call, name: str, count: int, facts: Facts) -> list[str]:
    """Those of a child's `forward` that the elements of a list are given as."""
    match call:
        case ast.Call(ast.Attribute(ast.Name("self"), child), arguments):
            [place] = [place for place, one in enumerate(arguments) if _spread(one, name)]
            known = [*inspect.signature(facts.of(child)[0].forward).parameters]
            return known[place:place + count]
    return []


def _calls(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call) for inner in ast.walk(node))


def helpers(tree: ast.AST, names: dict[str, Any], where: str) -> dict[str, FunctionType]:
    """The functions of the family's file that a text calls."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            value: Callable[..., Any] | None = names.get(node.id)
            if isinstance(value, FunctionType) and value.__module__ == where:
                found[node.id] = value
    return found
