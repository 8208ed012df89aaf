"""What stands behind the statements of a forward pass: the shapes of this config."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias

from torch import nn

from explorer.pipeline import Explored
from explorer.tracing.operators import Shape
from explorer.tracing.record import ModuleRun

Comment: TypeAlias = Callable[[ast.stmt], str]
"""What stands behind a statement."""
GROUP = re.compile(r"\(([^()]+)\)")
"""A shape with letters, as the families' own texts have it: `(N, 2C, H/8, W/8)`."""
SIDE = re.compile(r"(\d*)([A-Za-z]\w*)(?:/(\d+))?")


class Shapes:
    """The shapes of a network; `paths` has the first path of each module, by its `id`."""

    def __init__(self, explored: Explored, batch_size: int, paths: dict[int, str]) -> None:
        self.explored, self.batch_size, self.paths = explored, batch_size, paths

    def of_network(self) -> Comment:
        """What each statement of the network's `forward` gives; the first also what it is given."""
        first = True

        def comment(statement: ast.stmt) -> str:
            nonlocal first
            run = next((self.runs[name] for name in children_called(statement)
                        if name in self.runs), None)
            if run is None:
                return ""
            made = ", ".join(map(self._shape, run.output_shapes))
            if first and run.input_shape is not None:
                made = f"{self._shape(run.input_shape)} -> {made}"
            first = False
            return made

        return comment

    def of_class(self, instances: Sequence[nn.Module], body: Sequence[ast.stmt]) -> Comment:
        """The same of a class whose instances all have the same shapes. Where they differ, or it is
        not known, it is what the family's own text says, with letters."""
        paths = [self.paths[id(module)] for module in instances]
        letters = self._letters(paths, body)

        def comment(statement: ast.stmt) -> str:
            said: str = getattr(statement, "comment", "")
            if said and "(N" not in said:
                return said
            if made := self._given_by(statement, paths):
                return ", ".join(map(self._shape, made))
            shapes = self._of_children(statement, paths, said)
            return self._spelt(said, letters) if shapes is None else _put(
                said, [self._shape(shape)[1:-1] for shape in shapes])

        return comment

    def _given_by(self, statement: ast.stmt, paths: Sequence[str]) -> tuple[Shape, ...]:
        """What a statement gives, where that is known and the same at all paths."""
        if isinstance(statement, ast.Return):
            return self._same(paths)
        match getattr(statement, "value", None):
            case ast.Call(ast.Attribute(ast.Name("self"), name)):
                return self._same([f"{path}.{name}" for path in paths])
        return ()

    def _of_children(self, statement: ast.stmt, paths: Sequence[str], said: str
                     ) -> list[Shape] | None:
        """What the children give that a statement calls, where the text has a group for each, or
        one for all."""
        groups = GROUP.findall(said)
        made = [self._same([f"{path}.{name}" for path in paths])
                for name in children_called(statement)]
        shapes = [shape for (shape,) in [one for one in made if len(one) == 1]]
        if not shapes or len(shapes) < len(made) or "->" in said:
            return None
        if len(groups) == 1 and len(set(shapes)) == 1:
            return shapes[:1]
        return shapes if len(groups) == len(shapes) else None

    def _same(self, paths: Sequence[str]) -> tuple[Shape, ...]:
        found = {self.runs[path].output_shapes if path in self.runs else () for path in paths}
        return found.pop() if len(found) == 1 else ()

    def _letters(self, paths: Sequence[str], body: Sequence[ast.stmt]) -> dict[str, int]:
        """What the letters of a family's text are here: those that mean one number."""
        found: dict[str, set[int]] = {}
        for groups, shapes in self._told(paths, body):
            for group, shape in zip(groups, shapes, strict=False):
                words = group.split(", ")
                if len(words) != len(shape):
                    continue
                for word, side in zip(words, shape, strict=True):
                    if word.isidentifier():
                        found.setdefault(word, set()).add(side)
        return {letter: sides.pop() for letter, sides in found.items() if len(sides) == 1}

    def _told(self, paths: Sequence[str], body: Sequence[ast.stmt]
              ) -> Iterator[tuple[list[str], Sequence[Shape]]]:
        """Groups of letters, each with the shapes that they stand for."""
        for place, statement in enumerate(body):
            said: str = getattr(statement, "comment", "")
            groups = GROUP.findall(said)
            given = {self.runs[path].input_shape if path in self.runs else None for path in paths}
            if place == 0 and "->" in said and len(given) == 1 and (shape := given.pop()):
                yield groups, [shape]
            if len(made := self._given_by(statement, paths)) == 1:
                yield groups[-1:], made
            yield groups, self._of_children(statement, paths, said) or []

    def _spelt(self, said: str, letters: dict[str, int]) -> str:
        """A text with numbers for its letters; as it is where a letter has none, and nothing where
        a number is no whole one."""
        spelt = []
        for group in GROUP.findall(said):
            sides = []
            for word in group.split(", "):
                parts = SIDE.fullmatch(word)
                if parts is None or word == "N":
                    sides.append(word)
                    continue
                factor, letter, divisor = parts.groups()
                if letter not in letters:
                    return said
                side, rest = divmod(int(factor or 1) * letters[letter], int(divisor or 1))
                if rest:
                    return ""
                sides.append(str(side))
            spelt.append(", ".join(sides))
        return _put(said, spelt)

    def _shape(self, sides: Shape) -> str:
        head = "N" if sides and sides[0] == self.batch_size else str(sides[0])
        return f"({', '.join([head, *map(str, sides[1:])])})"

    @cached_property
    def runs(self) -> dict[str, ModuleRun]:
        """The first run of each module, by its path."""
        return {run.path: run for run in reversed([*self._runs()]) if run.output_shapes}

    def _runs(self) -> Iterator[ModuleRun]:
        if self.explored.auxiliary is not None:
            yield from self.explored.auxiliary.trace.runs
        yield from self.explored.summary.trace.runs


def _put(said: str, groups: Sequence[str]) -> str:
    """A text with other groups in the place of its own."""
    made = iter(groups)
    return GROUP.sub(lambda _: f"({next(made)})", said)


def children_called(node: ast.AST) -> list[str]:
    """The children that a text calls."""
    return [inner.func.attr for inner in ast.walk(node)
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute)
            and isinstance(inner.func.value, ast.Name) and inner.func.value.id == "self"]
