"""A network as one Python file that needs PyTorch alone, and reads as if somebody had written it
for this config."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Sequence
from types import FunctionType
from typing import Any

from torch import nn

from explorer.config import Config, ConfigError, knobs_of
from explorer.exporting.code.elsewhere import made_elsewhere, printing
from explorer.exporting.code.forward import function_of, helpers, tree_of
from explorer.exporting.code.general import is_container
from explorer.exporting.code.inventory import Inventory, is_family
from explorer.exporting.code.layout import WIDTH, lay_out
from explorer.exporting.code.record import record
from explorer.exporting.code.shapes import Comment, Shapes
from explorer.exporting.code.template import SUPER, Template
from explorer.exporting.code.writing import Block
from explorer.garbage import without_collections
from explorer.networks.catalogue import family_of, find_preset, network_of
from explorer.networks.layers import layers_on
from explorer.pipeline import Explored

STANDARD = {"math": "import math",
            "OrderedDict": "from collections import OrderedDict",
            "Callable": "from collections.abc import Callable"}
"""What a name is imported by."""


@without_collections()
def code(explored: Explored) -> str:
    """The Python file: of a network of the catalogue its classes, of any other the lines that make
    it.

    Raises `ConfigError` for a network whose forward pass ends early.

    >>> from explorer.pipeline import explore
    >>> "class LeNet(nn.Module):" in code(explore("lenet5"))
    True
    """
    if explored.failure is not None:
        raise ConfigError(f"There is no code of {explored.title}, because it does not run. "
                          f"{explored.failure}")
    config = explored.source.config
    if not isinstance(config, Config):
        return made_elsewhere(explored)
    with layers_on("meta"):
        recorded = record(lambda: network_of(config.network)(config))
    return _File(explored, config, Inventory(recorded)).text


class _File:
    def __init__(self, explored: Explored, config: Config, inventory: Inventory) -> None:
        self.explored, self.config, self.inventory = explored, config, inventory
        self.shapes = Shapes(explored, config.batch_size, inventory.paths)
        self.functions: dict[str, FunctionType] = {}
        """Of the family's file, which a forward pass calls."""
        classes = [*map(self._container, inventory.containers),
                   *map(self._template, inventory.templates)]
        functions = map(self._function, self.functions.values())
        text = "\n\n\n".join("\n".join(part) for part in [*functions, *classes, self._main()])
        self.text = "\n".join([*self._docstring(), "", *_imports(text), "", "", text, ""])

    def _docstring(self) -> list[str]:
        preset, family = find_preset(self.config.network), family_of(self.config.network)
        totals = self.explored.summary.totals
        size = "×".join(map(str, self.config.input_shape))
        turned = [knob.words(value) for name, knob in knobs_of(type(self.config)).items()
                  if (value := getattr(self.config, name)) != getattr(preset.config, name)]
        return [*textwrap.wrap(f'"""{", ".join([preset.title, *turned])}.', WIDTH), "",
                *textwrap.wrap(f"{family.paper}. {preset.source}.", WIDTH), "",
                f"{totals.params:,} parameters; {totals.macs:,} multiply-adds for an input of "
                f"{size}.", '"""']

    def _template(self, template: Template) -> list[str]:
        maker, is_network = template.maker, template is self.inventory.templates[-1]
        if isinstance(maker, FunctionType):
            return [*lay_out(f"def {template.name}({template.signature}) -> nn.Sequential:"),
                    *_doc(maker, 4), *_lines(template.body, 4)]
        base = "nn.Sequential" if issubclass(maker, nn.Sequential) else "nn.Module"
        parts = [_doc(maker, 4), [f"    {name}: Tensor" for name in template.buffers]]
        if template.body != [SUPER]:
            given = f", {template.signature}" if template.signature else ""
            parts.append([*lay_out(f"def __init__(self{given}) -> None:", 4),
                          *_lines(template.body, 8)])
        if template.forward is not None:
            parts.append(self._forward(template.forward, maker, template.instances, is_network))
        return [f"class {template.name}({base}):", *_spaced(parts)]

    def _container(self, kind: type[nn.Module]) -> list[str]:
        """A class that is given its parts, and what else its forward pass reads."""
        forward, read = self.inventory.forward_of(kind)
        given = ", ".join(f"{name}: tuple[int, ...]" for name in read)
        parts = [_doc(kind, 4)]
        if read:
            parts.append([f"    def __init__(self, *parts: nn.Module, {given}) -> None:",
                          "        super().__init__(*parts)",
                          *(f"        self.{name} = {name}" for name in read)])
        parts.append(self._forward(forward, kind, self.inventory.containers[kind], False))
        return [f"class {kind.__name__}(nn.Sequential):", *_spaced(parts)]

    def _forward(self, tree: ast.FunctionDef, owner: type[nn.Module],
                 instances: Sequence[nn.Module], network: bool) -> list[str]:
        names = function_of(owner, "forward").__globals__
        self.functions.update(helpers(tree, names, function_of(owner, "forward").__module__))
        tree.returns = _returns(tree, instances[0])
        arguments = ast.unparse(tree.args)
        assert tree.returns is not None
        lines = lay_out(f"def forward({arguments}) -> {ast.unparse(tree.returns)}:", 4)
        comment = self.shapes.of_network() if network \
            else self.shapes.of_class(instances, tree.body)
        return [*lines, *_statements(tree.body, 8, comment)]

    def _function(self, function: FunctionType) -> list[str]:
        tree = tree_of(function)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(
                    value := function.__globals__.get(node.id), int | float):
                node.id = repr(value)
        lines = lay_out(f"def {tree.name}({ast.unparse(tree.args)}) -> "
                        f"{ast.unparse(tree.returns) if tree.returns else 'None'}:")
        body = tree.body[1:] if ast.get_docstring(tree) else tree.body
        return [*lines, *_doc(function, 4), *_statements(body, 4, None)]

    def _main(self) -> list[str]:
        name = type(self.inventory.record.network).__name__
        return ['if __name__ == "__main__":', f"    network = {name}().eval()",
                *(f"    {line}" for line in printing(self.explored))]


