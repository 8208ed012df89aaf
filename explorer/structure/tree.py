"""The tree of modules that a pass runs through, by their runs alone: whatever they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from explorer.analysis import Layer, Summary
from explorer.tracing import Trace


@dataclass(eq=False)
class Node:
    """A run of a module with the runs inside it, or one call."""

    path: str
    type: str
    plain: bool
    """A `nn.Sequential` or derived from one: it keeps parts in a row and does nothing itself."""
    start: int
    stop: int
    """The call behind its last one."""
    parts: list[Node]
    outer: str
    """The path of the outermost module that only wraps it: its own where there is none."""

    @property
    def is_call(self) -> bool:
        return not self.parts


def modules_of(trace: Trace, layers: Sequence[Layer]) -> Node:
    """The network with all that ran in it. A module that makes one call is that call; one that only
    wraps another is one with it."""
    root = _node("", trace, 0, len(trace.calls))
    open_nodes = [root]
    following = 0       # the next call that has no place yet
    outer: dict[int, str] = {}

    def calls_before(stop: int) -> None:
        nonlocal following
        for layer in layers[following:stop]:
            open_nodes[-1].parts.append(Node(
                path=layer.path, type=layer.type, plain=False, start=layer.index,
                stop=layer.index + 1, parts=[],
                outer=outer.get(layer.index, layer.path)))
        following = max(following, stop)

    for run in trace.runs:
        while open_nodes[-1] is not root and run.start >= open_nodes[-1].stop:
            calls_before(open_nodes[-1].stop)
            open_nodes.pop()
        if run.stop - run.start <= 1:
            if run.stop > run.start:    # one that hands its input on wraps nothing
                outer.setdefault(run.start, run.path)
            continue
        calls_before(run.start)
        node = _node(run.path, trace, run.start, run.stop)
        open_nodes[-1].parts.append(node)
        open_nodes.append(node)
    while open_nodes:
        calls_before(open_nodes[-1].stop)
        open_nodes.pop()
    root.parts = [_unwrapped(part) for part in root.parts]
    return root


def _node(path: str, trace: Trace, start: int, stop: int) -> Node:
    module = trace.modules[path]
    return Node(path=path, type=module.type, plain=module.sequential, start=start, stop=stop,
                parts=[], outer=path)


def _unwrapped(node: Node) -> Node:
    """A node whose only part is another is one with it, under the name that says more."""
    node.parts = [_unwrapped(part) for part in node.parts]
    if len(node.parts) == 1 and node.parts[0].parts:
        inner = node.parts[0]
        if node.plain and not inner.plain:
            inner.outer = node.outer
            return inner
        node.parts = inner.parts
    return node


def stage_layers(summary: Summary) -> list[tuple[str, tuple[Layer, ...]]]:
    """The stages of a pass with their layers, in order, without what is inside them: the path of
    each and all layers of it."""
    root = modules_of(summary.trace, summary.layers)
    return [(node.outer, summary.layers[node.start:node.stop])
            for node in Flow(summary.layers).stages(root)]


class Flow:
    """How the parts of a node hang together."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self._known: dict[Node, bool] = {}

    def stages(self, root: Node) -> list[Node]:
        """What the network is made of at the top: a row of stages that stands inside one part is
        taken out of it."""
        if len(root.parts) == 1 and self.is_row(root.parts[0]) and root.parts[0].parts:
            return self.stages(root.parts[0])
        result: list[Node] = []
        for part in root.parts:
            stages = [inner for inner in part.parts if self._is_stage(inner)]
            result += self.stages(part) if len(stages) > 1 and self.is_row(part) else [part]
        return result

    def blocks(self, stage: Node) -> list[Node]:
        """The parts of a stage: a plain row of blocks that stands inside it is taken apart."""
        return [block for part in stage.parts for block in
                (self.blocks(part) if part.plain and self._is_stage(part) else [part])]

    def is_row(self, node: Node) -> bool:
        """Whether its parts run one after the other, each on what the one before it gives.

        In a dense block a part may read more than the one before, if it reads that too.
        """
        parts = node.parts
        for number, (before, part) in enumerate(pairwise(parts), 1):
            sources = list(self._sources(part))
            if all(before.start <= source < before.stop for source in sources):
                continue
            reads_it = any(before.start <= source < before.stop for source in sources)
            alike = part.type == before.type and not part.is_call
            last = part.is_call and number == len(parts) - 1 and self._repeats(parts)
            if not (reads_it and (alike or last)):
                return False
        return True

    def _is_stage(self, node: Node) -> bool:
        """Whether it is a row with blocks of one class, each of which joins ways."""
        if node not in self._known:     # asked for at every level above it
            self._known[node] = not node.is_call and self.is_row(node) and self._repeats(
                [part for part in self.blocks(node) if self._joins(part)])
        return self._known[node]

    def _repeats(self, parts: Sequence[Node]) -> bool:
        types = [part.type for part in parts if not part.is_call]
        return len(types) > len(set(types))

    def _joins(self, node: Node) -> bool:
        return any(self.layers[index].kind == "merge" for index in range(node.start, node.stop))

    def _sources(self, node: Node) -> Iterator[int]:
        """The calls outside of it that it reads."""
        for index in range(node.start, node.stop):
            for producer in self.layers[index].inputs:
                if not node.start <= producer < node.stop:
                    yield producer
