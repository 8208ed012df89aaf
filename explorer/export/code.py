"""A network as one Python file that needs PyTorch alone, and reads as if somebody had written it for
this config."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from types import FunctionType
from typing import Any

from torch import nn

from explorer.config import Config, ConfigError
from explorer.export.forward import Facts, helpers, source_of, specialise
from explorer.export.general import Ununifiable, is_container
from explorer.export.layout import WIDTH, lay_out
from explorer.export.record import Record, record
from explorer.export.template import Block, Template, _function, _globals
from explorer.garbage import without_collections
from explorer.networks.catalogue import family_of, find_preset
from explorer.pipeline import Explored

PLAIN = {"__module__", "__doc__", "__abstractmethods__", "_abc_impl", "__annotations__"}
"""What a class has that adds nothing to its base."""


@without_collections()
def code(explored: Explored) -> str:
    """The Python file.

    Raises `ConfigError` for a network whose forward pass ends early.
    """
    if explored.failure is not None:
        raise ConfigError(f"There is no code of a network that does not run. {explored.failure}")
    config = explored.source.config
    if not isinstance(config, Config):
        raise NotImplementedError
    writer = _Writer(record(lambda: explored.source.build("meta")))
    return _File(explored, config, writer).text


class _Writer:
    """All that is written of one network: what `generalise` asks."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.instances: dict[Any, dict[int, nn.Module]] = {}
        self.containers: dict[type[nn.Module], list[nn.Module]] = {}
        self.places: dict[FunctionType, set[tuple[Any, str]]] = {}
        self.shared: dict[int, str] = {}
        self.templates: dict[Any, Template | None] = {}
        self.done: list[Template] = []
        self._look(record.network, None, "")
        self.network = self._template(type(record.network))
        assert self.network is not None

    def template_of(self, module: nn.Module) -> Template | None:
        if is_family(module):
            return None if is_container(module) else self._template(class_of(module))
        maker = self.record.makers.get(id(module))
        if maker is None or len(self.places[maker]) < 2:
            return None
        return self._template(maker)

    def attributes_of(self, container: type[nn.Module]) -> list[str]:
        return sorted(self.container(container)[1])

    def container(self, kind: type[nn.Module]) -> tuple[ast.FunctionDef, set[str]]:
        """The forward pass of a class that is given its parts, and the attributes that it reads."""
        facts = Facts(self.containers[kind], _globals(kind), set(), resolve=False)
        return specialise(_function(kind, "forward"), facts), facts.read

    def shared_name(self, module: nn.Module) -> str | None:
        return self.shared.get(id(module))

    def _template(self, maker: Any) -> Template | None:
        if maker not in self.templates:
            try:
                made = Template(maker, list(self.instances[maker].values()), self.record, self)
                self.templates[maker] = made
                self.done.append(made)
            except Ununifiable:
                if not isinstance(maker, FunctionType):
                    raise
                self.templates[maker] = None
        return self.templates[maker]

    def _look(self, module: nn.Module, owner: Any, path: str,
              seen: dict[int, str] | None = None, holder: nn.Module | None = None) -> None:
        """Note every module by what makes it, and what stands in several places of one."""
        seen = {} if seen is None else seen
        if holder is not None:
            if id(module) in seen and next(module.parameters(), None) is not None:
                self.shared[id(module)] = self._variable(module, holder)
                return
            seen[id(module)] = path
        maker: Any = None
        if is_family(module):
            if is_container(module):
                self.containers.setdefault(type(module), []).append(module)
            else:
                maker = class_of(module)
        elif id(module) in self.record.makers:
            maker = self.record.makers[id(module)]
            self.places.setdefault(maker, set()).add((owner, path))
        if maker is not None:
            self.instances.setdefault(maker, {})[id(module)] = module
        if isinstance(maker, type):
            owner, path, seen, holder = maker, "", {}, module
        for name, child in module._modules.items():
            if child is not None:
                self._look(child, owner, f"{path}.{name}", seen, holder)

    def _variable(self, module: nn.Module, holder: nn.Module) -> str:
        found = self.record.variables.get(id(holder), {})
        return next((name for name, value in found.items() if value is module), "shared")


def is_family(module: nn.Module) -> bool:
    return type(module).__module__.startswith("explorer.")


def class_of(module: nn.Module) -> type[nn.Module]:
    """Its class, or the one below where it adds nothing but its name."""
    found: type[nn.Module] = type(module)
    while not set(vars(found)) - PLAIN and found.__base__ is not None \
            and found.__base__.__module__.startswith("explorer."):
        found = found.__base__
    return found