def _imports(text: str) -> list[str]:
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    standard = [line for name, line in STANDARD.items() if name in names]
    functions = ["import torch.nn.functional as F"] if "F" in names else []
    return [*standard, *([""] if standard else []), "import torch", *functions,
            "from torch import Tensor, nn"]


def _spaced(parts: list[list[str]]) -> list[str]:
    """The parts of a class, with an empty line between one and the next."""
    return [line for part in parts if part for line in ["", *part]][1:]


def _returns(tree: ast.FunctionDef, instance: nn.Module) -> ast.expr | None:
    """Those of the annotated types that are still returned."""
    if not isinstance(tree.returns, ast.BinOp):
        return tree.returns
    kinds = {kind for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value
             for kind in _kinds(node.value, instance)}
    options = [option for option in _options(tree.returns)
               if ast.unparse(option).partition("[")[0] in kinds]
    result = options[0]
    for option in options[1:]:
        result = ast.BinOp(result, ast.BitOr(), option)
    return result


def _options(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_options(node.left), *_options(node.right)]
    return [node]


def _kinds(node: ast.expr, instance: nn.Module) -> set[str]:
    match node:
        case ast.IfExp():
            return _kinds(node.body, instance) | _kinds(node.orelse, instance)
        case ast.Tuple():
            return {"tuple"}
        case ast.Dict():
            return {"dict"}
        case ast.Call(ast.Attribute(ast.Name("self"), name)):
            child = getattr(instance, name, None)
            if isinstance(child, nn.Module) and is_family(child) and not is_container(type(child)):
                returns = tree_of(function_of(type(child), "forward")).returns
                if returns is not None:
                    return {ast.unparse(one).partition("[")[0] for one in _options(returns)}
    return {"Tensor"}


def _doc(owner: Any, indent: int) -> list[str]:
    """The first paragraph of what a class or a function says of itself."""
    if not owner.__doc__:
        return []
    start = " " * indent
    text = re.sub(r"\s+", " ", inspect.cleandoc(owner.__doc__).split("\n\n")[0])
    lines = textwrap.wrap(f'"""{text}"""', WIDTH - indent)
    return [f"{start}{line}" for line in lines]


def _lines(block: Block, indent: int) -> list[str]:
    lines = []
    for statement in block:
        if isinstance(statement, str):
            lines += lay_out(_quoted(statement), indent)
        else:
            head, inner = statement
            lines += [*lay_out(head, indent), *_lines(inner, indent + 4)]
    return lines


def _quoted(line: str) -> str:
    """With double quotes, as `ruff format` has them."""
    return re.sub(r"(?<=\d)e-0", "e-", re.sub(r"'([^'\"\\]*)'", r'"\1"', line))


def _statements(body: list[ast.stmt], indent: int, comment: Comment | None) -> list[str]:
    lines: list[str] = []
    start = " " * indent
    for statement in body:
        if isinstance(statement, ast.If | ast.For):
            head = ast.unparse(statement).splitlines()[0]
            lines += [*lay_out(_quoted(head), indent),
                      *_statements(statement.body, indent + 4, comment)]
            if statement.orelse:
                lines += [f"{start}else:", *_statements(statement.orelse, indent + 4, comment)]
            continue
        text = _quoted(ast.unparse(statement))
        if isinstance(statement, ast.Return | ast.Assign) \
                and isinstance(statement.value, ast.Tuple) and text.endswith(")"):
            text = "".join(text[:-1].rsplit("(" + text[:-1].partition("(")[2], 1)[0:1]) \
                + text[:-1].partition("(")[2]
        said = comment(statement) if comment else getattr(statement, "comment", "")
        laid = lay_out(text, indent)
        if said and len(laid) == 1 and len(laid[0]) + 4 + len(said) <= WIDTH:
            laid = [f"{laid[0]}  # {said}"]
        elif said:
            laid = [f"{start}# {said}", *laid]
        lines += laid
    return lines
