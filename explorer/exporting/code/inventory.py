"""The modules of a recorded network by what makes them, and the text that is written once for all
that one class or one function makes."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import Any

from torch import nn

from explorer.exporting.code.forward import Facts, function_of, specialise
from explorer.exporting.code.general import Ununifiable, is_container
from explorer.exporting.code.record import Making
from explorer.exporting.code.template import Template

ADDS_NOTHING = {"__module__", "__doc__", "__abstractmethods__", "_abc_impl", "__annotations__"}
"""What a class has that does the same as its base."""
FEWEST_PLACES = 2
"""What a function gives is written as a function where it stands in so many places of the text."""


class Inventory:
    """The answers to what `generalise` asks of the modules of a network."""

    def __init__(self, record: Making) -> None:
        self.record = record
        self.paths: dict[int, str] = {}
        """Of each module the first, by its `id`."""
        self.containers: dict[type[nn.Module], list[nn.Module]] = {}
        """Instances of the classes that are given their parts."""
        self.templates: list[Template] = []
        """Those that need others behind them."""
        self._instances: dict[Any, dict[int, nn.Module]] = {}
        self._places: dict[FunctionType, set[tuple[Any, str]]] = {}
        self._shared: dict[int, str] = {}
        self._made: dict[Any, Template | None] = {}
        self._look(record.network, "", None, {}, "")
        self._template(type(record.network))

    def template_of(self, module: nn.Module) -> Template | None:
        if is_family(module):
            return None if is_container(type(module)) else self._template(class_of(module))
        maker = self.record.makers.get(id(module))
        if maker is None or len(self._places[maker]) < FEWEST_PLACES:
            return None
        return self._template(maker)

    def shared_name(self, module: nn.Module) -> str | None:
        return self._shared.get(id(module))

    def attributes_of(self, container: type[nn.Module]) -> list[str]:
        return self.forward_of(container)[1]

    def forward_of(self, container: type[nn.Module]) -> tuple[ast.FunctionDef, list[str]]:
        """The forward pass of a class that is given its parts, and the attributes that it reads."""
        forward = function_of(container, "forward")
        facts = Facts(self.containers[container], forward.__globals__, resolve=False)
        return specialise(forward, facts), facts.read

    def _template(self, maker: Any) -> Template | None:
        if maker not in self._made:
            try:
                made = Template(maker, [*self._instances[maker].values()], self.record, self)
                self._made[maker] = made
                self.templates.append(made)
            except Ununifiable:
                if not isinstance(maker, FunctionType):
                    raise
                self._made[maker] = None
        return self._made[maker]

    def _look(self, module: nn.Module, path: str, owner: nn.Module | None,
              of_owner: dict[int, str], place: str) -> None:
        """Note a module and those in it. `owner` is the module of the family that it stands in,
        at a `place` of its own, and `of_owner` what stands in it so far."""
        self.paths.setdefault(id(module), path)
        if id(module) in of_owner and next(module.parameters(), None) is not None:
            self._shared[id(module)] = self._variable(module, owner)
            return
        of_owner[id(module)] = place
        if is_family(module):
            if is_container(type(module)):
                self.containers.setdefault(type(module), []).append(module)
            else:
                self._instances.setdefault(class_of(module), {})[id(module)] = module
                owner, of_owner, place = module, {}, ""
        elif maker := self.record.makers.get(id(module)):
            self._instances.setdefault(maker, {})[id(module)] = module
            self._places.setdefault(maker, set()).add((owner and class_of(owner), place))
        for name, child in module._modules.items():
            if child is not None:
                self._look(child, f"{path}.{name}" if path else name, owner, of_owner,
                           f"{place}.{name}")

    def _variable(self, module: nn.Module, owner: nn.Module | None) -> str:
        variables = self.record.variables.get(id(owner), {})
        return next((name for name, value in variables.items() if value is module), "shared")


def is_family(module: nn.Module) -> bool:
    """Whether its class is of a family's own file, or of what families share."""
    return type(module).__module__.startswith("explorer.")


def class_of(module: nn.Module) -> type[nn.Module]:
    """Its class, or the one below where it adds nothing but its name."""
    found: type[nn.Module] = type(module)
    while not set(vars(found)) - ADDS_NOTHING and found.__base__ is not None \
            and found.__base__.__module__.startswith("explorer."):
        found = found.__base__
    return found