class _File:
    def __init__(self, explored: Explored, config: Config, writer: _Writer) -> None:
        self.explored, self.config, self.writer = explored, config, writer
        self.functions: dict[str, FunctionType] = {}
        parts = [self._template(template) for template in writer.done]
        containers = [self._container(kind, found)
                      for kind, found in writer.containers.items()]
        functions = [self._helper(function) for function in self.functions.values()]
        body = [*functions, *containers, *parts, self._main()]
        text = "\n\n\n".join("\n".join(part) for part in body)
        self.text = "\n".join([*self._docstring(), "", *self._imports(text), "", "", text, ""])

    # From the top.

    def _docstring(self) -> list[str]:
        config, summary = self.config, self.explored.summary
        preset, family = find_preset(config.network), family_of(config.network)
        source = textwrap.wrap(f"{family.paper}. {preset.source}.", WIDTH)
        totals = summary.totals
        return [f'"""{self.explored.title}', "", *source, "",
                f"{totals.params:,} parameters; {totals.macs:,} multiply-adds for an input of "
                f"{'×'.join(map(str, config.input_shape))}.", '"""']

    def _imports(self, text: str) -> list[str]:
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        standard = [line for name, line in (
            ("math", "import math"),
            ("OrderedDict", "from collections import OrderedDict"),
            ("Callable", "from collections.abc import Callable"),
            ("pairwise", "from itertools import pairwise")) if name in names]
        torch = ["import torch"]
        if "F" in names:
            torch.append("import torch.nn.functional as F")
        torch.append("from torch import Tensor, nn")
        return [*standard, *([""] if standard else []), *torch]

    def _template(self, template: Template) -> list[str]:
        maker = template.maker
        if isinstance(maker, FunctionType):
            return [*lay_out(f"def {template.name}({template.signature}) -> nn.Sequential:"),
                    *_doc(maker, 4), *_lines(template.body, 4)]
        base = "nn.Sequential" if issubclass(maker, nn.Sequential) else "nn.Module"
        lines = [f"class {template.name}({base}):", *_doc(maker, 4)]
        if template is self.writer.network and not maker.__doc__:
            preset = find_preset(self.config.network)
            lines += [f'    """{preset.title}."""', ""]
        elif lines[1:]:
            lines.append("")
        if template.tensors:
            lines += [*(f"    {name}: Tensor" for name in template.tensors), ""]
        signature = ", ".join(filter(None, ["self", template.signature]))
        if template.body != ["super().__init__()"]:
            lines += [*lay_out(f"def __init__({signature}) -> None:", 4),
                      *_lines(template.body, 8)]
        if template.forward is not None:
            if lines[-1]:
                lines.append("")
            lines += self._forward(template.forward, maker, template.instances,
                                   template is self.writer.network)
        return lines

    def _container(self, kind: type[nn.Module], found: list[nn.Module]) -> list[str]:
        forward, read = self.writer.container(kind)
        lines = [f"class {kind.__name__}(nn.Sequential):", *_doc(kind, 4), ""]
        if read:
            given = ", ".join(f"{name}: tuple[int, ...]" for name in sorted(read))
            lines += [f"    def __init__(self, {given}) -> None:",
                      "        super().__init__()",
                      *(f"        self.{name} = {name}" for name in sorted(read)), ""]
        return [*lines, *self._forward(forward, kind, found, False)]

    def _forward(self, tree: ast.FunctionDef, owner: type[nn.Module],
                 instances: Sequence[nn.Module], network: bool) -> list[str]:
        names = _globals(owner)
        self.functions.update(helpers(tree, names, _function(owner, "forward").__module__))
        tree.returns = _returns(tree, instances[0])
        arguments = ast.unparse(tree.args)
        assert tree.returns is not None
        lines = lay_out(f"def forward({arguments}) -> {ast.unparse(tree.returns)}:", 4)
        comment = self._shapes() if network else None
        return [*lines, *_statements(tree.body, 8, comment)]

    def _shapes(self) -> Any:
        """What a statement of the network's `forward` gives, in a comment."""
        batch = self.config.batch_size
        runs = {run.path: run for run in self._runs()}
        first = True

        def shape(sides: Sequence[int]) -> str:
            head = "N" if sides[0] == batch else str(sides[0])
            return f"({', '.join([head, *map(str, sides[1:])])})"

        def comment(statement: ast.stmt) -> str:
            nonlocal first
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) \
                        and isinstance(node.func.value, ast.Name) and node.func.value.id == "self":
                    run = runs.get(node.func.attr)
                    if run is None or not run.output_shapes:
                        return ""
                    made = ", ".join(map(shape, run.output_shapes))
                    if first and run.input_shape is not None:
                        first = False
                        return f"{shape(run.input_shape)} -> {made}"
                    return made
            return ""

        return comment

    def _runs(self) -> Iterator[Any]:
        if self.explored.auxiliary is not None:
            yield from self.explored.auxiliary.trace.runs
        yield from self.explored.summary.trace.runs

    def _helper(self, function: FunctionType) -> list[str]:
        tree = source_of(function).tree
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(
                    value := function.__globals__.get(node.id), int | float):
                node.id = repr(value)
        lines = lay_out(f"def {tree.name}({ast.unparse(tree.args)}) -> "
                        f"{ast.unparse(tree.returns) if tree.returns else 'None'}:")
        body = tree.body[1:] if ast.get_docstring(tree) else tree.body
        return [*lines, *_doc(function, 4), *_statements(body, 4, None)]

    def _main(self) -> list[str]:
        shape = ", ".join(map(str, self.config.input_shape))
        name = type(self.writer.record.network).__name__
        result = self.explored.summary.trace.result
        shown = "{name: tuple(tensor.shape) for name, tensor in output.items()}" \
            if isinstance(result, dict) else "tuple(output.shape)"
        return ['if __name__ == "__main__":',
                f"    network = {name}().eval()",
                "    with torch.inference_mode():",
                f"        output = network(torch.rand({shape}))",
                "    params = sum(parameter.numel() for parameter in network.parameters())",
                '    print(f"{params:,} parameters")',
                f"    print({shown})"]


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
            if isinstance(child, nn.Module) and is_family(child) and not is_container(child):
                returns = source_of(_function(type(child), "forward")).tree.returns
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
    return re.sub(r"\be-0", "e-", re.sub(r"'([^'\"\\]*)'", r'"\1"', line))


def _statements(body: list[ast.stmt], indent: int, comment: Any) -> list[str]:
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
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple):
            text = f"return {text[len('return ('):-1]}" if text.startswith("return (") else text
        said = comment(statement) if comment else getattr(statement, "comment", "")
        laid = lay_out(text, indent)
        if said and len(laid) == 1 and len(laid[0]) + 4 + len(said) <= WIDTH:
            laid = [f"{laid[0]}  # {said}"]
        elif said:
            laid = [f"{start}# {said}", *laid]
        lines += laid
    return lines
